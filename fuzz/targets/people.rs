//! A table of people for `import users`: whoever is taken over has a name that is one, and nothing about
//! them steers a terminal or ends a line.
#![no_main]

use doorward::cli::people_of;
use doorward::directory::name::{RoleName, UserName};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|table: &[u8]| {
    for (name, email, display_name, roles) in people_of(table) {
        let parsed = UserName::parse(&name).expect("a name that is one");
        assert_eq!(parsed.as_str(), name, "it stays as it is");
        // In lower case some letters take more room than a name may have.
        if let Ok(key) = UserName::parse(&parsed.key()) {
            assert_eq!(key.key(), parsed.key(), "a key is its own key");
        }
        let texts = [Some(name), email, Some(display_name)].into_iter().flatten();
        for text in texts.chain(roles.iter().cloned()) {
            assert!(!text.contains(char::is_control), "{text:?}");
        }
        for role in roles {
            assert!(RoleName::parse(&role).is_ok_and(|parsed| parsed.as_str() == role));
        }
    }
});
