//! `doorward access`: who may enter what, and why. The decision is that of `access::authorize`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::context::{Context, Open, names};
use super::error::{CliError, refused};
use super::matrix::{Part, matrix};
use super::output::{Style, Tone, record};
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
    #[command(after_help = "\
Example:
  doorward access matrix --json
  doorward access matrix --search store --user ada")]
    Matrix(Part),
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
            Self::Matrix(part) => matrix(context, &open, &part).await,
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
