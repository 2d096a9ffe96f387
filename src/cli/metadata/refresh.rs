//! `doorward metadata refresh`: now, whatever is due.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::super::context::{Context, Open};
use super::super::error::CliError;
use super::super::output::{Style, note, plain};
use super::super::tell;
use super::{report, source, sources};
use crate::directory::metadata_source::{Followed, MetadataSource};
use crate::directory::name::SpName;
use crate::sources::Refreshed;
use crate::web::slo::Told;

/// The arguments of `metadata refresh`.
#[derive(Debug, Args)]
pub(in super::super) struct Refresh {
    /// The name of the source, or of a service provider that was added by its own address [default:
    /// all of them]
    name: Option<String>,
}

impl Refresh {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let open = context.open().await?;
        let (all, followed) = self.which(&open).await?;
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
        let mut sps = Vec::new();
        for one in &followed {
            let Some(sp) = open.store.sp_by_id(&one.sp).await? else {
                continue;
            };
            match refreshing.refresh_sp(one).await {
                Ok(what) => sps.push((sp.name, what)),
                Err(error) => failed.push(report::told(sp.name.as_str(), error)),
            }
        }
        let documents: Vec<_> = done
            .iter()
            .map(|(source, refreshed)| report::document(source, refreshed))
            .collect();
        let failures: Vec<_> = failed.iter().map(ToString::to_string).collect();
        let document = json!({"sources": documents, "sps": sps.iter().map(sp_document).collect::<Vec<_>>(),
                "failed": failures, "told": tell::summary(&told)});
        context.out.tell(&document, |style| {
            if done.is_empty() && sps.is_empty() && failed.is_empty() {
                return format!(
                    "{}\n",
                    style.quiet("No source: `doorward metadata add --help`.")
                );
            }
            let texts = done.iter();
            let texts = texts.map(|(source, refreshed)| report::text(style, source, refreshed));
            let sps = sps.iter().map(|sp| sp_text(style, sp));
            texts
                .chain(sps)
                .chain([tell::summary_line(&told)])
                .collect()
        })?;
        // The last failure is the command's own; the others are told beside it.
        let last = failed.pop();
        for other in failed {
            note(&other.to_string());
        }
        last.map_or(Ok(ExitCode::SUCCESS), Err)
    }
}

impl Refresh {
    /// The sources, and the SPs that are read again by themselves.
    async fn which(&self, open: &Open) -> Result<(Vec<MetadataSource>, Vec<Followed>), CliError> {
        let Some(name) = &self.name else {
            let sources = open.store.metadata_sources().await?;
            return Ok((sources, open.store.followed().await?));
        };
        if open.store.metadata_source(name).await?.is_none()
            && let Some(sp) = open.store.sp_by_name(name).await?
            && let Some(followed) = open.store.followed_sp(&sp.id).await?
        {
            return Ok((Vec::new(), vec![followed]));
        }
        Ok((vec![source(open, name).await?], Vec::new()))
    }
}

fn sp_document((sp, what): &(SpName, Vec<String>)) -> Value {
    json!({"sp": sp.as_str(), "what": what})
}

fn sp_text(style: Style, (sp, what): &(SpName, Vec<String>)) -> String {
    let said = if what.is_empty() {
        "nothing has changed".to_owned()
    } else {
        plain(&what.join("; "))
    };
    format!("{}: {said}\n", style.strong(sp.as_str()))
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
