//! From what a source says to what has to be written, and to what people are told of it.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Sources;
use super::names::short_name;
use super::refresh::RefreshError;
use crate::clock::random_id;
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::metadata_source::{Known, MetadataSource, Tie, Validators};
use crate::directory::name::{EntityId, SpId, SpName};
use crate::directory::protection::{Declared, KeyForm};
use crate::directory::release::Requested;
use crate::directory::service_provider::{AcsEndpoints, Policy, ServiceProvider};
use crate::directory::slo_endpoint::{SloEndpoint, SloEndpoints};
use crate::directory::time::UnixTime;
use crate::saml::aggregate::Skipped;
use crate::saml::sp_metadata::{SpMetadata, parse_whenever};
use crate::storage::{EntityKey, Import, hex};

/// What a refresh changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Registrations that are new.
    pub added: Vec<SpName>,
    /// Registrations whose metadata is another.
    pub changed: Vec<Change>,
    /// Registrations that are not listed any more, and why.
    pub withdrawn: Vec<(SpName, String)>,
    /// Entities that could not be taken, and why.
    pub skipped: Vec<(String, String)>,
    /// How many registrations are as they were.
    pub unchanged: usize,
    /// How many entities are no service providers.
    pub others: usize,
}

/// What changed about one registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its short name.
    pub sp: SpName,
    /// What is there now and was not, and the other way round: one sentence each.
    pub what: Vec<String>,
}

impl Report {
    /// Whether anything was written.
    #[must_use]
    pub fn changes_something(&self) -> bool {
        !(self.added.is_empty() && self.changed.is_empty() && self.withdrawn.is_empty())
    }
}

/// How the entities of one answer are to be taken.
pub(super) struct Frame<'s> {
    pub(super) source: &'s MetadataSource,
    /// Beside the lifetime of each entity, where the source as a whole has none.
    pub(super) valid_until: Option<UnixTime>,
    pub(super) validators: Validators,
    pub(super) next_at: Option<UnixTime>,
}

/// The steps of an import, and the report on them.
pub(super) struct Plan<'s> {
    sources: &'s Sources,
    known: HashMap<EntityKey, Known>,
    names: HashSet<String>,
    seen: HashSet<EntityKey>,
    pub(super) steps: Vec<Import>,
    pub(super) report: Report,
}

impl<'s> Plan<'s> {
    pub(super) fn new(sources: &'s Sources, known: HashMap<EntityKey, Known>) -> Self {
        let names = known.values().map(|one| one.name.as_str().to_owned());
        Self {
            sources,
            names: names.collect(),
            known,
            seen: HashSet::new(),
            steps: Vec::new(),
            report: Report::default(),
        }
    }

    /// Takes one service provider that the source describes.
    pub(super) async fn take(
        &mut self,
        read: SpMetadata,
        frame: &Frame<'_>,
    ) -> Result<(), RefreshError> {
        if self.sources.own.as_deref() == Some(read.entity_id.as_str()) {
            let why = "it has our own entityID".to_owned();
            self.skip(read.entity_id.as_str(), why);
            return Ok(());
        }
        let key = EntityKey::of(&read.entity_id);
        self.seen.insert(key.clone());
        let expires = !frame.source.certificates.is_empty();
        let valid_until = read.valid_until.into_iter().chain(frame.valid_until).min();
        let tie = Tie {
            source: frame.source.id.clone(),
            own_rule: false,
            listed: true,
            valid_until: valid_until.filter(|_| expires),
            digest: hex::sha256(read.xml.as_bytes()),
            validators: frame.validators.clone(),
            next_at: frame.next_at,
            failures: 0,
        };
        match self.known.get(&key) {
            None => self.add(read, tie, frame.source),
            Some(Known {
                name, tie: None, ..
            }) => {
                let why = format!("registered by hand as {name}");
                self.skip(read.entity_id.as_str(), why);
                Ok(())
            }
            Some(Known {
                name,
                tie: Some(before),
                ..
            }) if before.source != frame.source.id => {
                let why = format!("registered from another source as {name}");
                self.skip(read.entity_id.as_str(), why);
                Ok(())
            }
            Some(Known {
                sp,
                tie: Some(before),
                ..
            }) => {
                let tie = Tie {
                    own_rule: before.own_rule,
                    ..tie
                };
                let (sp, before) = (sp.clone(), before.clone());
                self.change(sp, &before, read, tie, frame.source).await
            }
        }
    }

    fn skip(&mut self, entity_id: &str, why: String) {
        self.report.skipped.push((entity_id.to_owned(), why));
    }

    fn event(&self, kind: AuditKind, sp: &SpName, detail: String) -> AuditEvent {
        AuditEvent {
            actor: Some(self.sources.actor.clone()),
            sp: Some(sp.clone()),
            detail: Some(detail),
            ..AuditEvent::new(self.sources.clock.now(), kind)
        }
    }

    fn add(
        &mut self,
        read: SpMetadata,
        tie: Tie,
        source: &MetadataSource,
    ) -> Result<(), RefreshError> {
        let entity_id = read.entity_id.clone();
        let acs = match AcsEndpoints::new(read.acs.clone(), false) {
            Ok(acs) => acs,
            Err(error) => {
                self.skip(entity_id.as_str(), error.to_string());
                return Ok(());
            }
        };
        let Some(name) = short_name(&entity_id, &mut self.names) else {
            self.skip(
                entity_id.as_str(),
                "no short name is free for it".to_owned(),
            );
            return Ok(());
        };
        let mut sp = ServiceProvider {
            id: SpId::from_stored(random_id()?),
            version: 1,
            name: name.clone(),
            entity_id,
            enabled: true,
            rule: source.rule.clone(),
            acs,
            slo: SloEndpoints::default(),
            requested: Requested::default(),
            declared: Declared::default(),
            certificates: Vec::new(),
            bare_keys: Vec::new(),
            name_id_formats: Vec::new(),
            metadata: None,
            policy: Policy::default(),
        };
        if let Err(error) = read.replace_in(&mut sp, None) {
            self.skip(sp.entity_id.as_str(), error.to_string());
            return Ok(());
        }
        let detail = format!("{}; from {}; rule: {}", sp.entity_id, source.name, sp.rule);
        let event = self.event(AuditKind::SpAdded, &name, detail);
        self.report.added.push(name);
        self.steps.push(Import::New(Box::new(sp), tie, event));
        Ok(())
    }

    /// A registration of this source: the same, or another.
    async fn change(
        &mut self,
        id: SpId,
        before: &Tie,
        read: SpMetadata,
        tie: Tie,
        source: &MetadataSource,
    ) -> Result<(), RefreshError> {
        if before.listed && before.digest == tie.digest {
            self.report.unchanged += 1;
            if *before != tie {
                self.steps.push(Import::Same(id, tie));
            }
            return Ok(());
        }
        let Some(old) = self.sources.store.sp_by_id(&id).await? else {
            return Ok(());
        };
        let mut new = old.clone();
        let said = old.metadata.as_deref().map(str::as_bytes);
        let said = said.and_then(|xml| parse_whenever(xml).ok());
        if let Err(error) = read.replace_in(&mut new, said.as_ref()) {
            self.skip(old.entity_id.as_str(), error.to_string());
            self.withdraw(&id, &old.name, error.to_string(), source);
            return Ok(());
        }
        let mut what = differences(&old, &new);
        if !before.listed {
            what.insert(0, format!("listed by {} again", source.name));
        }
        let detail = format!("from {}: {}", source.name, what.join("; "));
        let event = self.event(AuditKind::SpUpdated, &old.name, detail);
        let sp = old.name;
        self.report.changed.push(Change { sp, what });
        self.steps.push(Import::Changed(Box::new(new), tie, event));
        Ok(())
    }

    /// Shuts the doors that the source described once and does not any more. What the
    /// administrator decided about them stays for the day on which they are listed again.
    pub(super) fn withdraw_the_rest(&mut self, source: &MetadataSource, skipped: &[Skipped]) {
        let why: HashMap<EntityKey, String> = skipped
            .iter()
            .filter_map(|one| {
                let id = EntityId::parse_lenient(&one.entity_id).ok()?;
                Some((EntityKey::of(&id), one.why.to_string()))
            })
            .collect();
        let gone: BTreeSet<_> = self
            .known
            .iter()
            .filter(|(key, known)| {
                let tie = known.tie.as_ref();
                tie.is_some_and(|tie| tie.listed && tie.source == source.id)
                    && !self.seen.contains(key)
            })
            .map(|(key, known)| {
                let why = why.get(key).cloned();
                (known.name.clone(), known.sp.clone(), why)
            })
            .collect();
        for (name, sp, why) in gone {
            let why = why.unwrap_or_else(|| "not listed any more".to_owned());
            self.withdraw(&sp, &name, why, source);
        }
    }

    pub(super) fn withdraw(
        &mut self,
        sp: &SpId,
        name: &SpName,
        why: String,
        source: &MetadataSource,
    ) {
        let detail = format!("from {}: {why}", source.name);
        let event = self.event(AuditKind::SpWithdrawn, name, detail);
        self.report.withdrawn.push((name.clone(), why));
        self.steps.push(Import::Withdrawn(sp.clone(), event));
    }
}

/// What is there now and was not, and the other way round.
pub(super) fn differences(old: &ServiceProvider, new: &ServiceProvider) -> Vec<String> {
    let mut what = Vec::new();
    let endpoints = |sp: &ServiceProvider| -> Vec<String> {
        sp.acs.iter().map(|one| one.location.clone()).collect()
    };
    compare("answers go to", &endpoints(old), &endpoints(new), &mut what);
    let logout = |sp: &ServiceProvider| -> Vec<String> {
        let both = |one: &SloEndpoint| [one.location.clone(), one.for_responses().to_owned()];
        let mut all: Vec<_> = sp.slo.iter().flat_map(both).collect();
        all.dedup();
        all
    };
    compare("sign-out goes to", &logout(old), &logout(new), &mut what);
    let keys = |sp: &ServiceProvider| -> Vec<String> {
        let all = sp.certificates.iter().chain(&sp.bare_keys);
        all.map(|der| short_hash(der)).collect()
    };
    compare("key", &keys(old), &keys(new), &mut what);
    let encryption = |sp: &ServiceProvider| -> Vec<String> {
        let all = sp.declared.encryption_keys.iter().map(|key| &key.key);
        all.map(|(KeyForm::Certificate(der) | KeyForm::Bare(der))| short_hash(der))
            .collect()
    };
    let (before, after) = (encryption(old), encryption(new));
    compare("encryption key", &before, &after, &mut what);
    let (before, after) = (&old.name_id_formats, &new.name_id_formats);
    compare("NameIDFormat", before, after, &mut what);
    if old.policy.display_name != new.policy.display_name {
        what.push(format!("it is called {} now", new.title()));
    }
    if old.policy.require_signed_requests != new.policy.require_signed_requests {
        let word = if new.policy.require_signed_requests {
            "requests have to be signed now"
        } else {
            "requests need no signature any more"
        };
        what.push(word.to_owned());
    }
    if what.is_empty() && old.metadata != new.metadata {
        what.push("other parts of its metadata".to_owned());
    }
    what
}

/// As much of a key's hash as people compare.
fn short_hash(der: &[u8]) -> String {
    hex::sha256(der).chars().take(16).collect()
}

fn compare(what: &str, before: &[String], after: &[String], changes: &mut Vec<String>) {
    let gone = before.iter().filter(|one| !after.contains(one));
    changes.extend(gone.map(|one| format!("{what} {one}: removed")));
    let new = after.iter().filter(|one| !before.contains(one));
    changes.extend(new.map(|one| format!("{what} {one}: added")));
}
