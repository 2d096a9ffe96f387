//! Messages in and out.
