//! `doorward session`: who is signed in, and ending it.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Value, json};

use super::context::{Context, Open};
use super::error::{CliError, refused};
use super::output::{Table, Tone, instant};
use super::tell;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::{SessionId, UserName};
use crate::directory::session as room;
use crate::storage::{Ending, NewLogout};
use crate::web::browser;
use crate::web::slo::Told;

/// The commands about sessions.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  doorward session list ada")]
pub(super) enum Session {
    /// List the live sessions, of everybody or of one person
    #[command(after_help = "Example:\n  doorward session list ada")]
    List {
        /// Whose
        #[arg(value_parser = UserName::parse)]
        user: Option<UserName>,
    },
    /// End a session, or all sessions of a person
    #[command(after_help = "Example:\n  doorward session revoke --user ada")]
    Revoke {
        /// The session's id, as `session list` shows it
        #[arg(required_unless_present = "user", conflicts_with = "user")]
        id: Option<String>,
        /// All sessions of this person
        #[arg(long, value_name = "NAME", value_parser = UserName::parse)]
        user: Option<UserName>,
    },
}

impl Session {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let open = context.open().await?;
        match self {
            Self::List { user } => list(context, &open, user).await,
            Self::Revoke { id: Some(id), .. } => revoke(context, &open, id).await,
            Self::Revoke {
                user: Some(user), ..
            } => revoke_all(context, &open, &user).await,
            Self::Revoke { .. } => Err(super::error::usage(
                "neither a session nor a user is named",
                "write `doorward session revoke ID` or `--user NAME`",
            )),
        }
    }
}

async fn live(
    open: &Open,
    user: Option<UserName>,
) -> Result<Vec<(room::Session, UserName)>, CliError> {
    let sessions = match user {
        None => open.store.sessions().await?,
        Some(name) => {
            let user = open.user(&name).await?;
            let sessions = open.store.sessions_of(&user.id).await?;
            sessions
                .into_iter()
                .map(|s| (s, user.name.clone()))
                .collect()
        }
    };
    let (limits, now) = (open.config.session, open.clock.now());
    let sessions = sessions.into_iter();
    Ok(sessions.filter(|(s, _)| s.is_live(limits, now)).collect())
}

async fn list(
    context: &Context,
    open: &Open,
    user: Option<UserName>,
) -> Result<ExitCode, CliError> {
    let sessions = live(open, user).await?;
    let document = |(session, user): &(room::Session, UserName)| -> Value {
        json!({"id": session.id.as_str(), "user": user.as_str(),
            "signed_in_at": session.signed_in_at.to_string(),
            "started_at": session.started_at.to_string(),
            "last_seen_at": session.last_seen_at.to_string(),
            "ends_at": session.ends_at(open.config.session).to_string(),
            "source": session.source, "user_agent": session.user_agent})
    };
    let documents: Vec<_> = sessions.iter().map(document).collect();
    context.done(&json!({ "sessions": documents }), |style| {
        let mut table = Table::new([
            "USER",
            "SIGNED IN (UTC)",
            "LAST SEEN",
            "FROM",
            "BROWSER",
            "ID",
        ]);
        for (session, user) in &sessions {
            let browser = browser::in_words(session.user_agent.as_deref());
            table.row([
                (Tone::Strong, user.as_str().to_owned()),
                (Tone::Plain, instant(session.signed_in_at)),
                (Tone::Plain, instant(session.last_seen_at)),
                (Tone::Plain, session.source.clone().unwrap_or_default()),
                (Tone::Plain, browser),
                (Tone::Quiet, session.id.as_str().to_owned()),
            ]);
        }
        table.print(style, "Nobody is signed in.")
    })
}

async fn revoke(context: &Context, open: &Open, id: String) -> Result<ExitCode, CliError> {
    let all = open.store.sessions().await?;
    let Some((session, user)) = all.into_iter().find(|(s, _)| s.id.as_str() == id) else {
        return Err(refused(
            format!("there is no session {id:?}"),
            "`doorward session list` shows them",
        ));
    };
    let told = end(open, &session.id, &user).await?.unwrap_or_default();
    let document = json!({"revoked": [id], "told": tell::document(&told)});
    context.done(&document, |_| {
        format!("ended the session of {user}\n{}", tell::lines(&told))
    })
}

async fn revoke_all(context: &Context, open: &Open, name: &UserName) -> Result<ExitCode, CliError> {
    let user = open.user(name).await?;
    let (mut revoked, mut told) = (Vec::new(), Vec::new());
    for session in open.store.sessions_of(&user.id).await? {
        if let Some(of_session) = end(open, &session.id, &user.name).await? {
            revoked.push(session.id.as_str().to_owned());
            told.extend(of_session);
        }
    }
    let count = revoked.len();
    let document = json!({"revoked": revoked, "told": tell::document(&told)});
    context.done(&document, |_| {
        let line = match count {
            1 => format!("ended 1 session of {}\n", user.name),
            _ => format!("ended {count} sessions of {}\n", user.name),
        };
        line + &tell::lines(&told)
    })
}

/// Ends a session and tells its apps; `None`: it had ended already.
async fn end(open: &Open, id: &SessionId, user: &UserName) -> Result<Option<Vec<Told>>, CliError> {
    let event = AuditEvent {
        detail: Some(id.as_str().to_owned()),
        ..open.event_about(AuditKind::SessionRevoked, user)
    };
    let new = NewLogout::by_admin();
    match open.store.log_out(Ending::Session(id), &new, event).await? {
        Some(logout) => tell::ended(open, Some(logout)).await.map(Some),
        None => Ok(None),
    }
}
