//! `doorward serve`: the identity provider, until it is told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::boot::{Booted, boot};
use super::context::Context;
use super::error::{CliError, refused};
use super::logging;
use crate::authn::password::Passwords;
use crate::clock::Clock;
use crate::web::{App, Site, router};

/// How often what has expired is looked for.
const CLEAN_UP_EVERY: Duration = Duration::from_mins(1);
/// How long requests in flight may take once the process is told to stop.
const GRACE: Duration = Duration::from_secs(30);

/// The arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  doorward serve --config /etc/doorward/doorward.toml")]
pub(super) struct Serve;

impl Serve {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let config = context.config()?;
        logging::init(&config);
        let booted = boot(config, Clock::System, "serve").await?;
        let listener = listen(booted.config.listen).await?;
        if !booted.config.throttle {
            tracing::warn!("throttle = \"off\": passwords can be guessed without delay");
        }
        let app = app(&booted)?;
        let base_url = booted.config.base_url.as_str();
        tracing::info!(base_url, listen = %booted.config.listen, "serving");
        let stop = stop_on_signal()?;
        let cleaning = tokio::spawn(clean_up(booted.clone(), stop.clone()));
        serve(listener, app, stop).await?;
        cleaning.abort();
        booted.store.shut_down().await;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

/// Binds the address, or says who has it.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, CliError> {
    TcpListener::bind(address).await.map_err(|error| {
        refused(
            format!("cannot listen on {address}: {error}"),
            "another program may have it: set `listen`, or --port for the demo",
        )
    })
}

/// What the handlers need, out of what was opened.
pub(super) fn app(booted: &Booted) -> Result<App, CliError> {
    let config = &booted.config;
    let site = Site {
        base_url: config.base_url.clone(),
        entity_id: config.entity_id.as_str().to_owned(),
        limits: config.session,
        clock_skew: config.clock_skew,
        throttle: config.throttle,
        contact: config.contact.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
    };
    let passwords = Passwords::new(config.argon2)
        .map_err(|error| refused(error.to_string(), "mend the argon2 settings"))?;
    let (clock, store) = (booted.clock.clone(), booted.store.clone());
    Ok(App::new(
        site,
        clock,
        store,
        &booted.secrets,
        booted.signing_key.clone(),
        passwords,
    ))
}

/// Serves until told to stop; requests in flight finish, for a while.
pub(super) async fn serve(
    listener: TcpListener,
    app: App,
    mut stop: watch::Receiver<bool>,
) -> Result<(), CliError> {
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let mut asked = stop.clone();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move {
        // An error means that the sender is gone, and then it is time to stop as well.
        let _ = asked.wait_for(|stop| *stop).await;
    });
    let deadline = async move {
        let _ = stop.wait_for(|stop| *stop).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        ended = server => ended.map_err(CliError::Output),
        () = deadline => {
            tracing::warn!("stopped with requests still in flight");
            Ok(())
        }
    }
}

/// Becomes true on SIGTERM or SIGINT.
pub(super) fn stop_on_signal() -> Result<watch::Receiver<bool>, CliError> {
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

/// Removes what has expired, in small batches, whichever node comes first.
pub(super) async fn clean_up(booted: Booted, mut stop: watch::Receiver<bool>) {
    loop {
        match booted
            .store
            .clean_up(booted.config.session, booted.clock.now())
            .await
        {
            Ok(cleaned) => tracing::debug!(?cleaned, "cleaned up"),
            Err(error) => tracing::warn!(%error, "could not clean up; trying again later"),
        }
        tokio::select! {
            () = tokio::time::sleep(CLEAN_UP_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}
