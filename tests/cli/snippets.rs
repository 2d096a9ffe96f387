use crate::support::{Installation, sp_id};

const PRODUCTS: [&str; 11] = [
    "python3-saml",
    "pysaml2",
    "node-saml",
    "samlify",
    "mellon",
    "shibboleth",
    "simplesamlphp",
    "java-saml",
    "keycloak",
    "crewjam",
    "generic",
];

/// What every product is configured by, as it is printed; tests/interop shows that it works.
#[test]
fn a_snippet_is_the_whole_configuration_of_the_other_side() {
    let here = Installation::new();
    here.add_sp("store", &["consumer"]);
    for product in PRODUCTS {
        let printed = here.done(&["sp", "snippet", "store", "--for", product]);
        insta::assert_snapshot!(product, masked(&printed));
    }

    // Any certificate will do as the service provider's.
    let keys = here.json(&["key", "list"]);
    here.write("sp.pem", keys["keys"][0]["certificate"].as_str().unwrap());
    here.done(&[
        "sp",
        "update",
        "store",
        "--certificate",
        "sp.pem",
        "--nameid",
        "emailAddress",
    ]);
    for product in PRODUCTS {
        let snippet = ["sp", "snippet", "store", "--for", product];
        let printed = here.done(&[&snippet[..], &["--request-binding", "post"]].concat());
        insta::assert_snapshot!(format!("{product}-with-a-key"), masked(&printed));
    }
}

#[test]
fn a_file_of_a_snippet_is_printed_alone() {
    let here = Installation::new();
    here.add_sp("store", &["consumer"]);
    let snippet = ["sp", "snippet", "store", "--for", "python3-saml", "--file"];
    let alone = here.done(&[&snippet[..], &["settings.json"]].concat());
    let settings: serde_json::Value = serde_json::from_str(&alone).expect("JSON as it is");
    assert_eq!(settings["sp"]["entityId"], sp_id("store"));
    let ended = here.run(&[&snippet[..], &["nothing.json"]].concat());
    assert_eq!(ended.status, 2, "{ended:?}");
    assert!(ended.complained.contains("settings.json"), "{ended:?}");
}

/// Without what is new in every installation: the certificate of its signing key.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut inside = false;
    for line in text.lines() {
        if line.ends_with("-----END CERTIFICATE-----") {
            inside = false;
        }
        if !inside {
            masked.push_str(&without_base64(line));
            masked.push('\n');
        }
        if line.ends_with("-----BEGIN CERTIFICATE-----") {
            inside = true;
        }
    }
    masked
}

/// A line in which a run of base64 longer than any name is `…`.
fn without_base64(line: &str) -> String {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
    let mut shown = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(is_base64) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_base64(c)).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        shown.push_str(before);
        shown.push_str(if run.len() > 200 { "…" } else { run });
        rest = after;
    }
    shown + rest
}
