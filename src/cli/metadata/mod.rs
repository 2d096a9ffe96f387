//! `doorward metadata`: sources that describe many service providers, refreshed by themselves.

mod add;
mod list;
mod refresh;
mod remove;
mod report;
mod update;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::{Context, Open};
use super::error::{CliError, refused, usage};
use crate::directory::metadata_source::{Followed, MetadataSource};
use crate::directory::name::RoleName;
use crate::directory::rule::{Quantifier, Rule};
use crate::sources::Sources;

/// The commands about sources of metadata.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  doorward metadata list")]
pub(super) enum Metadata {
    /// Add a source: an aggregate by file or address, or a metadata query service (--mdq)
    #[command(after_help = "\
Its service providers stand under the rule of the source until one is given its own by
`doorward sp update NAME --require-role ROLE`.

Example:
  doorward metadata add https://md.federation.example/all.xml --key federation.pem \\
      --require-role staff --name federation
  doorward metadata add https://mdq.federation.example --mdq --key federation.pem \\
      --require-role staff --require-role student")]
    Add(add::Add),
    /// List the sources: where they are, their rules, when they were refreshed
    #[command(after_help = "Example:\n  doorward metadata list --json")]
    List,
    /// Change the rule or the keys of a source; the rule holds at once for all that stand under it
    #[command(after_help = "\
Example:
  doorward metadata update federation --require-role staff --require-role guest
  doorward metadata update federation --key old.pem --key new.pem")]
    Update(update::Update),
    /// Refresh a source now, or a service provider that was added by its own address, or all of them,
    /// and show what changed
    #[command(after_help = "Example:\n  doorward metadata refresh federation")]
    Refresh(refresh::Refresh),
    /// Remove a source and the service providers that came from it
    #[command(after_help = "Example:\n  doorward metadata remove federation")]
    Remove(remove::Remove),
}

impl Metadata {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        match self {
            Self::Add(add) => add.run(context).await,
            Self::List => list::run(context).await,
            Self::Update(update) => update.run(context).await,
            Self::Refresh(refresh) => refresh.run(context).await,
            Self::Remove(remove) => remove.run(context).await,
        }
    }
}

/// The rule of a source.
#[derive(Debug, Args)]
struct RuleOptions {
    /// A role that may enter (repeat: any of them); `everyone` is a built-in role
    #[arg(long = "require-role", value_name = "ROLE", value_parser = RoleName::parse)]
    require_roles: Vec<RoleName>,
    /// All of the required roles are needed; to be said again whenever --require-role is
    #[arg(long, requires = "require_roles")]
    require_all: bool,
}

impl RuleOptions {
    /// The rule that was said; an empty one cannot be (decision 2).
    fn rule(&self) -> Result<Rule, CliError> {
        let quantifier = if self.require_all {
            Quantifier::AllOf
        } else {
            Quantifier::AnyOf
        };
        Rule::new(quantifier, self.require_roles.iter().cloned()).map_err(|_| {
            usage(
                "no source is added without a rule about who may enter",
                "add --require-role ROLE; `--require-role everyone` opens all its doors to all",
            )
        })
    }
}

/// How the metadata of one SP is read again, as a document.
pub(super) fn following(followed: &Followed) -> Value {
    let state = &followed.state;
    json!({"url": followed.url, "refreshed_at": state.refreshed_at.map(|at| at.to_string()),
        "next_at": state.next_at.to_string(), "failures": state.failures,
        "failure": state.failure})
}

/// Refreshing, as the person at the command line.
pub(super) fn sources(open: &Open) -> Sources {
    Sources::new(
        open.store.clone(),
        open.clock.clone(),
        open.config.sources.clone(),
        open.actor().to_owned(),
    )
    .denying(open.config.denied_algorithms.clone())
    .beside(open.config.entity_id.as_str())
}

/// The source of this name, which has to be there.
async fn source(open: &Open, name: &str) -> Result<MetadataSource, CliError> {
    let found = open.store.metadata_source(name).await?;
    found.ok_or_else(|| {
        refused(
            format!("there is no source of metadata {name:?}"),
            "`doorward metadata list` shows them",
        )
    })
}
