//! The rules judged: a snippet that breaks one is caught, one that keeps them all passes.

use super::source::SourceFile;
use super::{LONGEST_FILE, violations};

/// What the rules say to a file with this text at this place.
fn judge(path: &str, text: &str) -> String {
    violations(&SourceFile::new(path, text)).join("\n")
}

#[test]
fn an_outward_arrow_is_caught_however_it_is_written() {
    for text in [
        "use crate::storage::Store;",
        "use crate::{access::Grant, storage::{Store, Tx}};",
        "fn f() { let s = crate::storage::open(); }",
        "use super::super::storage::Store;",
        "use crate::*;",
        "pub use doorward::web::routes;",
    ] {
        assert_ne!(judge("saml/response.rs", text), "", "{text}");
    }
    assert_ne!(judge("saml/mod.rs", "use super::storage::Store;"), "");
    assert_ne!(
        judge("demo/store.rs", "use crate::saml::response::Response;"),
        ""
    );
    assert_ne!(judge("web/sso.rs", "use crate::demo::store;"), "");
    assert_ne!(
        judge("storage/users.rs", "use crate::access::authorize;"),
        ""
    );
    assert_ne!(judge("attic/mod.rs", "//! Unknown room."), "");
}

#[test]
fn an_inward_arrow_passes() {
    for (path, text) in [
        (
            "saml/response.rs",
            "use crate::{access::Grant, directory::time::UnixTime};",
        ),
        (
            "saml/xml/reader.rs",
            "use super::super::binding::Inbound; use super::tree::Node;",
        ),
        (
            "access/mod.rs",
            "// crate::storage is not known here\nconst A: &str = \"crate::storage\";",
        ),
        (
            "access/mod.rs",
            "#[cfg(test)]\nmod tests { use crate::storage::Store; }",
        ),
        (
            "web/sso.rs",
            "use crate::access; fn f() -> Result<Grant, Refusal> { access::authorize(x) }",
        ),
        ("main.rs", "fn main() -> ExitCode { doorward::cli::run() }"),
        (
            "directory/name.rs",
            "fn random(c: char) -> bool { c == '\"' } // tokio",
        ),
    ] {
        assert_eq!(judge(path, text), "", "{text}");
    }
}

#[test]
fn a_pure_room_has_neither_clock_nor_io() {
    for text in [
        "use std::time::SystemTime;",
        "use std::{collections::BTreeMap, fs::File};",
        "fn f() { let t = Instant::now(); }",
        "pub async fn f() {}",
        "use rand::Rng;",
        "use tokio::sync::Mutex;",
        "fn f() { openssl::rand::rand_bytes(&mut b); }",
        "fn f() { getrandom::fill(&mut b); }",
    ] {
        assert_ne!(judge("access/mod.rs", text), "", "{text}");
    }
}

#[test]
fn libraries_and_sql_stay_in_their_rooms() {
    for (path, text) in [
        (
            "web/sso.rs",
            "use samael::service_provider::ServiceProvider;",
        ),
        ("web/sso.rs", "const Q: &str = \"SELECT 1 FROM users\";"),
        ("web/sso.rs", "use sqlx::Row;"),
        ("cli/user.rs", "const Q: &str = r#\"DELETE FROM users\"#;"),
        ("web/sso.rs", "use quick_xml::Reader;"),
    ] {
        assert_ne!(judge(path, text), "", "{text}");
    }
    assert_eq!(
        judge(
            "demo/store.rs",
            "use samael::service_provider::ServiceProvider;"
        ),
        ""
    );
    assert_eq!(
        judge(
            "storage/users.rs",
            "const Q: &str = \"SELECT 1 FROM users\";"
        ),
        ""
    );
}

#[test]
fn nobody_else_makes_facts_or_a_grant() {
    assert_ne!(judge("web/sso.rs", "fn f() { Facts::as_read(parts) }"), "");
    assert_ne!(
        judge("access/mod.rs", "fn f() { facts::Facts::as_read(parts) }"),
        ""
    );
    assert_eq!(
        judge("storage/facts.rs", "fn f() { Facts::as_read(parts) }"),
        ""
    );
    assert_ne!(
        judge("saml/response.rs", "fn f() { let g = Grant { user }; }"),
        ""
    );
    assert_eq!(
        judge("access/mod.rs", "fn f() { let g = Grant { user }; }"),
        ""
    );
}

#[test]
fn a_long_file_is_caught_and_its_tests_do_not_count() {
    let long = "const A: u8 = 1;\n".repeat(LONGEST_FILE + 1);
    assert_ne!(judge("web/sso.rs", &long), "");
    let tests = format!("#[cfg(test)]\nmod tests {{\n{long}}}\n");
    assert_eq!(judge("web/sso.rs", &tests), "");
}
