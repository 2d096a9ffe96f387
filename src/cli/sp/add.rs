//! `doorward sp add`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::context::{Context, Open, created_lines, names};
use super::super::error::{CliError, refused, usage};
use super::attributes::note_empty;
use super::document::document;
use super::endpoints::{Described, Source, checked};
use super::options::Options;
use super::preset::Preset;
use super::protection::check_protection;
use super::refresh::{RefreshOption, with_followed};
use super::signing_key::SigningKeyChoice;
use super::slo;
use crate::clock::random_id;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::metadata_source::Followed;
use crate::directory::name::{EntityId, SpId, SpName};
use crate::directory::service_provider::{Policy, ServiceProvider};
use crate::storage::StoreError;

/// The arguments of `sp add`.
#[derive(Debug, Args)]
pub(in super::super) struct Add {
    /// Its short unique name, as a person types it
    #[arg(long, value_parser = SpName::parse)]
    name: SpName,
    /// By hand: its entityID
    #[arg(long, value_name = "ID", value_parser = EntityId::parse_lenient, conflicts_with = "metadata", requires = "acs")]
    entity_id: Option<EntityId>,
    /// What this product wants to be told; other options win (`sp presets` lists them)
    #[arg(long, value_enum, hide_possible_values = true)]
    preset: Option<Preset>,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    slo: slo::SloOptions,
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    signing_key: SigningKeyChoice,
    #[command(flatten)]
    refresh: RefreshOption,
}

impl Add {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        // What is wrong with the command line is said before anything is opened or fetched.
        let rule = self.options.new_rule()?;
        if self.source.metadata.is_none() && self.entity_id.is_none() {
            return Err(usage(
                "the service provider is not described",
                "add --metadata FILE_OR_URL, or --entity-id ID and --acs URL",
            ));
        }
        let open = context.open().await?;
        let described = self.source.read(&open)?;
        let entity_id = described.entity_id.clone().or(self.entity_id);
        let entity_id =
            entity_id.ok_or_else(|| usage("the entityID is missing", "add --entity-id ID"))?;
        let first = first_policy(&described);
        let first = match self.preset {
            Some(preset) => preset.on(first)?,
            None => first,
        };
        let mut policy = self.options.policy(first)?;
        policy.signing_key = self.signing_key.resolve(&open, None).await?;
        let slo = self.slo.said().unwrap_or(described.slo);
        let sp = ServiceProvider {
            id: SpId::from_stored(random_id()?),
            version: 1,
            name: self.name,
            entity_id,
            enabled: true,
            rule,
            acs: checked(described.acs, policy.allow_http)?,
            slo: slo::checked(slo, policy.allow_http)?,
            certificates: described.certificates,
            bare_keys: described.bare_keys,
            name_id_formats: described.name_id_formats,
            declared: described.declared,
            requested: described.requested,
            metadata: described.xml,
            policy,
        };
        check_keys(&sp)?;
        check_protection(&sp, &open)?;
        let place = self.source.metadata.as_deref();
        register(context, &open, &sp, (&self.refresh, place)).await
    }
}

/// What the metadata says where the administrator says nothing.
fn first_policy(described: &Described) -> Policy {
    Policy {
        display_name: described.display_name.clone(),
        require_signed_requests: described.signs_requests,
        ..Policy::default()
    }
}

/// Signed requests can be demanded only of an SP whose key is known.
pub(super) fn check_keys(sp: &ServiceProvider) -> Result<(), CliError> {
    let has_key = !sp.certificates.is_empty() || !sp.bare_keys.is_empty();
    if sp.policy.require_signed_requests && !has_key {
        return Err(refused(
            format!(
                "{} has to sign its requests, but no key of it is known",
                sp.name
            ),
            "add --certificate FILE, or metadata with a signing key",
        ));
    }
    Ok(())
}

async fn register(
    context: &Context,
    open: &Open,
    sp: &ServiceProvider,
    (refresh, place): (&RefreshOption, Option<&str>),
) -> Result<ExitCode, CliError> {
    let other = match open.store.sp_by_name(sp.name.as_str()).await? {
        Some(other) => Some(other),
        None => open.store.sp_by_entity_id(&sp.entity_id).await?,
    };
    let taken = |name: &SpName| {
        refused(
            format!("{name} is registered already, with this name or this entityID"),
            format!("`doorward sp update {name}` changes it"),
        )
    };
    if let Some(other) = other {
        return Err(taken(&other.name));
    }
    let created = open.ensure_roles(sp.rule.roles()).await?;
    let event = AuditEvent {
        detail: Some(format!("{}; rule: {}", sp.entity_id, sp.rule)),
        ..open.event_at(AuditKind::SpAdded, &sp.name)
    };
    match open.store.add_sp(sp, event).await {
        Err(StoreError::Conflict) => return Err(taken(&sp.name)),
        added => added?,
    }
    note_empty(open, sp).await?;
    let followed = refresh.settle(open, sp, place, false).await?;
    let document = with_followed(document(sp), followed.as_ref());
    let told = json!({"sp": document, "created_roles": names(&created)});
    context.done(&told, |_| {
        let created = created_lines(&created);
        let (name, entity_id, rule) = (&sp.name, &sp.entity_id, &sp.rule);
        let line = format!("{created}registered {name} ({entity_id}); may enter: {rule}\n");
        match followed {
            Some(Followed { url, .. }) => {
                line + &format!("its metadata is read again from {url}\n")
            }
            None => line,
        }
    })
}
