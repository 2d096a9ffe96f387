//! Keys, a small `AuthnRequest`, generated documents, and the foreign tools.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::process::Command;

use doorward::saml::signature::{KeyKind, SigningKey, VerifyingKey, generate};
use doorward::saml::xml::{Document, Limits, Namespace, Writer, XmlError, read};

pub(crate) const SAML: Namespace<'_> =
    Namespace::new("saml", "urn:oasis:names:tc:SAML:2.0:assertion");
pub(crate) const SAMLP: Namespace<'_> =
    Namespace::new("samlp", "urn:oasis:names:tc:SAML:2.0:protocol");

/// A key pair as the two sides hold it.
pub(crate) struct Pair {
    pub(crate) pkcs8: Vec<u8>,
    pub(crate) signing: SigningKey,
    pub(crate) verifying: VerifyingKey,
}

pub(crate) fn pair(kind: KeyKind) -> Pair {
    let key = generate(kind, "sp.example", 0, 4_000_000_000, [7; 20]).unwrap();
    Pair {
        signing: SigningKey::from_der(&key.pkcs8, &key.certificate).unwrap(),
        verifying: VerifyingKey::from_certificate_der(&key.certificate).unwrap(),
        pkcs8: key.pkcs8,
    }
}

pub(crate) fn parse(text: &str) -> Result<Document, XmlError> {
    read(text.as_bytes(), &Limits::METADATA)
}

/// An `AuthnRequest` in canonical form, and where its signature goes.
pub(crate) fn request(id: &str, acs: &str) -> (String, usize) {
    let mut w = Writer::with_capacity(1024);
    w.start(SAMLP, "AuthnRequest")
        .attribute("ID", id)
        .attribute("Version", "2.0")
        .attribute("IssueInstant", "2026-11-21T12:00:00Z")
        .attribute("AssertionConsumerServiceURL", acs)
        .element(SAML, "Issuer", "https://sp.example/metadata");
    let at = w.position();
    w.start(SAMLP, "NameIDPolicy")
        .attribute("AllowCreate", "true")
        .end()
        .end();
    (w.finish().unwrap(), at)
}

pub(crate) fn signed_request(key: &SigningKey, id: &str) -> String {
    let (text, at) = request(id, "https://sp.example/acs");
    key.sign_enveloped(&text, id, at, &[]).unwrap()
}

/// Cuts the one signature out: the text without it, and the signature.
pub(crate) fn cut_signature(text: &str) -> (String, String) {
    let from = text.find("<ds:Signature ").unwrap();
    let to = text.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    (
        [&text[..from], &text[to..]].concat(),
        text[from..to].to_owned(),
    )
}

/// Runs a foreign tool and returns (success, stdout, stderr). A tool that is missing fails the test.
pub(crate) fn run<S: AsRef<OsStr>>(tool: &str, arguments: &[S]) -> (bool, Vec<u8>, String) {
    let output = Command::new(tool)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{tool} is needed for these tests: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), output.stdout, errors)
}

/// Lets xmlsec1 do something with a document whose signed element is a `root` of the protocol: (success,
/// stdout, stderr). What it does comes with the option for the key, whose PEM follows.
pub(crate) fn xmlsec1(
    what: [&str; 2],
    pem: &[u8],
    root: &str,
    document: &str,
) -> (bool, Vec<u8>, String) {
    let folder = tempfile::tempdir().unwrap();
    let (file, key) = (folder.path().join("d.xml"), folder.path().join("k.pem"));
    std::fs::write(&file, document).unwrap();
    std::fs::write(&key, pem).unwrap();
    let [action, option] = what.map(OsStr::new);
    let root = format!("{}:{root}", SAMLP.uri);
    let id = OsStr::new("--id-attr:ID");
    let arguments = [
        action,
        option,
        key.as_ref(),
        id,
        root.as_ref(),
        file.as_ref(),
    ];
    run("xmlsec1", &arguments)
}

pub(crate) fn private_pem(pair: &Pair) -> Vec<u8> {
    let key = openssl::pkey::PKey::private_key_from_pkcs8(&pair.pkcs8).unwrap();
    key.private_key_to_pem_pkcs8().unwrap()
}

pub(crate) fn certificate_pem(pair: &Pair) -> Vec<u8> {
    openssl::x509::X509::from_der(pair.signing.certificate_der())
        .unwrap()
        .to_pem()
        .unwrap()
}

/// Makes documents out of a list of choices, so that proptest can shrink them.
pub(crate) struct Generator<'c> {
    choices: std::slice::Iter<'c, u8>,
    comments: bool,
    out: String,
    /// Elements that got an `xml:id`, by number.
    pub(crate) ids: Vec<String>,
    id_prefix: String,
}

/// No `&` in them: libxml2 2.9 writes it unescaped in declarations, which is not even well-formed.
const URIS: [&str; 4] = ["urn:one", "urn:two", "http://three.example/?a=1#f", "urn:z"];
const PREFIXES: [&str; 5] = ["", "a", "b", "c", "saml"];
const LOCALS: [&str; 4] = ["x", "y", "Zed", "é"];
const TEXTS: [&str; 16] = [
    "word",
    "&amp;",
    "&lt;",
    "&gt;",
    ">",
    "\"",
    "'",
    "\r\n",
    "\r",
    "\t",
    "&#13;",
    "&#xa; ",
    "<![CDATA[<&>\r\n]]>",
    "<![CDATA[]]>",
    "]]&gt;",
    "\u{e9}&#x10FFFF;",
];
const VALUES: [&str; 14] = [
    "v", "&amp;", "&lt;", ">", "&quot;", "'", "\r\n", "\n", "\t", "\r", "&#13;", "&#x9;", "&#10;",
    "\u{e9}",
];

impl<'c> Generator<'c> {
    pub(crate) fn new(choices: &'c [u8], comments: bool, id_prefix: &str) -> Self {
        Self {
            choices: choices.iter(),
            comments,
            out: String::new(),
            ids: Vec::new(),
            id_prefix: id_prefix.to_owned(),
        }
    }

    /// One element, to stand where `scope` (prefix, namespace) is declared.
    pub(crate) fn document(mut self, scope: &[(&str, &str)]) -> (String, Vec<String>) {
        let scope: Vec<_> = scope
            .iter()
            .map(|(p, n)| ((*p).to_owned(), (*n).to_owned()))
            .collect();
        self.element(&scope, 0);
        (self.out, self.ids)
    }

    fn choose(&mut self, of: usize) -> usize {
        usize::from(*self.choices.next().unwrap_or(&0)) % of
    }

    fn element(&mut self, outer: &[(String, String)], depth: usize) {
        let mut scope = outer.to_owned();
        let mut attributes: Vec<(String, String, String)> = Vec::new();
        for prefix in PREFIXES {
            if self.choose(4) == 1 {
                let at = self.choose(if prefix.is_empty() { 5 } else { 4 });
                let uri = URIS.get(at).copied().unwrap_or_default();
                scope.retain(|(other, _)| other != prefix);
                if !uri.is_empty() {
                    scope.push((prefix.to_owned(), uri.to_owned()));
                }
                let colon = if prefix.is_empty() { "" } else { ":" };
                attributes.push((
                    format!("xmlns{colon}{prefix}"),
                    String::new(),
                    uri.to_owned(),
                ));
            }
        }
        let prefixed: Vec<_> = scope
            .iter()
            .filter(|(p, _)| !p.is_empty())
            .cloned()
            .collect();
        let name = self.name(&prefixed).0;
        for _ in 0..self.choose(4) {
            let (name, namespace) = self.name(&prefixed);
            let local = name.rsplit(':').next().unwrap().to_owned();
            let key = format!("{{{namespace}}}{local}");
            if attributes.iter().all(|(_, other, _)| *other != key) {
                let value = self.several(&VALUES);
                attributes.push((name, key, value));
            }
        }
        if self.choose(4) == 1 {
            attributes.push(("xml:lang".into(), "lang".into(), "de".into()));
        }
        if depth == 0 || self.choose(3) == 1 {
            let id = format!("{}{}", self.id_prefix, self.ids.len());
            attributes.push(("xml:id".into(), "id".into(), id.clone()));
            self.ids.push(id);
        }
        let turn = self.choose(attributes.len().max(1));
        attributes.rotate_left(turn);
        write!(self.out, "<{name}").unwrap();
        for (name, _, value) in attributes {
            let space = [" ", "\n", "\t "][self.choose(3)];
            write!(self.out, "{space}{name}=\"{value}\"").unwrap();
        }
        self.content(&name, &scope, depth);
    }

    fn content(&mut self, name: &str, scope: &[(String, String)], depth: usize) {
        let items = self.choose(5);
        if items == 0 {
            self.out.push_str("/>");
            return;
        }
        self.out.push('>');
        // Comments may stand only where elements are, with blanks between.
        let container = self.choose(2) == 1 && depth < 5;
        for _ in 0..items {
            match self.choose(4) {
                0 if container && self.comments => self.out.push_str("<!-- no - value -->"),
                0 | 1 if container => self.out.push_str("\r\n\t"),
                1 | 2 if depth < 5 => self.element(scope, depth + 1),
                _ if container => self.element(scope, depth + 1),
                _ => {
                    let text = self.several(&TEXTS);
                    self.out.push_str(&text);
                }
            }
        }
        if container {
            self.element(scope, depth + 1);
        }
        write!(self.out, "</{name}>").unwrap();
    }

    fn name(&mut self, prefixed: &[(String, String)]) -> (String, String) {
        let local = LOCALS[self.choose(LOCALS.len())];
        let at = self.choose(prefixed.len() + 1);
        prefixed.get(at).map_or_else(
            || (local.to_owned(), String::new()),
            |(prefix, namespace)| (format!("{prefix}:{local}"), namespace.clone()),
        )
    }

    fn several(&mut self, pieces: &[&str]) -> String {
        (0..=self.choose(3))
            .map(|_| pieces[self.choose(pieces.len())])
            .collect()
    }
}

/// `count` lists of choices, the same in every run.
pub(crate) fn many_choices(count: usize) -> Vec<Vec<u8>> {
    use proptest::strategy::{Strategy as _, ValueTree as _};
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = proptest::collection::vec(proptest::num::u8::ANY, 20..400);
    (0..count)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect()
}
