//! `doorward user grant` and `revoke`. That it was so already is no error.

use std::process::ExitCode;

use serde_json::json;

use super::super::context::{Context, Open, created_lines, names};
use super::super::error::CliError;
use super::super::output::note;
use super::super::tell;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::{RoleName, UserName};
use crate::directory::user::User;

pub(super) fn event(open: &Open, kind: AuditKind, user: &User, role: &RoleName) -> AuditEvent {
    AuditEvent {
        detail: Some(role.as_str().to_owned()),
        ..open.event_about(kind, &user.name)
    }
}

pub(super) async fn grant(
    context: &Context,
    open: &Open,
    name: &UserName,
    role: &RoleName,
) -> Result<ExitCode, CliError> {
    let user = open.user(name).await?;
    let created = open.ensure_roles([role]).await?;
    // Everybody holds `everyone`, so it was so already.
    let changed = role.as_str() != RoleName::EVERYONE && grant_role(open, &user, role).await?;
    let document = json!({"user": user.name.as_str(), "role": role.as_str(), "changed": changed,
        "created_roles": names(&created)});
    context.done(&document, |_| {
        let line = if changed {
            format!("granted {role} to {}\n", user.name)
        } else {
            format!("{} holds {role} already\n", user.name)
        };
        created_lines(&created) + &line
    })
}

/// Grants a role that exists.
pub(in super::super) async fn grant_role(
    open: &Open,
    user: &User,
    role: &RoleName,
) -> Result<bool, CliError> {
    let event = event(open, AuditKind::RoleGranted, user, role);
    Ok(open.store.grant(&user.id, role, event).await?)
}

pub(super) async fn revoke(
    context: &Context,
    open: &Open,
    name: &UserName,
    role: &RoleName,
) -> Result<ExitCode, CliError> {
    let user = open.user(name).await?;
    if role.as_str() == RoleName::EVERYONE {
        return Err(super::super::error::refused(
            "everybody holds the role everyone",
            "disable the user, or give the service provider another rule",
        ));
    }
    let event = event(open, AuditKind::RoleRevoked, &user, role);
    let changed = open.store.revoke(&user.id, role, event).await?;
    if !changed
        && !open
            .store
            .roles()
            .await?
            .iter()
            .any(|known| known.name == *role)
    {
        note(&format!("there is no role {role} at all"));
    }
    // The apps that have let them in and would not any more; the session itself lives on.
    let told = tell::shut_doors(open, &user.id, &user.name).await?;
    let document = json!({"user": user.name.as_str(), "role": role.as_str(), "changed": changed,
        "told": tell::document(&told)});
    context.done(&document, |_| {
        let line = if changed {
            format!("withdrew {role} from {}\n", user.name)
        } else {
            format!("{} does not hold {role}\n", user.name)
        };
        line + &tell::lines(&told)
    })
}
