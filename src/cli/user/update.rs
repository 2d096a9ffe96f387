//! `doorward user update`: its options mirror those of `user add`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::context::{Context, Open, created_lines, names};
use super::super::error::{CliError, refused, usage};
use super::super::tell;
use super::add::{attribute, display_name, email};
use super::document::document;
use super::roles;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::{RoleName, UserName};
use crate::directory::user::User;

/// The arguments of `user update`.
#[derive(Debug, Args)]
pub(in super::super) struct Update {
    /// The sign-in name
    #[arg(value_parser = UserName::parse)]
    name: UserName,
    /// E-mail address; an empty one takes it away
    #[arg(long, value_parser = email)]
    email: Option<String>,
    /// What pages and applications call them
    #[arg(long, value_name = "NAME", value_parser = display_name)]
    display_name: Option<String>,
    /// The roles that they hold from now on (repeat for several); `user grant` adds one
    #[arg(long = "role", value_name = "ROLE", value_parser = RoleName::parse)]
    roles: Vec<RoleName>,
    /// All values of an attribute (repeat for several); NAME= takes it away
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<(String, String)>,
}

impl Update {
    /// Whether anything is to be changed.
    pub(super) fn check_usage(&self) -> Result<(), CliError> {
        let fields = [&self.email, &self.display_name];
        let said = fields.into_iter().any(Option::is_some);
        if said || !self.roles.is_empty() || !self.attributes.is_empty() {
            return Ok(());
        }
        Err(usage(
            "nothing to change is named",
            "`doorward user update --help` lists what can be changed",
        ))
    }

    pub(super) async fn run(self, context: &Context, open: &Open) -> Result<ExitCode, CliError> {
        let user = open.user(&self.name).await?;
        let changed = self.changed_fields(&user);
        if changed != user {
            let event = AuditEvent {
                detail: Some(describe(&user, &changed)),
                ..open.event_about(AuditKind::UserUpdated, &user.name)
            };
            if !open.store.update_user(&changed, event).await? {
                return Err(refused(
                    format!("{} was removed meanwhile", user.name),
                    "`doorward user list` shows who is there",
                ));
            }
        }
        let created = if self.roles.is_empty() {
            Vec::new()
        } else {
            set_roles(open, &user, &self.roles).await?
        };
        let user = open.user(&self.name).await?;
        let told = if self.roles.is_empty() {
            Vec::new()
        } else {
            tell::shut_doors(open, &user.id, &user.name).await?
        };
        let document = json!({"user": document(&user), "created_roles": names(&created),
            "told": tell::document(&told)});
        context.done(&document, |_| {
            let created = created_lines(&created);
            format!("{created}updated {}\n{}", user.name, tell::lines(&told))
        })
    }

    /// The user with the fields changed; the roles are another matter.
    fn changed_fields(&self, user: &User) -> User {
        let mut changed = user.clone();
        if let Some(email) = &self.email {
            changed.email = Some(email.clone()).filter(|email| !email.is_empty());
        }
        if let Some(display_name) = &self.display_name {
            changed.display_name.clone_from(display_name);
        }
        let given = |name: &str| self.attributes.iter().any(|(given, _)| given == name);
        changed.attributes.retain(|(name, _)| !given(name));
        let new = self
            .attributes
            .iter()
            .filter(|(_, value)| !value.is_empty());
        changed.attributes.extend(new.cloned());
        changed
    }
}

fn describe(before: &User, after: &User) -> String {
    let mut changed = Vec::new();
    if before.email != after.email {
        changed.push("email");
    }
    if before.display_name != after.display_name {
        changed.push("display name");
    }
    if before.attributes != after.attributes {
        changed.push("attributes");
    }
    changed.join(", ")
}

async fn set_roles(
    open: &Open,
    user: &User,
    wanted: &[RoleName],
) -> Result<Vec<RoleName>, CliError> {
    let wanted: BTreeSet<_> = wanted
        .iter()
        .filter(|role| role.as_str() != RoleName::EVERYONE)
        .cloned()
        .collect();
    let created = open.ensure_roles(&wanted).await?;
    // What is withdrawn goes first: whoever looks in between sees too few roles, never too many.
    for role in user.roles.difference(&wanted) {
        let event = roles::event(open, AuditKind::RoleRevoked, user, role);
        open.store.revoke(&user.id, role, event).await?;
    }
    for role in wanted.difference(&user.roles) {
        roles::grant_role(open, user, role).await?;
    }
    Ok(created)
}
