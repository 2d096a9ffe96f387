//! What is encrypted to us: elements as they come, and anything at all inside of a good one. What
//! is opened is read by the same strict reader.
#![no_main]

use doorward_fuzz::{decryption, encrypted, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(document) = read(data) {
        let _ = decryption().decrypt(document.root());
    }
    let around = encrypted(data);
    let around = read(around.as_bytes()).expect("the element around is good");
    let opened = decryption().decrypt(around.root());
    if let (Ok(opened), Some(alone)) = (opened, read(data)) {
        assert_eq!(opened.root().local_name(), alone.root().local_name());
        assert_eq!(opened.root().namespace(), alone.root().namespace());
    }
});
