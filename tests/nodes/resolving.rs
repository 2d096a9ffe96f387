//! An app that fetches its Responses (HTTP-Artifact). It signs in this very process: starting a
//! program for each of many hundred messages would leave nothing of a race.

use openssl::hash::{MessageDigest, hash};

use crate::cluster::Cluster;
use crate::support::browser::url_of;
use crate::support::sp::{RSA_SHA256, Sp, fresh_id, now};

const ARTIFACT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact";
const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// Registers the app `store`, whose Responses are fetched.
pub(crate) fn register(cluster: &Cluster) -> Sp {
    let sp = Sp::new("https://store.example/saml", "https://store.example/acs");
    let post = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
    let metadata = sp.metadata("").replacen(post, ARTIFACT, 1);
    let file = cluster.a.file("store.xml", &metadata);
    let add = ["sp", "add", "--metadata", &file, "--name", "store"];
    let line = [&add[..], &["--require-role", "everyone"]].concat();
    cluster.a.cli_list(&line);
    sp
}

/// The address that asks for an artifact.
pub(crate) fn asks(cluster: &Cluster, sp: &Sp) -> String {
    let mut request = sp.request(&cluster.a.idp("/saml/sso"));
    request.acs_url = None;
    request.redirect(None)
}

/// The artifact in the redirect to the app.
pub(crate) fn artifact_in(location: &str) -> String {
    let url = url_of(location);
    let mut pairs = url.query_pairs();
    let artifact = pairs.find(|(name, _)| name == "SAMLart");
    artifact.expect("an artifact").1.into_owned()
}

/// The envelope with a signed ArtifactResolve. All of it is written in canonical form, so that what
/// is digested and what is signed is the text itself.
pub(crate) fn resolve(cluster: &Cluster, sp: &Sp, artifact: &str) -> String {
    let (id, at, to) = (fresh_id(), now(), cluster.a.idp("/saml/soap"));
    let message = |signature: &str| {
        format!(
            "<samlp:ArtifactResolve xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             Destination=\"{to}\" ID=\"{id}\" IssueInstant=\"{at}\" Version=\"2.0\">\
             <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">{}</saml:Issuer>\
             {signature}<samlp:Artifact>{artifact}</samlp:Artifact></samlp:ArtifactResolve>",
            sp.entity_id
        )
    };
    let digest = hash(MessageDigest::sha256(), message("").as_bytes()).expect("SHA-256");
    let digest = openssl::base64::encode_block(&digest);
    let method =
        |name: &str, algorithm: &str| format!("<ds:{name} Algorithm=\"{algorithm}\"></ds:{name}>");
    let signed = [
        method("CanonicalizationMethod", EXCLUSIVE_C14N),
        method("SignatureMethod", RSA_SHA256),
        format!("<ds:Reference URI=\"#{id}\"><ds:Transforms>"),
        method("Transform", &format!("{DS}enveloped-signature")),
        method("Transform", EXCLUSIVE_C14N),
        "</ds:Transforms>".to_owned(),
        method("DigestMethod", SHA256),
        format!("<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"),
    ]
    .concat();
    let octets = format!("<ds:SignedInfo xmlns:ds=\"{DS}\">{signed}");
    let value = sp.signature(&octets, RSA_SHA256);
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>{signed}\
         <ds:SignatureValue>{value}</ds:SignatureValue></ds:Signature>"
    );
    format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>{}</e:Body>\
         </e:Envelope>",
        message(&signature)
    )
}

/// Sends an envelope to this address.
pub(crate) async fn send(client: &reqwest::Client, to: &str, envelope: String) -> String {
    let request = client.post(to).body(envelope);
    let request = request.header("Content-Type", "text/xml; charset=utf-8");
    let answer = request.send().await.expect("an answer comes");
    assert_eq!(answer.status(), 200);
    answer.text().await.expect("the answer is text")
}
