//! Aggregates are read entity by entity, and are still what the whole document is: what is taken
//! piece by piece the reader takes whole, and under a pinned key only what was signed.
#![no_main]

use doorward::directory::time::UnixTime;
use doorward::saml::aggregate::{self, Demands};
use doorward_fuzz::{keys, read, was_signed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let now = UnixTime::from_millis(1_800_000_000_000);
    for keys in [None, Some(keys())] {
        let demands = Demands {
            keys,
            longest: None,
            now,
        };
        if aggregate::read(data, &demands, &mut |_| ()).is_ok() {
            let whole = read(data).expect("what is good in pieces is good");
            assert!(
                keys.is_none() || was_signed(whole.root()),
                "something else was verified"
            );
        }
    }
});
