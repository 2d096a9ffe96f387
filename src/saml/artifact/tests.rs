use super::*;

const US: &str = "https://login.example.org/saml/metadata";

#[test]
fn c_b10_c_ar5_an_artifact_names_its_type_our_endpoint_and_us() {
    let artifact = Artifact::new([0xab; 20]);
    let text = artifact.encode(US);
    let bytes = STANDARD.decode(&text).unwrap();
    assert_eq!(bytes.len(), 44, "Bindings 3.6.4");
    assert_eq!(bytes[..2], [0, 4]);
    assert_eq!(bytes[2..4], ENDPOINT_INDEX.to_be_bytes());
    assert_eq!(bytes[4..24], sha1(US.as_bytes()));
    assert_eq!(bytes[24..], [0xab; 20]);
    assert_eq!(Artifact::parse(&text, US), Some(artifact.clone()));
    assert_eq!(
        Artifact::parse(&format!("\n {text} \n"), US),
        Some(artifact)
    );
}

#[test]
fn what_is_no_artifact_of_ours_is_none() {
    let good = STANDARD.decode(Artifact::new([1; 20]).encode(US)).unwrap();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        STANDARD.encode(bytes)
    };
    for (text, why) in [
        (with(1, 3), "another type"),
        (with(3, 7), "another endpoint"),
        (with(10, 0), "another source"),
        (STANDARD.encode(&good[..43]), "too short"),
        (STANDARD.encode([&good[..], &[0]].concat()), "too long"),
        ("AAQ".to_owned(), "nothing"),
        ("*".to_owned(), "no base64"),
        (String::new(), "empty"),
    ] {
        assert_eq!(Artifact::parse(&text, US), None, "{why}");
    }
    assert_eq!(Artifact::parse(&with(0, 0), "https://other.example"), None);
}

#[test]
fn c_ar4_the_log_never_shows_a_handle() {
    let artifact = Artifact::new([7; 20]);
    assert_eq!(format!("{artifact:?}"), "Artifact(..)");
}
