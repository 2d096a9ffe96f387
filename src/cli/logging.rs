//! The log of a serving process: on stderr, readable on a terminal, one JSON object a line
//! elsewhere. No secret and no raw message goes into it (the rooms see to that).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
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
    let form = match (as_text, is_terminal) {
        (false, _) => Form::Json,
        (true, false) => Form::Text,
        (true, true) => Form::Terminal,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Lines::new(form));
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

/// Where the lines go: stderr by a descriptor of our own, one write a line, and no lock that the threads
/// of all requests would share. Where there is no second descriptor to be had, the standard library's.
struct Lines {
    descriptor: Option<File>,
    form: Form,
}

/// How a character is spelled out that may not stand in a line as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Text,
    /// Text with colours, which the formatter alone makes.
    Terminal,
}

/// One event's line on its way out. What a message brought stands in it: it does not begin another
/// line, steers no terminal, and turns no text around.
enum Line<'l> {
    Descriptor(&'l File, Form),
    Standard(io::Stderr, Form),
}

impl Lines {
    fn new(form: Form) -> Self {
        let descriptor = io::stderr().as_fd().try_clone_to_owned();
        Self {
            descriptor: descriptor.ok().map(File::from),
            form,
        }
    }
}

impl<'l> MakeWriter<'l> for Lines {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        match &self.descriptor {
            Some(file) => Line::Descriptor(file, self.form),
            None => Line::Standard(io::stderr(), self.form),
        }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self {
            Self::Descriptor(file, form) => file.write_all(&one_line(line, *form))?,
            Self::Standard(stderr, form) => stderr.write_all(&one_line(line, *form))?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Descriptor(file, _) => file.flush(),
            Self::Standard(stderr, _) => stderr.flush(),
        }
    }
}

/// The line with everything spelled out that is no text: controls, and what sets the direction of
/// writing.
fn one_line(line: &[u8], form: Form) -> Cow<'_, [u8]> {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    if text.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return line.into();
    }
    let mut spelled = String::with_capacity(line.len() + 32);
    for c in String::from_utf8_lossy(text).chars() {
        let is_colour = c == '\u{1b}' && form == Form::Terminal;
        if !is_hidden(c) || is_colour {
            spelled.push(c);
            continue;
        }
        // Writing to a String cannot fail.
        let _ = match form {
            Form::Json => write!(spelled, "\\u{:04x}", u32::from(c)),
            Form::Text | Form::Terminal => write!(spelled, "{}", c.escape_unicode()),
        };
    }
    spelled.push('\n');
    spelled.into_bytes().into()
}

/// What is not seen, or changes how the rest is seen.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(line: &str, form: Form) -> String {
        String::from_utf8(one_line(line.as_bytes(), form).into_owned()).unwrap()
    }

    #[test]
    fn t_log_what_a_message_brought_stays_in_its_line() {
        let brought = "refused cause=urn:x\n2026-11-21 INFO signed in user=root\n";
        let line = written(brought, Form::Text);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        assert!(line.contains("urn:x\\u{a}2026"), "{line}");
        for hidden in ['\r', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2067}', '\u{61c}'] {
            for form in [Form::Json, Form::Text, Form::Terminal] {
                let line = written(&format!("a{hidden}b\n"), form);
                assert!(line.is_ascii() && line.ends_with("b\n"), "{line:?}");
            }
        }
    }

    #[test]
    fn a_line_of_json_stays_one_and_says_the_same() {
        let said = "\u{1f511}\u{202e}\u{9b}\u{2028}é";
        let line = format!("{}\n", serde_json::json!({ "said": said }));
        let line = written(&line, Form::Json);
        assert!(!line.contains('\u{202e}'), "{line}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["said"], said);
    }

    #[test]
    fn colours_are_for_a_terminal_alone() {
        let line = "\u{1b}[33m WARN\u{1b}[0m refused\n";
        assert_eq!(written(line, Form::Terminal), line);
        assert!(!written(line, Form::Text).contains('\u{1b}'));
    }
}
