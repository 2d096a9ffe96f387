//! Reading the sources of metadata, and what registrations have to do with them.

use std::collections::{BTreeMap, HashMap};

use crate::directory::metadata_source::{
    Known, MetadataSource, Origin, Place, SourceState, Tie, Validators,
};
use crate::directory::name::{EntityId, RoleName, SourceId, SourceName, SpId, SpName};
use crate::directory::rule::{Quantifier, Rule};
use crate::directory::time::UnixTime;

use super::engine::{columns, query};
use super::error::{Column, StoreError};
use super::{Store, entity_key};

/// Every source with its keys and its rule, in one statement: the rows carry a tag. The arm with
/// bytes stands second: of a column that two arms leave NULL, PostgreSQL makes a text.
const SOURCES: &str = "\
    SELECT 0 AS tag, m.id AS id, m.name AS t1, m.kind AS t2, m.location AS t3, \
    m.rule_quantifier AS t4, m.etag AS t5, m.last_modified AS t6, m.failure AS t7, \
    m.added_at AS n1, m.valid_until AS n2, m.refreshed_at AS n3, m.next_at AS n4, \
    m.failures AS n5, NULL AS b1 FROM metadata_sources m \
    UNION ALL SELECT 2, k.source_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, k.position, NULL, \
    NULL, NULL, NULL, k.certificate FROM source_keys k \
    UNION ALL SELECT 1, r.source_id, r.role_name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
    NULL, NULL, NULL, NULL FROM source_required_roles r";

const KNOWN: &str = "\
    SELECT s.entity_key, s.id, s.name, o.source_id, o.own_rule, o.listed, o.valid_until, o.digest, \
    o.etag, o.last_modified, o.next_at, o.failures \
    FROM service_providers s LEFT JOIN sp_sources o ON o.sp_id = s.id";

const ORIGINS: &str = "\
    SELECT o.sp_id, m.id, m.name, o.own_rule, o.listed, o.valid_until, m.valid_until, \
    m.refreshed_at FROM sp_sources o JOIN metadata_sources m ON m.id = o.source_id";

columns! {
    #[derive(Debug)]
    struct Row {
        tag: i64,
        id: String,
        t1: Option<String>,
        t2: Option<String>,
        t3: Option<String>,
        t4: Option<String>,
        t5: Option<String>,
        t6: Option<String>,
        t7: Option<String>,
        n1: Option<i64>,
        n2: Option<i64>,
        n3: Option<i64>,
        n4: Option<i64>,
        n5: Option<i64>,
        b1: Option<Vec<u8>>,
    }
}

columns! {
    #[derive(Debug)]
    struct KnownRow {
        entity_key: String,
        id: String,
        name: String,
        source_id: Option<String>,
        own_rule: Option<i64>,
        listed: Option<i64>,
        valid_until: Option<i64>,
        digest: Option<String>,
        etag: Option<String>,
        last_modified: Option<String>,
        next_at: Option<i64>,
        failures: Option<i64>,
    }
}

type OriginRow = (
    String,
    String,
    String,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

impl Store {
    /// All sources of metadata, the oldest first: of two that describe one entity it counts.
    pub async fn metadata_sources(&self) -> Result<Vec<MetadataSource>, StoreError> {
        let rows: Vec<Row> = query(SOURCES).fetch_all(self.pool()).await?;
        let (heads, mut parts): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.tag == 0);
        parts.sort_by_key(|row| row.n1);
        let mut parts_of: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        for part in parts {
            parts_of.entry(part.id.clone()).or_default().push(part);
        }
        let mut sources = Vec::with_capacity(heads.len());
        for head in heads {
            let parts = parts_of.remove(&head.id).unwrap_or_default();
            sources.push(source(head, parts)?);
        }
        sources.sort_by(|one, other| (one.added_at, &one.name).cmp(&(other.added_at, &other.name)));
        Ok(sources)
    }

    /// The source with this name.
    pub async fn metadata_source(&self, name: &str) -> Result<Option<MetadataSource>, StoreError> {
        let sources = self.metadata_sources().await?;
        Ok(sources.into_iter().find(|one| one.name.as_str() == name))
    }

    /// Every registration as a refresh sees it, by the key of its entityID.
    pub async fn known_entities(&self) -> Result<HashMap<EntityKey, Known>, StoreError> {
        let rows: Vec<KnownRow> = query(KNOWN).patiently().fetch_all(self.pool()).await?;
        rows.into_iter()
            .map(|row| Ok((EntityKey(row.entity_key.clone()), known(row)?)))
            .collect()
    }

    /// How many registrations come from each source.
    pub async fn registrations_per_source(&self) -> Result<HashMap<SourceId, i64>, StoreError> {
        let rows: Vec<(String, i64)> =
            query("SELECT source_id, COUNT(*) FROM sp_sources GROUP BY source_id")
                .patiently()
                .fetch_all(self.pool())
                .await?;
        let count = |(id, count): (String, i64)| (SourceId::from_stored(id), count);
        Ok(rows.into_iter().map(count).collect())
    }

    /// Which registrations come from which source.
    pub async fn origins(&self) -> Result<HashMap<SpId, Origin>, StoreError> {
        let rows: Vec<OriginRow> = query(ORIGINS).patiently().fetch_all(self.pool()).await?;
        let mut origins = HashMap::with_capacity(rows.len());
        for (sp, source, name, own_rule, listed, own, of_source, refreshed_at) in rows {
            let name = Column("metadata_sources", "name").checked(SourceName::parse(&name))?;
            let origin = Origin {
                source: SourceId::from_stored(source),
                source_name: name,
                own_rule: own_rule != 0,
                listed: listed != 0,
                valid_until: instant(own.into_iter().chain(of_source).min()),
                refreshed_at: instant(refreshed_at),
            };
            origins.insert(SpId::from_stored(sp), origin);
        }
        Ok(origins)
    }

    /// Which source a registration comes from; nothing for one that was made by hand.
    pub async fn origin(&self, sp: &SpId) -> Result<Option<Origin>, StoreError> {
        Ok(self.origins().await?.remove(sp))
    }
}

/// What an entityID is looked up by in [`Store::known_entities`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntityKey(String);

impl EntityKey {
    /// Of an entityID.
    #[must_use]
    pub fn of(id: &EntityId) -> Self {
        Self(entity_key(id))
    }
}

fn instant(millis: Option<i64>) -> Option<UnixTime> {
    millis.map(UnixTime::from_millis)
}

fn source(head: Row, parts: Vec<Row>) -> Result<MetadataSource, StoreError> {
    let column = |name| Column("metadata_sources", name);
    let quantifier = match head.t4.as_deref() {
        Some("any") => Quantifier::AnyOf,
        Some("all") => Quantifier::AllOf,
        _ => return Err(column("rule_quantifier").inconsistent()),
    };
    let (mut roles, mut certificates) = (Vec::new(), Vec::new());
    for part in parts {
        if part.tag == 1 {
            let role = RoleName::parse(&part.t1.unwrap_or_default());
            roles.push(Column("source_required_roles", "role_name").checked(role)?);
        } else {
            certificates.push(part.b1.unwrap_or_default());
        }
    }
    let rule = Rule::new(quantifier, roles);
    let name = SourceName::parse(&head.t1.unwrap_or_default());
    let place = Place::from_stored(&head.t2.unwrap_or_default(), head.t3.unwrap_or_default());
    Ok(MetadataSource {
        id: SourceId::from_stored(head.id),
        name: column("name").checked(name)?,
        place: place.ok_or_else(|| column("kind").inconsistent())?,
        certificates,
        rule: Column("source_required_roles", "role_name").checked(rule)?,
        added_at: UnixTime::from_millis(head.n1.unwrap_or_default()),
        state: SourceState {
            validators: Validators {
                etag: head.t5,
                last_modified: head.t6,
            },
            valid_until: instant(head.n2),
            refreshed_at: instant(head.n3),
            next_at: UnixTime::from_millis(head.n4.unwrap_or_default()),
            failures: u32::try_from(head.n5.unwrap_or_default()).unwrap_or(u32::MAX),
            failure: head.t7,
        },
    })
}

fn known(row: KnownRow) -> Result<Known, StoreError> {
    let name = Column("service_providers", "name").checked(SpName::parse(&row.name))?;
    let tie = row.source_id.map(|source| Tie {
        source: SourceId::from_stored(source),
        own_rule: row.own_rule == Some(1),
        listed: row.listed == Some(1),
        valid_until: instant(row.valid_until),
        digest: row.digest.unwrap_or_default(),
        validators: Validators {
            etag: row.etag,
            last_modified: row.last_modified,
        },
        next_at: instant(row.next_at),
        failures: u32::try_from(row.failures.unwrap_or_default()).unwrap_or(u32::MAX),
    });
    Ok(Known {
        sp: SpId::from_stored(row.id),
        name,
        tie,
    })
}
