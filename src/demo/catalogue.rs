//! The database of assets, shared by the two apps.

use sqlx::{Sqlite, SqlitePool, Transaction};

use super::assets::{About, Activity, Asset, AssetKind, State, Version};
use super::samples;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChangeError {
    /// The asset or version does not exist.
    #[error("there is no such asset or version")]
    Unknown,
    /// The name or number is in use.
    #[error("that name or version is taken")]
    Taken,
    /// The version is not where the change could start from.
    #[error("the version is in another state by now")]
    WrongState,
    /// The database did not answer.
    #[error("the catalogue's database: {0}")]
    Database(#[from] sqlx::Error),
}

/// The shared database of assets.
#[derive(Clone, Debug)]
pub(super) struct Catalogue(SqlitePool);

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS assets (
    id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, summary TEXT NOT NULL,
    description TEXT NOT NULL, provider TEXT NOT NULL, owner TEXT NOT NULL, changed_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS versions (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    asset TEXT NOT NULL REFERENCES assets (id), number TEXT NOT NULL, state TEXT NOT NULL,
    document TEXT NOT NULL, note TEXT NOT NULL, changed_at INTEGER NOT NULL,
    UNIQUE (asset, number)
);
CREATE TABLE IF NOT EXISTS activity (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    asset TEXT NOT NULL REFERENCES assets (id), version TEXT NOT NULL, at INTEGER NOT NULL,
    who TEXT NOT NULL, what TEXT NOT NULL
);";

type AssetRow = (String, String, String, String, String, String, String, i64);
type VersionRow = (String, String, String, String, String, i64);

impl Catalogue {
    /// Makes the tables where they are missing, and fills an empty catalogue with the samples.
    /// Both apps may do so at once: the second waits, and finds it filled.
    pub(super) async fn open(pool: SqlitePool, now: i64) -> Result<Self, ChangeError> {
        let catalogue = Self(pool);
        let mut change = catalogue.change("", now).await?;
        sqlx::raw_sql(TABLES).execute(&mut *change.tx).await?;
        let (count,): (i64,) = sqlx::query_as("SELECT COUNT(*) FROM assets")
            .fetch_one(&mut *change.tx)
            .await?;
        if count == 0 {
            samples::plant(&mut change, now).await?;
        }
        change.commit().await?;
        Ok(catalogue)
    }

    /// Every asset, the most recently changed first.
    pub(super) async fn all(&self) -> Result<Vec<Asset>, ChangeError> {
        let rows: Vec<AssetRow> = sqlx::query_as(
            "SELECT id, name, kind, summary, description, provider, owner, changed_at
             FROM assets ORDER BY changed_at DESC, name",
        )
        .fetch_all(&self.0)
        .await?;
        let versions: Vec<VersionRow> = sqlx::query_as(
            "SELECT asset, number, state, document, note, changed_at
             FROM versions ORDER BY position DESC",
        )
        .fetch_all(&self.0)
        .await?;
        Ok(rows
            .into_iter()
            .filter_map(|row| asset(row, &versions))
            .collect())
    }

    /// One asset.
    pub(super) async fn one(&self, id: &str) -> Result<Option<Asset>, ChangeError> {
        Ok(self.all().await?.into_iter().find(|asset| asset.id == id))
    }

    /// What happened to an asset, the latest first.
    pub(super) async fn activity(&self, id: &str) -> Result<Vec<Activity>, ChangeError> {
        let rows: Vec<(String, i64, String, String)> = sqlx::query_as(
            "SELECT version, at, who, what FROM activity WHERE asset = ?
             ORDER BY position DESC LIMIT 20",
        )
        .bind(id)
        .fetch_all(&self.0)
        .await?;
        let line = |(version, at, who, what)| Activity {
            version,
            at,
            who,
            what,
        };
        Ok(rows.into_iter().map(line).collect())
    }

    /// Starts a change; `who` makes it, `now` is when.
    pub(super) async fn change(&self, who: &str, now: i64) -> Result<Change, ChangeError> {
        Ok(Change {
            tx: self.0.begin_with("BEGIN IMMEDIATE").await?,
            who: who.to_owned(),
            now,
        })
    }
}

fn asset(row: AssetRow, versions: &[VersionRow]) -> Option<Asset> {
    let (id, name, kind, summary, description, provider, owner, changed_at) = row;
    let kind = AssetKind::from_word(&kind)?;
    let versions = versions
        .iter()
        .filter(|(asset, ..)| *asset == id)
        .filter_map(|(_, number, state, document, note, changed_at)| {
            Some(Version {
                number: number.clone(),
                state: State::from_word(state)?,
                document: document.clone(),
                note: note.clone(),
                changed_at: *changed_at,
            })
        })
        .collect();
    let about = About {
        name,
        kind,
        summary,
        description,
        provider,
        owner,
    };
    Some(Asset {
        id,
        about,
        versions,
        changed_at,
    })
}

/// One change to the catalogue and its line in the history, committed together.
#[derive(Debug)]
pub(super) struct Change {
    tx: Transaction<'static, Sqlite>,
    who: String,
    now: i64,
}

impl Change {
    /// What follows is another person's doing, at another time (for the samples' history).
    pub(super) fn by(&mut self, who: &str, at: i64) {
        who.clone_into(&mut self.who);
        self.now = at;
    }

    pub(super) async fn commit(self) -> Result<(), ChangeError> {
        Ok(self.tx.commit().await?)
    }

    /// Writes down a new asset; its first version follows with `add_version`.
    pub(super) async fn create(&mut self, id: &str, about: &About) -> Result<(), ChangeError> {
        sqlx::query(
            "INSERT INTO assets (id, name, kind, summary, description, provider, owner, changed_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(&about.name)
        .bind(about.kind.word())
        .bind(&about.summary)
        .bind(&about.description)
        .bind(&about.provider)
        .bind(&about.owner)
        .bind(self.now)
        .execute(&mut *self.tx)
        .await
        .map_err(taken)?;
        Ok(())
    }

    /// Changes what is said of an asset; its kind stays.
    pub(super) async fn edit(&mut self, id: &str, about: &About) -> Result<(), ChangeError> {
        let done = sqlx::query(
            "UPDATE assets SET name = ?, summary = ?, description = ?, provider = ?, owner = ?
             WHERE id = ?",
        )
        .bind(&about.name)
        .bind(&about.summary)
        .bind(&about.description)
        .bind(&about.provider)
        .bind(&about.owner)
        .bind(id)
        .execute(&mut *self.tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(ChangeError::Unknown);
        }
        self.record(id, "", "edited the description").await
    }

    /// Adds a version, as a draft.
    pub(super) async fn add_version(
        &mut self,
        id: &str,
        number: &str,
        document: &str,
        note: &str,
    ) -> Result<(), ChangeError> {
        sqlx::query(
            "INSERT INTO versions (asset, number, state, document, note, changed_at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(number)
        .bind(State::Draft.word())
        .bind(document)
        .bind(note)
        .bind(self.now)
        .execute(&mut *self.tx)
        .await
        .map_err(taken)?;
        self.record(id, number, "drafted").await
    }

    /// Changes the document of a version that is still a draft: what consumers see never changes
    /// under its number.
    pub(super) async fn edit_version(
        &mut self,
        id: &str,
        number: &str,
        document: &str,
        note: &str,
    ) -> Result<(), ChangeError> {
        let done = sqlx::query(
            "UPDATE versions SET document = ?, note = ?, changed_at = ?
             WHERE asset = ? AND number = ? AND state = 'draft'",
        )
        .bind(document)
        .bind(note)
        .bind(self.now)
        .bind(id)
        .bind(number)
        .execute(&mut *self.tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(ChangeError::WrongState);
        }
        self.record(id, number, "edited").await
    }

    /// Moves a version on. The state that the person saw is part of the condition, so that two
    /// people's clicks cannot add up to something that neither wanted.
    pub(super) async fn move_version(
        &mut self,
        id: &str,
        number: &str,
        from: State,
        to: State,
    ) -> Result<(), ChangeError> {
        if !from.next().contains(&to) {
            return Err(ChangeError::WrongState);
        }
        let done = sqlx::query(
            "UPDATE versions SET state = ?, changed_at = ?
             WHERE asset = ? AND number = ? AND state = ?",
        )
        .bind(to.word())
        .bind(self.now)
        .bind(id)
        .bind(number)
        .bind(from.word())
        .execute(&mut *self.tx)
        .await?;
        if done.rows_affected() == 0 {
            return Err(ChangeError::WrongState);
        }
        let what = match to {
            State::Draft => "took back",
            State::Published => "published",
            State::Deprecated => "deprecated",
            State::Retired => "retired",
        };
        self.record(id, number, what).await
    }

    async fn record(&mut self, id: &str, version: &str, what: &str) -> Result<(), ChangeError> {
        sqlx::query("INSERT INTO activity (asset, version, at, who, what) VALUES (?, ?, ?, ?, ?)")
            .bind(id)
            .bind(version)
            .bind(self.now)
            .bind(&self.who)
            .bind(what)
            .execute(&mut *self.tx)
            .await?;
        sqlx::query("UPDATE assets SET changed_at = ? WHERE id = ?")
            .bind(self.now)
            .bind(id)
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }
}

fn taken(error: sqlx::Error) -> ChangeError {
    let database = error.as_database_error();
    if database.is_some_and(sqlx::error::DatabaseError::is_unique_violation) {
        ChangeError::Taken
    } else if database.is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation) {
        ChangeError::Unknown
    } else {
        ChangeError::Database(error)
    }
}
