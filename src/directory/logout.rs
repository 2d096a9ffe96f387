//! A logout under way: the session has ended, and its participants are told one by one (Profiles
//! 4.4.3).

use super::name::{MessageId, SpId, UserName};
use super::session::SentNameId;
use super::slo_endpoint::SloBinding;

/// Which logout; random, and never shown to anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutId(String);

impl LogoutId {
    /// Takes over an id that this program made.
    #[must_use]
    pub fn from_stored(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The text as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How far one participant has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LegState {
    /// It has not been told yet.
    Waiting,
    /// A LogoutRequest is on its way, and nothing has come back.
    Asked,
    /// It said that the person is signed out there.
    Confirmed,
    /// It said something else, or could not be reached.
    Failed,
    /// There was no way to tell it.
    NotAsked,
    /// It asked for the logout itself, and has ended its own session.
    Asker,
}

impl LegState {
    const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Asked,
        Self::Confirmed,
        Self::Failed,
        Self::NotAsked,
        Self::Asker,
    ];

    /// The word that is stored and shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Asked => "asked",
            Self::Confirmed => "confirmed",
            Self::Failed => "not-confirmed",
            Self::NotAsked => "not-asked",
            Self::Asker => "asker",
        }
    }

    /// The state of a stored word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// One participant of the sessions that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// Its place in the order of telling.
    pub position: i64,
    /// The SP.
    pub sp: SpId,
    /// How far it has come.
    pub state: LegState,
    /// Who, exactly as this SP was told; none where it never got a NameID.
    pub name_id: Option<SentNameId>,
    /// Its sessions that ended.
    pub session_indexes: Vec<String>,
}

/// The SP that asked, and waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requester {
    /// The SP.
    pub sp: SpId,
    /// The ID of its LogoutRequest.
    pub request: MessageId,
    /// To be returned unchanged.
    pub relay_state: Option<String>,
    /// How the request came.
    pub binding: SloBinding,
}

/// A logout under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logout {
    /// Which.
    pub id: LogoutId,
    /// Whose sessions ended.
    pub user: UserName,
    /// Whether an administrator ended them.
    pub by_admin: bool,
    /// Who waits for an answer, if anybody does.
    pub requester: Option<Requester>,
    /// Whether the answer has been given, or the browser sent onward.
    pub answered: bool,
    /// Where the browser is to go afterwards: the sealed flow of whoever signed in instead.
    pub onward: Option<String>,
    /// The participants, in the order of telling.
    pub legs: Vec<Leg>,
}

impl Logout {
    /// Whether every participant has confirmed (Core 3.7.3.2).
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let done = |leg: &Leg| matches!(leg.state, LegState::Confirmed | LegState::Asker);
        self.legs.iter().all(done)
    }

    /// The participants that have not been told yet.
    pub fn waiting(&self) -> impl Iterator<Item = &Leg> {
        self.legs
            .iter()
            .filter(|leg| leg.state == LegState::Waiting)
    }

    /// Whether somebody still has to be told or answered.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        let leads_on = self.requester.is_some() || self.onward.is_some();
        self.waiting().next().is_some() || (leads_on && !self.answered)
    }
}
