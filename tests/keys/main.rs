//! Our signing keys as others see them: one after another while people sign in, in the metadata,
//! in warnings before they end and in what is measured.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod endings;
#[cfg(test)]
mod metadata;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod rollover;
