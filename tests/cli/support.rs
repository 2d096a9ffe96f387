//! A folder with a configuration of its own, and the program run in it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::database::Database;

/// An installation in a temporary folder, with passwords that are cheap to hash.
pub(crate) struct Installation {
    folder: TempDir,
    pub(crate) database: Database,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) said: String,
    pub(crate) complained: String,
}

impl Installation {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let database = Database::fresh(folder.path());
        Self { folder, database }
    }

    /// One whose database is the default, a file, whatever the run is about.
    pub(crate) fn in_a_file() -> Self {
        let folder = TempDir::new().unwrap();
        let database = Database::file(folder.path().join("data/doorward.db"));
        Self { folder, database }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path().join(file), text).unwrap();
    }

    /// What the environment says of the database: nothing where it is the default.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let url = ("DOORWARD_DATABASE_URL".to_owned(), self.database.url());
        if self.database.path().is_some() {
            Vec::new()
        } else {
            vec![url]
        }
    }

    pub(crate) fn run(&self, line: &[&str]) -> Ended {
        self.run_with(line, "", &[])
    }

    /// Runs the program with a text on stdin and variables of the environment.
    pub(crate) fn run_with(&self, line: &[&str], stdin: &str, variables: &[(&str, &str)]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOORWARD_")) {
            command.env_remove(name);
        }
        let mut child = command
            .args(line)
            .current_dir(self.path())
            .env("DOORWARD_ARGON2_MEMORY_KIB", "64")
            .env("DOORWARD_ARGON2_ITERATIONS", "1")
            .env("DOORWARD_SIGNING_ALGORITHM", "p256")
            .envs(self.variables())
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses its options does not read what is sent to it.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    /// Runs what has to work.
    pub(crate) fn done(&self, line: &[&str]) -> String {
        let ended = self.run(line);
        assert_eq!(ended.status, 0, "{line:?}: {ended:?}");
        ended.said
    }

    /// Runs what has to work, with `--json`.
    pub(crate) fn json(&self, line: &[&str]) -> Value {
        let ended = self.run(&[line, &["--json"]].concat());
        assert_eq!(ended.status, 0, "{line:?}: {ended:?}");
        ended.json()
    }

    /// Runs what has to be refused, and gives the one line that says so.
    pub(crate) fn refused(&self, line: &[&str]) -> String {
        let ended = self.run(line);
        assert_eq!(ended.status, 1, "{line:?}: {ended:?}");
        assert_eq!(ended.complained.lines().count(), 1, "{ended:?}");
        assert!(
            ended.complained.contains("; "),
            "no word on what to do: {ended:?}"
        );
        ended.complained
    }

    /// Registers an SP by hand.
    pub(crate) fn add_sp(&self, name: &str, roles: &[&str]) -> String {
        let (id, acs) = (sp_id(name), sp_acs(name));
        let mut line = vec![
            "sp",
            "add",
            "--name",
            name,
            "--entity-id",
            &id,
            "--acs",
            &acs,
        ];
        for role in roles {
            line.extend(["--require-role", role]);
        }
        self.done(&line)
    }
}

pub(crate) fn sp_id(name: &str) -> String {
    format!("https://{name}.example/saml/metadata")
}

pub(crate) fn sp_acs(name: &str) -> String {
    format!("https://{name}.example/saml/acs")
}

impl Ended {
    /// The one JSON document on stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.said).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            said: String::from_utf8(output.stdout).unwrap(),
            complained: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
