//! `make test` runs on every engine what asks for a database: the list of the test programs that it
//! runs once (`ONCE` in scripts/test.sh) holds those that no engine changes, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};

use super::package;

/// What a test program names when its database is of the engine that the run is about.
const OF_THE_RUN: &[&str] = &["Product::", "Database::fresh", "DOORWARD_TEST_DATABASE"];

#[test]
fn what_asks_for_a_database_runs_on_every_engine() -> Result<()> {
    let (once, programs) = (once()?, programs()?);
    let unknown: Vec<_> = once.difference(&programs).collect();
    assert!(unknown.is_empty(), "no test programs: {unknown:?}");
    // Reading text, this program names all of it and uses none.
    for program in programs.iter().filter(|name| *name != "architecture") {
        let texts = texts_of(program)?;
        let names_one = |text: &String| OF_THE_RUN.iter().any(|word| text.contains(word));
        assert_eq!(
            texts.iter().any(names_one),
            !once.contains(program),
            "tests/{program}: scripts/test.sh lists under ONCE what the engine of the run does not \
             change, and nothing else"
        );
    }
    assert!(once.contains("architecture"));
    Ok(())
}

/// The list in the script.
fn once() -> Result<BTreeSet<String>> {
    let script = fs::read_to_string(package().join("scripts/test.sh"))?;
    let list = script.split_once("\nONCE=(").unwrap_or_default().1;
    let list = list.split_once(')').unwrap_or_default().0;
    Ok(list.split_whitespace().map(str::to_owned).collect())
}

/// The test programs as cargo finds them.
fn programs() -> Result<BTreeSet<String>> {
    let mut programs = BTreeSet::new();
    for entry in fs::read_dir(package().join("tests"))? {
        let path = entry?.path();
        if is_rust(&path) || path.join("main.rs").is_file() {
            programs.extend(path.file_stem().map(|name| name.to_string_lossy().into()));
        }
    }
    Ok(programs)
}

/// Its own files, and those of other programs that it takes modules from; what all share only offers
/// databases.
fn texts_of(program: &str) -> Result<Vec<String>> {
    let tests = package().join("tests");
    let (single, folder) = (tests.join(format!("{program}.rs")), tests.join(program));
    let mut files = Vec::new();
    if folder.is_dir() {
        files = rust_files(&folder)?;
    }
    files.extend(single.is_file().then_some(single));
    let mut read = files
        .iter()
        .map(fs::read_to_string)
        .collect::<Result<Vec<_>>>()?;
    let shared: Vec<_> = read
        .iter()
        .flat_map(|text| text.split("#[path = \"../").skip(1))
        .filter_map(|rest| Some(rest.split_once('"')?.0))
        .filter(|path| !path.starts_with("support/"))
        .map(|path| fs::read_to_string(tests.join(path)))
        .collect::<Result<_>>()?;
    read.extend(shared);
    Ok(read)
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let paths = paths.collect::<Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| is_rust(path)).collect())
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "rs")
}
