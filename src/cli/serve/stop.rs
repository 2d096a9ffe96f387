//! How the server is told to stop.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::error::CliError;
use crate::web::App;

/// Becomes true on SIGTERM or SIGINT.
#[cfg(feature = "demo")]
pub(in crate::cli) fn stop_on_signal() -> Result<watch::Receiver<bool>, CliError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::Output)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::Output)?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        // Nobody listening any more is as good as stopped.
        let _ = sender.send(true);
    });
    Ok(receiver)
}

/// Becomes true on SIGINT at once, and on SIGTERM when the proxy has had so much time to turn to
/// other nodes: `/readyz` says 503 meanwhile, and each answer closes its connection. A second signal
/// ends the wait.
pub(super) fn stop_after_draining(
    app: App,
    drain: Duration,
) -> Result<watch::Receiver<bool>, CliError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::Output)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::Output)?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {
                app.drain();
                tracing::info!(?drain, "stopping: no longer ready");
                tokio::select! {
                    () = tokio::time::sleep(drain) => {}
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
        }
        // Nobody listening any more is as good as stopped.
        let _ = sender.send(true);
    });
    Ok(receiver)
}
