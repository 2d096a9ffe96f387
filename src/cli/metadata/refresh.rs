//! `doorward metadata refresh`: now, whatever is due.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::context::{Context, Open};
use super::super::error::CliError;
use super::super::output::note;
use super::super::tell;
use super::{report, source, sources};
use crate::sources::Refreshed;
use crate::web::slo::Told;

/// The arguments of `metadata refresh`.
#[derive(Debug, Args)]
pub(in super::super) struct Refresh {
    /// The name of the source [default: all of them]
    name: Option<String>,
}

impl Refresh {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let open = context.open().await?;
        let all = match &self.name {
            Some(name) => vec![source(&open, name).await?],
            None => open.store.metadata_sources().await?,
        };
        let refreshing = sources(&open);
        let (mut done, mut failed, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for one in all {
            let progress = report::progress(one.name.as_str());
            match refreshing.refresh(&one, progress).await {
                Ok(refreshed) => {
                    told.extend(tell_withdrawn(&open, &refreshed).await?);
                    done.push((one, refreshed));
                }
                Err(error) => failed.push(report::told(one.name.as_str(), error)),
            }
        }
        let documents: Vec<_> = done
            .iter()
            .map(|(source, refreshed)| report::document(source, refreshed))
            .collect();
        let failures: Vec<_> = failed.iter().map(ToString::to_string).collect();
        let document =
            json!({"sources": documents, "failed": failures, "told": tell::summary(&told)});
        context.out.tell(&document, |style| {
            if done.is_empty() && failed.is_empty() {
                return format!(
                    "{}\n",
                    style.quiet("No source: `doorward metadata add --help`.")
                );
            }
            let texts = done.iter();
            let texts = texts.map(|(source, refreshed)| report::text(style, source, refreshed));
            texts.chain([tell::summary_line(&told)]).collect()
        })?;
        // The last failure is the command's own; the others are told beside it.
        let last = failed.pop();
        for other in failed {
            note(&other.to_string());
        }
        last.map_or(Ok(ExitCode::SUCCESS), Err)
    }
}

/// The apps whose doors this shut are told about whom they have let in.
async fn tell_withdrawn(open: &Open, refreshed: &Refreshed) -> Result<Vec<Told>, CliError> {
    let Refreshed::Done(report) = refreshed else {
        return Ok(Vec::new());
    };
    let mut told = Vec::new();
    for (name, _) in &report.withdrawn {
        if let Some(sp) = open.store.sp_by_name(name.as_str()).await? {
            told.extend(tell::everybody_out(open, &sp.id).await?);
        }
    }
    Ok(told)
}
