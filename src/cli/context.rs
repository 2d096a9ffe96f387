//! What every command has at hand: the options of all commands, and how it gets to the database.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

use serde::Serialize;

use super::actor::actor;
use super::boot::{Booted, boot};
use super::error::{CliError, refused};
use super::output::{Output, Style};
use crate::clock::Clock;
use crate::config::Config;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::{RoleName, SpName, UserName};
use crate::directory::service_provider::ServiceProvider;
use crate::directory::user::User;
use crate::saml::name_id::PairwiseSecret;
use crate::saml::response::Issuer;
use crate::storage::Store;

/// The options of all commands.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) file: Option<PathBuf>,
    pub(super) out: Output,
    opened: OnceLock<Store>,
}

impl Context {
    pub(super) fn new(file: Option<PathBuf>, out: Output) -> Self {
        Self {
            file,
            out,
            opened: OnceLock::new(),
        }
    }

    /// Closes what was opened, so that the database is one file again.
    pub(super) async fn close(&self) {
        if let Some(store) = self.opened.get() {
            store.shut_down().await;
        }
    }

    /// The configuration alone.
    pub(super) fn config(&self) -> Result<Config, CliError> {
        Ok(Config::load(self.file.as_deref(), variables())?)
    }

    /// Opens the database and the keys, and makes what is missing.
    pub(super) async fn open(&self) -> Result<Open, CliError> {
        let booted = boot(self.config()?, Clock::System, "cli").await?;
        let actor = actor();
        self.opened.get_or_init(|| booted.store.clone());
        Ok(Open { booted, actor })
    }

    /// Prints the result of something done.
    pub(super) fn done(
        &self,
        document: &impl Serialize,
        text: impl FnOnce(Style) -> String,
    ) -> Result<ExitCode, CliError> {
        self.out.tell(document, text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The variables of the environment that are text; the configuration knows no others.
pub(super) fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// An open database, and who is at the command line.
pub(super) struct Open {
    pub(super) booted: Booted,
    actor: String,
}

impl std::ops::Deref for Open {
    type Target = Booted;

    fn deref(&self) -> &Booted {
        &self.booted
    }
}

impl Open {
    /// Who issues, for previews.
    pub(super) fn issuer(&self) -> Issuer {
        Issuer {
            denied: self.config.denied_algorithms.clone(),
            entity_id: self.config.entity_id.as_str().to_owned(),
            pairwise_secret: PairwiseSecret::new(*self.secrets.pairwise_secret()),
            limits: self.config.session,
            release: self.config.release.clone(),
        }
    }

    /// Who is at the command line, as the audit log names them.
    pub(super) fn actor(&self) -> &str {
        &self.actor
    }

    /// An audit event of this command.
    pub(super) fn event(&self, kind: AuditKind) -> AuditEvent {
        AuditEvent {
            actor: Some(self.actor.clone()),
            ..AuditEvent::new(self.clock.now(), kind)
        }
    }

    /// An audit event about a person.
    pub(super) fn event_about(&self, kind: AuditKind, user: &UserName) -> AuditEvent {
        AuditEvent {
            user: Some(user.clone()),
            ..self.event(kind)
        }
    }

    /// An audit event about an SP.
    pub(super) fn event_at(&self, kind: AuditKind, sp: &SpName) -> AuditEvent {
        AuditEvent {
            sp: Some(sp.clone()),
            ..self.event(kind)
        }
    }

    /// The user of this name, who has to exist.
    pub(super) async fn user(&self, name: &UserName) -> Result<User, CliError> {
        let found = self.store.user(name).await?;
        found.ok_or_else(|| {
            refused(
                format!("there is no user {name:?}", name = name.as_str()),
                "`doorward user list` shows them",
            )
        })
    }

    /// The SP of this name or entityID, which has to be registered.
    pub(super) async fn sp(&self, text: &str) -> Result<ServiceProvider, CliError> {
        let found = self.store.sp_by_name(text).await?;
        found.ok_or_else(|| {
            refused(
                format!("there is no service provider {text:?}"),
                "`doorward sp list` shows them",
            )
        })
    }

    /// Makes the roles that are named for the first time, and says which these were.
    pub(super) async fn ensure_roles(
        &self,
        roles: impl IntoIterator<Item = &RoleName>,
    ) -> Result<Vec<RoleName>, CliError> {
        let mut created = Vec::new();
        for role in roles {
            let event = AuditEvent {
                detail: Some(role.as_str().to_owned()),
                ..self.event(AuditKind::RoleAdded)
            };
            let is_built_in = role.as_str() == RoleName::EVERYONE;
            if !is_built_in && self.store.ensure_role(role, event).await? {
                created.push(role.clone());
            }
        }
        Ok(created)
    }
}

/// One line for each role that came into being.
pub(super) fn created_lines(created: &[RoleName]) -> String {
    let lines: Vec<_> = created
        .iter()
        .map(|r| format!("created role {r}\n"))
        .collect();
    lines.concat()
}

/// The names of roles, for documents.
pub(super) fn names<'a>(roles: impl IntoIterator<Item = &'a RoleName>) -> Vec<String> {
    roles.into_iter().map(|r| r.as_str().to_owned()).collect()
}
