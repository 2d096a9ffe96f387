//! The last messages of each service provider, for `doorward sp trace` (decision 40).
//!
//! They are kept in the memory of this process only: raw, bounded, never written down. What is
//! personal or secret in them is taken out when somebody asks, before it leaves the process.

mod ring;
mod socket;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::Method;
use axum::response::Response;

pub(super) use ring::Traces;
use ring::{Entry, Message, Refused};
pub use socket::{TraceSocket, sockets};

use super::App;
use super::failure::Failure;
use crate::directory::name::TraceId;
use crate::directory::reason::ReasonCode;
use crate::directory::service_provider::ServiceProvider;
use crate::saml::comparison::Comparison;

/// What a handler notes about the message of one request; the middleware keeps it when the answer is
/// known.
#[derive(Debug, Clone, Default)]
pub(super) struct Note(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    received: Option<Message>,
    entity_id: Option<String>,
    sp: Option<String>,
    refused: Option<Refused>,
    comparison: Option<Comparison>,
}

/// A message that an answer carries, as an extension of the HTTP response.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    message: Message,
    entity_id: String,
    sp: String,
}

impl Sent {
    /// What leaves for this SP, and how long the RelayState is that goes with it.
    pub(super) fn to(
        sp: &ServiceProvider,
        xml: impl Into<String>,
        relay_state: Option<usize>,
    ) -> Self {
        Self {
            message: Message::of(xml.into().into_bytes(), relay_state),
            entity_id: sp.entity_id.as_str().to_owned(),
            sp: sp.name.as_str().to_owned(),
        }
    }
}

impl Note {
    /// A message came in.
    pub(super) fn received(&self, xml: &[u8], relay_state: Option<&str>) {
        let relay_state = relay_state.map(str::len);
        self.noted().received = Some(Message::of(xml, relay_state));
    }

    /// Who claims to have sent it.
    pub(super) fn claimed_by(&self, entity_id: &str) {
        self.noted().entity_id = Some(entity_id.to_owned());
    }

    /// Whose registration it is held against.
    pub(super) fn registered(&self, sp: &ServiceProvider) {
        let mut noted = self.noted();
        noted.entity_id = Some(sp.entity_id.as_str().to_owned());
        noted.sp = Some(sp.name.as_str().to_owned());
    }

    /// It was refused by an answer that is no failure of ours: a status, or the page that says who
    /// may enter.
    pub(super) fn refused(&self, reason: ReasonCode, cause: &impl std::fmt::Display) {
        self.noted().refused = Some(Refused {
            reason,
            cause: cause.to_string(),
        });
    }

    /// What the broken rule asks for.
    pub(super) fn compared(&self, comparison: Option<Comparison>) {
        self.noted().comparison = comparison;
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The request that was answered, as far as the log knows it too.
pub(super) struct Door {
    pub(super) method: Method,
    pub(super) path: String,
}

impl Door {
    /// Whether messages come in here: then also what could not be decoded is kept.
    fn takes_messages(&self) -> bool {
        let quiet = ["/saml/metadata", "/saml/idp-initiated"];
        (self.path.starts_with("/saml/") || self.path == "/samlsso")
            && !quiet.contains(&self.path.as_str())
    }
}

/// Keeps what a handler noted and what was answered; nothing, where no message was involved.
pub(super) fn keep(
    app: &App,
    (trace, door, note): (&TraceId, &Door, &Note),
    failure: Option<&Failure>,
    response: &mut Response,
) {
    let sent = response.extensions_mut().remove::<Sent>();
    let mut noted = note.noted();
    let is_about_a_message = noted.received.is_some()
        || noted.refused.is_some()
        || sent.is_some()
        || (failure.is_some() && door.takes_messages());
    if !is_about_a_message {
        return;
    }
    let failed = failure.map(|failure| Refused {
        reason: failure.reason(),
        cause: failure.cause().unwrap_or("-").to_owned(),
    });
    let (sent, entity_id, sp) = match sent {
        Some(sent) => (Some(sent.message), Some(sent.entity_id), Some(sent.sp)),
        None => (None, noted.entity_id.take(), noted.sp.take()),
    };
    app.traces.push(Entry {
        number: 0,
        at: app.now(),
        trace: trace.clone(),
        door: format!("{} {}", door.method, door.path),
        status: response.status(),
        entity_id,
        sp,
        refused: failed.or_else(|| noted.refused.take()),
        comparison: noted.comparison.take(),
        received: noted.received.take(),
        sent,
    });
}
