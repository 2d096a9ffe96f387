//! Enhanced clients (Profiles 4.2, ECP 2.0): the client brings request and credentials, and takes
//! the Response on.

use reqwest::header::CONTENT_TYPE;

use crate::client::{Reply, envelope, send};
use crate::support::app::Product;
use crate::support::oracle::Message;
use crate::support::sp::{AuthnRequest, Sp, another_key};

const PATH: &str = "/saml/ecp";
const PASSWORD: &str = "correct horse: battery ü";
const PAOS_ACS: &str = "https://store.example/ecp";
const PAOS: &str = "urn:oasis:names:tc:SAML:2.0:bindings:PAOS";
const CB: &str = "urn:oasis:names:tc:SAML:protocol:ext:channel-binding";

async fn product(options: &[&str]) -> (Product, Sp) {
    let product = Product::serve("").await;
    product.add_user("carla", PASSWORD, &["store"]);
    product.add_user("paul", PASSWORD, &["publisher"]);
    let mut sp = Sp::new("https://store.example/metadata", PAOS_ACS);
    (sp.key, sp.certificate) = another_key();
    let paos = format!(
        "<md:AssertionConsumerService Binding=\"{PAOS}\" Location=\"{PAOS_ACS}\" index=\"7\"/>\
         </md:SPSSODescriptor>"
    );
    let metadata = sp
        .metadata("")
        .replace(PAOS_ACS, "https://store.example/acs");
    let metadata = metadata.replace("</md:SPSSODescriptor>", &paos);
    let file = product.file("store.xml", &metadata);
    let mut arguments = vec!["sp", "add", "--metadata", &file, "--name", "store"];
    arguments.extend(["--require-role", "store"]);
    arguments.extend(options);
    let output = product.try_cli(&arguments, "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    (product, sp)
}

/// A request as service providers write them for enhanced clients: without Destination.
fn request(sp: &Sp) -> AuthnRequest {
    let mut request = sp.request("https://nowhere.example");
    request.destination = None;
    request.with(&format!("ProtocolBinding=\"{PAOS}\""))
}

async fn ask(product: &Product, who: Option<(&str, &str)>, text: &str) -> Reply {
    send(product, PATH, text, |request| {
        let request = request.header(CONTENT_TYPE, "text/xml");
        match who {
            Some((name, password)) => request.basic_auth(name, Some(password)),
            None => request,
        }
    })
    .await
}

async fn ask_as(product: &Product, name: &str, request: &str) -> Reply {
    ask(product, Some((name, PASSWORD)), &envelope("", request)).await
}

/// The Response in the Body, held against schemas and xmlsec1; the header names the endpoint.
fn response(product: &Product, reply: &Reply) -> Message {
    assert_eq!(reply.status, 200, "{}", reply.body);
    let message = product.oracle().check(&reply.message_xml());
    let to = format!(
        "<ecp:Response xmlns:ecp=\"urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp\" \
         AssertionConsumerServiceURL=\"{PAOS_ACS}\" \
         S:actor=\"http://schemas.xmlsoap.org/soap/actor/next\" S:mustUnderstand=\"1\"></ecp:Response>"
    );
    assert!(reply.body.contains(&to), "C-P1: {}", reply.body);
    message
}

fn sessions(product: &Product) -> usize {
    let listed = product.cli(["session", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    listed["sessions"].as_array().unwrap().len()
}

#[tokio::test]
async fn c_p1_c_p2_an_enhanced_client_gets_a_response_for_the_registered_paos_endpoint() {
    let (product, sp) = product(&[]).await;
    let idp = product.metadata.entity_id.clone().unwrap();
    let request = request(&sp);
    let reply = ask_as(&product, "carla", &request.xml()).await;
    let message = response(&product, &reply);
    assert_eq!(
        sp.judge(&message, &idp, Some(&request.id)),
        Vec::<String>::new()
    );
    assert!(
        reply.header("set-cookie").is_none(),
        "no browser, no cookie"
    );
    assert!(
        !reply.body.contains("RequestAuthenticated"),
        "C-P3: unsigned"
    );
    assert_eq!(
        sessions(&product),
        1,
        "it has a SessionIndex and can be ended"
    );

    // With its own Destination, by index, without any word about the endpoint.
    let mut own = self::request(&sp);
    own.destination = Some(product.idp(PATH));
    let mut silent = self::request(&sp);
    (silent.acs_url, silent.attributes) = (None, String::new());
    let by_index = silent.clone().with("AssertionConsumerServiceIndex=\"7\"");
    for mut request in [own, silent, by_index] {
        request.id = crate::support::sp::fresh_id();
        let reply = ask_as(&product, "carla", &request.xml()).await;
        let message = response(&product, &reply);
        assert!(message.assertion.is_some(), "{}", request.xml());
    }
}

#[tokio::test]
async fn c_p3_a_verified_request_is_said_to_be_authenticated() {
    let (product, sp) = product(&["--require-signed-requests"]).await;
    let request = request(&sp);
    let reply = ask_as(&product, "carla", &sp.signed_xml(&request)).await;
    assert!(response(&product, &reply).assertion.is_some());
    assert!(
        reply.body.contains(
            "<ecp:RequestAuthenticated xmlns:ecp=\"urn:oasis:names:tc:SAML:2.0:profiles:SSO:ecp\" \
             S:actor=\"http://schemas.xmlsoap.org/soap/actor/next\">"
        ),
        "{}",
        reply.body
    );
    let unsigned = ask_as(&product, "carla", &request.xml()).await;
    assert_eq!(unsigned.fault().as_deref(), Some("S:Client"));
    let altered = sp.signed_xml(&request).replace("/ecp\"", "/other\"");
    let altered = ask_as(&product, "carla", &altered).await;
    assert_eq!(altered.fault().as_deref(), Some("S:Client"));
}

#[tokio::test]
async fn c_p1_credentials_are_asked_for_by_http_basic_and_nothing_is_said_without() {
    let (product, sp) = product(&[]).await;
    let good = envelope("", &request(&sp).xml());
    let nobody = good.replace("https://store.example/metadata", "https://nobody.example");
    let mut said = Vec::new();
    for text in [&good, &nobody] {
        for who in [
            None,
            Some(("carla", "wrong")),
            Some(("nobody", PASSWORD)),
            Some(("", "")),
        ] {
            let reply = ask(&product, who, text).await;
            assert_eq!(reply.status, 401, "{who:?}");
            let challenge = reply.header("www-authenticate");
            assert_eq!(
                challenge,
                Some("Basic realm=\"Doorward\", charset=\"UTF-8\"")
            );
            said.push(reply.body.split("Reference").next().unwrap().to_owned());
        }
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    for header in ["Bearer x", "Basic", "Basic ****", "Basic Y2FybGE="] {
        let reply = send(&product, PATH, &good, |request| {
            request
                .header(CONTENT_TYPE, "text/xml")
                .header("Authorization", header)
        })
        .await;
        assert_eq!(reply.status, 401, "{header}");
    }
    assert_eq!(sessions(&product), 0);
    let audit = product.cli(["audit", "list", "--kind", "sign-in", "--json"]);
    assert!(audit.contains("wrong-password"), "{audit}");
}

#[tokio::test]
async fn t_lock_paths_a_guesser_is_slowed_here_as_at_the_form() {
    let (product, sp) = product(&[]).await;
    let text = envelope("", &request(&sp).xml());
    let mut last = 0;
    for _ in 0..20 {
        let reply = ask(&product, Some(("carla", "wrong")), &text).await;
        last = reply.status;
        if last == 429 {
            assert!(reply.header("retry-after").is_some());
            break;
        }
    }
    assert_eq!(last, 429);
    // The form knows of it, however long it takes on a busy machine to come to it.
    product.by_hand("UPDATE failures SET failed = 12");
    let browser = product.browser();
    let form = browser.visit(&product.idp("/login")).await;
    assert_eq!(browser.sign_in(&form, "carla", PASSWORD).await.status, 429);
}

#[tokio::test]
async fn t_gate_whoever_may_not_enter_gets_a_status_and_nothing_else() {
    let (product, sp) = product(&[]).await;
    let reply = ask_as(&product, "paul", &request(&sp).xml()).await;
    let message = response(&product, &reply);
    assert_eq!(message.short_status(), "Responder/RequestDenied");
    assert!(message.assertion.is_none());
    assert_eq!(sessions(&product), 0, "nothing is left behind");
    let passive = request(&sp).with("IsPassive=\"true\"");
    let reply = ask_as(&product, "paul", &passive.xml()).await;
    assert_eq!(
        response(&product, &reply).short_status(),
        "Responder/NoPassive"
    );
    // Credentials in the request itself disturb nobody, and are as fresh as can be.
    let both = request(&sp).with("IsPassive=\"true\" ForceAuthn=\"true\"");
    let reply = ask_as(&product, "carla", &both.xml()).await;
    assert!(response(&product, &reply).assertion.is_some());

    product.cli(["user", "disable", "carla"]);
    let reply = ask_as(&product, "carla", &request(&sp).xml()).await;
    assert_eq!(reply.status, 401);
    product.cli(["user", "enable", "carla"]);
    product.cli(["user", "revoke", "carla", "store"]);
    let reply = ask_as(&product, "carla", &request(&sp).xml()).await;
    assert_eq!(
        response(&product, &reply).short_status(),
        "Responder/RequestDenied"
    );
    product.cli(["user", "grant", "carla", "store"]);
    product.cli(["sp", "disable", "store"]);
    let reply = ask_as(&product, "carla", &request(&sp).xml()).await;
    assert_eq!(reply.fault().as_deref(), Some("S:Client"));
}

#[tokio::test]
async fn c_p5_a_password_is_no_more_here_than_at_the_form() {
    let (product, sp) = product(&[]).await;
    let mfa = request(&sp);
    let mfa = AuthnRequest {
        children: "<samlp:RequestedAuthnContext><saml:AuthnContextClassRef>\
                   https://refeds.org/profile/mfa</saml:AuthnContextClassRef>\
                   </samlp:RequestedAuthnContext>"
            .to_owned(),
        ..mfa
    };
    let reply = ask_as(&product, "carla", &mfa.xml()).await;
    assert_eq!(
        response(&product, &reply).short_status(),
        "Responder/NoAuthnContext"
    );
    // A password that was given by somebody else has to be changed first.
    let said = product.cli(["init", "--admin", "otto", "--json"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let password = said["password"].as_str();
    let password = password.unwrap_or_else(|| panic!("printed once: {said}"));
    product.cli(["user", "grant", "otto", "store"]);
    let text = envelope("", &request(&sp).xml());
    let reply = ask(&product, Some(("otto", password)), &text).await;
    let message = response(&product, &reply);
    assert_eq!(message.short_status(), "Responder/RequestDenied");
    assert_eq!(sessions(&product), 0);
}

#[tokio::test]
async fn c_p6_a_fault_does_not_tell_which_service_providers_there_are() {
    let (product, sp) = product(&[]).await;
    let mut vectors = Vec::new();
    let good = request(&sp);
    let mut unknown = good.clone();
    unknown.issuer = "https://nobody.example".to_owned();
    vectors.push(unknown.xml());
    for url in [
        "https://store.example/acs",
        "https://evil.example/",
        "https://store.example/ecp/",
    ] {
        let mut elsewhere = good.clone();
        elsewhere.acs_url = Some(url.to_owned());
        vectors.push(elsewhere.xml());
    }
    vectors.push(
        good.xml()
            .replace(PAOS, "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"),
    );
    vectors.push(
        good.xml()
            .replace("samlp:AuthnRequest", "samlp:AttributeQuery"),
    );
    let mut said = Vec::new();
    for text in &vectors {
        let reply = ask_as(&product, "carla", text).await;
        assert_eq!(reply.status, 500, "{text}");
        said.push(reply.body.split("Reference").next().unwrap().to_owned());
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(sessions(&product), 0);
    // What is wrong with a request whose endpoint is known is told there (C-R15).
    let stale = good.clone().issued(jiff::SignedDuration::from_hours(-1));
    let reply = ask_as(&product, "carla", &stale.xml()).await;
    assert_eq!(response(&product, &reply).short_status(), "Requester");
    let mut elsewhere = good;
    elsewhere.destination = Some(product.idp("/saml/sso"));
    let reply = ask_as(&product, "carla", &elsewhere.xml()).await;
    assert_eq!(response(&product, &reply).short_status(), "Requester");
}

/// A channel as the SP names it.
fn channel(value: &str) -> String {
    format!(
        "<cb:ChannelBindings xmlns:cb=\"{CB}\" Type=\"tls-server-end-point\">{value}\
         </cb:ChannelBindings>"
    )
}

/// The same as a header block of the client.
fn of_client(value: &str) -> String {
    channel(value).replace(
        " Type=",
        " e:mustUnderstand=\"1\" e:actor=\"http://schemas.xmlsoap.org/soap/actor/next\" Type=",
    )
}

#[tokio::test]
async fn c_p3_channel_bindings_have_to_match_wherever_they_are_named() {
    let (product, sp) = product(&[]).await;
    let of_sp = |value: &str| AuthnRequest {
        children: format!("<samlp:Extensions>{}</samlp:Extensions>", channel(value)),
        ..request(&sp)
    };
    let ask = |header: String, text: String| {
        let product = &product;
        async move {
            self::ask(
                product,
                Some(("carla", PASSWORD)),
                &envelope(&header, &text),
            )
            .await
        }
    };
    let both = ask(of_client("YWJj"), sp.signed_xml(&of_sp("YW\nJj"))).await;
    assert!(response(&product, &both).assertion.is_some());
    assert!(
        both.body.contains("Type=\"tls-server-end-point\""),
        "{}",
        both.body
    );

    for (header, text, why) in [
        (of_client("YWJj"), sp.signed_xml(&of_sp("ZGVm")), "differ"),
        (
            of_client("YWJj"),
            sp.signed_xml(&request(&sp)),
            "only the client",
        ),
        (String::new(), sp.signed_xml(&of_sp("YWJj")), "only the SP"),
        (
            of_client("YWJj"),
            of_sp("YWJj").xml(),
            "the SP's word is not signed",
        ),
        (
            of_client("YWJj").replace("end-point", "other"),
            sp.signed_xml(&of_sp("YWJj")),
            "kinds",
        ),
    ] {
        let reply = ask(header, text).await;
        assert_eq!(
            response(&product, &reply).short_status(),
            "Requester",
            "{why}"
        );
    }
    let empty = ask(of_client(""), request(&sp).xml()).await;
    assert!(
        response(&product, &empty).assertion.is_some(),
        "names no channel"
    );
    assert!(
        product
            .log()
            .iter()
            .any(|line| line.to_string().contains("channel-mismatch"))
    );
}

#[tokio::test]
async fn c_p1_metadata_names_the_endpoint_and_no_other_site_can_use_a_browsers_memory() {
    let (product, sp) = product(&[]).await;
    let listed = &product.metadata.endpoints;
    let found = listed.iter().find(|endpoint| {
        endpoint.element == "SingleSignOnService" && endpoint.binding.ends_with(":SOAP")
    });
    let location = found.and_then(|endpoint| endpoint.location.clone());
    assert_eq!(location, Some(product.idp(PATH)));
    let text = envelope("", &request(&sp).xml());
    let reply = send(&product, PATH, &text, |request| {
        request
            .header(CONTENT_TYPE, "text/xml")
            .header("Origin", "https://evil.example")
            .basic_auth("carla", Some(PASSWORD))
    })
    .await;
    assert_eq!(reply.fault().as_deref(), Some("S:Client"));
    assert_eq!(sessions(&product), 0);
}

/// Point 11 of those on which others fail: a key for client and SP, in the encrypted assertion and
/// in a header of the answer, and never in what anybody can read.
#[tokio::test]
async fn c_p4_iip_idp15_a_generated_key_comes_in_the_encrypted_assertion_and_in_a_header() {
    let wants = "<s:SessionKey xmlns:s=\"urn:ietf:params:xml:ns:samlec\" e:mustUnderstand=\"1\" \
                 e:actor=\"http://schemas.xmlsoap.org/soap/actor/next\"><s:EncType>17</s:EncType>\
                 </s:SessionKey>";
    let (product, sp) = product(&[]).await;
    let ask = |header: &str| {
        let text = envelope(header, &request(&sp).xml());
        let product = &product;
        async move { self::ask(product, Some(("carla", PASSWORD)), &text).await }
    };
    let plain = ask(wants).await;
    assert!(response(&product, &plain).assertion.is_some());
    assert!(!plain.body.contains("GeneratedKey"), "never in plain");

    // The registered signing key serves for encryption too.
    let metadata = sp.metadata("").replace(" use=\"signing\"", "");
    let paos = format!(
        "<md:AssertionConsumerService Binding=\"{PAOS}\" Location=\"{PAOS_ACS}\" index=\"7\"/>\
         </md:SPSSODescriptor>"
    );
    let metadata = metadata.replace(PAOS_ACS, "https://store.example/acs");
    let metadata = metadata.replace("</md:SPSSODescriptor>", &paos);
    let file = product.file("encrypting.xml", &metadata);
    product.cli([
        "sp",
        "update",
        "store",
        "--metadata",
        &file,
        "--encrypt",
        "always",
    ]);
    let reply = ask(wants).await;
    let oracle = product.oracle().clone().decrypting(&sp.key_pem());
    let message = oracle.check(&reply.message_xml());
    let inside = message.decrypted.expect("an encrypted assertion");
    let key_in = |text: &str| {
        let (_, rest) = text.split_once("<samlec:GeneratedKey")?;
        let (_, rest) = rest.split_once('>')?;
        Some(rest.split_once('<')?.0.to_owned())
    };
    let key = key_in(&inside).expect("in the Advice");
    assert!(
        inside.contains("<saml:Advice><samlec:GeneratedKey"),
        "{inside}"
    );
    assert_eq!(key.len(), 44, "256 bits in base64");
    assert_eq!(
        key_in(&reply.body),
        Some(key.clone()),
        "the copy for the client"
    );
    let again = ask(wants).await;
    assert_ne!(key_in(&again.body), Some(key), "fresh each time");
    let unasked = ask("").await;
    assert!(!unasked.body.contains("GeneratedKey"));
}
