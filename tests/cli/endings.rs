//! `check` warns before certificates end; nothing closes because of a date (C-MC6).

use crate::import_key::{certificate, ec};
use crate::support::{Ended, Installation, sp_acs, sp_id};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;

/// An installation with one SP whose certificate ends so many days from now.
#[cfg(test)]
fn with_sp(days: i64) -> Installation {
    let here = Installation::new();
    let key = ec(Nid::X9_62_PRIME256V1);
    let pem = certificate(&key, days, MessageDigest::sha256())
        .to_pem()
        .unwrap();
    here.write("sp.pem", std::str::from_utf8(&pem).unwrap());
    here.done(&[
        "sp",
        "add",
        "--name",
        "store",
        "--entity-id",
        &sp_id("store"),
        "--acs",
        &sp_acs("store"),
        "--require-role",
        "r",
        "--certificate",
        "sp.pem",
    ]);
    here
}

/// What `check` says under this name, with its status.
#[cfg(test)]
fn said(ended: &Ended, name: &str) -> Vec<(String, String)> {
    let document = ended.json();
    let checks = document["checks"].as_array().unwrap().iter();
    let ours = checks.filter(|check| check["name"] == name);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    ours.map(|check| (text(&check["status"]), text(&check["message"])))
        .collect()
}

#[test]
fn c_mc6_an_ending_certificate_of_an_sp_is_a_warning_from_60_days_on() {
    for (days, told) in [(59, "ends in"), (8, "ends in"), (-2, "ended on")] {
        let here = with_sp(days);
        let checked = here.run(&["check", "--offline", "--json"]);
        assert_eq!(checked.status, 0, "warnings only: {checked:?}");
        let found = said(&checked, "sp store");
        let is_told = |(status, message): &(String, String)| {
            status == "warning" && message.contains(told) && message.contains("certificate")
        };
        assert!(found.iter().any(is_told), "{days}: {found:?}");
    }
    let far = with_sp(75);
    let found = said(&far.run(&["check", "--offline", "--json"]), "sp store");
    assert!(
        found.iter().all(|(_, told)| !told.contains("certificate")),
        "{found:?}"
    );
}

/// Registers the SP by metadata with these attributes and these keys.
#[cfg(test)]
fn register_by_metadata(here: &Installation, attributes: &str, keys: &str) {
    let (id, acs) = (sp_id("store"), sp_acs("store"));
    let xml = format!(
        r#"<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{id}"{attributes}><SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}<AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{acs}" index="0"/></SPSSODescriptor></EntityDescriptor>"#
    );
    here.write("sp.xml", &xml);
    let by = ["sp", "add", "--name", "store", "--metadata", "sp.xml"];
    here.done(&[&by[..], &["--require-role", "r"]].concat());
}

#[test]
fn metadata_of_an_sp_that_runs_out_is_a_warning() {
    let here = Installation::new();
    let soon = doorward::clock::Clock::System.now();
    let soon = soon.plus(std::time::Duration::from_hours(70));
    register_by_metadata(&here, &format!(r#" validUntil="{soon}""#), "");
    let checked = here.run(&["check", "--offline", "--json"]);
    assert_eq!(checked.status, 0);
    let found = said(&checked, "sp store");
    let is_told = |(_, told): &(String, String)| told.contains("metadata ends in 2 days");
    assert!(found.iter().any(is_told), "{found:?}");
}

#[test]
fn an_encryption_certificate_that_ends_is_a_warning_of_its_own() {
    let here = Installation::new();
    let key = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
    let pem = certificate(&key, 20, MessageDigest::sha256())
        .to_pem()
        .unwrap();
    let pem = String::from_utf8(pem).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let key = format!(
        r#"<KeyDescriptor use="encryption"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{base64}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"#
    );
    register_by_metadata(&here, "", &key);
    let checked = here.run(&["check", "--offline", "--json"]);
    assert_eq!(checked.status, 0);
    let found = said(&checked, "sp store");
    let about: Vec<_> = found
        .iter()
        .filter(|(_, told)| told.contains("certificate"))
        .collect();
    assert_eq!(about.len(), 1, "{found:?}");
    assert!(
        about
            .iter()
            .all(|(_, told)| told.contains("its encryption certificate ends in"))
    );
}

#[test]
fn the_end_of_our_own_certificate_is_a_warning_and_then_an_error() {
    for (days, status, told) in [(25, 0, "ends in"), (-1, 1, "ended on")] {
        let here = Installation::new();
        let key = ec(Nid::X9_62_PRIME256V1);
        let pem = certificate(&key, days, MessageDigest::sha256())
            .to_pem()
            .unwrap();
        here.write("idp.pem", std::str::from_utf8(&pem).unwrap());
        let pem = key.private_key_to_pem_pkcs8().unwrap();
        here.write("idp.key", std::str::from_utf8(&pem).unwrap());
        here.done(&["key", "import", "--cert", "idp.pem", "--key", "idp.key"]);
        let staged = here.run(&["check", "--offline", "--json"]);
        assert_eq!(staged.status, 0, "it signs nothing yet: {staged:?}");
        here.done(&["key", "activate"]);
        let checked = here.run(&["check", "--offline", "--json"]);
        assert_eq!(checked.status, status, "{checked:?}");
        let found = said(&checked, "signing key");
        assert!(
            found.iter().any(|(_, message)| message.contains(told)),
            "{found:?}"
        );
    }
}
