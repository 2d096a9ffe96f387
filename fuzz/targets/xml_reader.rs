//! The reader takes nothing that its own canonical form would not be: parse, canonicalise, parse
//! again, and it is the same document.
#![no_main]

use doorward::saml::xml::{self, Limits, canonicalize};
use doorward_fuzz::BOUNDLESS;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let strict = xml::read(data, &Limits::MESSAGE);
    let Ok(document) = xml::read(data, &BOUNDLESS) else {
        assert!(strict.is_err(), "a limit makes no document good");
        return;
    };
    let text = canonicalize(document.root(), &[], None);
    let again = xml::read(&text, &BOUNDLESS).expect("the canonical form is a document");
    let twice = canonicalize(again.root(), &[], None);
    assert_eq!(text, twice, "the canonical form of itself is another");
    let alone = xml::read(xml::standalone(document.root()).as_bytes(), &BOUNDLESS);
    let alone = alone.expect("an element alone is a document");
    assert_eq!(canonicalize(alone.root(), &[], None), text, "alone it is another");
});
