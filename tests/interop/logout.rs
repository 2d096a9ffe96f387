//! Single logout, begun on either side.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cases::{Setup, arrive, instead, is_known, signed_in};
use crate::site::Site;
use crate::support::app::Product;
use crate::support::browser::{Answer, Browser, url_of};

/// She logs out at the application: Doorward ends its session and says so, and the application
/// takes that for an answer.
pub(crate) async fn there(
    product: &Product,
    site: &Site,
    setup: &Setup,
    browser: &Browser,
) -> Result<(), String> {
    let paths = site.kind.paths();
    let login = site.url(paths.login);
    signed_in(site, browser, &login, setup).await?;
    let end = arrive(browser, &site.url(paths.logout)).await;
    let why = || format!("{}, by way of {:?}", instead(&end), end.trail);
    if carried(&end, &product.idp("/saml/slo"), "SAMLRequest").is_none() {
        return Err(format!("no LogoutRequest came: {}", why()));
    }
    if end.encoded_response().is_some() {
        if end.in_short() != "Success" {
            return Err(format!("no Success: {}", why()));
        }
        browser.deliver(&end).await;
    } else {
        match carried(&end, &site.base, "SAMLResponse") {
            Some(response) if response.contains("status:Success\"") => {}
            other => return Err(format!("no Success but {other:?}: {}", why())),
        }
    }
    nobody_is_signed_in(site, browser)
        .await
        .map_err(|wrong| format!("{wrong}: {}", why()))
}

/// She logs out at Doorward: the application hears of it, ends its own session and confirms.
pub(crate) async fn here(
    product: &Product,
    site: &Site,
    setup: &Setup,
    browser: &Browser,
) -> Result<(), String> {
    let login = site.url(site.kind.paths().login);
    signed_in(site, browser, &login, setup).await?;
    let question = browser.get(&product.idp("/logout")).await;
    let mut page = browser.press(&question, "Sign out").await;
    // Whoever can be told from server to server has been told by now.
    if page.body.contains("url=/saml/slo/next\"") {
        page = browser.visit(&product.idp("/saml/slo/next")).await;
        if page.posts_a_request() {
            page = browser.deliver(&page).await;
        }
    }
    if !page.body.contains("</bdi>: confirmed</li>") {
        return Err(format!("not confirmed: {}", instead(&page)));
    }
    nobody_is_signed_in(site, browser).await
}

async fn nobody_is_signed_in(site: &Site, browser: &Browser) -> Result<(), String> {
    if is_known(site, browser).await {
        return Err("the application still knows her".to_owned());
    }
    let form = arrive(browser, &site.url(site.kind.paths().login)).await;
    if form.asks_to_sign_in() {
        return Ok(());
    }
    Err(format!("Doorward still knows her: {}", instead(&form)))
}

/// The message that a redirect brought there on the way to this answer.
fn carried(answer: &Answer, there: &str, parameter: &str) -> Option<String> {
    let visited = answer.trail.iter().chain([&answer.url]);
    let mut brought = visited.filter(|url| url.starts_with(there));
    let value = brought.find_map(|url| {
        let mut query = url_of(url)
            .query_pairs()
            .into_owned()
            .collect::<Vec<_>>()
            .into_iter();
        query.find(|(name, _)| name == parameter)
    })?;
    let deflated = STANDARD.decode(value.1).ok()?;
    let mut xml = String::new();
    flate2::read::DeflateDecoder::new(deflated.as_slice())
        .read_to_string(&mut xml)
        .ok()?;
    Some(xml)
}
