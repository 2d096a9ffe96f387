//! What is written down about every sign-in, refusal, assertion and administrative change.

use super::name::{SpName, TraceId, UserName};
use super::reason::ReasonCode;
use super::time::UnixTime;

/// One row of the audit log: who, what, which SP, from where, outcome, reason code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// When it happened.
    pub at: UnixTime,
    /// What happened.
    pub kind: AuditKind,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ended so, where it was a refusal.
    pub reason: Option<ReasonCode>,
    /// Who did it: a person's sign-in name, or `cli:` and the operating system's user.
    pub actor: Option<String>,
    /// Whom it was done to, where that is somebody.
    pub user: Option<UserName>,
    /// The SP that it concerns.
    pub sp: Option<SpName>,
    /// From which address.
    pub source: Option<String>,
    /// The reference that the log and the error page show.
    pub trace: Option<TraceId>,
    /// What else an auditor needs: the id of the assertion, the name of the role. No secrets.
    pub detail: Option<String>,
}

impl AuditEvent {
    /// An event of a kind that went well, with nothing else said yet.
    #[must_use]
    pub fn new(at: UnixTime, kind: AuditKind) -> Self {
        Self {
            at,
            kind,
            outcome: Outcome::Done,
            reason: None,
            actor: None,
            user: None,
            sp: None,
            source: None,
            trace: None,
            detail: None,
        }
    }
}

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused.
    Refused,
}

impl Outcome {
    /// The word that is stored and shown.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

macro_rules! audit_kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal),* $(,)?) => {
        /// What an audit row is about.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum AuditKind { $($(#[$doc])* $name),* }

        impl AuditKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word that is stored, shown and filtered by.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }

            /// The kind with this word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.word() == word)
            }
        }
    };
}

audit_kinds! {
    /// A process began its chain; the detail names the heads of the others (decision 16).
    ChainStarted = "chain-started",
    /// Somebody tried to sign in.
    SignIn = "sign-in",
    /// Somebody signed out, or a session was ended.
    SignOut = "sign-out",
    /// A service provider was told that a session ended, and confirmed it or not.
    Logout = "logout",
    /// An assertion left, or was refused.
    Assertion = "assertion",
    /// A message was refused before any decision.
    Message = "message",
    /// Somebody agreed to what an SP is told; the detail names it.
    ConsentGiven = "consent-given",
    /// Somebody took that back.
    ConsentWithdrawn = "consent-withdrawn",
    /// Somebody changed their own password.
    PasswordChanged = "password-changed",
    /// A user was added.
    UserAdded = "user-added",
    /// A user's fields were changed.
    UserUpdated = "user-updated",
    /// An administrator set a password.
    PasswordSet = "password-set",
    /// A role was granted.
    RoleGranted = "role-granted",
    /// A role was withdrawn.
    RoleRevoked = "role-revoked",
    /// A user was disabled.
    UserDisabled = "user-disabled",
    /// A user was enabled again.
    UserEnabled = "user-enabled",
    /// Throttling of a user was cleared.
    UserUnlocked = "user-unlocked",
    /// A user was removed.
    UserRemoved = "user-removed",
    /// A role was made.
    RoleAdded = "role-added",
    /// A role was removed.
    RoleRemoved = "role-removed",
    /// A service provider was registered.
    SpAdded = "sp-added",
    /// A registration was changed.
    SpUpdated = "sp-updated",
    /// A service provider was disabled.
    SpDisabled = "sp-disabled",
    /// A service provider was enabled again.
    SpEnabled = "sp-enabled",
    /// A registration was removed.
    SpRemoved = "sp-removed",
    /// The source of a registration's metadata does not list it any more.
    SpWithdrawn = "sp-withdrawn",
    /// A source of metadata was added.
    SourceAdded = "source-added",
    /// The rule or the keys of a source of metadata were changed.
    SourceUpdated = "source-updated",
    /// A source of metadata was removed.
    SourceRemoved = "source-removed",
    /// A session was ended by an administrator or from another browser.
    SessionRevoked = "session-revoked",
    /// A signing key came into being.
    KeyCreated = "key-created",
    /// A key and its certificate were brought in from outside.
    KeyImported = "key-imported",
    /// Another signing key became the active one.
    KeyActivated = "key-activated",
    /// A signing key was removed.
    KeyRetired = "key-retired",
    /// A backup was written.
    BackedUp = "backed-up",
    /// Everything was copied to another database; written down in both.
    Copied = "copied",
    /// The database was filled from a backup.
    Restored = "restored",
    /// What had expired was cleaned up.
    CleanedUp = "cleaned-up",
}
