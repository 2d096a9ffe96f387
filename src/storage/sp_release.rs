//! The rows of a registration about attributes and lifetimes: written, and read back.

use std::time::Duration;

use crate::directory::attribute::ReleasedAttribute;
use crate::directory::release::{
    Amount, AttributeConsumingService, Lifetimes, ReleasePolicy, Requested, RequestedAttribute,
    SubjectIdRequirement,
};
use crate::directory::service_provider::ServiceProvider;
use crate::directory::template::Template;

use super::engine::{Tx, query};
use super::error::{Column, StoreError};

/// The tables that a changed registration is taken out of before it is written anew.
pub(super) const DELETE: [&str; 4] = [
    "DELETE FROM sp_released_attributes WHERE sp_id = ?",
    "DELETE FROM sp_release WHERE sp_id = ?",
    "DELETE FROM sp_requested_attributes WHERE sp_id = ?",
    "DELETE FROM sp_entity_attributes WHERE sp_id = ?",
];

/// Writes them all.
pub(super) async fn insert(tx: &mut Tx, sp: &ServiceProvider) -> Result<(), StoreError> {
    let id = sp.id.as_str();
    insert_released(tx, id, &sp.policy.release).await?;
    insert_policy(tx, id, &sp.policy.release, &sp.policy.lifetimes).await?;
    insert_requested(tx, id, &sp.requested).await?;
    let signal = sp.requested.subject_id.map(SubjectIdRequirement::word);
    let categories = sp.requested.categories.iter();
    let categories = categories.map(|uri| ("category", uri.as_str()));
    let all = categories.chain(signal.map(|word| ("subject-id-req", word)));
    for (position, (kind, value)) in (0_i64..).zip(all) {
        query(
            "INSERT INTO sp_entity_attributes (sp_id, position, kind, value) VALUES (?, ?, ?, ?)",
        )
        .bind(id)
        .bind(position)
        .bind(kind)
        .bind(value)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn insert_released(tx: &mut Tx, id: &str, policy: &ReleasePolicy) -> Result<(), StoreError> {
    for (position, attribute) in (0_i64..).zip(policy.attributes.iter().flatten()) {
        query(
            "INSERT INTO sp_released_attributes (sp_id, position, name, name_format, \
             friendly_name, template, joined_with) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(position)
        .bind(&attribute.name)
        .bind(&attribute.format)
        .bind(&attribute.friendly_name)
        .bind(attribute.value.as_str())
        .bind(&attribute.join)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn insert_policy(
    tx: &mut Tx,
    id: &str,
    policy: &ReleasePolicy,
    lifetimes: &Lifetimes,
) -> Result<(), StoreError> {
    let attributes_aside = ReleasePolicy {
        attributes: None,
        ..policy.clone()
    };
    if attributes_aside == ReleasePolicy::default() && *lifetimes == Lifetimes::default() {
        return Ok(());
    }
    query(
        "INSERT INTO sp_release (sp_id, amount, typed, consent, attribute_index, \
         assertion_lifetime, not_before_margin, session_lifetime) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id)
    .bind(policy.amount.word())
    .bind(i64::from(policy.typed))
    .bind(i64::from(policy.consent))
    .bind(policy.attribute_index.map(i64::from))
    .bind(lifetimes.assertion.map(millis))
    .bind(lifetimes.not_before_margin.map(millis))
    .bind(lifetimes.session.map(millis))
    .execute(&mut *tx)
    .await?;
    Ok(())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

async fn insert_requested(tx: &mut Tx, id: &str, requested: &Requested) -> Result<(), StoreError> {
    let mut position = 0_i64;
    for service in &requested.services {
        let mut row = RequestedRow {
            index: i64::from(service.index),
            is_default: service.is_default.map(i64::from),
            attribute: 0,
            name: None,
            format: None,
            required: 0,
            value: None,
        };
        if service.attributes.is_empty() {
            row.insert(tx, id, &mut position).await?;
        }
        for (number, attribute) in (1_i64..).zip(&service.attributes) {
            row.attribute = number;
            row.name = Some(&attribute.name);
            row.format = attribute.format.as_deref();
            row.required = i64::from(attribute.required);
            row.value = None;
            if attribute.values.is_empty() {
                row.insert(tx, id, &mut position).await?;
            }
            for value in &attribute.values {
                row.value = Some(value);
                row.insert(tx, id, &mut position).await?;
            }
        }
    }
    Ok(())
}

struct RequestedRow<'r> {
    index: i64,
    is_default: Option<i64>,
    attribute: i64,
    name: Option<&'r str>,
    format: Option<&'r str>,
    required: i64,
    value: Option<&'r str>,
}

impl RequestedRow<'_> {
    async fn insert(&self, tx: &mut Tx, id: &str, position: &mut i64) -> Result<(), StoreError> {
        query(
            "INSERT INTO sp_requested_attributes (sp_id, position, service_index, is_default, \
             attribute, name, name_format, is_required, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(*position)
        .bind(self.index)
        .bind(self.is_default)
        .bind(self.attribute)
        .bind(self.name)
        .bind(self.format)
        .bind(self.required)
        .bind(self.value)
        .execute(&mut *tx)
        .await?;
        *position += 1;
        Ok(())
    }
}

/// What is read back, row by row.
#[derive(Debug, Default)]
pub(super) struct Parts {
    attributes: Vec<ReleasedAttribute>,
    policy: ReleasePolicy,
    pub(super) lifetimes: Lifetimes,
    pub(super) requested: Requested,
    /// Service and number of the requested attribute that was read last.
    last: Option<(i64, i64)>,
}

/// A row of `sp_released_attributes`.
pub(super) struct Released {
    pub(super) name: String,
    pub(super) format: Option<String>,
    pub(super) friendly_name: Option<String>,
    pub(super) template: Option<String>,
    pub(super) join: Option<String>,
}

/// A row of `sp_release`.
pub(super) struct Policy {
    pub(super) amount: String,
    pub(super) typed: bool,
    pub(super) consent: bool,
    pub(super) attribute_index: Option<i64>,
    pub(super) lifetimes: [Option<i64>; 3],
}

/// A row of `sp_requested_attributes`.
pub(super) struct RequestedPart {
    pub(super) index: i64,
    pub(super) is_default: Option<bool>,
    pub(super) attribute: i64,
    pub(super) name: Option<String>,
    pub(super) format: Option<String>,
    pub(super) required: bool,
    pub(super) value: Option<String>,
}

impl Parts {
    pub(super) fn released(&mut self, row: Released) -> Result<(), StoreError> {
        let column = Column("sp_released_attributes", "template");
        let attribute = match (row.format, row.template) {
            (Some(format), Some(template)) => ReleasedAttribute {
                name: row.name,
                format,
                friendly_name: row.friendly_name,
                value: column.checked(Template::parse(&template))?,
                join: row.join,
            },
            _ => column.checked(ReleasedAttribute::short(&row.name))?,
        };
        self.attributes.push(attribute);
        Ok(())
    }

    pub(super) fn policy(&mut self, row: &Policy) -> Result<(), StoreError> {
        let column = |name| Column("sp_release", name);
        let index = row.attribute_index.map(u16::try_from).transpose();
        self.policy = ReleasePolicy {
            attributes: None,
            amount: Amount::parse(&row.amount).ok_or_else(|| column("amount").inconsistent())?,
            typed: row.typed,
            consent: row.consent,
            attribute_index: column("attribute_index").checked(index)?,
        };
        let [assertion, margin, session] = row.lifetimes.map(|millis| {
            let millis = millis.map(u64::try_from).transpose();
            millis.map(|millis| millis.map(Duration::from_millis))
        });
        self.lifetimes = Lifetimes {
            assertion: column("assertion_lifetime").checked(assertion)?,
            not_before_margin: column("not_before_margin").checked(margin)?,
            session: column("session_lifetime").checked(session)?,
        };
        Ok(())
    }

    pub(super) fn requested(&mut self, row: RequestedPart) -> Result<(), StoreError> {
        let column = Column("sp_requested_attributes", "service_index");
        let index = column.checked(u16::try_from(row.index))?;
        if self.last.is_none_or(|(service, _)| service != row.index) {
            self.requested.services.push(AttributeConsumingService {
                index,
                is_default: row.is_default,
                attributes: vec![],
            });
        }
        let is_next_value = self.last == Some((row.index, row.attribute));
        self.last = Some((row.index, row.attribute));
        let Some(service) = self.requested.services.last_mut() else {
            return Err(column.inconsistent());
        };
        match (service.attributes.last_mut(), row.name) {
            (Some(attribute), _) if is_next_value => attribute.values.extend(row.value),
            (_, Some(name)) => service.attributes.push(RequestedAttribute {
                name,
                format: row.format,
                required: row.required,
                values: row.value.into_iter().collect(),
            }),
            (_, None) => {}
        }
        Ok(())
    }

    pub(super) fn entity_attribute(&mut self, kind: &str, value: String) -> Result<(), StoreError> {
        if kind == "category" {
            self.requested.categories.push(value);
            return Ok(());
        }
        let column = Column("sp_entity_attributes", "value");
        let word = SubjectIdRequirement::parse(&value).ok_or_else(|| column.inconsistent())?;
        self.requested.subject_id = Some(word);
        Ok(())
    }

    /// The policy; `lists` says whether attributes were listed at all.
    pub(super) fn release_policy(&mut self, lists: bool) -> ReleasePolicy {
        ReleasePolicy {
            attributes: lists.then(|| std::mem::take(&mut self.attributes)),
            ..std::mem::take(&mut self.policy)
        }
    }
}
