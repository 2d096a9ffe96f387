//! The rooms of the house and which way the arrows point (docs/architecture.md), held by reading
//! the source: an import that points outwards, a clock in a pure room, SQL outside storage, or a
//! second maker of a grant fails here, with the file and the line.
//!
//! It reads text, so it sees words and not types. What the types hold (private fields, moves) the
//! compiler holds better; this test holds what the compiler cannot see.

#[path = "architecture/caught.rs"]
mod caught;
#[path = "architecture/engines.rs"]
mod engines;
#[path = "architecture/source.rs"]
mod source;

use std::path::Path;

use source::SourceFile;

/// A room: a folder of `src/` with a `mod.rs`, or one file.
struct Room {
    name: &'static str,
    /// The rooms that it may name. A room may always name itself.
    knows: &'static [&'static str],
    /// No I/O, no async, no SQL, no clock, no randomness; time and ids come in as values.
    pure: bool,
}

/// Every room there is, from the inside to the outside. A new one is written down here first.
const ROOMS: &[Room] = &[
    pure_room("directory", &[]),
    pure_room("access", &["directory"]),
    pure_room("digest", &[]),
    pure_room("saml", &["access", "directory", "digest"]),
    room("authn", &["clock", "directory"]),
    // Ids and the audit clock come in through `clock`, a leaf; nothing of the outside does.
    room("storage", &["clock", "directory", "digest"]),
    room("clock", &["directory"]),
    room("config", &["authn", "directory", "saml"]),
    // It reads and writes what storage keeps sealed for it; SQL it has none.
    room("keystore", &["clock", "directory", "saml", "storage"]),
    // It asks other servers and writes registrations; who may enter it does not decide.
    room(
        "sources",
        &["clock", "config", "directory", "saml", "storage"],
    ),
    room(
        "web",
        &[
            "access",
            "authn",
            "clock",
            "config",
            "directory",
            "keystore",
            "saml",
            "sources",
            "storage",
        ],
    ),
    room(
        "cli",
        &[
            "access",
            "authn",
            "clock",
            "config",
            "demo",
            "directory",
            "keystore",
            "saml",
            "sources",
            "storage",
            "web",
        ],
    ),
    // The store and the publisher are the other side of the wire: they know us as any SP does.
    room("demo", &[]),
    room("main", &["cli"]),
    room("lib", &[]),
];

const fn room(name: &'static str, knows: &'static [&'static str]) -> Room {
    Room {
        name,
        knows,
        pure: false,
    }
}

const fn pure_room(name: &'static str, knows: &'static [&'static str]) -> Room {
    Room {
        name,
        knows,
        pure: true,
    }
}

/// Paths that no pure room names.
const IMPURE: &[&str] = &[
    "async",
    "await",
    "axum",
    "getrandom",
    "rand",
    "reqwest",
    "rusqlite",
    "sqlx",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "tokio",
    "tower",
    "tracing",
    "ureq",
    "openssl::rand",
];

/// Paths that give the time, wherever they are imported from.
const CLOCKS: &[&str] = &["SystemTime", "Instant::now", "Timestamp::now", "Zoned::now"];

/// Libraries that belong to some rooms only, and why.
const LIBRARIES: &[(&str, &[&str], &str)] = &[
    (
        "samael",
        &["demo"],
        "samael is the demo's library and a foreign peer in tests (decision 6)",
    ),
    (
        "libxml",
        &[],
        "no C parser is in reach of unverified input (decision 5)",
    ),
    (
        "quick_xml",
        // The demo is the other side of the wire and checks what it gets by itself (decision 6).
        &["saml", "demo"],
        "there is one XML reader, src/saml/xml (decision 5)",
    ),
    (
        "sqlx",
        &["storage", "demo"],
        "only storage knows the database",
    ),
    (
        "rusqlite",
        &["storage", "demo"],
        "only storage knows the database",
    ),
    ("axum", &["web", "demo", "cli"], "only web speaks HTTP"),
    (
        "askama",
        &["web", "demo", "cli"],
        "only web makes pages, and cli the snippets for others",
    ),
    ("clap", &["cli"], "only cli reads the command line"),
];

/// How SQL statements begin.
const SQL: &[&str] = &[
    "SELECT ",
    "INSERT INTO ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "ALTER TABLE ",
    "DROP TABLE ",
    "PRAGMA ",
    "BEGIN IMMEDIATE",
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &[
    "common", "helpers", "manager", "misc", "service", "util", "utils",
];

const LONGEST_FILE: usize = 400;

#[test]
fn no_arrow_points_outwards() {
    let files = source::read_all(&package().join("src"));
    assert!(!files.is_empty(), "no source was found");
    let broken: Vec<String> = files.iter().flat_map(violations).collect();
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn every_declared_room_is_there_and_opens_with_its_duty() {
    let files = source::read_all(&package().join("src"));
    let root = files
        .iter()
        .find(|file| file.path == "lib.rs")
        .expect("src/lib.rs is there");
    for name in root.declared_modules() {
        assert!(
            ROOMS.iter().any(|room| room.name == name),
            "src/lib.rs declares `{name}`: say in tests/architecture.rs which rooms it may know"
        );
        let (folder, single) = (format!("{name}/mod.rs"), format!("{name}.rs"));
        assert!(
            files
                .iter()
                .any(|file| file.path == folder || file.path == single),
            "src/lib.rs declares `{name}`, but neither src/{folder} nor src/{single} was read"
        );
    }
    for file in files
        .iter()
        .filter(|file| file.opens_a_module() && !file.is_root())
    {
        assert!(
            file.original.trim_start().starts_with("//!"),
            "src/{} does not open with a `//!` sentence on its duty",
            file.path
        );
    }
}

#[test]
fn no_template_switches_escaping_off() {
    for template in source::read_texts(&package().join("templates"), "html") {
        let text: String = template.original.split_whitespace().collect();
        assert!(
            !text.contains("|safe"),
            "templates/{} uses |safe",
            template.path
        );
    }
}

/// Every rule that a file breaks, as `src/FILE:LINE: why`.
fn violations(file: &SourceFile) -> Vec<String> {
    let Some(room) = ROOMS.iter().find(|room| room.name == file.room) else {
        return vec![format!(
            "src/{}: `{}` is no room of tests/architecture.rs",
            file.path, file.room
        )];
    };
    let mut broken: Vec<String> = file
        .paths()
        .into_iter()
        .flat_map(|(line, path)| {
            let place = format!("src/{}:{line}: `{path}`", file.path);
            faults_of(file, room, &path)
                .into_iter()
                .map(move |why| format!("{place}: {why}"))
        })
        .collect();
    if room.name != "access" {
        broken.extend(file.literals_of("Grant").map(|line| {
            format!(
                "src/{}:{line}: only access::authorize makes a Grant (decision 1)",
                file.path
            )
        }));
    }
    if !["storage", "demo"].contains(&room.name) {
        broken.extend(
            file.lines_with_any(SQL)
                .map(|line| format!("src/{}:{line}: only storage knows SQL", file.path)),
        );
    }
    if file.lines_of_code > LONGEST_FILE {
        let lines = file.lines_of_code;
        broken.push(format!(
            "src/{}: {lines} lines without tests, more than {LONGEST_FILE}",
            file.path
        ));
    }
    if EMPTY_NAMES.contains(&file.stem()) {
        broken.push(format!(
            "src/{}: the name says nothing about what is inside",
            file.path
        ));
    }
    broken
}

/// Every rule that one path in a file of a room breaks.
fn faults_of(file: &SourceFile, room: &Room, path: &str) -> Vec<String> {
    let parts: Vec<&str> = path.split("::").collect();
    let mut faults = Vec::new();
    let mut refuse = |why: &str| faults.push(why.to_owned());
    if let ["crate" | "doorward", target, ..] = parts.as_slice() {
        if *target == "*" {
            refuse("name the room");
        } else if ROOMS.iter().any(|room| room.name == *target)
            && *target != room.name
            && !room.knows.contains(target)
        {
            refuse(&format!("{} must not know {target}", room.name));
        }
    }
    if parts.iter().take_while(|part| **part == "super").count() >= file.depth() {
        refuse("`super` climbs out of the room: write `crate::`");
    }
    if room.pure && IMPURE.iter().any(|word| starts_with(path, word)) {
        refuse("a pure room has no I/O, no async, no database and no randomness");
    }
    // The demo is another program on purpose, and has a clock of its own in one place.
    let may_tell_time = room.name == "clock" || file.path == "demo/outside.rs";
    let measures = !room.pure && path.ends_with("Instant::now");
    if !may_tell_time && !measures && CLOCKS.iter().any(|clock| names(path, clock)) {
        refuse("time is a value: it comes from clock.rs");
    }
    for (library, rooms, why) in LIBRARIES {
        if starts_with(path, library) && parts.len() > 1 && !rooms.contains(&room.name) {
            refuse(why);
        }
    }
    if parts.len() > 1 && path.ends_with("::as_read") && room.name != "storage" {
        refuse("facts are made by storage only (decision 1)");
    }
    faults
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether a path is `prefix` or goes on from there.
fn starts_with(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether a path ends in `name` or passes through it.
fn names(path: &str, name: &str) -> bool {
    format!("::{path}::").contains(&format!("::{name}::"))
}
