//! The requirements as `requirements.toml` lists them.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::listing::Listing;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Requirements {
    #[serde(rename = "section")]
    pub(crate) sections: Vec<Section>,
    #[serde(rename = "profile")]
    pub(crate) profiles: Vec<Profile>,
    #[serde(rename = "point")]
    pub(crate) points: Vec<Profile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    pub(crate) id: String,
    pub(crate) title: String,
    #[serde(rename = "row")]
    pub(crate) rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) level: String,
    pub(crate) requirement: String,
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) how: String,
    #[serde(default)]
    tests: Vec<String>,
    pub(crate) evidence: Option<String>,
    pub(crate) not_offered: Option<String>,
    #[serde(default)]
    open: bool,
}

/// A requirement of somebody else's list, by the rows of ours that it consists of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Profile {
    pub(crate) id: String,
    pub(crate) what: String,
    pub(crate) rows: Vec<String>,
    #[serde(default)]
    tests: Vec<String>,
    #[serde(default)]
    pub(crate) needs_a_test: bool,
}

/// How far a requirement is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Shown,
    NotOffered,
    Open,
    Nothing,
}

impl Row {
    /// The tests that carry its id, and those that it names.
    pub(crate) fn tests<'a>(&'a self, listing: &'a Listing) -> BTreeSet<&'a str> {
        let mut tests = listing.with_id(&self.id);
        tests.extend(self.tests.iter().map(String::as_str));
        tests
    }

    pub(crate) fn standing(&self, listing: &Listing) -> Standing {
        if self.not_offered.is_some() {
            Standing::NotOffered
        } else if self.open {
            Standing::Open
        } else if self.evidence.is_some() || !self.tests(listing).is_empty() {
            Standing::Shown
        } else {
            Standing::Nothing
        }
    }
}

impl Profile {
    /// The tests that carry its own id, and those that it names.
    pub(crate) fn tests<'a>(&'a self, listing: &'a Listing) -> BTreeSet<&'a str> {
        let mut tests = listing.with_id(&self.id);
        tests.extend(self.tests.iter().map(String::as_str));
        tests
    }
}

impl Requirements {
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|section| &section.rows)
    }

    pub(crate) fn row(&self, id: &str) -> Option<&Row> {
        self.rows().find(|row| row.id == id)
    }

    /// The standing of several rows together: that of the weakest.
    pub(crate) fn standing(&self, ids: &[String], listing: &Listing) -> Standing {
        let all: Vec<_> = ids
            .iter()
            .filter_map(|id| self.row(id))
            .map(|row| row.standing(listing))
            .collect();
        let order = [Standing::Nothing, Standing::Open, Standing::NotOffered];
        let weakest = order.into_iter().find(|standing| all.contains(standing));
        weakest.unwrap_or(Standing::Shown)
    }

    /// Rows and tests that are named and are not there.
    pub(crate) fn unknown(&self, listing: &Listing) -> Vec<String> {
        let others = || self.profiles.iter().chain(&self.points);
        let of_rows = self.rows().flat_map(|row| &row.tests);
        let named = of_rows.chain(others().flat_map(|profile| &profile.tests));
        let tests = named.filter(|name| listing.file(name).is_none());
        let rows = others().flat_map(|profile| &profile.rows);
        let rows = rows.filter(|id| self.row(id).is_none());
        tests.chain(rows).cloned().collect()
    }

    /// Tests whose names carry an id that no row has: a slip in one of the two.
    pub(crate) fn ids_of_no_row<'a>(&self, listing: &'a Listing) -> Vec<(String, &'a str)> {
        let carried = listing.carried().into_iter();
        carried.filter(|(id, _)| self.row(id).is_none()).collect()
    }

    /// Every test that shows something.
    pub(crate) fn showing(&self, listing: &Listing) -> BTreeSet<String> {
        let of_rows = self.rows().flat_map(|row| row.tests(listing));
        let others = self.profiles.iter().chain(&self.points);
        let all = of_rows.chain(others.flat_map(|profile| profile.tests(listing)));
        all.map(str::to_owned).collect()
    }
}
