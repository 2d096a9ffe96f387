//! Many users at once, as an import brings them: looked up by their names, and written in one
//! transaction with their roles and their audit rows.

use std::collections::{BTreeSet, HashMap};

use crate::directory::audit::AuditEvent;
use crate::directory::name::{RoleName, UserId, UserName};

use super::Store;
use super::engine::{Query, columns, query};
use super::error::{Column, StoreError};
use super::many::{LISTED, Many, hundred, insert_many, ten};
use super::users::NewUser;
use super::write::{Write, again};

/// How many users one look-up, or one transaction, is about at most. With three roles and an audit
/// row for each of them these are 500 rows.
pub const USERS_AT_ONCE: usize = LISTED;

const INSERT_USERS: Many = insert_many!(
    "INSERT INTO users (id, name, name_key, display_name, email, disabled, \
     must_change_password, password_hash, created_at) VALUES",
    "(?, ?, ?, ?, ?, 0, ?, ?, ?)"
);
const INSERT_ROLES: Many = insert_many!(
    "INSERT INTO user_roles (user_id, role_name) VALUES",
    "(?, ?)"
);
const USERS_BY_KEYS: &str = concat!(
    "SELECT id, name, display_name, email, password_hash FROM users \
     WHERE name_key IN (",
    hundred!("?"),
    ")"
);
const ROLES_BY_USERS: &str = concat!(
    "SELECT user_id, role_name FROM user_roles WHERE user_id IN (",
    hundred!("?"),
    ")"
);

/// What an import compares a row with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownUser {
    /// Who it is.
    pub id: UserId,
    /// Their sign-in name.
    pub name: UserName,
    /// What pages and SPs call them.
    pub display_name: String,
    /// addr-spec.
    pub email: Option<String>,
    /// What they hold.
    pub roles: BTreeSet<RoleName>,
    /// Whether they have a password; what it is checked against is not told.
    pub has_password: bool,
}

/// A user to be added or changed.
#[derive(Debug, Clone)]
pub enum UserWrite {
    /// There is nobody of this name yet.
    Add(NewUser, AuditEvent),
    /// There is, and something differs.
    Change(UserChange),
}

/// What is changed about a user. What is not said here stays as it is.
#[derive(Debug, Clone)]
pub struct UserChange {
    /// Whose row it is.
    pub id: UserId,
    /// What pages and SPs call them from now on.
    pub display_name: String,
    /// Their address from now on.
    pub email: Option<String>,
    /// Roles that exist, and that they do not hold yet.
    pub granted: Vec<RoleName>,
    /// Roles that they hold, and shall not any more.
    pub withdrawn: Vec<RoleName>,
    /// The hash of a password, for somebody who has none.
    pub password_hash: Option<String>,
    /// One for each thing that changes.
    pub events: Vec<AuditEvent>,
}

columns! {
    struct UserRow {
        id: String,
        name: String,
        display_name: String,
        email: Option<String>,
        password_hash: Option<String>,
    }
}

impl Store {
    /// Those of up to [`USERS_AT_ONCE`] people, named by [`UserName::key`], who are there.
    pub async fn users_by_key(&self, keys: &[String]) -> Result<Vec<KnownUser>, StoreError> {
        // Nobody's key is empty.
        let keys = listed(keys.iter().map(String::as_str));
        let select = keys.fold(query(USERS_BY_KEYS), Query::bind);
        let rows: Vec<UserRow> = select.patiently().fetch_all(self.pool()).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut roles = self
            .roles_by_users(rows.iter().map(|row| row.id.as_str()))
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(KnownUser {
                    name: Column("users", "name").checked(UserName::parse(&row.name))?,
                    display_name: row.display_name,
                    email: row.email,
                    roles: roles.remove(&row.id).unwrap_or_default(),
                    has_password: row.password_hash.is_some(),
                    id: UserId::from_stored(row.id),
                })
            })
            .collect()
    }

    async fn roles_by_users(
        &self,
        ids: impl Iterator<Item = &str>,
    ) -> Result<HashMap<String, BTreeSet<RoleName>>, StoreError> {
        let select = listed(ids).fold(query(ROLES_BY_USERS), Query::bind);
        let rows: Vec<(String, String)> = select.patiently().fetch_all(self.pool()).await?;
        let mut roles: HashMap<_, BTreeSet<_>> = HashMap::new();
        for (user, role) in rows {
            let role = Column("user_roles", "role_name").checked(RoleName::parse(&role))?;
            roles.entry(user).or_default().insert(role);
        }
        Ok(roles)
    }

    /// Adds and changes users, all of them or none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`]: a name is taken, a role was granted meanwhile, or a user to be
    /// changed is gone or has a password by now. [`StoreError::Dangling`]: a role is gone.
    pub async fn write_users(&self, writes: &[UserWrite]) -> Result<(), StoreError> {
        again!(async {
            let mut write = self.write().await?;
            let (mut new, mut roles, mut events) = (Vec::new(), Vec::new(), Vec::new());
            for one in writes {
                match one {
                    UserWrite::Add(user, event) => {
                        roles.extend(user.roles.iter().map(|role| (&user.id, role)));
                        new.push((user, event.at.millis()));
                        events.push(event);
                    }
                    UserWrite::Change(change) => {
                        write.change_user(change).await?;
                        if let Some(event) = change.events.first()
                            && !change.withdrawn.is_empty()
                        {
                            write.tell_later(&change.id, event.at).await?;
                        }
                        roles.extend(change.granted.iter().map(|role| (&change.id, role)));
                        events.extend(&change.events);
                    }
                }
            }
            if roles
                .iter()
                .any(|(_, role)| role.as_str() == RoleName::EVERYONE)
            {
                return Err(StoreError::BuiltInRole);
            }
            write.insert_users(&new).await?;
            write.insert_roles(&roles).await?;
            write.note_all(&events).await?;
            write.commit().await
        })
    }
}

// Beside the flood of an import a disk may let a statement wait for seconds.
impl Write<'_> {
    async fn insert_users(&mut self, new: &[(&NewUser, i64)]) -> Result<(), StoreError> {
        for (text, run) in INSERT_USERS.runs(new) {
            let mut insert = query(text).patiently();
            for (user, created_at) in run {
                insert = insert
                    .bind(user.id.as_str())
                    .bind(user.name.as_str())
                    .bind(user.name.key())
                    .bind(&user.display_name)
                    .bind(&user.email)
                    .bind(i64::from(user.must_change_password))
                    .bind(&user.password_hash)
                    .bind(*created_at);
            }
            insert.execute(&mut self.tx).await?;
        }
        Ok(())
    }

    async fn insert_roles(&mut self, roles: &[(&UserId, &RoleName)]) -> Result<(), StoreError> {
        for (text, run) in INSERT_ROLES.runs(roles) {
            let mut insert = query(text).patiently();
            for (user, role) in run {
                insert = insert.bind(user.as_str()).bind(role.as_str());
            }
            insert.execute(&mut self.tx).await?;
        }
        Ok(())
    }

    async fn change_user(&mut self, change: &UserChange) -> Result<(), StoreError> {
        let changed = query("UPDATE users SET display_name = ?, email = ? WHERE id = ?")
            .bind(&change.display_name)
            .bind(&change.email)
            .bind(change.id.as_str())
            .execute(&mut self.tx)
            .await?;
        if changed == 0 {
            return Err(StoreError::Conflict);
        }
        if let Some(hash) = &change.password_hash {
            let set =
                query("UPDATE users SET password_hash = ? WHERE id = ? AND password_hash IS NULL")
                    .bind(hash)
                    .bind(change.id.as_str())
                    .execute(&mut self.tx)
                    .await?;
            if set == 0 {
                return Err(StoreError::Conflict);
            }
        }
        for role in &change.withdrawn {
            let gone = query("DELETE FROM user_roles WHERE user_id = ? AND role_name = ?")
                .bind(change.id.as_str())
                .bind(role.as_str())
                .execute(&mut self.tx)
                .await?;
            if gone == 0 {
                return Err(StoreError::Conflict);
            }
        }
        Ok(())
    }
}

/// Just as many values as a list has places; an empty text stands for nobody.
fn listed<'v>(values: impl Iterator<Item = &'v str>) -> impl Iterator<Item = &'v str> {
    values.chain(std::iter::repeat("")).take(LISTED)
}
