//! Users: who may prove to be somebody, and what is known about them.

use std::collections::BTreeSet;

use super::name::{RoleName, UserId, UserName};
use super::time::UnixTime;

/// A person in the user directory. What proves who they are (the password hash) is never in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Immutable and random; never somebody else's.
    pub id: UserId,
    /// What they sign in with.
    pub name: UserName,
    /// What pages and SPs call them.
    pub display_name: String,
    /// addr-spec, if one is known.
    pub email: Option<String>,
    /// A disabled user cannot sign in, and their live sessions open no door.
    pub disabled: bool,
    /// The password was given by somebody else and has to be changed at the next sign-in.
    pub must_change_password: bool,
    /// The roles that they hold, without the built-in `everyone`.
    pub roles: BTreeSet<RoleName>,
    /// Further attributes in the order given; one name may have several values.
    pub attributes: Vec<(String, String)>,
    /// When the row was made.
    pub created_at: UnixTime,
}

impl User {
    /// The values of a further attribute.
    pub fn attribute<'a, 'n>(
        &'a self,
        name: &'n str,
    ) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.attributes
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}
