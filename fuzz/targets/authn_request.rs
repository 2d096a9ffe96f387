//! AuthnRequests as two service providers send them: what one that has to sign sends counts only
//! where it was signed, and an answer goes to a registered endpoint only.
#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use doorward::directory::name::{EntityId, RoleName, SpId, SpName};
use doorward::directory::release::Requested;
use doorward::directory::rule::{Quantifier, Rule};
use doorward::directory::service_provider::{
    AcsBinding, AcsEndpoint, AcsEndpoints, Policy, ServiceProvider,
};
use doorward::directory::slo_endpoint::SloEndpoints;
use doorward::directory::time::UnixTime;
use doorward::saml::authn_context::{AuthnContext, ContextOrder};
use doorward::saml::authn_request::{Receiver, UnverifiedAuthnRequest};
use doorward::saml::binding::{Binding, Inbound};
use doorward_fuzz::{keys, read, was_signed};
use libfuzzer_sys::fuzz_target;

const ACS: &str = "https://sp.example/acs";

fn sp(require_signed_requests: bool) -> ServiceProvider {
    let endpoint = AcsEndpoint {
        binding: AcsBinding::HttpPost,
        location: ACS.to_owned(),
        index: 0,
        is_default: None,
    };
    let rule = Rule::new(Quantifier::AnyOf, [RoleName::everyone()]);
    ServiceProvider {
        id: SpId::from_stored("sp"),
        version: 1,
        name: SpName::parse("sp").expect("a name"),
        entity_id: EntityId::parse("https://sp.example/saml").expect("an entityID"),
        enabled: true,
        rule: rule.expect("a rule"),
        acs: AcsEndpoints::new(vec![endpoint], false).expect("an endpoint"),
        slo: SloEndpoints::default(),
        declared: Default::default(),
        certificates: vec![],
        bare_keys: vec![],
        name_id_formats: vec![],
        requested: Requested::default(),
        metadata: None,
        policy: Policy {
            require_signed_requests,
            ..Policy::default()
        },
    }
}

fuzz_target!(|data: &[u8]| {
    static SPS: OnceLock<[ServiceProvider; 2]> = OnceLock::new();
    let receiver = Receiver {
        entity_id: "https://idp.example/saml/metadata".to_owned(),
        sso_location: "https://idp.example/saml/sso".to_owned(),
        ecp_location: "https://idp.example/saml/ecp".to_owned(),
        context: AuthnContext::PasswordProtectedTransport,
        contexts: ContextOrder::new([AuthnContext::Password.uri().to_owned()]),
        clock_skew: Duration::from_mins(3),
        decryption: Default::default(),
    };
    let now = UnixTime::from_millis(1_800_000_000_000);
    for sp in SPS.get_or_init(|| [sp(false), sp(true)]) {
        for binding in [Binding::Redirect, Binding::Post] {
            let inbound = Inbound {
                binding,
                xml: data.to_vec(),
                relay_state: None,
                detached: None,
            };
            let Ok(unverified) = UnverifiedAuthnRequest::parse(inbound) else {
                continue;
            };
            match unverified.verify(sp, keys(), &receiver, now) {
                Ok(request) => {
                    assert_eq!(request.reply_to().acs.location, ACS);
                    let signed = read(data).is_some_and(|it| was_signed(it.root()));
                    let demanded = sp.policy.require_signed_requests;
                    assert!(signed || !demanded, "an unsigned request was taken");
                    assert!(signed || !request.asked().signed, "it counts as signed");
                }
                Err(refused) => {
                    let reply = refused.reply.map(|reply| reply.acs.location.clone());
                    assert!(reply.is_none_or(|location| location == ACS));
                }
            }
        }
    }
});
