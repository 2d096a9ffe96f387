//! docs/conformance.md: what SAML asks of an identity provider, how Doorward meets it, and which test
//! shows it. It is written from `requirements.toml` and from the names of the tests themselves;
//! `make conformance` runs those tests and writes it anew.

#[cfg(test)]
mod document;
#[cfg(test)]
mod listing;
#[cfg(test)]
mod requirements;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::document::document;
    use crate::listing::{Listing, results};
    use crate::requirements::{Requirements, Standing};

    fn package() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    fn both() -> (Requirements, Listing) {
        let listing = Listing::of(package());
        let text = std::fs::read_to_string(package().join("tests/conformance/requirements.toml"));
        let text = text.expect("the requirements are there");
        let requirements = toml::from_str(&text).expect("the requirements are TOML");
        (requirements, listing)
    }

    /// No mandatory requirement is left without a test or a word.
    #[test]
    fn every_mandatory_requirement_is_shown_or_said_not_to_be() {
        let (requirements, listing) = both();
        let silent: Vec<_> = requirements
            .rows()
            .filter(|row| row.level == "M" && row.standing(&listing) == Standing::Nothing)
            .map(|row| row.id.as_str())
            .collect();
        assert!(silent.is_empty(), "neither test nor reason: {silent:?}");
    }

    /// What the requirements name is there.
    #[test]
    fn every_named_test_and_row_exists() {
        let (requirements, listing) = both();
        let unknown = requirements.unknown(&listing);
        assert!(unknown.is_empty(), "{unknown:#?}");
        let strangers = requirements.ids_of_no_row(&listing);
        assert!(strangers.is_empty(), "tests name no row: {strangers:#?}");
    }

    /// With the results of a run at hand, every test that shows something has passed in it.
    #[test]
    fn what_shows_something_has_passed() {
        let Some(results) = results() else {
            println!("no results at hand: set DOORWARD_TEST_RESULTS (make conformance does)");
            return;
        };
        let (requirements, listing) = both();
        let shown = requirements.showing(&listing);
        let bad: Vec<_> = shown
            .iter()
            .filter(|name| results.get(name.as_str()) != Some(&true))
            .collect();
        assert!(!shown.is_empty() && bad.is_empty(), "not passed: {bad:#?}");
    }

    #[test]
    fn the_document_says_what_the_tests_show() {
        let (requirements, listing) = both();
        let path = package().join("docs/conformance.md");
        let wanted = document(&requirements, &listing);
        if std::env::var_os("DOORWARD_TEST_WRITE_DOCS").is_some() {
            std::fs::write(&path, &wanted).expect("docs/conformance.md can be written");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == wanted,
            "docs/conformance.md is not up to date: make conformance, or \
             DOORWARD_TEST_WRITE_DOCS=1 cargo test --test conformance"
        );
    }
}
