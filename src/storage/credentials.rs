//! What a sign-in is checked against, and changing it.

use crate::directory::audit::AuditEvent;
use crate::directory::name::{SessionId, UserId, UserName};

use super::Store;
use super::engine::query;
use super::error::{Column, StoreError};
use super::logouts::{Changed, NewLogout};
use super::write::again;

/// What proves that somebody is who they say.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Whose it is.
    pub user: UserId,
    /// Their sign-in name as it is stored.
    pub name: UserName,
    /// What the password is checked against; without one nobody signs in by password.
    pub password_hash: Option<String>,
    /// Whether the user is disabled.
    pub disabled: bool,
    /// Whether the password has to be changed after signing in.
    pub must_change: bool,
}

impl Store {
    /// The credential of a sign-in name, by [`UserName::key`].
    pub async fn credential(&self, name_key: &str) -> Result<Option<Credential>, StoreError> {
        let row: Option<(String, String, Option<String>, i64, i64)> = query(
            "SELECT id, name, password_hash, disabled, must_change_password FROM users \
             WHERE name_key = ?",
        )
        .bind(name_key)
        .fetch_optional(self.pool())
        .await?;
        let Some((id, name, password_hash, disabled, must_change)) = row else {
            return Ok(None);
        };
        Ok(Some(Credential {
            user: UserId::from_stored(id),
            name: Column("users", "name").checked(UserName::parse(&name))?,
            password_hash,
            disabled: disabled != 0,
            must_change: must_change != 0,
        }))
    }

    /// Sets a password and ends the user's sessions, as an administrator does. Unchanged: no such
    /// user.
    pub async fn set_password(
        &self,
        user: &UserId,
        hash: &str,
        must_change: bool,
        event: AuditEvent,
    ) -> Result<Changed, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            let changed =
                query("UPDATE users SET password_hash = ?, must_change_password = ? WHERE id = ?")
                    .bind(hash)
                    .bind(i64::from(must_change))
                    .bind(user.as_str())
                    .execute(&mut write.tx)
                    .await?;
            let logout = write.end_sessions(user, None, NewLogout::by_admin(), event.at);
            let logout = logout.await?;
            let changed = write.commit_if_changed(changed, &event).await?;
            Ok(Changed { changed, logout })
        })
    }

    /// Changes a password and ends the user's sessions but one, for somebody who has just proved
    /// the password behind `proved`. Unchanged: it is another one by now, and nothing is changed.
    pub async fn change_password(
        &self,
        user: &UserId,
        proved: &str,
        hash: &str,
        keep: &SessionId,
        event: AuditEvent,
    ) -> Result<Changed, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            let changed = query(
                "UPDATE users SET password_hash = ?, must_change_password = 0 \
                 WHERE id = ? AND password_hash = ?",
            )
            .bind(hash)
            .bind(user.as_str())
            .bind(proved)
            .execute(&mut write.tx)
            .await?;
            if changed == 0 {
                return Ok(Changed::default());
            }
            let logout = write.end_sessions(user, Some(keep), NewLogout::default(), event.at);
            let logout = logout.await?;
            write.note(&event).await?;
            write.commit().await?;
            Ok(Changed {
                changed: true,
                logout,
            })
        })
    }
}
