//! What a request may ask for besides identifiers: contexts, other providers, optional content, an
//! endpoint, a version (Core 3.3.2.2.1, 3.4.1, 4.1.3).

use crate::installation::Installation;
use crate::support::browser::Browser;
use crate::support::sp::{AuthnRequest, Sp};

const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
const PROTECTED: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
const MFA: &str = "https://refeds.org/profile/mfa";

struct Stage {
    home: Installation,
    sp: Sp,
    ada: Browser,
}

impl Stage {
    async fn with(settings: &str) -> Self {
        let settings = format!("signing_algorithm = \"rsa2048\"\n{settings}");
        let home = Installation::with(&settings).await;
        let sp = Installation::sp("store");
        home.register("store", &sp.metadata(""), &[]);
        let ada = home.ada().await;
        Self { home, sp, ada }
    }

    fn request(&self, children: &str) -> AuthnRequest {
        let mut request = self.sp.request(&self.home.sso());
        request.children = children.to_owned();
        request
    }

    /// What comes of it: the class asserted, or the status.
    async fn answer_to(&self, request: &AuthnRequest) -> String {
        let answer = self.home.ask(&self.ada, request).await;
        let Some((_, message)) = answer.response() else {
            return answer.in_short();
        };
        match &message.assertion {
            Some(assertion) => assertion.class_ref.clone().expect("a class"),
            None => message.short_status(),
        }
    }

    async fn contexts(&self, comparison: &str, classes: &[&str]) -> String {
        let class = |class: &&str| {
            format!("<saml:AuthnContextClassRef>{class}</saml:AuthnContextClassRef>")
        };
        let classes: String = classes.iter().map(class).collect();
        let asking = format!(
            "<samlp:RequestedAuthnContext{comparison}>{classes}</samlp:RequestedAuthnContext>"
        );
        self.answer_to(&self.request(&asking)).await
    }
}

#[tokio::test]
async fn c_n11_c_n12_iip_idp08_a_contexts_are_compared_in_the_configured_order() {
    let stage = Stage::with("").await;
    let none = "Responder/NoAuthnContext";
    for (comparison, classes, expected) in [
        ("", &[PROTECTED][..], PROTECTED),
        ("", &[PASSWORD, PROTECTED], PASSWORD),
        ("", &[MFA], none),
        (" Comparison=\"exact\"", &[MFA, PROTECTED], PROTECTED),
        (" Comparison=\"minimum\"", &[PASSWORD], PROTECTED),
        (" Comparison=\"minimum\"", &[MFA], none),
        (" Comparison=\"better\"", &[PASSWORD], PROTECTED),
        (" Comparison=\"better\"", &[PROTECTED], none),
        (" Comparison=\"maximum\"", &[MFA], PROTECTED),
        (" Comparison=\"maximum\"", &[PASSWORD], PASSWORD),
    ] {
        let found = stage.contexts(comparison, classes).await;
        assert_eq!(found, expected, "{comparison} {classes:?}");
    }
}

#[tokio::test]
async fn c_n11_another_order_gives_another_answer() {
    let order = format!("authn_contexts = [\"{MFA}\", \"{PROTECTED}\"]");
    let stage = Stage::with(&order).await;
    assert_eq!(
        stage.contexts(" Comparison=\"better\"", &[MFA]).await,
        PROTECTED
    );
    let unordered = stage.contexts(" Comparison=\"minimum\"", &[PASSWORD]).await;
    assert_eq!(unordered, "Responder/NoAuthnContext");
}

#[tokio::test]
async fn c_n13_a_declaration_of_a_context_is_not_offered() {
    let stage = Stage::with("").await;
    let declaration = "<samlp:RequestedAuthnContext><saml:AuthnContextDeclRef>urn:x:y\
                       </saml:AuthnContextDeclRef></samlp:RequestedAuthnContext>";
    let answer = stage.answer_to(&stage.request(declaration)).await;
    assert_eq!(answer, "Responder/NoAuthnContext");
}

#[tokio::test]
async fn c_r19_scoping_is_for_proxies_unless_it_lists_others_only() {
    let stage = Stage::with("").await;
    let own = stage
        .home
        .product
        .metadata
        .entity_id
        .clone()
        .expect("it has one");
    let list = |ids: &[&str]| {
        let entry = |id: &&str| format!("<samlp:IDPEntry ProviderID=\"{id}\"/>");
        let entries: String = ids.iter().map(entry).collect();
        format!("<samlp:Scoping><samlp:IDPList>{entries}</samlp:IDPList></samlp:Scoping>")
    };
    for (scoping, expected) in [
        ("<samlp:Scoping ProxyCount=\"0\"/>".to_owned(), PROTECTED),
        (
            "<samlp:Scoping ProxyCount=\"2\"><samlp:RequesterID>https://portal.example\
             </samlp:RequesterID></samlp:Scoping>"
                .to_owned(),
            PROTECTED,
        ),
        (list(&["https://other.example", &own]), PROTECTED),
        (list(&["https://other.example"]), "Responder/NoSupportedIDP"),
    ] {
        let answer = stage.answer_to(&stage.request(&scoping)).await;
        assert_eq!(answer, expected, "{scoping}");
    }
}

#[tokio::test]
async fn c_g7_another_version_is_refused_with_its_own_status() {
    let stage = Stage::with("").await;
    for (version, expected) in [
        ("1.1", "VersionMismatch/RequestVersionTooLow"),
        ("2.1", "VersionMismatch/RequestVersionTooHigh"),
        ("3.0", "VersionMismatch/RequestVersionTooHigh"),
    ] {
        let mut request = stage.request("");
        request.version = version.to_owned();
        assert_eq!(stage.answer_to(&request).await, expected, "{version}");
    }
}

#[tokio::test]
async fn c_g9_c_g11_c_r20_optional_content_and_any_characters_do_no_harm() {
    let stage = Stage::with("").await;
    // 256 characters of 1 to 4 octets, some of them combining, some by reference.
    let text: String = "a\u{301}\u{1F511}\u{4E2D}"
        .chars()
        .cycle()
        .take(250)
        .collect();
    let extensions = format!(
        "<samlp:Extensions><x:any xmlns:x=\"urn:x\" x:a=\"1\">{text}&#x1F511;<x:b/></x:any></samlp:Extensions>"
    );
    let conditions = "<saml:Conditions NotOnOrAfter=\"2099-01-01T00:00:00Z\"/>";
    let mut request = stage.request(&format!("{extensions}{conditions}"));
    request.attributes = format!(
        " Consent=\"urn:oasis:names:tc:SAML:2.0:consent:unspecified\" ProviderName=\"{text}&#233;&#x1F511;\""
    );
    assert_eq!(stage.answer_to(&request).await, PROTECTED);
}

#[tokio::test]
async fn c_r3_iip_idp12_c_the_endpoint_is_the_one_that_can_carry_a_response() {
    let home = Installation::start().await;
    let sp = Installation::sp("store");
    // An endpoint that cannot carry a Response stands first (C-R3).
    let redirect = r#"<md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://store.example/redirect" index="0"/>"#;
    let metadata = sp
        .metadata("")
        .replace("index=\"0\" isDefault=\"true\"", "index=\"7\"")
        .replace(
            "<md:AssertionConsumerService",
            &format!("{redirect}<md:AssertionConsumerService"),
        );
    home.register("store", &metadata, &[]);
    let ada = home.ada().await;
    for (attributes, expected) in [
        ("", "assertion"),
        (" AssertionConsumerServiceIndex=\"7\"", "assertion"),
        (
            " AssertionConsumerServiceIndex=\"0\"",
            "400 unregistered-acs",
        ),
        (
            " AssertionConsumerServiceIndex=\"9\"",
            "400 unregistered-acs",
        ),
    ] {
        let mut request = sp.request(&home.sso());
        request.acs_url = None;
        request.attributes = attributes.to_owned();
        assert_eq!(
            home.ask(&ada, &request).await.in_short(),
            expected,
            "{attributes}"
        );
    }
}

#[tokio::test]
async fn c_r5_iip_sso01_ag_another_destination_is_discarded() {
    let stage = Stage::with("").await;
    let mut request = stage.request("");
    let address = request.redirect(None);
    assert_eq!(stage.ada.visit(&address).await.in_short(), "assertion");
    request.destination = Some("https://other.example/saml/sso".to_owned());
    let address = request.redirect(None);
    let (_, query) = address.split_once('?').expect("a query");
    let answer = stage
        .ada
        .visit(&format!("{}?{query}", stage.home.sso()))
        .await;
    assert_eq!(answer.in_short(), "Requester");
}
