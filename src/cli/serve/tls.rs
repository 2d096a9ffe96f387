//! HTTPS while it is served: the files are followed, and what is broken is not taken.

use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_openssl::OpenSSLConfig;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::cli::error::{CliError, refused};
use crate::cli::tls::{TlsError, TlsPair};
use crate::clock::Clock;
use crate::config::TlsFiles;

/// How often the files are read again.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What HTTPS is served with, and where it came from.
pub(super) struct Tls {
    files: TlsFiles,
    clock: Clock,
    config: OpenSSLConfig,
    /// The pair that was tried last, whatever came of it: what is broken is said once.
    tried: Option<TlsPair>,
}

impl Tls {
    /// Reads both files. A certificate that has ended is served all the same: a page with a
    /// warning of the browser is more than no page.
    pub(super) fn open(files: &TlsFiles, clock: Clock) -> Result<Self, CliError> {
        let fix = "correct tls.cert and tls.key; `doorward check` looks at them";
        let told = |error: TlsError| refused(error.to_string(), fix);
        let pair = TlsPair::read(files).map_err(told)?;
        let acceptor = pair.acceptor().map_err(told)?;
        let until = pair.ends().map_err(told)?;
        if until <= clock.now() {
            tracing::error!(%until, "the certificate of tls.cert has ended: browsers refuse it");
        } else {
            tracing::info!(%until, "serving HTTPS");
        }
        Ok(Self {
            files: files.clone(),
            clock,
            config: OpenSSLConfig::from_acceptor(Arc::new(acceptor)),
            tried: Some(pair),
        })
    }

    /// What connections are accepted with; it follows.
    pub(super) fn config(&self) -> OpenSSLConfig {
        self.config.clone()
    }

    /// Takes what changes, until told to stop.
    pub(super) async fn follow(mut self, mut hangup: Hangup, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = hangup.next() => self.tried = None,
                _ = stop.wait_for(|stop| *stop) => return,
            }
            self.look();
        }
    }

    fn look(&mut self) {
        let pair = match TlsPair::read(&self.files) {
            Ok(pair) => pair,
            Err(error) => {
                // Said each time: a file that is gone does not come back unseen.
                tracing::error!(%error, "tls.cert and tls.key: the old ones stay in use");
                return;
            }
        };
        if self.tried.as_ref() == Some(&pair) {
            return;
        }
        match self.take(&pair) {
            Ok(until) => {
                tracing::info!(%until, "serving HTTPS with what tls.cert and tls.key hold now");
            }
            Err(error) => {
                tracing::error!(%error, "tls.cert and tls.key: the old ones stay in use");
            }
        }
        self.tried = Some(pair);
    }

    fn take(&self, pair: &TlsPair) -> Result<crate::directory::time::UnixTime, TlsError> {
        let (acceptor, until) = (pair.acceptor()?, pair.ends()?);
        if until <= self.clock.now() {
            return Err(TlsError::Ended { at: until });
        }
        self.config.reload_from_acceptor(Arc::new(acceptor));
        Ok(until)
    }
}

/// SIGHUP, which asks to look at once, and by default would end the process.
pub(super) struct Hangup(Signal);

impl Hangup {
    pub(super) fn listen() -> Result<Self, CliError> {
        let signal = signal(SignalKind::hangup()).map_err(CliError::Output)?;
        Ok(Self(signal))
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }

    /// Where no file is followed: nothing is read again, and the log says so.
    pub(super) async fn answer(mut self) {
        loop {
            self.next().await;
            tracing::info!(
                "SIGHUP: only tls.cert and tls.key are read again, and none is configured"
            );
        }
    }
}
