//! Single logout by hand: where an SP takes LogoutRequests, beside or instead of its metadata.

use clap::{ArgGroup, Args};

use super::super::error::{CliError, refused};
use crate::directory::slo_endpoint::{SloBinding, SloEndpoint, SloEndpoints};

/// Where an SP takes part in single logout.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("slo_front").args(["redirect", "post"]).multiple(true))]
pub(super) struct SloOptions {
    /// An address for logout by HTTP-Redirect; an empty value withdraws what was registered
    #[arg(long = "slo", value_name = "URL")]
    redirect: Option<String>,
    /// An address for logout by HTTP-POST
    #[arg(long = "slo-post", value_name = "URL")]
    post: Option<String>,
    /// An address for logout from server to server (SOAP)
    #[arg(long = "slo-soap", value_name = "URL")]
    soap: Option<String>,
    /// Where LogoutResponses go, if elsewhere
    #[arg(long = "slo-response", value_name = "URL", requires = "slo_front")]
    response: Option<String>,
}

impl SloOptions {
    /// The endpoints that were named; nothing said leaves what there is.
    pub(super) fn said(&self) -> Option<Vec<SloEndpoint>> {
        let named = [
            (SloBinding::HttpRedirect, &self.redirect),
            (SloBinding::HttpPost, &self.post),
            (SloBinding::Soap, &self.soap),
        ];
        if named.iter().all(|(_, location)| location.is_none()) {
            return None;
        }
        let response = self.response.as_ref().filter(|url| !url.is_empty());
        let endpoint = |(binding, location): (SloBinding, &Option<String>)| {
            let location = location.clone().filter(|url| !url.is_empty())?;
            let response_location = response.filter(|_| binding.is_front_channel()).cloned();
            Some(SloEndpoint {
                binding,
                location,
                response_location,
            })
        };
        Some(named.into_iter().filter_map(endpoint).collect())
    }
}

/// Checks the endpoints of a registration.
pub(super) fn checked(all: Vec<SloEndpoint>, allow_http: bool) -> Result<SloEndpoints, CliError> {
    SloEndpoints::new(all, allow_http).map_err(|error| {
        refused(
            format!("single logout: {error}"),
            "write an absolute https address (--allow-http takes plain http)",
        )
    })
}
