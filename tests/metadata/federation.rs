//! A federation: it signs aggregates of entities with its own key.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use doorward::directory::time::UnixTime;
use doorward::saml::aggregate::{self, Aggregate, AggregateError, Demands};
use doorward::saml::signature::{KeyKind, SigningKey, VerifyingKey, generate};
use doorward::saml::xml::{self, Limits};

pub(crate) const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// The instant at which the tests' clocks stand.
pub(crate) const NOW: UnixTime = UnixTime::from_millis(1_795_265_101_007);

/// Somebody who signs metadata.
pub(crate) struct Federation {
    pub(crate) signing: SigningKey,
    pub(crate) keys: Vec<VerifyingKey>,
    pkcs8: Vec<u8>,
}

impl Federation {
    /// The certificate has long expired, which does not matter (C-MC6).
    pub(crate) fn new() -> Self {
        let key = generate(KeyKind::P256, "federation.example", 0, 1_000_000, [7; 20]).unwrap();
        Self {
            signing: SigningKey::from_der(&key.pkcs8, &key.certificate).unwrap(),
            keys: vec![VerifyingKey::from_certificate_der(&key.certificate).unwrap()],
            pkcs8: key.pkcs8,
        }
    }

    /// The certificate that administrators pin, as PEM.
    pub(crate) fn certificate_pem(&self) -> String {
        let certificate = self.signing.certificate_der();
        let certificate = openssl::x509::X509::from_der(certificate).unwrap();
        String::from_utf8(certificate.to_pem().unwrap()).unwrap()
    }

    /// Signs the root of a document, whose start tag has the ID `_root`.
    pub(crate) fn sign(&self, document: &str) -> String {
        self.sign_with(document, &[])
    }

    /// The same with a `PrefixList`.
    pub(crate) fn sign_with(&self, document: &str, prefixes: &[&str]) -> String {
        let limits = Limits {
            nodes: usize::MAX,
            ..Limits::AGGREGATE
        };
        let document = xml::read(document.as_bytes(), &limits);
        let canonical = xml::canonicalize(document.unwrap().root(), prefixes, None);
        let canonical = String::from_utf8(canonical).unwrap();
        let at = canonical.find('>').unwrap() + 1;
        let signed = self
            .signing
            .sign_enveloped(&canonical, "_root", at, prefixes);
        signed.unwrap()
    }

    /// A signed aggregate that is valid for a week.
    pub(crate) fn aggregate(&self, entities: &[Entity]) -> String {
        self.aggregate_until(NOW.plus(7 * DAY), entities)
    }

    pub(crate) fn aggregate_until(&self, until: UnixTime, entities: &[Entity]) -> String {
        let inside: String = entities.iter().map(Entity::xml).collect();
        self.sign(&root(&format!(" validUntil=\"{until}\""), &inside))
    }

    /// Lets xmlsec1 sign whatever document holds a template of a signature.
    pub(crate) fn sign_by_xmlsec1(&self, folder: &Path, template: &str) -> String {
        let (file, key) = (folder.join("template.xml"), folder.join("key.pem"));
        std::fs::write(&file, template).unwrap();
        let pem = openssl::pkey::PKey::private_key_from_pkcs8(&self.pkcs8).unwrap();
        std::fs::write(&key, pem.private_key_to_pem_pkcs8().unwrap()).unwrap();
        let output = Command::new("xmlsec1")
            .args(["--sign", "--privkey-pem"])
            .arg(&key)
            .args(["--id-attr:ID", &format!("{MD}:EntitiesDescriptor")])
            .arg(&file)
            .output()
            .expect("xmlsec1 is needed for these tests");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn read(&self, document: &str) -> Result<Aggregate, AggregateError> {
        self.read_at(document, NOW)
    }

    pub(crate) fn read_at(
        &self,
        document: &str,
        now: UnixTime,
    ) -> Result<Aggregate, AggregateError> {
        let demands = Demands {
            keys: Some(&self.keys),
            longest: Some(14 * DAY),
            now,
        };
        aggregate::read(document.as_bytes(), &demands, &mut |_| {})
    }
}

/// An EntitiesDescriptor with more attributes behind `ID`, each with a blank before it.
pub(crate) fn root(attributes: &str, inside: &str) -> String {
    format!(
        "<md:EntitiesDescriptor xmlns:md=\"{MD}\" ID=\"_root\"{attributes}>{inside}\
         </md:EntitiesDescriptor>"
    )
}

/// A service provider in a federation.
#[derive(Debug, Clone)]
pub(crate) struct Entity {
    pub(crate) id: String,
    pub(crate) acs: String,
    /// Attributes of the EntityDescriptor behind entityID, with a blank before each.
    pub(crate) attributes: String,
    /// Attributes of the role before protocolSupportEnumeration, with a blank before each.
    pub(crate) role_attributes: String,
    /// Elements before the role.
    pub(crate) before: String,
    /// What stands first in the role.
    pub(crate) in_role: String,
    /// Certificates that sign, DER.
    pub(crate) certificates: Vec<Vec<u8>>,
}

impl Entity {
    pub(crate) fn new(number: usize) -> Self {
        Self {
            id: format!("https://sp{number}.example.org/saml"),
            acs: format!("https://sp{number}.example.org/saml/acs"),
            attributes: String::new(),
            role_attributes: String::new(),
            before: String::new(),
            in_role: String::new(),
            certificates: Vec::new(),
        }
    }

    pub(crate) fn xml(&self) -> String {
        let mut keys = String::new();
        for certificate in &self.certificates {
            use base64::Engine as _;
            let text = base64::engine::general_purpose::STANDARD.encode(certificate);
            write!(
                keys,
                "<md:KeyDescriptor use=\"signing\">\
                 <ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
                 <ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
                 </md:KeyDescriptor>"
            )
            .unwrap();
        }
        format!(
            "<md:EntityDescriptor entityID=\"{}\"{}>{}<md:SPSSODescriptor{} \
             protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}{keys}\
             <md:AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
             Location=\"{}\" index=\"0\"></md:AssertionConsumerService></md:SPSSODescriptor>\
             </md:EntityDescriptor>",
            self.id, self.attributes, self.before, self.role_attributes, self.in_role, self.acs
        )
    }
}

/// An identity provider, of which federations have more than service providers.
pub(crate) fn identity_provider(number: usize) -> String {
    format!(
        "<md:EntityDescriptor entityID=\"https://idp{number}.example.org/saml\">\
         <md:IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
         <md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" \
         Location=\"https://idp{number}.example.org/sso\"></md:SingleSignOnService>\
         </md:IDPSSODescriptor></md:EntityDescriptor>"
    )
}
