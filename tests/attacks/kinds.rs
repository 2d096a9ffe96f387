//! The kinds of message that are read, one entry for each way in: how to make a good one, where it
//! goes, and by which binding. Every vector is tried on every kind that it can be written for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::drafts;
use crate::message::{Draft, signed_query, signed_where_possible, unsigned};
use crate::support::sp::{Sp, deflated, percent_encoded};
use crate::target::Target;

/// A kind of message, by one binding.
pub(crate) struct Kind {
    /// As the tables show it.
    pub(crate) name: &'static str,
    /// The local name of its root.
    pub(crate) root: &'static str,
    /// How it comes.
    pub(crate) by: By,
    /// The address that reads it; of a file, the command.
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
    /// A file that an administrator gives to `sp add --metadata` or `metadata add`.
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
        draft: drafts::authn_request,
        good: "sign-in form",
    },
    Kind {
        name: "AuthnRequest by POST",
        root: "AuthnRequest",
        by: By::Post("SAMLRequest"),
        path: "/saml/sso",
        signed: false,
        draft: drafts::authn_request,
        good: "sign-in form",
    },
    Kind {
        name: "signed AuthnRequest by Redirect",
        root: "AuthnRequest",
        by: By::Redirect("SAMLRequest"),
        path: "/saml/sso",
        signed: true,
        draft: drafts::authn_request,
        good: "sign-in form",
    },
    Kind {
        name: "signed AuthnRequest by POST",
        root: "AuthnRequest",
        by: By::Post("SAMLRequest"),
        path: "/saml/sso",
        signed: true,
        draft: drafts::authn_request,
        good: "sign-in form",
    },
    Kind {
        name: "ArtifactResolve by SOAP",
        root: "ArtifactResolve",
        by: By::Soap,
        path: "/saml/soap",
        signed: true,
        draft: drafts::artifact_resolve,
        good: "Success",
    },
    Kind {
        name: "LogoutRequest by Redirect",
        root: "LogoutRequest",
        by: By::Redirect("SAMLRequest"),
        path: "/saml/slo",
        signed: true,
        draft: drafts::logout_request,
        good: UNKNOWN,
    },
    Kind {
        name: "LogoutRequest by POST",
        root: "LogoutRequest",
        by: By::Post("SAMLRequest"),
        path: "/saml/slo",
        signed: true,
        draft: drafts::logout_request,
        good: UNKNOWN,
    },
    Kind {
        name: "LogoutRequest by SOAP",
        root: "LogoutRequest",
        by: By::Soap,
        path: "/saml/soap",
        signed: true,
        draft: |target, sp| drafts::to("/saml/soap", target, drafts::logout_request(target, sp)),
        good: UNKNOWN,
    },
    Kind {
        name: "EntityDescriptor in a file",
        root: "EntityDescriptor",
        by: By::File,
        path: "sp",
        signed: false,
        draft: drafts::entity_descriptor,
        good: "accepted",
    },
    Kind {
        name: "AuthnRequest at /samlsso",
        root: "AuthnRequest",
        by: By::Redirect("SAMLRequest"),
        path: "/samlsso",
        signed: false,
        draft: |target, sp| drafts::to("/samlsso", target, drafts::authn_request(target, sp)),
        good: "sign-in form",
    },
    Kind {
        name: "signed AuthnRequest at /samlsso",
        root: "AuthnRequest",
        by: By::Post("SAMLRequest"),
        path: "/samlsso",
        signed: true,
        draft: |target, sp| drafts::to("/samlsso", target, drafts::authn_request(target, sp)),
        good: "sign-in form",
    },
    Kind {
        name: "AuthnRequest of an enhanced client",
        root: "AuthnRequest",
        by: By::Soap,
        path: "/saml/ecp",
        signed: false,
        draft: drafts::enhanced,
        good: "Success",
    },
    Kind {
        name: "signed AuthnRequest of an enhanced client",
        root: "AuthnRequest",
        by: By::Soap,
        path: "/saml/ecp",
        signed: true,
        draft: drafts::enhanced,
        good: "Success",
    },
    Kind {
        name: "LogoutRequest at /samlsso",
        root: "LogoutRequest",
        by: By::Post("SAMLRequest"),
        path: "/samlsso",
        signed: true,
        draft: |target, sp| drafts::to("/samlsso", target, drafts::logout_request(target, sp)),
        good: UNKNOWN,
    },
    Kind {
        name: "LogoutRequest with EncryptedID",
        root: "LogoutRequest",
        by: By::Post("SAMLRequest"),
        path: "/saml/slo",
        signed: true,
        draft: drafts::encrypted_logout_request,
        good: UNKNOWN,
    },
    Kind {
        name: "LogoutResponse by Redirect",
        root: "LogoutResponse",
        by: By::Redirect("SAMLResponse"),
        path: "/saml/slo",
        signed: true,
        draft: drafts::logout_response,
        good: UNEXPECTED,
    },
    Kind {
        name: "LogoutResponse by POST",
        root: "LogoutResponse",
        by: By::Post("SAMLResponse"),
        path: "/saml/slo",
        signed: true,
        draft: drafts::logout_response,
        good: UNEXPECTED,
    },
    Kind {
        name: "LogoutResponse at /samlsso",
        root: "LogoutResponse",
        by: By::Redirect("SAMLResponse"),
        path: "/samlsso",
        signed: true,
        draft: |target, sp| drafts::to("/samlsso", target, drafts::logout_response(target, sp)),
        good: UNEXPECTED,
    },
    Kind {
        name: "EntitiesDescriptor of a source",
        root: "EntitiesDescriptor",
        by: By::File,
        path: "metadata",
        signed: true,
        draft: drafts::aggregate,
        good: "accepted",
    },
];

/// What an authentic LogoutRequest about nobody in particular gets, and only an authentic one.
const UNKNOWN: &str = "Responder/UnknownPrincipal";

/// What an authentic LogoutResponse gets that nobody waits for, and only an authentic one.
const UNEXPECTED: &str = "400 unexpected-logout-response";

impl Kind {
    /// The entries whose messages carry their signature in the query.
    pub(crate) fn with_signed_query() -> impl Iterator<Item = &'static Self> {
        let redirect = |kind: &&Self| matches!(kind.by, By::Redirect(_));
        KINDS.iter().filter(redirect).filter(|kind| kind.signed)
    }

    /// The good one as it is sent, signed where it has to be and carries its own signature.
    pub(crate) fn good_one(&self, target: &Target) -> String {
        let sp = self.sp(target);
        self.finished((self.draft)(target, &sp), &sp)
    }

    /// A draft as it is sent, signed where it has to be and carries its own signature.
    pub(crate) fn finished(&self, draft: Draft, sp: &Sp) -> String {
        match draft {
            draft if self.signed && !matches!(self.by, By::Redirect(_)) => draft.signed_by(sp),
            Draft::Metadata(xml) => xml,
            Draft::Protocol(message) => message.xml(),
        }
    }

    /// The entries whose messages can carry a signature of their own.
    pub(crate) fn with_enveloped_signature() -> impl Iterator<Item = &'static Self> {
        let enveloped = |kind: &&Self| match kind.by {
            By::Post(_) | By::Soap => true,
            By::File => kind.signed,
            By::Redirect(_) => false,
        };
        KINDS.iter().filter(enveloped)
    }

    /// Whether a message with this root that comes by this kind's binding to its address is read there.
    /// The address of WSO2's product takes all that a browser brings.
    pub(crate) fn reads(&self, root: &str) -> bool {
        let same_parameter = |other: &Self| match (self.by, other.by) {
            (By::Redirect(one) | By::Post(one), By::Redirect(two) | By::Post(two)) => one == two,
            (one, two) => one == two,
        };
        let mut at_this_address = KINDS.iter().filter(|other| other.path == self.path);
        at_this_address.any(|other| other.root == root && same_parameter(other))
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
        let draft = (self.draft)(target, &sp);
        if !self.signed || matches!(self.by, By::Redirect(_)) {
            return spoil(&self.finished(draft, &sp)).map(String::into_bytes);
        }
        let template = draft.xml_with(&draft.template());
        let spoilt = spoil(&template)?;
        // libxml2 mends much of what is broken, and then it is broken no more; and it shall fetch
        // nothing for us.
        let signed = (!spoilt.contains("<!DOCTYPE"))
            .then(|| signed_where_possible(&spoilt, &sp))
            .flatten()
            .filter(|signed| unsigned(signed) == spoilt);
        if let Some(signed) = signed {
            return Some(signed.into_bytes());
        }
        let signed = signed_where_possible(&template, &sp);
        spoil(&signed.expect("xmlsec1 signs a good one")).map(String::into_bytes)
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
