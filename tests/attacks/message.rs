//! Messages before they are written down, and what signs and wraps them.

use std::fmt::Write as _;

use crate::support::oracle::xmlsec1_tries_to_sign;
use crate::support::sp::{
    RSA_SHA256, Sp, escaped, fresh_id, now, percent_encoded, signature_template,
};

/// The ID of metadata that is to be signed.
pub(crate) const ROOT: &str = "_root";

/// A good message before it is written down; a vector changes what it is about.
#[derive(Clone)]
pub(crate) enum Draft {
    Protocol(Message),
    Metadata(String),
}

/// What all messages of the protocol have in common (Core 3.2.1, 3.2.2).
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) root: &'static str,
    pub(crate) id: String,
    pub(crate) issue_instant: String,
    pub(crate) destination: String,
    pub(crate) issuer: String,
    /// More attributes of the root, as text.
    pub(crate) attributes: String,
    /// What follows the Issuer (and the Signature), as text.
    pub(crate) children: String,
}

impl Draft {
    pub(crate) fn protocol(root: &'static str, destination: &str, sp: &Sp) -> Self {
        Self::Protocol(Message {
            root,
            id: fresh_id(),
            issue_instant: now().to_string(),
            destination: destination.to_owned(),
            issuer: sp.entity_id.clone(),
            attributes: String::new(),
            children: String::new(),
        })
    }

    /// The message, for vectors that are about the protocol only.
    pub(crate) fn message(self) -> Message {
        match self {
            Self::Protocol(message) => message,
            Self::Metadata(_) => panic!("metadata is no message of the protocol"),
        }
    }

    /// The ID of its root.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Protocol(message) => &message.id,
            Self::Metadata(_) => ROOT,
        }
    }

    /// The XML with something where a Signature stands. Metadata that is to be signed has a template
    /// there.
    pub(crate) fn xml_with(&self, signature: &str) -> String {
        match self {
            Self::Protocol(message) => message.xml_with(signature),
            Self::Metadata(xml) => xml.replacen(&self.template(), signature, 1),
        }
    }

    /// A message of the attacker's in the same sender's name, with this ID, around `inside`.
    pub(crate) fn evil(&self, id: &str, inside: &str) -> String {
        match self {
            Self::Protocol(message) => {
                let mut message = message.clone();
                id.clone_into(&mut message.id);
                message.attributes.push_str(" Consent=\"urn:evil\"");
                message.xml_with(inside)
            }
            Self::Metadata(_) => self
                .xml_with(inside)
                .replacen(&format!(" ID=\"{ROOT}\""), &format!(" ID=\"{id}\""), 1)
                .replacen(" index=\"0\"", " index=\"1\"", 1),
        }
    }

    /// The same with an enveloped signature by xmlsec1.
    pub(crate) fn signed_by(&self, sp: &Sp) -> String {
        let signed = signed_where_possible(&self.xml_with(&self.template()), sp);
        signed.expect("xmlsec1 signs a good message")
    }

    pub(crate) fn template(&self) -> String {
        signature_template(self.id(), RSA_SHA256)
    }

    pub(crate) fn with(self, attributes: &str) -> Self {
        let Self::Protocol(mut message) = self else {
            return self;
        };
        message.attributes.push_str(attributes);
        Self::Protocol(message)
    }

    pub(crate) fn around(self, children: &str) -> Self {
        let Self::Protocol(mut message) = self else {
            return self;
        };
        message.children.push_str(children);
        Self::Protocol(message)
    }
}

impl Message {
    pub(crate) fn xml(&self) -> String {
        self.xml_with("")
    }

    /// The XML with something between Issuer and the rest, where a Signature stands.
    pub(crate) fn xml_with(&self, signature: &str) -> String {
        format!(
            r#"<samlp:{root} xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{}" Version="2.0" IssueInstant="{}" Destination="{}"{}><saml:Issuer>{}</saml:Issuer>{signature}{}</samlp:{root}>"#,
            self.id,
            self.issue_instant,
            escaped(&self.destination),
            self.attributes,
            escaped(&self.issuer),
            self.children,
            root = self.root,
        )
    }
}

/// A signed document as the template that it was.
pub(crate) fn unsigned(signed: &str) -> String {
    let mut template = signed.to_owned();
    for name in ["DigestValue", "SignatureValue"] {
        let (open, close) = (format!("<ds:{name}>"), format!("</ds:{name}>"));
        if let (Some(start), Some(end)) = (template.find(&open), template.find(&close)) {
            template.replace_range(start..end + close.len(), &format!("<ds:{name}/>"));
        }
    }
    template
}

pub(crate) fn signed_where_possible(template: &str, sp: &Sp) -> Option<String> {
    xmlsec1_tries_to_sign(template, "/*/*[local-name()='Signature']", &sp.key_pem())
}

/// A document in an envelope (SOAP 1.1, 4).
pub(crate) fn enveloped(xml: &[u8]) -> Vec<u8> {
    let open = r#"<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>"#;
    [open.as_bytes(), xml, b"</S:Body></S:Envelope>"].concat()
}

/// A query with its signature (Bindings 3.4.4.1).
pub(crate) fn signed_query(query: &str, sp: &Sp) -> String {
    let mut query = format!("{query}&SigAlg={}", percent_encoded(RSA_SHA256));
    let signature = percent_encoded(&sp.signature(&query, RSA_SHA256));
    let _ = write!(query, "&Signature={signature}");
    query
}
