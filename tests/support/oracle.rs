//! Second opinions on every SAML message that the product sends: the xmlsec1 command line on each
//! signature, the OASIS schemas on each document, and a reader (lxml) that is not ours. A missing
//! tool is a failed test, never a skipped one.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock};

use serde::Deserialize;
use serde_json::json;

/// What a message says, as read by lxml (`oracle.py`).
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Message {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) issue_instant: Option<String>,
    pub(crate) destination: Option<String>,
    pub(crate) in_response_to: Option<String>,
    pub(crate) issuer: Option<String>,
    /// What it says about the person's consent (Core 8.4).
    #[serde(default)]
    pub(crate) consent: Option<String>,
    #[serde(default)]
    pub(crate) signatures: Vec<Signature>,
    #[serde(default)]
    pub(crate) status: Vec<String>,
    #[serde(rename = "status_message")]
    pub(crate) told: Option<String>,
    pub(crate) assertion: Option<Assertion>,
    /// The message in an ArtifactResponse; its signatures are listed with the outer ones.
    #[serde(default)]
    pub(crate) carried: Option<Box<Message>>,
    /// The text of the assertion, where it came encrypted.
    pub(crate) decrypted: Option<String>,
    /// How it was encrypted.
    pub(crate) encryption: Option<Encryption>,
    /// The signatures in what was decrypted.
    #[serde(default)]
    pub(crate) signatures_inside: Vec<Signature>,
    pub(crate) name_id: Option<NameId>,
    #[serde(default)]
    pub(crate) session_indexes: Vec<String>,
    pub(crate) not_on_or_after: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) acs_url: Option<String>,
    pub(crate) is_passive: Option<String>,
    pub(crate) force_authn: Option<String>,
    pub(crate) entity_id: Option<String>,
    pub(crate) valid_until: Option<String>,
    pub(crate) want_authn_requests_signed: Option<String>,
    #[serde(default)]
    pub(crate) certificates: Vec<String>,
    #[serde(default)]
    pub(crate) encryption_certificates: Vec<String>,
    /// Every algorithm that the metadata names.
    #[serde(default)]
    pub(crate) algorithms: Vec<String>,
    #[serde(default)]
    pub(crate) name_id_formats: Vec<String>,
    #[serde(default)]
    pub(crate) endpoints: Vec<Endpoint>,
    /// What metadata says to people.
    #[serde(default)]
    pub(crate) about: serde_json::Value,
}

/// One signature: which element it covers, and how.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Signature {
    /// The local name of the signed element.
    pub(crate) of: String,
    pub(crate) id: String,
    pub(crate) xpath: String,
    pub(crate) method: String,
    pub(crate) digest: String,
}

/// How something was encrypted: `aes256-gcm`, `rsa-oaep/sha256/sha1` (transport, digest, mask).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Encryption {
    pub(crate) data: String,
    pub(crate) transport: String,
    pub(crate) recipient: Option<String>,
}

/// The one assertion of a Response that says Success.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Assertion {
    pub(crate) id: String,
    pub(crate) issuer: String,
    pub(crate) name_id: Option<NameId>,
    pub(crate) encrypted_id: Option<Encryption>,
    pub(crate) confirmation_method: String,
    pub(crate) confirmation: Confirmation,
    pub(crate) not_before: Option<String>,
    pub(crate) not_on_or_after: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) authn_instant: String,
    pub(crate) session_index: Option<String>,
    pub(crate) session_not_on_or_after: Option<String>,
    pub(crate) class_ref: Option<String>,
    pub(crate) attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct NameId {
    pub(crate) value: String,
    pub(crate) format: Option<String>,
    pub(crate) name_qualifier: Option<String>,
    pub(crate) sp_name_qualifier: Option<String>,
}

/// SubjectConfirmationData.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Confirmation {
    pub(crate) recipient: Option<String>,
    pub(crate) not_on_or_after: Option<String>,
    pub(crate) not_before: Option<String>,
    pub(crate) in_response_to: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) name_format: Option<String>,
    pub(crate) friendly_name: Option<String>,
    /// `xsi:type` of its values.
    pub(crate) types: Vec<String>,
    pub(crate) values: Vec<String>,
}

/// An endpoint in metadata.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) element: String,
    pub(crate) binding: String,
    pub(crate) location: Option<String>,
}

impl Assertion {
    /// The values of one attribute; none, where it is not there.
    pub(crate) fn values_of(&self, name: &str) -> Vec<&str> {
        self.attributes
            .iter()
            .filter(|attribute| attribute.name == name)
            .flat_map(|attribute| attribute.values.iter().map(String::as_str))
            .collect()
    }
}

impl Message {
    /// The certificate that others encrypt to, in PEM.
    pub(crate) fn encryption_pem(&self) -> String {
        pem(self
            .encryption_certificates
            .first()
            .expect("metadata has one"))
    }

    /// Which elements are signed, in the order of the document.
    pub(crate) fn signed(&self) -> Vec<&str> {
        self.signatures.iter().map(|s| s.of.as_str()).collect()
    }

    /// The status as people write it: `Success`, `Responder/NoPassive`.
    pub(crate) fn short_status(&self) -> String {
        let words: Vec<_> = self
            .status
            .iter()
            .map(|code| code.rsplit(':').next().unwrap_or_default())
            .collect();
        words.join("/")
    }
}

/// The certificates that the identity provider's metadata names; every signature has to verify under one.
#[derive(Debug, Clone)]
pub(crate) struct Oracle {
    certificates: Vec<String>,
    decryption_key: Option<String>,
}

impl Oracle {
    /// Trusts the signing certificates in an identity provider's metadata, which itself has
    /// to be signed by one of them.
    pub(crate) fn trusting(metadata: &str) -> (Self, Message) {
        let oracle = Self::of_certificates_in(metadata);
        let message = oracle.check(metadata);
        (oracle, message)
    }

    /// The same without asking who signed the document: for metadata that the test itself fetched
    /// from its owner.
    pub(crate) fn of_certificates_in(metadata: &str) -> Self {
        let message = read(metadata).unwrap_or_else(|why| panic!("metadata: {why}\n{metadata}"));
        let certificates = message.certificates.iter().map(|der| pem(der)).collect();
        Self {
            certificates,
            decryption_key: None,
        }
    }

    /// The same for who has this private key (PEM) and gets what is encrypted to it.
    pub(crate) fn decrypting(mut self, key: &str) -> Self {
        self.decryption_key = Some(key.to_owned());
        self
    }

    /// Reads a message that the product sent; panics with the whole text where xmlsec1 or the
    /// schemas object.
    pub(crate) fn check(&self, xml: &str) -> Message {
        let message = ask(xml, self.decryption_key.as_deref());
        let message = message.unwrap_or_else(|why| panic!("the schemas object: {why}\n{xml}"));
        assert!(
            message.id.starts_with('_') && message.id.len() >= 41,
            "ID is no `_` and 160 bits in hex: {}",
            message.id
        );
        self.check_signatures(xml, &message);
        message
    }

    fn check_signatures(&self, xml: &str, message: &Message) {
        let always = ["EntityDescriptor", "ArtifactResponse"];
        let must_be_signed = message.assertion.is_some() || always.contains(&message.kind.as_str());
        assert!(
            !must_be_signed
                || !message.signatures.is_empty()
                || !message.signatures_inside.is_empty(),
            "nothing is signed:\n{xml}"
        );
        let outside = message.signatures.iter().map(|signature| (signature, xml));
        // What was decrypted is verified as it stands, alone.
        let decrypted = message.decrypted.as_deref().unwrap_or_default();
        let inside = message.signatures_inside.iter();
        let inside = inside.map(|signature| (signature, decrypted));
        for (signature, text) in outside.chain(inside) {
            let verified = self
                .certificates
                .iter()
                .any(|certificate| xmlsec1_verifies(text, &signature.xpath, certificate));
            assert!(verified, "xmlsec1 refuses {}:\n{text}", signature.xpath);
        }
    }
}

/// Asks lxml and both sets of schemas.
pub(crate) fn read(xml: &str) -> Result<Message, String> {
    ask(xml, None)
}

fn ask(xml: &str, key: Option<&str>) -> Result<Message, String> {
    static READER: OnceLock<Mutex<Reader>> = OnceLock::new();
    // A reader that an earlier test left poisoned is still in step: the lock is only ever held
    // around one whole exchange.
    let mut reader = READER
        .get_or_init(|| Mutex::new(Reader::start()))
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    reader.ask(xml, key)
}

/// One Python process for all tests of a binary: loading the schemas takes half a second. It ends
/// when its standard input does.
struct Reader {
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    _process: Child,
}

impl Reader {
    fn start() -> Self {
        let mut process = Command::new(python())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/oracle.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        Self {
            questions: process.stdin.take().expect("stdin is piped"),
            answers: BufReader::new(process.stdout.take().expect("stdout is piped")),
            _process: process,
        }
    }

    fn ask(&mut self, xml: &str, key: Option<&str>) -> Result<Message, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Answer {
            Ok(Box<Message>),
            Error(String),
        }
        let mut line = String::new();
        writeln!(self.questions, "{}", json!({ "xml": xml, "key": key })).expect("oracle.py reads");
        self.answers.read_line(&mut line).expect("oracle.py writes");
        match serde_json::from_str(&line) {
            Ok(Answer::Ok(message)) => Ok(*message),
            Ok(Answer::Error(why)) => Err(why),
            Err(error) => panic!("oracle.py answered {line:?} ({error}) to\n{xml}"),
        }
    }
}

/// The Python of the environment that `scripts/setup.sh test` makes.
pub(crate) fn python() -> PathBuf {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/python/bin/python");
    assert!(
        python.exists(),
        "{} is missing: run `make test` or `scripts/setup.sh test` once",
        python.display()
    );
    python
}

/// The namespaces whose `ID` attributes xmlsec1 may follow a Reference to.
const SIGNED_ELEMENTS: [&str; 10] = [
    "urn:oasis:names:tc:SAML:2.0:protocol:ArtifactResolve",
    "urn:oasis:names:tc:SAML:2.0:protocol:ArtifactResponse",
    "urn:oasis:names:tc:SAML:2.0:protocol:Response",
    "urn:oasis:names:tc:SAML:2.0:protocol:AuthnRequest",
    "urn:oasis:names:tc:SAML:2.0:protocol:LogoutRequest",
    "urn:oasis:names:tc:SAML:2.0:protocol:LogoutResponse",
    "urn:oasis:names:tc:SAML:2.0:protocol:ArtifactResolve",
    "urn:oasis:names:tc:SAML:2.0:metadata:EntitiesDescriptor",
    "urn:oasis:names:tc:SAML:2.0:assertion:Assertion",
    "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor",
];

/// Whether the xmlsec1 command line verifies the signature at `xpath` with this certificate's key.
pub(crate) fn xmlsec1_verifies(xml: &str, xpath: &str, certificate: &str) -> bool {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let document = written(folder.path(), "message.xml", xml);
    let certificate = written(folder.path(), "certificate.pem", certificate);
    let mut command = xmlsec1("--verify", xpath);
    command.arg("--pubkey-cert-pem").arg(certificate);
    let output = command.arg(document).output().expect("xmlsec1 starts");
    output.status.success()
}

/// Fills in the signature template at `xpath` with the xmlsec1 command line.
pub(crate) fn xmlsec1_signs(template: &str, xpath: &str, private_key: &str) -> String {
    xmlsec1_signs_or_says(template, xpath, private_key)
        .unwrap_or_else(|said| panic!("xmlsec1 cannot sign: {said}"))
}

/// The same for a template that xmlsec1 may refuse.
pub(crate) fn xmlsec1_tries_to_sign(
    template: &str,
    xpath: &str,
    private_key: &str,
) -> Option<String> {
    xmlsec1_signs_or_says(template, xpath, private_key).ok()
}

fn xmlsec1_signs_or_says(template: &str, xpath: &str, private_key: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let document = written(folder.path(), "template.xml", template);
    let key = written(folder.path(), "key.pem", private_key);
    let mut command = xmlsec1("--sign", xpath);
    command.arg("--privkey-pem").arg(key);
    let output = command.arg(document).output().expect("xmlsec1 starts");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let signed = String::from_utf8(output.stdout).expect("xmlsec1 writes UTF-8");
    // It writes an XML declaration, which our templates do not have.
    let start = signed.find("?>\n").map_or(0, |end| end + 3);
    Ok(signed[start..].trim_end().to_owned())
}

/// Decrypts the first EncryptedData in a document with the xmlsec1 command line; the document comes
/// back with what was in it in its place.
pub(crate) fn xmlsec1_decrypts(xml: &str, private_key: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let document = written(folder.path(), "encrypted.xml", xml);
    let key = written(folder.path(), "key.pem", private_key);
    let mut command = Command::new("xmlsec1");
    command.args(["--decrypt", "--privkey-pem"]);
    let output = command.arg(key).arg(document).output();
    told(&output.expect("xmlsec1 starts"))
}

/// Encrypts a document into the template with the xmlsec1 command line.
pub(crate) fn xmlsec1_encrypts(
    template: &str,
    plain: &str,
    session_key: &str,
    certificate: &str,
) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let template = written(folder.path(), "template.xml", template);
    let plain = written(folder.path(), "plain.xml", plain);
    let certificate = written(folder.path(), "certificate.pem", certificate);
    let mut command = Command::new("xmlsec1");
    command
        .args(["--encrypt", "--pubkey-cert-pem"])
        .arg(certificate);
    command.args(["--session-key", session_key, "--xml-data"]);
    let output = command.arg(plain).arg(template).output();
    told(&output.expect("xmlsec1 starts"))
}

fn told(output: &std::process::Output) -> Result<String, String> {
    if output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        // It writes an XML declaration, which ours do not have.
        let text = text.split_once("?>\n").map_or(&*text, |(_, after)| after);
        Ok(text.trim_end().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn xmlsec1(action: &str, xpath: &str) -> Command {
    let mut command = Command::new("xmlsec1");
    command.args([action, "--enabled-reference-uris", "same-doc"]);
    // KeyInfo of the message is only a hint: the key is the one that we name.
    command.args(["--enabled-key-data", "rsa,ecdsa,key-name"]);
    for element in SIGNED_ELEMENTS {
        command.args(["--id-attr:ID", element]);
    }
    command.args(["--node-xpath", xpath]);
    command
}

fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the temporary folder can be written");
    path
}

/// The PEM form of a certificate that metadata holds as bare base64.
fn pem(base64_der: &str) -> String {
    let lines: Vec<_> = base64_der
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}
