//! `doorward serve`: the identity provider, until it is told to stop.

mod chores;
mod stop;
mod tls;

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum_server::accept::DefaultAcceptor;
use axum_server::tls_openssl::OpenSSLAcceptor;
use axum_server::{Handle, Server};
use clap::Args;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;

#[cfg(feature = "demo")]
pub(super) use stop::stop_on_signal;
use tls::{Hangup, Tls};

use super::boot::{Booted, boot, correct};
use super::context::Context;
use super::endings;
use super::error::{CliError, refused};
use super::logging;
use crate::authn::password::Passwords;
use crate::clock::{Clock, is_too_far};
use crate::directory::name::SpId;
use crate::sources::{Queries, Sources};
use crate::web::slo::{self, ToldOfMany};
use crate::web::{App, Site, TraceSocket, metrics_router, router};

/// How often what has expired is looked for.
const CLEAN_UP_EVERY: Duration = Duration::from_mins(1);
/// How long a browser may take to send the head of a request, and a proxy to keep an idle
/// connection: longer than nginx keeps its own (60 s), so that none is closed under its hands.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);
/// How often the clock is set by the database's.
const CORRECTED_EVERY: Duration = Duration::from_secs(30);
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
        let metrics = match booted.config.metrics_listen {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let base_url = booted.config.base_url.as_str();
        tracing::info!(base_url, listen = %booted.config.listen, "serving");
        let stop = stop::stop_after_draining(app.clone(), booted.config.drain)?;
        let acceptor = https(&booted, stop.clone())?;
        let cleaning = tokio::spawn(clean_up(booted.clone(), stop.clone()));
        let chores = tokio::spawn(chores::every_minute(app.clone(), stop.clone()));
        let timing = tokio::spawn(keep_time(booted.clone(), stop.clone()));
        let (say, withdrawn) = unbounded_channel();
        let (fresh, until) = (sources(&booted).saying_what_is_withdrawn(say), stop.clone());
        let refreshing = tokio::spawn(async move { fresh.keep_fresh(until).await });
        let telling = tokio::spawn(tell_withdrawn(app.clone(), withdrawn));
        let warning = tokio::spawn(endings::warn(booted.clone(), stop.clone()));
        let metrics = metrics.map(|listener| {
            let router = metrics_router(app.clone());
            tokio::spawn(serve_router(listener, router, None, stop.clone()))
        });
        let tracing = trace(&booted.config.keys_dir, &app);
        serve_router(listener, router(app), acceptor, stop).await?;
        cleaning.abort();
        chores.abort();
        timing.abort();
        refreshing.abort();
        telling.abort();
        // What has begun to tell of ends tells them all: it has the lease of the day.
        if let Err(error) = warning.await {
            tracing::warn!(%error, "the warnings about certificates ended early");
        }
        if let Some(metrics) = metrics {
            match metrics.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the metrics ended early"),
                Err(error) => tracing::warn!(%error, "the metrics ended early"),
            }
        }
        end_trace(tracing).await;
        booted.store.shut_down().await;
        name_head(&booted, &mut None).await;
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

/// Opens the socket for `doorward sp trace`. Without it everything else works all the same.
pub(super) fn trace(folder: &Path, app: &App) -> Option<JoinHandle<()>> {
    match TraceSocket::open(folder) {
        Ok(socket) => Some(tokio::spawn(socket.serve(app.clone()))),
        Err(error) => {
            let folder = folder.display();
            tracing::warn!(%error, %folder, "no socket: `doorward sp trace` will find nothing");
            None
        }
    }
}

/// Closes it; its file goes away.
pub(super) async fn end_trace(tracing: Option<JoinHandle<()>>) {
    if let Some(task) = tracing {
        task.abort();
        // It was told to end: that it did is no error.
        let _ = task.await;
    }
}

/// What the handlers need, out of what was opened.
pub fn app(booted: &Booted) -> Result<App, CliError> {
    let config = &booted.config;
    let site = Site {
        base_url: config.base_url.clone(),
        entity_id: config.entity_id.as_str().to_owned(),
        limits: config.session,
        clock_skew: config.clock_skew,
        denied_algorithms: config.denied_algorithms.clone(),
        authn_contexts: config.authn_contexts.clone(),
        throttle: config.throttle,
        contact: config.contact.clone(),
        metrics_elsewhere: config.metrics_listen.is_some(),
        about: config.about.clone(),
        common_domain: config.common_domain.clone(),
        require_signed_requests: config.require_signed_requests,
        trusted_proxies: config.trusted_proxies.clone(),
        release: config.release.clone(),
        queries: Some(Queries::new(sources(booted))),
    };
    let passwords = Passwords::new(config.argon2)
        .map_err(|error| refused(error.to_string(), "mend the argon2 settings"))?;
    let (clock, store) = (booted.clock.clone(), booted.store.clone());
    Ok(App::new(
        site,
        clock,
        store,
        &booted.secrets,
        booted.signing_keys.clone(),
        passwords,
    ))
}

/// Refreshing the sources of metadata, and asking about entities that nobody registered.
fn sources(booted: &Booted) -> Sources {
    Sources::new(
        booted.store.clone(),
        booted.clock.clone(),
        booted.config.sources.clone(),
        "serve".to_owned(),
    )
    .denying(booted.config.denied_algorithms.clone())
    .beside(booted.config.entity_id.as_str())
}

/// Tells the apps whose doors a source has shut about whom they have let in.
async fn tell_withdrawn(app: App, mut withdrawn: UnboundedReceiver<SpId>) {
    while let Some(sp) = withdrawn.recv().await {
        match slo::tell_of_everybody(&app, &sp).await {
            Ok(of_many) if of_many.told.is_empty() => {}
            Ok(ToldOfMany { told, left }) => {
                let (sp, people) = (sp.as_str(), told.len());
                tracing::info!(sp, people, left, "a door was shut, and its app was told");
            }
            Err(error) => tracing::warn!(sp = sp.as_str(), error, "its app could not be told"),
        }
    }
}

/// Serves until told to stop; requests in flight finish, for a while. Who sends a request too slowly
/// loses the connection.
#[cfg(feature = "demo")]
pub(super) async fn serve(
    listener: TcpListener,
    app: App,
    stop: watch::Receiver<bool>,
) -> Result<(), CliError> {
    serve_router(listener, router(app), None, stop).await
}

/// What HTTPS is accepted with, where it is configured; its files are followed from now on.
fn https(
    booted: &Booted,
    stop: watch::Receiver<bool>,
) -> Result<Option<OpenSSLAcceptor>, CliError> {
    let hangup = Hangup::listen()?;
    let Some(files) = &booted.config.tls else {
        tokio::spawn(hangup.answer());
        return Ok(None);
    };
    let tls = Tls::open(files, booted.clock.clone())?;
    let acceptor = OpenSSLAcceptor::new(tls.config());
    tokio::spawn(tls.follow(hangup, stop));
    Ok(Some(acceptor))
}

async fn serve_router(
    listener: TcpListener,
    router: Router,
    https: Option<OpenSSLAcceptor>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), CliError> {
    let handle = Handle::new();
    let told = handle.clone();
    tokio::spawn(async move {
        // An error means that the sender is gone, and then it is time to stop as well.
        let _ = stop.wait_for(|stop| *stop).await;
        told.graceful_shutdown(Some(GRACE));
    });
    let listener = listener.into_std().map_err(CliError::Output)?;
    let mut server: Server<SocketAddr, DefaultAcceptor> = axum_server::from_tcp(listener)
        .map_err(CliError::Output)?
        .handle(handle);
    let mut http = server.http_builder().http1();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let result = match https {
        Some(acceptor) => server.acceptor(acceptor).serve(service).await,
        None => server.serve(service).await,
    };
    result.map_err(CliError::Output)
}

/// Removes what has expired, in small batches, whichever node comes first.
///
/// Each time the head of the audit chain goes to the log, if it has moved: whoever cuts rows off the
/// end of the table would have to cut the log as well (decision 16).
pub(super) async fn clean_up(booted: Booted, mut stop: watch::Receiver<bool>) {
    let mut named = None;
    loop {
        match booted
            .store
            .clean_up(booted.config.session, booted.clock.now())
            .await
        {
            Ok(cleaned) => tracing::debug!(?cleaned, "cleaned up"),
            Err(error) => tracing::warn!(%error, "could not clean up; trying again later"),
        }
        if let Some(keep) = booted.config.audit_keep {
            let pruned = booted.store.prune_audit(keep, booted.clock.now()).await;
            if let Err(error) = pruned {
                tracing::warn!(%error, "old audit rows stay for now; trying again later");
            }
        }
        name_head(&booted, &mut named).await;
        tokio::select! {
            () = tokio::time::sleep(CLEAN_UP_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Follows the database's clock, where it is another machine's.
async fn keep_time(booted: Booted, mut stop: watch::Receiver<bool>) {
    while booted.store.is_shared() {
        tokio::select! {
            () = tokio::time::sleep(CORRECTED_EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if let Err(error) = correct(&booted.clock, &booted.store).await {
            tracing::warn!(%error, "the database's time is not known; the last difference holds");
        }
        let ahead = booted.clock.correction();
        if is_too_far(ahead) {
            tracing::error!(
                ahead_ms = ahead,
                "this machine's clock is not the database's: keep both by NTP"
            );
        }
    }
}

async fn name_head(booted: &Booted, named: &mut Option<String>) {
    match booted.store.audit_head().await {
        Ok(head) if head != *named => {
            tracing::info!(head = head.as_deref(), "audit chain");
            *named = head;
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the head of the audit chain is not known"),
    }
}
