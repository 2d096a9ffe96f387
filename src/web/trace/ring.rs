//! The memory of the last messages: bounded for each service provider, and in all.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::directory::name::TraceId;
use crate::directory::reason::ReasonCode;
use crate::directory::time::UnixTime;
use crate::saml::comparison::{Comparison, Part};
use crate::saml::redact;

/// How many messages are kept for one service provider, and for all that nobody has registered.
const MESSAGES: usize = 20;
/// How many service providers are kept; the one that was silent for longest makes room.
const SERVICE_PROVIDERS: usize = 256;
/// The longest message that is kept whole; of a longer one only its length is.
const LONGEST: usize = 32 * 1024;
/// How much all of them may hold.
const BYTES: usize = 8 * 1024 * 1024;

/// A message as it came or left.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// None where it was too long to keep.
    xml: Option<Box<[u8]>>,
    length: usize,
    relay_state: Option<usize>,
}

/// Why there was no assertion.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) reason: ReasonCode,
    pub(super) cause: String,
}

/// One exchange: what came, what was made of it, what left.
#[derive(Debug)]
pub(super) struct Entry {
    /// Counts up in this process.
    pub(super) number: u64,
    pub(super) at: UnixTime,
    pub(super) trace: TraceId,
    /// Method and path.
    pub(super) door: String,
    pub(super) status: StatusCode,
    /// Who claims to be the sender.
    pub(super) entity_id: Option<String>,
    /// The short name, where it is registered.
    pub(super) sp: Option<String>,
    pub(super) refused: Option<Refused>,
    pub(super) comparison: Option<Comparison>,
    pub(super) received: Option<Message>,
    pub(super) sent: Option<Message>,
}

/// The last exchanges of every service provider.
#[derive(Debug, Default)]
pub(in crate::web) struct Traces(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    last: u64,
    bytes: usize,
    /// By entityID. What claims to be from somebody unknown stands under none, so that no stranger
    /// makes the registered ones forgotten.
    of: HashMap<Option<String>, VecDeque<Arc<Entry>>>,
}

impl Message {
    pub(super) fn of(xml: impl Into<Box<[u8]>> + AsRef<[u8]>, relay_state: Option<usize>) -> Self {
        let length = xml.as_ref().len();
        Self {
            xml: (length <= LONGEST).then(|| xml.into()),
            length,
            relay_state,
        }
    }

    fn kept(&self) -> usize {
        self.xml.as_ref().map_or(0, |xml| xml.len())
    }

    /// Without what is personal or secret.
    fn document(&self) -> Value {
        let message = match &self.xml {
            None => "(too long to be kept)".to_owned(),
            Some(xml) => redact::readable(xml)
                .unwrap_or_else(|error| format!("(not shown, as it is no strict XML: {error})")),
        };
        json!({"bytes": self.length, "message": message, "relay_state_bytes": self.relay_state})
    }
}

impl Entry {
    fn kept(&self) -> usize {
        let messages = self.received.iter().chain(&self.sent);
        let cause = self
            .refused
            .as_ref()
            .map_or(0, |refused| refused.cause.len());
        512 + cause + messages.map(Message::kept).sum::<usize>()
    }

    /// As `doorward sp trace` gets it.
    pub(super) fn document(&self) -> Value {
        let refused = self.refused.as_ref();
        let received = self.received.as_ref();
        let xml = received.and_then(|message| message.xml.as_deref());
        let comparison = self.comparison.as_ref().map(|comparison| {
            let read = |part: Part| xml.map_or_else(String::new, |xml| part.received(xml));
            json!({"part": comparison.part.name(), "expected": comparison.expected,
                "received": read(comparison.part)})
        });
        json!({"number": self.number, "at": self.at.to_string(), "trace": self.trace.as_str(),
            "door": self.door, "status": self.status.as_u16(), "entity_id": self.entity_id,
            "sp": self.sp, "reason": refused.map(|refused| refused.reason.word()),
            "cause": refused.map(|refused| refused.cause.as_str()), "comparison": comparison,
            "received": received.map(Message::document),
            "sent": self.sent.as_ref().map(Message::document)})
    }
}

impl Traces {
    pub(super) fn push(&self, mut entry: Entry) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last = kept.last.saturating_add(1);
        entry.number = kept.last;
        kept.push(entry);
    }

    /// Those of one entityID (of everybody, without one) that came after this number.
    pub(super) fn after(&self, number: u64, entity_id: Option<&str>) -> Vec<Arc<Entry>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |entry: &&Arc<Entry>| {
            entry.number > number
                && entity_id.is_none_or(|wanted| entry.entity_id.as_deref() == Some(wanted))
        };
        let entries = kept.of.values().flatten().filter(wanted);
        let mut found: Vec<_> = entries.cloned().collect();
        found.sort_by_key(|entry| entry.number);
        found
    }
}

impl Kept {
    fn push(&mut self, entry: Entry) {
        let key = entry.sp.as_ref().and(entry.entity_id.clone());
        self.bytes = self.bytes.saturating_add(entry.kept());
        let ring = self.of.entry(key).or_default();
        ring.push_back(Arc::new(entry));
        if ring.len() > MESSAGES
            && let Some(oldest) = ring.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(oldest.kept());
        }
        while self.of.len() > SERVICE_PROVIDERS {
            self.forget_the_most_silent();
        }
        while self.bytes > BYTES && !self.of.is_empty() {
            self.forget_the_oldest();
        }
    }

    fn forget_the_most_silent(&mut self) {
        let last = |ring: &VecDeque<Arc<Entry>>| ring.back().map_or(0, |entry| entry.number);
        let silent = self.of.iter().min_by_key(|(_, ring)| last(ring));
        let Some(key) = silent.map(|(key, _)| key.clone()) else {
            return;
        };
        for entry in self.of.remove(&key).into_iter().flatten() {
            self.bytes = self.bytes.saturating_sub(entry.kept());
        }
    }

    fn forget_the_oldest(&mut self) {
        let first = |ring: &VecDeque<Arc<Entry>>| ring.front().map_or(0, |entry| entry.number);
        let oldest = self.of.iter_mut().min_by_key(|(_, ring)| first(ring));
        let Some((key, ring)) = oldest else { return };
        let (key, forgotten, is_empty) = (key.clone(), ring.pop_front(), ring.is_empty());
        if let Some(entry) = forgotten {
            self.bytes = self.bytes.saturating_sub(entry.kept());
        }
        if is_empty {
            self.of.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(entity_id: &str, registered: bool, bytes: usize) -> Entry {
        Entry {
            number: 0,
            at: UnixTime::from_millis(0),
            trace: TraceId::from_stored("t"),
            door: "POST /saml/sso".to_owned(),
            status: StatusCode::OK,
            entity_id: Some(entity_id.to_owned()),
            sp: registered.then(|| "sp".to_owned()),
            refused: None,
            comparison: None,
            received: Some(Message::of(vec![b'x'; bytes], None)),
            sent: None,
        }
    }

    fn numbers(traces: &Traces, entity_id: &str) -> Vec<u64> {
        let found = traces.after(0, Some(entity_id));
        found.iter().map(|entry| entry.number).collect()
    }

    #[test]
    fn the_last_twenty_of_each_are_kept() {
        let traces = Traces::default();
        for _ in 0..30 {
            traces.push(entry("a", true, 10));
        }
        traces.push(entry("b", true, 10));
        assert_eq!(numbers(&traces, "a"), (11..=30).collect::<Vec<_>>());
        assert_eq!(numbers(&traces, "b"), [31]);
        assert_eq!(traces.after(29, None).len(), 2);
    }

    #[test]
    fn strangers_push_out_nobody_but_each_other() {
        let traces = Traces::default();
        traces.push(entry("a", true, 10));
        for number in 0..1_000 {
            traces.push(entry(&format!("stranger {number}"), false, 10));
        }
        assert_eq!(numbers(&traces, "a"), [1]);
        assert_eq!(traces.after(0, None).len(), 1 + MESSAGES);
    }

    #[test]
    fn memory_is_bounded() {
        let traces = Traces::default();
        for number in 0..2_000 {
            traces.push(entry(&format!("sp {number}"), true, LONGEST));
        }
        let kept = traces.0.lock().unwrap();
        let counted: usize = kept.of.values().flatten().map(|e| e.kept()).sum();
        assert_eq!(counted, kept.bytes, "what is counted is what is there");
        assert!(kept.bytes <= BYTES && kept.of.len() <= SERVICE_PROVIDERS);
        assert!(Message::of(vec![b'x'; LONGEST + 1], None).kept() == 0);
    }
}
