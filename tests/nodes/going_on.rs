//! What is begun at one node goes on at the other: nobody has to be sent back to where they were.

use crate::app::{App, Entered, endpoint, leads_to, received};
use crate::cluster::{Cluster, PASSWORD};
use crate::resolving;
use crate::support::browser::encoded;

/// The form, the sign-in, the redirect after it and the answer are at four different requests.
#[tokio::test]
async fn thirty_people_sign_in_with_each_request_at_the_next_node() {
    let cluster = Cluster::start().await;
    cluster.a.add_user("ada", PASSWORD, &["staff"]);
    let store = App::register_for(&cluster.a, "store", "", "staff");
    cluster.in_turn();
    for number in 0..30 {
        let ada = cluster.a.browser();
        let request = store.sp.request(&cluster.a.idp("/saml/sso"));
        let form = if number % 2 == 0 {
            ada.visit(&request.redirect(None)).await
        } else {
            // Posted from the app's own site: no cookie comes along (decision 10).
            let message = encoded(&request.xml());
            let fields = [("SAMLRequest", message.as_str())];
            let sso = cluster.a.idp("/saml/sso");
            let posted = ada.post_from("https://store.example", &sso, &fields).await;
            ada.follow(posted).await
        };
        let entered = ada.sign_in(&form, "ada", PASSWORD).await;
        assert_eq!(entered.in_short(), "assertion", "number {number}");
        assert!(store.lets_in(&cluster.a, &ada).await, "number {number}");
        assert!(store.lets_in(&cluster.a, &ada).await, "number {number}");
    }
}

#[tokio::test]
async fn a_one_time_password_taken_at_one_node_is_changed_at_the_other() {
    let cluster = Cluster::start().await;
    let made = cluster.a.cli(["init", "--admin", "ada", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&made).expect("one JSON document");
    let once = made["password"].as_str().expect("a one-time password");
    let store = App::register_for(&cluster.a, "store", "", "everyone");
    let ada = cluster.a.browser();
    cluster.at_a();
    let request = store.sp.request(&cluster.a.idp("/saml/sso"));
    let form = ada.visit(&request.redirect(None)).await;
    let page = ada.sign_in(&form, "ada", once).await;
    let mut forms = page.forms().into_iter();
    let form = forms.find(|form| form.action == "/account/password");
    let form = form.unwrap_or_else(|| panic!("{} {}", page.url, page.body));
    let form = form.with("current", once);
    let form = form.with("new", PASSWORD).with("again", PASSWORD);
    cluster.at_b();
    let entered = ada.submit(&page, &form).await;
    assert_eq!(entered.in_short(), "assertion", "on to where it began");
}

#[tokio::test]
async fn a_consent_asked_for_by_one_node_is_given_to_the_other() {
    let cluster = Cluster::start().await;
    cluster.a.add_user("ada", PASSWORD, &[]);
    let store = App::register_for(&cluster.a, "store", "", "everyone");
    cluster.a.cli(["sp", "update", "store", "--consent"]);
    cluster.at_a();
    let ada = cluster.signed_in("ada").await;
    let request = store.sp.request(&cluster.a.idp("/saml/sso"));
    let page = ada.visit(&request.redirect(None)).await;
    let forms = page.forms().into_iter();
    let mut consent = forms.filter(|form| form.action == "/consent");
    let yes = consent.next().expect("it is asked for");
    cluster.at_b();
    let entered = ada.submit(&page, &yes).await;
    assert_eq!(entered.in_short(), "assertion");
    assert!(store.lets_in(&cluster.a, &ada).await, "it is remembered");
}

#[tokio::test]
async fn an_artifact_handed_out_by_one_node_is_resolved_by_the_other() {
    let cluster = Cluster::start().await;
    cluster.a.add_user("ada", PASSWORD, &[]);
    let store = resolving::register(&cluster);
    cluster.at_a();
    let ada = cluster.signed_in("ada").await;
    let answer = ada.get(&resolving::asks(&cluster, &store)).await;
    let artifact = resolving::artifact_in(&answer.location().expect("a redirect"));
    let envelope = resolving::resolve(&cluster, &store, &artifact);
    let client = reqwest::Client::new();
    cluster.at_b();
    let to = cluster.b.idp("/saml/soap");
    let first = resolving::send(&client, &to, envelope.clone()).await;
    assert!(first.contains("<saml:Assertion"), "{first}");
    cluster.at_a();
    let second = resolving::send(&client, &to, envelope).await;
    assert!(!second.contains("<saml:Assertion"), "once is once");
}

#[tokio::test]
async fn a_logout_leads_through_three_apps_with_each_request_at_the_next_node() {
    let cluster = Cluster::start().await;
    cluster.a.add_user("ada", PASSWORD, &[]);
    let product = &cluster.a;
    let apps = ["store", "wiki", "blog"].map(|name| App::with_redirect(product, name));
    cluster.in_turn();
    let ada = product.browser();
    let mut entered: Vec<Entered> = Vec::new();
    for app in &apps {
        let request = app.sp.request(&product.idp("/saml/sso"));
        let mut answer = ada.visit(&request.redirect(None)).await;
        if answer.asks_to_sign_in() {
            answer = ada.sign_in(&answer, "ada", PASSWORD).await;
        }
        let (_, response) = answer.response().expect("a Response");
        let assertion = response.assertion.clone().expect("with an assertion");
        entered.push(Entered {
            name_id: assertion.name_id.expect("with a NameID"),
            session_index: assertion.session_index.expect("with a SessionIndex"),
        });
    }
    let [store, others @ ..] = &apps;
    let request = store.request(product, &entered[0]);
    ada.get(&store.redirect(&request, None)).await;
    for _ in others {
        let page = ada.get(&product.idp("/saml/slo/continue")).await;
        let to = leads_to(&page).expect("to the next app");
        let sent = received(product, &ada.get(&product.idp(&to)).await);
        let app = others.iter().find(|app| app.slo == sent.to);
        let app = app.expect("one of the two others");
        app.confirm(product, &ada, &sent.message).await;
    }
    let last = received(product, &ada.get(&product.idp("/saml/slo/continue")).await);
    assert_eq!(last.message.short_status(), "Success");
    assert_eq!(last.message.in_response_to, Some(request.id));
    assert!(!store.lets_in(product, &ada).await);
}

/// An app that is told by a message from server to server hears from whichever node ended it; an
/// app that has no way to hear does not stop the others.
#[tokio::test]
async fn a_logout_page_shows_what_is_known_at_every_node() {
    let cluster = Cluster::start().await;
    cluster.a.add_user("ada", PASSWORD, &[]);
    let product = &cluster.a;
    let store = App::with_redirect(product, "store");
    let mute = App::register(product, "mute", "");
    let posts = endpoint("POST", "https://wiki.example/slo");
    let wiki = App::register(product, "wiki", &posts);
    cluster.at_a();
    let ada = cluster.signed_in("ada").await;
    for app in [&store, &mute, &wiki] {
        assert!(app.lets_in(product, &ada).await);
    }
    let page = ada.get(&product.idp("/logout")).await;
    ada.press(&page, "Sign out").await;
    cluster.at_b();
    for _ in 0..2 {
        let page = ada.get(&product.idp("/saml/slo/continue")).await;
        let to = leads_to(&page).expect("to the next app");
        received(product, &ada.get(&product.idp(&to)).await);
    }
    cluster.at_a();
    let page = ada.get(&product.idp("/saml/slo/continue")).await;
    assert_eq!(
        page.body.matches(": not confirmed").count(),
        2,
        "{}",
        page.body
    );
}
