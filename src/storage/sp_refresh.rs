//! SPs whose own metadata is read again from its address (decision 52).

use crate::directory::metadata_source::{Followed, SourceState, Validators};
use crate::directory::name::SpId;
use crate::directory::time::UnixTime;

use super::Store;
use super::engine::{Tx, columns, query};
use super::error::{Column, StoreError};

columns! {
    #[derive(Debug)]
    struct Row {
        sp_id: String,
        url: String,
        etag: Option<String>,
        last_modified: Option<String>,
        refreshed_at: Option<i64>,
        next_at: i64,
        failures: i64,
        failure: Option<String>,
    }
}

const ALL: &str = "\
    SELECT sp_id, url, etag, last_modified, refreshed_at, next_at, failures, failure \
    FROM sp_refresh ORDER BY sp_id";
const ONE: &str = "\
    SELECT sp_id, url, etag, last_modified, refreshed_at, next_at, failures, failure \
    FROM sp_refresh WHERE sp_id = ?";

impl Row {
    fn read(self) -> Result<Followed, StoreError> {
        let failures = u32::try_from(self.failures);
        Ok(Followed {
            sp: SpId::from_stored(self.sp_id),
            url: self.url,
            state: SourceState {
                validators: Validators {
                    etag: self.etag,
                    last_modified: self.last_modified,
                },
                valid_until: None,
                refreshed_at: self.refreshed_at.map(UnixTime::from_millis),
                next_at: UnixTime::from_millis(self.next_at),
                failures: Column("sp_refresh", "failures").checked(failures)?,
                failure: self.failure,
            },
        })
    }
}

impl Store {
    /// Every SP whose metadata is read again.
    pub async fn followed(&self) -> Result<Vec<Followed>, StoreError> {
        let rows: Vec<Row> = query(ALL).fetch_all(self.pool()).await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// How this SP's metadata is read again; `None`: it is not.
    pub async fn followed_sp(&self, sp: &SpId) -> Result<Option<Followed>, StoreError> {
        let row: Option<Row> = query(ONE)
            .bind(sp.as_str())
            .fetch_optional(self.pool())
            .await?;
        row.map(Row::read).transpose()
    }

    /// Has an SP's metadata read again from an address, in the place of another if there was one.
    pub async fn follow(&self, followed: &Followed) -> Result<(), StoreError> {
        let mut tx = self.write_unaudited().await?;
        remove(&mut tx, &followed.sp).await?;
        let state = &followed.state;
        query(
            "INSERT INTO sp_refresh (sp_id, url, etag, last_modified, refreshed_at, next_at, \
             failures, failure) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(followed.sp.as_str())
        .bind(&followed.url)
        .bind(state.validators.etag.as_deref())
        .bind(state.validators.last_modified.as_deref())
        .bind(state.refreshed_at.map(UnixTime::millis))
        .bind(state.next_at.millis())
        .bind(i64::from(state.failures))
        .bind(state.failure.as_deref())
        .execute(&mut tx)
        .await?;
        tx.commit().await
    }

    /// Reads an SP's metadata again no more. `false`: it was not.
    pub async fn unfollow(&self, sp: &SpId) -> Result<bool, StoreError> {
        let mut tx = self.write_unaudited().await?;
        let removed = remove(&mut tx, sp).await?;
        tx.commit().await?;
        Ok(removed)
    }

    /// Writes down how reading it went; nothing, where it is not followed any more, or elsewhere.
    pub async fn note_followed(&self, followed: &Followed) -> Result<(), StoreError> {
        let state = &followed.state;
        query(
            "UPDATE sp_refresh SET etag = ?, last_modified = ?, refreshed_at = ?, next_at = ?, \
             failures = ?, failure = ? WHERE sp_id = ? AND url = ?",
        )
        .bind(state.validators.etag.as_deref())
        .bind(state.validators.last_modified.as_deref())
        .bind(state.refreshed_at.map(UnixTime::millis))
        .bind(state.next_at.millis())
        .bind(i64::from(state.failures))
        .bind(state.failure.as_deref())
        .bind(followed.sp.as_str())
        .bind(&followed.url)
        .execute(self.pool())
        .await?;
        Ok(())
    }
}

async fn remove(tx: &mut Tx, sp: &SpId) -> Result<bool, StoreError> {
    let removed = query("DELETE FROM sp_refresh WHERE sp_id = ?")
        .bind(sp.as_str())
        .execute(tx)
        .await?;
    Ok(removed == 1)
}
