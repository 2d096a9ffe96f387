//! `doorward sp trace`: the last messages of a service provider, asked of the running processes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::context::Context;
use super::super::error::{CliError, refused};
use super::super::output::{Style, Tone, plain};
use crate::web::trace_sockets;

/// How long a process may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often `--follow` asks.
const PAUSE: Duration = Duration::from_secs(1);

/// The arguments of `sp trace`.
#[derive(Debug, Args)]
pub(in super::super) struct Trace {
    /// Its short name or its entityID, registered or not [default: all, also those nobody knows]
    name: Option<String>,
    /// Go on until interrupted
    #[arg(long)]
    follow: bool,
}

/// What one process says.
#[derive(Debug, Deserialize)]
struct Answer {
    messages: Vec<Value>,
}

/// The processes that answered so far, and the last number of each.
type Seen = BTreeMap<PathBuf, u64>;

impl Trace {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let (folder, entity_id) = {
            let open = context.open().await?;
            let entity_id = match &self.name {
                Some(name) => Some(entity_id(&open, name).await?),
                None => None,
            };
            (open.config.keys_dir.clone(), entity_id)
        };
        let mut seen = Seen::new();
        let messages = ask(&folder, entity_id.as_deref(), &mut seen)?;
        if seen.is_empty() {
            return Err(refused(
                format!("no running doorward was found in {}", folder.display()),
                "start `doorward serve` with this configuration, on this machine and as this user, \
                 and let the service provider try again: messages are kept in its memory only",
            ));
        }
        if !self.follow {
            let document = json!({"entity_id": entity_id, "processes": seen.len(),
                "messages": messages});
            return context.done(&document, |style| text(style, &messages));
        }
        let mut messages = messages;
        loop {
            for message in &messages {
                context.done(message, |style| one(style, message))?;
            }
            tokio::time::sleep(PAUSE).await;
            messages = ask(&folder, entity_id.as_deref(), &mut seen)?;
        }
    }
}

/// The entityID of a registration; an unregistered one has to be written out.
async fn entity_id(open: &super::Open, name: &str) -> Result<String, CliError> {
    match open.store.sp_by_name(name).await? {
        Some(sp) => Ok(sp.entity_id.as_str().to_owned()),
        None if name.contains(':') => Ok(name.to_owned()),
        None => Err(refused(
            format!("there is no service provider {name:?}"),
            "`doorward sp list` shows them; of an unregistered one, write out the entityID",
        )),
    }
}

/// Asks every process for what is new, the oldest message first.
fn ask(folder: &Path, entity_id: Option<&str>, seen: &mut Seen) -> Result<Vec<Value>, CliError> {
    let mut messages = Vec::new();
    for path in trace_sockets(folder).map_err(CliError::Output)? {
        let after = seen.get(&path).copied().unwrap_or(0);
        // A process that died leaves its socket behind, and nobody answers there.
        let Some(answer) = question(&path, entity_id, after) else {
            continue;
        };
        let numbers = answer.messages.iter().filter_map(|m| number(m, "/number"));
        let last = numbers.max().unwrap_or(after);
        seen.insert(path, last);
        messages.extend(answer.messages);
    }
    messages.sort_by_key(|message| word(message, "/at"));
    Ok(messages)
}

fn question(path: &Path, entity_id: Option<&str>, after: u64) -> Option<Answer> {
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    let question = json!({"entity_id": entity_id, "after": after});
    writeln!(stream, "{question}").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(&answer).ok()
}

fn text(style: Style, messages: &[Value]) -> String {
    if messages.is_empty() {
        return format!(
            "{}\n",
            style.quiet("No message since the server started; let the application try again.")
        );
    }
    let texts: Vec<_> = messages.iter().map(|message| one(style, message)).collect();
    texts.join("\n")
}

/// A word of an exchange, made fit for a terminal.
fn word(entry: &Value, place: &str) -> Option<String> {
    Some(plain(entry.pointer(place)?.as_str()?))
}

fn number(entry: &Value, place: &str) -> Option<u64> {
    entry.pointer(place)?.as_u64()
}

/// One exchange.
fn one(style: Style, entry: &Value) -> String {
    let mut out = head(style, entry) + "\n";
    let mut line = |name: &str, text: &str| {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "  {}  {text}", style.quiet(&format!("{name:<9}")));
    };
    if let Some(cause) = word(entry, "/cause") {
        line("cause", &cause);
    }
    if let Some(part) = word(entry, "/comparison/part") {
        let received = word(entry, "/comparison/received").unwrap_or_default();
        line("rule", &part);
        line("received", &style.apply(Tone::Bad, &received));
        let expected = entry.pointer("/comparison/expected");
        for expected in expected.and_then(Value::as_array).into_iter().flatten() {
            let expected = plain(expected.as_str().unwrap_or_default());
            line("expected", &style.apply(Tone::Good, &expected));
        }
    }
    for (name, place) in [("came", "/received"), ("left", "/sent")] {
        let message = entry.pointer(&format!("{place}/message"));
        let Some(message) = message.and_then(Value::as_str) else {
            continue;
        };
        let bytes = number(entry, &format!("{place}/bytes")).unwrap_or_default();
        let mut what = format!("{bytes} bytes");
        if let Some(length) = number(entry, &format!("{place}/relay_state_bytes")) {
            let _ = write!(what, ", RelayState of {length} bytes");
        }
        line(name, &style.quiet(&what));
        for text in message.lines() {
            line("", &plain(text));
        }
    }
    out
}

/// When, who, where, and what came of it.
fn head(style: Style, entry: &Value) -> String {
    let left = entry.get("sent").is_some_and(Value::is_object);
    let outcome = match word(entry, "/reason") {
        Some(reason) => style.apply(Tone::Bad, &format!("refused: {reason}")),
        None if left => style.apply(Tone::Good, "answered"),
        None => "goes on in the browser".to_owned(),
    };
    let who = word(entry, "/sp").or_else(|| word(entry, "/entity_id"));
    let at = word(entry, "/at").unwrap_or_default();
    let trace = word(entry, "/trace").unwrap_or_default();
    [
        style.strong(&at),
        who.unwrap_or_else(|| "(sender unknown)".to_owned()),
        word(entry, "/door").unwrap_or_default(),
        number(entry, "/status").unwrap_or_default().to_string(),
        outcome,
        style.quiet(&format!("trace {trace}")),
    ]
    .join("  ")
}
