//! Users, their attributes and their roles.

use std::collections::HashMap;

use crate::directory::audit::AuditEvent;
use crate::directory::name::{RoleName, UserId, UserName};
use crate::directory::time::UnixTime;
use crate::directory::user::User;

use super::Store;
use super::engine::{Tx, columns, query};
use super::error::{Column, StoreError};
use super::lock::{Owner, lock};
use super::logouts::{Changed, NewLogout};
use super::write::again;

/// Users that are read at once.
const PAGE: i64 = 500;

const USERS_PAGE: &str = "\
    SELECT id, name, display_name, email, disabled, must_change_password, created_at, name_key \
    FROM users WHERE name_key > ? ORDER BY name_key LIMIT ?";
const USER_BY_KEY: &str = "\
    SELECT id, name, display_name, email, disabled, must_change_password, created_at, name_key \
    FROM users WHERE name_key = ?";
const ROLES_BETWEEN: &str = "\
    SELECT r.user_id, r.role_name FROM users u JOIN user_roles r ON r.user_id = u.id \
    WHERE u.name_key >= ? AND u.name_key <= ?";
const ATTRIBUTES_BETWEEN: &str = "\
    SELECT a.user_id, a.name, a.value FROM users u JOIN user_attributes a ON a.user_id = u.id \
    WHERE u.name_key >= ? AND u.name_key <= ? ORDER BY a.user_id, a.position";

/// A user to be added.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// A fresh random id.
    pub id: UserId,
    /// What they sign in with.
    pub name: UserName,
    /// What pages and SPs call them.
    pub display_name: String,
    /// addr-spec.
    pub email: Option<String>,
    /// Their roles, each of which exists.
    pub roles: Vec<RoleName>,
    /// Further attributes.
    pub attributes: Vec<(String, String)>,
    /// What their password is checked against; without one they cannot sign in by password.
    pub password_hash: Option<String>,
    /// Whether the password has to be changed at the first sign-in.
    pub must_change_password: bool,
}

columns! {
    #[derive(Debug)]
    struct UserRow {
        id: String,
        name: String,
        display_name: String,
        email: Option<String>,
        disabled: i64,
        must_change_password: i64,
        created_at: i64,
        name_key: String,
    }
}

impl Store {
    /// The user with this sign-in name.
    pub async fn user(&self, name: &UserName) -> Result<Option<User>, StoreError> {
        let row: Option<UserRow> = query(USER_BY_KEY)
            .bind(name.key())
            .fetch_optional(self.pool())
            .await?;
        match row {
            None => Ok(None),
            Some(row) => Ok(self.with_roles(vec![row]).await?.pop()),
        }
    }

    /// All users, by name.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let mut all = Vec::new();
        loop {
            let after = all.last().map(|user: &User| user.name.clone());
            let page = self.users_after(after.as_ref(), PAGE).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// Everybody's sign-in name, in their order.
    pub async fn user_names(&self) -> Result<Vec<UserName>, StoreError> {
        let names: Vec<String> = query("SELECT name FROM users ORDER BY name_key")
            .patiently()
            .fetch_all(self.pool())
            .await?;
        let column = Column("users", "name");
        let names = names.iter().map(|name| UserName::parse(name));
        column.checked(names.collect())
    }

    /// How many users there are.
    pub async fn count_users(&self) -> Result<i64, StoreError> {
        let count = query("SELECT COUNT(*) FROM users").patiently();
        count.fetch_one(self.pool()).await
    }

    /// How many users who are not disabled hold a role.
    pub async fn count_holders(&self, role: &RoleName) -> Result<i64, StoreError> {
        query(
            "SELECT COUNT(*) FROM user_roles r JOIN users u ON u.id = r.user_id \
             WHERE r.role_name = ? AND u.disabled = 0",
        )
        .bind(role.as_str())
        .patiently()
        .fetch_one(self.pool())
        .await
    }

    /// Whoever holds a role and comes first by name.
    pub async fn first_holder(&self, role: &RoleName) -> Result<Option<User>, StoreError> {
        let name: Option<String> = query(
            "SELECT u.name FROM user_roles r JOIN users u ON u.id = r.user_id \
             WHERE r.role_name = ? ORDER BY u.name_key LIMIT 1",
        )
        .bind(role.as_str())
        .fetch_optional(self.pool())
        .await?;
        match name {
            None => Ok(None),
            Some(name) => {
                let name = Column("users", "name").checked(UserName::parse(&name))?;
                self.user(&name).await
            }
        }
    }

    /// Up to `limit` users whose names come after `name`.
    pub async fn users_after(
        &self,
        name: Option<&UserName>,
        limit: i64,
    ) -> Result<Vec<User>, StoreError> {
        let rows = query(USERS_PAGE)
            .bind(name.map_or_else(String::new, UserName::key))
            .bind(limit)
            .fetch_all(self.pool())
            .await?;
        self.with_roles(rows).await
    }

    async fn with_roles(&self, rows: Vec<UserRow>) -> Result<Vec<User>, StoreError> {
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(Vec::new());
        };
        let roles: Vec<(String, String)> = query(ROLES_BETWEEN)
            .bind(&first.name_key)
            .bind(&last.name_key)
            .fetch_all(self.pool())
            .await?;
        let attributes: Vec<(String, String, String)> = query(ATTRIBUTES_BETWEEN)
            .bind(&first.name_key)
            .bind(&last.name_key)
            .fetch_all(self.pool())
            .await?;
        let mut users = Vec::with_capacity(rows.len());
        let mut places = HashMap::with_capacity(rows.len());
        for (place, row) in rows.into_iter().enumerate() {
            places.insert(row.id.clone(), place);
            users.push(row.read()?);
        }
        for (id, role) in roles {
            let role = Column("user_roles", "role_name").checked(RoleName::parse(&role))?;
            if let Some(user) = places.get(&id).and_then(|place| users.get_mut(*place)) {
                user.roles.insert(role);
            }
        }
        for (id, name, value) in attributes {
            if let Some(user) = places.get(&id).and_then(|place| users.get_mut(*place)) {
                user.attributes.push((name, value));
            }
        }
        Ok(users)
    }

    /// The names of the attributes that anybody has, each once.
    pub async fn user_attribute_names(&self) -> Result<Vec<String>, StoreError> {
        let names = query("SELECT DISTINCT name FROM user_attributes ORDER BY name");
        names.fetch_all(self.pool()).await
    }

    /// Adds a user. [`StoreError::Conflict`]: the name is taken.
    pub async fn add_user(&self, new: NewUser, event: AuditEvent) -> Result<(), StoreError> {
        again!(async {
            let mut write = self.write().await?;
            query(
                "INSERT INTO users (id, name, name_key, display_name, email, disabled, \
                 must_change_password, password_hash, created_at) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?)",
            )
            .bind(new.id.as_str())
            .bind(new.name.as_str())
            .bind(new.name.key())
            .bind(&new.display_name)
            .bind(&new.email)
            .bind(i64::from(new.must_change_password))
            .bind(&new.password_hash)
            .bind(event.at.millis())
            .execute(&mut write.tx)
            .await?;
            for role in &new.roles {
                insert_user_role(&mut write.tx, &new.id, role).await?;
            }
            insert_attributes(&mut write.tx, &new.id, &new.attributes).await?;
            write.note(&event).await?;
            write.commit().await
        })
    }

    /// Writes a user's name, display name, e-mail address and attributes. Not their roles, not what
    /// their password is or has become meanwhile, not whether they are disabled. `false`: no such
    /// user.
    pub async fn update_user(&self, user: &User, event: AuditEvent) -> Result<bool, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            let updated = query(
                "UPDATE users SET name = ?, name_key = ?, display_name = ?, email = ? WHERE id = ?",
            )
            .bind(user.name.as_str())
            .bind(user.name.key())
            .bind(&user.display_name)
            .bind(&user.email)
            .bind(user.id.as_str())
            .execute(&mut write.tx)
            .await?;
            if updated == 0 {
                return Ok(false);
            }
            query("DELETE FROM user_attributes WHERE user_id = ?")
                .bind(user.id.as_str())
                .execute(&mut write.tx)
                .await?;
            insert_attributes(&mut write.tx, &user.id, &user.attributes).await?;
            write.note(&event).await?;
            write.commit().await?;
            Ok(true)
        })
    }

    /// Removes a user with their roles, attributes and sessions. Unchanged: there was none.
    pub async fn remove_user(
        &self,
        user: &UserId,
        event: AuditEvent,
    ) -> Result<Changed, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            lock(&mut write.tx, Owner::User, user.as_str()).await?;
            let logout = write.end_sessions(user, None, NewLogout::by_admin(), event.at);
            let logout = logout.await?;
            let removed = query("DELETE FROM users WHERE id = ?")
                .bind(user.as_str())
                .execute(&mut write.tx)
                .await?;
            let changed = write.commit_if_changed(removed, &event).await?;
            Ok(Changed { changed, logout })
        })
    }

    /// Disables or enables a user. `false`: it was so already, or there is no such user.
    pub async fn set_disabled(
        &self,
        user: &UserId,
        disabled: bool,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            let changed = query("UPDATE users SET disabled = ? WHERE id = ? AND disabled <> ?")
                .bind(i64::from(disabled))
                .bind(user.as_str())
                .bind(i64::from(disabled))
                .execute(&mut write.tx)
                .await?;
            if disabled {
                write.tell_later(user, event.at).await?;
            }
            write.commit_if_changed(changed, &event).await
        })
    }

    /// Grants a role that exists. `false`: they held it already.
    pub async fn grant(
        &self,
        user: &UserId,
        role: &RoleName,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            match insert_user_role(&mut write.tx, user, role).await {
                Err(StoreError::Conflict) => return Ok(false),
                done => done?,
            }
            write.note(&event).await?;
            write.commit().await?;
            Ok(true)
        })
    }

    /// Withdraws a role. `false`: they did not hold it.
    pub async fn revoke(
        &self,
        user: &UserId,
        role: &RoleName,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            let revoked = query("DELETE FROM user_roles WHERE user_id = ? AND role_name = ?")
                .bind(user.as_str())
                .bind(role.as_str())
                .execute(&mut write.tx)
                .await?;
            write.tell_later(user, event.at).await?;
            write.commit_if_changed(revoked, &event).await
        })
    }
}

impl UserRow {
    fn read(self) -> Result<User, StoreError> {
        let name = Column("users", "name").checked(UserName::parse(&self.name))?;
        Ok(User {
            id: UserId::from_stored(self.id),
            name,
            display_name: self.display_name,
            email: self.email,
            disabled: self.disabled != 0,
            must_change_password: self.must_change_password != 0,
            roles: std::collections::BTreeSet::new(),
            attributes: Vec::new(),
            created_at: UnixTime::from_millis(self.created_at),
        })
    }
}

/// Nobody is granted `everyone`: everybody holds it.
async fn insert_user_role(tx: &mut Tx, user: &UserId, role: &RoleName) -> Result<(), StoreError> {
    if role.as_str() == RoleName::EVERYONE {
        return Err(StoreError::BuiltInRole);
    }
    query("INSERT INTO user_roles (user_id, role_name) VALUES (?, ?)")
        .bind(user.as_str())
        .bind(role.as_str())
        .execute(&mut *tx)
        .await?;
    Ok(())
}

async fn insert_attributes(
    tx: &mut Tx,
    user: &UserId,
    attributes: &[(String, String)],
) -> Result<(), StoreError> {
    for (position, (name, value)) in (0_i64..).zip(attributes) {
        query("INSERT INTO user_attributes (user_id, position, name, value) VALUES (?, ?, ?, ?)")
            .bind(user.as_str())
            .bind(position)
            .bind(name)
            .bind(value)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
