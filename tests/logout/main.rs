//! Single logout over HTTP, against the running product and with service providers of our own.

#[cfg(test)]
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod support;

#[cfg(test)]
mod admin;
#[cfg(test)]
mod app;
#[cfg(test)]
mod as_sent;
#[cfg(test)]
mod back_channel;
#[cfg(test)]
mod chain;
#[cfg(test)]
mod encryption_rollover;
#[cfg(test)]
mod instead;
#[cfg(test)]
mod left;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod whose;
