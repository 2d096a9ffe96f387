//! Signing in as it should go.

use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::x509::X509;
use reqwest::header::SET_COOKIE;
use samael::crypto::{Crypto, CryptoProvider as _};

use super::*;

#[tokio::test]
async fn a_right_answer_signs_in_and_leads_back_to_the_page_that_was_wanted() {
    let store = Running::start(Kind::Store).await;
    let browser = Browser::new();
    let response = browser
        .get(&store.url("/assets/payments-api?version=2.0.0"))
        .await;
    let login = header(&response, "location");
    assert_eq!(
        login,
        "/saml/login?return=%2Fassets%2Fpayments-api%3Fversion%3D2.0.0"
    );
    let asked = browser
        .ask(&store, login.strip_prefix("/saml/login").unwrap())
        .await;
    let xml = store.idp.response(&store.answer(Some(&asked.id)));
    let response = browser.bring(&store, &xml, &asked.relay_state).await;
    assert_eq!(
        header(&response, "location"),
        "/assets/payments-api?version=2.0.0"
    );
    let cookie = header(&response, SET_COOKIE.as_str());
    assert!(cookie.starts_with("store_session="), "{cookie}");
    assert!(cookie.contains("HttpOnly; SameSite=Lax"), "{cookie}");

    let whoami = browser
        .get(&store.url("/whoami"))
        .await
        .text()
        .await
        .unwrap();
    let whoami: serde_json::Value = serde_json::from_str(&whoami).unwrap();
    assert_eq!(whoami["name"], "Ada Ferris");
    assert_eq!(whoami["name_id"], "k7x2");
    assert_eq!(
        whoami["attributes"]["role"],
        serde_json::json!(["one", "two"])
    );
}

#[tokio::test]
async fn either_signature_alone_is_enough_and_so_are_other_keys() {
    let folder = tempfile::tempdir().unwrap();
    for idp in [FakeIdp::rsa(3072), FakeIdp::p256()] {
        let store = Running::start_in(Kind::Store, folder.path(), idp, |_| {}).await;
        for sign in [Sign::Both, Sign::Response, Sign::Assertion] {
            let browser = Browser::new();
            let asked = browser.ask(&store, "").await;
            let answer = Answer {
                sign,
                ..store.answer(Some(&asked.id))
            };
            let response = browser
                .bring(&store, &store.idp.response(&answer), &asked.relay_state)
                .await;
            assert_eq!(response.status(), StatusCode::SEE_OTHER, "{sign:?}");
            assert!(browser.is_signed_in(&store).await);
        }
    }
}

#[tokio::test]
async fn names_are_shown_as_they_are_and_never_as_markup() {
    let publisher = Running::start(Kind::Publisher).await;
    let browser = Browser::new();
    let asked = browser.ask(&publisher, "").await;
    let display_name = "Ada &amp; &lt;b&gt;Béa&lt;/b&gt;".to_owned();
    let answer = Answer {
        display_name,
        ..publisher.answer(Some(&asked.id))
    };
    let xml = publisher.idp.response(&answer);
    browser.bring(&publisher, &xml, &asked.relay_state).await;
    let whoami = browser.page(&publisher.url("/whoami")).await;
    assert!(whoami.contains("Ada & <b>Béa</b>"), "{whoami}");
    let page = browser.page(&publisher.url("/")).await;
    assert!(page.contains("Ada &#38; &#60;b&#62;Béa"), "{page}");
}

#[tokio::test]
async fn the_request_says_who_asks_and_where_the_answer_goes() {
    let store = Running::start(Kind::Store).await;
    let asked = Browser::new().ask(&store, "?force=1&passive=1").await;
    assert!(
        asked
            .location
            .as_str()
            .starts_with("http://idp.example/saml/sso?tenant=a&SAMLRequest=")
    );
    assert!(
        asked.id.starts_with('_') && asked.id.len() == 41,
        "{}",
        asked.id
    );
    for part in [
        format!("<saml:Issuer>{}</saml:Issuer>", store.app.entity_id()),
        format!("AssertionConsumerServiceURL=\"{}\"", store.url("/saml/acs")),
        "Destination=\"http://idp.example/saml/sso?tenant=a\"".to_owned(),
        "ForceAuthn=\"true\" IsPassive=\"true\"".to_owned(),
        "nameid-format:persistent\" AllowCreate=\"true\"".to_owned(),
    ] {
        assert!(
            asked.request.contains(&part),
            "{part} not in {}",
            asked.request
        );
    }
    let plain = Browser::new().ask(&store, "").await;
    assert!(!plain.request.contains("ForceAuthn") && !plain.request.contains("IsPassive"));
    assert_ne!(plain.id, asked.id);
}

#[tokio::test]
async fn signed_requests_verify_under_the_certificate_of_the_metadata_in_both_bindings() {
    let store = Running::start_with(Kind::Store, |config| config.sign_requests = true).await;
    let metadata = store.app.metadata();
    assert!(metadata.contains("AuthnRequestsSigned=\"true\""));
    let start = "<ds:X509Certificate>";
    let der = metadata
        .split_once(start)
        .unwrap()
        .1
        .split('<')
        .next()
        .unwrap();
    let der = BASE64.decode(der).unwrap();
    let key = X509::from_der(&der).unwrap().public_key().unwrap();

    let browser = Browser::new();
    let asked = browser.ask(&store, "").await;
    let query = asked
        .location
        .query()
        .unwrap()
        .strip_prefix("tenant=a&")
        .unwrap();
    let (octets, signature) = query.split_once("&Signature=").unwrap();
    let signature: String = url::form_urlencoded::parse(format!("s={signature}").as_bytes())
        .next()
        .unwrap()
        .1
        .into();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
    assert!(
        verifier
            .verify_oneshot(&BASE64.decode(signature).unwrap(), octets.as_bytes())
            .unwrap()
    );

    let page = browser.page(&store.url("/saml/login?binding=post")).await;
    let xml = BASE64.decode(hidden(&page, "SAMLRequest")).unwrap();
    Crypto::verify_signed_xml(&xml, &der.into(), Some("ID")).unwrap();
}

#[tokio::test]
async fn the_post_binding_shows_a_form_that_a_script_file_sends_on() {
    let store = Running::start(Kind::Store).await;
    let browser = Browser::new();
    let response = browser
        .get(&store.url("/saml/login?binding=post&return=/"))
        .await;
    let policy = header(&response, "content-security-policy");
    assert!(
        policy.contains("script-src 'self'") && !policy.contains("form-action"),
        "{policy}"
    );
    assert_eq!(header(&response, "referrer-policy"), "origin");
    let page = response.text().await.unwrap();
    assert!(
        page.contains("action=\"http://idp.example/saml/sso?tenant=a\""),
        "{page}"
    );
    assert!(page.contains("<script src=\"/static/post.js\" defer></script>"));
    let request = hidden(&page, "SAMLRequest");
    let request = String::from_utf8(BASE64.decode(request).unwrap()).unwrap();
    let id = request
        .split_once(" ID=\"")
        .unwrap()
        .1
        .split('"')
        .next()
        .unwrap();
    let xml = store.idp.response(&store.answer(Some(id)));
    browser
        .bring(&store, &xml, &hidden(&page, "RelayState"))
        .await;
    assert!(browser.is_signed_in(&store).await);
}

#[tokio::test]
async fn a_cross_site_post_without_cookies_is_finished_in_the_browser_that_asked_and_no_other() {
    let store = Running::start(Kind::Store).await;
    let (browser, stranger, cookieless) = (Browser::new(), Browser::new(), Browser::new());
    stranger.ask(&store, "").await;
    for (finisher, welcome) in [(&stranger, false), (&cookieless, false), (&browser, true)] {
        let asked = browser.ask(&store, "?return=/assets/tax-rates").await;
        let xml = store.idp.response(&store.answer(Some(&asked.id)));
        let response = cookieless.bring(&store, &xml, &asked.relay_state).await;
        assert!(response.headers().get(SET_COOKIE).is_none());
        let arrived = header(&response, "location");
        assert!(arrived.starts_with("/saml/arrived?handle="), "{arrived}");
        let response = finisher.get(&store.url(&arrived)).await;
        if welcome {
            assert_eq!(header(&response, "location"), "/assets/tax-rates");
        } else {
            assert_eq!(response.status(), StatusCode::FORBIDDEN);
        }
        assert_eq!(finisher.is_signed_in(&store).await, welcome);
        let again = finisher.get(&store.url(&arrived)).await;
        assert_eq!(again.status(), StatusCode::FORBIDDEN, "a handle works once");
    }
}

#[tokio::test]
async fn an_app_that_takes_unsolicited_answers_takes_them_once_each() {
    let store = Running::start_with(Kind::Store, |config| config.accept_unsolicited = true).await;
    let xml = store.idp.response(&store.answer(None));
    let browser = Browser::new();
    let response = browser.bring(&store, &xml, "//evil.example/").await;
    assert_eq!(header(&response, "location"), "/");
    assert!(browser.is_signed_in(&store).await);
    let other = Browser::new();
    assert_eq!(
        other.bring(&store, &xml, "").await.status(),
        StatusCode::FORBIDDEN
    );
    assert!(!other.is_signed_in(&store).await);
}

#[tokio::test]
async fn two_tabs_may_sign_in_side_by_side() {
    let store = Running::start(Kind::Store).await;
    let browser = Browser::new();
    let first = browser.ask(&store, "?return=/assets/tax-rates").await;
    let second = browser.ask(&store, "?return=/assets/orders-api").await;
    for (asked, page) in [(second, "/assets/orders-api"), (first, "/assets/tax-rates")] {
        let xml = store.idp.response(&store.answer(Some(&asked.id)));
        let response = browser.bring(&store, &xml, &asked.relay_state).await;
        assert_eq!(header(&response, "location"), page);
    }
}

#[tokio::test]
async fn the_way_back_never_leads_to_another_host() {
    let store = Running::start(Kind::Store).await;
    let browser = Browser::new();
    for path in [
        "https://evil.example/",
        "//evil.example/",
        "/%5Cevil.example",
        "/%09/evil.example",
    ] {
        let asked = browser.ask(&store, &format!("?return={path}")).await;
        let xml = store.idp.response(&store.answer(Some(&asked.id)));
        let response = browser.bring(&store, &xml, &asked.relay_state).await;
        assert_eq!(header(&response, "location"), "/", "{path}");
    }
}

#[tokio::test]
async fn signing_out_takes_the_token_of_the_page_and_ends_the_session() {
    let store = Running::start(Kind::Store).await;
    let browser = Browser::new();
    browser.sign_in(&store).await;
    let forged = browser.post(&store.url("/logout"), &[("csrf", "0")]).await;
    assert_eq!(forged.status(), StatusCode::FORBIDDEN);
    assert!(browser.is_signed_in(&store).await);
    let csrf = hidden(&browser.page(&store.url("/")).await, "csrf");
    browser
        .post(&store.url("/logout"), &[("csrf", &csrf)])
        .await;
    assert!(!browser.is_signed_in(&store).await);
}

#[tokio::test]
async fn a_restarted_app_keeps_its_key_and_its_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let fixed = |config: &mut AppConfig| config.base_url = "http://store.example".to_owned();
    let before = Running::start_in(Kind::Store, folder.path(), FakeIdp::rsa(2048), fixed).await;
    let after = Running::start_in(Kind::Store, folder.path(), FakeIdp::rsa(2048), fixed).await;
    assert_eq!(before.app.metadata(), after.app.metadata());
    let mode = std::fs::metadata(folder.path().join("store-sp.pem"))
        .unwrap()
        .permissions();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
        0o600
    );
}
