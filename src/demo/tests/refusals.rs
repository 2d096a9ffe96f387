//! Answers that do not sign anybody in.

use super::*;

/// Brings an answer to a fresh request, after `adjust` made it wrong; the page that came of it.
async fn refused(running: &Running, adjust: impl FnOnce(&mut Answer)) -> String {
    let browser = Browser::new();
    let asked = browser.ask(running, "").await;
    let mut answer = running.answer(Some(&asked.id));
    adjust(&mut answer);
    let xml = running.idp.response(&answer);
    refused_text(running, &browser, &xml, &asked.relay_state).await
}

async fn refused_text(
    running: &Running,
    browser: &Browser,
    xml: &str,
    relay_state: &str,
) -> String {
    let response = browser.bring(running, xml, relay_state).await;
    let status = response.status();
    assert!(matches!(status.as_u16(), 400 | 403), "{status} for {xml}");
    let page = response.text().await.unwrap();
    assert!(!browser.is_signed_in(running).await);
    assert!(page.contains("href=\"/saml/login\">Try again"), "{page}");
    page
}

#[tokio::test]
async fn every_field_that_is_wrong_is_refused_for_its_own_reason() {
    type Wrong = (&'static str, fn(&mut Answer));
    let publisher = Running::start(Kind::Publisher).await;
    let wrong: [Wrong; 12] = [
        ("(Audience)", |it| {
            it.audience = Some("http://store.example/saml/metadata".to_owned());
        }),
        ("(Audience)", |it| it.audience = None),
        ("(Recipient)", |it| {
            it.recipient = "http://store.example/saml/acs".to_owned();
        }),
        ("(Destination)", |it| {
            it.destination = "http://store.example/saml/acs".to_owned();
        }),
        ("(Destination)", |it| {
            it.destination = "http://store.example/saml/acs".to_owned();
            it.sign = Sign::Assertion;
        }),
        ("another identity provider", |it| {
            it.issuer = "https://evil.example/".to_owned();
        }),
        ("not asked for this sign-in", |it| {
            it.in_response_to = Some("_other".to_owned());
        }),
        ("nobody asked", |it| it.in_response_to = None),
        ("has expired", |it| {
            (it.not_before, it.not_on_or_after) = (-900, -200);
        }),
        ("has expired", |it| it.now -= 1_800),
        ("not valid yet", |it| it.not_before = 200),
        ("not signed", |it| it.sign = Sign::Nothing),
    ];
    for (reason, adjust) in wrong {
        let page = refused(&publisher, adjust).await;
        assert!(page.contains(reason), "{reason} not in {page}");
    }
}

#[tokio::test]
async fn an_answer_works_once() {
    let store = Running::start(Kind::Store).await;
    let browser = Browser::new();
    let asked = browser.ask(&store, "").await;
    let xml = store.idp.response(&store.answer(Some(&asked.id)));
    browser.bring(&store, &xml, &asked.relay_state).await;
    assert!(browser.is_signed_in(&store).await);
    let again = browser.bring(&store, &xml, &asked.relay_state).await;
    assert_eq!(again.status(), StatusCode::FORBIDDEN);
    let thief = Browser::new();
    refused_text(&store, &thief, &xml, &asked.relay_state).await;
}

#[tokio::test]
async fn of_many_that_bring_the_same_answer_at_once_one_gets_a_session() {
    let store = Running::start_with(Kind::Store, |config| config.accept_unsolicited = true).await;
    let xml = store.idp.response(&store.answer(None));
    let browsers: Vec<Browser> = (0..4).map(|_| Browser::new()).collect();
    let mut admitted = 0;
    let (a, b, c, d) = tokio::join!(
        browsers[0].bring(&store, &xml, ""),
        browsers[1].bring(&store, &xml, ""),
        browsers[2].bring(&store, &xml, ""),
        browsers[3].bring(&store, &xml, ""),
    );
    for response in [a, b, c, d] {
        admitted += usize::from(response.status() == StatusCode::SEE_OTHER);
    }
    assert_eq!(admitted, 1);
}

#[tokio::test]
async fn the_same_assertion_under_a_second_request_is_a_replay() {
    let store = Running::start(Kind::Store).await;
    let browser = Browser::new();
    let first = browser.ask(&store, "").await;
    let answer = store.answer(Some(&first.id));
    browser
        .bring(&store, &store.idp.response(&answer), &first.relay_state)
        .await;
    let other = Browser::new();
    let second = other.ask(&store, "").await;
    let again = Answer {
        in_response_to: Some(second.id.clone()),
        ..answer
    };
    let xml = store.idp.response(&again);
    let page = refused_text(&store, &other, &xml, &second.relay_state).await;
    assert!(page.contains("used already"), "{page}");
}

#[tokio::test]
async fn an_answer_to_another_browsers_request_is_refused() {
    let store = Running::start(Kind::Store).await;
    let (owner, thief) = (Browser::new(), Browser::new());
    thief.ask(&store, "").await;
    let asked = owner.ask(&store, "").await;
    let xml = store.idp.response(&store.answer(Some(&asked.id)));
    let page = refused_text(&store, &thief, &xml, &asked.relay_state).await;
    assert!(page.contains("not asked for this sign-in"), "{page}");
}

#[tokio::test]
async fn text_changed_after_signing_is_refused_whichever_signature_covers_it() {
    let store = Running::start(Kind::Store).await;
    for sign in [Sign::Both, Sign::Response, Sign::Assertion] {
        let browser = Browser::new();
        let asked = browser.ask(&store, "").await;
        let answer = Answer {
            sign,
            ..store.answer(Some(&asked.id))
        };
        let xml = store
            .idp
            .response(&answer)
            .replace("Ada Ferris", "Eve Ferris");
        let page = refused_text(&store, &browser, &xml, &asked.relay_state).await;
        assert!(page.contains("signature does not belong"), "{page}");
    }
}

#[tokio::test]
async fn another_providers_signature_is_refused() {
    let store = Running::start(Kind::Store).await;
    let other = FakeIdp::rsa(2048);
    let browser = Browser::new();
    let asked = browser.ask(&store, "").await;
    let xml = other.response(&store.answer(Some(&asked.id)));
    let page = refused_text(&store, &browser, &xml, &asked.relay_state).await;
    assert!(page.contains("signature does not belong"), "{page}");
}

#[tokio::test]
async fn wrapped_and_repeated_assertions_are_refused() {
    let store = Running::start(Kind::Store).await;
    let browser = Browser::new();
    let asked = browser.ask(&store, "").await;
    let answer = Answer {
        sign: Sign::Assertion,
        ..store.answer(Some(&asked.id))
    };
    let xml = store.idp.response(&answer);
    let start = xml.find("<saml:Assertion").unwrap();
    let end = xml.find("</samlp:Response>").unwrap();
    let (signed, head) = (&xml[start..end], &xml[..start]);
    let evil = signed
        .replace(&answer.assertion_id, "_evil")
        .replace("Ada Ferris", "Eve Ferris");
    let signature =
        &evil[evil.find("<ds:Signature").unwrap()..evil.find("<saml:Subject>").unwrap()];
    let unsigned = evil.replace(signature, "");
    let close = "</samlp:Response>";
    let wrapped = [
        format!("{head}{unsigned}{signed}{close}"),
        format!("{head}{signed}{unsigned}{close}"),
        format!("{head}<samlp:Extensions>{signed}</samlp:Extensions>{unsigned}{close}"),
        format!(
            "{head}{}{close}",
            evil.replace(
                "</ds:Signature>",
                &format!("<ds:Object>{signed}</ds:Object></ds:Signature>")
            )
        ),
        format!(
            "{head}{}{close}",
            evil.replace(
                "URI=\"#_evil\"",
                &format!("URI=\"#{}\"", answer.assertion_id)
            )
        ),
        xml.replace("URI=\"#", "URI=\"http://127.0.0.1:9/#"),
        xml.replace(
            "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
            "http://www.w3.org/TR/1999/REC-xslt-19991116",
        ),
        xml.replace("<ds:SignedInfo>", "<ds:SignedInfo><ds:Reference URI=\"\"/>"),
    ];
    for text in wrapped {
        assert_ne!(text, xml);
        let page = refused_text(&store, &browser, &text, &asked.relay_state).await;
        assert!(page.contains("could not be read"), "{page}");
    }
}

#[tokio::test]
async fn what_is_no_plain_xml_is_refused_before_any_c_library_sees_it() {
    let store = Running::start(Kind::Store).await;
    let browser = Browser::new();
    let asked = browser.ask(&store, "").await;
    let xml = store.idp.response(&store.answer(Some(&asked.id)));
    let odd = [
        "plain text".to_owned(),
        String::new(),
        format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{xml}"),
        format!("<?xml-stylesheet href=\"a\"?>{xml}"),
        format!("{xml}{xml}"),
        format!("{xml}tail"),
        xml.replace("Ada Ferris", "Ada<!-- --> Ferris"),
        xml.replace("Ada Ferris", "&b;")
            .replace("k7x2", "&undeclared;"),
        xml.replace("<saml:Subject>", "<saml:Subject xml:id=\"a\">"),
        xml.replace("</saml:Subject>", ""),
        xml.replace("samlp:Response", "samlp:LogoutResponse"),
        xml.replace(
            "urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml",
            "urn:x\" xmlns:saml",
        ),
        xml.replacen("Version=\"2.0\"", "Version=\"1.1\"", 1),
    ];
    for text in odd {
        assert_ne!(text, xml);
        refused_text(&store, &browser, &text, &asked.relay_state).await;
    }
    let url = store.url("/saml/acs");
    let no_base64 = browser.post(&url, &[("SAMLResponse", "*")]).await;
    assert_eq!(no_base64.status(), StatusCode::BAD_REQUEST);
    let nothing = browser.post(&url, &[("RelayState", "a")]).await;
    assert_eq!(nothing.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let large = browser
        .post(&url, &[("SAMLResponse", &"A".repeat(600_000))])
        .await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let answer = browser.bring(&store, &xml, &asked.relay_state).await;
    assert_eq!(
        answer.status(),
        StatusCode::SEE_OTHER,
        "the request was not used up by the others"
    );
}

#[tokio::test]
async fn what_the_identity_provider_said_is_shown_in_the_apps_own_words() {
    let publisher = Running::start(Kind::Publisher).await;
    for sign in [Sign::Response, Sign::Nothing] {
        for (code, words) in [
            ("RequestDenied", "your account may not enter this app"),
            (
                "NoPassive",
                "You are not signed in at the identity provider yet",
            ),
            ("AuthnFailed", "could not make sure who you are"),
        ] {
            let browser = Browser::new();
            let asked = browser.ask(&publisher, "").await;
            let answer = Answer {
                sign,
                ..publisher.answer(Some(&asked.id))
            };
            let xml = publisher.idp.status(&answer, code);
            let page = refused_text(&publisher, &browser, &xml, &asked.relay_state).await;
            assert!(page.contains(words) && page.contains(code), "{page}");
        }
    }
    let browser = Browser::new();
    let asked = browser.ask(&publisher, "").await;
    let answer = Answer {
        sign: Sign::Response,
        ..publisher.answer(Some(&asked.id))
    };
    let xml = FakeIdp::rsa(2048).status(&answer, "RequestDenied");
    let page = refused_text(&publisher, &browser, &xml, &asked.relay_state).await;
    assert!(page.contains("signature does not belong"), "{page}");
}

#[tokio::test]
async fn metadata_that_does_not_serve_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let good = FakeIdp::rsa(2048).metadata(SSO);
    for (metadata, reason) in [
        (good.replace("2099-", "2019-"), "expired"),
        (
            good.replace("use=\"signing\"", "use=\"encryption\""),
            "no certificate",
        ),
        (good.replace(" entityID=", " other="), "entityID"),
        (
            good.replace("SingleSignOnService", "ManageNameIDService"),
            "SingleSignOnService",
        ),
        ("<a".to_owned(), "parse"),
    ] {
        let config = AppConfig {
            kind: Kind::Store,
            base_url: "http://127.0.0.1:1".to_owned(),
            idp_metadata: metadata,
            folder: folder.path().to_owned(),
            assets: folder.path().join("assets.db"),
            accept_unsolicited: false,
            sign_requests: false,
            sibling_url: None,
        };
        let error = App::open(config).await.err().unwrap().to_string();
        assert!(error.contains(reason), "{reason} not in {error}");
    }
}
