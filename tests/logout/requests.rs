//! LogoutRequests that come in: who may ask for what, and what is answered.

use jiff::SignedDuration;

use crate::app::{App, Draft, Entered, endpoint, name_id, product, received};
use crate::support::app::Product;
use crate::support::browser::{Answer, Browser, encoded};
use crate::support::oracle::xmlsec1_encrypts;
use crate::support::sp::{another_key, redirect_query};

const SOURCE: &str = "https://store.example";

async fn signed_in(product: &Product) -> (Browser, App, Entered) {
    let browser = product.browser();
    let store = App::with_redirect(product, "store");
    let entered = store.enter(product, &browser, "ada").await;
    (browser, store, entered)
}

async fn ask(browser: &Browser, app: &App, draft: &Draft) -> Answer {
    browser.get(&app.redirect(draft, None)).await
}

fn status(product: &Product, answer: &Answer) -> String {
    received(product, answer).message.short_status()
}

#[tokio::test]
async fn c_l5_an_app_that_logs_out_gets_a_signed_response_and_the_session_is_over() {
    let product = product().await;
    let (browser, store, entered) = signed_in(&product).await;
    let request = store.request(&product, &entered);
    let relay_state = "back/to?a=1&b=\u{fc} +%25";
    let answer = browser
        .get(&store.redirect(&request, Some(relay_state)))
        .await;
    assert!([302, 303].contains(&answer.status), "C-B3");
    assert!(answer.header("cache-control").unwrap().contains("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let got = received(&product, &answer);
    assert_eq!(got.message.kind, "LogoutResponse");
    assert_eq!(got.message.short_status(), "Success");
    assert_eq!(got.message.in_response_to, Some(request.id));
    assert_eq!(got.to, store.slo);
    assert_eq!(got.message.issuer, product.metadata.entity_id);
    assert_eq!(got.relay_state.as_deref(), Some(relay_state), "C-B6");
    assert!(!store.lets_in(&product, &browser).await);
}

#[tokio::test]
async fn c_l1_by_post_it_works_from_another_site_and_goes_to_the_response_location() {
    let product = product().await;
    let browser = product.browser();
    let slo = endpoint("POST", "https://store.example/slo?tenant=1")
        .replace("/>", " ResponseLocation=\"https://store.example/done\"/>");
    let store = App::register(&product, "store", &slo);
    let entered = store.enter(&product, &browser, "ada").await;
    let request = store.request(&product, &entered);
    let message = encoded(&store.signed(&request));
    let fields = [("SAMLRequest", message.as_str()), ("RelayState", "x=1&y")];
    // No cookie comes along: it is the message that says whose session it is about.
    let elsewhere = product.browser();
    let at = product.idp("/saml/slo");
    let answer = elsewhere.post_from(SOURCE, &at, &fields).await;
    let got = received(&product, &elsewhere.follow(answer).await);
    assert_eq!(got.message.short_status(), "Success");
    assert_eq!(got.to, "https://store.example/done");
    assert_eq!(got.relay_state.as_deref(), Some("x=1&y"));
    assert!(!store.lets_in(&product, &browser).await);
}

#[tokio::test]
async fn t_slo_unsigned_what_is_not_signed_or_by_another_key_ends_nothing() {
    let product = product().await;
    let (browser, store, entered) = signed_in(&product).await;
    let request = store.request(&product, &entered);
    let at = product.idp("/saml/slo");
    let unsigned = redirect_query(&request.xml(""), None);
    let posted = encoded(&request.xml(""));
    let mut forger = App::with_redirect(&product, "forger");
    forger.sp.entity_id.clone_from(&store.sp.entity_id);
    let (key, certificate) = another_key();
    (forger.sp.key, forger.sp.certificate) = (key, certificate);
    let answers = [
        (
            browser.get(&format!("{at}?{unsigned}")).await,
            "unsigned-logout",
        ),
        (
            browser
                .post_from(SOURCE, &at, &[("SAMLRequest", &posted)])
                .await,
            "unsigned-logout",
        ),
        (
            browser.get(&forger.redirect(&request, None)).await,
            "bad-signature",
        ),
        (
            browser
                .post_from(
                    SOURCE,
                    &at,
                    &[("SAMLRequest", &encoded(&forger.signed(&request)))],
                )
                .await,
            "bad-signature",
        ),
    ];
    for (answer, reason) in answers {
        assert_eq!((answer.status, answer.reason()), (400, Some(reason)));
    }
    assert!(store.lets_in(&product, &browser).await);
}

#[tokio::test]
async fn t_slo_other_an_app_cannot_end_what_it_has_no_part_in() {
    let product = product().await;
    product.add_user("bob", crate::app::PASSWORD, &[]);
    let (browser, store, of_store) = signed_in(&product).await;
    let wiki = App::with_redirect(&product, "wiki");
    let of_wiki = wiki.enter(&product, &browser, "ada").await;
    let other = product.browser();
    let of_bob = store.enter(&product, &other, "bob").await;
    let mixed = |name_id: &Entered, index: &Entered| Entered {
        name_id: name_id.name_id.clone(),
        session_index: index.session_index.clone(),
    };
    for (whose, asked) in [
        ("another app's NameID and session", of_store.clone()),
        (
            "its own NameID, another app's session",
            mixed(&of_wiki, &of_store),
        ),
        (
            "another app's NameID, its own session",
            mixed(&of_store, &of_wiki),
        ),
    ] {
        let answer = ask(&browser, &wiki, &wiki.request(&product, &asked)).await;
        assert_eq!(
            status(&product, &answer),
            "Responder/UnknownPrincipal",
            "{whose}"
        );
    }
    let theirs = mixed(&of_store, &of_bob);
    let answer = ask(&browser, &store, &store.request(&product, &theirs)).await;
    assert_eq!(status(&product, &answer), "Responder/UnknownPrincipal");
    assert!(store.lets_in(&product, &browser).await && store.lets_in(&product, &other).await);
    // C-L9: what is said about the session here is true.
    let answer = ask(&browser, &store, &store.request(&product, &of_bob)).await;
    assert_eq!(status(&product, &answer), "Success");
    assert!(store.lets_in(&product, &browser).await && !store.lets_in(&product, &other).await);
}

#[tokio::test]
async fn c_l2_a_name_id_is_matched_with_format_and_qualifiers() {
    let product = product().await;
    let (browser, store, entered) = signed_in(&product).await;
    let mut wrong = Vec::new();
    for change in 0..4 {
        let mut other = entered.clone();
        match change {
            0 => other.name_id.format = None,
            1 => other.name_id.name_qualifier = Some("https://other.example".to_owned()),
            2 => other.name_id.sp_name_qualifier = Some("https://other.example".to_owned()),
            _ => other.name_id.value.push('x'),
        }
        wrong.push(other);
    }
    for other in wrong {
        let answer = ask(&browser, &store, &store.request(&product, &other)).await;
        assert_eq!(status(&product, &answer), "Responder/UnknownPrincipal");
    }
    // A qualifier that is left out is the one that it implies.
    let mut bare = entered;
    (bare.name_id.name_qualifier, bare.name_id.sp_name_qualifier) = (None, None);
    let answer = ask(&browser, &store, &store.request(&product, &bare)).await;
    assert_eq!(status(&product, &answer), "Success");
}

#[tokio::test]
async fn c_l2_an_encrypted_name_id_is_opened_and_matched() {
    const TEMPLATE: &str = "<xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
        Type=\"http://www.w3.org/2001/04/xmlenc#Element\"><xenc:EncryptionMethod \
        Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"/><ds:KeyInfo \
        xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><xenc:EncryptedKey>\
        <xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>\
        <xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>\
        <xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>";
    let product = product().await;
    let (browser, store, entered) = signed_in(&product).await;
    let certificate = product.metadata.encryption_pem();
    let named = |value: &str| {
        let mut other = entered.name_id.clone();
        other.value.push_str(value);
        let declared = "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
        let plain = name_id(&other).replacen("<saml:NameID", declared, 1);
        let sealed = xmlsec1_encrypts(TEMPLATE, &plain, "aes-256", &certificate).unwrap();
        let mut request = store.request(&product, &entered);
        request.children = format!("<saml:EncryptedID>{sealed}</saml:EncryptedID>");
        request
    };
    let answer = ask(&browser, &store, &named("x")).await;
    assert_eq!(status(&product, &answer), "Responder/UnknownPrincipal");
    let answer = ask(&browser, &store, &named("")).await;
    assert_eq!(status(&product, &answer), "Success");
    assert!(!store.lets_in(&product, &browser).await);
}

#[tokio::test]
async fn c_l2_no_session_index_means_every_session_and_several_mean_those() {
    let product = product().await;
    let (first, store, one) = signed_in(&product).await;
    let browsers = [product.browser(), product.browser(), product.browser()];
    let mut indexes = vec![one.session_index.clone()];
    for browser in &browsers {
        let entered = store.enter(&product, browser, "ada").await;
        assert_eq!(entered.name_id, one.name_id, "persistent");
        indexes.push(entered.session_index);
    }
    let index = |n: usize| format!("<samlp:SessionIndex>{}</samlp:SessionIndex>", indexes[n]);
    let mut request = store.request(&product, &one);
    request.children = name_id(&one.name_id) + &index(0) + &index(1);
    let answer = ask(&first, &store, &request).await;
    assert_eq!(status(&product, &answer), "Success");
    assert!(!store.lets_in(&product, &first).await);
    assert!(!store.lets_in(&product, &browsers[0]).await);
    assert!(store.lets_in(&product, &browsers[1]).await);
    let mut request = store.request(&product, &one);
    request.children = name_id(&one.name_id);
    let answer = ask(&first, &store, &request).await;
    assert_eq!(status(&product, &answer), "Success");
    for browser in &browsers {
        assert!(!store.lets_in(&product, browser).await);
    }
}

#[tokio::test]
async fn c_l3_what_came_too_late_or_to_the_wrong_place_is_refused_by_a_status() {
    let product = product().await;
    let (browser, store, entered) = signed_in(&product).await;
    let request = || store.request(&product, &entered);
    let past = |minutes| {
        let end = crate::support::sp::now()
            .checked_sub(SignedDuration::from_mins(minutes))
            .unwrap();
        format!("NotOnOrAfter=\"{end}\"")
    };
    let mut elsewhere = request();
    elsewhere.destination = Some(product.idp("/saml/sso"));
    let elsewhere_xml = elsewhere.xml("");
    let mut nowhere = request();
    nowhere.destination = None;
    let mut empty = request();
    empty.children = "<samlp:SessionIndex>x</samlp:SessionIndex>".to_owned();
    let mut encrypted = request();
    encrypted.children = "<saml:EncryptedID></saml:EncryptedID>".to_owned();
    for (what, draft) in [
        ("stale", request().issued(SignedDuration::from_mins(-10))),
        (
            "from the future",
            request().issued(SignedDuration::from_mins(10)),
        ),
        ("expired", request().with(&past(5))),
        ("no Destination", nowhere),
        ("nobody named", empty),
        ("an EncryptedID that does not open", encrypted),
    ] {
        let query = store
            .sp
            .signed_query(&draft.xml(""), None, crate::support::sp::RSA_SHA256);
        let answer = browser
            .get(&format!("{}?{query}", product.idp("/saml/slo")))
            .await;
        assert_eq!(status(&product, &answer), "Requester", "{what}");
    }
    let query = store
        .sp
        .signed_query(&elsewhere_xml, None, crate::support::sp::RSA_SHA256);
    let answer = browser
        .get(&format!("{}?{query}", product.idp("/saml/slo")))
        .await;
    assert_eq!(status(&product, &answer), "Requester", "T-DEST");
    assert!(store.lets_in(&product, &browser).await);
    // Within the clocks' tolerance it still counts.
    let answer = ask(&browser, &store, &request().with(&past(1))).await;
    assert_eq!(status(&product, &answer), "Success");
}

#[tokio::test]
async fn c_l7_a_session_that_is_gone_is_no_error_and_a_stranger_is_unknown() {
    let product = product().await;
    let (browser, store, entered) = signed_in(&product).await;
    let request = store.request(&product, &entered);
    let answer = ask(&browser, &store, &request).await;
    assert_eq!(status(&product, &answer), "Success");
    let again = store.request(&product, &entered);
    let answer = ask(&browser, &store, &again).await;
    assert_eq!(
        status(&product, &answer),
        "Success",
        "nothing is left to end"
    );
    let answer = ask(&browser, &store, &request).await;
    assert_eq!(
        status(&product, &answer),
        "Success",
        "T-REPLAY: nor by a replay"
    );
    let mut stranger = entered;
    stranger.name_id.value = "somebody".to_owned();
    let request = store.request(&product, &stranger);
    let answer = ask(&browser, &store, &request).await;
    assert_eq!(status(&product, &answer), "Responder/UnknownPrincipal");
}

#[tokio::test]
async fn c_l8_an_asynchronous_request_gets_no_response() {
    let product = product().await;
    let (browser, store, entered) = signed_in(&product).await;
    let mut request = store.request(&product, &entered);
    request.children = format!(
        "<samlp:Extensions><aslo:Asynchronous \
         xmlns:aslo=\"urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo\"/></samlp:Extensions>{}",
        request.children
    );
    let answer = ask(&browser, &store, &request).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.body.contains("You are signed out"),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("SAMLResponse"));
    assert!(!store.lets_in(&product, &browser).await);
}

#[tokio::test]
async fn samlsso_takes_sign_on_and_logout_at_one_address() {
    let product = product().await;
    let browser = product.browser();
    let store = App::with_redirect(&product, "store");
    product.cli(["sp", "update", "store", "--allow-idp-initiated"]);
    let one = product.idp("/samlsso");
    let answer = browser
        .visit(&store.sp.request(&one).redirect(Some("r")))
        .await;
    let answer = browser.sign_in(&answer, "ada", crate::app::PASSWORD).await;
    let (_, response) = answer.response().expect("a Response comes");
    let assertion = response.assertion.clone().unwrap();
    let started = browser
        .get(&format!("{one}?spEntityID={}", store.sp.entity_id))
        .await;
    assert!(
        started.response().is_some(),
        "IdP-initiated: {}",
        started.body
    );
    let entered = Entered {
        name_id: assertion.name_id.unwrap(),
        session_index: assertion.session_index.unwrap(),
    };
    let mut request = store.request(&product, &entered);
    let answer = browser
        .get(
            &store
                .redirect(&request, None)
                .replace("/saml/slo", "/samlsso"),
        )
        .await;
    assert_eq!(
        status(&product, &answer),
        "Requester",
        "its Destination is the other address"
    );
    request.destination = Some(one.clone());
    let answer = browser.get(&store.redirect(&request, None)).await;
    assert_eq!(status(&product, &answer), "Success");
    // Nothing given is no logout and no error page without a word.
    let nothing = browser.get(&one).await;
    assert!(
        nothing.status == 400 && nothing.reason().is_some(),
        "{}",
        nothing.status
    );
}

#[tokio::test]
async fn t_type_messages_of_other_kinds_are_refused() {
    let product = product().await;
    let (browser, store, entered) = signed_in(&product).await;
    let at = product.idp("/saml/slo");
    let authn = store.sp.request(&at);
    let answer = browser.get(&authn.redirect(None)).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (400, Some("not-a-logout-message"))
    );
    let request = store.request(&product, &entered);
    let as_response = encoded(&store.signed(&request));
    let answer = browser
        .post_from(SOURCE, &at, &[("SAMLResponse", &as_response)])
        .await;
    assert_eq!(
        (answer.status, answer.reason()),
        (400, Some("not-a-logout-message"))
    );
    let mut to_sso = request.clone();
    to_sso.destination = Some(product.idp("/saml/sso"));
    let answer = browser.get(&store.redirect(&to_sso, None)).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (400, Some("not-an-authn-request"))
    );
    assert!(store.lets_in(&product, &browser).await);
}
