//! Stored password hashes, which an import takes from another system: whatever stands there costs no
//! more than a bound (`-timeout`), and no password fits what is no hash of it.
#![no_main]

use std::sync::OnceLock;

use doorward::authn::password::{Cost, Passwords};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

const CHEAP: Cost = Cost {
    memory_kib: 64,
    iterations: 1,
    parallelism: 1,
};

fuzz_target!(|stored: &str| {
    static HASHING: OnceLock<(Runtime, Passwords)> = OnceLock::new();
    let (runtime, passwords) = HASHING.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_all().build();
        let passwords = Passwords::new(CHEAP).expect("a cost");
        (runtime.expect("a runtime"), passwords)
    });
    let check = passwords.verify("correct horse", Some(stored), "fuzz");
    let verdict = runtime.block_on(check).expect("a verdict, whatever is stored");
    // The one hash in the seeds that is right.
    assert!(!verdict.ok || stored.starts_with("$argon2"), "it fits");
});
