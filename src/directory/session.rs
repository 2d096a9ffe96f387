//! Sessions: that somebody signed in here, when, and which SPs have heard of it.

use std::time::Duration;

use super::name::{SessionId, SpId, UserId};
use super::time::UnixTime;

/// A session row. The secret that the browser holds is not in it; the row knows its hash only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The row's id; survives signing in again as the same person.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// When they last proved who they are: the AuthnInstant (Core 2.7.2).
    pub signed_in_at: UnixTime,
    /// When the session began; `absolute` counts from here.
    pub started_at: UnixTime,
    /// When it was last used, exact to five minutes (decision 14).
    pub last_seen_at: UnixTime,
    /// The address that signed in.
    pub source: Option<String>,
    /// What the browser called itself, shortened.
    pub user_agent: Option<String>,
}

/// How long a session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Unused for this long, it has ended.
    pub idle: Duration,
    /// This long after its start it has ended in any case.
    pub absolute: Duration,
}

impl SessionLimits {
    /// How exactly `last_seen_at` has to be kept: to five minutes, so that a warm sign-on writes
    /// nothing but its audit row (decision 14), and finer where the idle limit is short.
    #[must_use]
    pub fn seen_every(self) -> Duration {
        Duration::from_mins(5).min(self.idle / 4)
    }
}

impl Session {
    /// Whether the session still counts at `now`.
    #[must_use]
    pub fn is_live(&self, limits: SessionLimits, now: UnixTime) -> bool {
        now < self.last_seen_at.plus(limits.idle) && now < self.ends_at(limits)
    }

    /// The instant after which it counts no more, however much it is used: SessionNotOnOrAfter
    /// (Core 2.7.2, E79).
    #[must_use]
    pub fn ends_at(&self, limits: SessionLimits) -> UnixTime {
        self.started_at.plus(limits.absolute)
    }
}

/// An SP that has got an assertion in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// The session.
    pub session: SessionId,
    /// The SP.
    pub sp: SpId,
    /// The SessionIndex that only this SP knows (Core 2.7.2).
    pub session_index: String,
}

/// A NameID exactly as an SP got it, so that a LogoutRequest can say the same (Core 3.7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentNameId {
    /// Its Format, a URI.
    pub format: String,
    /// Its text.
    pub value: String,
    /// NameQualifier, where it was written.
    pub name_qualifier: Option<String>,
    /// SPNameQualifier, where it was written.
    pub sp_name_qualifier: Option<String>,
    /// Whether it went as an EncryptedID (Core 2.2.4).
    pub is_encrypted: bool,
}

impl SentNameId {
    /// What two NameIDs of one SP are compared by: Format, both qualifiers and the text, a
    /// qualifier that was left out being the one that it implies (Core 3.3.4, 8.3.7).
    #[must_use]
    pub fn comparable(&self, idp: &str, sp: &str) -> String {
        [
            self.format.as_str(),
            self.name_qualifier.as_deref().unwrap_or(idp),
            self.sp_name_qualifier.as_deref().unwrap_or(sp),
            &self.value,
        ]
        .join("\n")
    }
}

/// What storage writes down before the assertion of a grant may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The session that it was granted in.
    pub session: Session,
    /// The SessionIndex that the SP gets in this session.
    pub session_index: String,
    /// Whether this is the SP's first visit in this session, so that a participant row is due.
    pub first_visit: bool,
    /// Hash of the flow whose sign-in is used up by this answer.
    pub use_up: Option<String>,
    /// How exactly the session's `last_seen_at` is kept.
    pub seen_every: Duration,
    /// The NameID in the assertion, and what it is compared by; none where it has none.
    pub name_id: Option<(SentNameId, String)>,
}
