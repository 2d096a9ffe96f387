//! What service providers are told about people: which attributes, in which form, and for how
//! long. Over HTTP, with the real binary; each assertion is checked by xmlsec1 and the schemas.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod consent;
#[cfg(test)]
mod form;
#[cfg(test)]
mod home;
#[cfg(test)]
mod lifetimes;
#[cfg(test)]
mod release;
