//! The form of HTTP-POST.
#![no_main]

use doorward::saml::binding;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &str| {
    if let Ok(inbound) = binding::decode_post(body) {
        assert!(inbound.xml.len() <= body.len(), "base64 makes nothing longer");
    }
});
