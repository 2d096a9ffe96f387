//! The people of the demo, with fresh passwords.

use crate::access;
use crate::authn::password::{Passwords, generate_password};
use crate::cli::boot::Booted;
use crate::cli::error::{CliError, refused};
use crate::clock::random_id;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::{RoleName, UserId, UserName};
use crate::storage::NewUser;

/// Somebody to try the demo as.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) password: String,
    pub(super) roles: Vec<&'static str>,
    pub(super) disabled: bool,
    /// The apps that the decision lets them enter, by their names.
    pub(super) may_enter: Vec<String>,
}

/// Name, display name, roles, disabled.
type Sample = (&'static str, &'static str, &'static [&'static str], bool);

const SAMPLES: [Sample; 5] = [
    ("carla", "Carla Consumer", &["store"], false),
    ("paul", "Paul Publisher", &["publisher"], false),
    ("bea", "Bea Both", &["publisher", "store"], false),
    ("dora", "Dora Disabled", &["publisher", "store"], true),
    ("admin", "Ada Administrator", &["doorward-admin"], false),
];

/// Adds them all, and asks the decision where each may go.
pub(super) async fn add(booted: &Booted) -> Result<Vec<Person>, CliError> {
    let passwords = Passwords::new(booted.config.argon2)
        .map_err(|error| refused(error.to_string(), "mend the argon2 settings"))?;
    let mut people = vec![];
    for sample in SAMPLES {
        people.push(add_one(booted, &passwords, sample).await?);
    }
    let now = booted.clock.now();
    for (user, doors) in booted.store.supposed_matrix(now).await? {
        let Some(person) = people.iter_mut().find(|p| p.name == user.name.as_str()) else {
            continue;
        };
        for (id, facts) in doors {
            let Some(sp) = booted.store.sp_by_id(&id).await? else {
                continue;
            };
            let verdict = access::verdict(&sp, facts, booted.config.session, now);
            if verdict.refusal.is_none() {
                person.may_enter.push(verdict.sp.as_str().to_owned());
            }
        }
        person.may_enter.sort();
    }
    Ok(people)
}

async fn add_one(
    booted: &Booted,
    passwords: &Passwords,
    (name, display_name, roles, disabled): Sample,
) -> Result<Person, CliError> {
    let wrong = |error: String| refused(error, "this is a mistake of ours: please report it");
    let password = generate_password().map_err(|error| wrong(error.to_string()))?;
    let hash = passwords.hash(&password, "demo").await;
    let user_name = UserName::parse(name).map_err(|error| wrong(error.to_string()))?;
    let held: Result<_, _> = roles.iter().map(|role| RoleName::parse(role)).collect();
    let held: Vec<RoleName> = held.map_err(|error| wrong(error.to_string()))?;
    let event = |kind| AuditEvent {
        actor: Some("demo".to_owned()),
        user: Some(user_name.clone()),
        ..AuditEvent::new(booted.clock.now(), kind)
    };
    for role in &held {
        booted
            .store
            .ensure_role(role, event(AuditKind::RoleAdded))
            .await?;
    }
    let id = UserId::from_stored(random_id().map_err(|error| wrong(error.to_string()))?);
    let user = NewUser {
        id: id.clone(),
        name: user_name.clone(),
        display_name: display_name.to_owned(),
        email: Some(format!("{name}@example.org")),
        roles: held,
        attributes: vec![],
        password_hash: Some(hash.map_err(|error| wrong(error.to_string()))?),
        must_change_password: false,
    };
    booted
        .store
        .add_user(user, event(AuditKind::UserAdded))
        .await?;
    if disabled {
        booted
            .store
            .set_disabled(&id, true, event(AuditKind::UserDisabled))
            .await?;
    }
    Ok(Person {
        name,
        password,
        roles: roles.to_vec(),
        disabled,
        may_enter: vec![],
    })
}
