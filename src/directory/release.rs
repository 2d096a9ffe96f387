//! What an SP may be told, what it asks to be told, and for how long it may rely on it.

use std::time::Duration;

use super::attribute::{FORMAT_UNSPECIFIED, ReleasedAttribute};
use super::attribute_sets::well_known;

/// What the administrator decided about the attributes of an SP.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReleasePolicy {
    /// What it may be told; nothing said means what the categories of its metadata say, else the
    /// default set. Never more than this leaves.
    pub attributes: Option<Vec<ReleasedAttribute>>,
    /// How much of that.
    pub amount: Amount,
    /// Whether values carry `xsi:type="xs:string"`.
    pub typed: bool,
    /// Whether the person is asked first.
    pub consent: bool,
    /// Number of an AttributeConsumingService that was registered by hand; it asks for everything
    /// that the SP may be told.
    pub attribute_index: Option<u16>,
}

/// How much an SP is told of what it may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Amount {
    /// All of it.
    #[default]
    All,
    /// What its metadata requests (Metadata 2.4.4.2).
    Requested,
    /// What its metadata requests with `isRequired`.
    Required,
}

impl Amount {
    /// The word for the command line and the table.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Requested => "requested",
            Self::Required => "required",
        }
    }

    /// From the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::All, Self::Requested, Self::Required];
        all.into_iter().find(|amount| amount.word() == word)
    }
}

/// How long what an SP gets may be relied on; nothing said means the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lifetimes {
    /// How long an assertion may be presented.
    pub assertion: Option<Duration>,
    /// How long before its making it is valid already, for clocks that are behind.
    pub not_before_margin: Option<Duration>,
    /// How long the SP's own session may last: SessionNotOnOrAfter, never after our session's end.
    pub session: Option<Duration>,
}

impl Lifetimes {
    /// How long an assertion may be presented, where nothing else is registered.
    pub const ASSERTION: Duration = Duration::from_mins(5);
    /// The shortest and the longest that can be registered.
    pub const ASSERTION_BOUNDS: (Duration, Duration) =
        (Duration::from_secs(30), Duration::from_hours(1));
    /// The usual margin.
    pub const NOT_BEFORE_MARGIN: Duration = Duration::from_mins(1);
    /// The narrowest and the widest margin that can be registered.
    pub const MARGIN_BOUNDS: (Duration, Duration) = (Duration::ZERO, Duration::from_mins(15));
    /// The shortest and the longest session that can be registered.
    pub const SESSION_BOUNDS: (Duration, Duration) =
        (Duration::from_mins(1), Duration::from_hours(24 * 30));

    /// How long an assertion may be presented.
    #[must_use]
    pub fn assertion(&self) -> Duration {
        self.assertion.unwrap_or(Self::ASSERTION)
    }

    /// How long before its making it is valid already.
    #[must_use]
    pub fn not_before_margin(&self) -> Duration {
        self.not_before_margin.unwrap_or(Self::NOT_BEFORE_MARGIN)
    }
}

/// What the metadata of an SP says about attributes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requested {
    /// Its AttributeConsumingService elements, in document order.
    pub services: Vec<AttributeConsumingService>,
    /// The entity categories that somebody put it into, in order.
    pub categories: Vec<String>,
    /// Which identifier it wants as an attribute.
    pub subject_id: Option<SubjectIdRequirement>,
}

/// A list of attributes that an SP requests (Metadata 2.4.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeConsumingService {
    /// Its number.
    pub index: u16,
    /// `isDefault`, where it was said.
    pub is_default: Option<bool>,
    /// What it requests, in order.
    pub attributes: Vec<RequestedAttribute>,
}

/// One requested attribute (Metadata 2.4.4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedAttribute {
    /// Name.
    pub name: String,
    /// NameFormat, where it was said.
    pub format: Option<String>,
    /// `isRequired`.
    pub required: bool,
    /// The values that alone are of interest; none means all.
    pub values: Vec<String>,
}

impl RequestedAttribute {
    /// Whether it is about this attribute: the same Name in the same format, or in one of which
    /// nothing was said.
    #[must_use]
    pub fn is_about(&self, attribute: &ReleasedAttribute) -> bool {
        let format = self.format.as_deref();
        self.name == attribute.name
            && format.is_none_or(|uri| uri == attribute.format || uri == FORMAT_UNSPECIFIED)
    }
}

/// The entity attribute `urn:oasis:names:tc:SAML:profiles:subject-id:req`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectIdRequirement {
    /// subject-id, and not the other one.
    SubjectId,
    /// pairwise-id, and not the other one.
    PairwiseId,
    /// Neither.
    None,
    /// Either; the more private one is preferred.
    Any,
}

impl SubjectIdRequirement {
    /// The word of the specification, which the table holds too.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SubjectId => "subject-id",
            Self::PairwiseId => "pairwise-id",
            Self::None => "none",
            Self::Any => "any",
        }
    }

    /// From the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::SubjectId, Self::PairwiseId, Self::None, Self::Any];
        all.into_iter().find(|one| one.word() == word)
    }
}

impl Requested {
    /// The service with this number; without one the default: the one that is marked, else the
    /// first that is not marked otherwise, else the first (Metadata 2.2.3, E87).
    #[must_use]
    pub fn service(&self, index: Option<u16>) -> Option<&AttributeConsumingService> {
        let services = || self.services.iter();
        match index {
            Some(index) => services().find(|service| service.index == index),
            None => services()
                .find(|service| service.is_default == Some(true))
                .or_else(|| services().find(|service| service.is_default.is_none()))
                .or_else(|| services().next()),
        }
    }
}

/// What this site has decided for all SPs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SiteRelease {
    /// The scope of scoped values, a domain that this organisation owns; without one there are
    /// none.
    pub scope: Option<String>,
    /// The entity categories that are released by.
    pub categories: Vec<EntityCategory>,
}

/// The entity categories that attributes can be released by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntityCategory {
    /// REFEDS Research and Scholarship.
    ResearchAndScholarship,
    /// REFEDS Code of Conduct v2: what is requested as required, of the set `ldap`.
    CodeOfConduct,
    /// REFEDS Anonymous Access.
    Anonymous,
    /// REFEDS Pseudonymous Access.
    Pseudonymous,
    /// REFEDS Personalized Access.
    Personalized,
}

impl EntityCategory {
    /// All, the most telling first: where an SP is in several, it is told what each of them says.
    pub const ALL: [Self; 5] = [
        Self::ResearchAndScholarship,
        Self::CodeOfConduct,
        Self::Personalized,
        Self::Pseudonymous,
        Self::Anonymous,
    ];

    /// The URI that metadata carries.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::ResearchAndScholarship => "http://refeds.org/category/research-and-scholarship",
            Self::CodeOfConduct => "https://refeds.org/category/code-of-conduct/v2",
            Self::Anonymous => "https://refeds.org/category/anonymous",
            Self::Pseudonymous => "https://refeds.org/category/pseudonymous",
            Self::Personalized => "https://refeds.org/category/personalized",
        }
    }

    /// The word for the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ResearchAndScholarship => "research-and-scholarship",
            Self::CodeOfConduct => "code-of-conduct",
            Self::Anonymous => "anonymous",
            Self::Pseudonymous => "pseudonymous",
            Self::Personalized => "personalized",
        }
    }

    /// What the category asks to be told.
    pub(super) fn bundle(self) -> Vec<ReleasedAttribute> {
        const HOME: [&str; 3] = [
            "eduPersonScopedAffiliation",
            "schacHomeOrganization",
            "eduPersonAssurance",
        ];
        let names: &[&str] = match self {
            Self::ResearchAndScholarship => &[
                "eduPersonPrincipalName",
                "mail",
                "displayName",
                "givenName",
                "sn",
                "eduPersonScopedAffiliation",
            ],
            Self::CodeOfConduct => &[
                "eduPersonPrincipalName",
                "mail",
                "displayName",
                "cn",
                "givenName",
                "sn",
                "eduPersonAffiliation",
                "eduPersonScopedAffiliation",
                "schacHomeOrganization",
                "subject-id",
                "pairwise-id",
            ],
            Self::Anonymous => &["eduPersonScopedAffiliation", "schacHomeOrganization"],
            Self::Pseudonymous => &["pairwise-id"],
            Self::Personalized => &["subject-id", "mail", "displayName", "givenName", "sn"],
        };
        let mut bundle = well_known(names);
        if matches!(self, Self::Pseudonymous | Self::Personalized) {
            bundle.extend(well_known(&HOME));
        }
        bundle
    }

    /// How much of it.
    pub(super) fn amount(self) -> Amount {
        match self {
            Self::CodeOfConduct => Amount::Required,
            _ => Amount::All,
        }
    }
}
