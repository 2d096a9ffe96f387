//! `doorward access matrix`: who may enter what. People and doors may be many: what is shown to
//! people is cut, and JSON is written while it is read.

use std::collections::{BTreeMap, HashMap};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::context::{Context, Open};
use super::error::CliError;
use super::output::{Json, Style, Table, Tone, note};
use super::sp::Which;
use crate::access::{Refusal, Verdict, verdict};
use crate::directory::name::{SpId, UserName};
use crate::directory::service_provider::ServiceProvider;
use crate::directory::user::User;

/// How many doors stand beside each other where nothing is said.
const DOORS: usize = 20;

/// How many people stand below each other where nothing is said.
const PEOPLE: usize = 200;

/// Which part of the matrix.
#[derive(Debug, Args)]
pub(super) struct Part {
    /// Only these people (repeat)
    #[arg(long = "user", value_name = "NAME", value_parser = UserName::parse)]
    users: Vec<UserName>,
    #[command(flatten)]
    doors: Which,
}

/// What the matrix says about one person.
struct Row {
    user: User,
    verdicts: BTreeMap<String, Option<Refusal>>,
}

pub(super) async fn matrix(
    context: &Context,
    open: &Open,
    part: &Part,
) -> Result<ExitCode, CliError> {
    let listed = part.doors.find(open, DOORS, context.out.json).await?;
    let mut sps = Vec::with_capacity(listed.len());
    let door = |one: Result<ServiceProvider, _>| {
        // The document would be most of it, and nobody looks at it here.
        sps.extend(one.ok().map(|sp| ServiceProvider {
            metadata: None,
            ..sp
        }));
        Ok(true)
    };
    listed.each(open, door).await?;
    let mut people = match part.users.as_slice() {
        [] => open.store.user_names().await?,
        some => some.to_vec(),
    };
    if context.out.json {
        return documents(open, &sps, &people).await;
    }
    let more = people.len().saturating_sub(PEOPLE);
    people.truncate(PEOPLE);
    let mut rows = Vec::new();
    let by_id = by_id(&sps);
    for name in &people {
        rows.extend(row(open, &by_id, name).await?);
    }
    context.done(&(), |style| print(style, &sps, &rows))?;
    listed.note_more("doors");
    if more > 0 {
        note(&format!("{more} more people: --user NAME, or --json"));
    }
    Ok(ExitCode::SUCCESS)
}

fn by_id(sps: &[ServiceProvider]) -> HashMap<&SpId, &ServiceProvider> {
    sps.iter().map(|sp| (&sp.id, sp)).collect()
}

/// One person at these doors; nothing where there is no such person.
async fn row(
    open: &Open,
    sps: &HashMap<&SpId, &ServiceProvider>,
    name: &UserName,
) -> Result<Option<Row>, CliError> {
    let (limits, now) = (open.config.session, open.clock.now());
    let Some((user, doors)) = open.store.supposed_row(name, now).await? else {
        return Ok(None);
    };
    let mut verdicts = BTreeMap::new();
    for (id, facts) in doors {
        if let Some(sp) = sps.get(&id) {
            let Verdict { sp, refusal } = verdict(sp, facts, limits, now);
            verdicts.insert(sp.as_str().to_owned(), refusal);
        }
    }
    Ok(Some(Row { user, verdicts }))
}

/// All of it, a person at a time.
async fn documents(
    open: &Open,
    sps: &[ServiceProvider],
    people: &[UserName],
) -> Result<ExitCode, CliError> {
    let names: Vec<&str> = sps.iter().map(|sp| sp.name.as_str()).collect();
    let mut json = Json::begin(&format!("{{\"sps\":{},\"users\":[", json!(names)))?;
    let by_id = by_id(sps);
    for name in people {
        if let Some(row) = row(open, &by_id, name).await?
            && !json.item(&document(&row))?
        {
            break;
        }
    }
    json.end("]}")?;
    Ok(ExitCode::SUCCESS)
}

fn document(row: &Row) -> Value {
    let door = |refusal: &Option<Refusal>| json!({"allowed": refusal.is_none(), "reason": refusal.map(|r| r.reason().word())});
    let doors: BTreeMap<_, _> = row.verdicts.iter().map(|(sp, r)| (sp, door(r))).collect();
    json!({"name": row.user.name.as_str(), "doors": doors})
}

fn print(style: Style, sps: &[ServiceProvider], rows: &[Row]) -> String {
    let head = sps.iter().map(|sp| sp.name.as_str());
    let mut table = Table::new(std::iter::once("").chain(head));
    for Row { user, verdicts } in rows {
        let name = (Tone::Strong, user.name.as_str().to_owned());
        let cells = sps.iter().map(|sp| match verdicts.get(sp.name.as_str()) {
            Some(None) => (Tone::Good, "✓".to_owned()),
            Some(Some(Refusal::MissingRole)) | None => (Tone::Quiet, "·".to_owned()),
            Some(Some(refusal)) => (Tone::Bad, format!("· {}", refusal.reason().word())),
        });
        table.row(std::iter::once(name).chain(cells));
    }
    let legend = if rows.is_empty() {
        ""
    } else {
        "\n✓ may enter   · may not\n"
    };
    table.print(style, "There are no users yet.") + &style.quiet(legend)
}
