//! `doorward sp update`: what is not named stays as it is.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::context::{Context, Open, created_lines, names};
use super::super::error::{CliError, refused, usage};
use super::super::tell;
use super::add::check_keys;
use super::attributes::note_empty;
use super::document::document;
use super::endpoints::{Source, acs_refused, checked, endpoints};
use super::metadata;
use super::options::Options;
use super::origin::{Kept, RuleOfSource};
use super::protection::check_protection;
use super::refresh::{RefreshOption, with_followed};
use super::signing_key::SigningKeyChoice;
use super::slo;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::SpName;
use crate::directory::service_provider::ServiceProvider;
use crate::saml::sp_metadata::parse_whenever;
use crate::storage::StoreError;

/// The arguments of `sp update`.
#[derive(Debug, Args)]
pub(in super::super) struct Update {
    /// Its short name or its entityID
    name: String,
    /// Another short name
    #[arg(long = "name", value_name = "NAME", value_parser = SpName::parse)]
    new_name: Option<SpName>,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    slo: slo::SloOptions,
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    signing_key: SigningKeyChoice,
    #[command(flatten)]
    rule_of_source: RuleOfSource,
    #[command(flatten)]
    refresh: RefreshOption,
}

impl Update {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let described = self.source.metadata.is_some()
            || !self.source.acs.is_empty()
            || !self.source.certificates.is_empty()
            || !self.source.encryption_certificates.is_empty()
            || self.slo.said().is_some();
        let decided = self.options.says_something() || self.signing_key.says_something();
        let decided = decided || self.rule_of_source.says_something();
        let decided = decided || self.refresh.says_something();
        if !described && self.new_name.is_none() && !decided {
            return Err(usage(
                "nothing to change is named",
                "`doorward sp update --help` lists what can be changed",
            ));
        }
        let open = context.open().await?;
        let before = open.sp(&self.name).await?;
        let mut sp = self.with_source(&open, before.clone())?;
        sp.rule = self.options.changed_rule(&before.rule)?;
        sp.policy = self.options.policy(sp.policy)?;
        sp.policy.signing_key = self
            .signing_key
            .resolve(&open, sp.policy.signing_key)
            .await?;
        sp.name = self.new_name.unwrap_or(sp.name);
        // Checked again as a whole: plain http may have been withdrawn.
        sp.acs = checked(sp.acs.iter().cloned().collect(), sp.policy.allow_http)?;
        let slo = self.slo.said();
        let slo = slo.unwrap_or_else(|| sp.slo.iter().cloned().collect());
        sp.slo = slo::checked(slo, sp.policy.allow_http)?;
        check_keys(&sp)?;
        check_protection(&sp, &open)?;
        let kept = self.rule_of_source.resolve(&open, &before, &sp, described);
        let kept = kept.await?;
        let place = self.source.metadata.as_deref();
        let settling = (&self.refresh, place, described);
        store(context, &open, (&before, &sp), kept.as_ref(), settling).await
    }

    /// The registration with what metadata or `--acs` and `--certificate` say anew.
    fn with_source(
        &self,
        open: &Open,
        mut sp: ServiceProvider,
    ) -> Result<ServiceProvider, CliError> {
        let allow_http = self.options.allow_http(sp.policy.allow_http);
        if let Some(place) = &self.source.metadata {
            let read = metadata::read(place, open.clock.now())?;
            if read.entity_id != sp.entity_id {
                return Err(refused(
                    format!("the metadata is not of {}", sp.entity_id),
                    "register another entityID with `doorward sp add`",
                ));
            }
            let before = sp.metadata.as_deref().map(str::as_bytes);
            let before = before.and_then(|xml| parse_whenever(xml).ok());
            sp.policy.allow_http = allow_http;
            read.replace_in(&mut sp, before.as_ref())
                .map_err(|error| acs_refused(&error))?;
        }
        if !self.source.acs.is_empty() {
            sp.acs = checked(endpoints(&self.source.acs)?, allow_http)?;
        }
        if !self.source.certificates.is_empty() {
            sp.certificates = self.source.read_certificates()?;
            sp.bare_keys.clear();
        }
        if !self.source.encryption_certificates.is_empty() {
            sp.declared.encryption_keys = self.source.read_encryption_keys()?.encryption_keys;
        }
        Ok(sp)
    }
}

async fn store(
    context: &Context,
    open: &Open,
    (before, sp): (&ServiceProvider, &ServiceProvider),
    kept: Option<&Kept>,
    (refresh, place, described): (&RefreshOption, Option<&str>, bool),
) -> Result<ExitCode, CliError> {
    let created = open.ensure_roles(sp.rule.roles()).await?;
    let changed = before != sp || kept.is_some_and(|kept| kept.changed);
    if changed {
        let detail = if before.rule == sp.rule {
            format!("rule as before: {}", sp.rule)
        } else {
            format!("rule: {}; before: {}", sp.rule, before.rule)
        };
        let event = AuditEvent {
            detail: Some(detail),
            ..open.event_at(AuditKind::SpUpdated, &sp.name)
        };
        let store = &open.store;
        let updated = match kept {
            None => store.update_sp(sp, event).await,
            Some(Kept {
                source, own_rule, ..
            }) => {
                store
                    .update_sp_of_source(sp, source, *own_rule, event)
                    .await
            }
        };
        match updated {
            Err(StoreError::Conflict) => {
                return Err(refused(
                    format!(
                        "{} was changed meanwhile, or the name is taken",
                        before.name
                    ),
                    "look at `doorward sp list` and try again",
                ));
            }
            updated => updated?,
        }
    }
    let sp = open.sp(sp.name.as_str()).await?;
    note_empty(open, &sp).await?;
    let followed = refresh.settle(open, &sp, place, described).await?;
    let told = if before.rule == sp.rule {
        Vec::new()
    } else {
        tell::shut_out(open, &sp).await?
    };
    let registration = with_followed(document(&sp), followed.as_ref());
    let document = json!({"sp": registration, "changed": changed,
        "created_roles": names(&created), "told": tell::summary(&told)});
    context.done(&document, |_| {
        let line = if changed {
            format!("updated {}; may enter: {}\n", sp.name, sp.rule)
        } else {
            format!("{} was so already\n", sp.name)
        };
        created_lines(&created) + &line + &tell::summary_line(&told)
    })
}
