//! Whom an assertion is about, and by which identifier.

use super::*;

#[test]
fn c_n1_to_c_n10_each_format_has_its_own_identifier() {
    let name_id = |format: &str| {
        let mut asked = asked();
        asked.name_id.format = Some(format.to_owned());
        let document = sent(&sp(Policy::default()), ada(), &asked);
        let name_id = find(document.root(), &["Assertion", "Subject", "NameID"]);
        assert_eq!(name_id.attribute("Format"), Some(format));
        let qualifier = name_id.attribute("SPNameQualifier").map(str::to_owned);
        (name_id.text().unwrap().to_owned(), qualifier)
    };
    let sp = Some("https://sp.example/metadata?x=1&y=2".to_owned());
    let (persistent, qualifier) = name_id(NameIdFormat::Persistent.uri());
    assert_eq!((persistent.len(), qualifier), (52, sp));
    let (transient, qualifier) = name_id(NameIdFormat::Transient.uri());
    assert!(MessageId::parse(&transient).is_ok() && qualifier.is_none());
    assert_eq!(
        name_id(NameIdFormat::EmailAddress.uri()).0,
        "ada@example.org"
    );
}

#[test]
fn the_address_is_no_identifier_for_an_sp_that_is_not_told_it() {
    let mut asked = asked();
    asked.name_id.format = Some(NameIdFormat::EmailAddress.uri().to_owned());
    let with = |attributes: &[&str], name_id| {
        let sp = sp(Policy {
            name_id,
            release: listed(attributes),
            ..Policy::default()
        });
        success(&sp, ada(), &asked).is_ok()
    };
    assert!(with(&["mail"], None));
    assert!(with(
        &[],
        Some(UsualNameId::Format(NameIdFormat::EmailAddress))
    ));
    assert!(!with(&["displayName"], None));
}

#[test]
fn c_n4_no_identifier_is_created_where_that_is_forbidden() {
    let sp = sp(Policy::default());
    let mut asked = asked();
    asked.name_id.create_forbidden = true;
    let answer = success(&sp, ada(), &asked);
    assert!(matches!(answer, Err(ResponseError::NoNameId)));
    let known = grant(&sp, ada(), true);
    let release = known.release(|| "_index".to_owned()).unwrap();
    assert!(Response::success(known, &asked, &release, &issuer(), &stamp()).is_ok());
    asked.name_id.format = Some(NameIdFormat::Transient.uri().to_owned());
    assert!(
        success(&sp, ada(), &asked).is_ok(),
        "E14: ignored for transient"
    );
    asked.name_id.format = Some(NameIdFormat::EmailAddress.uri().to_owned());
    let nobody = User {
        email: None,
        ..ada()
    };
    assert!(matches!(
        success(&sp, nobody, &asked),
        Err(ResponseError::NoNameId)
    ));
}

#[test]
fn c_r8_a_subject_is_matched_in_value_format_and_qualifiers() {
    let sp = sp(Policy::default());
    let matched = |value: &str, format: NameIdFormat, sp_name_qualifier: Option<&str>| {
        let mut asked = asked();
        asked.subject = Some(AskedSubject {
            value: value.to_owned(),
            format: format.uri().to_owned(),
            name_qualifier: None,
            sp_name_qualifier: sp_name_qualifier.map(str::to_owned),
        });
        match success(&sp, ada(), &asked) {
            Ok(_) => true,
            Err(ResponseError::SubjectMismatch) => false,
            Err(other) => panic!("{other}"),
        }
    };
    assert!(matched("ada", NameIdFormat::Unspecified, None));
    assert!(matched("ada@example.org", NameIdFormat::EmailAddress, None));
    assert!(matched(
        "ada",
        NameIdFormat::Unspecified,
        Some("https://sp.example/metadata?x=1&y=2")
    ));
    assert!(!matched("Ada", NameIdFormat::Unspecified, None));
    assert!(!matched("bob", NameIdFormat::Unspecified, None));
    assert!(!matched("ada", NameIdFormat::EmailAddress, None));
    assert!(!matched(
        "ada",
        NameIdFormat::Unspecified,
        Some("https://other.example")
    ));
    assert!(!matched("ada", NameIdFormat::Persistent, None));
}
