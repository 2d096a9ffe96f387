//! LogoutRequests, in every way in which they come: only what was signed is believed, and what is
//! believed names somebody.
#![no_main]

use std::sync::OnceLock;

use doorward::directory::service_provider::ServiceProvider;
use doorward::saml::logout::UnverifiedLogoutRequest;
use doorward::saml::soap::Envelope;
use doorward_fuzz::{
    NOW, brought, envelope, keys, logout_receiver, posted, read, sp, was_signed,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    static SP: OnceLock<ServiceProvider> = OnceLock::new();
    let sp = SP.get_or_init(|| sp(false));
    let receiver = logout_receiver();
    let (by_redirect, its_keys) = brought(data);
    if let Ok(unverified) = UnverifiedLogoutRequest::parse(by_redirect)
        && let Ok(request) = unverified.verify(sp, its_keys, &receiver, NOW)
    {
        let indexes = request.session_indexes();
        assert!(indexes.iter().all(|index| !index.is_empty()));
        assert!(!request.name_id().format.is_empty(), "a NameID without a format");
    }
    let enveloped = Envelope::read(&envelope(data), &[]).ok();
    let by_soap = enveloped.map(UnverifiedLogoutRequest::parse_envelope);
    for unverified in [Some(UnverifiedLogoutRequest::parse(posted(data))), by_soap] {
        if let Some(Ok(unverified)) = unverified
            && unverified.verify(sp, keys(), &receiver, NOW).is_ok()
        {
            let document = read(data).expect("what is believed is XML");
            assert!(was_signed(document.root()), "something else was believed");
        }
    }
});
