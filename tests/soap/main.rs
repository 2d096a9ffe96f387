//! What service providers ask by SOAP, over HTTP and against the running product: envelopes and
//! faults, what is not offered, artifacts, enhanced clients.

#[cfg(test)]
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod support;

#[cfg(test)]
mod artifact;
#[cfg(test)]
mod client;
#[cfg(test)]
mod ecp;
#[cfg(test)]
mod envelope;
