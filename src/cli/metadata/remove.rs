//! `doorward metadata remove`: the source, and the doors that it described.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::context::Context;
use super::super::error::{CliError, refused};
use super::super::tell;
use super::{source, sources};
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::SpName;

/// The arguments of `metadata remove`.
#[derive(Debug, Args)]
pub(in super::super) struct Remove {
    /// The name of the source
    name: String,
}

impl Remove {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let open = context.open().await?;
        let source = source(&open, &self.name).await?;
        let sources = sources(&open);
        // Before their endpoints are forgotten.
        let told = tell::everybody_out_of_source(&open, &source.id).await?;
        let mut removed = 0;
        loop {
            let event = |sp: &str| {
                let detail = format!("with its source {}", source.name);
                AuditEvent {
                    sp: SpName::parse(sp).ok(),
                    ..sources.event(AuditKind::SpRemoved, detail)
                }
            };
            match open
                .store
                .remove_registrations_of(&source.id, event)
                .await?
            {
                0 => break,
                some => removed += some,
            }
        }
        let event = sources.event(AuditKind::SourceRemoved, source.name.as_str().to_owned());
        if !open.store.remove_metadata_source(&source.id, event).await? {
            return Err(refused(
                format!("{} was removed meanwhile", source.name),
                "nothing is left to do",
            ));
        }
        // What it described may be another source's now.
        open.store.forget_validators().await?;
        let document = json!({"source": source.name.as_str(), "removed": true,
            "sps_removed": removed, "told": tell::summary(&told)});
        context.done(&document, |_| {
            format!(
                "removed {} and {removed} service providers that came from it\n{}",
                source.name,
                tell::summary_line(&told)
            )
        })
    }
}
