//! LogoutResponses, from a browser and as the answer to our own question: only what was signed is
//! believed, or what came over a connection that is trusted and does not claim to be signed.
#![no_main]

use std::sync::OnceLock;

use doorward::directory::service_provider::ServiceProvider;
use doorward::saml::logout::UnverifiedLogoutResponse;
use doorward::saml::signature;
use doorward::saml::soap::Envelope;
use doorward_fuzz::{
    NOW, brought, envelope, keys, logout_receiver, posted, read, sp, was_signed,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    static SP: OnceLock<ServiceProvider> = OnceLock::new();
    let sp = SP.get_or_init(|| sp(false));
    let receiver = logout_receiver();
    let signed = || read(data).is_some_and(|document| was_signed(document.root()));
    let (by_redirect, its_keys) = brought(data);
    if let Ok(unverified) = UnverifiedLogoutResponse::parse(by_redirect)
        && let Ok(response) = unverified.verify(sp, its_keys, &receiver, NOW)
    {
        let visible = |c: char| !c.is_control();
        assert!(response.status().chars().all(visible), "it reaches a terminal");
        assert!(response.status().chars().count() <= 3 * 61);
    }
    if let Ok(unverified) = UnverifiedLogoutResponse::parse(posted(data))
        && unverified.verify(sp, keys(), &receiver, NOW).is_ok()
    {
        assert!(signed(), "something else was believed");
    }
    for trusted in [false, true] {
        let Ok(envelope) = Envelope::read(&envelope(data), &[]) else { return };
        if let Ok(unverified) = UnverifiedLogoutResponse::parse_envelope(envelope)
            && unverified.verify_direct(sp, keys(), trusted).is_ok()
        {
            let claims = read(data).is_some_and(|it| signature::is_signed(it.root()));
            assert!(signed() || (trusted && !claims), "something else was believed");
        }
    }
});
