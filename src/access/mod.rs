//! The promise: who may enter which door, decided now, on fresh facts. Read this room first.
//!
//! [`authorize`] is the only maker of a [`Grant`], and only a [`Grant`], used up by value, makes an
//! assertion. Single sign-on, IdP-initiated sign-on, the launcher, `access explain` and the matrix
//! all ask this one function. It knows no protocol, no database and no clock.

mod sign_on;
#[cfg(test)]
mod tests;

use std::time::Duration;

use thiserror::Error;

use crate::directory::facts::{DoorFacts, Facts, Lapse, PersonFacts, Presence};
use crate::directory::name::{RoleName, SpName};
use crate::directory::reason::ReasonCode;
use crate::directory::rule::Rule;
use crate::directory::service_provider::{AcsEndpoint, NameIdFormat, ServiceProvider};
use crate::directory::session::{Participant, Release, Session, SessionLimits};
use crate::directory::time::UnixTime;
use crate::directory::user::User;

pub use sign_on::{AcsChoice, Freshness, SignOn, UnregisteredAcs};

/// How long a decision may be acted on (decision 1).
pub const GRANT_LIFETIME: Duration = Duration::from_secs(2);

/// Somebody may enter this very door, now. Made by [`authorize`] alone, neither copied nor kept.
#[derive(Debug)]
#[must_use]
pub struct Grant<'sp> {
    sign_on: SignOn<'sp>,
    user: User,
    entrance: Entrance,
    decided_at: UnixTime,
    limits: SessionLimits,
}

/// By what the grant came about.
#[derive(Debug)]
enum Entrance {
    /// A live session.
    Session {
        session: Box<Session>,
        participant: Option<Participant>,
        known_to_sp: bool,
        use_up: Option<String>,
    },
    /// Supposed for a dry run; makes no usable assertion.
    Supposed,
}

/// Why nobody enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// There is no session, or it has ended.
    #[error("nobody is signed in")]
    NotSignedIn,
    /// The request demands a sign-in of its own, and this session has none for it.
    #[error("the request demands a fresh sign-in")]
    SignInTooOld,
    /// The user is disabled.
    #[error("the user is disabled")]
    UserDisabled,
    /// The password was given by somebody else and has to be changed first.
    #[error("the password has to be changed first")]
    PasswordChangeDue,
    /// The user lacks what the rule asks for.
    #[error("the user lacks a role that the rule asks for")]
    MissingRole,
    /// The SP is disabled.
    #[error("the service provider is disabled")]
    SpDisabled,
    /// The source of the SP's metadata does not list it any more.
    #[error("the source of the metadata does not list the service provider any more")]
    SpWithdrawn,
    /// The metadata came from a source, and its last good copy has expired.
    #[error("the metadata of the service provider has expired")]
    MetadataExpired,
    /// The table holds no rule for the SP.
    #[error("the service provider has no rule")]
    ClosedRule,
    /// The registration in hand is not the one that the database holds now: fetch it and ask again.
    #[error("the registration changed in between")]
    RegistrationChanged,
}

impl Refusal {
    /// Whether signing in could open the door.
    #[must_use]
    pub fn is_cured_by_signing_in(self) -> bool {
        matches!(self, Self::NotSignedIn | Self::SignInTooOld)
    }

    /// Whether nobody enters, whoever it is: the SP gets nothing at all.
    #[must_use]
    pub fn shuts_the_door(self) -> bool {
        matches!(
            self,
            Self::SpDisabled | Self::SpWithdrawn | Self::MetadataExpired
        )
    }

    /// The code for log, page and audit.
    #[must_use]
    pub fn reason(self) -> ReasonCode {
        match self {
            Self::NotSignedIn => ReasonCode::NotSignedIn,
            Self::SignInTooOld | Self::PasswordChangeDue => ReasonCode::SignInTooOld,
            Self::UserDisabled => ReasonCode::UserDisabled,
            Self::MissingRole => ReasonCode::MissingRole,
            Self::SpDisabled => ReasonCode::SpDisabled,
            Self::SpWithdrawn => ReasonCode::SpWithdrawn,
            Self::MetadataExpired => ReasonCode::MetadataExpired,
            Self::ClosedRule => ReasonCode::ClosedRule,
            Self::RegistrationChanged => ReasonCode::Overloaded,
        }
    }
}

/// A refused sign-on: why, who was refused, and the sign-on itself, so that it can go on after a
/// sign-in.
#[derive(Debug)]
pub struct Denial<'sp> {
    /// Why.
    pub refusal: Refusal,
    /// What was asked for.
    pub sign_on: SignOn<'sp>,
    /// Who asked, where the session named somebody.
    pub user: Option<User>,
}

/// Decides whether the person of `facts` may enter the door of `sign_on`. The order of the checks
/// is that of what the answer gives away: the door first, then the session, then the person.
pub fn authorize(
    sign_on: SignOn<'_>,
    facts: Facts,
    limits: SessionLimits,
    now: UnixTime,
) -> Result<Grant<'_>, Box<Denial<'_>>> {
    let parts = facts.into_parts();
    let rule = match open_door(&sign_on, parts.door, now) {
        Ok(rule) => rule,
        Err(refusal) => return Err(denied(refusal, sign_on, parts.person.map(|p| p.user))),
    };
    let Some(PersonFacts { user, presence }) = parts.person else {
        return Err(denied(Refusal::NotSignedIn, sign_on, None));
    };
    let entrance = match entrance(&sign_on, presence, limits, now) {
        Ok(entrance) => entrance,
        Err(refusal) => return Err(denied(refusal, sign_on, Some(user))),
    };
    match admitted(&user, &rule, &entrance) {
        Ok(()) => Ok(Grant {
            sign_on,
            user,
            entrance,
            decided_at: parts.read_at,
            limits,
        }),
        Err(refusal) => Err(denied(refusal, sign_on, Some(user))),
    }
}

fn denied(refusal: Refusal, sign_on: SignOn<'_>, user: Option<User>) -> Box<Denial<'_>> {
    Box::new(Denial {
        refusal,
        sign_on,
        user,
    })
}

/// The door stands as it was read, is enabled, has not lapsed and has a rule.
fn open_door(sign_on: &SignOn<'_>, door: DoorFacts, now: UnixTime) -> Result<Rule, Refusal> {
    let registered = sign_on.sp();
    if door.sp != registered.id || door.version != registered.version {
        return Err(Refusal::RegistrationChanged);
    }
    if !door.enabled {
        return Err(Refusal::SpDisabled);
    }
    match door.lapse(now) {
        Some(Lapse::Withdrawn) => return Err(Refusal::SpWithdrawn),
        Some(Lapse::Expired) => return Err(Refusal::MetadataExpired),
        None => {}
    }
    door.rule.ok_or(Refusal::ClosedRule)
}

/// The session lives, and is as fresh as the request demands.
fn entrance(
    sign_on: &SignOn<'_>,
    presence: Presence,
    limits: SessionLimits,
    now: UnixTime,
) -> Result<Entrance, Refusal> {
    let (session, fresh_for, participant, known_to_sp) = match presence {
        Presence::Supposed => return Ok(Entrance::Supposed),
        Presence::SignedIn {
            session,
            fresh_for,
            participant,
            known_to_sp,
        } => (session, fresh_for, participant, known_to_sp),
    };
    if !session.is_live(limits, now) {
        return Err(Refusal::NotSignedIn);
    }
    let use_up = match sign_on.freshness() {
        Freshness::AnySession => None,
        Freshness::SignedInFor(flow) if fresh_for.as_ref() == Some(flow) => fresh_for,
        Freshness::SignedInFor(_) | Freshness::SignInAgain => return Err(Refusal::SignInTooOld),
    };
    Ok(Entrance::Session {
        session,
        participant,
        known_to_sp,
        use_up,
    })
}

/// The person is active and holds what the rule asks for.
fn admitted(user: &User, rule: &Rule, entrance: &Entrance) -> Result<(), Refusal> {
    if user.disabled {
        return Err(Refusal::UserDisabled);
    }
    if user.must_change_password && matches!(entrance, Entrance::Session { .. }) {
        return Err(Refusal::PasswordChangeDue);
    }
    if rule.admits(&user.roles) {
        Ok(())
    } else {
        Err(Refusal::MissingRole)
    }
}

impl<'sp> Grant<'sp> {
    /// The door.
    #[must_use]
    pub fn sp(&self) -> &'sp ServiceProvider {
        self.sign_on.sp()
    }

    /// Where the answer goes: a registered endpoint (Profiles 4.1.4.1).
    #[must_use]
    pub fn acs(&self) -> &'sp AcsEndpoint {
        self.sign_on.acs()
    }

    /// The ID of the request that it answers, if there was one.
    #[must_use]
    pub fn in_response_to(&self) -> Option<&str> {
        self.sign_on.in_response_to()
    }

    /// Who may enter.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.user
    }

    /// The session, which a dry run has none of.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        match &self.entrance {
            Entrance::Session { session, .. } => Some(session),
            Entrance::Supposed => None,
        }
    }

    /// Whether a persistent id of this person was released to this SP before (AllowCreate, Core
    /// 3.4.1.1).
    #[must_use]
    pub fn is_known_to_sp(&self) -> bool {
        matches!(
            self.entrance,
            Entrance::Session {
                known_to_sp: true,
                ..
            }
        )
    }

    /// When it was decided.
    #[must_use]
    pub fn decided_at(&self) -> UnixTime {
        self.decided_at
    }

    /// Whether it may still be acted on (decision 1).
    #[must_use]
    pub fn is_current(&self, now: UnixTime) -> bool {
        now.since(self.decided_at) <= GRANT_LIFETIME && self.decided_at.since(now) <= GRANT_LIFETIME
    }

    /// The roles that this SP is told: those of its own rule, or those registered for it, that the
    /// person holds.
    #[must_use]
    pub fn released_roles(&self) -> Vec<&RoleName> {
        self.sp().told_roles(&self.user)
    }

    /// What has to be written down before the assertion leaves; `None` for a dry run. A new
    /// participant gets `fresh_index`.
    #[must_use]
    pub fn release(&self, fresh_index: impl FnOnce() -> String) -> Option<Release> {
        match &self.entrance {
            Entrance::Supposed => None,
            Entrance::Session {
                session,
                participant,
                use_up,
                ..
            } => Some(Release {
                session: Session::clone(session),
                session_index: participant
                    .as_ref()
                    .map_or_else(fresh_index, |known| known.session_index.clone()),
                first_visit: participant.is_none(),
                use_up: use_up.clone(),
                seen_every: self.limits.seen_every(),
                name_id: None,
            }),
        }
    }

    /// The format of the NameID where the request leaves it open.
    #[must_use]
    pub fn usual_name_id_format(&self) -> NameIdFormat {
        self.sp().usual_name_id_format()
    }
}

/// A row of `access matrix` or a tile of the launcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The door.
    pub sp: SpName,
    /// Nothing, or why not.
    pub refusal: Option<Refusal>,
}

/// The verdict on one door, for the launcher, the matrix and the refusal page: the same decision,
/// with its grant dropped.
#[must_use]
pub fn verdict(
    sp: &ServiceProvider,
    facts: Facts,
    limits: SessionLimits,
    now: UnixTime,
) -> Verdict {
    let decision = authorize(SignOn::unsolicited(sp), facts, limits, now);
    Verdict {
        sp: sp.name.clone(),
        refusal: decision.err().map(|denial| denial.refusal),
    }
}
