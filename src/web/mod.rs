//! HTTP.

pub mod assets;
pub mod pages;
