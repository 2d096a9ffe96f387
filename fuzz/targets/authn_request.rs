//! AuthnRequests as two service providers send them: what one that has to sign sends counts only
//! where it was signed, and an answer goes to a registered endpoint only.
#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use doorward::directory::service_provider::ServiceProvider;
use doorward::saml::authn_context::{AuthnContext, ContextOrder};
use doorward::saml::authn_request::{Receiver, UnverifiedAuthnRequest};
use doorward::saml::binding::{Binding, Inbound};
use doorward_fuzz::{NOW, decryption, keys, read, sp, was_signed};
use libfuzzer_sys::fuzz_target;

const ACS: &str = "https://sp.example/acs";

fuzz_target!(|data: &[u8]| {
    static SPS: OnceLock<[ServiceProvider; 2]> = OnceLock::new();
    let receiver = Receiver {
        entity_id: "https://idp.example/saml/metadata".to_owned(),
        sso_location: "https://idp.example/saml/sso".to_owned(),
        ecp_location: "https://idp.example/saml/ecp".to_owned(),
        context: AuthnContext::PasswordProtectedTransport,
        contexts: ContextOrder::new([AuthnContext::Password.uri().to_owned()]),
        clock_skew: Duration::from_mins(3),
        decryption: decryption().clone(),
    };
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
            match unverified.verify(sp, keys(), &receiver, NOW) {
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
