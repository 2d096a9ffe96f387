//! What a Response must look like before a C library is given it.
//!
//! samael hands the text to libxml2 and xmlsec1, which follow what a signature says: they would
//! fetch its references and run its transforms. So this strict walk comes first: one Response, at
//! most one Assertion in its place, signatures only as direct children of the two, each over its
//! own parent by `#ID`, with the two transforms that SAML allows (Core 5.4). What is read here is
//! believed by nobody: it only ever makes us refuse.

use std::collections::HashSet;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::response::Refusal;

const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const DEEPEST: usize = 32;

/// What a signature may consist of: nothing that could fetch, compute or hold other content.
const SIGNATURE_PARTS: [&str; 17] = [
    "Signature",
    "SignedInfo",
    "CanonicalizationMethod",
    "SignatureMethod",
    "Reference",
    "Transforms",
    "Transform",
    "DigestMethod",
    "DigestValue",
    "SignatureValue",
    "KeyInfo",
    "KeyName",
    "KeyValue",
    "RSAKeyValue",
    "Modulus",
    "Exponent",
    "X509Data",
];

/// What an unverified Response claims.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) destination: Option<String>,
    pub(super) in_response_to: Option<String>,
    pub(super) issuer: Option<String>,
    /// The status codes, the outer first.
    pub(super) status: Vec<String>,
    pub(super) has_assertion: bool,
    pub(super) response_signed: bool,
    pub(super) assertion_signed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    Protocol,
    Assertion,
    Signature,
    Other,
}

#[derive(Debug)]
struct Frame {
    space: Space,
    name: String,
    id: Option<String>,
    /// Direct children that are signatures; References of a signature.
    seen: usize,
}

impl Frame {
    fn is(&self, space: Space, name: &str) -> bool {
        self.space == space && self.name == name
    }
}

#[derive(Debug, Default)]
struct Walk {
    shape: Shape,
    stack: Vec<Frame>,
    ids: HashSet<String>,
    closed: bool,
}

/// Reads the shape, or says what is wrong with it.
pub(super) fn read(xml: &str) -> Result<Shape, Refusal> {
    let mut reader = NsReader::from_str(xml);
    let mut walk = Walk::default();
    loop {
        let (space, event) = reader
            .read_resolved_event()
            .map_err(|_| broken("not well-formed"))?;
        let space = space_of(&space)?;
        match event {
            Event::Start(start) => walk.enter(space, &start)?,
            Event::Empty(start) => {
                walk.enter(space, &start)?;
                walk.leave();
            }
            Event::End(_) => walk.leave(),
            Event::Text(text) => walk.text(&text.xml10_content())?,
            Event::CData(text) => walk.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => walk.text(&resolved(&reference)?)?,
            Event::Decl(_) if walk.stack.is_empty() && !walk.closed => {}
            Event::Decl(_) => return Err(broken("an XML declaration inside")),
            Event::DocType(_) => return Err(broken("a DOCTYPE")),
            Event::PI(_) => return Err(broken("a processing instruction")),
            Event::Comment(_) => return Err(broken("a comment")),
            Event::Eof if walk.closed => return Ok(walk.shape),
            Event::Eof => return Err(broken("cut off")),
        }
    }
}

impl Walk {
    fn enter(&mut self, space: Space, start: &BytesStart<'_>) -> Result<(), Refusal> {
        if self.closed || self.stack.len() >= DEEPEST {
            return Err(broken("content after the end, or nested too deeply"));
        }
        let name = start.local_name().as_ref().to_owned();
        let attributes = attributes(start)?;
        let id = value(&attributes, "ID");
        if let Some(id) = &id
            && !self.ids.insert(id.clone())
        {
            return Err(broken("the same ID twice"));
        }
        match (space, name.as_str(), self.stack.len()) {
            (Space::Protocol, "Response", 0) => self.response(&attributes)?,
            (_, _, 0) | (Space::Protocol, "Response", _) => {
                return Err(broken("not one SAML Response"));
            }
            (Space::Assertion, "EncryptedAssertion", _) => return Err(Refusal::Encrypted),
            (Space::Assertion, "Assertion", depth) => {
                if depth != 1 || self.shape.has_assertion {
                    return Err(broken("more than one assertion, or one out of place"));
                }
                self.shape.has_assertion = true;
            }
            (Space::Protocol, "StatusCode", _) => {
                self.shape.status.extend(value(&attributes, "Value"));
            }
            (Space::Signature, ..) => self.signature_part(&name, &attributes)?,
            _ => self.not_in_signature(&name)?,
        }
        self.stack.push(Frame {
            space,
            name,
            id,
            seen: 0,
        });
        Ok(())
    }

    fn leave(&mut self) {
        self.stack.pop();
        self.closed = self.stack.is_empty();
    }

    fn text(&mut self, text: &str) -> Result<(), Refusal> {
        match self.stack.as_slice() {
            [] if !text.trim().is_empty() => Err(broken("text outside the Response")),
            [_, issuer] if issuer.is(Space::Assertion, "Issuer") => {
                self.shape.issuer.get_or_insert_default().push_str(text);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn response(&mut self, attributes: &[(String, String)]) -> Result<(), Refusal> {
        if value(attributes, "Version").as_deref() != Some("2.0") {
            return Err(broken("not SAML version 2.0"));
        }
        self.shape.destination = value(attributes, "Destination");
        self.shape.in_response_to = value(attributes, "InResponseTo");
        Ok(())
    }

    fn signature_part(
        &mut self,
        name: &str,
        attributes: &[(String, String)],
    ) -> Result<(), Refusal> {
        if !SIGNATURE_PARTS.contains(&name) && name != "X509Certificate" {
            return Err(broken("a signature with parts that SAML does not know"));
        }
        let algorithm = value(attributes, "Algorithm");
        match name {
            "Signature" => self.signature(),
            "Reference" => self.reference(value(attributes, "URI").as_deref()),
            "CanonicalizationMethod" if algorithm.as_deref() != Some(EXCLUSIVE_C14N) => {
                Err(broken("a signature with another canonicalization"))
            }
            "Transform" if !matches!(algorithm.as_deref(), Some(ENVELOPED | EXCLUSIVE_C14N)) => {
                Err(broken("a signature with another transform"))
            }
            _ if self
                .stack
                .iter()
                .any(|frame| frame.is(Space::Signature, "Signature")) =>
            {
                Ok(())
            }
            _ => Err(broken("a part of a signature out of place")),
        }
    }

    /// A Signature stands directly in the Response or in its Assertion, once each.
    fn signature(&mut self) -> Result<(), Refusal> {
        let depth = self.stack.len();
        let parent = self
            .stack
            .last_mut()
            .ok_or_else(|| broken("a bare signature"))?;
        parent.seen += 1;
        if parent.seen > 1 || parent.id.is_none() {
            return Err(broken("two signatures over one element, or one over none"));
        }
        match (depth, parent) {
            (1, _) => self.shape.response_signed = true,
            (2, parent) if parent.is(Space::Assertion, "Assertion") => {
                self.shape.assertion_signed = true;
            }
            _ => return Err(broken("a signature out of place")),
        }
        Ok(())
    }

    /// Its one Reference names the element that it stands in (Core 5.4.2).
    fn reference(&mut self, uri: Option<&str>) -> Result<(), Refusal> {
        let [.., parent, signature, signed_info] = self.stack.as_mut_slice() else {
            return Err(broken("a reference out of place"));
        };
        signature.seen += 1;
        let named = uri.and_then(|uri| uri.strip_prefix('#'));
        let fits = signature.is(Space::Signature, "Signature")
            && signed_info.is(Space::Signature, "SignedInfo")
            && signature.seen == 1
            && named.is_some()
            && named == parent.id.as_deref();
        if fits {
            Ok(())
        } else {
            Err(broken("a signature over something else than its parent"))
        }
    }

    /// Of foreign elements, a signature may hold only exclusive C14N's list of prefixes.
    fn not_in_signature(&self, name: &str) -> Result<(), Refusal> {
        let inside = self
            .stack
            .iter()
            .any(|frame| frame.is(Space::Signature, "Signature"));
        if inside && name != "InclusiveNamespaces" {
            return Err(broken("a signature with foreign content"));
        }
        Ok(())
    }
}

fn space_of(space: &ResolveResult<'_>) -> Result<Space, Refusal> {
    match space {
        ResolveResult::Unknown(_) => Err(broken("an undeclared prefix")),
        ResolveResult::Unbound => Ok(Space::Other),
        ResolveResult::Bound(name) => Ok(match name.as_ref() {
            PROTOCOL => Space::Protocol,
            ASSERTION => Space::Assertion,
            SIGNATURE => Space::Signature,
            _ => Space::Other,
        }),
    }
}

/// The attributes with their values. `xml:id` is refused: libxml2 takes it for an ID, SAML does not.
fn attributes(start: &BytesStart<'_>) -> Result<Vec<(String, String)>, Refusal> {
    let mut all = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| broken("a broken attribute"))?;
        let key = attribute.key.as_ref().to_owned();
        if key == "xml:id" {
            return Err(broken("an xml:id"));
        }
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| broken("a broken attribute"))?;
        all.push((key, value.into_owned()));
    }
    Ok(all)
}

fn value(attributes: &[(String, String)], name: &str) -> Option<String> {
    attributes
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.clone())
}

fn resolved(reference: &BytesRef<'_>) -> Result<String, Refusal> {
    let character = reference
        .resolve_char_ref()
        .map_err(|_| broken("a broken reference"))?;
    if let Some(character) = character {
        return Ok(character.to_string());
    }
    quick_xml::escape::resolve_xml_entity(&reference.xml10_content())
        .map(str::to_owned)
        .ok_or_else(|| broken("an entity"))
}

fn broken(what: &'static str) -> Refusal {
    Refusal::Malformed(what)
}
