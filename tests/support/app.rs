//! The product as users run it: the real binary with its own folder and ports, stopped at the end.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tempfile::TempDir;

use super::browser::Browser;
use super::database::Database;
use super::oracle::{Message, Oracle};

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// A running Doorward.
pub(crate) struct Product {
    /// The address of this very process.
    pub(crate) at: String,
    /// The identity provider's address, as everybody else sees it.
    pub(crate) idp: String,
    store: String,
    publisher: String,
    users: Vec<Account>,
    config: PathBuf,
    folder: TempDir,
    /// Shared by the nodes that were started on it.
    database: Arc<Database>,
    process: Child,
    oracle: Oracle,
    /// The metadata of the identity provider, as published and read by lxml.
    pub(crate) metadata: Message,
    /// The same as text.
    pub(crate) metadata_xml: String,
}

/// A sample user of the demo, as `doorward demo --json` names it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) password: String,
    pub(crate) roles: Vec<String>,
    pub(crate) may_enter: Vec<String>,
}

/// The one line of `doorward demo --json`.
#[derive(Deserialize)]
struct Announcement {
    idp: String,
    store: String,
    publisher: String,
    config: PathBuf,
    users: Vec<Account>,
}

impl Product {
    /// `doorward demo`: the identity provider, the store and the publisher.
    pub(crate) async fn demo() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_ports(3);
        let mut command = doorward();
        command.args(["demo", "--json", "--port", &port.to_string()]);
        let database = Database::fresh(folder.path());
        if database.path().is_none() {
            command.args(["--database-url", &database.url()]);
        }
        let (process, line) = announced(command, folder.path());
        let announcement: Announcement = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("`doorward demo --json` said {line:?}: {error}"));
        let Announcement {
            idp,
            store,
            publisher,
            config,
            users,
        } = announcement;
        let database = match (database.path(), config.parent()) {
            (Some(_), Some(demo)) => Database::file(demo.join("data/doorward.db")),
            _ => database,
        };
        let files = (folder, config, Arc::new(database));
        let at = idp.clone();
        Self::ready(files, process, (at, [idp, store, publisher]), users).await
    }

    /// `doorward serve` on an empty folder, with these lines added to its `doorward.toml`.
    pub(crate) async fn serve(settings: &str) -> Self {
        let port = free_ports(1);
        Self::node(&format!("http://127.0.0.1:{port}"), port, None, settings).await
    }

    /// Another node at an address of its own: the same database, keys and entity.
    pub(crate) async fn another_node(&self) -> Self {
        let port = free_ports(1);
        let entity = self.metadata.entity_id.as_deref();
        let settings = format!(
            "entity_id = \"{}\"",
            entity.expect("metadata names its entity")
        );
        let base_url = format!("http://127.0.0.1:{port}");
        Self::node(&base_url, port, Some(self), &settings).await
    }

    /// A node that listens on a port of this machine and is seen at another address; beside the
    /// first one it has the same database and master key.
    pub(crate) async fn node(
        base_url: &str,
        port: u16,
        first: Option<&Self>,
        settings: &str,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = folder.path().join("doorward.toml");
        let mut text = format!("base_url = \"{base_url}\"\nlisten = \"127.0.0.1:{port}\"\n");
        let database = match first {
            None => Arc::new(Database::fresh(folder.path())),
            Some(first) => {
                let _ = writeln!(text, "keys_dir = \"{}\"", first.keys_dir().display());
                Arc::clone(&first.database)
            }
        };
        // The first one's file is where it is by default.
        if first.is_some() || database.path().is_none() {
            let _ = writeln!(text, "database_url = \"{}\"", database.url());
        }
        std::fs::write(&config, format!("{text}{settings}\n"))
            .expect("the temporary folder can be written");
        let process = started(&config, folder.path());
        let seen = [base_url.to_owned(), String::new(), String::new()];
        let at = format!("http://127.0.0.1:{port}");
        Self::ready((folder, config, database), process, (at, seen), Vec::new()).await
    }

    async fn ready(
        (folder, config, database): (TempDir, PathBuf, Arc<Database>),
        mut process: Child,
        (at, [idp, store, publisher]): (String, [String; 3]),
        users: Vec<Account>,
    ) -> Self {
        await_ready(&at, &mut process, folder.path()).await;
        let metadata_xml = reqwest::get(format!("{at}/saml/metadata"))
            .await
            .expect("the metadata can be fetched")
            .text()
            .await
            .expect("the metadata is text");
        let (oracle, metadata) = Oracle::trusting(&metadata_xml);
        Self {
            at,
            idp,
            store,
            publisher,
            users,
            config,
            folder,
            database,
            process,
            oracle,
            metadata,
            metadata_xml,
        }
    }

    /// Adds lines to its configuration; they count after a restart.
    pub(crate) fn settings(&self, lines: &str) {
        let text = std::fs::read_to_string(&self.config).expect("it was just written");
        std::fs::write(&self.config, format!("{text}{lines}\n")).expect("it can be written");
    }

    /// Stops the process as an administrator would (SIGTERM) and starts it again on the same
    /// folder. Not for the demo, whose folder ends with it.
    pub(crate) async fn restart(&mut self) {
        self.stop();
        self.process = started(&self.config, self.folder.path());
        await_ready(&self.at, &mut self.process, self.folder.path()).await;
    }

    /// Sends SIGTERM to our own child, waits for it, and says how it ended.
    pub(crate) fn stop(&mut self) -> std::process::ExitStatus {
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Some(status) = self.process.try_wait().expect("our own child") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not stop on SIGTERM within ten seconds");
    }

    /// A new browser with an empty cookie jar.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.idp.clone(), self.oracle.clone())
    }

    /// Who checks what this product sends.
    pub(crate) fn oracle(&self) -> &Oracle {
        &self.oracle
    }

    /// The same, for whoever gets what is encrypted to this private key (PEM).
    pub(crate) fn decrypting(mut self, key: &str) -> Self {
        self.oracle = self.oracle.clone().decrypting(key);
        self
    }

    /// An address at the identity provider.
    pub(crate) fn idp(&self, path: &str) -> String {
        format!("{}{path}", self.idp.trim_end_matches('/'))
    }

    /// An address at the demo's store.
    pub(crate) fn store(&self, path: &str) -> String {
        format!("{}{path}", self.store.trim_end_matches('/'))
    }

    /// An address at the demo's publisher.
    pub(crate) fn publisher(&self, path: &str) -> String {
        format!("{}{path}", self.publisher.trim_end_matches('/'))
    }

    /// The demo's sample users.
    pub(crate) fn users(&self) -> &[Account] {
        &self.users
    }

    /// The password that the demo printed for a sample user.
    pub(crate) fn password(&self, name: &str) -> &str {
        let account = self.users.iter().find(|account| account.name == name);
        &account
            .unwrap_or_else(|| panic!("the demo has no user {name}: {:?}", self.users))
            .password
    }

    /// Runs a command of the same binary on the same configuration; it has to succeed.
    pub(crate) fn cli<const N: usize>(&self, arguments: [&str; N]) -> String {
        self.cli_list(&arguments)
    }

    /// The same with a list that is made as the test runs.
    pub(crate) fn cli_list(&self, arguments: &[&str]) -> String {
        let output = self.try_cli(arguments, "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).expect("the command line speaks UTF-8")
    }

    /// Adds a user with this password and these roles.
    pub(crate) fn add_user(&self, name: &str, password: &str, roles: &[&str]) {
        let email = format!("{name}@example.org");
        let mut arguments = vec!["user", "add", name, "--email", &email];
        arguments.extend(["--display-name", name, "--password-stdin"]);
        for role in roles {
            arguments.extend(["--role", role]);
        }
        let output = self.try_cli(&arguments, &format!("{password}\n"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    }

    /// Runs a command, whatever comes of it.
    pub(crate) fn try_cli(&self, arguments: &[&str], stdin: &str) -> Output {
        let input = self.folder.path().join("stdin");
        std::fs::write(&input, stdin).expect("the temporary folder can be written");
        doorward()
            .arg("--config")
            .arg(&self.config)
            .args(arguments)
            .stdin(std::fs::File::open(input).expect("it was just written"))
            .output()
            .expect("the binary starts")
    }

    /// A command of the same binary on the same configuration, to be run as the test wants.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = doorward();
        command.arg("--config").arg(&self.config).args(arguments);
        command
    }

    /// Its database.
    pub(crate) fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// Goes over to another database; it counts after a restart.
    pub(crate) fn use_database(&self, url: &str) {
        let text = std::fs::read_to_string(&self.config).expect("it was just written");
        let others = text
            .lines()
            .filter(|line| !line.starts_with("database_url"));
        let others: Vec<_> = others.collect();
        let text = format!("database_url = \"{url}\"\n{}\n", others.join("\n"));
        std::fs::write(&self.config, text).expect("it can be written");
    }

    /// Where its master key is.
    pub(crate) fn keys_dir(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    /// A file in the product's own temporary folder.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("the temporary folder can be written");
        path.to_str().expect("temporary paths are UTF-8").to_owned()
    }

    /// Changes the database behind the product's back; the rows that it changed.
    pub(crate) fn by_hand(&self, statement: &str) -> u64 {
        self.database.by_hand(statement)
    }

    /// What the process has logged so far: JSON lines, since standard error is no terminal.
    pub(crate) fn log(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(log_of(self.folder.path())).expect("the log is there");
        text.lines()
            .map(|line| {
                serde_json::from_str(line)
                    .unwrap_or_else(|error| panic!("a log line is no JSON ({error}): {line}"))
            })
            .collect()
    }

    /// Resident memory of the process, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("the process lives");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1));
        number
            .and_then(|kib| kib.parse().ok())
            .expect("VmRSS is a number")
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let deadline = Instant::now() + Duration::from_secs(5);
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("the product's log:\n{}", tail(self.folder.path()));
        }
    }
}

/// The binary under test, with none of the caller's settings.
fn doorward() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    for (name, _) in std::env::vars() {
        if name.starts_with("DOORWARD_") {
            command.env_remove(name);
        }
    }
    command
}

fn started(config: &Path, folder: &Path) -> Child {
    doorward()
        .arg("--config")
        .arg(config)
        .arg("serve")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(appended(folder))
        .spawn()
        .expect("the binary starts")
}

/// Starts the demo and waits for the line that it prints.
fn announced(mut command: Command, folder: &Path) -> (Child, String) {
    let mut process = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(appended(folder))
        .spawn()
        .expect("the binary starts");
    let stdout = process.stdout.take().expect("stdout is piped");
    let (said, heard) = mpsc::channel();
    // The thread goes on reading, so that the process never blocks on a full pipe.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = said.send(line);
        }
    });
    let line = heard.recv_timeout(PATIENCE).unwrap_or_else(|_| {
        let _ = process.kill();
        panic!("`doorward demo` announced nothing:\n{}", tail(folder))
    });
    (process, line)
}

async fn await_ready(idp: &str, process: &mut Child, folder: &Path) {
    let deadline = Instant::now() + PATIENCE;
    let client = reqwest::Client::new();
    while Instant::now() < deadline {
        if let Some(status) = process.try_wait().expect("our own child") {
            panic!("it ended with {status}:\n{}", tail(folder));
        }
        let answer = client.get(format!("{idp}/readyz")).send().await;
        if answer.is_ok_and(|answer| answer.status() == 200) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it is not ready in time:\n{}", tail(folder));
}

fn log_of(folder: &Path) -> PathBuf {
    folder.join("doorward.log")
}

fn appended(folder: &Path) -> Stdio {
    std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(log_of(folder))
        .expect("the temporary folder can be written")
        .into()
}

fn tail(folder: &Path) -> String {
    let text = std::fs::read_to_string(log_of(folder)).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// The first of `count` neighbouring free ports, below the range from which the system gives out
/// ports of its own accord, and elsewhere for each test process.
pub(crate) fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let spread = u16::try_from(std::process::id() % 1_000).unwrap_or_default() * 11;
    loop {
        let step = NEXT.fetch_add(count, Ordering::Relaxed);
        let first = 20_000 + (spread + step) % 12_000;
        if (first..first + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
}
