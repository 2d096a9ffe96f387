//! HTTP-Artifact (Bindings 3.6, Core 3.5): the browser brings a reference, the service provider
//! fetches the Response, and the decision falls when it does.

use std::fmt::Write as _;

use crate::client::{Reply, envelope, post};
use crate::support::app::Product;
use crate::support::browser::Browser;
use crate::support::oracle::{Message, xmlsec1_signs};
use crate::support::sp::{
    AuthnRequest, RSA_SHA256, Sp, another_key, fresh_id, now, signature_template,
};

const PATH: &str = "/saml/soap";
const PASSWORD: &str = "correct horse battery";
const ARTIFACT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// A product with the SP `store`, whose endpoints are these, and carla, who may enter it.
async fn product(endpoints: &[(&str, &str)], options: &[&str]) -> (Product, Sp) {
    let product = Product::serve("").await;
    product.add_user("carla", PASSWORD, &["store"]);
    let sp = register(&product, "store", endpoints, options);
    (product, sp)
}

/// Registers an SP under a key of its own. Its `acs` is the first endpoint.
fn register(product: &Product, name: &str, endpoints: &[(&str, &str)], options: &[&str]) -> Sp {
    let mut sp = Sp::new(&format!("https://{name}.example/metadata"), endpoints[0].1);
    (sp.key, sp.certificate) = another_key();
    let mut listed = String::new();
    for (index, (binding, location)) in endpoints.iter().enumerate() {
        write!(
            listed,
            "<md:AssertionConsumerService Binding=\"{binding}\" Location=\"{location}\" \
             index=\"{index}\"/>"
        )
        .unwrap();
    }
    let metadata = sp.metadata("");
    let from = metadata.find("<md:AssertionConsumerService").unwrap();
    let to = metadata.find("</md:SPSSODescriptor>").unwrap();
    let metadata = [&metadata[..from], &listed, &metadata[to..]].concat();
    let file = product.file(&format!("{name}.xml"), &metadata);
    let mut arguments = vec!["sp", "add", "--metadata", &file, "--name", name];
    arguments.extend(["--require-role", "store"]);
    arguments.extend(options);
    let output = product.try_cli(&arguments, "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    sp
}

async fn carla(product: &Product) -> Browser {
    let browser = product.browser();
    let form = browser.visit(&product.idp("/login")).await;
    let home = browser.sign_in(&form, "carla", PASSWORD).await;
    assert_eq!(home.status, 200);
    browser
}

/// A request that leaves the endpoint to the metadata.
fn request(product: &Product, sp: &Sp) -> AuthnRequest {
    let mut request = sp.request(&product.idp("/saml/sso"));
    request.acs_url = None;
    request
}

/// What the redirect to the SP carries: the artifact, and RelayState.
fn parameters(location: &str, acs: &str) -> (String, Option<String>) {
    assert!(location.starts_with(acs), "{location}");
    let url = reqwest::Url::parse(location).unwrap();
    let value = |name: &str| {
        let mut pairs = url.query_pairs();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, v)| v.into_owned())
    };
    (value("SAMLart").expect("SAMLart"), value("RelayState"))
}

/// Asks for the artifact of a request in a browser that is signed in.
async fn artifact_of(browser: &Browser, sp: &Sp, request: &AuthnRequest) -> String {
    let answer = browser.get(&request.redirect(None)).await;
    let location = answer.location();
    let location = location.unwrap_or_else(|| panic!("{}: {}", answer.status, answer.body));
    parameters(&location, &sp.acs).0
}

fn unsigned_resolve(
    product: &Product,
    issuer: &str,
    artifact: &str,
    signature: &str,
) -> (String, String) {
    let id = fresh_id();
    let signature = signature.replace("_ID", &id);
    let text = format!(
        "<samlp:ArtifactResolve xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" Version=\"2.0\" \
         IssueInstant=\"{}\" Destination=\"{}\"><saml:Issuer>{issuer}</saml:Issuer>{signature}\
         <samlp:Artifact>{artifact}</samlp:Artifact></samlp:ArtifactResolve>",
        now(),
        product.idp(PATH),
    );
    (id, text)
}

fn signed(sp: &Sp, template: &str) -> String {
    xmlsec1_signs(template, "/*/*[local-name()='Signature']", &sp.key_pem())
}

/// A good ArtifactResolve of this SP, and its ID.
fn resolve(product: &Product, sp: &Sp, artifact: &str) -> (String, String) {
    let template = signature_template("_ID", RSA_SHA256);
    let (id, text) = unsigned_resolve(product, &sp.entity_id, artifact, &template);
    (id, signed(sp, &text))
}

/// Resolves, holds the ArtifactResponse against the rules that every one keeps, and gives what it
/// carries.
async fn resolved(product: &Product, sp: &Sp, artifact: &str) -> Option<Message> {
    let (id, text) = resolve(product, sp, artifact);
    let reply = post(product, PATH, &envelope("", &text)).await;
    let response = artifact_response(product, &reply, Some(&id));
    assert_eq!(response.short_status(), "Success");
    response.carried.map(|carried| *carried)
}

fn artifact_response(product: &Product, reply: &Reply, id: Option<&str>) -> Message {
    assert_eq!(reply.status, 200, "{}", reply.body);
    let response = product.oracle().check(&reply.message_xml());
    assert_eq!(response.kind, "ArtifactResponse");
    assert_eq!(response.in_response_to.as_deref(), id, "C-AR6");
    assert_eq!(response.issuer, product.metadata.entity_id, "C-AR6");
    let of: Vec<_> = response.signatures.iter().map(|s| s.of.as_str()).collect();
    assert_eq!(of.first(), Some(&"ArtifactResponse"), "C-AR6");
    response
}

#[tokio::test]
async fn c_ar6_an_artifact_is_handed_out_resolved_and_carries_the_signed_response() {
    let acs = "https://store.example/acs?tenant=1";
    let (product, sp) = product(&[(ARTIFACT, &acs.replace('&', "&amp;"))], &[]).await;
    let carla = carla(&product).await;
    let request = request(&product, &sp);

    let answer = carla.get(&request.redirect(Some("/assets?a=b&c=ü"))).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let location = answer.location().unwrap();
    assert!(
        location.starts_with("https://store.example/acs?tenant=1&SAMLart=AAQAA"),
        "{location}"
    );
    let (artifact, relay_state) = parameters(&location, acs);
    assert_eq!(relay_state.as_deref(), Some("/assets?a=b&c=ü"), "C-B6");
    let before = product.cli(["audit", "list", "--kind", "assertion", "--json"]);
    assert!(!before.contains("carla"), "nothing has left yet: {before}");

    let (id, text) = resolve(&product, &sp, &artifact);
    let reply = post(&product, PATH, &envelope("", &text)).await;
    let response = artifact_response(&product, &reply, Some(&id));
    let signed: Vec<_> = response.signatures.iter().map(|s| s.of.as_str()).collect();
    assert_eq!(signed, ["ArtifactResponse", "Response", "Assertion"]);
    let carried = response.carried.expect("the Response");
    let idp = product.metadata.entity_id.clone().unwrap();
    assert_eq!(
        sp.judge(&carried, &idp, Some(&request.id)),
        Vec::<String>::new()
    );
    // The Response is the same text inside as alone (decision 31).
    let xml = reply.message_xml();
    let inner = &xml
        [xml.find("<samlp:Response ").unwrap()..xml.find("</saml2p:ArtifactResponse>").unwrap()];
    product.oracle().check(inner);

    let audit = product.cli(["audit", "list", "--kind", "assertion", "--json"]);
    assert!(audit.contains("\"carla\""), "{audit}");
    assert!(audit.contains("127.0.0.1"), "where the person was: {audit}");
    let log = serde_json::to_string(&product.log()).unwrap();
    assert!(
        !log.contains(&artifact),
        "C-AR4: artifacts are never logged"
    );
}

#[tokio::test]
async fn c_ar2_c_ar3_an_artifact_is_good_for_one_try_of_twenty_at_once() {
    let (product, sp) = product(&[(ARTIFACT, "https://store.example/acs")], &[]).await;
    let carla = carla(&product).await;
    let artifact = artifact_of(&carla, &sp, &request(&product, &sp)).await;
    let mut tries = Vec::new();
    for _ in 0..20 {
        let (_, text) = resolve(&product, &sp, &artifact);
        tries.push(envelope("", &text));
    }
    let replies = tries.iter().map(|text| post(&product, PATH, text));
    let replies = futures_util::future::join_all(replies).await;
    let full = replies
        .iter()
        .filter(|reply| reply.body.contains("<saml:Assertion"));
    assert_eq!(full.count(), 1, "decision 13");
    assert!(replies.iter().all(|reply| reply.status == 200));
    assert!(resolved(&product, &sp, &artifact).await.is_none());
    // What was never handed out looks the same.
    for unknown in ["AAQAAKurq6s=", &flipped(&artifact), "no artifact"] {
        assert!(
            resolved(&product, &sp, unknown).await.is_none(),
            "{unknown}"
        );
    }
}

/// The artifact with another handle.
fn flipped(artifact: &str) -> String {
    let at = artifact.len() - 5;
    let other = if &artifact[at..=at] == "A" { "B" } else { "A" };
    [&artifact[..at], other, &artifact[at + 1..]].concat()
}

#[tokio::test]
async fn c_ar1_only_the_sp_that_it_was_handed_out_to_learns_anything() {
    let (product, sp) = product(&[(ARTIFACT, "https://store.example/acs")], &[]).await;
    let other = register(
        &product,
        "other",
        &[(ARTIFACT, "https://other.example/acs")],
        &[],
    );
    let carla = carla(&product).await;
    let artifact = artifact_of(&carla, &sp, &request(&product, &sp)).await;

    assert!(
        resolved(&product, &other, &artifact).await.is_none(),
        "no hint"
    );
    let post = |text: String| {
        let product = &product;
        async move { post(product, PATH, &envelope("", &text)).await }
    };
    // Unsigned, signed by another key, signed as somebody else, unknown: one and the same fault.
    let template = signature_template("_ID", RSA_SHA256);
    let (_, unsigned) = unsigned_resolve(&product, &sp.entity_id, &artifact, "");
    let (_, foreign) = unsigned_resolve(&product, &sp.entity_id, &artifact, &template);
    let foreign = signed(&other, &foreign);
    let (_, nobody) = unsigned_resolve(&product, "https://nobody.example", &artifact, &template);
    let nobody = signed(&other, &nobody);
    let (_, altered) = resolve(&product, &other, "AAQ");
    let altered = altered.replace(">AAQ<", &format!(">{artifact}<"));
    let mut faults = Vec::new();
    for text in [unsigned, foreign, nobody, altered] {
        let reply = post(text).await;
        assert_eq!(
            (reply.status, reply.fault().as_deref()),
            (500, Some("S:Client"))
        );
        let (said, reference) = reply.body.split_once("Reference: ").unwrap();
        faults.push((said.to_owned(), reference.len()));
    }
    faults.dedup();
    assert_eq!(faults.len(), 1, "C-P6: {faults:?}");
    // None of it has used the artifact up.
    let carried = resolved(&product, &sp, &artifact)
        .await
        .expect("it is theirs");
    assert!(carried.assertion.is_some());
}

#[tokio::test]
async fn c_ar1_a_message_of_the_sp_that_breaks_a_rule_is_answered_by_a_signed_status() {
    let (product, sp) = product(&[(ARTIFACT, "https://store.example/acs")], &[]).await;
    let template = signature_template("_ID", RSA_SHA256);
    let year = &now().to_string()[..4];
    let vectors = [
        (
            "Version=\"2.0\"",
            "Version=\"1.1\"",
            "VersionMismatch/RequestVersionTooLow",
        ),
        (
            "Version=\"2.0\"",
            "Version=\"3.0\"",
            "VersionMismatch/RequestVersionTooHigh",
        ),
        (
            &format!("IssueInstant=\"{year}"),
            "IssueInstant=\"2011",
            "Requester",
        ),
        ("/saml/soap\"", "/saml/sso\"", "Requester"),
        ("<samlp:Artifact>AAQ</samlp:Artifact>", "", "Requester"),
        (">AAQ<", "> <", "Requester"),
    ];
    for (good, bad, status) in vectors {
        let (id, text) = unsigned_resolve(&product, &sp.entity_id, "AAQ", &template);
        assert!(text.contains(good), "{text}");
        let text = signed(&sp, &text.replace(good, bad));
        let reply = post(&product, PATH, &envelope("", &text)).await;
        let response = artifact_response(&product, &reply, Some(&id));
        assert_eq!(response.short_status(), status, "{bad}");
        assert!(response.carried.is_none());
    }
}

/// The heart of it: what was true when the artifact was handed out counts for nothing.
#[tokio::test]
async fn t_gate_a_role_withdrawn_between_artifact_and_resolution_is_refused() {
    let (product, sp) = product(&[(ARTIFACT, "https://store.example/acs")], &[]).await;
    let browser = carla(&product).await;
    let artifact = artifact_of(&browser, &sp, &request(&product, &sp)).await;
    product.cli(["user", "revoke", "carla", "store"]);
    let carried = resolved(&product, &sp, &artifact).await.expect("a status");
    assert_eq!(carried.short_status(), "Responder/RequestDenied");
    assert!(carried.assertion.is_none());
    let audit = product.cli(["audit", "list", "--kind", "assertion", "--json"]);
    assert!(audit.contains("missing-role"), "{audit}");

    // At the front the person is told, and no artifact leaves.
    let answer = browser.get(&request(&product, &sp).redirect(None)).await;
    assert_eq!(answer.in_short(), "403 missing-role");

    // The same for a disabled user, an ended session, a disabled SP.
    product.cli(["user", "grant", "carla", "store"]);
    let artifact = artifact_of(&browser, &sp, &request(&product, &sp)).await;
    product.cli(["user", "disable", "carla"]);
    let carried = resolved(&product, &sp, &artifact).await;
    assert!(carried.is_none_or(|carried| carried.assertion.is_none()));
    product.cli(["user", "enable", "carla"]);
    let browser = carla(&product).await;
    let artifact = artifact_of(&browser, &sp, &request(&product, &sp)).await;
    let page = browser.get(&product.idp("/logout")).await;
    let form = page.forms().remove(0);
    browser.submit(&page, &form).await;
    assert!(
        resolved(&product, &sp, &artifact).await.is_none(),
        "it ended with the session"
    );
    let browser = carla(&product).await;
    let artifact = artifact_of(&browser, &sp, &request(&product, &sp)).await;
    product.cli(["sp", "disable", "store"]);
    let (_, text) = resolve(&product, &sp, &artifact);
    let reply = post(&product, PATH, &envelope("", &text)).await;
    assert_eq!(reply.fault().as_deref(), Some("S:Client"));
}

#[tokio::test]
async fn c_r9_a_fresh_sign_in_is_used_up_by_one_resolution() {
    let (product, sp) = product(&[(ARTIFACT, "https://store.example/acs")], &[]).await;
    let browser = carla(&product).await;
    let request = request(&product, &sp).with("ForceAuthn=\"true\"");
    let form = browser.visit(&request.redirect(None)).await;
    assert!(form.asks_to_sign_in());
    let filled =
        crate::support::browser::filled_in(form.sign_in_form().unwrap(), "carla", PASSWORD);
    let fields: Vec<(&str, &str)> = filled
        .fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let action = product.idp(&filled.action);
    let signed_in = browser.post(&action, &fields).await;
    let hop = signed_in.location().expect("on to the answer");
    let mut artifacts = Vec::new();
    for _ in 0..2 {
        let location = browser.get(&hop).await.location().expect("to the SP");
        artifacts.push(parameters(&location, &sp.acs).0);
    }
    let first = resolved(&product, &sp, &artifacts[0]).await.unwrap();
    assert!(first.assertion.is_some());
    let second = resolved(&product, &sp, &artifacts[1]).await.unwrap();
    assert_eq!(second.short_status(), "Responder/AuthnFailed");
}

#[tokio::test]
async fn c_r3_the_binding_is_the_one_asked_for_or_that_of_the_default_endpoint() {
    let (artifact, posted) = ("https://store.example/art", "https://store.example/acs");
    let endpoints = [(POST, posted), (ARTIFACT, artifact)];
    let (product, sp) = product(&endpoints, &["--allow-idp-initiated"]).await;
    let browser = carla(&product).await;
    let ask = |attributes: &str, url: Option<&str>| {
        let mut request = request(&product, &sp).with(attributes);
        request.acs_url = url.map(str::to_owned);
        let browser = browser.clone();
        async move {
            let answer = browser.get(&request.redirect(None)).await;
            match answer.location() {
                Some(location) => location.split('?').next().unwrap().to_owned(),
                None => answer
                    .response()
                    .map_or_else(|| answer.in_short(), |(acs, _)| acs.to_owned()),
            }
        }
    };
    let by = |binding: &str| format!("ProtocolBinding=\"{binding}\"");
    assert_eq!(ask("", None).await, posted);
    assert_eq!(ask("", Some(artifact)).await, artifact);
    assert_eq!(
        ask("AssertionConsumerServiceIndex=\"1\"", None).await,
        artifact
    );
    assert_eq!(ask(&by(ARTIFACT), None).await, artifact);
    assert_eq!(ask(&by(POST), None).await, posted);
    assert_eq!(ask(&by(ARTIFACT), Some(artifact)).await, artifact);
    let refused = "400 unregistered-acs";
    assert_eq!(ask(&by(ARTIFACT), Some(posted)).await, refused);
    assert_eq!(ask(&by(POST), Some(artifact)).await, refused);
    assert_eq!(
        ask(&by(ARTIFACT), Some("https://evil.example/")).await,
        refused
    );
}

#[tokio::test]
async fn c_r15_a_status_goes_by_artifact_too() {
    let (product, sp) = product(
        &[(ARTIFACT, "https://store.example/acs")],
        &["--denied", "status"],
    )
    .await;
    let stranger = product.browser();
    let passive = request(&product, &sp).with("IsPassive=\"true\"");
    let artifact = artifact_of(&stranger, &sp, &passive).await;
    let carried = resolved(&product, &sp, &artifact).await.unwrap();
    assert_eq!(carried.short_status(), "Responder/NoPassive", "C-R11");
    assert_eq!(carried.in_response_to.as_deref(), Some(passive.id.as_str()));
    assert_eq!(carried.destination.as_deref(), Some(sp.acs.as_str()));

    product.cli(["user", "revoke", "carla", "store"]);
    let browser = carla(&product).await;
    let artifact = artifact_of(&browser, &sp, &request(&product, &sp)).await;
    let carried = resolved(&product, &sp, &artifact).await.unwrap();
    assert_eq!(carried.short_status(), "Responder/RequestDenied", "C-R17");
}

#[tokio::test]
async fn c_r15_a_status_goes_by_post_where_the_app_has_such_an_endpoint_and_writes_nothing() {
    let post = "https://store.example/acs/post";
    let (product, sp) = product(
        &[(ARTIFACT, "https://store.example/acs"), (POST, post)],
        &[],
    )
    .await;
    let passive = request(&product, &sp).with("IsPassive=\"true\"");
    let answer = product.browser().get(&passive.redirect(Some("x"))).await;
    let (to, response) = answer.response().expect("a Response by POST");
    assert_eq!(to, post);
    assert_eq!(response.short_status(), "Responder/NoPassive");
    assert_eq!(
        response.in_response_to.as_deref(),
        Some(passive.id.as_str())
    );
    let form = answer.forms().remove(0);
    assert_eq!(form.value("RelayState"), Some("x"));
}

#[tokio::test]
async fn c_b10_a_long_relay_state_goes_with_the_artifact_by_a_form() {
    let (product, sp) = product(&[(ARTIFACT, "https://store.example/acs")], &[]).await;
    let browser = carla(&product).await;
    let relay_state = "ü".repeat(500);
    let request = request(&product, &sp);
    let answer = browser.get(&request.redirect(Some(&relay_state))).await;
    assert_eq!(answer.status, 200);
    let form = answer.forms().remove(0);
    assert_eq!(form.action, sp.acs);
    assert_eq!(form.value("RelayState"), Some(relay_state.as_str()));
    let artifact = form.value("SAMLart").unwrap();
    assert!(resolved(&product, &sp, artifact).await.is_some());
}

#[tokio::test]
async fn c_ar5_metadata_names_the_resolution_service_of_the_artifacts_index() {
    let (product, sp) = product(&[(ARTIFACT, "https://store.example/acs")], &[]).await;
    let listed = &product.metadata.endpoints;
    let found = listed
        .iter()
        .find(|e| e.element == "ArtifactResolutionService");
    let found = found.expect("it is listed");
    assert_eq!(found.location.as_deref(), Some(product.idp(PATH).as_str()));
    assert_eq!(
        found.binding.as_str(),
        "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"
    );
    assert!(
        product
            .metadata_xml
            .contains("index=\"0\" isDefault=\"true\"")
            || product.metadata_xml.contains("index=\"0\"")
    );
    let browser = carla(&product).await;
    let artifact = artifact_of(&browser, &sp, &request(&product, &sp)).await;
    assert!(artifact.starts_with("AAQAA"), "type 4, index 0: {artifact}");
}

/// The person is asked before an artifact is handed out, and a consent that is taken back before
/// it is resolved is none.
#[tokio::test]
async fn consent_is_asked_for_before_and_counts_when_it_is_resolved() {
    let acs = "https://store.example/acs";
    let (product, sp) = product(&[(ARTIFACT, acs)], &["--consent"]).await;
    let carla = carla(&product).await;
    let page = carla.get(&request(&product, &sp).redirect(None)).await;
    assert!(page.body.contains("Agree and go on"), "{}", page.in_short());
    let form = page
        .forms()
        .into_iter()
        .find(|form| form.action == "/consent");
    let fields = form.expect("the form").fields;
    let fields: Vec<_> = fields
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    let answer = carla.post(&product.idp("/consent"), &fields).await;
    let handed_out = carla.get(&answer.location().unwrap()).await;
    let (artifact, _) = parameters(&handed_out.location().unwrap(), acs);
    let carried = resolved(&product, &sp, &artifact).await.unwrap();
    assert!(carried.assertion.is_some());
    let obtained = "urn:oasis:names:tc:SAML:2.0:consent:obtained";
    assert_eq!(carried.consent.as_deref(), Some(obtained));

    let artifact = artifact_of(&carla, &sp, &request(&product, &sp)).await;
    let account = carla.get(&product.idp("/account")).await;
    let forms = account.forms().into_iter();
    let mut forms = forms.filter(|form| form.action.ends_with("/withdraw"));
    carla
        .submit(&account, &forms.next().expect("the form"))
        .await;
    let carried = resolved(&product, &sp, &artifact).await.unwrap();
    assert_eq!(carried.short_status(), "Responder/RequestDenied");
}
