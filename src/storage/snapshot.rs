//! From the rows of one statement to [`Facts`]. Nothing else makes them (decision 1).

use std::collections::{BTreeMap, BTreeSet};

use crate::directory::facts::{Backing, DoorFacts, Facts, FactsParts, PersonFacts, Presence};
use crate::directory::name::{RoleName, SessionId, SpId, UserId, UserName};
use crate::directory::rule::{Quantifier, Rule};
use crate::directory::session::{Participant, Session};
use crate::directory::time::UnixTime;
use crate::directory::user::User;

use super::engine::Columns;
use super::error::{Column, StoreError};

const DOOR: i64 = 0;
const RULE: i64 = 1;
const PERSON: i64 = 2;
const ROLE: i64 = 3;
const ATTRIBUTE: i64 = 4;

/// What one statement read.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    doors: Vec<Door>,
    people: Vec<Person>,
    /// Of the rules: which SP, which role.
    rules: Vec<(String, RoleName)>,
    /// Of the users: whose, which role.
    roles: Vec<(String, RoleName)>,
    /// Of the users: whose, at which place, name and value.
    attributes: Vec<(String, i64, String, String)>,
}

#[derive(Debug)]
struct Door {
    id: String,
    version: i64,
    enabled: bool,
    quantifier: Quantifier,
    session_index: Option<String>,
    known_to_sp: bool,
    key_version: i64,
    backing: Option<Backing>,
}

#[derive(Debug)]
struct Person {
    user: User,
    session: Option<(Session, Option<String>)>,
}

impl Snapshot {
    /// Takes down one row.
    pub(super) fn take(&mut self, row: &impl Columns) -> Result<(), StoreError> {
        match row.int(0)? {
            DOOR => self.doors.push(door(row)?),
            RULE => self.rules.push((
                row.string(1)?,
                role(row, Column("sp_required_roles", "role_name"))?,
            )),
            PERSON => self.people.push(person(row)?),
            ROLE => self.roles.push((
                row.string(1)?,
                role(row, Column("user_roles", "role_name"))?,
            )),
            ATTRIBUTE => {
                let (whose, name) = (row.string(1)?, row.string(2)?);
                self.attributes
                    .push((whose, row.int(9)?, name, row.string(3)?));
            }
            _ => return Err(Column("facts", "tag").inconsistent()),
        }
        Ok(())
    }

    pub(super) fn is_about_nobody(&self) -> bool {
        self.people.is_empty()
    }

    /// Of one door and at most one person.
    pub(super) fn facts(mut self, now: UnixTime) -> Option<Facts> {
        self.hand_out_roles();
        let door = self.doors.pop()?;
        let rule = rule_of(&door, &self.rules);
        let person = self.people.pop();
        Some(facts(door, rule, person, now))
    }

    /// Of every door and the one person.
    pub(super) fn facts_of_all_doors(mut self, now: UnixTime) -> Vec<(SpId, Facts)> {
        self.hand_out_roles();
        let person = self.people.pop();
        every_door(&self.doors, &self.rules, person.as_ref(), now)
    }

    /// Of every door and everybody.
    pub(super) fn matrix(mut self, now: UnixTime) -> Vec<(User, Vec<(SpId, Facts)>)> {
        self.hand_out_roles();
        self.people.sort_by_key(|person| person.user.name.key());
        let (doors, rules) = (&self.doors, &self.rules);
        let row = |person: Person| {
            let facts = every_door(doors, rules, Some(&person), now);
            (person.user, facts)
        };
        self.people.into_iter().map(row).collect()
    }

    /// Of the one person in a session.
    pub(super) fn session(mut self) -> Option<(Session, User)> {
        self.hand_out_roles();
        let person = self.people.pop()?;
        Some((person.session?.0, person.user))
    }

    /// Gives the roles and attributes that were read to those whose they are.
    fn hand_out_roles(&mut self) {
        self.attributes
            .sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
        if let [only] = self.people.as_mut_slice() {
            only.user.roles = self.roles.drain(..).map(|(_, role)| role).collect();
            let attributes = self.attributes.drain(..);
            only.user.attributes = attributes
                .map(|(_, _, name, value)| (name, value))
                .collect();
            return;
        }
        self.people
            .sort_by(|one, other| one.user.id.cmp(&other.user.id));
        for (user, role) in self.roles.drain(..) {
            if let Some(person) = find(&mut self.people, &user) {
                person.user.roles.insert(role);
            }
        }
        for (user, _, name, value) in self.attributes.drain(..) {
            if let Some(person) = find(&mut self.people, &user) {
                person.user.attributes.push((name, value));
            }
        }
    }
}

fn find<'a>(people: &'a mut [Person], id: &str) -> Option<&'a mut Person> {
    let place = people.binary_search_by(|person| person.user.id.as_str().cmp(id));
    people.get_mut(place.ok()?)
}

fn every_door(
    doors: &[Door],
    rules: &[(String, RoleName)],
    person: Option<&Person>,
    now: UnixTime,
) -> Vec<(SpId, Facts)> {
    let mut rules_of: BTreeMap<&str, Vec<RoleName>> = BTreeMap::new();
    for (sp, role) in rules {
        rules_of.entry(sp).or_default().push(role.clone());
    }
    doors
        .iter()
        .map(|door| {
            let person = person.map(|person| Person {
                user: person.user.clone(),
                session: person.session.clone(),
            });
            let copy = Door {
                id: door.id.clone(),
                session_index: door.session_index.clone(),
                ..*door
            };
            let named = rules_of.remove(door.id.as_str()).unwrap_or_default();
            let rule = Rule::new(door.quantifier, named).ok();
            let id = SpId::from_stored(door.id.clone());
            (id, facts(copy, rule, person, now))
        })
        .collect()
}

/// `None` where the table holds no role for the door: closed, never open (decision 2).
fn rule_of(door: &Door, rules: &[(String, RoleName)]) -> Option<Rule> {
    let named = rules.iter().filter(|(sp, _)| *sp == door.id);
    Rule::new(door.quantifier, named.map(|(_, role)| role.clone())).ok()
}

fn facts(door: Door, rule: Option<Rule>, person: Option<Person>, read_at: UnixTime) -> Facts {
    let sp = SpId::from_stored(door.id);
    let person = person.map(|Person { user, session }| {
        let presence = match session {
            None => Presence::Supposed,
            Some((session, fresh_for)) => Presence::SignedIn {
                participant: door.session_index.map(|session_index| Participant {
                    session: session.id.clone(),
                    sp: sp.clone(),
                    session_index,
                }),
                session: Box::new(session),
                fresh_for,
                known_to_sp: door.known_to_sp,
            },
        };
        PersonFacts { user, presence }
    });
    Facts::as_read(FactsParts {
        read_at,
        door: DoorFacts {
            sp,
            version: door.version,
            enabled: door.enabled,
            rule,
            key_version: door.key_version,
            backing: door.backing,
        },
        person,
    })
}

fn door(row: &impl Columns) -> Result<Door, StoreError> {
    let quantifier = match row.text(2) {
        Some("any") => Quantifier::AnyOf,
        Some("all") => Quantifier::AllOf,
        _ => return Err(Column("service_providers", "rule_quantifier").inconsistent()),
    };
    Ok(Door {
        id: row.string(1)?,
        version: row.int(9)?,
        enabled: row.int(10)? != 0,
        quantifier,
        session_index: row.optional_string(3)?,
        known_to_sp: row.optional_int(11)?.is_some(),
        key_version: row.int(12)?,
        backing: backing(row)?,
    })
}

/// Where there is no row about a source, the registration was made by hand.
fn backing(row: &impl Columns) -> Result<Option<Backing>, StoreError> {
    let listed = row.optional_int(13)?;
    let valid_until = row.optional_int(14)?;
    Ok(listed.map(|listed| Backing {
        listed: listed != 0,
        valid_until: valid_until.map(UnixTime::from_millis),
    }))
}

fn role(row: &impl Columns, column: Column) -> Result<RoleName, StoreError> {
    let name = row.text(2).ok_or_else(|| column.inconsistent())?;
    column.checked(RoleName::parse(name))
}

fn person(row: &impl Columns) -> Result<Person, StoreError> {
    let id = UserId::from_stored(row.string(1)?);
    let column = Column("users", "name");
    let name = row.text(2).ok_or_else(|| column.inconsistent())?;
    let session = match row.optional_string(5)? {
        None => None,
        Some(session) => {
            let fresh_for = row.optional_string(8)?;
            let session = Session {
                id: SessionId::from_stored(session),
                user: id.clone(),
                signed_in_at: UnixTime::from_millis(row.int(12)?),
                started_at: UnixTime::from_millis(row.int(13)?),
                last_seen_at: UnixTime::from_millis(row.int(14)?),
                source: row.optional_string(6)?,
                user_agent: row.optional_string(7)?,
            };
            Some((session, fresh_for))
        }
    };
    let user = User {
        id,
        name: column.checked(UserName::parse(name))?,
        display_name: row.string(3)?,
        email: row.optional_string(4)?,
        disabled: row.int(9)? != 0,
        must_change_password: row.int(10)? != 0,
        roles: BTreeSet::new(),
        attributes: Vec::new(),
        created_at: UnixTime::from_millis(row.int(11)?),
    };
    Ok(Person { user, session })
}
