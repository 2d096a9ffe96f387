//! The log of a serving process: on stderr, readable on a terminal, one JSON object a line
//! elsewhere. No secret and no raw message goes into it (the rooms see to that).

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, LogForm, LogLevel};

/// Starts the log as it is configured.
pub(super) fn init(config: &Config) {
    start(config.log, config.log_level);
}

/// Starts the log. In a process that logs already (a test) nothing changes.
pub(super) fn start(form: LogForm, level: LogLevel) {
    let level = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    // What libraries say below a warning is about themselves.
    let filter = EnvFilter::new(format!("warn,doorward={level}"));
    let is_terminal = io::stderr().is_terminal();
    let as_text = match form {
        LogForm::Auto => is_terminal,
        LogForm::Text => true,
        LogForm::Json => false,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer());
    // The first subscriber stays: that is what a second start in one process means.
    let _ = if as_text {
        builder.with_ansi(is_terminal).finish().try_init()
    } else {
        builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .finish()
            .try_init()
    };
}

/// stderr by a descriptor of our own: one write a line, and no lock that the threads of all requests
/// would share. Where there is no second descriptor to be had, the standard library's.
fn writer() -> BoxMakeWriter {
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(descriptor) => BoxMakeWriter::new(File::from(descriptor)),
        Err(_) => BoxMakeWriter::new(io::stderr),
    }
}
