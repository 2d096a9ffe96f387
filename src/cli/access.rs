//! `doorward access`: who may enter what, and why. The decision is that of `access::authorize`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::{Context, Open, names};
use super::error::{CliError, refused};
use super::output::{Style, Table, Tone, record};
use super::sp::rule_document;
use crate::access::{Denial, Grant, Refusal, SignOn, Verdict, authorize, verdict};
use crate::clock::random;
use crate::directory::facts::Facts;
use crate::directory::name::{MessageId, RoleName, UserName};
use crate::directory::reason::ReasonCode;
use crate::directory::rule::Quantifier;
use crate::directory::service_provider::ServiceProvider;
use crate::directory::user::User;
use crate::saml::authn_request::Asked;
use crate::saml::response::{Stamp, preview};

/// The commands about who may enter.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  doorward access matrix")]
pub(super) enum Access {
    /// The decision now, and why (exit status 0 allowed, 1 refused)
    #[command(after_help = "Example:\n  doorward access explain ada publisher")]
    Explain(Pair),
    /// Who may enter what
    #[command(after_help = "Example:\n  doorward access matrix --json")]
    Matrix,
    /// The assertion that would be sent: unsigned, and expired before it was made
    #[command(after_help = "Example:\n  doorward access try ada store")]
    Try(Pair),
}

/// Who, and which door.
#[derive(Debug, Args)]
pub(super) struct Pair {
    /// The sign-in name
    #[arg(value_parser = UserName::parse)]
    user: UserName,
    /// The service provider's short name or entityID
    sp: String,
}

impl Access {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let open = context.open().await?;
        match self {
            Self::Explain(pair) => explain(context, &open, &pair).await,
            Self::Matrix => matrix(context, &open).await,
            Self::Try(pair) => try_it(context, &open, &pair).await,
        }
    }
}

async fn supposed(open: &Open, pair: &Pair) -> Result<(ServiceProvider, User, Facts), CliError> {
    let sp = open.sp(&pair.sp).await?;
    let user = open.user(&pair.user).await?;
    let facts = open
        .store
        .supposed_facts(&user.name, &sp.id, open.clock.now())
        .await?;
    let gone = || {
        refused(
            "the user or the SP was removed meanwhile",
            "look at both lists",
        )
    };
    Ok((sp, user, facts.ok_or_else(gone)?))
}

async fn explain(context: &Context, open: &Open, pair: &Pair) -> Result<ExitCode, CliError> {
    let (sp, user, facts) = supposed(open, pair).await?;
    let Verdict { refusal, .. } = verdict(&sp, facts, open.config.session, open.clock.now());
    let lacks = lacking(&sp, &user);
    let reason = refusal.map(Refusal::reason);
    let fix = refusal.map(|refusal| mend(refusal, &user, &sp, &lacks));
    let document = json!({"user": user.name.as_str(), "sp": sp.name.as_str(),
        "allowed": refusal.is_none(), "reason": reason.map(ReasonCode::word),
        "meaning": refusal.map(|r| r.to_string()), "fix": fix,
        "rule": rule_document(&sp.rule), "roles": names(&user.roles),
        "missing_roles": match refusal { Some(_) => names(lacks.iter().copied()), None => vec![] },
        "password_change_due": user.must_change_password});
    context
        .out
        .tell(&document, |style| explanation(style, &user, &sp, refusal))?;
    match (refusal, fix) {
        (Some(refusal), Some(fix)) => Err(refused(
            format!("{} may not enter {}: {refusal}", user.name, sp.name),
            fix,
        )),
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn explanation(
    style: Style,
    user: &User,
    sp: &ServiceProvider,
    refusal: Option<Refusal>,
) -> String {
    let (tone, head) = match refusal {
        None => (Tone::Good, format!("✓ {} may enter {}", user.name, sp.name)),
        Some(_) => (
            Tone::Bad,
            format!("✗ {} may not enter {}", user.name, sp.name),
        ),
    };
    let roles = if user.roles.is_empty() {
        "no role".to_owned()
    } else {
        names(&user.roles).join(", ")
    };
    let because = match refusal {
        None if user.must_change_password => {
            "the rule is kept (at the next sign-in the password has to be changed first)".to_owned()
        }
        None => "the rule is kept".to_owned(),
        Some(refusal) => refusal.to_string(),
    };
    let mut fields = vec![
        ("because", because),
        ("rule", format!("{} asks for {}", sp.name, sp.rule)),
        ("holds", roles),
    ];
    if let Some(refusal) = refusal {
        fields.push(("reason", refusal.reason().word().to_owned()));
    }
    format!("{}\n{}", style.apply(tone, &head), record(style, &fields))
}

/// The roles of the rule that the person does not hold.
fn lacking<'r>(sp: &'r ServiceProvider, user: &User) -> Vec<&'r RoleName> {
    let lacks =
        |role: &&RoleName| role.as_str() != RoleName::EVERYONE && !user.roles.contains(*role);
    sp.rule.roles().filter(lacks).collect()
}

/// The command that opens the door.
fn mend(refusal: Refusal, user: &User, sp: &ServiceProvider, lacks: &[&RoleName]) -> String {
    match refusal {
        Refusal::UserDisabled => format!("`doorward user enable {}` enables them", user.name),
        Refusal::SpDisabled => format!("`doorward sp enable {}` enables it", sp.name),
        Refusal::ClosedRule => {
            format!(
                "`doorward sp update {} --require-role ROLE` gives it a rule",
                sp.name
            )
        }
        Refusal::MissingRole => {
            let wanted = match sp.rule.quantifier() {
                Quantifier::AnyOf => lacks.get(..1).unwrap_or(lacks),
                Quantifier::AllOf => lacks,
            };
            let grant = |role: &&RoleName| format!("`doorward user grant {} {role}`", user.name);
            let grants: Vec<_> = wanted.iter().map(grant).collect();
            let verb = if grants.len() == 1 { "opens" } else { "open" };
            format!("{} {verb} the door", grants.join(" and "))
        }
        Refusal::SpWithdrawn | Refusal::MetadataExpired => {
            "`doorward metadata refresh` asks its source again".to_owned()
        }
        Refusal::PasswordChangeDue
        | Refusal::NotSignedIn
        | Refusal::SignInTooOld
        | Refusal::RegistrationChanged => "ask again".to_owned(),
    }
}

/// What the matrix says about one person.
struct Row {
    user: User,
    verdicts: BTreeMap<String, Option<Refusal>>,
}

async fn matrix(context: &Context, open: &Open) -> Result<ExitCode, CliError> {
    let sps = open.store.service_providers().await?.readable;
    let (limits, now) = (open.config.session, open.clock.now());
    let mut rows = Vec::new();
    for (user, doors) in open.store.supposed_matrix(now).await? {
        let mut verdicts = BTreeMap::new();
        for (id, facts) in doors {
            if let Some(sp) = sps.iter().find(|sp| sp.id == id) {
                let Verdict { sp, refusal } = verdict(sp, facts, limits, now);
                verdicts.insert(sp.as_str().to_owned(), refusal);
            }
        }
        rows.push(Row { user, verdicts });
    }
    let document = json!({
        "sps": sps.iter().map(|sp| sp.name.as_str()).collect::<Vec<_>>(),
        "users": rows.iter().map(row_document).collect::<Vec<_>>(),
    });
    context.done(&document, |style| print_matrix(style, &sps, &rows))
}

fn row_document(row: &Row) -> Value {
    let door = |refusal: &Option<Refusal>| json!({"allowed": refusal.is_none(), "reason": refusal.map(|r| r.reason().word())});
    let doors: BTreeMap<_, _> = row.verdicts.iter().map(|(sp, r)| (sp, door(r))).collect();
    json!({"name": row.user.name.as_str(), "doors": doors})
}

fn print_matrix(style: Style, sps: &[ServiceProvider], rows: &[Row]) -> String {
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

async fn try_it(context: &Context, open: &Open, pair: &Pair) -> Result<ExitCode, CliError> {
    let (sp, user, facts) = supposed(open, pair).await?;
    let now = open.clock.now();
    let decision = authorize(SignOn::unsolicited(&sp), facts, open.config.session, now);
    let grant = decision.map_err(|denial: Box<Denial<'_>>| {
        let refusal = denial.refusal;
        let lacks = lacking(&sp, &user);
        refused(
            format!("nothing would be sent: {refusal}"),
            mend(refusal, &user, &sp, &lacks),
        )
    })?;
    let xml = supposed_assertion(open, grant)?;
    let document = json!({"user": user.name.as_str(), "sp": sp.name.as_str(),
        "recipient": sp.acs.default_endpoint().location, "assertion": xml});
    context.done(&document, |_| format!("{xml}\n"))
}

fn supposed_assertion(open: &Open, grant: Grant<'_>) -> Result<String, CliError> {
    let asked = Asked::unsolicited(None, open.config.password_context());
    let issuer = open.issuer();
    let stamp = Stamp {
        now: open.clock.now(),
        response_id: MessageId::from_random(random()?),
        assertion_id: MessageId::from_random(random()?),
    };
    preview(grant, &asked, &issuer, &stamp).map_err(|error| {
        refused(
            format!("nothing would be sent: {error}"),
            "give the person what is missing, or the SP another --nameid",
        )
    })
}
