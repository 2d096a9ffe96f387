//! Keys that change while people sign in, on either side.

use crate::cases::{Setup, signed_in};
use crate::site::Site;
use crate::support::app::Product;
use crate::support::browser::Browser;
use crate::support::oracle::Oracle;
use crate::support::sp::another_key;

/// The next key is published before it signs: whoever took it over in between notices nothing. The
/// one before is gone at the end.
pub(crate) async fn our_key(
    product: &Product,
    site: &mut Site,
    setup: &Setup,
) -> Result<(), String> {
    product.cli(["key", "rotate"]);
    site.restart(product, setup.binding).await;
    enters(product, site, setup).await?;
    product.cli(["key", "activate"]);
    enters(product, site, setup).await?;
    product.cli(["key", "retire"]);
    enters(product, site, setup).await
}

/// Both of its certificates are registered while it changes over; then what it publishes itself.
pub(crate) async fn its_key(
    product: &Product,
    site: &mut Site,
    setup: &Setup,
) -> Result<(), String> {
    let before = product.file("before.pem", &site.keys.certificate_pem());
    (site.keys.key, site.keys.certificate) = another_key();
    let after = product.file("after.pem", &site.keys.certificate_pem());
    let update = ["sp", "update", "app"];
    // What it publishes names one key for encryption: nothing is encrypted while that changes.
    let both = [
        "--certificate",
        &before,
        "--certificate",
        &after,
        "--encrypt",
        "never",
    ];
    product.cli_list(&[&update[..], &both].concat());
    enters(product, site, setup).await?;
    site.restart(product, setup.binding).await;
    enters(product, site, setup).await?;
    let published = site.url(site.kind.paths().metadata);
    let published = ["--metadata", &published, "--encrypt", "auto"];
    product.cli_list(&[&update[..], &published].concat());
    enters(product, site, setup).await
}

/// Somebody signs in; what Doorward sends has to verify under the keys that it publishes at this moment.
async fn enters(product: &Product, site: &Site, setup: &Setup) -> Result<(), String> {
    let browser = trusting_what_is_published(product, site).await;
    let login = site.url(site.kind.paths().login);
    signed_in(site, &browser, &login, setup).await
}

async fn trusting_what_is_published(product: &Product, site: &Site) -> Browser {
    let metadata = reqwest::get(product.idp("/saml/metadata")).await;
    let metadata = metadata.expect("metadata").text().await.expect("text");
    let oracle = Oracle::of_certificates_in(&metadata);
    let browser = Browser::new(product.idp.clone(), oracle).beside(&site.base);
    browser.decrypting(&site.keys.key_pem())
}
