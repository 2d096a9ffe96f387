//! What a row of an import does to the person that it names.

use super::super::context::{Open, names};
use super::super::error::CliError;
use super::rows::Row;
use crate::clock::ordered_id;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::{RoleName, UserId};
use crate::storage::{KnownUser, NewUser, UserChange, UserWrite};

/// What is to be done about a row.
pub(super) enum Plan {
    /// The person is as the row says.
    Same,
    /// The person is to be added or changed.
    Write(Box<UserWrite>),
    /// The person is another one than the row says, and may not be changed.
    Refuse(String),
}

/// Compares a row with the person who is there, if there is one.
pub(super) fn plan(
    open: &Open,
    row: &Row,
    known: Option<&KnownUser>,
    may_change: bool,
) -> Result<Plan, CliError> {
    let Some(known) = known else {
        return Ok(Plan::Write(Box::new(add(open, row)?)));
    };
    let change = change(open, row, known);
    if change.events.is_empty() {
        return Ok(Plan::Same);
    }
    if may_change {
        return Ok(Plan::Write(Box::new(UserWrite::Change(change))));
    }
    Ok(Plan::Refuse(format!(
        "there is a user {} already, with another {}; --update changes them",
        known.name,
        difference(row, known).join(", ")
    )))
}

fn add(open: &Open, row: &Row) -> Result<UserWrite, CliError> {
    let roles = names(&row.roles).join(", ");
    let event = AuditEvent {
        detail: Some(if roles.is_empty() {
            "imported".to_owned()
        } else {
            format!("imported; roles: {roles}")
        }),
        ..open.event_about(AuditKind::UserAdded, &row.name)
    };
    let new = NewUser {
        id: UserId::from_stored(ordered_id(event.at)?),
        name: row.name.clone(),
        display_name: row.display_name.clone(),
        email: row.email.clone(),
        roles: row.roles.iter().cloned().collect(),
        attributes: Vec::new(),
        password_hash: row.password_hash.clone(),
        must_change_password: false,
    };
    Ok(UserWrite::Add(new, event))
}

fn change(open: &Open, row: &Row, known: &KnownUser) -> UserChange {
    let event = |kind, detail: Option<&str>| AuditEvent {
        detail: detail.map(str::to_owned),
        ..open.event_about(kind, &known.name)
    };
    let granted: Vec<RoleName> = row.roles.difference(&known.roles).cloned().collect();
    let withdrawn: Vec<RoleName> = known.roles.difference(&row.roles).cloned().collect();
    let mut events = Vec::new();
    let fields = fields(row, known);
    if !fields.is_empty() {
        events.push(event(AuditKind::UserUpdated, Some(&fields.join(", "))));
    }
    let password_hash = row.password_hash.clone().filter(|_| !known.has_password);
    if password_hash.is_some() {
        events.push(event(AuditKind::PasswordSet, Some("imported")));
    }
    let revoked = withdrawn.iter();
    events.extend(revoked.map(|role| event(AuditKind::RoleRevoked, Some(role.as_str()))));
    let given = granted.iter();
    events.extend(given.map(|role| event(AuditKind::RoleGranted, Some(role.as_str()))));
    UserChange {
        id: known.id.clone(),
        display_name: row.display_name.clone(),
        email: row.email.clone(),
        granted,
        withdrawn,
        password_hash,
        events,
    }
}

fn fields(row: &Row, known: &KnownUser) -> Vec<&'static str> {
    let mut differ = Vec::new();
    if row.email != known.email {
        differ.push("email");
    }
    if row.display_name != known.display_name {
        differ.push("display name");
    }
    differ
}

fn difference(row: &Row, known: &KnownUser) -> Vec<&'static str> {
    let mut differ = fields(row, known);
    if row.roles != known.roles {
        differ.push("roles");
    }
    if row.password_hash.is_some() && !known.has_password {
        differ.push("password");
    }
    differ
}
