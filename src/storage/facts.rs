//! The hot read: what one snapshot of the database says about a person and a door (decision 4).
//!
//! Each question is one statement, hence one snapshot on every engine; it runs in autocommit, on a
//! connection of the asking thread. The rows of the arms carry a tag that [`snapshot`] tells them
//! apart by.
//!
//! [`snapshot`]: super::snapshot

use rusqlite::params_from_iter;

use crate::directory::facts::Facts;
use crate::directory::name::{EntityId, SpId, UserName};
use crate::directory::session::Session;
use crate::directory::time::UnixTime;
use crate::directory::user::User;

use super::engine::{Pool, query};
use super::error::StoreError;
use super::snapshot::Snapshot;
use super::{Store, TokenHash, entity_key};

// The first arm gives each column its type, on PostgreSQL: NULLIF('', '') is a text that is NULL, and
// NULLIF(0, 0) a number that is.

/// Doors, with what the session has had to do with each.
macro_rules! doors_of_session {
    ($which:literal) => {
        concat!(
            "SELECT 0 AS tag, sp.id AS id, sp.rule_quantifier AS t1, p.session_index AS t2, \
             NULLIF('', '') AS t3, NULLIF('', '') AS t4, NULLIF('', '') AS t5, NULLIF('', '') AS t6, \
             NULLIF('', '') AS t7, sp.version AS n1, \
             sp.enabled AS n2, i.first_released_at AS n3, \
             (SELECT version FROM signing_key_version WHERE id = 1) AS n4, o.listed AS n5, \
             CASE WHEN o.valid_until IS NULL OR m.valid_until < o.valid_until \
             THEN m.valid_until ELSE o.valid_until END AS n6 \
             FROM service_providers sp LEFT JOIN sp_sources o ON o.sp_id = sp.id \
             LEFT JOIN metadata_sources m ON m.id = o.source_id \
             LEFT JOIN sessions s ON s.token_hash = ? \
             LEFT JOIN participants p ON p.session_id = s.id AND p.sp_id = sp.id \
             LEFT JOIN persistent_ids i ON i.user_id = s.user_id AND i.sp_id = sp.id WHERE ",
            $which
        )
    };
}

/// Doors, for a person who is only supposed to be there.
macro_rules! doors {
    ($which:literal) => {
        concat!(
            "SELECT 0 AS tag, sp.id AS id, sp.rule_quantifier AS t1, NULLIF('', '') AS t2, \
             NULLIF('', '') AS t3, NULLIF('', '') AS t4, NULLIF('', '') AS t5, \
             NULLIF('', '') AS t6, NULLIF('', '') AS t7, sp.version AS n1, sp.enabled AS n2, \
             NULLIF(0, 0) AS n3, (SELECT version FROM signing_key_version WHERE id = 1) AS n4, \
             o.listed AS n5, CASE WHEN o.valid_until IS NULL OR m.valid_until < o.valid_until \
             THEN m.valid_until ELSE o.valid_until END AS n6 \
             FROM service_providers sp LEFT JOIN sp_sources o ON o.sp_id = sp.id \
             LEFT JOIN metadata_sources m ON m.id = o.source_id WHERE ",
            $which
        )
    };
}

macro_rules! rules {
    ($which:literal) => {
        concat!(
            " UNION ALL SELECT 1, r.sp_id, r.role_name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
             NULL, NULL, NULL, NULL, NULL FROM service_providers sp \
             JOIN sp_required_roles r ON r.sp_id = sp.id WHERE ",
            $which
        )
    };
}

/// The person of a session with the roles and attributes of this moment.
macro_rules! person_of_session {
    () => {
        "SELECT 2 AS tag, u.id AS id, u.name AS t1, u.display_name AS t2, u.email AS t3, \
         s.id AS t4, s.source AS t5, s.user_agent AS t6, s.fresh_for AS t7, u.disabled AS n1, \
         u.must_change_password AS n2, u.created_at AS n3, s.signed_in_at AS n4, \
         s.started_at AS n5, s.last_seen_at AS n6 \
         FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = ? \
         UNION ALL SELECT 3, r.user_id, r.role_name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
         NULL, NULL, NULL, NULL, NULL \
         FROM sessions s JOIN user_roles r ON r.user_id = s.user_id WHERE s.token_hash = ? \
         UNION ALL SELECT 4, a.user_id, a.name, a.value, NULL, NULL, NULL, NULL, NULL, a.position, \
         NULL, NULL, NULL, NULL, NULL \
         FROM sessions s JOIN user_attributes a ON a.user_id = s.user_id WHERE s.token_hash = ?"
    };
}

/// People with the roles and attributes of this moment, in no session.
macro_rules! people {
    ($which:literal) => {
        concat!(
            "SELECT 2 AS tag, u.id AS id, u.name AS t1, u.display_name AS t2, u.email AS t3, \
             NULL AS t4, NULL AS t5, NULL AS t6, NULL AS t7, u.disabled AS n1, \
             u.must_change_password AS n2, u.created_at AS n3, NULL AS n4, NULL AS n5, NULL AS n6 \
             FROM users u WHERE ",
            $which,
            " UNION ALL SELECT 3, r.user_id, r.role_name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
             NULL, NULL, NULL, NULL, NULL FROM users u JOIN user_roles r ON r.user_id = u.id WHERE ",
            $which,
            " UNION ALL SELECT 4, a.user_id, a.name, a.value, NULL, NULL, NULL, NULL, NULL, \
             a.position, NULL, NULL, NULL, NULL, NULL \
             FROM users u JOIN user_attributes a ON a.user_id = u.id WHERE ",
            $which
        )
    };
}

const FACTS_BY_ENTITY: &str = concat!(
    doors_of_session!("sp.entity_key = ?"),
    rules!("sp.entity_key = ?"),
    " UNION ALL ",
    person_of_session!()
);
const FACTS_BY_ID: &str = concat!(
    doors_of_session!("sp.id = ?"),
    rules!("sp.id = ?"),
    " UNION ALL ",
    person_of_session!()
);
// Of a source's many doors only those that the administrator gave a rule of their own.
const FACTS_OF_ALL_DOORS: &str = concat!(
    doors_of_session!("(o.own_rule IS NULL OR o.own_rule = 1)"),
    rules!("NOT EXISTS (SELECT 1 FROM sp_sources o WHERE o.sp_id = sp.id AND o.own_rule = 0)"),
    " UNION ALL ",
    person_of_session!()
);
const SESSION: &str = person_of_session!();
const SUPPOSED: &str = concat!(
    doors!("sp.id = ?"),
    rules!("sp.id = ?"),
    " UNION ALL ",
    people!("u.name_key = ?")
);
const MATRIX: &str = concat!(
    doors!("1 = 1"),
    rules!("1 = 1"),
    " UNION ALL ",
    people!("1 = 1")
);

const MATRIX_ROW: &str = concat!(
    doors!("1 = 1"),
    rules!("1 = 1"),
    " UNION ALL ",
    people!("u.name_key = ?")
);

/// What no session's token hash is: asks about nobody.
const NOBODY: &str = "";

impl Store {
    /// What the database says now about the holder of a session token (or about nobody) and the
    /// SP with this entityID. `None`: no such SP is registered.
    pub async fn facts(
        &self,
        token: Option<&TokenHash>,
        sp: &EntityId,
        now: UnixTime,
    ) -> Result<Option<Facts>, StoreError> {
        let (token, key) = (token.map_or(NOBODY, TokenHash::as_str), entity_key(sp));
        let asked = [token, &key, &key, token, token, token];
        Ok(self.snapshot(FACTS_BY_ENTITY, &asked).await?.facts(now))
    }

    /// The same for an SP by its id.
    pub async fn facts_by_sp_id(
        &self,
        token: Option<&TokenHash>,
        sp: &SpId,
        now: UnixTime,
    ) -> Result<Option<Facts>, StoreError> {
        let (token, id) = (token.map_or(NOBODY, TokenHash::as_str), sp.as_str());
        let asked = [token, id, id, token, token, token];
        Ok(self.snapshot(FACTS_BY_ID, &asked).await?.facts(now))
    }

    /// What the database says now about the holder of a session token and every door, for the
    /// launcher and the refusal page: but the doors of a source of metadata that stand under its
    /// rule, of which there may be thousands.
    pub async fn facts_of_all_doors(
        &self,
        token: &TokenHash,
        now: UnixTime,
    ) -> Result<Vec<(SpId, Facts)>, StoreError> {
        let token = token.as_str();
        Ok(self
            .snapshot(FACTS_OF_ALL_DOORS, &[token, token, token, token])
            .await?
            .facts_of_all_doors(now))
    }

    /// What the database says now about a person who is not there, for `access explain` and
    /// `access try`. `None`: no such user, or no such SP.
    pub async fn supposed_facts(
        &self,
        user: &UserName,
        sp: &SpId,
        now: UnixTime,
    ) -> Result<Option<Facts>, StoreError> {
        let (key, id) = (user.key(), sp.as_str());
        let snapshot = self.snapshot(SUPPOSED, &[id, id, &key, &key, &key]).await?;
        if snapshot.is_about_nobody() {
            return Ok(None);
        }
        Ok(snapshot.facts(now))
    }

    /// What one snapshot says about everybody and every door, for `access matrix`.
    pub async fn supposed_matrix(
        &self,
        now: UnixTime,
    ) -> Result<Vec<(User, Vec<(SpId, Facts)>)>, StoreError> {
        Ok(self.snapshot(MATRIX, &[]).await?.matrix(now))
    }

    /// The same about one person; nothing where there is none of that name.
    pub async fn supposed_row(
        &self,
        user: &UserName,
        now: UnixTime,
    ) -> Result<Option<(User, Vec<(SpId, Facts)>)>, StoreError> {
        let key = user.key();
        let snapshot = self.snapshot(MATRIX_ROW, &[&key, &key, &key]).await?;
        Ok(snapshot.matrix(now).pop())
    }

    /// The session of a token and whose it is, for the pages of a person. Whether it has expired
    /// is decided by the caller.
    pub async fn session(&self, token: &TokenHash) -> Result<Option<(Session, User)>, StoreError> {
        let token = token.as_str();
        Ok(self
            .snapshot(SESSION, &[token, token, token])
            .await?
            .session())
    }

    async fn snapshot(
        &self,
        statement: &'static str,
        asked: &[&str],
    ) -> Result<Snapshot, StoreError> {
        let mut snapshot = Snapshot::default();
        let pool = self.pool();
        if let Pool::Sqlite(sqlite) = pool {
            sqlite.read(|connection| {
                let mut statement = connection.prepare_cached(statement)?;
                let mut rows = statement.query(params_from_iter(asked))?;
                while let Some(row) = rows.next()? {
                    snapshot.take(row)?;
                }
                Ok(())
            })?;
            return Ok(snapshot);
        }
        let mut read = query(statement);
        // What is asked about nobody in particular reads everybody.
        if asked.is_empty() {
            read = read.patiently();
        }
        for text in asked {
            read = read.bind(*text);
        }
        for row in read.fetch_rows(pool).await? {
            snapshot.take(&row)?;
        }
        Ok(snapshot)
    }
}
