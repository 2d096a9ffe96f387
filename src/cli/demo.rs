//! `doorward demo`: the whole story on loopback, with nothing to configure.

mod app;
mod people;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::boot::{Booted, boot};
use super::context::Context;
use super::error::{CliError, refused};
use super::logging;
use super::output::Output;
use super::serve;
use crate::clock::{Clock, random_id};
use crate::config::Config;
use crate::demo::{self, AppConfig, Kind};
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::{RoleName, SpId, SpName};
use crate::directory::rule::{Quantifier, Rule};
use crate::directory::service_provider::{AcsEndpoints, Policy, ServiceProvider};
use crate::directory::slo_endpoint::SloEndpoints;
use crate::saml::sp_metadata;
use crate::web::{App, metadata_document};

/// The arguments of `demo`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  doorward demo --port 9000"
)]
pub(super) struct Demo {
    /// The port of the identity provider; the store gets the next one, the publisher the one after
    #[arg(long, default_value_t = 8080, value_name = "N")]
    port: u16,
    /// An empty database for the identity provider, in place of SQLite in the demo's folder
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    #[command(subcommand)]
    part: Option<Part>,
}

/// A part of it alone.
#[derive(Debug, Subcommand)]
enum Part {
    /// Run the store or the publisher as a process of its own, one node of several
    App(app::AppNode),
}

/// The three addresses of the demo.
#[derive(Debug, Clone)]
struct Addresses {
    idp: String,
    store: String,
    publisher: String,
}

impl Demo {
    pub(super) async fn run(mut self, context: &Context) -> Result<ExitCode, CliError> {
        if let Some(Part::App(node)) = self.part.take() {
            return node.run(context).await;
        }
        let folder = Folder::make()?;
        let result = self.run_in(&folder, context).await;
        folder.remove();
        result
    }

    async fn run_in(self, folder: &Folder, context: &Context) -> Result<ExitCode, CliError> {
        let (listeners, addresses) = self.listen().await?;
        let [idp_listener, store_listener, publisher_listener] = listeners;
        let file = folder.path.join("doorward.toml");
        let config = write_config(
            &file,
            &addresses,
            &idp_listener,
            self.database_url.as_deref(),
        )?;
        logging::init(&config);
        let booted = boot(config, Clock::System, "demo").await?;
        let app = serve::app(&booted)?;
        let store = open_app(Kind::Store, &app, folder, &addresses).await?;
        let publisher = open_app(Kind::Publisher, &app, folder, &addresses).await?;
        register(&booted, &store, Kind::Store, &addresses.store).await?;
        register(&booted, &publisher, Kind::Publisher, &addresses.publisher).await?;
        let people = people::add(&booted).await?;
        announce(context.out, &addresses, &people, &file)?;
        let stop = serve::stop_on_signal()?;
        let cleaning = tokio::spawn(serve::clean_up(booted.clone(), stop.clone()));
        let tracing = serve::trace(&booted.config.keys_dir, &app);
        let (one, two) = (stop.clone(), stop.clone());
        tokio::try_join!(
            serve::serve(idp_listener, app, stop),
            serve_demo_app(store_listener, store, one),
            serve_demo_app(publisher_listener, publisher, two),
        )?;
        cleaning.abort();
        serve::end_trace(tracing).await;
        booted.store.shut_down().await;
        Ok(ExitCode::SUCCESS)
    }

    /// Binds all three before anything is made, so that a taken port leaves nothing behind.
    async fn listen(&self) -> Result<([TcpListener; 3], Addresses), CliError> {
        let port = |offset| {
            self.port
                .checked_add(offset)
                .filter(|_| self.port != 0)
                .ok_or_else(|| {
                    refused(
                        "three ports in a row do not fit there",
                        "choose --port from 1 to 65533",
                    )
                })
        };
        let mut listeners = vec![];
        for offset in 0..3 {
            let address = std::net::SocketAddr::from(([127, 0, 0, 1], port(offset)?));
            listeners.push(serve::listen(address).await?);
        }
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let addresses = Addresses {
            idp: url(port(0)?),
            store: url(port(1)?),
            publisher: url(port(2)?),
        };
        let listeners = listeners
            .try_into()
            .map_err(|_| refused("the demo needs three ports", "this is a mistake of ours"))?;
        Ok((listeners, addresses))
    }
}

/// The demo's folder, gone when the demo is.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn make() -> Result<Self, CliError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let id = random_id().map_err(|error| refused(error.to_string(), "try again"))?;
        let path = std::env::temp_dir().join(format!("doorward-demo-{id}"));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(CliError::Output)?;
        Ok(Self { path })
    }

    fn remove(&self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, folder = %self.path.display(), "the demo's folder stays");
        }
    }
}

/// The configuration of the demo, in a file too, so that the other commands can be tried on it.
/// What the environment says about password costs, throttling and the log holds here as well.
fn write_config(
    file: &Path,
    addresses: &Addresses,
    listener: &TcpListener,
    database_url: Option<&str>,
) -> Result<Config, CliError> {
    let listen = listener.local_addr().map_err(CliError::Output)?;
    let base_url = &addresses.idp;
    let contact = "the Doorward demo team (demo@example.org)";
    let database = database_url.map_or_else(String::new, |url| {
        format!("database_url = {}\n", toml::Value::from(url))
    });
    let text = format!(
        "# The configuration of a running `doorward demo`; it goes away with it.\n\
         base_url = \"{base_url}\"\nlisten = \"{listen}\"\ncontact = \"{contact}\"\n{database}"
    );
    std::fs::write(file, text).map_err(CliError::Output)?;
    let of_the_demo = [
        "DOORWARD_BASE_URL",
        "DOORWARD_LISTEN",
        "DOORWARD_DATABASE_URL",
        "DOORWARD_KEYS_DIR",
    ];
    let variables =
        super::context::variables().filter(|(name, _)| !of_the_demo.contains(&name.as_str()));
    Ok(Config::load(Some(file), variables)?)
}

async fn open_app(
    kind: Kind,
    idp: &App,
    folder: &Folder,
    addresses: &Addresses,
) -> Result<demo::App, CliError> {
    let (base_url, sibling) = match kind {
        Kind::Store => (&addresses.store, &addresses.publisher),
        Kind::Publisher => (&addresses.publisher, &addresses.store),
    };
    let metadata = metadata_document(idp)
        .await
        .map_err(|error| refused(error, "this is a mistake of ours: please report it"))?;
    let config = AppConfig {
        kind,
        base_url: base_url.clone(),
        idp_metadata: metadata,
        folder: folder.path.join(kind.word()),
        assets: folder.path.join("assets.db"),
        accept_unsolicited: true,
        sign_requests: true,
        sibling_url: Some(sibling.clone()),
    };
    let failed = |error: demo::DemoError| refused(error.to_string(), "see the line above");
    demo::App::open(config).await.map_err(failed)
}

/// Registers a demo app as `doorward sp add --metadata … --require-role …` would.
async fn register(
    booted: &Booted,
    app: &demo::App,
    kind: Kind,
    home: &str,
) -> Result<(), CliError> {
    let wrong = |error: String| refused(error, "this is a mistake of ours: please report it");
    let now = booted.clock.now();
    let metadata = sp_metadata::parse(app.metadata().as_bytes(), now)
        .map_err(|error| wrong(error.to_string()))?;
    let name = SpName::parse(kind.word()).map_err(|error| wrong(error.to_string()))?;
    let role = RoleName::parse(kind.word()).map_err(|error| wrong(error.to_string()))?;
    booted
        .store
        .ensure_role(&role, AuditEvent::new(now, AuditKind::RoleAdded))
        .await?;
    let contact = match kind {
        Kind::Store => "the shop desk (store@example.org)",
        Kind::Publisher => "the publishing team (publisher@example.org)",
    };
    let sp = ServiceProvider {
        id: SpId::from_stored(random_id().map_err(|error| wrong(error.to_string()))?),
        version: 1,
        name: name.clone(),
        entity_id: metadata.entity_id,
        enabled: true,
        rule: Rule::new(Quantifier::AnyOf, [role]).map_err(|error| wrong(error.to_string()))?,
        acs: AcsEndpoints::new(metadata.acs, false).map_err(|error| wrong(error.to_string()))?,
        slo: SloEndpoints::new(metadata.slo, false).map_err(|error| wrong(error.to_string()))?,
        certificates: metadata.certificates,
        bare_keys: metadata.bare_keys,
        name_id_formats: metadata.name_id_formats,
        requested: metadata.requested,
        declared: metadata.declared,
        metadata: Some(metadata.xml),
        policy: Policy {
            display_name: Some(kind.name().to_owned()),
            home_url: Some(format!("{home}/saml/login")),
            contact: Some(contact.to_owned()),
            require_signed_requests: metadata.authn_requests_signed,
            allow_idp_initiated: true,
            ..Policy::default()
        },
    };
    let event = AuditEvent {
        sp: Some(name),
        ..AuditEvent::new(now, AuditKind::SpAdded)
    };
    Ok(booted.store.add_sp(&sp, event).await?)
}

/// Says what there is: one JSON line, or a page for the terminal.
fn announce(
    out: Output,
    addresses: &Addresses,
    people: &[people::Person],
    config: &Path,
) -> Result<(), CliError> {
    let users: Vec<_> = people
        .iter()
        .map(|person| {
            json!({"name": person.name, "password": person.password, "roles": person.roles,
                "may_enter": person.may_enter})
        })
        .collect();
    let document = json!({"idp": addresses.idp, "store": addresses.store,
        "publisher": addresses.publisher, "users": users, "config": config.display().to_string()});
    let doors = BTreeMap::from([
        ("store", &addresses.store),
        ("publisher", &addresses.publisher),
    ]);
    out.tell(&document, |style| {
        table::text(style, &addresses.idp, &doors, people, config)
    })
    .map_err(CliError::Output)
}

async fn serve_demo_app(
    listener: TcpListener,
    app: demo::App,
    mut stop: watch::Receiver<bool>,
) -> Result<(), CliError> {
    let told = async move {
        // An error means that the sender is gone, and then it is time to stop as well.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    axum::serve(listener, app.router())
        .with_graceful_shutdown(told)
        .await
        .map_err(CliError::Output)
}
