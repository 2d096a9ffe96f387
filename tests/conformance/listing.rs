//! The tests that there are, by their names in the sources, and the ids that the names carry.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Every test, and the file that holds it.
pub(crate) struct Listing(BTreeMap<String, String>);

impl Listing {
    /// Reads the sources of this package.
    pub(crate) fn of(package: &Path) -> Self {
        let mut found = BTreeMap::new();
        for folder in ["src", "tests"] {
            read(package, &package.join(folder), &mut found);
        }
        Self(found)
    }

    /// The file of a test.
    pub(crate) fn file(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The tests whose name carries this id.
    pub(crate) fn with_id(&self, id: &str) -> BTreeSet<&str> {
        let names = self.0.keys().map(String::as_str);
        names.filter(|name| ids(name).contains(id)).collect()
    }

    /// Every id of our own catalogue that a name carries, and the name.
    pub(crate) fn carried(&self) -> Vec<(String, &str)> {
        let mut all = Vec::new();
        for name in self.0.keys() {
            let ours = ids(name).into_iter().filter(|id| id.starts_with("C-"));
            all.extend(ours.map(|id| (id, name.as_str())));
        }
        all
    }
}

fn read(package: &Path, folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read(package, &path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            let file = path.strip_prefix(package).expect("in the package");
            for name in names(&text) {
                found.insert(name, file.display().to_string());
            }
        }
    }
}

/// The functions under `#[test]` or `#[tokio::test]`.
fn names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        let attribute = line.starts_with("#[");
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test && !attribute) {
            let end = rest.find('(').unwrap_or(rest.len());
            names.push(rest[..end].to_owned());
            is_test = false;
        }
    }
    names
}

/// `c_r3_and_c_r4_…` carries C-R3 and C-R4, `c_a1_to_c_a9_…` all from C-A1 to C-A9, `iip_idp10_b_…`
/// IIP-IDP10 and IDP10-b.
pub(crate) fn ids(name: &str) -> BTreeSet<String> {
    let parts: Vec<&str> = name.split('_').collect();
    let mut ids = BTreeSet::new();
    for (at, pair) in parts.windows(2).enumerate() {
        let [source, id] = pair else { continue };
        let Some((letters, number)) = numbered(id) else {
            continue;
        };
        match *source {
            "c" => {
                let last = match parts.get(at + 2..at + 5) {
                    Some(["to", "c", last]) => numbered(last),
                    _ => None,
                };
                let last = last.filter(|(other, _)| *other == letters);
                let last = last.map_or(number, |(_, last)| last);
                let all = (number..=last).map(|n| format!("C-{}{n}", letters.to_uppercase()));
                ids.extend(all);
            }
            "iip" => {
                let upper = id.to_uppercase();
                ids.insert(format!("IIP-{upper}"));
                if let Some(part) = parts.get(at + 2) {
                    ids.insert(format!("{upper}-{part}"));
                }
            }
            _ => {}
        }
    }
    ids
}

/// `mc10` as `mc` and 10.
fn numbered(id: &str) -> Option<(&str, u32)> {
    let digits = id.find(|c: char| c.is_ascii_digit())?;
    let (letters, number) = id.split_at(digits);
    let fits = !letters.is_empty() && letters.chars().all(|c| c.is_ascii_lowercase());
    fits.then_some(())?;
    Some((letters, number.parse().ok()?))
}

/// What a run of `cargo test` or `cargo nextest run` printed about each test, where it was kept.
pub(crate) fn results() -> Option<BTreeMap<String, bool>> {
    let path = std::env::var_os("DOORWARD_TEST_RESULTS")?;
    let text = std::fs::read_to_string(path).expect("the results can be read");
    let mut results = BTreeMap::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("test ") else {
            continue;
        };
        if let Some((name, outcome)) = rest.rsplit_once(" ... ") {
            let name = name.trim_end_matches(" - should panic");
            let name = name.rsplit("::").next().unwrap_or(name);
            let passed = outcome.trim() == "ok";
            let before = results.insert(name.to_owned(), passed);
            // Of two tests of one name both count.
            if before == Some(false) {
                results.insert(name.to_owned(), false);
            }
        }
    }
    Some(results)
}

#[cfg(test)]
mod tests {
    use super::ids;

    #[test]
    fn names_carry_ids() {
        let of = |name: &str| ids(name).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(of("c_r3_and_c_r4_an_index"), "C-R3 C-R4");
        assert_eq!(of("c_a1_to_c_a3_the_assertion"), "C-A1 C-A2 C-A3");
        assert_eq!(of("t_sig_iip_sso01_fk_x"), "IIP-SSO01 SSO01-fk");
        assert_eq!(of("c_mc10_cache"), "C-MC10");
        assert_eq!(of("music_r3_no"), "");
    }
}
