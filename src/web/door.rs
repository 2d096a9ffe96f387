//! Fetching what a decision needs: fresh facts, the registration of exactly their version, and the
//! keys that sign the answer.

use std::sync::Arc;

use super::App;
use super::app::Registered;
use super::failure::Failure;
use crate::directory::facts::Facts;
use crate::directory::name::{EntityId, SpId};
use crate::directory::reason::ReasonCode;
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
        let facts = facts.ok_or_else(|| unknown(name))?;
        app.use_keys_of(facts.key_version()).await?;
        let registered = app
            .registration(facts.door_id(), facts.door_version())
            .await?;
        if registered.sp.version == facts.door_version() {
            return Ok(Door { registered, facts });
        }
    }
    Err(Failure::of(ReasonCode::Overloaded).because("the registration changes all the time"))
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
