//! The metadata of one service provider.
#![no_main]

use doorward::directory::time::UnixTime;
use doorward::saml::sp_metadata;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let now = UnixTime::from_millis(1_800_000_000_000);
    let _ = sp_metadata::parse(data, now);
});
