//! Telling one app about many people: its door is shut for them, and their sessions live on.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::super::App;
use super::back_channel::{Told, tell};
use crate::directory::name::{SpId, UserId};

/// How many people one app is told about at a time.
const AT_ONCE: usize = 16;

/// How long it may take to tell about everybody.
const PATIENCE: Duration = Duration::from_mins(1);

/// What an app was told about many people.
#[derive(Debug, Default)]
pub(crate) struct ToldOfMany {
    /// What it said about each.
    pub(crate) told: Vec<Told>,
    /// About how many it was not told, since it answers too slowly.
    pub(crate) left: usize,
}

/// Tells an app about everybody whom it has let in.
pub(crate) async fn tell_of_everybody(app: &App, sp: &SpId) -> Result<ToldOfMany, String> {
    let people = app.store.people_at(sp).await;
    let people = people.map_err(|error| error.to_string())?.into_iter();
    tell_of(app, sp, people.map(|(user, _)| user).collect()).await
}

/// Tells an app about these people, some at a time, for a bounded time.
pub(crate) async fn tell_of(
    app: &App,
    sp: &SpId,
    people: Vec<UserId>,
) -> Result<ToldOfMany, String> {
    let (begun, mut of_many) = (Instant::now(), ToldOfMany::default());
    for (done, some) in people.chunks(AT_ONCE).enumerate() {
        if begun.elapsed() > PATIENCE {
            of_many.left = people.len().saturating_sub(done * AT_ONCE);
            break;
        }
        let telling = some.iter().map(|user| async {
            let sps = std::slice::from_ref(sp);
            let logout = app.store.log_out_of(user, sps, app.now()).await;
            match logout.map_err(|error| error.to_string())? {
                Some(logout) => tell(app, logout, true).await,
                None => Ok(Vec::new()),
            }
        });
        for one in join_all(telling).await {
            of_many.told.extend(one?);
        }
    }
    Ok(of_many)
}
