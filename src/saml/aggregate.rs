//! Metadata of many entities: an md:EntitiesDescriptor, or a single md:EntityDescriptor, that a
//! federation publishes under its signature (Metadata 2.3.1).
//!
//! It is read one entity at a time, so that memory is bounded by the SPs in it. Nothing is given
//! out before the signature over the whole was found good. What one entity gets wrong costs that
//! entity, never the others.

use std::collections::BTreeSet;
use std::time::Duration;

use thiserror::Error;

use super::signature::{PiecewiseCheck, SignatureError, VerifyingKey, verify_metadata};
use super::sp_metadata::{self, Lifetime, MetadataError, SpMetadata, smallest};
use super::uri;
use super::xml::{self, Element, Limits, Piece, XmlError, is_blank};
use crate::directory::name::EntityId;
use crate::directory::time::UnixTime;

/// What a source of metadata is held to.
#[derive(Debug, Clone, Copy)]
pub struct Demands<'k> {
    /// The keys that may sign it. `None`: a file that the administrator vouches for.
    pub keys: Option<&'k [VerifyingKey]>,
    /// How far ahead its validUntil may be, which then has to be there. `None`: it may be absent.
    pub longest: Option<Duration>,
    /// The instant now.
    pub now: UnixTime,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Aggregate {
    /// The service providers, in document order, each with the smallest lifetime of its own and of
    /// the groups around it.
    pub service_providers: Vec<SpMetadata>,
    /// Entities that could not be taken, and why.
    pub skipped: Vec<Skipped>,
    /// How many entities are something else: identity providers, attribute authorities.
    pub others: usize,
    /// The root's validUntil.
    pub valid_until: Option<UnixTime>,
    /// The root's cacheDuration.
    pub cache_duration: Option<Duration>,
}

/// An entity that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its entityID, as far as it is one.
    pub entity_id: String,
    /// Why.
    pub why: EntityFault,
}

/// Why one entity is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EntityFault {
    /// Its own metadata is wrong.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// Its entityID stood in the document before.
    #[error("the same entityID stands in the document twice")]
    Duplicate,
}

/// Why a whole document is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AggregateError {
    /// Not strict XML.
    #[error("the metadata is refused by the XML reader: {0}")]
    Xml(#[from] XmlError),
    /// Not signed by the pinned key.
    #[error("the signature of the metadata is not accepted: {0}")]
    Signature(#[from] SignatureError),
    /// Another root.
    #[error("the root element is neither md:EntitiesDescriptor nor md:EntityDescriptor")]
    NotMetadata,
    /// Text between the entities.
    #[error("text stands between the entities")]
    Text,
    /// A lifetime that cannot be read.
    #[error(transparent)]
    Lifetime(MetadataError),
    /// Signed metadata could be replayed for ever.
    #[error("the metadata has no validUntil, so an old copy could be passed off as a current one")]
    NoValidUntil,
    /// It was valid once.
    #[error("the metadata expired at {0}")]
    Expired(UnixTime),
    /// Valid for longer than the configuration allows.
    #[error("the metadata claims to be valid until {until}, later than {latest} as is allowed")]
    TooFarAhead {
        /// What it says.
        until: UnixTime,
        /// What may be said now.
        latest: UnixTime,
    },
}

/// Reads a document. `progress` is told how many entities have been read, each time.
pub fn read(
    bytes: &[u8],
    demands: &Demands<'_>,
    progress: &mut dyn FnMut(usize),
) -> Result<Aggregate, AggregateError> {
    let mut reading = Reading {
        demands,
        groups: Vec::new(),
        known: BTreeSet::new(),
        read: 0,
        aggregate: Aggregate::default(),
        progress,
    };
    let mut check = demands.keys.map(PiecewiseCheck::new);
    let whole = xml::read_in_pieces(bytes, &Limits::AGGREGATE, is_group, &mut |piece| {
        if let Some(check) = &mut check {
            check.take(&piece)?;
        }
        reading.take(piece)
    })?;
    match (whole, check, demands.keys) {
        (None, Some(check), _) => check.finish()?,
        (Some(document), _, Some(keys)) => {
            let signed = verify_metadata(&document, keys)?;
            reading.single(signed.root())?;
        }
        (Some(document), _, None) => reading.single(document.root())?,
        (None, None, _) => {}
    }
    Ok(reading.aggregate)
}

fn is_group(element: &Element) -> bool {
    element.is(uri::MD.uri, "EntitiesDescriptor")
}

struct Reading<'r> {
    demands: &'r Demands<'r>,
    /// The lifetimes of the open groups, each with what is around it but the root.
    groups: Vec<Lifetime>,
    known: BTreeSet<EntityId>,
    read: usize,
    aggregate: Aggregate,
    progress: &'r mut dyn FnMut(usize),
}

impl Reading<'_> {
    fn take(&mut self, piece: Piece) -> Result<(), AggregateError> {
        match piece {
            Piece::Start(group) if self.groups.is_empty() => {
                self.root(&group)?;
                self.groups.push(Lifetime::default());
            }
            Piece::Start(group) => {
                let inner = Lifetime::of(&group).map_err(AggregateError::Lifetime)?;
                let around = self.groups.last().copied().unwrap_or_default();
                self.groups.push(around.and(inner));
            }
            Piece::End => {
                self.groups.pop();
            }
            Piece::Text(text) if is_blank(&text) => {}
            Piece::Text(_) => return Err(AggregateError::Text),
            Piece::Child(entity) if entity.is(uri::MD.uri, "EntityDescriptor") => {
                self.entity(&entity);
            }
            // The signature, and extensions of whatever namespace (C-MC8).
            Piece::Child(_) => {}
        }
        Ok(())
    }

    /// A document of one entity.
    fn single(&mut self, root: &Element) -> Result<(), AggregateError> {
        if !root.is(uri::MD.uri, "EntityDescriptor") {
            return Err(AggregateError::NotMetadata);
        }
        self.root(root)?;
        self.entity(root);
        Ok(())
    }

    /// The root says how long the document may be used, before anything in it is read.
    fn root(&mut self, root: &Element) -> Result<(), AggregateError> {
        let lifetime = Lifetime::of(root).map_err(AggregateError::Lifetime)?;
        let now = self.demands.now;
        match (lifetime.valid_until, self.demands.longest) {
            (None, Some(_)) => return Err(AggregateError::NoValidUntil),
            (Some(until), _) if until <= now => return Err(AggregateError::Expired(until)),
            (Some(until), Some(longest)) if until > now.plus(longest) => {
                let latest = now.plus(longest);
                return Err(AggregateError::TooFarAhead { until, latest });
            }
            _ => {}
        }
        self.aggregate.valid_until = lifetime.valid_until;
        self.aggregate.cache_duration = lifetime.cache_duration;
        Ok(())
    }

    fn entity(&mut self, entity: &Element) {
        self.read += 1;
        (self.progress)(self.read);
        if sp_metadata::sp_role(entity).is_none() {
            self.aggregate.others += 1;
            return;
        }
        match self.service_provider(entity) {
            Ok(sp) => self.aggregate.service_providers.push(sp),
            Err(why) => {
                let entity_id = entity.attribute("entityID").unwrap_or_default();
                self.aggregate.skipped.push(Skipped {
                    entity_id: entity_id.chars().take(1024).collect(),
                    why,
                });
            }
        }
    }

    fn service_provider(&mut self, entity: &Element) -> Result<SpMetadata, EntityFault> {
        let read = sp_metadata::of_entity(entity)?;
        if !self.known.insert(read.entity_id.clone()) {
            return Err(EntityFault::Duplicate);
        }
        let around = self.groups.last().copied().unwrap_or_default();
        let valid_until = smallest(read.valid_until, around.valid_until);
        if let Some(until) = valid_until.filter(|until| *until <= self.demands.now) {
            return Err(EntityFault::Metadata(MetadataError::Expired(until)));
        }
        Ok(SpMetadata {
            valid_until,
            cache_duration: smallest(read.cache_duration, around.cache_duration),
            xml: xml::standalone(entity),
            ..read
        })
    }
}
