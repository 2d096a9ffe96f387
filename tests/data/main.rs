//! Many rows at once: users that are taken over from elsewhere, copies and backups of everything.
//! With the real binary, over HTTP where people sign in.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod backups;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod restored;
