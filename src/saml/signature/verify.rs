//! Checking signatures: the shape, the digest, then every key.

use openssl::hash::hash;
use openssl::memcmp;

use super::key::EcdsaForm;
use super::shape::Shape;
use super::{DS, SignatureAlgorithm, SignatureError, VerifyingKey};
use crate::saml::xml::{Document, Element, canonicalize};

/// The namespace of assertions, in which a message's Issuer stands.
const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";

/// Where the schema puts the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Second, directly after `saml:Issuer`: protocol messages and assertions (Core 2.3.3, 3.2.1).
    AfterIssuer,
    /// First: metadata (Metadata 2.3.1, 2.3.2).
    First,
}

impl Place {
    pub(super) fn signature(self, root: &Element) -> Option<&Element> {
        let mut children = root.children();
        if self == Self::AfterIssuer {
            children.next().filter(|first| first.is(SAML, "Issuer"))?;
        }
        children.next().filter(|child| child.is(DS, "Signature"))
    }
}

/// An element whose canonical octets were digested under a good signature.
///
/// Only [`verify_enveloped`] and [`verify_element`] make it. What is read from anywhere else is not
/// signed.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'d> {
    root: &'d Element,
    algorithm: SignatureAlgorithm,
    key: usize,
}

impl<'d> Signed<'d> {
    /// The signed element. Its `ds:Signature` is the only child that is not covered.
    #[must_use]
    pub const fn root(&self) -> &'d Element {
        self.root
    }

    /// The algorithm of the signature.
    #[must_use]
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Which of the keys made the signature, as an index.
    #[must_use]
    pub const fn key(&self) -> usize {
        self.key
    }
}

/// Whether there is a `ds:Signature` anywhere: then it has to be checked, asked for or not.
#[must_use]
pub fn has_signature(document: &Document) -> bool {
    is_signed(document.root())
}

/// The same for one element and all below it.
#[must_use]
pub fn is_signed(element: &Element) -> bool {
    element.count(DS, "Signature") > 0
}

/// Checks that `keys` signed the root of the document, the whole of it.
pub fn verify_enveloped<'d>(
    document: &'d Document,
    keys: &[VerifyingKey],
    place: Place,
) -> Result<Signed<'d>, SignatureError> {
    verify_element(document.root(), keys, place)
}

/// Checks that `keys` signed this element of a document, the whole of it: the message in a SOAP
/// body. The caller has found the element by its place in the document, never by its ID, and reads
/// nothing but what comes out.
///
/// The element is held to the same shape as a document of its own: one signature in it, in its
/// place, whose one Reference is the element's own ID. What stands around it can neither lend it a
/// signature nor be meant by one, since no two elements of a document have one ID. Exclusive C14N
/// takes from around it what the element's names visibly use, and nothing else.
pub fn verify_element<'d>(
    element: &'d Element,
    keys: &[VerifyingKey],
    place: Place,
) -> Result<Signed<'d>, SignatureError> {
    let shape = Shape::of(element, place)?;
    check_digest(&shape)?;
    let (algorithm, key) = find_signer(&shape, keys)?;
    Ok(Signed {
        root: shape.root,
        algorithm,
        key,
    })
}

/// Checks that `keys` signed the root of a metadata document, the whole of it.
///
/// Only the root's own signature counts, which the schema puts first (Metadata 2.3.1, 2.3.2). A
/// federation takes signed entities over as they are: their signatures are content that the
/// root's covers, and are neither checked nor believed.
pub fn verify_metadata<'d>(
    document: &'d Document,
    keys: &[VerifyingKey],
) -> Result<Signed<'d>, SignatureError> {
    let root = document.root();
    match root.children_named(DS, "Signature").count() {
        0 => return Err(SignatureError::Missing),
        1 => {}
        _ => return Err(SignatureError::MoreThanOne),
    }
    let signature = Place::First.signature(root);
    let signature = signature.ok_or(SignatureError::Misplaced)?;
    let shape = Shape::of_signature(root, signature)?;
    check_digest(&shape)?;
    let (algorithm, key) = find_signer(&shape, keys)?;
    Ok(Signed {
        root,
        algorithm,
        key,
    })
}

/// Who signed `SignedInfo`.
pub(super) fn find_signer(
    shape: &Shape<'_>,
    keys: &[VerifyingKey],
) -> Result<(SignatureAlgorithm, usize), SignatureError> {
    check_denied(keys, shape.digest.uri())?;
    let octets = canonicalize(shape.signed_info, &shape.signed_info_prefixes, None);
    let (algorithm, value) = (shape.algorithm, &shape.signature_value);
    let key = find_key(keys, algorithm, &octets, value, EcdsaForm::Raw)?;
    Ok((algorithm, key))
}

fn check_digest(shape: &Shape<'_>) -> Result<(), SignatureError> {
    let digest = |octets: &[u8]| {
        hash(shape.digest.digest(), octets).map_err(|_| SignatureError::MalformedValue)
    };
    if shape.digest_value.len() != shape.digest.digest().size() {
        return Err(SignatureError::MalformedValue);
    }
    if shape.digest_value == *digest(b"")? {
        return Err(SignatureError::EmptyDigest);
    }
    let octets = canonicalize(shape.root, &shape.reference_prefixes, Some(shape.signature));
    if memcmp::eq(&digest(&octets)?, &shape.digest_value) {
        Ok(())
    } else {
        Err(SignatureError::DigestMismatch)
    }
}

/// Checks a signature over octets: the raw query of the Redirect binding (Bindings 3.4.4.1).
///
/// ECDSA signatures are taken as `r || s` and as DER, because both are sent.
pub fn verify_octets(
    octets: &[u8],
    algorithm_uri: &str,
    signature: &[u8],
    keys: &[VerifyingKey],
) -> Result<(), SignatureError> {
    let algorithm = SignatureAlgorithm::accept(algorithm_uri)?;
    find_key(keys, algorithm, octets, signature, EcdsaForm::RawOrDer).map(|_| ())
}

/// Whether the configuration denies an algorithm that we would otherwise take (C-ALG2).
fn check_denied(keys: &[VerifyingKey], uri: &str) -> Result<(), SignatureError> {
    if !keys.is_empty() && keys.iter().all(|key| key.denies(uri)) {
        return Err(super::algorithm::refused(uri));
    }
    Ok(())
}

/// Tries every key that fits: a peer that rolls its key over has two.
fn find_key(
    keys: &[VerifyingKey],
    algorithm: SignatureAlgorithm,
    octets: &[u8],
    signature: &[u8],
    form: EcdsaForm,
) -> Result<usize, SignatureError> {
    if keys.is_empty() {
        return Err(SignatureError::NoKey);
    }
    check_denied(keys, algorithm.uri())?;
    if !keys.iter().any(|key| key.fits(algorithm)) {
        return Err(SignatureError::NoKeyOfThisType);
    }
    keys.iter()
        .position(|key| key.made(algorithm, octets, signature, form))
        .ok_or(SignatureError::NotTheirs)
}
