//! Channel bindings: that an enhanced client and the SP see one and the same connection (ECP 2.0,
//! section 2.3; Channel Binding Extensions 1.0).
//!
//! The SP names its side in the Extensions of the request, the client its own in a SOAP header. We
//! know neither connection and only compare; an SP's word counts where it is signed.

use serde::{Deserialize, Serialize};

use super::RequestError;
use crate::saml::soap::Envelope;
use crate::saml::uri;
use crate::saml::xml::{Element, is_blank};

/// One binding of a channel (RFC 5056): which kind, and its octets in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelBinding {
    /// The name that is registered for the kind: `tls-server-end-point`.
    pub kind: String,
    /// The octets, base64 without blanks.
    pub value: String,
}

/// The header block and the extension.
pub const CHANNEL_BINDINGS: (&str, &str) = (uri::CB.uri, "ChannelBindings");

/// The header block by which a client asks for a key (SAML-EC 5.3).
pub const SESSION_KEY: (&str, &str) = (uri::SAMLEC.uri, "SessionKey");

/// What both sides name. Where either names a channel at all, one has to be common to both.
pub(super) fn verify(
    request: &Element,
    envelope: &Envelope,
    signed: bool,
) -> Result<Option<ChannelBinding>, RequestError> {
    let (namespace, local) = CHANNEL_BINDINGS;
    let extensions = request.child(uri::SAMLP.uri, "Extensions");
    let of_sp: Vec<ChannelBinding> = extensions
        .into_iter()
        .flat_map(|extensions| extensions.children_named(namespace, local))
        .filter_map(read)
        .collect();
    let of_client: Vec<ChannelBinding> = envelope
        .headers(namespace, local)
        .filter_map(read)
        .collect();
    if of_sp.is_empty() && of_client.is_empty() {
        return Ok(None);
    }
    let common = of_client
        .into_iter()
        .find(|binding| signed && of_sp.contains(binding));
    common.map(Some).ok_or(RequestError::ChannelBindings)
}

/// An empty one says that channel bindings are understood, and nothing about a channel.
fn read(element: &Element) -> Option<ChannelBinding> {
    let text = element.text().ok().filter(|text| !is_blank(text))?;
    Some(ChannelBinding {
        kind: element.attribute("Type").unwrap_or_default().to_owned(),
        value: text.split_whitespace().collect(),
    })
}
