//! What people agreed to let SPs know.

use std::collections::BTreeMap;

use crate::directory::audit::AuditEvent;
use crate::directory::consent::{Consent, Disclosed};
use crate::directory::name::{SpId, UserId};
use crate::directory::time::UnixTime;

use super::Store;
use super::engine::query;
use super::error::StoreError;
use super::lock::{Owner, lock};
use super::write::again;

/// Every consent of a person, one row for each thing agreed to, or one without for nothing.
const OF_USER: &str = "\
    SELECT c.sp_id, s.display_name, s.name, c.agreed_at, a.name, a.name_format, a.label \
    FROM consents c JOIN service_providers s ON s.id = c.sp_id \
    LEFT JOIN consent_attributes a ON a.user_id = c.user_id AND a.sp_id = c.sp_id \
    WHERE c.user_id = ? ORDER BY c.sp_id, a.position";
const AT_SP: &str = "\
    SELECT c.sp_id, s.display_name, s.name, c.agreed_at, a.name, a.name_format, a.label \
    FROM consents c JOIN service_providers s ON s.id = c.sp_id \
    LEFT JOIN consent_attributes a ON a.user_id = c.user_id AND a.sp_id = c.sp_id \
    WHERE c.user_id = ? AND c.sp_id = ? ORDER BY c.sp_id, a.position";

type Row = (
    String,
    Option<String>,
    String,
    i64,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// A consent, and to which SP it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenConsent {
    /// The SP.
    pub sp: SpId,
    /// What pages call it.
    pub title: String,
    /// When and to what.
    pub consent: Consent,
}

impl Store {
    /// What this person agreed to let this SP know.
    pub async fn consent(&self, user: &UserId, sp: &SpId) -> Result<Option<Consent>, StoreError> {
        let rows = query(AT_SP).bind(user.as_str()).bind(sp.as_str());
        let given = read(rows.fetch_all(self.pool()).await?).pop();
        Ok(given.map(|given| given.consent))
    }

    /// Everything that this person agreed to, by the titles of the SPs.
    pub async fn consents_of(&self, user: &UserId) -> Result<Vec<GivenConsent>, StoreError> {
        let rows = query(OF_USER).bind(user.as_str());
        let mut given = read(rows.fetch_all(self.pool()).await?);
        given.sort_by(|one, other| one.title.cmp(&other.title));
        Ok(given)
    }

    /// Writes down that this person agreed to all of this, beside what they agreed to before.
    pub async fn agree(
        &self,
        user: &UserId,
        sp: &SpId,
        disclosed: &[Disclosed],
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        again!(async {
            let mut write = self.write().await?;
            lock(&mut write.tx, Owner::User, user.as_str()).await?;
            let before = query(AT_SP).bind(user.as_str()).bind(sp.as_str());
            let before = read(before.fetch_all(&mut write.tx).await?).pop();
            let mut all = before.map_or_else(Vec::new, |given| given.consent.disclosed);
            all.retain(|there| !disclosed.iter().any(|one| one.is(there)));
            all.extend_from_slice(disclosed);
            // What belongs to the row goes with it.
            query("DELETE FROM consents WHERE user_id = ? AND sp_id = ?")
                .bind(user.as_str())
                .bind(sp.as_str())
                .execute(&mut write.tx)
                .await?;
            query("INSERT INTO consents (user_id, sp_id, agreed_at) VALUES (?, ?, ?)")
                .bind(user.as_str())
                .bind(sp.as_str())
                .bind(event.at.millis())
                .execute(&mut write.tx)
                .await?;
            for (position, one) in (0_i64..).zip(&all) {
                query(
                    "INSERT INTO consent_attributes (user_id, sp_id, position, name, name_format, \
                     label) VALUES (?, ?, ?, ?, ?, ?)",
                )
                .bind(user.as_str())
                .bind(sp.as_str())
                .bind(position)
                .bind(&one.name)
                .bind(&one.format)
                .bind(&one.label)
                .execute(&mut write.tx)
                .await?;
            }
            write.note(&event).await?;
            write.commit().await
        })
    }

    /// Takes a consent back. `false`: there was none.
    pub async fn withdraw_consent(
        &self,
        user: &UserId,
        sp: &SpId,
        event: AuditEvent,
    ) -> Result<bool, StoreError> {
        again!(async {
            let mut write = self.write().await?;
            let withdrawn = query("DELETE FROM consents WHERE user_id = ? AND sp_id = ?")
                .bind(user.as_str())
                .bind(sp.as_str())
                .execute(&mut write.tx)
                .await?;
            write.commit_if_changed(withdrawn, &event).await
        })
    }
}

fn read(rows: Vec<Row>) -> Vec<GivenConsent> {
    let mut given: BTreeMap<String, GivenConsent> = BTreeMap::new();
    for (sp, display_name, sp_name, agreed_at, name, format, label) in rows {
        let one = given.entry(sp.clone()).or_insert_with(|| GivenConsent {
            sp: SpId::from_stored(sp),
            title: display_name.unwrap_or(sp_name),
            consent: Consent {
                agreed_at: UnixTime::from_millis(agreed_at),
                disclosed: vec![],
            },
        });
        if let (Some(name), Some(format), Some(label)) = (name, format, label) {
            one.consent.disclosed.push(Disclosed {
                name,
                format,
                label,
            });
        }
    }
    given.into_values().collect()
}
