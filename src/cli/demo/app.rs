//! `doorward demo app`: the store or the publisher as a process of its own, one node of several.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::serve_demo_app;
use crate::cli::context::Context;
use crate::cli::error::{CliError, refused};
use crate::cli::output::record;
use crate::cli::sp::metadata::read_bytes;
use crate::cli::{logging, serve};
use crate::config::{LogForm, LogLevel};
use crate::demo::{self, AppConfig, Kind};

/// The arguments of `demo app`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  doorward demo app store --listen 10.0.0.21:8080 --base-url https://store.example.org \\
      --idp-metadata https://login.example.org/saml/metadata --folder /srv/store
  (one of two nodes of the store behind a proxy that serves https://store.example.org; the other
  has its own --listen)
  doorward sp add --metadata https://store.example.org/saml/metadata --name store --require-role store

All nodes of an app share --folder: its key, its sessions and the catalogue, which are SQLite files.
The store and the publisher show the same catalogue where they share it too.")]
pub(super) struct AppNode {
    /// Which of the two
    #[arg(value_enum)]
    kind: AppKind,
    /// The socket address to serve at
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,
    /// What browsers see
    #[arg(long, value_name = "URL")]
    base_url: String,
    /// The identity provider's metadata, read once at the start
    #[arg(long, value_name = "FILE_OR_URL")]
    idp_metadata: String,
    /// Where key, sessions and catalogue are; made if absent
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// The other app, to link to
    #[arg(long, value_name = "URL")]
    sibling_url: Option<String>,
    /// The form of the log on stderr: `auto` is text on a terminal, else JSON
    #[arg(long, value_enum, default_value = "auto")]
    log: Log,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum AppKind {
    /// Where consumers find assets
    Store,
    /// Where publishers make them
    Publisher,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Log {
    Auto,
    Text,
    Json,
}

impl AppNode {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let form = match self.log {
            Log::Auto => LogForm::Auto,
            Log::Text => LogForm::Text,
            Log::Json => LogForm::Json,
        };
        logging::start(form, LogLevel::Info);
        let listener = serve::listen(self.listen).await?;
        let app = demo::App::open(self.config()?).await;
        let fix = "look at --folder and at --idp-metadata";
        let app = app.map_err(|error| refused(error.to_string(), fix))?;
        let base_url = self.base_url.trim_end_matches('/');
        let listen = listener.local_addr().map_err(CliError::Output)?.to_string();
        let metadata = format!("{base_url}/saml/metadata");
        let document = json!({"app": self.kind().word(), "base_url": base_url,
            "listen": listen, "metadata": metadata});
        context.out.tell(&document, |style| {
            let fields = [
                ("app", self.kind().name().to_owned()),
                ("address", base_url.to_owned()),
                ("listens at", listen.clone()),
                ("metadata", metadata.clone()),
            ];
            record(style, &fields)
        })?;
        serve_demo_app(listener, app, serve::stop_on_signal()?).await?;
        Ok(ExitCode::SUCCESS)
    }

    fn kind(&self) -> Kind {
        match self.kind {
            AppKind::Store => Kind::Store,
            AppKind::Publisher => Kind::Publisher,
        }
    }

    fn config(&self) -> Result<AppConfig, CliError> {
        let metadata = String::from_utf8(read_bytes(&self.idp_metadata)?).map_err(|_| {
            refused(
                format!("{}: it is no UTF-8", self.idp_metadata),
                "name the metadata of the identity provider",
            )
        })?;
        Ok(AppConfig {
            kind: self.kind(),
            base_url: self.base_url.clone(),
            idp_metadata: metadata,
            folder: self.folder.clone(),
            assets: self.folder.join("assets.db"),
            accept_unsolicited: true,
            sign_requests: true,
            sibling_url: self.sibling_url.clone(),
        })
    }
}
