//! What a node does once a minute beside serving.

use std::time::Duration;

use tokio::sync::watch;

use crate::web::App;
use crate::web::slo::Left;

const EVERY: Duration = Duration::from_mins(1);

/// Keeps what is remembered that of the database, and tells apps what somebody else was killed over.
pub(super) async fn every_minute(app: App, mut stop: watch::Receiver<bool>) {
    let mut left = Left::default();
    loop {
        if let Err(error) = app.keep_up().await {
            tracing::warn!(error, "the keys could not be looked at; trying again later");
        }
        match left.tell(&app).await {
            Ok(0) => {}
            Ok(people) => tracing::info!(people, "apps were told what was left to be told"),
            Err(error) => tracing::warn!(error, "apps could not be told; trying again later"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}
