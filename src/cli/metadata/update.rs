//! `doorward metadata update`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::certificate;
use super::super::context::{Context, created_lines, names};
use super::super::error::{CliError, refused, usage};
use super::super::tell;
use super::add::rule_document;
use super::{RuleOptions, source, sources};
use crate::directory::audit::AuditKind;
use crate::directory::metadata_source::MetadataSource;

/// The arguments of `metadata update`.
#[derive(Debug, Args)]
pub(in super::super) struct Update {
    /// The name of the source
    name: String,
    /// Certificates whose keys may sign it from now on, in the place of the former ones
    #[arg(long = "key", value_name = "CERT")]
    keys: Vec<PathBuf>,
    #[command(flatten)]
    rule: RuleOptions,
}

impl Update {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let says_a_rule = !self.rule.require_roles.is_empty();
        if self.keys.is_empty() && !says_a_rule {
            return Err(usage(
                "nothing to change is named",
                "add --require-role ROLE or --key CERT",
            ));
        }
        let certificates = self.keys.iter().map(|file| certificate::read(file));
        let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
        let open = context.open().await?;
        let before = source(&open, &self.name).await?;
        let after = MetadataSource {
            rule: if says_a_rule {
                self.rule.rule()?
            } else {
                before.rule.clone()
            },
            certificates: if certificates.is_empty() {
                before.certificates.clone()
            } else {
                certificates
            },
            ..before.clone()
        };
        let created = open.ensure_roles(after.rule.roles()).await?;
        let changed = before != after;
        if changed {
            let keys = if before.certificates == after.certificates {
                ""
            } else {
                "; other keys"
            };
            let (name, new, old) = (&after.name, &after.rule, &before.rule);
            let detail = format!("{name}; rule: {new}; before: {old}{keys}");
            let event = sources(&open).event(AuditKind::SourceUpdated, detail);
            if !open.store.update_metadata_source(&after, event).await? {
                return Err(refused(
                    format!("{name} was removed meanwhile"),
                    "nothing is left to do",
                ));
            }
        }
        let told = if before.rule == after.rule {
            Vec::new()
        } else {
            tell::shut_out_of_source(&open, &after.id).await?
        };
        let document = json!({"source": after.name.as_str(), "changed": changed,
            "rule": rule_document(&after.rule), "created_roles": names(&created),
            "told": tell::summary(&told)});
        context.done(&document, |_| {
            let line = if changed {
                format!("updated {}; may enter: {}\n", after.name, after.rule)
            } else {
                format!("{} was so already\n", after.name)
            };
            created_lines(&created) + &line + &tell::summary_line(&told)
        })
    }
}
