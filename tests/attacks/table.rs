//! The tables of vectors and answers, and the names of kinds in them.

use std::fmt;

use crate::kinds::{By, KINDS, Kind};

/// Vectors in the order in which they were tried first, and their answers.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

/// A vector, and what came of it for each kind of message; no kind where it is about one only.
struct Row {
    vector: String,
    answers: Vec<(String, Vec<&'static str>)>,
}

impl Table {
    pub(crate) fn take_down(&mut self, vector: &str, told: String, kind: Option<&'static Kind>) {
        let known = |row: &Row| kind.is_some() && row.vector == vector;
        let at = self.0.iter().position(known).unwrap_or_else(|| {
            self.0.push(Row {
                vector: vector.to_owned(),
                answers: Vec::new(),
            });
            self.0.len() - 1
        });
        let answers = &mut self.0[at].answers;
        let name = kind.map(|kind| kind.name);
        match answers.iter_mut().find(|(known, _)| *known == told) {
            Some((_, kinds)) => kinds.extend(name),
            None => answers.push((told, name.into_iter().collect())),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.0 {
            let mut vector = row.vector.as_str();
            for (told, kinds) in &row.answers {
                write!(f, "{vector:44} {told}")?;
                if !kinds.is_empty() {
                    write!(f, "  [{}]", shortened(kinds))?;
                }
                writeln!(f)?;
                vector = "";
            }
        }
        Ok(())
    }
}

/// A name, and what belongs to it.
type Group = (&'static str, fn(&Kind) -> bool);

/// Kinds that have a name together, the larger ones first.
pub(crate) const GROUPS: &[Group] = &[
    ("everything", |_| true),
    ("every message", |kind| kind.by != By::File),
    ("every message by a browser", |kind| {
        matches!(kind.by, By::Redirect(_) | By::Post(_))
    }),
    ("every enveloped signature", |kind| {
        matches!(kind.by, By::Post(_) | By::Soap)
    }),
    ("every AuthnRequest", |kind| kind.root == "AuthnRequest"),
    ("every AuthnRequest by a browser", |kind| {
        kind.root == "AuthnRequest" && kind.by != By::Soap
    }),
    ("every AuthnRequest of an enhanced client", |kind| {
        kind.root == "AuthnRequest" && kind.by == By::Soap
    }),
    ("every message by Redirect", |kind| {
        matches!(kind.by, By::Redirect(_))
    }),
    ("every message by POST", |kind| {
        matches!(kind.by, By::Post(_))
    }),
    ("every LogoutRequest", |kind| kind.root == "LogoutRequest"),
    ("every message by SOAP", |kind| kind.by == By::Soap),
    ("every LogoutResponse", |kind| kind.root == "LogoutResponse"),
    ("every file", |kind| kind.by == By::File),
];

/// The names of kinds, or of the groups that they make up.
pub(crate) fn shortened(kinds: &[&'static str]) -> String {
    let mut left: Vec<&str> = kinds.to_vec();
    let mut names = Vec::new();
    for (group, belongs) in GROUPS {
        let members = KINDS.iter().filter(|kind| belongs(kind));
        let members: Vec<_> = members.map(|kind| kind.name).collect();
        if members.iter().all(|member| left.contains(member)) {
            left.retain(|kind| !members.contains(kind));
            names.push(*group);
        }
    }
    names.extend(left);
    names.join(", ")
}
