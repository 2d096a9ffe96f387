//! Which attributes an SP is told, person or no person: what is registered is the limit, and what the
//! SP says narrows it (decision 37).

use std::borrow::Cow;

use super::attribute::{PAIRWISE_ID, ReleasedAttribute, SUBJECT_ID};
use super::attribute_sets::{DEFAULT_SET, well_known};
use super::release::{
    Amount, AttributeConsumingService, EntityCategory, ReleasePolicy, Requested,
    RequestedAttribute, SiteRelease, SubjectIdRequirement,
};

/// One attribute that an SP is told, and the values that alone it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told<'a> {
    /// Which.
    pub attribute: Cow<'a, ReleasedAttribute>,
    /// Values that the SP is interested in; none means all.
    pub only: &'a [String],
}

/// What an SP is told, person or no person. It never grows by what a request asks for: `ceiling`
/// is what was registered, and everything else narrows it.
///
/// `index` is the AttributeConsumingServiceIndex of the request (Core 3.4.1).
#[must_use]
pub fn told<'a>(
    policy: &'a ReleasePolicy,
    requested: &'a Requested,
    site: &SiteRelease,
    index: Option<u16>,
) -> Vec<Told<'a>> {
    let service = requested.service(index);
    // An explicit index says what is wanted this time; without one that is only asked where the
    // registration says so.
    let list = |amount| narrowed_by(service, amount, index.is_some());
    let mut told: Vec<Told<'a>> = Vec::new();
    if let Some(registered) = &policy.attributes {
        let registered = registered.iter().map(Cow::Borrowed);
        add(&mut told, registered, list(policy.amount).as_deref());
    } else {
        let categories = categories(requested, site);
        for category in &categories {
            let list = list(policy.amount.max(category.amount()));
            let bundle = category.bundle().into_iter().map(Cow::Owned);
            add(&mut told, bundle, list.as_deref());
        }
        if categories.is_empty() {
            let usual = DEFAULT_SET.iter().map(Cow::Borrowed);
            add(&mut told, usual, list(policy.amount).as_deref());
        }
        let ids = by_signal(requested).into_iter().map(Cow::Owned);
        add(&mut told, ids, None);
    }
    if let Some(requirement) = requested.subject_id {
        keep_one_id(&mut told, requirement);
    }
    told
}

/// The requested attributes that narrow the list, if any do.
fn narrowed_by(
    service: Option<&AttributeConsumingService>,
    amount: Amount,
    explicit: bool,
) -> Option<Vec<&RequestedAttribute>> {
    let all = service.map(|service| service.attributes.as_slice());
    match amount {
        // A service that requests nothing by name narrows nothing.
        Amount::All => all
            .filter(|all| explicit && !all.is_empty())
            .map(|all| all.iter().collect()),
        Amount::Requested => Some(all.unwrap_or_default().iter().collect()),
        Amount::Required => {
            let required = all.unwrap_or_default().iter().filter(|one| one.required);
            Some(required.collect())
        }
    }
}

/// Adds what the list lets pass, each Name in a format once.
fn add<'a>(
    told: &mut Vec<Told<'a>>,
    attributes: impl Iterator<Item = Cow<'a, ReleasedAttribute>>,
    list: Option<&[&'a RequestedAttribute]>,
) {
    for attribute in attributes {
        let known = told.iter().any(|there| {
            (&there.attribute.name, &there.attribute.format) == (&attribute.name, &attribute.format)
        });
        let wanted = list.map(|list| list.iter().find(|one| one.is_about(&attribute)));
        let only: &'a [String] = match wanted {
            None => &[],
            Some(Some(one)) => &one.values,
            Some(None) => continue,
        };
        if !known {
            told.push(Told { attribute, only });
        }
    }
}

/// The enabled categories that the SP is in.
fn categories(requested: &Requested, site: &SiteRelease) -> Vec<EntityCategory> {
    EntityCategory::ALL
        .into_iter()
        .filter(|category| site.categories.contains(category))
        .filter(|category| requested.categories.iter().any(|uri| uri == category.uri()))
        .collect()
}

/// The identifiers that the SP's metadata asks for (subject-id:req).
fn by_signal(requested: &Requested) -> Vec<ReleasedAttribute> {
    match requested.subject_id {
        Some(SubjectIdRequirement::SubjectId) => well_known(&["subject-id"]),
        Some(SubjectIdRequirement::PairwiseId | SubjectIdRequirement::Any) => {
            well_known(&["pairwise-id"])
        }
        Some(SubjectIdRequirement::None) | None => vec![],
    }
}

/// What is asked for, and not the other one (subject-id 4).
fn keep_one_id(told: &mut Vec<Told<'_>>, requirement: SubjectIdRequirement) {
    let has_pairwise = told.iter().any(|one| one.attribute.name == PAIRWISE_ID);
    told.retain(|one| match one.attribute.name.as_str() {
        SUBJECT_ID => match requirement {
            SubjectIdRequirement::SubjectId => true,
            SubjectIdRequirement::Any => !has_pairwise,
            SubjectIdRequirement::PairwiseId | SubjectIdRequirement::None => false,
        },
        PAIRWISE_ID => matches!(
            requirement,
            SubjectIdRequirement::PairwiseId | SubjectIdRequirement::Any
        ),
        _ => true,
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requested(name: &str, required: bool) -> RequestedAttribute {
        RequestedAttribute {
            name: name.to_owned(),
            format: None,
            required,
            values: vec![],
        }
    }

    fn service(
        index: u16,
        is_default: Option<bool>,
        short: &[(&str, bool)],
    ) -> AttributeConsumingService {
        let attribute = |(short, required): &(&str, bool)| {
            let name = ReleasedAttribute::short(short).unwrap().name;
            requested(&name, *required)
        };
        AttributeConsumingService {
            index,
            is_default,
            attributes: short.iter().map(attribute).collect(),
        }
    }

    fn labels(
        policy: &ReleasePolicy,
        asks: &Requested,
        site: &SiteRelease,
        index: Option<u16>,
    ) -> Vec<String> {
        let told = told(policy, asks, site, index);
        told.iter()
            .map(|one| one.attribute.label().to_owned())
            .collect()
    }

    fn listed(short: &[&str], amount: Amount) -> ReleasePolicy {
        ReleasePolicy {
            attributes: Some(well_known(short)),
            amount,
            ..ReleasePolicy::default()
        }
    }

    #[test]
    fn c_a14_requested_attributes_narrow_and_never_widen() {
        let asks = Requested {
            services: vec![
                service(0, None, &[("mail", true), ("sn", false), ("title", true)]),
                service(1, Some(true), &[("mail", false), ("sn", true)]),
            ],
            ..Requested::default()
        };
        let site = SiteRelease::default();
        let of =
            |amount, index| labels(&listed(&["mail", "sn", "uid"], amount), &asks, &site, index);
        assert_eq!(of(Amount::All, None), ["mail", "sn", "uid"]);
        assert_eq!(
            of(Amount::Requested, None),
            ["mail", "sn"],
            "of the default service"
        );
        assert_eq!(of(Amount::Required, None), ["sn"]);
        assert_eq!(
            of(Amount::Required, Some(0)),
            ["mail"],
            "title is not registered"
        );
        assert_eq!(
            of(Amount::All, Some(0)),
            ["mail", "sn"],
            "an index says what is wanted"
        );
        let silent = Requested::default();
        let policy = listed(&["mail"], Amount::Requested);
        assert_eq!(
            labels(&policy, &silent, &site, None),
            [""; 0],
            "nothing is requested"
        );
    }

    #[test]
    fn e87_the_default_service_is_chosen_as_the_default_endpoint_is() {
        let index = |marks: &[Option<bool>]| {
            let services = (0..)
                .zip(marks)
                .map(|(index, mark)| service(index, *mark, &[]));
            let asks = Requested {
                services: services.collect(),
                ..Requested::default()
            };
            asks.service(None).map(|service| service.index)
        };
        assert_eq!(index(&[None, Some(true)]), Some(1));
        assert_eq!(index(&[Some(false), None]), Some(1));
        assert_eq!(index(&[Some(false), Some(false)]), Some(0));
        assert_eq!(index(&[]), None);
    }

    #[test]
    fn c_at3_what_the_signal_asks_for_is_told_and_not_the_other_one() {
        let ids = |policy: &ReleasePolicy, signal| {
            let asks = Requested {
                subject_id: signal,
                ..Requested::default()
            };
            let mut all = labels(policy, &asks, &SiteRelease::default(), None);
            all.retain(|label| label.ends_with("-id"));
            all
        };
        let unsaid = ReleasePolicy::default();
        assert_eq!(ids(&unsaid, None), [""; 0]);
        assert_eq!(
            ids(&unsaid, Some(SubjectIdRequirement::SubjectId)),
            ["subject-id"]
        );
        assert_eq!(
            ids(&unsaid, Some(SubjectIdRequirement::PairwiseId)),
            ["pairwise-id"]
        );
        assert_eq!(
            ids(&unsaid, Some(SubjectIdRequirement::Any)),
            ["pairwise-id"]
        );
        assert_eq!(ids(&unsaid, Some(SubjectIdRequirement::None)), [""; 0]);
        let both = listed(&["subject-id", "pairwise-id"], Amount::All);
        assert_eq!(
            ids(&both, Some(SubjectIdRequirement::SubjectId)),
            ["subject-id"]
        );
        assert_eq!(ids(&both, Some(SubjectIdRequirement::Any)), ["pairwise-id"]);
        assert_eq!(ids(&both, None), ["subject-id", "pairwise-id"]);
        let neither = listed(&["mail"], Amount::All);
        assert_eq!(
            ids(&neither, Some(SubjectIdRequirement::SubjectId)),
            [""; 0],
            "the list is the limit"
        );
    }

    #[test]
    fn c_at5_a_category_counts_where_the_site_says_so_and_nothing_is_listed() {
        let asks = Requested {
            categories: vec![EntityCategory::Pseudonymous.uri().to_owned()],
            services: vec![service(0, None, &[("mail", true), ("sn", false)])],
            ..Requested::default()
        };
        let unsaid = ReleasePolicy::default();
        let off = SiteRelease::default();
        assert_eq!(
            labels(&unsaid, &asks, &off, None),
            ["mail", "displayName", "role"]
        );
        let on = SiteRelease {
            scope: None,
            categories: EntityCategory::ALL.to_vec(),
        };
        let pseudonymous = [
            "pairwise-id",
            "eduPersonScopedAffiliation",
            "schacHomeOrganization",
            "eduPersonAssurance",
        ];
        assert_eq!(labels(&unsaid, &asks, &on, None), pseudonymous);
        assert_eq!(
            labels(&listed(&["uid"], Amount::All), &asks, &on, None),
            ["uid"]
        );
        let conduct = Requested {
            categories: vec![EntityCategory::CodeOfConduct.uri().to_owned()],
            ..asks
        };
        assert_eq!(
            labels(&unsaid, &conduct, &on, None),
            ["mail"],
            "what is required"
        );
    }
}
