//! A user as the command line shows them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::context::names;
use super::super::output::{Style, instant, record};
use crate::directory::user::User;

pub(super) fn document(user: &User) -> Value {
    json!({"id": user.id.as_str(), "name": user.name.as_str(),
        "display_name": user.display_name, "email": user.email, "disabled": user.disabled,
        "must_change_password": user.must_change_password, "roles": names(&user.roles),
        "attributes": attributes(user), "created_at": user.created_at.to_string()})
}

fn attributes(user: &User) -> BTreeMap<&str, Vec<&str>> {
    let mut attributes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in &user.attributes {
        attributes.entry(name).or_default().push(value);
    }
    attributes
}

pub(super) fn print(style: Style, user: &User, may_enter: &str) -> String {
    let state = match (user.disabled, user.must_change_password) {
        (true, _) => "disabled",
        (false, true) => "active; the password has to be changed at the next sign-in",
        (false, false) => "active",
    };
    let or_none = |text: String| {
        if text.is_empty() {
            "none".to_owned()
        } else {
            text
        }
    };
    let mut fields = vec![
        ("name", user.name.as_str().to_owned()),
        ("display name", user.display_name.clone()),
        ("e-mail", user.email.clone().unwrap_or_default()),
        ("state", state.to_owned()),
        ("roles", or_none(names(&user.roles).join(", "))),
        ("may enter", or_none(may_enter.to_owned())),
    ];
    let attributes = attributes(user);
    fields.extend(
        attributes
            .iter()
            .map(|(name, values)| (*name, values.join(", "))),
    );
    fields.push(("created", instant(user.created_at)));
    fields.push(("id", user.id.as_str().to_owned()));
    record(style, &fields)
}
