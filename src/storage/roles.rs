//! Roles. A role that a rule names cannot be removed (decision 2).

use crate::directory::audit::AuditEvent;
use crate::directory::name::RoleName;

use super::Store;
use super::engine::{On, query};
use super::error::{Column, StoreError};
use super::write::again;

/// A role with what a list of roles shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRow {
    /// Its name.
    pub name: RoleName,
    /// What it is for.
    pub description: String,
    /// How many users were granted it.
    pub holders: i64,
}

const ROLES: &str = "\
    SELECT r.name, r.description, \
    (SELECT COUNT(*) FROM user_roles u WHERE u.role_name = r.name) AS holders \
    FROM roles r ORDER BY r.name";

impl Store {
    /// All roles, by name; `everyone` among them, with no holders counted.
    pub async fn roles(&self) -> Result<Vec<RoleRow>, StoreError> {
        let rows: Vec<(String, String, i64)> =
            query(ROLES).patiently().fetch_all(self.pool()).await?;
        rows.into_iter()
            .map(|(name, description, holders)| {
                let name = Column("roles", "name").checked(RoleName::parse(&name))?;
                Ok(RoleRow {
                    name,
                    description,
                    holders,
                })
            })
            .collect()
    }

    /// Adds a role. [`StoreError::Conflict`]: there is one of this name.
    pub async fn add_role(
        &self,
        name: &RoleName,
        description: &str,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        again!(async {
            let mut write = self.write().await?;
            query("INSERT INTO roles (name, description) VALUES (?, ?)")
                .bind(name.as_str())
                .bind(description)
                .execute(&mut write.tx)
                .await?;
            write.note(&event).await?;
            write.commit().await
        })
    }

    /// Makes a role come into being when it is first named. `false`: there was one already, and no
    /// audit row is written.
    pub async fn ensure_role(
        &self,
        name: &RoleName,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        let there: Option<String> = query("SELECT name FROM roles WHERE name = ?")
            .bind(name.as_str())
            .fetch_optional(self.pool())
            .await?;
        if there.is_some() {
            return Ok(false);
        }
        match self.add_role(name, "", event).await {
            Err(StoreError::Conflict) => Ok(false),
            added => added.map(|()| true),
        }
    }

    /// Removes a role, and withdraws it from those who hold it. `false`: there was none.
    /// [`StoreError::RoleInUse`]: a rule names it.
    pub async fn remove_role(
        &self,
        name: &RoleName,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        if name.as_str() == RoleName::EVERYONE {
            return Err(StoreError::BuiltInRole);
        }
        again!(async {
            let mut write = self.write().await?;
            if let Some(sp) = named_by(name, &mut write.tx).await? {
                return Err(StoreError::RoleInUse { sp });
            }
            let removed = query("DELETE FROM roles WHERE name = ?")
                .bind(name.as_str())
                .execute(&mut write.tx)
                .await;
            // A rule named it meanwhile.
            if matches!(removed, Err(StoreError::Dangling)) {
                drop(write);
                let sp = named_by(name, self.pool()).await?;
                return Err(sp.map_or(StoreError::Conflict, |sp| StoreError::RoleInUse { sp }));
            }
            write.commit_if_changed(removed?, &event).await
        })
    }
}

/// The short name of one SP, or source of metadata, whose rule names the role.
async fn named_by<'e>(
    role: &RoleName,
    on: impl Into<On<'e>>,
) -> Result<Option<String>, StoreError> {
    query(
        "SELECT s.name AS holder FROM sp_required_roles r \
         JOIN service_providers s ON s.id = r.sp_id WHERE r.role_name = ? \
         UNION ALL SELECT m.name FROM source_required_roles r \
         JOIN metadata_sources m ON m.id = r.source_id WHERE r.role_name = ? \
         ORDER BY holder LIMIT 1",
    )
    .bind(role.as_str())
    .bind(role.as_str())
    .fetch_optional(on)
    .await
}
