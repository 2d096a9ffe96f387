//! Several nodes on one database, on each engine: what one was told holds at the other's very next
//! request, what one began goes on at the other, and what may happen once happens once.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../logout/app.rs"]
mod app;
#[cfg(test)]
mod balancer;
#[cfg(test)]
mod cluster;
#[cfg(test)]
mod freshness;
#[cfg(test)]
mod going_on;
#[cfg(test)]
mod once;
#[cfg(test)]
mod resolving;
#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;
