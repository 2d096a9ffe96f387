//! `doorward metadata add`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::certificate;
use super::super::context::{Context, Open, created_lines, names};
use super::super::error::{CliError, refused, usage};
use super::{RuleOptions, report, sources};
use crate::clock::random_id;
use crate::directory::audit::AuditKind;
use crate::directory::metadata_source::{MetadataSource, Place, SourceState};
use crate::directory::name::{SourceId, SourceName};
use crate::directory::rule::Rule;
use crate::sources::RefreshError;
use crate::storage::StoreError;

/// The arguments of `metadata add`.
#[derive(Debug, Args)]
pub(in super::super) struct Add {
    /// Where the metadata is: a file, or an https address; with --mdq the base of a query service
    #[arg(value_name = "FILE_OR_URL")]
    place: String,
    /// A certificate whose key may sign it, PEM or DER (repeat for several); only the key counts.
    /// A file may go without: you vouch for it then
    #[arg(long = "key", value_name = "CERT")]
    keys: Vec<PathBuf>,
    #[command(flatten)]
    rule: RuleOptions,
    /// A short name for the source [default: its host, or the file's name]
    #[arg(long, value_parser = SourceName::parse)]
    name: Option<SourceName>,
    /// It is a metadata query service: ask it about each entity from which a message arrives
    #[arg(long)]
    mdq: bool,
}

impl Add {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let rule = self.rule.rule()?;
        let place = self.place()?;
        if self.keys.is_empty() && !matches!(place, Place::File(_)) {
            return Err(usage(
                "metadata from the network counts only under a key that you have from elsewhere",
                "add --key CERT with the certificate of the federation",
            ));
        }
        let name = match &self.name {
            Some(name) => name.clone(),
            None => usual_name(&place)?,
        };
        let certificates = self.keys.iter().map(|file| certificate::read(file));
        let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
        let open = context.open().await?;
        if open.store.metadata_source(name.as_str()).await?.is_some() {
            return Err(taken(&name));
        }
        let now = open.clock.now();
        let source = MetadataSource {
            id: SourceId::from_stored(random_id()?),
            name,
            place,
            certificates,
            rule,
            added_at: now,
            state: SourceState::new(now),
        };
        register(context, &open, &source).await
    }

    fn place(&self) -> Result<Place, CliError> {
        let is_address = self.place.contains("://");
        match (is_address, self.mdq) {
            (true, true) => Ok(Place::Mdq(self.place.clone())),
            (true, false) => Ok(Place::Url(self.place.clone())),
            (false, true) => Err(usage(
                "a metadata query service has an address",
                "write its base, such as https://mdq.example.org",
            )),
            (false, false) => {
                let path = std::path::absolute(&self.place).map_err(CliError::Output)?;
                let path = path.to_str().map(str::to_owned);
                let path = path.ok_or_else(|| {
                    refused("the path is no text", "give the file a name in UTF-8")
                })?;
                Ok(Place::File(path))
            }
        }
    }
}

fn taken(name: &SourceName) -> CliError {
    refused(
        format!("there is a source {name} already"),
        format!("`doorward metadata update {name}` changes it, --name gives this one another name"),
    )
}

async fn register(
    context: &Context,
    open: &Open,
    source: &MetadataSource,
) -> Result<ExitCode, CliError> {
    let created = open.ensure_roles(source.rule.roles()).await?;
    let sources = sources(open);
    let (place, rule) = (source.place.location(), &source.rule);
    let detail = format!("{}: {place}; rule: {rule}", source.name);
    let event = sources.event(AuditKind::SourceAdded, detail);
    let added = sources
        .add(source, event, report::progress(source.name.as_str()))
        .await;
    let refreshed = match added {
        Err(RefreshError::Store(StoreError::Conflict)) => return Err(taken(&source.name)),
        added => added.map_err(|error| report::told(place, error))?,
    };
    let told = json!({"source": source.name.as_str(), "rule": rule_document(rule),
        "created_roles": names(&created), "refresh": report::document(source, &refreshed)});
    context.done(&told, |style| {
        format!(
            "{}added {}; may enter: {rule}\n{}",
            created_lines(&created),
            source.name,
            report::text(style, source, &refreshed)
        )
    })
}

pub(super) fn rule_document(rule: &Rule) -> serde_json::Value {
    super::super::sp::rule_document(rule)
}

/// The host of an address, or the name of a file.
fn usual_name(place: &Place) -> Result<SourceName, CliError> {
    let text = match place {
        Place::File(path) => std::path::Path::new(path)
            .file_stem()
            .and_then(|stem| stem.to_str())
            .map(str::to_owned),
        Place::Url(address) | Place::Mdq(address) => url::Url::parse(address)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned)),
    };
    let text = text.unwrap_or_default();
    SourceName::parse(&text).map_err(|error| {
        usage(
            format!("{text:?} cannot be the name of the source, it {error}"),
            "add --name NAME",
        )
    })
}
