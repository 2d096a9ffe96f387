//! `doorward user`: who may prove to be somebody, and what they hold.

mod add;
mod document;
mod roles;
mod update;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::context::{Context, Open};
use super::error::{CliError, refused};
use super::output::{Table, Tone};
use super::{password, tell};
use crate::access::verdict;
use crate::directory::audit::AuditKind;
use crate::directory::name::{RoleName, UserName};
use crate::directory::user as room;

pub(super) use add::{NewPerson, add_person, display_name, email};
use document::{document, print};
pub(super) use roles::grant_role as grant;

/// The commands about users.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  doorward user grant ada publisher")]
pub(super) enum User {
    /// Add a user; without --password-stdin a fresh password is printed once
    #[command(after_help = "\
Example:
  doorward user add ada --email ada@example.org --display-name Ada --role consumer
  echo \"$PASSWORD\" | doorward user add ada --email ada@example.org --display-name Ada --password-stdin")]
    Add(add::Add),
    /// List all users with their roles
    #[command(after_help = "Example:\n  doorward user list --json")]
    List,
    /// Show a user: fields, roles, and the doors that they may enter
    #[command(after_help = "Example:\n  doorward user show ada")]
    Show(Named),
    /// Change a user's fields; --role and --attribute replace what was there
    #[command(after_help = "Example:\n  doorward user update ada --display-name \"Ada Lovelace\"")]
    Update(update::Update),
    /// Set a password, and end the person's sessions
    #[command(
        after_help = "Example:\n  echo \"$PASSWORD\" | doorward user set-password ada --password-stdin"
    )]
    SetPassword {
        #[command(flatten)]
        user: Named,
        /// Read the password from one line of stdin; without it a fresh one is printed once
        #[arg(long)]
        password_stdin: bool,
    },
    /// Grant a role
    #[command(after_help = "Example:\n  doorward user grant ada publisher")]
    Grant(RoleOf),
    /// Withdraw a role; it counts for every request from now on
    #[command(after_help = "Example:\n  doorward user revoke ada publisher")]
    Revoke(RoleOf),
    /// Disable a user: no sign-in, and no door opens for their live sessions
    #[command(after_help = "Example:\n  doorward user disable ada")]
    Disable(Named),
    /// Enable a user again
    #[command(after_help = "Example:\n  doorward user enable ada")]
    Enable(Named),
    /// Clear the delays after failed sign-ins
    #[command(after_help = "Example:\n  doorward user unlock ada")]
    Unlock(Named),
    /// Remove a user with their sessions
    #[command(after_help = "Example:\n  doorward user remove ada")]
    Remove(Named),
}

/// Whom a command is about.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// The sign-in name, without regard to case
    #[arg(value_parser = UserName::parse)]
    name: UserName,
}

/// A person and a role.
#[derive(Debug, Args)]
pub(super) struct RoleOf {
    /// The sign-in name
    #[arg(value_parser = UserName::parse)]
    name: UserName,
    /// The role, byte for byte
    #[arg(value_parser = RoleName::parse)]
    role: RoleName,
}

impl User {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        if let Self::Update(update) = &self {
            update.check_usage()?;
        }
        let open = context.open().await?;
        match self {
            Self::Add(add) => add.run(context, &open).await,
            Self::List => list(context, &open).await,
            Self::Show(Named { name }) => show(context, &open, &name).await,
            Self::Update(update) => update.run(context, &open).await,
            Self::SetPassword {
                user,
                password_stdin,
            } => set_password(context, &open, &user.name, password_stdin).await,
            Self::Grant(RoleOf { name, role }) => roles::grant(context, &open, &name, &role).await,
            Self::Revoke(RoleOf { name, role }) => {
                roles::revoke(context, &open, &name, &role).await
            }
            Self::Disable(Named { name }) => switch(context, &open, &name, true).await,
            Self::Enable(Named { name }) => switch(context, &open, &name, false).await,
            Self::Unlock(Named { name }) => unlock(context, &open, &name).await,
            Self::Remove(Named { name }) => remove(context, &open, &name).await,
        }
    }
}

async fn list(context: &Context, open: &Open) -> Result<ExitCode, CliError> {
    let users = open.store.users().await?;
    let documents: Vec<_> = users.iter().map(document).collect();
    context.done(&json!({ "users": documents }), |style| {
        let mut table = Table::new(["NAME", "DISPLAY NAME", "E-MAIL", "ROLES", "STATE"]);
        for user in &users {
            let state = match (user.disabled, user.must_change_password) {
                (true, _) => (Tone::Bad, "disabled"),
                (false, true) => (Tone::Warning, "password change due"),
                (false, false) => (Tone::Good, "active"),
            };
            let roles: Vec<_> = user.roles.iter().map(RoleName::as_str).collect();
            table.row([
                (Tone::Strong, user.name.as_str().to_owned()),
                (Tone::Plain, user.display_name.clone()),
                (Tone::Plain, user.email.clone().unwrap_or_default()),
                (Tone::Plain, roles.join(", ")),
                (state.0, state.1.to_owned()),
            ]);
        }
        table.print(style, "There are no users yet.")
    })
}

async fn show(context: &Context, open: &Open, name: &UserName) -> Result<ExitCode, CliError> {
    let user = open.user(name).await?;
    let (limits, now) = (open.config.session, open.clock.now());
    let mut may_enter = Vec::new();
    for sp in open.store.service_providers().await?.readable {
        let facts = open.store.supposed_facts(name, &sp.id, now).await?;
        let refusal = facts.map(|facts| verdict(&sp, facts, limits, now).refusal);
        if refusal == Some(None) {
            may_enter.push(sp.name.as_str().to_owned());
        }
    }
    let mut told = document(&user);
    if let Some(fields) = told.as_object_mut() {
        fields.insert("may_enter".to_owned(), json!(may_enter));
    }
    context.done(&json!({ "user": told }), |style| {
        print(style, &user, &may_enter.join(", "))
    })
}

async fn set_password(
    context: &Context,
    open: &Open,
    name: &UserName,
    from_stdin: bool,
) -> Result<ExitCode, CliError> {
    let user = open.user(name).await?;
    let password = password::take(from_stdin)?;
    let hash = password.hash(&open.config).await?;
    let event = open.event_about(AuditKind::PasswordSet, &user.name);
    let set = open.store.set_password(&user.id, &hash, false, event);
    let set = set.await?;
    if !set.changed {
        return Err(refused(
            format!("{} was removed meanwhile", user.name),
            "`doorward user list` shows who is there",
        ));
    }
    let told = tell::ended(open, set.logout).await?;
    let fresh = password.fresh();
    let document = json!({"user": user.name.as_str(), "password": fresh,
        "told": tell::document(&told)});
    context.done(&document, |style| {
        let mut text = format!(
            "set the password of {}; their sessions have ended\n",
            user.name
        );
        text.push_str(&tell::lines(&told));
        text.push_str(&password.line(style));
        text
    })
}

async fn switch(
    context: &Context,
    open: &Open,
    name: &UserName,
    disabled: bool,
) -> Result<ExitCode, CliError> {
    let user = open.user(name).await?;
    let (kind, word) = if disabled {
        (AuditKind::UserDisabled, "disabled")
    } else {
        (AuditKind::UserEnabled, "enabled")
    };
    let event = open.event_about(kind, &user.name);
    let changed = open.store.set_disabled(&user.id, disabled, event).await?;
    let told = if disabled {
        tell::shut_doors(open, &user.id, &user.name).await?
    } else {
        Vec::new()
    };
    let document = json!({"user": user.name.as_str(), "disabled": disabled, "changed": changed,
        "told": tell::document(&told)});
    context.done(&document, |_| {
        let line = if changed {
            format!("{word} {}\n", user.name)
        } else {
            format!("{} was {word} already\n", user.name)
        };
        line + &tell::lines(&told)
    })
}

async fn unlock(context: &Context, open: &Open, name: &UserName) -> Result<ExitCode, CliError> {
    let user = open.user(name).await?;
    let event = open.event_about(AuditKind::UserUnlocked, &user.name);
    open.store.unlock(&user.name.key(), event).await?;
    let document = json!({"user": user.name.as_str(), "unlocked": true});
    context.done(&document, |_| {
        format!(
            "cleared the delays after failed sign-ins of {}\n",
            user.name
        )
    })
}

async fn remove(context: &Context, open: &Open, name: &UserName) -> Result<ExitCode, CliError> {
    let user: room::User = open.user(name).await?;
    let event = open.event_about(AuditKind::UserRemoved, &user.name);
    let removed = open.store.remove_user(&user.id, event).await?;
    if !removed.changed {
        return Err(refused(
            format!("{} was removed meanwhile", user.name),
            "nothing is left to do",
        ));
    }
    let told = tell::ended(open, removed.logout).await?;
    let document = json!({"user": user.name.as_str(), "removed": true,
        "told": tell::document(&told)});
    context.done(&document, |_| {
        format!("removed {}\n{}", user.name, tell::lines(&told))
    })
}
