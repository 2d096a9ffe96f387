//! NameIDPolicy and the identifiers that it gets (Core 3.4.1.1, 8.3; IIP-SSO05, IIP-IDP10, IIP-IDP11).

use crate::installation::Installation;
use crate::support::oracle::{Message, NameId};
use crate::support::sp::{Sp, escaped};

const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

async fn asked(home: &Installation, sp: &Sp, children: &str) -> Message {
    let mut request = sp.request(&home.sso());
    request.children = children.to_owned();
    let answer = home.ask(&home.ada().await, &request).await;
    let (_, message) = answer
        .response()
        .unwrap_or_else(|| panic!("{}", answer.in_short()));
    message.clone()
}

fn policy(attributes: &str) -> String {
    format!("<samlp:NameIDPolicy {attributes}/>")
}

fn name_id(message: Message) -> NameId {
    let assertion = message.assertion.expect("an assertion");
    assertion.name_id.expect("a NameID")
}

async fn home_with(options: &[&str]) -> (Installation, Sp) {
    let home = Installation::start().await;
    let sp = Installation::sp("store");
    home.register("store", &sp.metadata(""), options);
    (home, sp)
}

#[tokio::test]
async fn c_n1_iip_sso05_a_iip_idp10_d_persistent_is_given_where_it_is_asked_for() {
    let (home, sp) = home_with(&["--nameid", "transient"]).await;
    let asking = policy(&format!("Format=\"{PERSISTENT}\" AllowCreate=\"true\""));
    let first = name_id(asked(&home, &sp, &asking).await);
    assert_eq!(first.format.as_deref(), Some(PERSISTENT));
    assert_eq!(
        first.sp_name_qualifier.as_deref(),
        Some(sp.entity_id.as_str())
    );
    let again = name_id(asked(&home, &sp, &asking).await);
    assert_eq!(first, again, "another session, the same identifier");
    let usual = name_id(asked(&home, &sp, "").await);
    assert_eq!(usual.format.as_deref(), Some(TRANSIENT));
}

#[tokio::test]
async fn c_n7_iip_sso05_b2_a_transient_identifier_is_a_legal_xs_id() {
    let (home, sp) = home_with(&[]).await;
    let asking = policy(&format!("Format=\"{TRANSIENT}\""));
    let first = name_id(asked(&home, &sp, &asking).await).value;
    let second = name_id(asked(&home, &sp, &asking).await).value;
    assert_ne!(first, second, "another session, another identifier");
    for value in [first, second] {
        let (start, rest) = value.split_at(1);
        assert!(start == "_" && rest.len() >= 32, "{value}");
        assert!(rest.chars().all(|c| c.is_ascii_hexdigit()), "{value}");
    }
}

#[tokio::test]
async fn c_n2_c_n3_c_n10_iip_idp10_b_iip_idp05_a_a_policy_that_cannot_be_met_is_an_error() {
    let (home, sp) = home_with(&[]).await;
    for wrong in [
        "SPNameQualifier=\"https://other.example/saml\"".to_owned(),
        format!("SPNameQualifier=\"{}\"", sp.entity_id.to_uppercase()),
        "Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName\"".to_owned(),
        "Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:WindowsDomainQualifiedName\""
            .to_owned(),
        "Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:entity\"".to_owned(),
        "Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos\"".to_owned(),
        "Format=\"urn:example:unheard-of\"".to_owned(),
    ] {
        let message = asked(&home, &sp, &policy(&wrong)).await;
        assert_eq!(
            message.short_status(),
            "Requester/InvalidNameIDPolicy",
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn c_n3_its_own_qualifier_is_echoed() {
    let (home, sp) = home_with(&[]).await;
    for format in [PERSISTENT, TRANSIENT] {
        let own = escaped(&sp.entity_id);
        let asking = policy(&format!("Format=\"{format}\" SPNameQualifier=\"{own}\""));
        let given = name_id(asked(&home, &sp, &asking).await);
        assert_eq!(
            given.sp_name_qualifier.as_deref(),
            Some(sp.entity_id.as_str()),
            "{format}"
        );
    }
}

#[tokio::test]
async fn c_n4_allow_create_false_creates_nothing_and_means_nothing_for_transient() {
    let (home, sp) = home_with(&[]).await;
    let never = policy(&format!("Format=\"{PERSISTENT}\" AllowCreate=\"false\""));
    let refused = asked(&home, &sp, &never).await;
    assert_eq!(refused.short_status(), "Requester/InvalidNameIDPolicy");
    let transient = policy(&format!("Format=\"{TRANSIENT}\" AllowCreate=\"0\""));
    assert_eq!(
        asked(&home, &sp, &transient).await.short_status(),
        "Success"
    );
    let again = asked(&home, &sp, &never).await;
    assert_eq!(
        again.short_status(),
        "Requester/InvalidNameIDPolicy",
        "nothing was created"
    );
    // Left unsaid it is no prohibition (E14), and then there is an identifier.
    let unsaid = policy(&format!("Format=\"{PERSISTENT}\""));
    let created = name_id(asked(&home, &sp, &unsaid).await);
    assert_eq!(name_id(asked(&home, &sp, &never).await), created);
}

#[tokio::test]
async fn c_n9_an_assertion_may_do_without_a_name_id() {
    let (home, sp) = home_with(&["--nameid", "none"]).await;
    let message = asked(&home, &sp, "").await;
    let assertion = message.assertion.expect("an assertion");
    assert_eq!(assertion.name_id, None);
    assert!(assertion.confirmation.recipient.is_some());
    let named = asked(&home, &sp, &policy(&format!("Format=\"{PERSISTENT}\""))).await;
    assert_eq!(
        name_id(named).format.as_deref(),
        Some(PERSISTENT),
        "who asks gets one"
    );
}

#[tokio::test]
async fn c_r8_iip_sso07_b_a_subject_in_the_request_is_matched() {
    let (home, sp) = home_with(&["--nameid", "unspecified"]).await;
    let subject =
        |name: &str| format!("<saml:Subject><saml:NameID>{name}</saml:NameID></saml:Subject>");
    assert_eq!(
        name_id(asked(&home, &sp, &subject("ada")).await).value,
        "ada"
    );
    let other = asked(&home, &sp, &subject("bob")).await;
    assert_eq!(other.short_status(), "Responder/UnknownPrincipal");
}
