//! Files that an administrator is handed and gives to a command (docs/threat-model.md): a backup that
//! is none, or was made by somebody who knows the passphrase, and a table of people. Nothing of them is
//! half taken, nothing in them steers the terminal, and they cost little.

use std::io::Write as _;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use doorward::keystore::{Lock, SealedWriter};
use doorward::storage::shape;
use serde_json::{Value, json};

use crate::target::Target;

const PASSPHRASE: &str = "correct horse battery staple";
/// How long a command may take for one file; much less where nothing else runs.
const PATIENCE: Duration = Duration::from_secs(30);
/// What it may address, in KiB. A hash for which a file asks for more would not be made.
const MEMORY: u32 = 2_000_000;

/// A command with a bound on its memory.
fn run(target: &Target, arguments: &[&str], stdin: &str) -> Output {
    let command = target.product.command(arguments);
    let input = target.product.file("stdin", stdin);
    Command::new("sh")
        .args(["-c", &format!("ulimit -v {MEMORY} && exec \"$0\" \"$@\"")])
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(std::fs::File::open(input).expect("it was just written"))
        .output()
        .expect("there is a shell")
}

/// Gives the file to a command that has to refuse it; what it says, without the file's name.
fn refusal(target: &mut Target, vector: &str, arguments: &[&str], bytes: &[u8]) -> String {
    let file = target.product.file("hostile", "");
    std::fs::write(&file, bytes).expect("the temporary folder can be written");
    let arguments: Vec<_> = arguments
        .iter()
        .map(|word| if *word == "FILE" { &file } else { *word })
        .collect();
    let begun = Instant::now();
    let output = run(target, &arguments, PASSPHRASE);
    let took = begun.elapsed();
    assert!(took < PATIENCE, "{vector} took {took:?}");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{vector}: {said}");
    let odd = |c: char| c.is_control() && c != '\n' || ('\u{200b}'..='\u{202e}').contains(&c);
    assert!(!said.contains(odd), "{vector}: {said:?}");
    target.watch.unchanged(vector);
    said.trim_end().replace(&file, "FILE").replace('\n', " / ")
}

fn head(key: &str) -> Vec<u8> {
    format!("doorward backup 1\n{key}\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").into_bytes()
}

fn by_passphrase(memory_kib: u64, passes: u64, salt: &str) -> Vec<u8> {
    let head =
        json!({"key": "passphrase", "memory_kib": memory_kib, "passes": passes, "salt": salt});
    head.to_string().into_bytes()
}

/// Vector and file: anybody can make these.
fn unsealed() -> Vec<(&'static str, Vec<u8>)> {
    let of = |head_line: Vec<u8>| head(std::str::from_utf8(&head_line).expect("JSON"));
    let salt = "00112233445566778899aabbccddeeff";
    vec![
        ("nothing", Vec::new()),
        ("a database", b"SQLite format 3\0".repeat(100)),
        (
            "a first line without end",
            b"doorward backup 1".repeat(10_000),
        ),
        (
            "a second line without end",
            [b"doorward backup 1\n".to_vec(), vec![b'x'; 1 << 20]].concat(),
        ),
        ("not UTF-8", b"doorward backup 1\n\xff\xff\n".to_vec()),
        ("nested a thousand times", head(&"[".repeat(4_000))),
        ("another kind of key", head("{\"key\":\"none\"}")),
        (
            "more in the head",
            head("{\"key\":\"master-key\",\"id\":\"a\",\"salt\":\"\",\"x\":1}"),
        ),
        (
            "memory of four gigabytes",
            of(by_passphrase(4 << 20, 1, salt)),
        ),
        ("memory of a gigabyte", of(by_passphrase(1 << 20, 1, salt))),
        (
            "memory beyond a number",
            of(by_passphrase(1 << 40, 1, salt)),
        ),
        ("no memory", of(by_passphrase(0, 1, salt))),
        (
            "passes without end",
            of(by_passphrase(8, u64::from(u32::MAX), salt)),
        ),
        ("no passes", of(by_passphrase(8, 0, salt))),
        ("no salt", of(by_passphrase(8, 1, ""))),
        ("another passphrase", of(by_passphrase(8, 1, salt))),
        (
            "a master key",
            head("{\"key\":\"master-key\",\"id\":\"../../../etc/passwd\",\"salt\":\"00\"}"),
        ),
    ]
}

/// Seals what somebody made up who knows the passphrase.
fn sealed(text: &[u8]) -> Vec<u8> {
    let lock = Lock::Passphrase(PASSPHRASE);
    let mut writer = SealedWriter::new(Vec::new(), lock).expect("a writer");
    writer.write_all(text).expect("memory");
    writer.finish().expect("memory")
}

fn frame(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_be_bytes();
    [&[kind][..], &length, bytes].concat()
}

fn manifest(change: impl Fn(&mut Value)) -> Vec<u8> {
    let mut manifest = json!({"program": "0.1.0", "schema": 1, "taken_at": "2026-11-21T00:00:00.000Z",
        "tables": shape(), "rows": 1, "master_keys": []});
    change(&mut manifest);
    frame(b'M', manifest.to_string().as_bytes())
}

/// Vector and text: who makes these knows the passphrase.
fn made_up() -> Vec<(&'static str, Vec<u8>)> {
    let good = manifest(|_| ());
    let after = |more: &[u8]| [good.as_slice(), more].concat();
    let long = |length: u64| [&b"R"[..], &length.to_be_bytes(), b"x"].concat();
    let settings = frame(b'T', b"settings");
    let end = frame(b'E', b"[]");
    vec![
        ("no manifest", Vec::new()),
        ("a row first", frame(b'R', b"x")),
        ("a manifest that is none", frame(b'M', b"{}")),
        ("a manifest nested deep", frame(b'M', &b"[".repeat(100_000))),
        (
            "an escape in the version",
            manifest(|manifest| {
                manifest["program"] = json!("0\u{1b}[2J\u{9b}2J\u{202e}");
                manifest["tables"] = json!([]);
            }),
        ),
        (
            "tables of another shape",
            manifest(|manifest| manifest["tables"][0][1] = json!("id")),
        ),
        ("an unknown table", after(&frame(b'T', b"sqlite_master"))),
        (
            "a row of no table",
            after(&[frame(b'R', b"x"), end.clone()].concat()),
        ),
        ("a row beyond all memory", after(&long(u64::MAX))),
        ("a row longer than the file", after(&long(200 << 20))),
        ("something unknown", after(&frame(b'X', b""))),
        ("no end", after(&settings)),
        ("an end that is none", after(&frame(b'E', b"{"))),
        (
            "other rows than it says",
            after(&[settings, frame(b'R', b"x"), end.clone()].concat()),
        ),
        ("more after the end", after(&[end, b"x".to_vec()].concat())),
    ]
}

#[tokio::test]
async fn t_backup_a_hostile_file_restores_nothing() {
    let mut target = Target::start().await;
    let restore = ["database", "restore", "FILE", "--passphrase-stdin"];
    for (vector, file) in unsealed() {
        let said = refusal(&mut target, vector, &restore, &file);
        target.take_down(vector, said, None);
    }
    for (vector, text) in made_up() {
        let said = refusal(&mut target, vector, &restore, &sealed(&text));
        target.take_down(vector, said, None);
    }
    // A good one does not overwrite what is there.
    let file = target.product.file("good", "");
    std::fs::remove_file(&file).expect("it was just written");
    let backup = ["database", "backup", &file, "--passphrase-stdin"];
    let made = run(&target, &backup, PASSPHRASE);
    assert!(made.status.success(), "{made:?}");
    target.watch.accept();
    let good = std::fs::read(&file).expect("it was just made");
    let said = refusal(&mut target, "a good one", &restore, &good);
    assert!(said.contains("is not empty"), "{said}");
    insta::assert_snapshot!(target.table());
}

const COLUMNS: &str = "name,email,display_name,roles,password_hash";

/// Vector, and a row that is refused.
fn rows() -> Vec<(&'static str, Vec<u8>)> {
    let all: Vec<(&str, String)> = vec![
        ("NUL in the name", "a\u{0}b,,,,".to_owned()),
        ("an escape in the name", "a\u{1b}[2Jb,,,,".to_owned()),
        ("C1 control in the name", "a\u{9b}2Jb,,,,".to_owned()),
        ("a line end in the name", "\"a\nb\",,,,".to_owned()),
        ("direction in the name", "a\u{202e}b,,,,".to_owned()),
        ("something unseen in the name", "a\u{200b}b,,,,".to_owned()),
        ("a soft hyphen in the name", "a\u{ad}b,,,,".to_owned()),
        ("what XML cannot carry in the name", "a\u{ffff}b,,,,".to_owned()),
        ("blanks as a name", "\u{3000} \u{a0},,,,".to_owned()),
        ("a name of 191 bytes", format!("{},,,,", "a".repeat(191))),
        ("a name of 60,000 bytes", format!("{},,,,", "a".repeat(60_000))),
        ("NUL in the display name", "b,,a\u{0}b,,".to_owned()),
        ("a line end in the display name", "b,,\"a\nb\",,".to_owned()),
        ("a display name of 201 bytes", format!("b,,{},,", "a".repeat(201))),
        ("a line end in the address", "b,\"a@x.org\nBcc: b@x.org\",,,".to_owned()),
        ("two addresses", "b,\"a@x.org,b@x.org\",,,".to_owned()),
        ("markup in the address", "b,<a@x.org>,,,".to_owned()),
        ("a tab in a role", "b,,,a\tb,".to_owned()),
        ("NUL in a role", "b,,,a\u{0}b,".to_owned()),
        ("a role of 191 bytes", format!("b,,,{},", "a".repeat(191))),
        ("a password in plain", "b,,,,correct horse".to_owned()),
        ("a hash with an escape", "b,,,,$argon2id$\u{1b}[2J".to_owned()),
        ("a hash of four gigabytes", "b,,,,\"$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG\"".to_owned()),
        ("a hash of a billion rounds", "b,,,,{PBKDF2}$pbkdf2-sha256$1000000000$c2FsdA$AAAA".to_owned()),
        ("a hash of 60,000 bytes", format!("b,,,,$argon2id${}", "a".repeat(60_000))),
        ("ten thousand fields", ",".repeat(10_000)),
        ("a row of two megabytes", format!("b,,{},,", "a".repeat(2 << 20))),
        ("a quote that was left open", format!("b,,\"{},,", "a\n".repeat(1 << 20))),
        ("who is there, otherwise", "ADA,other@x.org,,,".to_owned()),
    ];
    let mut all: Vec<_> = all
        .into_iter()
        .map(|(vector, row)| (vector, row.into_bytes()))
        .collect();
    all.push(("not UTF-8", b"\xff\xfe,,,,".to_vec()));
    all
}

#[tokio::test]
async fn t_import_a_hostile_table_of_people_adds_nobody() {
    let mut target = Target::start().await;
    let import = ["import", "users", "FILE"];
    for (vector, row) in rows() {
        let file = [COLUMNS.as_bytes(), b"\n", &row].concat();
        let said = refusal(&mut target, vector, &import, &file);
        assert!(!said.contains("correct horse"), "{vector}: {said}");
        target.take_down(vector, said.chars().take(200).collect(), None);
    }
    for (vector, file) in [
        ("nothing", String::new()),
        (
            "NUL in the first line",
            "name\u{0},email,display_name,roles\n".to_owned(),
        ),
        (
            "an escape in the first line",
            "na\u{1b}[2Jme,email,display_name,roles\n".to_owned(),
        ),
        ("a first line of ten megabytes", "x".repeat(10 << 20)),
        ("a first line of a million columns", ",".repeat(1 << 16)),
    ] {
        let said = refusal(&mut target, vector, &import, file.as_bytes());
        target.take_down(vector, said.chars().take(200).collect(), None);
    }
    insta::assert_snapshot!(target.table());
}

/// One person, however their name is spelled: in capitals, or with the accent as a character of its
/// own.
#[tokio::test]
async fn t_import_names_that_look_the_same_are_one_person() {
    let target = Target::start().await;
    let file = target.product.file(
        "people.csv",
        "name,email,display_name,roles\n\
         Jos\u{e9},first@x.org,,\n\
         JOSE\u{301},second@x.org,,\n\
         jos\u{e9},third@x.org,,admin\n\
         \u{3a3}\u{39f}\u{3a3},first@x.org,,\n\
         \u{3c3}\u{3bf}\u{3c2},second@x.org,,\n",
    );
    let output = run(&target, &["import", "users", &file, "--json"], "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (&told["added"], &told["refused"]),
        (&json!(2), &json!(3)),
        "{said}"
    );
    let shown = target
        .product
        .cli(["user", "show", "jose\u{301}", "--json"]);
    assert!(
        shown.contains("first@x.org") && !shown.contains("admin"),
        "{shown}"
    );
}
