//! `doorward user add`, and the same for the first administrator of `init`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::context::{Context, Open, created_lines, names};
use super::super::error::{CliError, refused};
use super::super::password::{self, Password};
use super::document::document;
use crate::clock::random_id;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::{RoleName, UserId, UserName, is_beyond_xml};
use crate::storage::{NewUser, StoreError};

/// The arguments of `user add`.
#[derive(Debug, Args)]
pub(in super::super) struct Add {
    /// The sign-in name
    #[arg(value_parser = UserName::parse)]
    name: UserName,
    /// E-mail address
    #[arg(long, value_parser = email)]
    email: Option<String>,
    /// What pages and applications call them [default: the sign-in name]
    #[arg(long, value_name = "NAME", value_parser = display_name)]
    display_name: Option<String>,
    /// A role to grant (repeat for several)
    #[arg(long = "role", value_name = "ROLE", value_parser = RoleName::parse)]
    roles: Vec<RoleName>,
    /// A further attribute (repeat for several, or for several values)
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<(String, String)>,
    /// Read the password from one line of stdin
    #[arg(long)]
    password_stdin: bool,
}

/// A person to be added.
pub(in super::super) struct NewPerson {
    pub(in super::super) name: UserName,
    pub(in super::super) display_name: String,
    pub(in super::super) email: Option<String>,
    pub(in super::super) roles: Vec<RoleName>,
    pub(in super::super) attributes: Vec<(String, String)>,
    pub(in super::super) must_change_password: bool,
}

impl Add {
    pub(super) async fn run(self, context: &Context, open: &Open) -> Result<ExitCode, CliError> {
        if open.store.user(&self.name).await?.is_some() {
            return Err(taken(&self.name));
        }
        let password = password::take(self.password_stdin)?;
        let display_name = self.display_name;
        let person = NewPerson {
            display_name: display_name.unwrap_or_else(|| self.name.as_str().to_owned()),
            email: self.email.filter(|email| !email.is_empty()),
            roles: self.roles,
            attributes: self.attributes,
            must_change_password: false,
            name: self.name,
        };
        let name = person.name.clone();
        let created = add_person(open, person, &password).await?;
        let user = open.user(&name).await?;
        let told = json!({"user": document(&user), "password": password.fresh(),
            "created_roles": names(&created)});
        context.done(&told, |style| {
            format!(
                "{}added {name}\n{}",
                created_lines(&created),
                password.line(style)
            )
        })
    }
}

fn taken(name: &UserName) -> CliError {
    refused(
        format!("there is a user {name} already"),
        format!("`doorward user update {name}` changes them"),
    )
}

/// Adds a person and the roles that they are the first to hold; says which these were.
pub(in super::super) async fn add_person(
    open: &Open,
    person: NewPerson,
    password: &Password,
) -> Result<Vec<RoleName>, CliError> {
    let hash = password.hash(&open.config).await?;
    let created = open.ensure_roles(&person.roles).await?;
    let event = AuditEvent {
        detail: (!person.roles.is_empty())
            .then(|| format!("roles: {}", names(&person.roles).join(", "))),
        ..open.event_about(AuditKind::UserAdded, &person.name)
    };
    let mut roles = person.roles;
    roles.retain(|role| role.as_str() != RoleName::EVERYONE);
    roles.sort();
    roles.dedup();
    let new = NewUser {
        id: UserId::from_stored(random_id()?),
        name: person.name.clone(),
        display_name: person.display_name,
        email: person.email,
        roles,
        attributes: person.attributes,
        password_hash: Some(hash),
        must_change_password: person.must_change_password,
    };
    match open.store.add_user(new, event).await {
        Err(StoreError::Conflict) => Err(taken(&person.name)),
        added => Ok(added.map(|()| created)?),
    }
}

/// An addr-spec, or nothing.
pub(in super::super) fn email(text: &str) -> Result<String, String> {
    let text = text.trim();
    let fits = match text.rsplit_once('@') {
        Some((local, domain)) => !local.is_empty() && !domain.is_empty() && !local.contains('@'),
        None => text.is_empty(),
    };
    let odd = |c: char| is_no_text(c) || c.is_whitespace() || "<>,;\"".contains(c);
    if !fits || text.len() > 254 || text.contains(odd) {
        return Err("is no e-mail address, such as ada@example.org".to_owned());
    }
    Ok(text.to_owned())
}

pub(in super::super) fn display_name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.len() > 200 || text.contains(is_no_text) {
        return Err("has to be one line of 1 to 200 bytes".to_owned());
    }
    Ok(text.to_owned())
}

/// `NAME=VALUE`. A value goes into XML, which has no control characters.
pub(super) fn attribute(text: &str) -> Result<(String, String), String> {
    let Some((name, value)) = text.split_once('=') else {
        return Err("is written NAME=VALUE".to_owned());
    };
    let name = name.trim();
    if name.is_empty() || name.len() > 190 || value.len() > 4096 || text.contains(is_no_text) {
        return Err("has no name, is too long, or has control characters".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// What an application could not be told: no XML carries it, or no line holds it.
fn is_no_text(c: char) -> bool {
    c.is_control() || is_beyond_xml(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_mail_addresses_have_one_at_sign_and_no_blanks() {
        for good in ["ada@example.org", "a+b@x", " ada@example.org ", ""] {
            assert!(email(good).is_ok(), "{good}");
        }
        for bad in ["ada", "@x", "ada@", "a b@x", "a@b@c", "<a@b>", "a@b\u{7}"] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_display_name_is_one_line_that_xml_can_carry() {
        assert_eq!(
            display_name(" Ada Lovelace ").as_deref(),
            Ok("Ada Lovelace")
        );
        for bad in ["", " ", "a\nb", "a\u{fffe}", "a\u{ffff}"] {
            assert!(display_name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn attributes_have_a_name_and_a_value() {
        let read = attribute("cost centre=a=b").unwrap();
        assert_eq!(read, ("cost centre".to_owned(), "a=b".to_owned()));
        for bad in ["name", "=value", "name=a\u{1}"] {
            assert!(attribute(bad).is_err(), "{bad}");
        }
    }
}
