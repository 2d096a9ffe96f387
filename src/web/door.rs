//! Fetching what a decision needs: fresh facts, the registration of exactly their version, and the
//! keys that sign the answer.

use std::sync::Arc;

use super::App;
use super::app::Registered;
use super::failure::Failure;
use crate::directory::facts::{Facts, Lapse};
use crate::directory::name::{EntityId, SpId};
use crate::directory::reason::ReasonCode;
use crate::sources::Answer;
use crate::storage::TokenHash;

/// A door and the facts about it and whoever stands before it.
pub(super) struct Door {
    pub(super) registered: Arc<Registered>,
    pub(super) facts: Facts,
}

/// By which name the door was asked for.
#[derive(Clone, Copy)]
pub(super) enum DoorName<'a> {
    EntityId(&'a EntityId),
    Id(&'a SpId),
}

/// How often the registration may change under our hands before we give up.
const TRIES: usize = 3;

/// One snapshot of the facts, and the registration of its version: read again where somebody
/// changed it in between (decision 4). The signing keys are those of the snapshot, or newer.
pub(super) async fn fetch(
    app: &App,
    name: DoorName<'_>,
    session: Option<&TokenHash>,
) -> Result<Door, Failure> {
    for _ in 0..TRIES {
        let now = app.now();
        let facts = match name {
            DoorName::EntityId(id) => app.store.facts(session, id, now).await?,
            DoorName::Id(id) => app.store.facts_by_sp_id(session, id, now).await?,
        };
        let Some(facts) = facts else {
            // Rare, and larger than the future of a whole sign-on without it.
            Box::pin(ask_about(app, name)).await?;
            continue;
        };
        app.use_keys_of(facts.key_version()).await?;
        let registered = app
            .registration(facts.door_id(), facts.door_version())
            .await?;
        if registered.sp.version == facts.door_version() {
            let lapse = facts.lapse(now).map(|lapse| match lapse {
                Lapse::Withdrawn => ReasonCode::SpWithdrawn,
                Lapse::Expired => ReasonCode::MetadataExpired,
            });
            // Not even a status goes to an endpoint that nobody vouches for any more.
            if let Some(reason) = lapse {
                return Err(Failure::of(reason).at(&registered.sp));
            }
            return Ok(Door { registered, facts });
        }
    }
    Err(Failure::of(ReasonCode::Overloaded).because("the registration changes all the time"))
}

/// Asks the metadata query services, if there are any, about an entity that is not registered.
async fn ask_about(app: &App, name: DoorName<'_>) -> Result<(), Failure> {
    let (DoorName::EntityId(id), Some(queries)) = (name, &app.site.queries) else {
        return Err(unknown(name));
    };
    match queries.ask(id).await? {
        Answer::Registered => Ok(()),
        Answer::Unknown => Err(unknown(name)),
        Answer::Busy => Err(Failure::of(ReasonCode::Overloaded)
            .because("too much is being asked of the metadata query service")
            .retry_after(5)),
    }
}

fn unknown(name: DoorName<'_>) -> Failure {
    let failure = Failure::of(ReasonCode::UnknownIssuer);
    match name {
        DoorName::EntityId(id) => {
            let shown: String = id.as_str().chars().take(200).collect();
            failure.because(format!("no service provider has the entityID {shown:?}"))
        }
        DoorName::Id(_) => failure.because("the registration was removed in between"),
    }
}
