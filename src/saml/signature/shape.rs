//! The shape that an enveloped signature must have, checked before any cryptography: an allow-list
//! (decision 5). Whatever XML Signature can express beyond it is refused.

use super::verify::Place;
use super::{
    DS, DigestAlgorithm, ENVELOPED, EXCLUSIVE_C14N, SignatureAlgorithm, SignatureError,
    decode_base64,
};
use crate::saml::xml::{Element, is_blank, is_nc_name};

/// A prefix in each direction is common, a long list is an attack on the canonicaliser.
const MAX_PREFIXES: usize = 16;
/// Ids in use have 17 to 70 characters.
const MAX_ID: usize = 256;

/// A signature of the right shape, taken apart.
pub(super) struct Shape<'d> {
    pub(super) root: &'d Element,
    pub(super) signature: &'d Element,
    pub(super) signed_info: &'d Element,
    pub(super) signed_info_prefixes: Vec<&'d str>,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) reference_prefixes: Vec<&'d str>,
    pub(super) digest: DigestAlgorithm,
    pub(super) digest_value: Vec<u8>,
    pub(super) signature_value: Vec<u8>,
}

impl<'d> Shape<'d> {
    /// The signature of `root`, which is the element that has to be signed: a message alone, or
    /// one inside a SOAP body.
    pub(super) fn of(root: &'d Element, place: Place) -> Result<Self, SignatureError> {
        match root.count(DS, "Signature") {
            0 => return Err(SignatureError::Missing),
            1 => {}
            _ => return Err(SignatureError::MoreThanOne),
        }
        let signature = place.signature(root).ok_or(SignatureError::Misplaced)?;
        Self::of_signature(root, signature)
    }

    /// Of the one signature that counts. Whatever else `root` holds is covered by it, other
    /// signatures among it; of `root` itself only its ID is read.
    pub(super) fn of_signature(
        root: &'d Element,
        signature: &'d Element,
    ) -> Result<Self, SignatureError> {
        if has_comment(signature) {
            return Err(SignatureError::UnexpectedContent);
        }
        let (signed_info, signature_value) = open_signature(signature)?;
        let [canonicalization, method, reference] = open_signed_info(signed_info)?;
        let uri = algorithm_of(canonicalization)?;
        if uri != EXCLUSIVE_C14N {
            return Err(SignatureError::Canonicalization);
        }
        let signed_info_prefixes = prefixes(canonicalization)?;
        let algorithm = SignatureAlgorithm::accept(algorithm_of(method)?)?;
        only_children(method, [])?;
        let (transforms, digest_method, digest_value) = open_reference(reference, root)?;
        let reference_prefixes = transform_prefixes(transforms)?;
        let digest = DigestAlgorithm::accept(algorithm_of(digest_method)?)?;
        only_children(digest_method, [])?;
        Ok(Self {
            root,
            signature,
            signed_info,
            signed_info_prefixes,
            algorithm,
            reference_prefixes,
            digest,
            digest_value: value(digest_value)?,
            signature_value: value(signature_value)?,
        })
    }
}

/// Whether a comment stands anywhere in an element. The canonical form passes over comments; what
/// needs one inside a signature is up to something (T-SIG-SHAPE).
fn has_comment(element: &Element) -> bool {
    element.has_comment() || element.children().any(has_comment)
}

/// Exactly the child elements of these names in namespace `DS`, and nothing but blanks between.
fn only_children<'e, const N: usize>(
    parent: &'e Element,
    names: [&str; N],
) -> Result<[&'e Element; N], SignatureError> {
    if !parent.texts().all(is_blank) {
        return Err(SignatureError::UnexpectedContent);
    }
    let children: Vec<_> = parent.children().collect();
    let children: [&Element; N] = children
        .try_into()
        .map_err(|_| SignatureError::UnexpectedContent)?;
    let expected = children
        .iter()
        .zip(names)
        .all(|(child, name)| child.is(DS, name));
    if expected {
        Ok(children)
    } else {
        Err(SignatureError::UnexpectedContent)
    }
}

/// No attributes but these, all in no namespace.
fn only_attributes(element: &Element, names: &[&str]) -> Result<(), SignatureError> {
    let known = |namespace: &str, local: &str| namespace.is_empty() && names.contains(&local);
    if element
        .attributes()
        .all(|a| known(a.namespace(), a.local_name()))
    {
        Ok(())
    } else {
        Err(SignatureError::UnexpectedContent)
    }
}

/// `SignedInfo`, `SignatureValue` and at most a `KeyInfo` behind them; no `Object`.
fn open_signature(signature: &Element) -> Result<(&Element, &Element), SignatureError> {
    only_attributes(signature, &["Id"])?;
    let (signed_info, value) = if signature.children().count() == 3 {
        let [signed_info, value, key_info] =
            only_children(signature, ["SignedInfo", "SignatureValue", "KeyInfo"])?;
        check_key_info(key_info)?;
        (signed_info, value)
    } else {
        let [signed_info, value] = only_children(signature, ["SignedInfo", "SignatureValue"])?;
        (signed_info, value)
    };
    only_attributes(signed_info, &["Id"])?;
    only_attributes(value, &["Id"])?;
    Ok((signed_info, value))
}

/// What `KeyInfo` says is ignored (Core 5.4.5), but nothing in it may point elsewhere.
fn check_key_info(key_info: &Element) -> Result<(), SignatureError> {
    let points = key_info
        .children()
        .any(|child| matches!(child.local_name(), "RetrievalMethod" | "KeyInfoReference"));
    if points {
        Err(SignatureError::UnexpectedContent)
    } else {
        Ok(())
    }
}

fn open_signed_info(signed_info: &Element) -> Result<[&Element; 3], SignatureError> {
    if signed_info.children_named(DS, "Reference").count() != 1 {
        return Err(SignatureError::NotOneReference);
    }
    only_children(
        signed_info,
        ["CanonicalizationMethod", "SignatureMethod", "Reference"],
    )
}

fn open_reference<'d>(
    reference: &'d Element,
    root: &Element,
) -> Result<(&'d Element, &'d Element, &'d Element), SignatureError> {
    only_attributes(reference, &["Id", "URI"])?;
    let id = root.attribute("ID").ok_or(SignatureError::UnusableId)?;
    if id.len() > MAX_ID || !is_nc_name(id) {
        return Err(SignatureError::UnusableId);
    }
    if reference
        .attribute("URI")
        .and_then(|uri| uri.strip_prefix('#'))
        != Some(id)
    {
        return Err(SignatureError::NotTheRoot);
    }
    let [transforms, method, value] =
        only_children(reference, ["Transforms", "DigestMethod", "DigestValue"])?;
    only_attributes(value, &[])?;
    Ok((transforms, method, value))
}

/// The prefixes of the exclusive C14N that has to follow the enveloped-signature transform.
fn transform_prefixes(transforms: &Element) -> Result<Vec<&str>, SignatureError> {
    only_attributes(transforms, &[])?;
    let [enveloped, exclusive] = only_children(transforms, ["Transform", "Transform"])
        .map_err(|_| SignatureError::Transforms)?;
    if algorithm_of(enveloped)? != ENVELOPED || algorithm_of(exclusive)? != EXCLUSIVE_C14N {
        return Err(SignatureError::Transforms);
    }
    only_children(enveloped, []).map_err(|_| SignatureError::Transforms)?;
    prefixes(exclusive)
}

fn algorithm_of(element: &Element) -> Result<&str, SignatureError> {
    only_attributes(element, &["Algorithm"])?;
    element
        .attribute("Algorithm")
        .ok_or(SignatureError::UnexpectedContent)
}

/// The `PrefixList` of exclusive C14N, which may hold nothing else.
fn prefixes(exclusive: &Element) -> Result<Vec<&str>, SignatureError> {
    let mut children = exclusive.children();
    let (inclusive, more) = (children.next(), children.next());
    if more.is_some() || !exclusive.texts().all(is_blank) {
        return Err(SignatureError::UnexpectedContent);
    }
    let Some(inclusive) = inclusive else {
        return Ok(Vec::new());
    };
    only_attributes(inclusive, &["PrefixList"])?;
    if !inclusive.is(EXCLUSIVE_C14N, "InclusiveNamespaces") || !inclusive.text().is_ok_and(is_blank)
    {
        return Err(SignatureError::UnexpectedContent);
    }
    let list = inclusive
        .attribute("PrefixList")
        .ok_or(SignatureError::UnexpectedContent)?;
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
    let prefixes: Vec<_> = list
        .split(blank)
        .filter(|prefix| !prefix.is_empty())
        .collect();
    if prefixes.len() > MAX_PREFIXES {
        Err(SignatureError::PrefixList)
    } else {
        Ok(prefixes)
    }
}

fn value(element: &Element) -> Result<Vec<u8>, SignatureError> {
    let text = element
        .text()
        .map_err(|_| SignatureError::UnexpectedContent)?;
    decode_base64(text).ok_or(SignatureError::MalformedValue)
}
