//! Where a service provider takes part in single logout (Metadata 2.4.2).

use super::service_provider::{AcsError, check_location};

/// The bindings of a SingleLogoutService.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SloBinding {
    /// HTTP-Redirect (Bindings 3.4).
    HttpRedirect,
    /// HTTP-POST (Bindings 3.5).
    HttpPost,
    /// SOAP: from server to server (Bindings 3.2).
    Soap,
    /// Another one, never used.
    Other,
}

impl SloBinding {
    /// The word that is stored and shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::HttpRedirect => "redirect",
            Self::HttpPost => "post",
            Self::Soap => "soap",
            Self::Other => "other",
        }
    }

    /// The binding of a stored word.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        [Self::HttpRedirect, Self::HttpPost, Self::Soap]
            .into_iter()
            .find(|binding| binding.word() == word)
            .unwrap_or(Self::Other)
    }

    /// Whether messages travel with the browser.
    #[must_use]
    pub fn is_front_channel(self) -> bool {
        matches!(self, Self::HttpRedirect | Self::HttpPost)
    }
}

/// One SingleLogoutService of an SP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SloEndpoint {
    /// Its binding.
    pub binding: SloBinding,
    /// Where LogoutRequests go.
    pub location: String,
    /// Where LogoutResponses go, if elsewhere (Metadata 2.2.2).
    pub response_location: Option<String>,
}

impl SloEndpoint {
    /// Where a LogoutResponse goes: ResponseLocation, else Location (Metadata 2.2.2).
    #[must_use]
    pub fn for_responses(&self) -> &str {
        self.response_location.as_deref().unwrap_or(&self.location)
    }
}

/// The SingleLogoutService elements of an SP, in document order; none is possible.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SloEndpoints(Vec<SloEndpoint>);

impl SloEndpoints {
    /// Checks and takes a list of endpoints. The same holds for their addresses as for those that
    /// Responses go to.
    pub fn new(all: Vec<SloEndpoint>, allow_http: bool) -> Result<Self, AcsError> {
        for endpoint in all.iter().filter(|one| one.binding != SloBinding::Other) {
            check_location(&endpoint.location, allow_http)?;
            check_location(endpoint.for_responses(), allow_http)?;
        }
        Ok(Self(all))
    }

    /// Endpoints read back from storage, where they were checked when written.
    #[must_use]
    pub fn from_stored(all: Vec<SloEndpoint>) -> Self {
        Self(all)
    }

    /// All, in document order.
    pub fn iter(&self) -> impl Iterator<Item = &SloEndpoint> {
        self.0.iter()
    }

    /// The endpoint that we can reach without a browser.
    #[must_use]
    pub fn back_channel(&self) -> Option<&SloEndpoint> {
        self.iter().find(|one| one.binding == SloBinding::Soap)
    }

    /// The endpoint that a browser is sent to: the first that its owner lists.
    #[must_use]
    pub fn front_channel(&self) -> Option<&SloEndpoint> {
        self.iter().find(|one| one.binding.is_front_channel())
    }

    /// The endpoint for an answer: by the binding of the request, else by any that takes a browser
    /// along (Profiles 4.4.3.5).
    #[must_use]
    pub fn for_answer_to(&self, binding: SloBinding) -> Option<&SloEndpoint> {
        let front = |one: &&SloEndpoint| one.binding.is_front_channel();
        let same = self.iter().filter(front).find(|one| one.binding == binding);
        same.or_else(|| self.front_channel())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(binding: SloBinding, location: &str) -> SloEndpoint {
        SloEndpoint {
            binding,
            location: location.to_owned(),
            response_location: None,
        }
    }

    #[test]
    fn c_l5_an_answer_takes_the_binding_of_the_request_and_the_response_location() {
        let redirect = SloEndpoint {
            response_location: Some("https://sp.example/slo/done".to_owned()),
            ..endpoint(SloBinding::HttpRedirect, "https://sp.example/slo")
        };
        let post = endpoint(SloBinding::HttpPost, "https://sp.example/slo/post");
        let soap = endpoint(SloBinding::Soap, "https://sp.example/slo/soap");
        let all = vec![soap.clone(), post.clone(), redirect.clone()];
        let slo = SloEndpoints::new(all, false).unwrap();
        assert_eq!(slo.back_channel(), Some(&soap));
        assert_eq!(slo.front_channel(), Some(&post));
        assert_eq!(slo.for_answer_to(SloBinding::HttpRedirect), Some(&redirect));
        assert_eq!(slo.for_answer_to(SloBinding::Soap), Some(&post));
        assert_eq!(redirect.for_responses(), "https://sp.example/slo/done");
        assert_eq!(post.for_responses(), "https://sp.example/slo/post");
        let deaf = SloEndpoints::new(vec![soap], false).unwrap();
        assert_eq!(deaf.for_answer_to(SloBinding::HttpPost), None);
    }

    #[test]
    fn t_redir_a_logout_address_obeys_the_rules_of_all_addresses() {
        for bad in [
            "javascript:alert(1)",
            "//sp.example/slo",
            "http://sp.example/slo",
            "",
        ] {
            let location = endpoint(SloBinding::HttpRedirect, bad);
            assert!(SloEndpoints::new(vec![location], false).is_err(), "{bad}");
            let answered = SloEndpoint {
                response_location: Some(bad.to_owned()),
                ..endpoint(SloBinding::HttpPost, "https://sp.example/slo")
            };
            assert!(SloEndpoints::new(vec![answered], false).is_err(), "{bad}");
        }
        let unused = endpoint(SloBinding::Other, "urn:x");
        assert!(SloEndpoints::new(vec![unused], false).is_ok());
    }
}
