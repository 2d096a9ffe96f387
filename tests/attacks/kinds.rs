//! The kinds of message that are read, one entry for each way in: how to make a good one, where it
//! goes, and by which binding. Every vector is tried on every kind that it can be written for.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use openssl::hash::{MessageDigest, hash};

use crate::support::oracle::xmlsec1_tries_to_sign;
use crate::support::sp::{
    RSA_SHA256, Sp, deflated, escaped, fresh_id, now, percent_encoded, signature_template,
};
use crate::target::Target;

/// A kind of message, by one binding.
pub(crate) struct Kind {
    /// As the tables show it.
    pub(crate) name: &'static str,
    /// The local name of its root.
    pub(crate) root: &'static str,
    /// How it comes.
    pub(crate) by: By,
    /// The address that reads it.
    pub(crate) path: &'static str,
    /// Whether an unsigned one is refused, so that a vector has to be signed to get anywhere.
    pub(crate) signed: bool,
    /// A good one.
    pub(crate) draft: fn(&Target, &Sp) -> Draft,
    /// How a good one is answered, in short: what no hostile one may get.
    pub(crate) good: &'static str,
}

/// How a message comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// HTTP-Redirect, with this parameter.
    Redirect(&'static str),
    /// HTTP-POST, with this parameter.
    Post(&'static str),
    /// In the Body of a SOAP envelope.
    Soap,
    /// A file that an administrator gives to `sp add --metadata`.
    File,
}

/// Every way in.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "AuthnRequest by Redirect",
        root: "AuthnRequest",
        by: By::Redirect("SAMLRequest"),
        path: "/saml/sso",
        signed: false,
        draft: authn_request,
        good: "sign-in form",
    },
    Kind {
        name: "AuthnRequest by POST",
        root: "AuthnRequest",
        by: By::Post("SAMLRequest"),
        path: "/saml/sso",
        signed: false,
        draft: authn_request,
        good: "sign-in form",
    },
    Kind {
        name: "signed AuthnRequest by Redirect",
        root: "AuthnRequest",
        by: By::Redirect("SAMLRequest"),
        path: "/saml/sso",
        signed: true,
        draft: authn_request,
        good: "sign-in form",
    },
    Kind {
        name: "signed AuthnRequest by POST",
        root: "AuthnRequest",
        by: By::Post("SAMLRequest"),
        path: "/saml/sso",
        signed: true,
        draft: authn_request,
        good: "sign-in form",
    },
    Kind {
        name: "ArtifactResolve by SOAP",
        root: "ArtifactResolve",
        by: By::Soap,
        path: "/saml/soap",
        signed: true,
        draft: artifact_resolve,
        good: "Success",
    },
    Kind {
        name: "LogoutRequest by Redirect",
        root: "LogoutRequest",
        by: By::Redirect("SAMLRequest"),
        path: "/saml/slo",
        signed: true,
        draft: logout_request,
        good: UNKNOWN,
    },
    Kind {
        name: "LogoutRequest by POST",
        root: "LogoutRequest",
        by: By::Post("SAMLRequest"),
        path: "/saml/slo",
        signed: true,
        draft: logout_request,
        good: UNKNOWN,
    },
    Kind {
        name: "LogoutRequest by SOAP",
        root: "LogoutRequest",
        by: By::Soap,
        path: "/saml/soap",
        signed: true,
        draft: |target, sp| {
            let mut message = logout_request(target, sp).message();
            message.destination = target.product.idp("/saml/soap");
            Draft::Protocol(message)
        },
        good: UNKNOWN,
    },
    Kind {
        name: "EntityDescriptor in a file",
        root: "EntityDescriptor",
        by: By::File,
        path: "",
        signed: false,
        draft: entity_descriptor,
        good: "accepted",
    },
];

/// What an authentic LogoutRequest about nobody in particular gets, and only an authentic one.
const UNKNOWN: &str = "Responder/UnknownPrincipal";

fn logout_request(target: &Target, sp: &Sp) -> Draft {
    let end = now()
        .checked_add(SignedDuration::from_mins(5))
        .expect("an instant of this era");
    Draft::protocol("LogoutRequest", &target.product.idp("/saml/slo"), sp)
        .with(&format!(" NotOnOrAfter=\"{end}\""))
        .around("<saml:NameID>nobody</saml:NameID><samlp:SessionIndex>_1</samlp:SessionIndex>")
}

fn authn_request(target: &Target, sp: &Sp) -> Draft {
    let attributes = format!(" AssertionConsumerServiceURL=\"{}\"", escaped(&sp.acs));
    Draft::protocol("AuthnRequest", &target.product.idp("/saml/sso"), sp)
        .with(&attributes)
        .around("<samlp:NameIDPolicy AllowCreate=\"true\"/>")
}

/// It asks for an artifact that nobody has handed out, and gets nothing (Core 3.5.3).
fn artifact_resolve(target: &Target, sp: &Sp) -> Draft {
    let idp = target.product.idp("/saml/metadata");
    let source = hash(MessageDigest::sha1(), idp.as_bytes()).expect("OpenSSL");
    let artifact = STANDARD.encode([&[0, 4, 0, 0], &*source, &[7; 20]].concat());
    Draft::protocol("ArtifactResolve", &target.product.idp("/saml/soap"), sp)
        .around(&format!("<samlp:Artifact>{artifact}</samlp:Artifact>"))
}

fn entity_descriptor(_: &Target, _: &Sp) -> Draft {
    let sp = Sp::new("https://new.example/saml", "https://new.example/acs");
    Draft::Metadata(sp.metadata(""))
}

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
    fn protocol(root: &'static str, destination: &str, sp: &Sp) -> Self {
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

    /// The same with an enveloped signature by xmlsec1.
    pub(crate) fn signed_by(&self, sp: &Sp) -> String {
        let signed = signed_where_possible(&self.xml_with(&self.template()), sp);
        signed.expect("xmlsec1 signs a good message")
    }

    pub(crate) fn template(&self) -> String {
        signature_template(&self.id, RSA_SHA256)
    }
}

/// A signed document as the template that it was.
fn unsigned(signed: &str) -> String {
    let mut template = signed.to_owned();
    for name in ["DigestValue", "SignatureValue"] {
        let (open, close) = (format!("<ds:{name}>"), format!("</ds:{name}>"));
        if let (Some(start), Some(end)) = (template.find(&open), template.find(&close)) {
            template.replace_range(start..end + close.len(), &format!("<ds:{name}/>"));
        }
    }
    template
}

fn signed_where_possible(template: &str, sp: &Sp) -> Option<String> {
    xmlsec1_tries_to_sign(template, "/*/*[local-name()='Signature']", &sp.key_pem())
}

impl Kind {
    /// The entries whose messages carry their signature in the query.
    pub(crate) fn with_signed_query() -> impl Iterator<Item = &'static Self> {
        let redirect = |kind: &&Self| matches!(kind.by, By::Redirect(_));
        KINDS.iter().filter(redirect).filter(|kind| kind.signed)
    }

    /// The entries whose messages can carry a signature of their own.
    pub(crate) fn with_enveloped_signature() -> impl Iterator<Item = &'static Self> {
        let enveloped = |kind: &&Self| matches!(kind.by, By::Post(_) | By::Soap);
        KINDS.iter().filter(enveloped)
    }

    /// The SP that speaks in this entry.
    pub(crate) fn sp(&self, target: &Target) -> Sp {
        if self.signed {
            target.strict.clone()
        } else {
            target.lax.clone()
        }
    }

    /// A vector's words, filled in for this kind: `{open}` and `{close}` are the root's tags,
    /// `{namespace}` its declaration, `{child}` the start of the first child, `{value}` the start of
    /// an element with a value that matters, and of the value.
    pub(crate) fn fill(&self, words: &str) -> String {
        let root = self.root;
        let [prefix, namespace, child, value] = if self.by == By::File {
            let value = "<ds:X509Certificate>MII";
            ["md", "metadata", "<md:SPSSODescriptor ", value]
        } else {
            let value = "<saml:Issuer>https://";
            ["samlp", "protocol", "<saml:Issuer>", value]
        };
        let namespace = format!("xmlns:{prefix}=\"urn:oasis:names:tc:SAML:2.0:{namespace}\"");
        words
            .replace("{open}", &format!("<{prefix}:{root} "))
            .replace("{close}", &format!("</{prefix}:{root}>"))
            .replace("{prefix}", prefix)
            .replace("{namespace}", &namespace)
            .replace("{child}", child)
            .replace("{value}", value)
    }

    /// A good message that was spoilt by `spoil`, signed afterwards where it has to be signed and
    /// xmlsec1 still takes it, else before. None where there is nothing to spoil.
    pub(crate) fn spoilt(
        &self,
        target: &Target,
        spoil: impl Fn(&str) -> Option<String>,
    ) -> Option<Vec<u8>> {
        let sp = self.sp(target);
        let message = match (self.draft)(target, &sp) {
            Draft::Metadata(xml) => return spoil(&xml).map(String::into_bytes),
            Draft::Protocol(message) => message,
        };
        if !self.signed || matches!(self.by, By::Redirect(_)) {
            return spoil(&message.xml()).map(String::into_bytes);
        }
        let spoilt = spoil(&message.xml_with(&message.template()))?;
        // libxml2 mends much of what is broken, and then it is broken no more; and it shall fetch
        // nothing for us.
        let signed = (!spoilt.contains("<!DOCTYPE"))
            .then(|| signed_where_possible(&spoilt, &sp))
            .flatten()
            .filter(|signed| unsigned(signed) == spoilt);
        match signed {
            Some(signed) => Some(signed.into_bytes()),
            None => spoil(&message.signed_by(&sp)).map(String::into_bytes),
        }
    }

    /// What the binding makes of a document: a query or a form, signed where it has to be.
    pub(crate) fn encoded(&self, sp: &Sp, xml: &[u8]) -> String {
        let encoded = self.encoded_unsigned(xml);
        if self.signed && matches!(self.by, By::Redirect(_)) {
            signed_query(&encoded, sp)
        } else {
            encoded
        }
    }

    /// The same without the query's signature.
    pub(crate) fn encoded_unsigned(&self, xml: &[u8]) -> String {
        match self.by {
            By::Redirect(parameter) => {
                format!("{parameter}={}", percent_encoded(&deflated(xml)))
            }
            By::Post(_) | By::Soap | By::File => STANDARD.encode(xml),
        }
    }
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
