//! Signatures over XML and over octets: checking others' and making ours.
//!
//! A signature passes an allow-list of shapes before any cryptography (decision 5), its
//! digest is taken over our own tree, and only the element that was digested is handed out. Keys
//! come from the caller; what a message says about keys is never read.

mod algorithm;
mod generate;
mod key;
mod pieces;
mod shape;
mod sign;
mod towards;
mod verify;

pub use crate::directory::algorithms::{DigestAlgorithm, SignatureAlgorithm};
pub use generate::{GeneratedKey, KeyKind, generate, generate_for};
pub use key::{KeyError, VerifyingKey};
pub use pieces::PiecewiseCheck;
pub use sign::{SignError, SigningKey};
pub use towards::NoCommonAlgorithm;
pub use verify::{
    Place, Signed, has_signature, is_signed, verify_element, verify_enveloped, verify_metadata,
    verify_octets,
};

/// The namespace of XML Signature.
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
/// The namespace of the additions of XML Signature 1.1, among them EC keys.
pub const DSIG11: &str = "http://www.w3.org/2009/xmldsig11#";
/// Exclusive C14N 1.0 without comments: the algorithm, and the namespace of its parameters.
pub const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The enveloped-signature transform.
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// Why a signature was not accepted: one variant per rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature where one has to be.
    #[error("there is no signature")]
    Missing,
    /// More than one `ds:Signature` in what has to be signed.
    #[error("the message holds more than one signature")]
    MoreThanOne,
    /// The signature does not stand where its place is: a child of the signed element, behind the
    /// Issuer.
    #[error("the signature does not stand in its place")]
    Misplaced,
    /// An element, attribute or text in the signature that the allow-list does not know.
    #[error("the signature holds what it must not hold")]
    UnexpectedContent,
    /// Not exactly one Reference.
    #[error("the signature does not have exactly one reference")]
    NotOneReference,
    /// The element has no ID, or one that is no `xs:ID` of reasonable length.
    #[error("the signed element has no usable ID")]
    UnusableId,
    /// The Reference is not `#` and the ID of the element that the signature stands in.
    #[error("the signature does not refer to the element that it stands in")]
    NotTheRoot,
    /// The transforms are not exactly enveloped-signature and exclusive C14N.
    #[error("the signature asks for other transforms than the two of SAML")]
    Transforms,
    /// `SignedInfo` is not canonicalised by exclusive C14N without comments.
    #[error("the signature asks for another canonicalisation than exclusive C14N")]
    Canonicalization,
    /// A `PrefixList` of an unreasonable length.
    #[error("the signature's list of prefixes is too long")]
    PrefixList,
    /// A signature or digest algorithm that is not on the allow-list.
    #[error("the signature uses an algorithm that is not accepted: {uri}")]
    RefusedAlgorithm {
        /// The beginning of what the message names; untrusted.
        uri: String,
    },
    /// Base64 that is none, or a value of the wrong length.
    #[error("a value in the signature is not what its algorithm makes")]
    MalformedValue,
    /// The digest of nothing, which no document has.
    #[error("the digest is that of an empty document")]
    EmptyDigest,
    /// The digest is another: the document was altered after it was signed.
    #[error("the document was altered after it was signed")]
    DigestMismatch,
    /// Nothing to check against: no key is registered.
    #[error("no key is registered to check the signature with")]
    NoKey,
    /// Keys are registered, but none of the type that the algorithm needs.
    #[error("no registered key is of the type that the algorithm needs")]
    NoKeyOfThisType,
    /// None of the keys made this signature.
    #[error("none of the registered keys made the signature")]
    NotTheirs,
}

/// Decodes base64 as XML Signature writes it: white space between the characters, nothing else.
#[must_use]
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let compact: Vec<u8> = text
        .bytes()
        .filter(|b| !matches!(b, b' ' | b'\t' | b'\n' | b'\r'))
        .collect();
    base64::engine::general_purpose::STANDARD
        .decode(compact)
        .ok()
}
