//! What a configuration of the other side is filled with: ourselves as our metadata shows us, and
//! the service provider as it is registered.

use super::super::super::context::Open;
use super::super::super::error::CliError;
use super::Binding;
use crate::directory::protection::Encrypt;
use crate::directory::service_provider::{NameIdFormat, ServiceProvider, Sign};
use crate::directory::slo_endpoint::SloBinding;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The values of every snippet.
pub(super) struct Facts {
    /// Our entityID.
    pub(super) idp: String,
    /// Where our metadata is.
    pub(super) metadata_url: String,
    /// Where AuthnRequests go, by either binding.
    pub(super) sso_url: String,
    /// Where LogoutRequests and LogoutResponses go, by either binding.
    pub(super) slo_url: String,
    /// The certificates that we sign with, base64 of DER on one line.
    pub(super) certificates: Vec<String>,
    /// The SP's short name.
    pub(super) name: String,
    /// Its entityID.
    pub(super) entity_id: String,
    /// Where it takes Responses.
    pub(super) acs: String,
    /// Where it takes part in single logout by HTTP-Redirect.
    pub(super) slo: Option<String>,
    /// Where it does so by HTTP-Redirect or HTTP-POST.
    pub(super) front_slo: Option<String>,
    /// Its newest registered certificate, base64 of DER on one line.
    pub(super) sp_certificate: Option<String>,
    /// The NameID format that it gets.
    pub(super) name_id: NameIdFormat,
    /// Whether it has a key: then it signs what it sends.
    pub(super) has_key: bool,
    /// Whether its assertions are always encrypted.
    pub(super) encrypts: bool,
    /// How it sends its AuthnRequests.
    pub(super) binding: Binding,
    /// What we sign.
    pub(super) sign: Sign,
    /// Whether sign-ins may start at our side.
    pub(super) unsolicited: bool,
}

impl Facts {
    pub(super) async fn of(
        open: &Open,
        sp: &ServiceProvider,
        binding: Binding,
    ) -> Result<Self, CliError> {
        let keys = open.store.signing_keys().await?;
        let config = &open.config;
        Ok(Self {
            idp: config.entity_id.as_str().to_owned(),
            metadata_url: format!("{}/saml/metadata", config.base_url),
            sso_url: format!("{}/saml/sso", config.base_url),
            slo_url: format!("{}/saml/slo", config.base_url),
            certificates: keys
                .keys
                .iter()
                .map(|key| STANDARD.encode(&key.certificate))
                .collect(),
            name: sp.name.as_str().to_owned(),
            entity_id: sp.entity_id.as_str().to_owned(),
            acs: sp.acs.default_endpoint().location.clone(),
            slo: redirect_slo(sp),
            front_slo: sp.slo.front_channel().map(|one| one.location.clone()),
            sp_certificate: sp.certificates.last().map(|der| STANDARD.encode(der)),
            name_id: sp.usual_name_id_format(),
            has_key: !sp.certificates.is_empty() || !sp.bare_keys.is_empty(),
            encrypts: sp.policy.protection.encrypt == Encrypt::Always,
            binding,
            sign: sp.policy.sign,
            unsolicited: sp.policy.allow_idp_initiated,
        })
    }

    /// Whether it sends AuthnRequests by HTTP-POST instead of HTTP-Redirect.
    pub(super) fn posts(&self) -> bool {
        self.binding == Binding::Post
    }

    /// Whether we sign its assertions.
    pub(super) fn assertion_signed(&self) -> bool {
        matches!(self.sign, Sign::Both | Sign::Assertion)
    }

    /// Whether we sign the Responses around them.
    pub(super) fn response_signed(&self) -> bool {
        matches!(self.sign, Sign::Both | Sign::Response)
    }

    /// Whether the app is reached over TLS, so that its cookies can be marked so.
    pub(super) fn is_https(&self) -> bool {
        self.acs.starts_with("https://")
    }

    /// The path of the ACS address without `end`, which this product appends to the path that it
    /// is installed under; where the address does not end so, `usual` is that path.
    pub(super) fn path_before(&self, end: &str, usual: &str) -> String {
        let url = url::Url::parse(&self.acs).ok();
        let path = url.as_ref().and_then(|url| url.path().strip_suffix(end));
        path.unwrap_or(usual).to_owned()
    }

    /// Scheme, host and port of the application.
    pub(super) fn origin(&self) -> String {
        let url = url::Url::parse(&self.acs);
        url.map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
    }
}

/// Where logout messages reach it by the binding that every product here knows.
fn redirect_slo(sp: &ServiceProvider) -> Option<String> {
    let mut endpoints = sp.slo.iter();
    let endpoint = endpoints.find(|one| one.binding == SloBinding::HttpRedirect)?;
    Some(endpoint.location.clone())
}
