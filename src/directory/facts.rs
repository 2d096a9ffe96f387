//! What one snapshot of the database says about a person and a door, at the instant of a decision.
//!
//! Facts are made by storage only (`tests/architecture.rs` holds it to that), are not `Clone`, and
//! are used up by `access::authorize` (decisions 1 and 4).

use super::name::SpId;
use super::rule::Rule;
use super::session::{Participant, Session};
use super::time::UnixTime;
use super::user::User;

/// One snapshot. Its parts are read with [`Facts::into_parts`], which uses it up.
#[derive(Debug)]
pub struct Facts(FactsParts);

/// The parts of [`Facts`].
#[derive(Debug)]
pub struct FactsParts {
    /// When the snapshot was begun: after the request had arrived.
    pub read_at: UnixTime,
    /// The door as it stands.
    pub door: DoorFacts,
    /// The person, where the session named one.
    pub person: Option<PersonFacts>,
}

/// What the registration says right now.
#[derive(Debug)]
pub struct DoorFacts {
    /// Which SP.
    pub sp: SpId,
    /// Its version; a decision falls only on the registration of this version.
    pub version: i64,
    /// Whether it is enabled.
    pub enabled: bool,
    /// Its rule; `None` when the table holds none, which is closed.
    pub rule: Option<Rule>,
    /// The version of our signing keys; what is signed is signed by the keys of this version.
    pub key_version: i64,
    /// What the source of its metadata says right now; `None` where it was registered by hand.
    pub backing: Option<Backing>,
}

/// Whether the source of a registration's metadata still stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backing {
    /// Whether the source lists it.
    pub listed: bool,
    /// Until when the metadata may be used: the smaller of its own and its source's.
    pub valid_until: Option<UnixTime>,
}

/// Why a source does not stand behind a registration any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lapse {
    /// It does not list it any more.
    Withdrawn,
    /// The last good copy of its metadata has expired (Metadata 2.3.1).
    Expired,
}

impl DoorFacts {
    /// Why the door is shut whatever its rule says, if its source let it lapse.
    #[must_use]
    pub fn lapse(&self, now: UnixTime) -> Option<Lapse> {
        let backing = self.backing?;
        if !backing.listed {
            return Some(Lapse::Withdrawn);
        }
        let expired = backing.valid_until.is_some_and(|until| until <= now);
        expired.then_some(Lapse::Expired)
    }
}

/// What the directory says right now.
#[derive(Debug)]
pub struct PersonFacts {
    /// The user with the roles of this moment.
    pub user: User,
    /// Whether and how they are signed in.
    pub presence: Presence,
}

/// Whether somebody is here, or only asked about.
#[derive(Debug)]
pub enum Presence {
    /// A session row that the browser's token named. Whether it has expired is decided later.
    SignedIn {
        /// The row.
        session: Box<Session>,
        /// Hash of the flow that was signed in for, not used up yet (decision 9).
        fresh_for: Option<String>,
        /// The participant row, where this SP has been visited in this session.
        participant: Option<Participant>,
        /// Whether a persistent id of this user has been released to this SP before.
        known_to_sp: bool,
    },
    /// Nobody is here: `access explain`, `access matrix` and `access try` suppose a fresh sign-in.
    Supposed,
}

impl Facts {
    /// Takes down what a snapshot said. Called by storage alone.
    #[must_use]
    pub fn as_read(parts: FactsParts) -> Self {
        Self(parts)
    }

    /// Uses the facts up.
    #[must_use]
    pub fn into_parts(self) -> FactsParts {
        self.0
    }

    /// The registration's version in this snapshot.
    #[must_use]
    pub fn door_version(&self) -> i64 {
        self.0.door.version
    }

    /// The version of our signing keys in this snapshot.
    #[must_use]
    pub fn key_version(&self) -> i64 {
        self.0.door.key_version
    }

    /// Why the door is shut whatever its rule says; decides nothing by itself.
    #[must_use]
    pub fn lapse(&self, now: UnixTime) -> Option<Lapse> {
        self.0.door.lapse(now)
    }

    /// Which door the snapshot is about.
    #[must_use]
    pub fn door_id(&self) -> &SpId {
        &self.0.door.sp
    }

    /// The person of the snapshot, for pages; decides nothing.
    #[must_use]
    pub fn user(&self) -> Option<&User> {
        self.0.person.as_ref().map(|person| &person.user)
    }
}
