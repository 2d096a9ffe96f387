//! Doorward.

pub mod web;
