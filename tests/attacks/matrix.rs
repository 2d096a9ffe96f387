//! Which vector is tried on which kind of message. It is read off the tables that the other tests
//! keep, so that a kind for which a vector is missing fails here, and a new one cannot be forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::answers::ANSWER;
use crate::kinds::{By, KINDS, Kind};
use crate::table::{GROUPS, shortened};

/// Metadata that comes from somebody's server.
const FETCHED: &str = "metadata from a server";

/// Which kinds a vector can be written for, and why not for the others.
struct Applies {
    to: fn(&Kind) -> bool,
    not_to_others: &'static str,
}

const EVERY: Applies = Applies {
    to: |_| true,
    not_to_others: "",
};
const MESSAGE: Applies = Applies {
    to: |kind| kind.by != By::File,
    not_to_others: "metadata has no Issuer, and its root is told from others by T-NS-1",
};
const ENVELOPED: Applies = Applies {
    to: |kind| Kind::with_enveloped_signature().any(|other| other.name == kind.name),
    not_to_others: "the octets of a query are signed (T-RED); a single file is not",
};
const IN_A_MESSAGE: Applies = Applies {
    to: |kind| matches!(kind.by, By::Post(_) | By::Soap),
    not_to_others: "a query's octets are signed (T-RED); metadata has no such element",
};
const QUERY: Applies = Applies {
    to: |kind| kind.signed && matches!(kind.by, By::Redirect(_)),
    not_to_others: "only the octets of a query are signed",
};
const COMPRESSED: Applies = Applies {
    to: |kind| matches!(kind.by, By::Redirect(_)),
    not_to_others: "nothing else comes compressed",
};
const LARGE: Applies = Applies {
    to: |kind| !matches!(kind.by, By::Redirect(_)),
    not_to_others: "a query is no longer than a line of a request may be",
};
const NAMES_AN_ENDPOINT: Applies = Applies {
    to: |kind| kind.root == "AuthnRequest",
    not_to_others: "nothing else names where it is answered",
};
const FETCHED_ONLY: Applies = Applies {
    to: |_| false,
    not_to_others: "the table says what is done with metadata that a server gives",
};
const ANSWERED_ONLY: Applies = Applies {
    to: |_| false,
    not_to_others: "it answers a request of ours",
};

/// Whether a vector is tried on what comes over a connection of ours, or why not.
type Elsewhere = Result<(), &'static str>;
const TRIED: Elsewhere = Ok(());
const AS_A_FILE: Elsewhere = Err("the same reader as for a file, where it is tried");
const BY_INSTANCE: Elsewhere =
    Err("InResponseTo tells what it answers: its ID and its time are not looked at");
const NO_SUCH: Elsewhere = Err("there is nothing of that kind in it");

/// A vector by the beginning of its name; the kinds that it applies to; whether it is tried on the
/// answer of a service provider's SOAP server, and on metadata from a hostile server.
const VECTORS: &[(&str, Applies, Elsewhere, Elsewhere)] = &[
    ("T-XSW-1", ENVELOPED, TRIED, AS_A_FILE),
    ("T-XSW-2", ENVELOPED, TRIED, AS_A_FILE),
    ("T-XSW-3", ENVELOPED, TRIED, AS_A_FILE),
    ("T-XSW-4", ENVELOPED, TRIED, AS_A_FILE),
    ("T-XSW-5", ENVELOPED, TRIED, AS_A_FILE),
    ("T-XSW-6", IN_A_MESSAGE, TRIED, NO_SUCH),
    ("T-XSW-7", ENVELOPED, TRIED, AS_A_FILE),
    ("T-XSW-8", ENVELOPED, TRIED, AS_A_FILE),
    ("T-XSW-9", ENVELOPED, TRIED, AS_A_FILE),
    ("T-XSW-M", FETCHED_ONLY, NO_SUCH, TRIED),
    ("T-SIG-REF", ENVELOPED, TRIED, AS_A_FILE),
    ("T-SIG-SEE", ENVELOPED, TRIED, TRIED),
    ("T-SIG-SHAPE", ENVELOPED, TRIED, TRIED),
    ("T-SIG-MULTIREF", ENVELOPED, TRIED, AS_A_FILE),
    ("T-SIG-XPATH", ENVELOPED, TRIED, AS_A_FILE),
    ("T-SIG-XPATH2", ENVELOPED, TRIED, AS_A_FILE),
    ("T-SIG-XSLT", ENVELOPED, TRIED, AS_A_FILE),
    ("T-SIG-BASE64", ENVELOPED, TRIED, AS_A_FILE),
    ("T-SIG-DECRYPT", ENVELOPED, TRIED, AS_A_FILE),
    ("T-C14N-VOID", EVERY, TRIED, AS_A_FILE),
    ("T-SSRF-REF", ENVELOPED, TRIED, TRIED),
    ("T-ALG", ENVELOPED, TRIED, TRIED),
    ("T-KEY", ENVELOPED, TRIED, AS_A_FILE),
    ("T-KEY-EMBEDDED", ENVELOPED, TRIED, AS_A_FILE),
    ("T-RED", QUERY, NO_SUCH, NO_SUCH),
    ("T-NS-1", EVERY, TRIED, AS_A_FILE),
    ("T-NS-2", MESSAGE, TRIED, NO_SUCH),
    ("T-NS-3", EVERY, TRIED, AS_A_FILE),
    ("T-NS-4", EVERY, TRIED, AS_A_FILE),
    ("T-NS", EVERY, TRIED, AS_A_FILE),
    ("T-DIFF-1", EVERY, TRIED, TRIED),
    ("T-DIFF-2", EVERY, TRIED, TRIED),
    ("T-DIFF-3", EVERY, TRIED, AS_A_FILE),
    ("T-DIFF-4", EVERY, TRIED, AS_A_FILE),
    ("T-DIFF-5", EVERY, TRIED, AS_A_FILE),
    ("T-DIFF", EVERY, TRIED, AS_A_FILE),
    ("T-XXE-1", EVERY, TRIED, AS_A_FILE),
    ("T-XXE-2", EVERY, TRIED, AS_A_FILE),
    ("T-XXE-3", EVERY, TRIED, AS_A_FILE),
    ("T-XXE-4", EVERY, TRIED, AS_A_FILE),
    ("T-XXE-5", EVERY, TRIED, AS_A_FILE),
    ("T-XXE-6", EVERY, TRIED, AS_A_FILE),
    ("T-XXE", EVERY, TRIED, TRIED),
    ("T-TXT-COMMENT", EVERY, TRIED, AS_A_FILE),
    ("T-TXT-PI", EVERY, TRIED, AS_A_FILE),
    ("T-TXT", EVERY, TRIED, AS_A_FILE),
    ("T-ABSENT", EVERY, TRIED, AS_A_FILE),
    ("T-EMPTYSTR", EVERY, BY_INSTANCE, AS_A_FILE),
    ("T-TYPE", MESSAGE, TRIED, TRIED),
    ("T-SIZE", EVERY, TRIED, AS_A_FILE),
    ("T-ATTR", EVERY, TRIED, AS_A_FILE),
    ("T-TIME", EVERY, BY_INSTANCE, AS_A_FILE),
    ("T-DEFLATE", COMPRESSED, TRIED, TRIED),
    ("T-BODY", LARGE, TRIED, TRIED),
    ("T-REDIR", NAMES_AN_ENDPOINT, NO_SUCH, NO_SUCH),
    ("T-ACS-ABSENT", NAMES_AN_ENDPOINT, NO_SUCH, NO_SUCH),
    ("T-SSRF-MD", FETCHED_ONLY, TRIED, TRIED),
    ("T-SLO", ANSWERED_ONLY, TRIED, NO_SUCH),
    ("T-MD", FETCHED_ONLY, NO_SUCH, TRIED),
    ("T-ACS-SCHEME", FETCHED_ONLY, NO_SUCH, TRIED),
];

/// What the catalogue names beside them, shown by tests that tell a story of their own: the beginning
/// of a test's name.
const STORIES: &[&str] = &[
    "t_failopen",
    "t_leak",
    "t_panic",
    "t_acs_absent",
    "t_acs_scheme",
    "t_enc_tag",
    "t_enc_oracle",
    "t_inj",
    "t_redir",
    "t_relay_xss",
    "t_err_echo",
    "t_log",
    "t_slo_unsigned",
    "t_slo_other",
    "t_slo_answer",
    "t_ssrf_md",
    "t_mdq",
    "t_md",
    "t_fwd",
    "t_lock_par",
    "t_lock_paths",
    "t_gate",
    "t_ecp_fault",
    "t_replay_nodes",
    "t_tx_swap",
    "t_csrf_consent",
];

/// Vector, and the kinds that the tables show it for.
fn shown() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks/snapshots");
    let mut shown: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for file in std::fs::read_dir(folder).expect("the tables are there") {
        let file = file.expect("the tables are there").path();
        let table = std::fs::read_to_string(&file).expect("a table is text");
        let name = file.file_name().and_then(|name| name.to_str());
        let only = match name.expect("a name in UTF-8") {
            name if name.starts_with("attacks__matrix") => continue,
            name if name.starts_with("attacks__answers") => ANSWER.name,
            name if name.starts_with("attacks__sources") => FETCHED,
            _ => "AuthnRequest by Redirect",
        };
        let mut vector = None;
        let rows = table.splitn(3, "---\n").nth(2).unwrap_or_default();
        for row in rows.lines() {
            if !row.starts_with(' ') {
                let word = row.trim_start_matches("refresh: ").split(' ').next();
                let known = |(known, ..): &&(&'static str, _, _, _)| Some(*known) == word;
                vector = VECTORS.iter().find(known).map(|(known, ..)| *known);
            }
            if let Some(vector) = vector {
                shown.entry(vector).or_default().extend(kinds(row, only));
            }
        }
    }
    shown
}

/// The kinds that stand in brackets at the end of a row; the only one where none stand there.
fn kinds(row: &str, only: &'static str) -> BTreeSet<&'static str> {
    let listed = row.strip_suffix(']').and_then(|row| row.rsplit_once('['));
    let Some((_, listed)) = listed else {
        return BTreeSet::from([only]);
    };
    let mut kinds = BTreeSet::new();
    for name in listed.split(", ") {
        let group = GROUPS.iter().find(|(group, _)| *group == name);
        let belongs = |kind: &&Kind| group.map_or(kind.name == name, |(_, belongs)| belongs(kind));
        kinds.extend(KINDS.iter().filter(belongs).map(|kind| kind.name));
    }
    kinds
}

#[test]
fn every_vector_is_tried_on_every_kind_of_message_that_it_can_be_written_for() {
    let shown = shown();
    let (mut missing, mut table) = (String::new(), String::new());
    for (vector, applies, answer, fetched) in VECTORS {
        let tried = shown.get(vector).cloned().unwrap_or_default();
        let (to, others): (Vec<_>, Vec<_>) = KINDS.iter().partition(|kind| (applies.to)(kind));
        let elsewhere = [(ANSWER.name, answer), (FETCHED, fetched)];
        let kinds = to.iter().map(|kind| kind.name);
        let kinds = kinds.chain(
            elsewhere
                .iter()
                .filter(|(_, tried)| tried.is_ok())
                .map(|(name, _)| *name),
        );
        for kind in kinds.filter(|kind| !tried.contains(kind)) {
            let _ = writeln!(missing, "{vector} is not tried on: {kind}");
        }
        let names: Vec<_> = to.iter().map(|kind| kind.name).collect();
        let _ = writeln!(table, "{vector:16} tried on  {}", shortened(&names));
        if !others.is_empty() {
            let _ = writeln!(table, "{:16} no other  {}", "", applies.not_to_others);
        }
        for (name, tried) in elsewhere {
            let told = tried.err().map_or_else(
                || format!("tried on  {name}"),
                |why| format!("not on    {name}: {why}"),
            );
            let _ = writeln!(table, "{:16} {told}", "");
        }
    }
    assert!(missing.is_empty(), "{missing}");
    insta::assert_snapshot!(table);
}

#[test]
fn every_story_of_the_catalogue_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = BTreeSet::new();
    for folder in ["tests", "src"] {
        collect(&root.join(folder), &mut names);
    }
    for story in STORIES {
        let told = |name: &String| name.starts_with(story) || name.contains(&format!("_{story}"));
        assert!(names.iter().any(told), "no test is called {story}…");
    }
}

/// The names of all functions in this folder.
fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, names);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source is text");
            let functions = text.split("fn ").skip(1);
            let functions = functions.filter_map(|rest| rest.split(['(', '<']).next());
            names.extend(functions.map(str::to_owned));
        }
    }
}
