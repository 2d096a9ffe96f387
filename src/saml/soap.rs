//! SOAP 1.1 envelopes, in and out (Bindings 3.2).
//!
//! An envelope holds one SAML message and nothing else. What is read is found by its place, the one
//! child of the Body, and never by its ID; a signature in it is checked over that very element
//! ([`verify_element`](super::signature::verify_element)). What is written puts a finished message
//! in as it is: its text is the same inside and alone (decision 31).

#[cfg(test)]
mod tests;

use thiserror::Error;

use super::uri;
use super::xml::{self, Document, Element, Limits, Namespace, WriteError, Writer, XmlError};

/// Whoever gets the envelope first: the actor of a header that is for us (SOAP 1.1, 4.2.2).
pub const ACTOR_NEXT: &str = "http://schemas.xmlsoap.org/soap/actor/next";

/// Why an envelope is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SoapError {
    /// Not the XML that SAML uses.
    #[error("not strict XML: {0}")]
    Xml(#[from] XmlError),
    /// Something else than an Envelope.
    #[error("the root element is no SOAP Envelope")]
    NotAnEnvelope,
    /// An Envelope of another namespace: SOAP 1.2 (SOAP 1.1, 4.1.2).
    #[error("the Envelope is not of SOAP 1.1")]
    Version,
    /// Something else than an optional Header and a Body, in this order (SOAP 1.1, 4.1.1).
    #[error("the Envelope holds something else than one Header and one Body")]
    Structure,
    /// A header that is for us, has to be understood and is not (SOAP 1.1, 4.2.3).
    #[error("a header for us has to be understood and is not")]
    MustUnderstand,
    /// The Body does not hold exactly one element (Bindings 3.2.2).
    #[error("the Body does not hold exactly one message")]
    NotOneMessage,
    /// The Body holds a Fault where a message is due.
    #[error("the Body holds a Fault")]
    Fault,
}

impl SoapError {
    /// What the sender is told (SOAP 1.1, 4.4.1).
    #[must_use]
    pub fn fault(self) -> FaultCode {
        match self {
            Self::Version => FaultCode::VersionMismatch,
            Self::MustUnderstand => FaultCode::MustUnderstand,
            _ => FaultCode::Client,
        }
    }
}

/// An envelope that was read whole, with its one message, which nobody may believe yet.
#[derive(Debug)]
pub struct Envelope {
    document: Document,
}

impl Envelope {
    /// Reads an envelope. `understood` are the header blocks that the reader knows what to do
    /// with, each by namespace and local name; another one that is for us and has to be understood
    /// is a refusal.
    pub fn read(bytes: &[u8], understood: &[(&str, &str)]) -> Result<Self, SoapError> {
        let document = xml::read(bytes, &Limits::MESSAGE)?;
        let root = document.root();
        if root.local_name() != "Envelope" {
            return Err(SoapError::NotAnEnvelope);
        }
        if root.namespace() != uri::SOAP.uri {
            return Err(SoapError::Version);
        }
        let (header, body) = parts(root)?;
        if header.is_some_and(|header| !all_understood(header, understood)) {
            return Err(SoapError::MustUnderstand);
        }
        if only_child(body)?.is(uri::SOAP.uri, "Fault") {
            return Err(SoapError::Fault);
        }
        Ok(Self { document })
    }

    /// The message: the one element in the Body.
    pub fn message(&self) -> Result<&Element, SoapError> {
        let (_, body) = parts(self.document.root())?;
        only_child(body)
    }

    /// The header blocks of this name that are for us.
    pub fn headers<'e>(
        &'e self,
        namespace: &'e str,
        local: &'e str,
    ) -> impl Iterator<Item = &'e Element> {
        let header = self.document.root().child(uri::SOAP.uri, "Header");
        header
            .into_iter()
            .flat_map(move |header| header.children_named(namespace, local))
            .filter(|block| is_for_us(block))
    }
}

/// The Header, if there is one, and the Body; nothing beside them.
fn parts(envelope: &Element) -> Result<(Option<&Element>, &Element), SoapError> {
    let children: Vec<&Element> = envelope.children().collect();
    let is = |element: &Element, local| element.is(uri::SOAP.uri, local);
    let blank = envelope.texts().all(xml::is_blank);
    match children.as_slice() {
        [body] if blank && is(body, "Body") => Ok((None, body)),
        [header, body] if blank && is(header, "Header") && is(body, "Body") => {
            Ok((Some(header), body))
        }
        _ => Err(SoapError::Structure),
    }
}

fn only_child(body: &Element) -> Result<&Element, SoapError> {
    let mut children = body.children();
    match (children.next(), children.next()) {
        (Some(message), None) if body.texts().all(xml::is_blank) => Ok(message),
        _ => Err(SoapError::NotOneMessage),
    }
}

fn all_understood(header: &Element, understood: &[(&str, &str)]) -> bool {
    header
        .children()
        .filter(|block| is_for_us(block) && is_mandatory(block))
        .all(|block| understood.iter().any(|(ns, local)| block.is(ns, local)))
}

/// A block without an actor is for whom the message is for, which we are; another actor's is none
/// of our business (SOAP 1.1, 4.2.2).
fn is_for_us(block: &Element) -> bool {
    block
        .attribute_ns(uri::SOAP.uri, "actor")
        .is_none_or(|actor| actor.is_empty() || actor == ACTOR_NEXT)
}

/// Whatever is not plainly optional is taken for mandatory (SOAP 1.1, 4.2.3).
fn is_mandatory(block: &Element) -> bool {
    !matches!(
        block.attribute_ns(uri::SOAP.uri, "mustUnderstand"),
        None | Some("0" | "false")
    )
}

/// A header block that is written for the next to get the envelope.
#[derive(Debug, Clone, Copy)]
pub struct HeaderBlock<'a> {
    /// Its namespace.
    pub namespace: Namespace<'a>,
    /// Its name.
    pub local: &'a str,
    /// Whether it has to be understood.
    pub must_understand: bool,
    /// Its attributes, in no namespace.
    pub attributes: &'a [(&'a str, &'a str)],
    /// What stands in it.
    pub text: &'a str,
}

/// The envelope of a finished message, which is put in byte for byte.
///
/// `message` is canonical by itself, as everything that we write and sign is, so a signature in it
/// holds inside the envelope as it does alone.
pub fn write(headers: &[HeaderBlock<'_>], message: &str) -> Result<String, WriteError> {
    let mut w = Writer::with_capacity(512 + message.len());
    w.start(uri::SOAP, "Envelope");
    if !headers.is_empty() {
        w.start(uri::SOAP, "Header");
        for block in headers {
            w.start(block.namespace, block.local);
            w.attribute_ns(uri::SOAP, "actor", ACTOR_NEXT);
            if block.must_understand {
                w.attribute_ns(uri::SOAP, "mustUnderstand", "1");
            }
            for (name, value) in block.attributes {
                w.attribute(name, value);
            }
            w.text(block.text).end();
        }
        w.end();
    }
    w.start(uri::SOAP, "Body").embed(message).end().end();
    w.finish()
}

/// Whose fault it is (SOAP 1.1, 4.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// Another version of SOAP.
    VersionMismatch,
    /// A header that has to be understood is not.
    MustUnderstand,
    /// The message is at fault.
    Client,
    /// We are.
    Server,
}

impl FaultCode {
    fn word(self) -> &'static str {
        match self {
            Self::VersionMismatch => "S:VersionMismatch",
            Self::MustUnderstand => "S:MustUnderstand",
            Self::Client => "S:Client",
            Self::Server => "S:Server",
        }
    }

    /// One sentence for each code and no other, so that a fault tells nothing about which service
    /// providers and people there are.
    fn sentence(self) -> &'static str {
        match self {
            Self::VersionMismatch => "This is not an envelope of SOAP 1.1.",
            Self::MustUnderstand => "A header that has to be understood is not understood here.",
            Self::Client => "The message cannot be used.",
            Self::Server => "The message cannot be answered at the moment.",
        }
    }
}

/// An envelope with a Fault; `reference` finds the cause in the log.
pub fn fault(code: FaultCode, reference: &str) -> Result<String, WriteError> {
    let mut w = Writer::with_capacity(512);
    w.start(uri::SOAP, "Envelope").start(uri::SOAP, "Body");
    w.start(uri::SOAP, "Fault");
    let plain = Namespace::new("", "");
    w.element(plain, "faultcode", code.word());
    let sentence = format!("{} Reference: {reference}", code.sentence());
    w.element(plain, "faultstring", &sentence);
    w.end().end().end();
    w.finish()
}
