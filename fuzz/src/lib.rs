//! What the targets share: the certificates that the signed seeds were made under, what these seeds
//! say, a service provider, and an identity provider in this process.

mod product;
mod registered;

use std::collections::HashSet;
use std::sync::OnceLock;

use doorward::saml::signature::VerifyingKey;
use doorward::saml::xml::{self, Document, Element, Limits, canonicalize};

pub use product::{Product, product};
pub use registered::{NOW, brought, decryption, encrypted, envelope, logout_receiver, posted, sp};

/// The keys of the signed seeds. Their private halves were thrown away when they were made.
pub fn keys() -> &'static [VerifyingKey] {
    static KEYS: OnceLock<Vec<VerifyingKey>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let first = include_bytes!("../seeds/certificate.der");
        let second = include_bytes!("../seeds/certificate-2.der");
        let key = |der| VerifyingKey::from_certificate_der(der).expect("a certificate of the seeds");
        vec![key(first), key(second)]
    })
}

const SIGNED: &[&str] = &[
    include_str!("../seeds/authn-request-signed.xml"),
    include_str!("../seeds/authn-request-prefixes-signed.xml"),
    include_str!("../seeds/logout-request-signed.xml"),
    include_str!("../seeds/logout-response-signed.xml"),
    include_str!("../seeds/artifact-resolve-signed.xml"),
    include_str!("../seeds/entity-signed.xml"),
    include_str!("../seeds/entities-signed.xml"),
];

/// Whether a root says exactly what one of the signed seeds says: nothing else was ever signed.
pub fn was_signed(root: &Element) -> bool {
    static TEXTS: OnceLock<HashSet<Vec<u8>>> = OnceLock::new();
    let texts = TEXTS.get_or_init(|| {
        let texts = SIGNED.iter().map(|seed| {
            let document = read(seed.as_bytes()).expect("a seed is XML");
            unsigned(document.root())
        });
        texts.collect()
    });
    texts.contains(&unsigned(root))
}

/// The canonical octets without the signature.
fn unsigned(root: &Element) -> Vec<u8> {
    let ds = "http://www.w3.org/2000/09/xmldsig#";
    let signature = root.child(ds, "Signature");
    canonicalize(root, &[], signature)
}

/// With limits that no input of ours reaches, so that they hide no difference.
pub const BOUNDLESS: Limits = Limits {
    bytes: 1 << 24,
    depth: 512,
    nodes: 1 << 20,
    attributes: 1 << 12,
    namespaces: 1 << 12,
};

pub fn read(bytes: &[u8]) -> Option<Document> {
    xml::read(bytes, &BOUNDLESS).ok()
}
