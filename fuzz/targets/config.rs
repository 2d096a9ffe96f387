//! The configuration file: every mistake is told, none panics.
#![no_main]

use std::path::Path;

use doorward::config::{Config, ConfigError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let nothing = std::iter::empty();
    if let Err(error) = Config::check(text, Path::new("doorward.toml"), nothing) {
        assert!(!error.to_string().is_empty());
        assert!(matches!(error, ConfigError::Mistakes(_)));
    }
});
