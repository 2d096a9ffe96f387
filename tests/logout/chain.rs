//! A logout that leads through several apps, with everything that can go wrong on the way.

use crate::app::{App, Entered, endpoint, leads_to, product, received};
use crate::support::app::Product;
use crate::support::browser::{Answer, Browser};
use crate::support::oracle::Message;

/// Presses the button of `/logout`.
async fn sign_out(product: &Product, browser: &Browser) -> Answer {
    let page = browser.get(&product.idp("/logout")).await;
    let form = page
        .forms()
        .into_iter()
        .find(|form| form.value("csrf").is_some());
    let csrf = form
        .expect("the page asks")
        .value("csrf")
        .unwrap()
        .to_owned();
    browser
        .post(&product.idp("/logout"), &[("csrf", &csrf)])
        .await
}

/// From the page between two apps to the next LogoutRequest.
async fn step(product: &Product, browser: &Browser) -> Answer {
    let page = browser.get(&product.idp("/saml/slo/continue")).await;
    let to = leads_to(&page).unwrap_or_else(|| panic!("it leads nowhere:\n{}", page.body));
    browser.get(&product.idp(&to)).await
}

/// Answers by HTTP-POST, from the app's own site.
async fn confirm_by_post(product: &Product, browser: &Browser, app: &App, request: &Message) {
    let response = app.response(product, request, &["Success"]);
    let message = crate::support::browser::encoded(&app.signed(&response));
    let (from, at) = (app.slo.trim_end_matches("/slo"), product.idp("/saml/slo"));
    let fields = [("SAMLResponse", message.as_str())];
    let back = browser.post_from(from, &at, &fields).await;
    assert_eq!(back.location().unwrap(), product.idp("/saml/slo/continue"));
}

fn check_request(message: &Message, entered: &Entered) {
    assert_eq!(message.kind, "LogoutRequest");
    assert_eq!(message.name_id.as_ref(), Some(&entered.name_id), "C-L6");
    assert_eq!(message.session_indexes, [entered.session_index.as_str()]);
    assert!(message.not_on_or_after.is_some(), "IDP17-t");
}

#[tokio::test]
async fn c_l4_three_apps_one_dead_the_session_ends_first_and_the_asker_hears_of_it() {
    let product = product().await;
    let browser = product.browser();
    let store = App::with_redirect(&product, "store");
    let wiki = App::register(
        &product,
        "wiki",
        &endpoint("POST", "https://wiki.example/slo?a=b"),
    );
    let dead = App::with_redirect(&product, "blog");
    let of_store = store.enter(&product, &browser, "ada").await;
    let of_wiki = wiki.enter(&product, &browser, "ada").await;
    dead.enter(&product, &browser, "ada").await;
    let request = store.request(&product, &of_store);
    let answer = browser.get(&store.redirect(&request, Some("r"))).await;
    assert_eq!(
        answer.location().unwrap(),
        product.idp("/saml/slo/continue")
    );
    assert!(
        !store.lets_in(&product, &browser).await,
        "the session ends first"
    );
    let mut asked = Vec::new();
    for _ in 0..2 {
        let sent = received(&product, &step(&product, &browser).await);
        if sent.to == "https://wiki.example/slo?a=b" {
            check_request(&sent.message, &of_wiki);
            confirm_by_post(&product, &browser, &wiki, &sent.message).await;
        }
        asked.push(sent.to);
    }
    // The dead one never sends the browser back: whoever opens the page again goes on.
    asked.sort();
    assert_eq!(
        asked,
        ["https://blog.example/slo", "https://wiki.example/slo?a=b"]
    );
    let page = browser.get(&product.idp("/saml/slo/continue")).await;
    assert!(
        page.body.contains("<bdi>wiki</bdi>: confirmed"),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("<bdi>blog</bdi>: not confirmed"),
        "{}",
        page.body
    );
    let to = leads_to(&page).expect("back to the app that asked");
    let last = received(&product, &browser.get(&product.idp(&to)).await);
    assert_eq!(last.message.short_status(), "Success/PartialLogout");
    assert_eq!(last.message.in_response_to, Some(request.id));
    assert_eq!(
        (last.to, last.relay_state.as_deref()),
        (store.slo, Some("r"))
    );
    // The answer is given once; what remains is a page.
    let page = browser.get(&product.idp("/saml/slo/continue")).await;
    assert!(leads_to(&page).is_none() && page.body.contains("not confirmed"));
}

#[tokio::test]
async fn c_l4_when_all_confirm_the_asker_hears_success_at_once() {
    let product = product().await;
    let browser = product.browser();
    let (store, wiki) = (
        App::with_redirect(&product, "store"),
        App::with_redirect(&product, "wiki"),
    );
    let of_store = store.enter(&product, &browser, "ada").await;
    let of_wiki = wiki.enter(&product, &browser, "ada").await;
    browser
        .get(&store.redirect(&store.request(&product, &of_store), None))
        .await;
    let sent = received(&product, &step(&product, &browser).await);
    check_request(&sent.message, &of_wiki);
    assert_eq!(sent.relay_state, None);
    let back = wiki.confirm(&product, &browser, &sent.message).await;
    let answer = browser.get(&back.location().unwrap()).await;
    assert_eq!(
        received(&product, &answer).message.short_status(),
        "Success"
    );
}

#[tokio::test]
async fn c_l11_signing_out_here_says_of_each_app_what_it_said() {
    let product = product().await;
    let browser = product.browser();
    let apps = ["a", "b", "c"].map(|name| App::with_redirect(&product, name));
    let deaf = App::register(&product, "deaf", "");
    for app in apps.iter().chain([&deaf]) {
        app.enter(&product, &browser, "ada").await;
    }
    let answer = sign_out(&product, &browser).await;
    assert_eq!(
        answer.location().unwrap(),
        product.idp("/saml/slo/continue")
    );
    let mut codes = [
        &["Success"][..],
        &["Responder"],
        &["Success", "PartialLogout"],
    ]
    .into_iter();
    let mut said = Vec::new();
    for _ in 0..3 {
        let sent = received(&product, &step(&product, &browser).await);
        let app = apps.iter().find(|app| app.slo == sent.to).unwrap();
        let codes = codes.next().unwrap();
        let response = app.response(&product, &sent.message, codes);
        browser.get(&app.redirect(&response, None)).await;
        said.push((app.name.clone(), codes == ["Success"]));
    }
    let page = browser.get(&product.idp("/saml/slo/continue")).await;
    assert!(page.body.contains("You are signed out") && leads_to(&page).is_none());
    for (name, confirmed) in said {
        let word = if confirmed {
            "confirmed"
        } else {
            "not confirmed"
        };
        let line = format!("<bdi>{name}</bdi>: {word}</li>");
        assert!(page.body.contains(&line), "{line}\n{}", page.body);
    }
    assert!(
        page.body.contains("<bdi>deaf</bdi>: not asked</li>"),
        "{}",
        page.body
    );
    let kinds = product.cli(["audit", "list", "--kind", "logout", "--json"]);
    assert_eq!(kinds.matches("logout-not-confirmed").count(), 2, "{kinds}");
}

#[tokio::test]
async fn iip_idp17_m_iip_idp17_t_a_logout_request_by_post_is_signed_and_says_how_long_it_counts() {
    let product = product().await;
    let browser = product.browser();
    let by_post = endpoint("POST", "https://wiki.example/slo");
    let wiki = App::register(&product, "wiki", &by_post);
    let entered = wiki.enter(&product, &browser, "ada").await;
    sign_out(&product, &browser).await;
    let page = step(&product, &browser).await;
    assert!(page.location().is_none(), "it goes by a form");
    // What is received has been verified by xmlsec1 and against the schemas.
    let sent = received(&product, &page);
    assert_eq!(sent.to, "https://wiki.example/slo");
    check_request(&sent.message, &entered);
}

#[tokio::test]
async fn c_l4_a_dead_app_traps_nobody() {
    let product = product().await;
    let browser = product.browser();
    let (dead, wiki) = (
        App::with_redirect(&product, "a-dead-one"),
        App::with_redirect(&product, "wiki"),
    );
    dead.enter(&product, &browser, "ada").await;
    wiki.enter(&product, &browser, "ada").await;
    sign_out(&product, &browser).await;
    let first = received(&product, &step(&product, &browser).await);
    // Nothing comes back. The person opens our sign-out page, or goes back to it.
    let answer = browser.get(&product.idp("/logout")).await;
    assert_eq!(
        answer.location().unwrap(),
        product.idp("/saml/slo/continue")
    );
    let second = received(&product, &step(&product, &browser).await);
    assert_ne!(first.to, second.to);
    let late = [&dead, &wiki]
        .into_iter()
        .find(|app| app.slo == first.to)
        .unwrap();
    // An answer that comes late is still an answer.
    late.confirm(&product, &browser, &first.message).await;
    let page = browser.get(&product.idp("/logout")).await;
    assert_eq!(
        page.body.matches(": confirmed</li>").count(),
        1,
        "{}",
        page.body
    );
    assert_eq!(page.body.matches(": not confirmed</li>").count(), 1);
}

#[tokio::test]
async fn t_slo_other_a_response_counts_once_and_only_from_the_app_that_was_asked() {
    let product = product().await;
    let browser = product.browser();
    let (store, wiki) = (
        App::with_redirect(&product, "store"),
        App::with_redirect(&product, "wiki"),
    );
    store.enter(&product, &browser, "ada").await;
    sign_out(&product, &browser).await;
    let sent = received(&product, &step(&product, &browser).await);
    let stranger = product.browser();
    // Of another app, about nothing, unsigned: no page of a logout, and nothing is settled.
    let theirs = wiki.confirm(&product, &stranger, &sent.message).await;
    assert_eq!(
        (theirs.status, theirs.reason()),
        (400, Some("unexpected-logout-response"))
    );
    let response = store.response(&product, &sent.message, &["Success"]);
    let unsigned = crate::support::browser::encoded(&response.xml(""));
    let at = product.idp("/saml/slo");
    let answer = stranger
        .post_from("https://store.example", &at, &[("SAMLResponse", &unsigned)])
        .await;
    assert_eq!(
        (answer.status, answer.reason()),
        (400, Some("unsigned-logout"))
    );
    let page = browser.get(&product.idp("/saml/slo/continue")).await;
    assert!(page.body.contains(": not confirmed</li>"));
    let genuine = store.redirect(&response, None);
    stranger.get(&genuine).await;
    let denied = store.response(&product, &sent.message, &["Responder"]);
    stranger.get(&store.redirect(&denied, None)).await;
    stranger.get(&genuine).await;
    let page = browser.get(&product.idp("/saml/slo/continue")).await;
    assert!(
        page.body.contains(": confirmed</li>"),
        "the first answer stands"
    );
}

#[tokio::test]
async fn t_slo_other_nobody_sees_or_drives_the_logout_of_another_browser() {
    let product = product().await;
    let (browser, other) = (product.browser(), product.browser());
    let store = App::with_redirect(&product, "store");
    store.enter(&product, &browser, "ada").await;
    sign_out(&product, &browser).await;
    for path in ["/saml/slo/continue", "/saml/slo/next"] {
        let answer = other.get(&product.idp(path)).await;
        assert_eq!(answer.location().unwrap(), product.idp("/logout"));
        assert!(!answer.body.contains("store"));
    }
    other.keep_cookie(
        &product.idp("/"),
        &format!("doorward_logout={}; Path=/", "0".repeat(64)),
    );
    let answer = other.get(&product.idp("/saml/slo/next")).await;
    assert_eq!(answer.location().unwrap(), product.idp("/logout"));
    assert_eq!(
        received(&product, &step(&product, &browser).await).to,
        store.slo
    );
}

#[tokio::test]
async fn c_l10_a_logout_goes_on_at_another_node() {
    let mut product = product().await;
    let browser = product.browser();
    let (store, wiki) = (
        App::with_redirect(&product, "store"),
        App::with_redirect(&product, "wiki"),
    );
    let of_store = store.enter(&product, &browser, "ada").await;
    wiki.enter(&product, &browser, "ada").await;
    let node = product.another_node().await;
    let request = store.request(&product, &of_store);
    browser.get(&store.redirect(&request, None)).await;
    let sent = received(&node, &step(&node, &browser).await);
    assert_eq!(sent.to, wiki.slo);
    // The node that began it is restarted on the way.
    product.restart().await;
    let back = wiki.confirm(&product, &browser, &sent.message).await;
    assert_eq!(back.status, 303);
    let answer = browser.get(&node.idp("/saml/slo/continue")).await;
    let last = received(&node, &answer).message;
    assert_eq!(last.short_status(), "Success");
    assert_eq!(last.in_response_to, Some(request.id));
}

#[tokio::test]
async fn c_l6_a_transient_name_id_is_the_one_that_the_app_got() {
    let product = product().await;
    let browser = product.browser();
    let store = App::with_redirect(&product, "store");
    let policy = "<samlp:NameIDPolicy \
        Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\"/>";
    let first = store.enter_asking(&product, &browser, "ada", policy).await;
    let entered = store.enter_asking(&product, &browser, "ada", policy).await;
    assert_eq!(first.name_id, entered.name_id, "the same within a session");
    sign_out(&product, &browser).await;
    let sent = received(&product, &step(&product, &browser).await);
    check_request(&sent.message, &entered);
    let another = store.enter_asking(&product, &browser, "ada", policy).await;
    assert_ne!(another.name_id, entered.name_id, "another in every session");
}

#[tokio::test]
async fn the_page_of_a_logout_needs_no_script_and_a_broken_answer_does_not_stop_it() {
    let product = product().await;
    let browser = product.browser();
    let store = App::with_redirect(&product, "store");
    let wiki = App::with_redirect(&product, "wiki");
    store.enter(&product, &browser, "ada").await;
    wiki.enter(&product, &browser, "ada").await;
    sign_out(&product, &browser).await;
    let page = browser.get(&product.idp("/saml/slo/continue")).await;
    assert!(!page.body.contains("<script"), "{}", page.body);
    assert!(
        page.body.contains("href=\"/saml/slo/next\">Continue</a>"),
        "{}",
        page.body
    );
    let sent = received(&product, &step(&product, &browser).await);
    let app = [&store, &wiki]
        .into_iter()
        .find(|app| app.slo == sent.to)
        .unwrap();
    let broken = app.response(&product, &sent.message, &["Success"]);
    let address = app
        .redirect(&broken, None)
        .replace("&Signature=", "&Signature=AAAA");
    let answer = browser.get(&address).await;
    assert_eq!(
        answer.location().unwrap(),
        product.idp("/saml/slo/continue")
    );
    let refused = product
        .log()
        .iter()
        .any(|line| line.to_string().contains("bad-signature"));
    assert!(refused, "the log says why");
}
