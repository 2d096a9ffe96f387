//! Enveloped signatures: whatever verifies says what was signed, wherever it stands (T-XSW).
#![no_main]

use doorward::saml::signature::{self, Place};
use doorward_fuzz::{keys, read, was_signed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(document) = read(data) else { return };
    for place in [Place::AfterIssuer, Place::First] {
        if let Ok(signed) = signature::verify_enveloped(&document, keys(), place) {
            assert!(was_signed(signed.root()), "something else was verified");
        }
    }
});
