//! One signing key after another, while people sign in: at every step each service provider that
//! knows a key that it may be expected to know verifies what it gets, and nothing breaks.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod rollover;
