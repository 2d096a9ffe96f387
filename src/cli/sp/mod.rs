//! `doorward sp`: the doors. None is registered without a rule about who may enter.

mod add;
mod attributes;
mod document;
mod endpoints;
mod listing;
pub(super) mod metadata;
mod options;
mod origin;
mod preset;
mod protection;
mod refresh;
mod release;
mod signing_key;
mod slo;
mod snippet;
mod told;
mod trace;
mod update;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::context::{Context, Open};
use super::error::{CliError, refused};
use super::tell;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::{SpId, SpName};

pub(super) use document::rule as rule_document;
use document::{document, print};
pub(super) use listing::Which;

/// The commands about service providers.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  doorward sp show store")]
pub(super) enum Sp {
    /// Register a service provider with the rule about who may enter
    #[command(override_usage = "\
doorward sp add --name NAME --metadata FILE_OR_URL --require-role ROLE [OPTIONS]
       doorward sp add --name NAME --entity-id ID --acs URL --require-role ROLE [OPTIONS]")]
    #[command(after_help = "\
Example:
  doorward sp add --metadata https://store.example.org/saml/metadata --name store --require-role consumer
  doorward sp add --name wiki --entity-id https://wiki.example.org/saml \\
      --acs https://wiki.example.org/saml/acs --require-role staff --require-role guest
  doorward sp add --metadata portal.xml --name portal --require-role everyone")]
    Add(Box<add::Add>),
    /// List the registered service providers and their rules
    #[command(after_help = "\
Example:
  doorward sp list --json
  doorward sp list --search example.org --limit 50")]
    List(listing::Which),
    /// Show a registration
    #[command(after_help = "Example:\n  doorward sp show store")]
    Show(Named),
    /// Change a registration; what is not named stays as it is
    #[command(after_help = "\
Example:
  doorward sp update store --require-role consumer --require-role staff
  doorward sp update store --metadata https://store.example.org/saml/metadata
  doorward sp update store --allow-idp-initiated=false
  doorward sp update store --signing-key 3f9a01bc
  doorward sp update store --attribute-set ldap --attribute 'urn:x:team=${department|lower}'")]
    Update(Box<update::Update>),
    /// List what `sp add --preset` knows: what common products want to be told
    #[command(
        after_help = "Example:\n  doorward sp presets\n  doorward sp add --preset slack \\
      --metadata slack.xml --name slack --require-role staff"
    )]
    Presets,
    /// Print the configuration of the application's side
    #[command(after_help = "\
Example:
  doorward sp snippet store --for python3-saml
  doorward sp snippet store --for pysaml2 --file sp_conf.py > sp_conf.py")]
    Snippet(snippet::Snippet),
    /// Show what it is told, and the values for somebody
    #[command(after_help = "\
Example:
  doorward sp attributes store --preview ada
  doorward sp attributes store --toml > store-attributes.toml")]
    Attributes(attributes::Attributes),
    /// Disable a service provider: it gets nothing at all
    #[command(after_help = "Example:\n  doorward sp disable store")]
    Disable(Named),
    /// Enable a service provider again
    #[command(after_help = "Example:\n  doorward sp enable store")]
    Enable(Named),
    /// The last messages of a service provider: what came, what was expected, what left
    #[command(after_help = "\
Example:
  doorward sp trace store
  doorward sp trace https://store.example.org/saml/metadata --follow
  doorward sp trace --json")]
    Trace(trace::Trace),
    /// Remove a registration
    #[command(after_help = "Example:\n  doorward sp remove store")]
    Remove(Named),
}

/// Which SP a command is about.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// Its short name or its entityID
    name: String,
}

impl Sp {
    pub(super) async fn run(self: Box<Self>, context: &Context) -> Result<ExitCode, CliError> {
        match *self {
            Self::Add(add) => add.run(context).await,
            Self::Update(update) => update.run(context).await,
            Self::List(which) => listing::list(context, &context.open().await?, &which).await,
            Self::Show(named) => show(context, &context.open().await?, &named.name).await,
            Self::Presets => preset::list(context),
            Self::Snippet(snippet) => snippet.run(context).await,
            Self::Attributes(attributes) => attributes.run(context).await,
            Self::Disable(named) => switch(context, &named.name, false).await,
            Self::Enable(named) => switch(context, &named.name, true).await,
            Self::Trace(trace) => trace.run(context).await,
            Self::Remove(named) => remove(context, &named.name).await,
        }
    }
}

async fn show(context: &Context, open: &Open, name: &str) -> Result<ExitCode, CliError> {
    let sp = open.sp(name).await?;
    let origin = open.store.origin(&sp.id).await?;
    let followed = open.store.followed_sp(&sp.id).await?;
    let told = origin::with_origin(document(&sp), origin.as_ref());
    let told = refresh::with_followed(told, followed.as_ref());
    let now = open.clock.now();
    context.done(&json!({ "sp": told }), |style| {
        print(style, &sp)
            + &origin::print(style, origin.as_ref(), now)
            + &refresh::print(style, followed.as_ref(), now)
    })
}

async fn switch(context: &Context, name: &str, enabled: bool) -> Result<ExitCode, CliError> {
    let open = context.open().await?;
    let sp = open.sp(name).await?;
    let (kind, word) = if enabled {
        (AuditKind::SpEnabled, "enabled")
    } else {
        (AuditKind::SpDisabled, "disabled")
    };
    let event = open.event_at(kind, &sp.name);
    let changed = open.store.set_sp_enabled(&sp.id, enabled, event).await?;
    let told = if enabled {
        Vec::new()
    } else {
        tell::everybody_out(&open, &sp.id).await?
    };
    let document = json!({"sp": sp.name.as_str(), "enabled": enabled, "changed": changed,
        "told": tell::summary(&told)});
    context.done(&document, |_| {
        let line = if changed {
            format!("{word} {}\n", sp.name)
        } else {
            format!("{} was {word} already\n", sp.name)
        };
        line + &tell::summary_line(&told)
    })
}

async fn remove(context: &Context, name: &str) -> Result<ExitCode, CliError> {
    let open = context.open().await?;
    let (id, name) = to_remove(&open, name).await?;
    let origin = open.store.origin(&id).await?;
    origin::check_removal(&name, origin.as_ref())?;
    let event = AuditEvent {
        sp: SpName::parse(&name).ok(),
        ..open.event(AuditKind::SpRemoved)
    };
    // Before its endpoints are forgotten.
    let told = tell::everybody_out(&open, &id).await?;
    if !open.store.remove_sp(&id, event).await? {
        return Err(refused(
            format!("{name} was removed meanwhile"),
            "nothing is left to do",
        ));
    }
    // What it described may be told by a source from now on.
    open.store.forget_validators().await?;
    let document = json!({"sp": name, "removed": true, "told": tell::summary(&told)});
    context.done(&document, |_| {
        format!("removed {name}\n{}", tell::summary_line(&told))
    })
}

/// Which registration to remove: one that cannot be read as well.
async fn to_remove(open: &Open, name: &str) -> Result<(SpId, String), CliError> {
    let all = open.store.service_providers().await?;
    if let Some(sp) = all.unreadable.into_iter().find(|sp| sp.name == name) {
        return Ok((sp.id, sp.name));
    }
    let sp = open.sp(name).await?;
    Ok((sp.id, sp.name.as_str().to_owned()))
}
