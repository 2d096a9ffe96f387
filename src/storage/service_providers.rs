//! Reading registrations: each with its rule, endpoints, keys and policy, in one statement.

use std::collections::BTreeMap;

use crate::directory::name::{EntityId, KeyId, RoleName, SpId, SpName};
use crate::directory::rule::{Quantifier, Rule};
use crate::directory::service_provider::{
    AcsBinding, AcsEndpoint, AcsEndpoints, Denied, Policy, ServiceProvider, Sign, UsualNameId,
};
use crate::directory::slo_endpoint::{SloBinding, SloEndpoint, SloEndpoints};

use super::engine::{columns, query};
use super::error::{Column, StoreError};
use super::sp_protection::{self, PartRow, ProtectionParts, protection_arms};
use super::{Store, entity_key, hex, sp_release};

/// A registration with everything that belongs to it: the rows carry a tag. The arm with bytes
/// stands second: of a column that two arms leave NULL, PostgreSQL makes a text.
macro_rules! registrations {
    ($which:literal) => {
        concat!(
            "SELECT 0 AS tag, s.id AS id, s.name AS t1, s.entity_id AS t2, \
             s.rule_quantifier AS t3, s.display_name AS t4, s.home_url AS t5, s.contact AS t6, \
             s.sign AS t7, s.denied AS t8, s.name_id AS t9, s.version AS n1, s.enabled AS n2, \
             s.require_signed_requests AS n3, s.names_attributes AS n4, s.names_roles AS n5, \
             s.allow_idp_initiated AS n6, s.allow_http AS n7, NULL AS b1 \
             FROM service_providers s WHERE ",
            $which,
            " UNION ALL SELECT 3, k.sp_id, k.kind, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
             NULL, k.position, NULL, NULL, NULL, NULL, NULL, NULL, k.der \
             FROM service_providers s JOIN sp_keys k ON k.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 1, r.sp_id, r.role_name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
             NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
             FROM service_providers s JOIN sp_required_roles r ON r.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 2, a.sp_id, a.binding, a.location, NULL, NULL, NULL, NULL, NULL, \
             NULL, NULL, a.position, a.acs_index, a.is_default, NULL, NULL, NULL, NULL, NULL \
             FROM service_providers s JOIN sp_acs a ON a.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 4, a.sp_id, a.name, a.name_format, a.friendly_name, a.template, \
             a.joined_with, NULL, NULL, NULL, NULL, a.position, NULL, NULL, NULL, NULL, NULL, \
             NULL, NULL \
             FROM service_providers s JOIN sp_released_attributes a ON a.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 41, p.sp_id, p.amount, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
             NULL, NULL, p.typed, p.consent, p.attribute_index, p.assertion_lifetime, \
             p.not_before_margin, p.session_lifetime, NULL \
             FROM service_providers s JOIN sp_release p ON p.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 42, r.sp_id, r.name, r.name_format, r.value, NULL, NULL, NULL, \
             NULL, NULL, NULL, r.position, r.service_index, r.is_default, r.attribute, \
             r.is_required, NULL, NULL, NULL \
             FROM service_providers s JOIN sp_requested_attributes r ON r.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 43, e.sp_id, e.kind, e.value, NULL, NULL, NULL, NULL, NULL, NULL, \
             NULL, e.position, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
             FROM service_providers s JOIN sp_entity_attributes e ON e.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 5, r.sp_id, r.role_name, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
             NULL, r.position, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
             FROM service_providers s JOIN sp_released_roles r ON r.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 6, f.sp_id, f.uri, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
             NULL, f.position, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
             FROM service_providers s JOIN sp_name_id_formats f ON f.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 7, m.sp_id, m.document, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
             NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
             FROM service_providers s JOIN sp_metadata m ON m.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 8, h.sp_id, h.key_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
             NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
             FROM service_providers s JOIN sp_signing_keys h ON h.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 9, l.sp_id, l.binding, l.location, l.response_location, NULL, NULL, \
             NULL, NULL, NULL, NULL, l.position, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
             FROM service_providers s JOIN sp_slo l ON l.sp_id = s.id WHERE ",
            $which,
            protection_arms!($which)
        )
    };
}

/// How many arms of the statement ask the same question.
const ARMS: usize = 13 + sp_protection::ARMS;

const BY_ENTITY: &str = registrations!("s.entity_key = ?");
const BY_ID: &str = registrations!("s.id = ?");
const BY_NAME: &str = registrations!("s.name = ?");
const ALL: &str = registrations!("'' = ?");
pub(super) const IN_RANGE: &str = registrations!("s.name >= ? AND s.name <= ?");

/// All registrations.
#[derive(Debug, Default)]
pub struct Registrations {
    /// Those that can be read, by name.
    pub readable: Vec<ServiceProvider>,
    /// Those that somebody changed by hand into what cannot be: their doors are shut.
    pub unreadable: Vec<Unreadable>,
}

/// A registration that holds what this program never writes.
#[derive(Debug)]
pub struct Unreadable {
    /// Its id.
    pub id: SpId,
    /// What stands where its name should.
    pub name: String,
    /// What is wrong with it.
    pub cause: StoreError,
}

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
        t8: Option<String>,
        t9: Option<String>,
        n1: Option<i64>,
        n2: Option<i64>,
        n3: Option<i64>,
        n4: Option<i64>,
        n5: Option<i64>,
        n6: Option<i64>,
        n7: Option<i64>,
        b1: Option<Vec<u8>>,
    }
}

impl Store {
    /// The SP with this entityID, compared byte for byte.
    pub async fn sp_by_entity_id(
        &self,
        id: &EntityId,
    ) -> Result<Option<ServiceProvider>, StoreError> {
        self.registered(BY_ENTITY, &entity_key(id)).await
    }

    /// The SP with this short name, or else with this entityID.
    pub async fn sp_by_name(&self, name: &str) -> Result<Option<ServiceProvider>, StoreError> {
        if let Some(sp) = self.registered(BY_NAME, name).await? {
            return Ok(Some(sp));
        }
        let key = hex::sha256(name.as_bytes());
        self.registered(BY_ENTITY, &key).await
    }

    /// The SP with this id.
    pub async fn sp_by_id(&self, id: &SpId) -> Result<Option<ServiceProvider>, StoreError> {
        self.registered(BY_ID, id.as_str()).await
    }

    /// All SPs, by name. One that cannot be read does not hide the others.
    pub async fn service_providers(&self) -> Result<Registrations, StoreError> {
        Ok(Registrations::of(self.registrations(ALL, &[""]).await?))
    }

    async fn registered(
        &self,
        statement: &'static str,
        which: &str,
    ) -> Result<Option<ServiceProvider>, StoreError> {
        let found = self.registrations(statement, &[which]).await?.pop();
        found.transpose().map_err(|unreadable| unreadable.cause)
    }

    /// What each arm asks for is bound to each.
    pub(super) async fn registrations(
        &self,
        statement: &'static str,
        which: &[&str],
    ) -> Result<Vec<Result<ServiceProvider, Unreadable>>, StoreError> {
        let mut query = query(statement).patiently();
        for value in std::iter::repeat_n(which, ARMS).flatten() {
            query = query.bind(*value);
        }
        let rows: Vec<Row> = query.fetch_all(self.pool()).await?;
        let (heads, mut parts): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.tag == 0);
        // Rows without a position have one per SP, or an order of their own.
        parts.sort_by_key(|row| row.n1);
        let mut parts_of = BTreeMap::new();
        for part in parts {
            let parts: &mut Vec<Row> = parts_of.entry(part.id.clone()).or_default();
            parts.push(part);
        }
        let read = heads.into_iter().map(|head| {
            let (id, name) = (head.id.clone(), head.t1.clone().unwrap_or_default());
            let parts = Parts::of(parts_of.remove(&id).unwrap_or_default());
            let registration = parts.and_then(|parts| parts.registration(head));
            registration.map_err(|cause| Unreadable {
                id: SpId::from_stored(id),
                name,
                cause,
            })
        });
        Ok(read.collect())
    }
}

#[derive(Debug, Default)]
struct Parts {
    rule: Vec<RoleName>,
    acs: Vec<AcsEndpoint>,
    slo: Vec<SloEndpoint>,
    certificates: Vec<Vec<u8>>,
    bare_keys: Vec<Vec<u8>>,
    release: sp_release::Parts,
    released: Vec<RoleName>,
    formats: Vec<String>,
    metadata: Option<String>,
    signing_key: Option<KeyId>,
    protection: ProtectionParts,
}

impl Parts {
    fn of(rows: Vec<Row>) -> Result<Self, StoreError> {
        let mut parts = Self::default();
        for row in rows {
            parts.take(row)?;
        }
        Ok(parts)
    }

    fn take(&mut self, row: Row) -> Result<(), StoreError> {
        if matches!(row.tag, 4 | 41..=43) {
            return self.take_release(row);
        }
        let text = row.t1.unwrap_or_default();
        match row.tag {
            1 => {
                let column = Column("sp_required_roles", "role_name");
                self.rule.push(column.checked(RoleName::parse(&text))?);
            }
            2 => self.acs.push(AcsEndpoint {
                binding: acs_binding(&text),
                location: row.t2.unwrap_or_default(),
                index: Column("sp_acs", "acs_index")
                    .checked(u16::try_from(row.n2.unwrap_or(-1)))?,
                is_default: row.n3.map(|n| n != 0),
            }),
            3 => match text.as_str() {
                "certificate" => self.certificates.push(row.b1.unwrap_or_default()),
                _ => self.bare_keys.push(row.b1.unwrap_or_default()),
            },
            5 => {
                let column = Column("sp_released_roles", "role_name");
                self.released.push(column.checked(RoleName::parse(&text))?);
            }
            6 => self.formats.push(text),
            8 => self.signing_key = Some(KeyId::from_stored(text)),
            9 => self.slo.push(SloEndpoint {
                binding: SloBinding::parse(&text),
                location: row.t2.unwrap_or_default(),
                response_location: row.t3,
            }),
            7 => self.metadata = Some(text),
            tag => self.protection.take(PartRow {
                tag,
                t1: text,
                t2: row.t2,
                t3: row.t3,
                n2: row.n2,
                n3: row.n3,
                b1: row.b1.unwrap_or_default(),
            })?,
        }
        Ok(())
    }

    /// A row about attributes or lifetimes.
    fn take_release(&mut self, row: Row) -> Result<(), StoreError> {
        match row.tag {
            4 => self.release.released(sp_release::Released {
                name: row.t1.unwrap_or_default(),
                format: row.t2,
                friendly_name: row.t3,
                template: row.t4,
                join: row.t5,
            }),
            41 => self.release.policy(&sp_release::Policy {
                amount: row.t1.unwrap_or_default(),
                typed: row.n2 == Some(1),
                consent: row.n3 == Some(1),
                attribute_index: row.n4,
                lifetimes: [row.n5, row.n6, row.n7],
            }),
            42 => self.release.requested(sp_release::RequestedPart {
                index: row.n2.unwrap_or(-1),
                is_default: row.n3.map(|n| n != 0),
                attribute: row.n4.unwrap_or_default(),
                name: row.t1,
                format: row.t2,
                required: row.n5 == Some(1),
                value: row.t3,
            }),
            _ => {
                let kind = row.t1.unwrap_or_default();
                let value = row.t2.unwrap_or_default();
                self.release.entity_attribute(&kind, value)
            }
        }
    }

    fn registration(mut self, row: Row) -> Result<ServiceProvider, StoreError> {
        let column = |name| Column("service_providers", name);
        let quantifier = match row.t3.as_deref() {
            Some("any") => Quantifier::AnyOf,
            Some("all") => Quantifier::AllOf,
            _ => return Err(column("rule_quantifier").inconsistent()),
        };
        // A registration without a rule is none: its door stays closed (decision 2).
        let rule = Rule::new(quantifier, self.rule);
        let (declared, protection) = self.protection.finish()?;
        let name = row.t1.unwrap_or_default();
        let entity_id = row.t2.unwrap_or_default();
        let name_id = match row.t9 {
            None => None,
            Some(word) => {
                Some(UsualNameId::parse(&word).ok_or_else(|| column("name_id").inconsistent())?)
            }
        };
        Ok(ServiceProvider {
            id: SpId::from_stored(row.id),
            version: row.n1.unwrap_or_default(),
            name: column("name").checked(SpName::parse(&name))?,
            entity_id: column("entity_id").checked(EntityId::parse_lenient(&entity_id))?,
            enabled: row.n2 == Some(1),
            rule: Column("sp_required_roles", "role_name").checked(rule)?,
            acs: Column("sp_acs", "location").checked(AcsEndpoints::from_stored(self.acs))?,
            slo: SloEndpoints::from_stored(self.slo),
            certificates: self.certificates,
            bare_keys: self.bare_keys,
            name_id_formats: self.formats,
            requested: std::mem::take(&mut self.release.requested),
            declared,
            metadata: self.metadata,
            policy: Policy {
                display_name: row.t4,
                home_url: row.t5,
                contact: row.t6,
                sign: sign(row.t7.as_deref()).ok_or_else(|| column("sign").inconsistent())?,
                require_signed_requests: row.n3 == Some(1),
                denied: denied(row.t8.as_deref()).ok_or_else(|| column("denied").inconsistent())?,
                name_id,
                release: self.release.release_policy(row.n4 == Some(1)),
                release_roles: (row.n5 == Some(1)).then_some(self.released),
                allow_idp_initiated: row.n6 == Some(1),
                allow_http: row.n7 == Some(1),
                signing_key: self.signing_key,
                lifetimes: self.release.lifetimes,
                protection,
            },
        })
    }
}

fn acs_binding(word: &str) -> AcsBinding {
    match word {
        "post" => AcsBinding::HttpPost,
        "artifact" => AcsBinding::HttpArtifact,
        "paos" => AcsBinding::Paos,
        _ => AcsBinding::Other,
    }
}

fn sign(word: Option<&str>) -> Option<Sign> {
    match word? {
        "both" => Some(Sign::Both),
        "assertion" => Some(Sign::Assertion),
        "response" => Some(Sign::Response),
        _ => None,
    }
}

fn denied(word: Option<&str>) -> Option<Denied> {
    match word? {
        "page" => Some(Denied::Page),
        "status" => Some(Denied::Status),
        _ => None,
    }
}
