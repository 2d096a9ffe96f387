//! The metadata that we consume: aggregates, their signatures and lifetimes, where they are fetched
//! from, and what a source's registrations are worth (C-MC, T-MD, T-SSRF-MD).

#[cfg(test)]
mod aggregates;
#[cfg(test)]
mod federation;
#[cfg(test)]
mod fetching;
#[cfg(test)]
mod followed;
#[cfg(test)]
mod product;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod refreshing;
#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;
