//! What an administrator or a person changes at one node holds at the other's very next request.

use crate::app::App;
use crate::cluster::{Cluster, PASSWORD};
use crate::support::browser::{Answer, Browser, decoded};
use crate::support::oracle::{self, xmlsec1_verifies};

/// Ada has signed in at node A and has been in the store through node B, which therefore has
/// whatever it will ever keep of either. From here on B alone is reached.
async fn ada_in_the_store(cluster: &Cluster) -> (App, Browser) {
    cluster.a.add_user("ada", PASSWORD, &["staff"]);
    let store = App::register_for(&cluster.a, "store", "", "staff");
    cluster.at_a();
    let ada = cluster.signed_in("ada").await;
    cluster.at_b();
    for _ in 0..2 {
        assert_eq!(asks(cluster, &store, &ada).await.in_short(), "assertion");
    }
    (store, ada)
}

/// What the browser gets that asks for the app now.
async fn asks(cluster: &Cluster, app: &App, browser: &Browser) -> Answer {
    let request = app.sp.request(&cluster.b.idp("/saml/sso"));
    browser.visit(&request.redirect(None)).await
}

#[tokio::test]
async fn a_role_withdrawn_shuts_the_door_and_granted_again_opens_it() {
    let cluster = Cluster::start().await;
    let (store, ada) = ada_in_the_store(&cluster).await;
    cluster.a.cli(["user", "revoke", "ada", "staff"]);
    let refused = asks(&cluster, &store, &ada).await;
    assert_eq!(refused.in_short(), "403 missing-role");
    cluster.a.cli(["user", "grant", "ada", "staff"]);
    assert_eq!(asks(&cluster, &store, &ada).await.in_short(), "assertion");
}

#[tokio::test]
async fn a_user_who_is_disabled_gets_nothing_more() {
    let cluster = Cluster::start().await;
    let (store, ada) = ada_in_the_store(&cluster).await;
    cluster.a.cli(["user", "disable", "ada"]);
    let refused = asks(&cluster, &store, &ada).await;
    assert_eq!(refused.in_short(), "403 user-disabled");
    let elsewhere = cluster.b.browser();
    let form = asks(&cluster, &store, &elsewhere).await;
    let again = elsewhere.sign_in(&form, "ada", PASSWORD).await;
    assert!(again.asks_to_sign_in(), "{}", again.in_short());
}

#[tokio::test]
async fn a_session_that_an_administrator_ends_has_ended() {
    let cluster = Cluster::start().await;
    let (store, ada) = ada_in_the_store(&cluster).await;
    cluster.a.cli(["session", "revoke", "--user", "ada"]);
    assert!(asks(&cluster, &store, &ada).await.asks_to_sign_in());
}

#[tokio::test]
async fn a_session_that_its_person_ends_at_one_node_has_ended_at_the_other() {
    let cluster = Cluster::start().await;
    let (store, ada) = ada_in_the_store(&cluster).await;
    // From another browser, through node A.
    cluster.at_a();
    let phone = cluster.signed_in("ada").await;
    let account = phone.get(&cluster.a.idp("/account")).await;
    let forms = account.forms().into_iter();
    let mut ends = forms.filter(|form| form.action == "/account/sessions/revoke");
    let end = ends.next().expect("the other session can be ended");
    phone.submit(&account, &end).await;
    cluster.at_b();
    assert!(asks(&cluster, &store, &ada).await.asks_to_sign_in());
    assert_eq!(asks(&cluster, &store, &phone).await.in_short(), "assertion");

    // In the browser itself.
    cluster.at_a();
    let page = phone.get(&cluster.a.idp("/logout")).await;
    phone.press(&page, "Sign out").await;
    cluster.at_b();
    assert!(asks(&cluster, &store, &phone).await.asks_to_sign_in());
}

#[tokio::test]
async fn a_password_changed_at_one_node_is_the_only_one_at_the_other() {
    const NEW: &str = "another long enough password";
    let cluster = Cluster::start().await;
    let (store, ada) = ada_in_the_store(&cluster).await;
    cluster.at_a();
    let phone = cluster.signed_in("ada").await;
    let account = phone.get(&cluster.a.idp("/account")).await;
    let mut forms = account.forms().into_iter();
    let form = forms.find(|form| form.action == "/account/password");
    let form = form.expect("the form").with("current", PASSWORD);
    let form = form.with("new", NEW).with("again", NEW);
    let done = phone.submit(&account, &form).await;
    assert!(done.url.ends_with("done=password"), "{}", done.url);
    cluster.at_b();
    let form = asks(&cluster, &store, &ada).await;
    assert!(form.asks_to_sign_in(), "other sessions have ended");
    let again = ada.sign_in(&form, "ada", PASSWORD).await;
    assert!(again.asks_to_sign_in(), "the old one is of no use");
    let entered = ada.sign_in(&again, "ada", NEW).await;
    assert_eq!(entered.in_short(), "assertion");
}

#[tokio::test]
async fn a_disabled_app_is_answered_nothing_until_it_is_enabled() {
    let cluster = Cluster::start().await;
    let (store, ada) = ada_in_the_store(&cluster).await;
    cluster.a.cli(["sp", "disable", "store"]);
    let refused = asks(&cluster, &store, &ada).await;
    assert_eq!(refused.in_short(), "403 sp-disabled");
    cluster.a.cli(["sp", "enable", "store"]);
    assert_eq!(asks(&cluster, &store, &ada).await.in_short(), "assertion");
}

#[tokio::test]
async fn a_registration_is_what_it_was_last_made() {
    let cluster = Cluster::start().await;
    let (mut store, ada) = ada_in_the_store(&cluster).await;
    // Another address for its Responses.
    let moved = "https://store.example/moved";
    cluster.a.cli(["sp", "update", "store", "--acs", moved]);
    let refused = asks(&cluster, &store, &ada).await;
    assert!(refused.response().is_none(), "{}", refused.in_short());
    store.sp.acs = moved.to_owned();
    let entered = asks(&cluster, &store, &ada).await;
    assert_eq!(entered.in_short(), "assertion");
    // Another rule.
    let rule = ["sp", "update", "store", "--require-role", "managers"];
    cluster.a.cli(rule);
    let refused = asks(&cluster, &store, &ada).await;
    assert_eq!(refused.in_short(), "403 missing-role");
    // Signed requests only.
    cluster.a.cli(["user", "grant", "ada", "managers"]);
    assert_eq!(asks(&cluster, &store, &ada).await.in_short(), "assertion");
    let signed = ["sp", "update", "store", "--require-signed-requests"];
    cluster.a.cli(signed);
    let refused = asks(&cluster, &store, &ada).await;
    assert!(refused.response().is_none(), "{}", refused.in_short());
    // None at all.
    cluster.a.cli(["sp", "remove", "store"]);
    let refused = asks(&cluster, &store, &ada).await;
    assert_eq!(refused.in_short(), "400 unknown-issuer");
}

#[tokio::test]
async fn a_key_that_is_activated_signs_the_next_response_of_every_node() {
    let cluster = Cluster::start().await;
    let (store, _) = ada_in_the_store(&cluster).await;
    // What a browser of ours would hold pages against is the first key alone.
    let oracle = cluster.a.oracle().clone();
    let ada = Browser::new("http://elsewhere.invalid".to_owned(), oracle);
    let form = asks(&cluster, &store, &ada).await;
    ada.sign_in(&form, "ada", PASSWORD).await;
    let staged = cluster.a.cli(["key", "rotate", "--json"]);
    let staged: serde_json::Value = serde_json::from_str(&staged).expect("JSON");
    let pem = staged["key"]["certificate"]
        .as_str()
        .expect("a certificate");
    let published = reqwest::get(cluster.b.idp("/saml/metadata")).await;
    let published = published.expect("an answer").text().await.expect("text");
    let bare: String = pem.lines().filter(|line| !line.contains("---")).collect();
    assert!(published.contains(&bare), "node B publishes what is next");
    assert!(!is_signed_under(&asks(&cluster, &store, &ada).await, pem));
    cluster.a.cli(["key", "activate"]);
    assert!(is_signed_under(&asks(&cluster, &store, &ada).await, pem));
}

fn is_signed_under(answer: &Answer, pem: &str) -> bool {
    let xml = decoded(&answer.encoded_response().expect("a Response"));
    let message = oracle::read(&xml).expect("it follows the schemas");
    assert!(message.assertion.is_some(), "{xml}");
    let mut signatures = message.signatures.iter();
    signatures.all(|signature| xmlsec1_verifies(&xml, &signature.xpath, pem))
}

#[tokio::test]
async fn what_is_guessed_wrong_at_one_node_delays_the_next_guess_at_the_other() {
    let cluster = Cluster::start().await;
    cluster.a.add_user("ada", PASSWORD, &[]);
    cluster.at_a();
    let guesser = cluster.a.browser();
    let mut form = guesser.visit(&cluster.a.idp("/login")).await;
    let mut tries = 0;
    while form.status == 200 {
        tries += 1;
        assert!(tries < 50, "nothing delays whoever guesses");
        form = guesser.sign_in(&form, "ada", "a wrong password").await;
    }
    assert_eq!(form.status, 429);
    // So often that the delay outlasts what a busy machine needs for the next two requests.
    cluster.a.by_hand("UPDATE failures SET failed = 12");
    cluster.at_b();
    let form = guesser.visit(&cluster.b.idp("/login")).await;
    let right_one = guesser.sign_in(&form, "ada", PASSWORD).await;
    assert_eq!(right_one.status, 429, "also for the right one");
}
