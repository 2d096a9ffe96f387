//! Somebody signs in where another person is signed in: the apps of that person are told, and the
//! sign-in goes on.

use crate::app::{App, PASSWORD, leads_to, product, received};
use crate::back_channel::{Manner, app_with};
use crate::support::app::Product;
use crate::support::browser::{Answer, Browser};

/// Bob signs in at the app's door in ada's browser.
async fn bob_comes(product: &Product, browser: &Browser, app: &App) -> Answer {
    let request = app.sp.request(&product.idp("/saml/sso"));
    let request = request.with("ForceAuthn=\"true\"");
    let form = browser.visit(&request.redirect(None)).await;
    browser.sign_in(&form, "bob", PASSWORD).await
}

fn is_in(answer: &Answer) -> bool {
    answer
        .response()
        .is_some_and(|(_, message)| message.assertion.is_some())
}

#[tokio::test]
async fn c_r10_c_l11_whoever_signs_in_instead_ends_the_session_before_at_its_apps_too() {
    let product = product().await;
    product.add_user("bob", PASSWORD, &[]);
    let browser = product.browser();
    let (store, soap) = app_with(&product, "store", Manner::Confirms);
    let wiki = App::with_redirect(&product, "wiki");
    let at_store = store.enter(&product, &browser, "ada").await;
    let at_wiki = wiki.enter(&product, &browser, "ada").await;
    let page = bob_comes(&product, &browser, &store).await;
    assert_eq!(soap.request(&product).name_id, Some(at_store.name_id));
    assert!(
        page.body.contains("ada</bdi> was signed in"),
        "{}",
        page.body
    );
    let next = leads_to(&page).expect("the wiki is told by the browser");
    let sent = received(&product, &browser.get(&product.idp(&next)).await);
    assert_eq!(sent.message.name_id, Some(at_wiki.name_id));
    assert_eq!(sent.message.session_indexes, [at_wiki.session_index]);
    let back = wiki.confirm(&product, &browser, &sent.message).await;
    let answer = browser.follow(back).await;
    assert!(is_in(&answer), "{}", answer.body);
    let ended = product.cli(["audit", "list", "--kind", "sign-out", "--json"]);
    assert!(ended.contains("\"user\":\"ada\""), "{ended}");
    // It was the one answer to that sign-in.
    let again = browser.visit(&product.idp("/saml/slo/continue")).await;
    assert!(!is_in(&again), "{}", again.body);
}

#[tokio::test]
async fn c_l4_an_app_that_never_answers_does_not_keep_whoever_signs_in_instead() {
    let product = product().await;
    product.add_user("bob", PASSWORD, &[]);
    let browser = product.browser();
    let wiki = App::with_redirect(&product, "wiki");
    let store = App::with_redirect(&product, "store");
    wiki.enter(&product, &browser, "ada").await;
    let page = bob_comes(&product, &browser, &store).await;
    let next = leads_to(&page).expect("the wiki is told by the browser");
    browser.get(&product.idp(&next)).await;
    let page = browser.get(&product.idp("/saml/slo/continue")).await;
    assert!(
        page.body.contains("wiki</bdi>: not confirmed"),
        "{}",
        page.body
    );
    let next = leads_to(&page).expect("it leads on by itself");
    let answer = browser.visit(&product.idp(&next)).await;
    assert!(is_in(&answer), "{}", answer.body);
}

#[tokio::test]
async fn the_same_person_again_ends_nothing() {
    let product = product().await;
    let browser = product.browser();
    let (store, soap) = app_with(&product, "store", Manner::Confirms);
    store.enter(&product, &browser, "ada").await;
    let request = store.sp.request(&product.idp("/saml/sso"));
    let request = request.with("ForceAuthn=\"true\"");
    let form = browser.visit(&request.redirect(None)).await;
    assert!(is_in(&browser.sign_in(&form, "ada", PASSWORD).await));
    assert!(soap.heard_nothing());
}
