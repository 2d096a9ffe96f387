//! What `doorward sp trace` shows of a message: always one line for each line, never a control
//! character.
#![no_main]

use doorward::saml::{comparison::Part, redact};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = redact::readable(data) {
        let visible = |c: char| c == '\n' || !c.is_control();
        assert!(text.chars().all(visible), "a control character is shown: {text:?}");
    }
    for part in [Part::Endpoint, Part::Context, Part::IdpList, Part::Signature] {
        let _ = part.received(data);
    }
});
