//! SOAP envelopes.
#![no_main]

use doorward::saml::soap::Envelope;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(envelope) = Envelope::read(data, &[]) {
        let _ = envelope.message();
    }
});
