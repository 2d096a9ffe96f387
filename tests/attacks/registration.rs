//! The same at import: what may not be sent to at sign-on may not be registered either, and metadata
//! is read as strictly as messages are.

use crate::support::app::Product;
use crate::support::sp::Sp;

const LOCATIONS: &[&str] = &[
    "javascript:alert(1)//https://sp.example/acs",
    "JavaScript:alert(1)",
    "data:text/html,<script>",
    "//sp.example/acs",
    "/acs",
    "",
    "https://sp.example/acs#f",
    "https://sp.example@evil.example/acs",
    "https://evil.example\\@sp.example/acs",
    "https://sp.example/a b",
    "https://sp.example/\tacs",
    "http://sp.example/acs",
    "ftp://sp.example/acs",
    "file:///etc/passwd",
];

/// Vector, what is replaced in good metadata, by what; malformed documents are in `xml.rs`.
const DOCUMENTS: &[(&str, &str, &str)] = &[
    (
        "an unreadable certificate",
        "<ds:X509Certificate>MII",
        "<ds:X509Certificate>AAA",
    ),
    (
        "expired",
        " entityID=",
        " validUntil=\"2020-01-01T00:00:00Z\" entityID=",
    ),
    (
        "T-FAILOPEN signs, and has no key",
        " protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor use=\"signing\">",
        " AuthnRequestsSigned=\"true\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor use=\"encryption\">",
    ),
];

#[tokio::test]
async fn t_acs_scheme_what_may_not_be_sent_to_cannot_be_registered() {
    let product = Product::serve("signing_algorithm = \"p256\"").await;
    let mut table = Vec::new();
    for location in LOCATIONS {
        let sp = Sp::new("https://sp.example/saml", location);
        let by_metadata = added(&product, &sp.metadata(""));
        let by_hand = ["--entity-id", "https://sp.example/saml", "--acs", location];
        let by_hand = refusal(&product, &[&by_hand[..], &COMMON].concat());
        assert!(!by_hand.is_empty(), "{location:?} is registered by hand");
        table.push(format!("{location:?}: {by_metadata}"));
    }
    for (vector, from, to) in DOCUMENTS {
        let good = Sp::new("https://sp.example/saml", "https://sp.example/acs").metadata("");
        assert!(good.contains(from), "{vector} replaces nothing");
        table.push(format!(
            "{vector}: {}",
            added(&product, &good.replace(from, to))
        ));
    }
    assert_eq!(
        product.cli(["--json", "sp", "list"]).trim(),
        r#"{"sps":[],"unreadable":[]}"#,
        "nothing was registered"
    );
    insta::assert_snapshot!(table.join("\n"));
}

/// No service provider without a rule about who may enter (decision 2).
#[tokio::test]
async fn nothing_is_registered_without_a_rule() {
    let product = Product::serve("signing_algorithm = \"p256\"").await;
    let good = Sp::new("https://sp.example/saml", "https://sp.example/acs").metadata("");
    let file = product.file("good.xml", &good);
    let output = product.try_cli(&["sp", "add", "--metadata", &file, "--name", "sp"], "");
    assert_eq!(output.status.code(), Some(2), "wrong usage");
    assert_eq!(added(&product, &good), "", "with a rule it is registered");
    assert!(!added(&product, &good).is_empty(), "once");
}

const COMMON: [&str; 4] = ["--name", "sp", "--require-role", "everyone"];

/// What `sp add` says against this metadata; nothing, if it takes it.
fn added(product: &Product, metadata: &str) -> String {
    let file = product.file("sp.xml", metadata);
    let said = refusal(
        product,
        &[&["--metadata", file.as_str()][..], &COMMON].concat(),
    );
    said.replace(&file, "FILE")
}

fn refusal(product: &Product, arguments: &[&str]) -> String {
    let output = product.try_cli(&[&["sp", "add"], arguments].concat(), "");
    if output.status.success() {
        return String::new();
    }
    assert_eq!(
        output.status.code(),
        Some(1),
        "refused is 1 ({arguments:?})"
    );
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(
        said.trim_end().lines().count(),
        1,
        "one line says why: {said}"
    );
    said.trim_end().to_owned()
}
