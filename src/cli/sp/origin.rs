//! What a registration has to do with the source of its metadata, where it came from one.

use clap::Args;
use serde_json::{Value, json};

use super::super::context::Open;
use super::super::error::{CliError, refused, usage};
use super::super::output::{Style, instant, record};
use crate::directory::metadata_source::Origin;
use crate::directory::name::SourceId;
use crate::directory::service_provider::ServiceProvider;
use crate::directory::time::UnixTime;

/// Which rule a registration from a source stands under.
#[derive(Debug, Args)]
pub(super) struct RuleOfSource {
    /// Stand under the rule of the source that it came from, again
    #[arg(long, conflicts_with_all = ["require_roles", "require_all"])]
    source_rule: bool,
}

impl RuleOfSource {
    pub(super) fn says_something(&self) -> bool {
        self.source_rule
    }

    /// The source, and whether the rule is the registration's own from now on; nothing for one that
    /// was registered by hand.
    pub(super) async fn resolve(
        &self,
        open: &Open,
        before: &ServiceProvider,
        after: &ServiceProvider,
        describes: bool,
    ) -> Result<Option<Kept>, CliError> {
        let Some(origin) = open.store.origin(&before.id).await? else {
            if self.source_rule {
                return Err(usage(
                    format!("{} comes from no source of metadata", before.name),
                    "give it a rule with --require-role",
                ));
            }
            return Ok(None);
        };
        if describes {
            let source = &origin.source_name;
            return Err(refused(
                format!("{} is described by its source {source}", before.name),
                format!("`doorward metadata refresh {source}` takes what it says now"),
            ));
        }
        let own_rule = !self.source_rule && (origin.own_rule || before.rule != after.rule);
        Ok(Some(Kept {
            changed: own_rule != origin.own_rule,
            source: origin.source,
            own_rule,
        }))
    }
}

/// What an update keeps of the tie to a source.
pub(super) struct Kept {
    pub(super) source: SourceId,
    pub(super) own_rule: bool,
    pub(super) changed: bool,
}

/// A document about a registration, with what is known of its source.
pub(super) fn with_origin(mut document: Value, origin: Option<&Origin>) -> Value {
    let at = |instant: Option<UnixTime>| instant.map(|at| at.to_string());
    let source = origin.map(|origin| {
        json!({"name": origin.source_name.as_str(), "own_rule": origin.own_rule,
            "listed": origin.listed, "refreshed_at": at(origin.refreshed_at),
            "valid_until": at(origin.valid_until)})
    });
    if let Some(fields) = document.as_object_mut() {
        fields.insert("source".to_owned(), json!(source));
    }
    document
}

/// The lines about the source below the others.
pub(super) fn print(style: Style, origin: Option<&Origin>, now: UnixTime) -> String {
    let Some(origin) = origin else {
        return String::new();
    };
    let rule = if origin.own_rule {
        "its own"
    } else {
        "that of the source"
    };
    let listed = if origin.listed {
        "yes"
    } else {
        "no: its door is shut"
    };
    let expired = origin.valid_until.is_some_and(|until| until <= now);
    let until = origin.valid_until.map(|until| {
        let mark = if expired {
            ", expired: its door is shut"
        } else {
            ""
        };
        format!("{}{mark}", instant(until))
    });
    record(
        style,
        &[
            ("from source", origin.source_name.as_str().to_owned()),
            ("rule", rule.to_owned()),
            ("listed", listed.to_owned()),
            (
                "refreshed",
                origin.refreshed_at.map(instant).unwrap_or_default(),
            ),
            ("valid until", until.unwrap_or_default()),
        ],
    )
}

/// One that its source still lists would be back at the next refresh.
pub(super) fn check_removal(name: &str, origin: Option<&Origin>) -> Result<(), CliError> {
    match origin {
        Some(origin) if origin.listed => Err(refused(
            format!(
                "{name} is listed by its source {}, whose next refresh would register it again",
                origin.source_name
            ),
            format!("`doorward sp disable {name}` shuts its door"),
        )),
        _ => Ok(()),
    }
}
