//! Where an SP asks for consent, the person sees what would be sent, and decides.

use crate::home::{Home, Inside, PASSWORD, labels};
use crate::support::browser::Answer;
use crate::support::sp::Sp;

const PRIOR: &str = "urn:oasis:names:tc:SAML:2.0:consent:prior";
const CURRENT: &str = "urn:oasis:names:tc:SAML:2.0:consent:current-explicit";

async fn home_with_sp(options: &[&str]) -> (Home, Sp) {
    let home = Home::new().await;
    let list = ["--consent", "--attribute", "mail", "--attribute", "role"];
    let sp = home.sp("app", &Inside::default(), &[&list[..], options].concat());
    (home, sp)
}

fn is_asked(answer: &Answer) -> bool {
    answer.body.contains("Agree and go on")
}

fn claim(answer: &Answer) -> Option<&str> {
    let (_, message) = answer.response().expect("a Response");
    assert!(message.assertion.is_some());
    message.consent.as_deref()
}

#[tokio::test]
async fn somebody_is_asked_once_and_sees_every_value() {
    let (home, sp) = home_with_sp(&[]).await;
    let ada = home.product.browser();
    let page = home.visit(&ada, &sp, "").await;
    assert!(is_asked(&page) && page.response().is_none());
    for seen in [
        "app.example",
        "E-mail address",
        "ada@example.org",
        "Roles",
        "staff",
    ] {
        assert!(page.body.contains(seen), "{seen}");
    }
    assert!(
        !page.body.contains("secret"),
        "a role that is not released is not shown"
    );

    let answer = ada.press(&page, "Agree and go on").await;
    assert_eq!(claim(&answer), Some(CURRENT));
    let (_, message) = answer.response().expect("a Response");
    let told = message.assertion.as_ref().expect("an assertion");
    assert_eq!(labels(told), ["mail", "role"]);

    assert_eq!(claim(&home.visit(&ada, &sp, "").await), Some(PRIOR));
    let elsewhere = home.product.browser();
    assert_eq!(claim(&home.visit(&elsewhere, &sp, "").await), Some(PRIOR));
    let audit = home.product.cli(["audit", "list", "--json"]);
    assert!(audit.contains("consent-given"), "{audit}");
}

#[tokio::test]
async fn nobody_is_asked_and_nothing_claimed_where_the_registration_does_not_say_so() {
    let (home, sp) = home_with_sp(&[]).await;
    home.update("app", &["--consent=false"]);
    let answer = home.visit(&home.product.browser(), &sp, "").await;
    assert_eq!(claim(&answer), None);
}

#[tokio::test]
async fn somebody_is_asked_again_when_it_grows_and_not_when_it_shrinks() {
    let (home, sp) = home_with_sp(&[]).await;
    let ada = home.product.browser();
    let page = home.visit(&ada, &sp, "").await;
    ada.press(&page, "Agree and go on").await;
    home.update("app", &["--attribute", "mail"]);
    assert_eq!(claim(&home.visit(&ada, &sp, "").await), Some(PRIOR));
    home.update("app", &["--attribute", "mail", "--attribute", "sn"]);
    let page = home.visit(&ada, &sp, "").await;
    assert!(
        is_asked(&page) && page.body.contains("New"),
        "{}",
        page.body
    );
    let answer = ada.press(&page, "Agree and go on").await;
    assert_eq!(claim(&answer), Some(CURRENT));
    // Both yeses count.
    home.update("app", &["--attribute", "role"]);
    assert_eq!(claim(&home.visit(&ada, &sp, "").await), Some(PRIOR));
}

/// An identifier that says something is shown and agreed to like an attribute.
#[tokio::test]
async fn an_address_as_identifier_is_agreed_to_as_well() {
    let (home, sp) = home_with_sp(&["--attribute", "role"]).await;
    let ada = home.product.browser();
    let page = home.visit(&ada, &sp, "").await;
    ada.press(&page, "Agree and go on").await;
    home.update("app", &["--attribute", "role", "--nameid", "emailAddress"]);
    let page = home.visit(&ada, &sp, "").await;
    assert!(is_asked(&page) && page.body.contains("ada@example.org"));
}

#[tokio::test]
async fn a_no_ends_at_a_page_with_a_way_back_or_at_the_sp() {
    let (home, sp) = home_with_sp(&["--home-url", "https://app.example/start"]).await;
    let ada = home.product.browser();
    let page = home.visit(&ada, &sp, "").await;
    let refusal = ada.press(&page, "Do not agree").await;
    assert_eq!(refusal.in_short(), "403 consent-refused");
    assert!(
        refusal.body.contains("https://app.example/start"),
        "{}",
        refusal.body
    );

    home.update("app", &["--denied", "status"]);
    let page = home.visit(&ada, &sp, "").await;
    assert!(is_asked(&page), "a no is not remembered");
    let answer = ada.press(&page, "Do not agree").await;
    let (acs, message) = answer.response().expect("a status");
    assert_eq!(
        (acs, message.short_status().as_str()),
        (sp.acs.as_str(), "Responder/RequestDenied")
    );
    let audit = home.product.cli(["audit", "list", "--json"]);
    assert!(audit.contains("consent-refused"), "{audit}");
}

#[tokio::test]
async fn c_r11_a_passive_request_shows_no_question() {
    let (home, sp) = home_with_sp(&[]).await;
    let ada = home.product.browser();
    home.visit(&ada, &sp, "").await;
    let answer = ada.visit(&home.request(&sp, " IsPassive=\"true\"")).await;
    let (_, message) = answer.response().expect("a status");
    assert_eq!(message.short_status(), "Responder/NoPassive");
    assert!(message.assertion.is_none());
}

/// The decision falls again after the click: a yes opens no door.
#[tokio::test]
async fn t_gate_a_yes_makes_nothing_of_a_decision_that_was_withdrawn() {
    let (home, sp) = home_with_sp(&[]).await;
    let ada = home.product.browser();
    let page = home.visit(&ada, &sp, "").await;
    home.product.cli(["user", "revoke", "ada", "staff"]);
    let answer = ada.press(&page, "Agree and go on").await;
    assert_eq!(answer.in_short(), "403 missing-role");
    home.product.cli(["user", "grant", "ada", "staff"]);
    assert!(
        is_asked(&home.visit(&ada, &sp, "").await),
        "nothing was written down"
    );

    // Nor of a registration that changed: what was not shown was not agreed to.
    let page = home.visit(&ada, &sp, "").await;
    home.update("app", &["--attribute", "mail", "--attribute", "sn"]);
    let again = ada.press(&page, "Agree and go on").await;
    assert!(
        is_asked(&again) && again.body.contains("Lovelace"),
        "{}",
        again.in_short()
    );
}

#[tokio::test]
async fn t_csrf_consent_only_this_person_on_our_own_page_agrees() {
    let (home, sp) = home_with_sp(&[]).await;
    let ada = home.product.browser();
    let page = home.visit(&ada, &sp, "").await;
    let form = page
        .forms()
        .into_iter()
        .find(|form| form.action == "/consent");
    let form = form.expect("the form");
    let fields: Vec<(&str, &str)> = form
        .fields
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    let url = home.product.idp("/consent");

    let foreign = ada.post_from("https://evil.example", &url, &fields).await;
    assert!(foreign.response().is_none());
    let forged = form.clone().with("csrf", "0000");
    let answer = ada.submit(&page, &forged).await;
    assert!(
        is_asked(&answer),
        "the question again: {}",
        answer.in_short()
    );
    let other = form.clone().with("shown", "0000");
    assert!(is_asked(&ada.submit(&page, &other).await));
    let unclear = form.clone().with("answer", "maybe");
    assert!(is_asked(&ada.submit(&page, &unclear).await));
    let stranger = home.product.browser();
    let answer = stranger.submit(&page, &form).await;
    assert!(answer.asks_to_sign_in(), "{}", answer.in_short());
    let nothing = form.clone().with("token", "rubbish");
    assert!(ada.submit(&page, &nothing).await.response().is_none());

    let audit = home.product.cli(["audit", "list", "--json"]);
    assert!(!audit.contains("consent-given"), "{audit}");
    assert_eq!(claim(&ada.submit(&page, &form).await), Some(CURRENT));
}

/// ForceAuthn asks for the password once, then for the consent, and is answered once.
#[tokio::test]
async fn c_r9_a_fresh_sign_in_lasts_through_the_question() {
    let (home, sp) = home_with_sp(&[]).await;
    let ada = home.product.browser();
    home.visit(&ada, &sp, "").await;
    let form = ada.visit(&home.request(&sp, " ForceAuthn=\"true\"")).await;
    let page = ada.sign_in(&form, "ada", PASSWORD).await;
    assert!(is_asked(&page), "{}", page.in_short());
    let answer = ada.press(&page, "Agree and go on").await;
    assert_eq!(claim(&answer), Some(CURRENT));
}

#[tokio::test]
async fn c_r21_a_sign_in_that_starts_here_is_asked_about_too() {
    let (home, sp) = home_with_sp(&["--allow-idp-initiated"]).await;
    let ada = home.product.browser();
    let form = ada
        .visit(&home.product.idp("/saml/idp-initiated?sp=app"))
        .await;
    let page = ada.sign_in(&form, "ada", PASSWORD).await;
    assert!(is_asked(&page), "{}", page.in_short());
    let answer = ada.press(&page, "Agree and go on").await;
    assert_eq!(claim(&answer), Some(CURRENT));
    assert_eq!(answer.response().expect("a Response").0, sp.acs);
}

#[tokio::test]
async fn people_see_what_they_agreed_to_and_take_it_back() {
    let (home, sp) = home_with_sp(&[]).await;
    let ada = home.product.browser();
    let account = home.product.idp("/account");
    let page = home.visit(&ada, &sp, "").await;
    assert!(
        !ada.visit(&account)
            .await
            .body
            .contains("What apps may know")
    );
    ada.press(&page, "Agree and go on").await;
    let page = ada.visit(&account).await;
    assert!(page.body.contains("E-mail address, Roles"), "{}", page.body);

    let form = page
        .forms()
        .into_iter()
        .find(|form| form.action.ends_with("/withdraw"));
    let form = form.expect("the form");
    ada.submit(&page, &form.clone().with("csrf", "0000")).await;
    assert_eq!(
        claim(&home.visit(&ada, &sp, "").await),
        Some(PRIOR),
        "t_csrf_withdraw"
    );
    let done = ada.submit(&page, &form).await;
    assert!(done.body.contains("taken back") && !done.body.contains("What apps may know"));
    assert!(is_asked(&home.visit(&ada, &sp, "").await));
    let audit = home.product.cli(["audit", "list", "--json"]);
    assert!(audit.contains("consent-withdrawn"), "{audit}");
}
