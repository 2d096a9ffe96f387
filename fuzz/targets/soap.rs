//! SOAP envelopes, and the ArtifactResolve in one: only what was signed is believed.
#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use doorward::directory::service_provider::ServiceProvider;
use doorward::saml::artifact::{ArtifactResolve, Resolver};
use doorward::saml::soap::Envelope;
use doorward_fuzz::{NOW, keys, sp, was_signed};
use libfuzzer_sys::fuzz_target;

const RESOLVER: Resolver<'static> = Resolver {
    entity_id: "https://idp.example/saml/metadata",
    location: "https://idp.example/saml/soap",
    clock_skew: Duration::from_mins(3),
    now: NOW,
};

fuzz_target!(|data: &[u8]| {
    static SP: OnceLock<ServiceProvider> = OnceLock::new();
    let sp = SP.get_or_init(|| sp(false));
    let Ok(envelope) = Envelope::read(data, &[]) else { return };
    let Ok(message) = envelope.message() else { return };
    if ArtifactResolve::verify(message, sp, keys(), &RESOLVER).is_ok() {
        assert!(was_signed(message), "something else was believed");
    }
});
