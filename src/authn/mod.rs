//! Proving who somebody is: passwords, and how long a failed trial makes the next one wait.
//!
//! This room knows no database and no HTTP; who may enter is decided elsewhere (`access`).

mod argon;
pub mod foreign;
mod gate;
mod hasher;
pub mod password;
pub mod throttle;
