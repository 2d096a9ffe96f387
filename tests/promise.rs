//! The promise, kept by the running product: an assertion leaves for who may enter that very app,
//! decided at that very request. **Read this file first.**
//!
//! `doorward demo` runs beside each test: the identity provider, a store and a publisher, both real
//! service providers. The two apps let in whoever brings a valid assertion and look at no role, as
//! the apps of the first users did; so what keeps the door is Doorward alone.
//!
//! Each step is one line: who asks, for what, and what came back. `visit` and `deliver` follow
//! redirects as a browser does, `deliver` posts the page that carries a Response.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod support;

use support::app::Product;
use support::sp::Sp;

/// The bug that Doorward exists to fix: whoever was in the store was also in the publisher.
#[tokio::test]
async fn a_store_sign_in_never_grants_publisher_access() {
    let product = Product::demo().await; // carla holds the role `store`, and no other
    let carla = product.browser();

    let form = carla.visit(&product.store("/saml/login")).await;
    let answer = carla
        .sign_in(&form, "carla", product.password("carla"))
        .await;
    assert_eq!(answer.in_short(), "assertion");
    carla.deliver(&answer).await;
    assert_eq!(carla.get(&product.store("/whoami")).await.status, 200);

    let refusal = carla.visit(&product.publisher("/saml/login")).await;
    assert_eq!(refusal.in_short(), "403 missing-role");
    assert!(refusal.response().is_none(), "the publisher hears nothing");
    assert_eq!(carla.get(&product.publisher("/whoami")).await.status, 401);

    // Asking again, and harder, opens nothing.
    for query in ["", "?binding=post", "?passive=1", "?force=1"] {
        let answer = carla
            .visit(&product.publisher(&format!("/saml/login{query}")))
            .await;
        let answer = if query == "?binding=post" {
            carla.deliver(&answer).await
        } else {
            answer
        };
        assert!(
            !answer.in_short().contains("assertion"),
            "{query}: {}",
            answer.body
        );
    }
    assert_eq!(carla.get(&product.publisher("/whoami")).await.status, 401);
}

/// And the other way round: no door is the front door.
#[tokio::test]
async fn a_publisher_sign_in_never_grants_store_access() {
    let product = Product::demo().await; // paul holds the role `publisher`, and no other
    let paul = product.browser();

    let form = paul.visit(&product.publisher("/saml/login")).await;
    let answer = paul.sign_in(&form, "paul", product.password("paul")).await;
    assert_eq!(answer.in_short(), "assertion");
    paul.deliver(&answer).await;
    assert_eq!(paul.get(&product.publisher("/whoami")).await.status, 200);

    let refusal = paul.visit(&product.store("/saml/login")).await;
    assert_eq!(refusal.in_short(), "403 missing-role");
    assert!(refusal.response().is_none());
    assert_eq!(paul.get(&product.store("/whoami")).await.status, 401);
}

/// Single sign-on stays what it is for those who may enter both.
#[tokio::test]
async fn one_sign_in_opens_both_doors_to_who_holds_both_roles() {
    let product = Product::demo().await; // bea holds `store` and `publisher`
    let bea = product.browser();

    let form = bea.visit(&product.store("/saml/login")).await;
    let at_store = bea.sign_in(&form, "bea", product.password("bea")).await;
    bea.deliver(&at_store).await;

    let at_publisher = bea.visit(&product.publisher("/saml/login")).await; // no password asked
    assert_eq!(at_publisher.in_short(), "assertion");
    bea.deliver(&at_publisher).await;
    assert_eq!(bea.get(&product.store("/whoami")).await.status, 200);
    assert_eq!(bea.get(&product.publisher("/whoami")).await.status, 200);

    // Each app learns its own role and nothing by which the two could be put together.
    let (store_acs, store) = at_store.response().expect("a Response");
    let (publisher_acs, publisher) = at_publisher.response().expect("a Response");
    assert_ne!(store_acs, publisher_acs);
    let store = store.assertion.as_ref().expect("an assertion");
    let publisher = publisher.assertion.as_ref().expect("an assertion");
    assert_eq!(store.values_of("role"), ["store"]);
    assert_eq!(publisher.values_of("role"), ["publisher"]);
    assert_ne!(store.audiences, publisher.audiences);
    assert_ne!(store.name_id, publisher.name_id);
    assert_ne!(store.session_index, publisher.session_index);
}

/// Rights are read at each request: a session, an earlier visit, a minute ago count for nothing.
#[tokio::test]
async fn withdrawing_the_role_closes_the_publisher_at_the_next_request() {
    let product = Product::demo().await;
    let bea = product.browser();
    let form = bea.visit(&product.publisher("/saml/login")).await;
    let answer = bea.sign_in(&form, "bea", product.password("bea")).await;
    assert_eq!(answer.in_short(), "assertion");

    product.cli(["user", "revoke", "bea", "publisher"]);
    let refusal = bea.visit(&product.publisher("/saml/login")).await;
    assert_eq!(refusal.in_short(), "403 missing-role");
    let store = bea.visit(&product.store("/saml/login")).await;
    assert_eq!(store.in_short(), "assertion", "the other role is as it was");

    product.cli(["user", "grant", "bea", "publisher"]);
    let again = bea.visit(&product.publisher("/saml/login")).await;
    assert_eq!(again.in_short(), "assertion");
}

/// The role may also go while the sign-in form is open.
#[tokio::test]
async fn withdrawing_the_role_during_the_sign_in_closes_the_door_too() {
    let product = Product::demo().await;
    let bea = product.browser();
    let form = bea.visit(&product.publisher("/saml/login")).await;
    product.cli(["user", "revoke", "bea", "publisher"]);
    let refusal = bea.sign_in(&form, "bea", product.password("bea")).await;
    assert_eq!(refusal.in_short(), "403 missing-role");
}

#[tokio::test]
async fn disabling_a_user_closes_every_door_at_the_next_request() {
    let product = Product::demo().await;
    let bea = product.browser();
    let form = bea.visit(&product.store("/saml/login")).await;
    let answer = bea.sign_in(&form, "bea", product.password("bea")).await;
    assert_eq!(answer.in_short(), "assertion");

    product.cli(["user", "disable", "bea"]);
    for door in [
        product.store("/saml/login"),
        product.publisher("/saml/login"),
    ] {
        let refusal = bea.visit(&door).await;
        assert!(refusal.response().is_none(), "{}", refusal.in_short());
    }
    // Nor does the right password help, and the page does not say that it was right.
    let elsewhere = product.browser();
    let form = elsewhere.visit(&product.store("/saml/login")).await;
    let refused = elsewhere
        .sign_in(&form, "bea", product.password("bea"))
        .await;
    assert!(refused.asks_to_sign_in(), "{}", refused.in_short());
    assert!(refused.response().is_none());
}

/// What a passive request may not show is a page; what it may not do is open a door (Core 3.4.1).
#[tokio::test]
async fn a_passive_request_shows_nothing_and_opens_only_what_is_open() {
    let product = Product::demo().await;
    let carla = product.browser();
    let nobody = carla.visit(&product.store("/saml/login?passive=1")).await;
    assert_eq!(nobody.in_short(), "Responder/NoPassive");

    let form = carla.visit(&product.store("/saml/login")).await;
    carla
        .sign_in(&form, "carla", product.password("carla"))
        .await;
    let store = carla.visit(&product.store("/saml/login?passive=1")).await;
    assert_eq!(store.in_short(), "assertion");
    let publisher = carla
        .visit(&product.publisher("/saml/login?passive=1"))
        .await;
    assert_eq!(
        publisher.in_short(),
        "Responder/NoPassive",
        "it looks as if nobody were there"
    );
}

/// To sign in again takes a person, whom a passive request may not ask (Core 3.4.1).
#[tokio::test]
async fn c_r12_a_passive_request_for_a_fresh_sign_in_gets_no_passive() {
    let product = Product::demo().await;
    let carla = product.browser();
    let form = carla.visit(&product.store("/saml/login")).await;
    carla
        .sign_in(&form, "carla", product.password("carla"))
        .await;
    let both = product.store("/saml/login?passive=1&force=1");
    let answer = carla.visit(&both).await;
    assert_eq!(answer.in_short(), "Responder/NoPassive");
}

#[tokio::test]
async fn a_request_by_the_post_binding_is_decided_alike() {
    let product = Product::demo().await;
    let carla = product.browser();
    let posting = carla
        .visit(&product.store("/saml/login?binding=post"))
        .await;
    let form = carla.deliver(&posting).await;
    let answer = carla
        .sign_in(&form, "carla", product.password("carla"))
        .await;
    assert_eq!(answer.in_short(), "assertion");
    carla.deliver(&answer).await;
    assert_eq!(carla.get(&product.store("/whoami")).await.status, 200);

    let posting = carla
        .visit(&product.publisher("/saml/login?binding=post"))
        .await;
    let refusal = carla.deliver(&posting).await;
    assert_eq!(refusal.in_short(), "403 missing-role");
    assert_eq!(carla.get(&product.publisher("/whoami")).await.status, 401);
}

/// A request may choose among the endpoints registered for its issuer, and no others.
#[tokio::test]
async fn a_request_naming_the_stores_issuer_and_the_publishers_acs_is_refused() {
    let product = Product::demo().await;
    let carla = product.browser();
    let form = carla.visit(&product.store("/saml/login")).await;
    carla
        .sign_in(&form, "carla", product.password("carla"))
        .await;

    let store = product.store("/saml/metadata");
    let forged = Sp::new(&store, &product.publisher("/saml/acs"));
    let request = forged.request(&product.idp("/saml/sso"));
    let refusal = carla.visit(&request.redirect(None)).await;
    assert_eq!(refusal.status, 400);
    assert!(refusal.response().is_none(), "nothing is posted anywhere");
}

/// A Response is for one audience, one address, one request, once.
#[tokio::test]
async fn a_store_response_replayed_at_the_publisher_is_refused() {
    let product = Product::demo().await;
    let carla = product.browser();
    let form = carla.visit(&product.store("/saml/login")).await;
    let answer = carla
        .sign_in(&form, "carla", product.password("carla"))
        .await;
    let stolen = answer.encoded_response().expect("a Response");
    let idp = product.idp("");

    let replay = [("SAMLResponse", stolen.as_str())];
    let refused = carla
        .post_from(&idp, &product.publisher("/saml/acs"), &replay)
        .await;
    assert!((400..500).contains(&refused.status), "{}", refused.status);
    assert_eq!(carla.get(&product.publisher("/whoami")).await.status, 401);

    carla.deliver(&answer).await;
    assert_eq!(carla.get(&product.store("/whoami")).await.status, 200);
    let twice = carla
        .post_from(&idp, &product.store("/saml/acs"), &replay)
        .await;
    assert!(
        (400..500).contains(&twice.status),
        "the store takes it once"
    );
}

/// The refusal tells the person what is what, and is no dead end.
#[tokio::test]
async fn a_refused_person_may_sign_in_as_somebody_else() {
    let product = Product::demo().await;
    let shared = product.browser();
    let form = shared.visit(&product.store("/saml/login")).await;
    shared
        .sign_in(&form, "carla", product.password("carla"))
        .await;

    let refusal = shared.visit(&product.publisher("/saml/login")).await;
    assert_eq!(refusal.status, 403);
    assert!(
        refusal.body.contains("carla"),
        "it says as whom one is signed in"
    );
    assert!(!refusal.body.contains("required role"), "it names no roles");
    let form = shared.press(&refusal, "Sign in as someone else").await;
    let page = shared
        .sign_in(&form, "paul", product.password("paul"))
        .await;
    // Carla's session has ended, and the store is told of it first. The page leads on by itself: to
    // the store, back here, and to where Paul is going.
    assert!(page.body.contains("Fernhill Store"), "{}", page.body);
    let answer = shared.visit(&product.idp("/saml/slo/next")).await;
    assert_eq!(answer.in_short(), "assertion");
    shared.deliver(&answer).await;
    let who = shared.get(&product.publisher("/whoami")).await;
    assert_eq!(who.status, 200);
    // Carla's session has ended with it.
    let store = shared.visit(&product.store("/saml/login")).await;
    assert_eq!(store.in_short(), "403 missing-role");
}

/// Who may enter what: a change of rights is a change of this table. `access matrix` on the command
/// line and the list that the demo prints come from the same decision.
#[tokio::test]
async fn access_matrix() {
    let product = Product::demo().await;
    let mut table = Vec::new();
    for user in product.users() {
        let mut entered = Vec::new();
        for (door, login) in [
            ("store", product.store("/saml/login")),
            ("publisher", product.publisher("/saml/login")),
        ] {
            let browser = product.browser();
            let form = browser.visit(&login).await;
            let answer = browser.sign_in(&form, &user.name, &user.password).await;
            let roles = user.roles.join("+");
            let outcome = answer.in_short();
            table.push(format!("{:8} {roles:24} -> {door:10} {outcome}", user.name));
            if outcome == "assertion" {
                entered.push(door.to_owned());
            }
        }
        entered.sort();
        assert_eq!(
            user.may_enter, entered,
            "what the demo announced for {}",
            user.name
        );
    }
    insta::assert_snapshot!(table.join("\n"), @r#"
    carla    store                    -> store      assertion
    carla    store                    -> publisher  403 missing-role
    paul     publisher                -> store      403 missing-role
    paul     publisher                -> publisher  assertion
    bea      publisher+store          -> store      assertion
    bea      publisher+store          -> publisher  assertion
    dora     publisher+store          -> store      sign-in form
    dora     publisher+store          -> publisher  sign-in form
    admin    doorward-admin           -> store      403 missing-role
    admin    doorward-admin           -> publisher  403 missing-role
    "#);
}

/// Nothing about rights lives in the process: a session outlives a restart, a withdrawn role does not
/// come back with it. Two service providers of the test stand for the apps.
#[tokio::test]
async fn a_restart_neither_opens_nor_closes_a_door() {
    let mut product = Product::serve("signing_algorithm = \"p256\"").await;
    let store = Sp::new("https://store.example/saml", "https://store.example/acs");
    let publisher = Sp::new(
        "https://publisher.example/saml",
        "https://publisher.example/acs",
    );
    for (name, sp) in [("store", &store), ("publisher", &publisher)] {
        let metadata = product.file(name, &sp.metadata(""));
        product.cli([
            "sp",
            "add",
            "--metadata",
            &metadata,
            "--name",
            name,
            "--require-role",
            name,
        ]);
    }
    product.add_user("carla", "correct horse battery", &["store"]);
    let sso = product.idp("/saml/sso");
    let carla = product.browser();
    let form = carla.visit(&store.request(&sso).redirect(None)).await;
    let answer = carla.sign_in(&form, "carla", "correct horse battery").await;
    assert_eq!(answer.in_short(), "assertion");

    product.restart().await;
    let answer = carla.visit(&store.request(&sso).redirect(None)).await;
    assert_eq!(answer.in_short(), "assertion", "no second password");
    let refusal = carla.visit(&publisher.request(&sso).redirect(None)).await;
    assert_eq!(refusal.in_short(), "403 missing-role");

    product.cli(["user", "revoke", "carla", "store"]);
    product.restart().await;
    let refusal = carla.visit(&store.request(&sso).redirect(None)).await;
    assert_eq!(refusal.in_short(), "403 missing-role");
}

/// Whoever empties a rule behind Doorward's back shuts that door, and no other.
#[tokio::test]
async fn a_rule_emptied_by_hand_shuts_the_door_and_hides_no_other() {
    let product = Product::serve("signing_algorithm = \"p256\"").await;
    let (store, publisher) = (
        Sp::new("https://store.example/saml", "https://store.example/acs"),
        Sp::new("https://other.example/saml", "https://other.example/acs"),
    );
    for (name, sp) in [("store", &store), ("publisher", &publisher)] {
        let metadata = product.file(name, &sp.metadata(""));
        let by = ["--metadata", &metadata, "--name", name];
        let rule = ["--require-role", "staff"];
        product.cli(["sp", "add", by[0], by[1], by[2], by[3], rule[0], rule[1]]);
    }
    product.add_user("carla", "correct horse battery", &["staff"]);
    product.by_hand(
        "DELETE FROM sp_required_roles WHERE sp_id = \
        (SELECT id FROM service_providers WHERE name = 'publisher')",
    );
    let sso = product.idp("/saml/sso");
    let carla = product.browser();
    let form = carla.visit(&store.request(&sso).redirect(None)).await;
    let answer = carla.sign_in(&form, "carla", "correct horse battery").await;
    assert_eq!(answer.in_short(), "assertion");
    let refusal = carla.visit(&publisher.request(&sso).redirect(None)).await;
    assert_eq!(refusal.in_short(), "403 closed-rule");
    let launcher = carla.get(&product.idp("/")).await;
    assert_eq!(launcher.status, 200);
    assert!(launcher.body.contains("store.example") && !launcher.body.contains("other.example"));
    let listed = product.cli(["sp", "list"]);
    assert!(
        listed.contains("unreadable") && listed.contains("staff"),
        "{listed}"
    );
    product.cli(["sp", "remove", "publisher"]);
}

/// A sign-on that nobody requested is decided by the same rule, and only where it is registered.
#[tokio::test]
async fn idp_initiated_sso_asks_for_the_role_too() {
    let product = Product::serve("signing_algorithm = \"p256\"").await;
    for name in ["store", "publisher"] {
        let sp = Sp::new(
            &format!("https://{name}.example/saml"),
            &format!("https://{name}.example/acs"),
        );
        let file = product.file(name, &sp.metadata(""));
        product.cli([
            "sp",
            "add",
            "--metadata",
            &file,
            "--name",
            name,
            "--require-role",
            name,
            "--allow-idp-initiated",
        ]);
    }
    let closed = Sp::new("https://closed.example/saml", "https://closed.example/acs");
    let file = product.file("closed", &closed.metadata(""));
    product.cli([
        "sp",
        "add",
        "--metadata",
        &file,
        "--name",
        "closed",
        "--require-role",
        "everyone",
    ]);
    product.add_user("carla", "correct horse battery", &["store"]);

    let carla = product.browser();
    let form = carla
        .visit(&product.idp("/saml/idp-initiated?sp=store&RelayState=deep%2Flink"))
        .await;
    let answer = carla.sign_in(&form, "carla", "correct horse battery").await;
    let (acs, response) = answer.response().expect("a Response");
    assert_eq!(acs, "https://store.example/acs");
    assert_eq!(
        response.in_response_to, None,
        "it answers no request (Profiles 4.1.5)"
    );
    assert_eq!(answer.relay_state().as_deref(), Some("deep/link"));

    let refusal = carla
        .visit(&product.idp("/saml/idp-initiated?sp=publisher"))
        .await;
    assert_eq!(refusal.in_short(), "403 missing-role");
    let refusal = carla
        .visit(&product.idp("/saml/idp-initiated?sp=closed"))
        .await;
    assert_eq!(refusal.reason(), Some("idp-initiated-not-allowed"));
    assert!(refusal.response().is_none());
}

/// One click signs out of both apps, and of Doorward.
#[tokio::test]
async fn signing_out_at_one_app_signs_out_of_the_other_too() {
    let product = Product::demo().await; // bea holds `store` and `publisher`
    let bea = product.browser();

    let form = bea.visit(&product.store("/saml/login")).await;
    let answer = bea.sign_in(&form, "bea", product.password("bea")).await;
    bea.deliver(&answer).await;
    let answer = bea.visit(&product.publisher("/saml/login")).await;
    bea.deliver(&answer).await;
    for app in [product.store("/whoami"), product.publisher("/whoami")] {
        assert_eq!(bea.get(&app).await.status, 200);
    }

    let home = bea.get(&product.store("/")).await;
    let page = bea.press(&home, "Sign out").await;
    assert_eq!(bea.get(&product.store("/whoami")).await.status, 401);
    assert!(page.body.contains("Signing you out"), "{}", page.body);
    // The page leads on by itself: to the publisher, back here, and back to the store.
    let last = bea.visit(&product.idp("/saml/slo/next")).await;
    assert_eq!(last.url, product.store("/signed-out"), "{}", last.body);
    assert!(last.body.contains("You are signed out"), "{}", last.body);
    assert_eq!(bea.get(&product.publisher("/whoami")).await.status, 401);
    let again = bea.visit(&product.publisher("/saml/login")).await;
    assert!(again.asks_to_sign_in(), "{}", again.in_short());
}
