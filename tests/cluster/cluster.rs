//! The topology as processes: two nodes of Doorward on one database, two of the store, two of the
//! publisher, and nginx with TLS in front, all on loopback in one temporary folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use doorward::authn::password::Passwords;
use doorward::clock::{Clock, random_id};
use doorward::config::Config;
use doorward::directory::audit::{AuditEvent, AuditKind};
use doorward::directory::name::{RoleName, UserId, UserName};
use doorward::storage::NewUser;
use tempfile::TempDir;

use crate::nginx::{self, NAMES, Topology};
use crate::person::Account;
use crate::wire::Wire;

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
const PASSWORD: &str = "correct horse battery";

/// A process of ours with its log.
pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    pub(crate) process: Child,
    arguments: Vec<String>,
    log: PathBuf,
}

/// Everything that runs.
pub(crate) struct Cluster {
    pub(crate) folder: TempDir,
    pub(crate) idp: [Mutex<Node>; 2],
    apps: Vec<Node>,
    nginx: Child,
    pub(crate) wire: Wire,
    pub(crate) topology: Topology,
    /// Released last.
    _turn: File,
}

/// How much of the machine a topology needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// All of it: what is measured is how much goes through.
    Alone,
    /// Most of its time it waits: others of that kind may run beside it.
    BesideOthers,
}

impl Cluster {
    /// On this database; `accounts` are there already, every fifth without the publisher's role.
    pub(crate) fn start(turn: Turn, database_url: &str, settings: &str, accounts: usize) -> Self {
        let turn = wait_for(turn);
        let folder = tempfile::tempdir().unwrap();
        let ports = free_ports(8);
        let at = |offset| SocketAddr::from(([127, 0, 0, 1], ports + offset));
        let topology = Topology {
            http: ports,
            https: ports + 1,
            nodes: [[at(2), at(3)], [at(4), at(5)], [at(6), at(7)]],
        };
        let certificates = nginx::lay_out(folder.path(), &topology);
        let wire = Wire::new(&certificates, topology.https);
        let configs = [0, 1].map(|number| {
            let node = topology.nodes[0][number];
            idp_config(
                folder.path(),
                number,
                node,
                topology.https,
                database_url,
                settings,
            )
        });
        let first = start_idp(&configs[0], topology.nodes[0][0]);
        // A node holds nothing but the master key.
        copy_folder(
            &configs[0].with_file_name("keys"),
            &configs[1].with_file_name("keys"),
        );
        let second = start_idp(&configs[1], topology.nodes[0][1]);
        people(&configs[0], accounts);
        let mut apps = Vec::new();
        for (kind, word) in [(1, "store"), (2, "publisher")] {
            for node in topology.nodes[kind] {
                apps.push(start_app(folder.path(), word, node, &topology));
            }
            register(&configs[0], word, topology.nodes[kind][0]);
        }
        let nginx = start_nginx(folder.path(), topology.https);
        Self {
            folder,
            idp: [first, second].map(Mutex::new),
            apps,
            nginx,
            wire,
            topology,
            _turn: turn,
        }
    }

    /// What browsers see of the identity provider (0), the store (1), the publisher (2).
    pub(crate) fn url(&self, which: usize) -> String {
        url(which, self.topology.https)
    }

    /// The configuration file of a node, for the command line.
    pub(crate) fn config(&self, number: usize) -> PathBuf {
        self.folder
            .path()
            .join(format!("idp-{number}/doorward.toml"))
    }

    /// A command of the product beside the nodes; it has to succeed.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        cli(&self.config(0), arguments)
    }

    /// nginx's access log, read as the JSON that it is.
    pub(crate) fn access_log(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.folder.path().join("access.log")).unwrap();
        // nginx may be writing the last one.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }

    /// How many requests each node of the identity provider answered.
    pub(crate) fn asked(&self) -> BTreeMap<String, usize> {
        let mut asked = BTreeMap::new();
        for line in self.access_log() {
            let nodes = line["nodes"].as_str().unwrap_or_default();
            for node in nodes
                .split(", ")
                .filter(|node| *node != "-" && !node.is_empty())
            {
                *asked.entry(node.to_owned()).or_insert(0) += 1;
            }
        }
        asked
    }

    /// The assertions that the audit log says have left.
    pub(crate) fn audited_assertions(&self) -> Vec<String> {
        let said = self.cli(&[
            "audit",
            "list",
            "--kind",
            "assertion",
            "--json",
            "--limit",
            "1000000",
        ]);
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let rows = said["events"].as_array().expect("a list of events").clone();
        let done = rows.iter().filter(|row| row["outcome"] == "done");
        done.filter_map(|row| row["detail"].as_str().map(str::to_owned))
            .collect()
    }
}

/// Whether tests are threads or processes: who wants the machine alone waits for the others, and they
/// for it.
fn wait_for(turn: Turn) -> File {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cluster.lock");
    let file = File::create(path).unwrap();
    match turn {
        Turn::Alone => file.lock(),
        Turn::BesideOthers => file.lock_shared(),
    }
    .unwrap();
    file
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let idp = self.idp.iter_mut();
        let idp = idp.map(|node| node.get_mut().unwrap_or_else(PoisonError::into_inner));
        let nodes = idp.chain(&mut self.apps);
        let mut processes: Vec<&mut Child> = nodes.map(|node| &mut node.process).collect();
        processes.push(&mut self.nginx);
        for process in processes {
            if !matches!(process.try_wait(), Ok(None)) {
                continue;
            }
            // What was stopped by a test has to go on before it can end.
            signal(process, "-CONT");
            signal(process, "-TERM");
            let deadline = Instant::now() + Duration::from_secs(5);
            while matches!(process.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            for node in &mut self.idp {
                let node = node.get_mut().unwrap_or_else(PoisonError::into_inner);
                eprintln!("{}:\n{}", node.address, tail(&node.log));
            }
            eprintln!("nginx:\n{}", tail(&self.folder.path().join("error.log")));
        }
    }
}

impl Node {
    fn start(arguments: Vec<String>, address: SocketAddr, log: PathBuf) -> Self {
        let process = spawn(&arguments, &log);
        let mut node = Self {
            address,
            process,
            arguments,
            log,
        };
        node.await_ready();
        node
    }

    /// Once more, after it has ended.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(&self.arguments, &self.log);
        self.await_ready();
    }

    /// Once more, after it has ended; it has to end again by itself, and tells why.
    pub(crate) fn refuses_to_start(&mut self) -> String {
        self.process = spawn(&self.arguments, &self.log);
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            assert!(Instant::now() < deadline, "it started");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(!self.await_end().success());
        tail(&self.log)
    }

    /// What it says about itself.
    pub(crate) fn readyz(&self) -> Option<u16> {
        status(self.address, "/readyz")
    }

    /// Whether the process serves, whatever its database does.
    pub(crate) fn healthz(&self) -> Option<u16> {
        status(self.address, "/healthz")
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.process, name);
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Waits until it has ended.
    pub(crate) fn await_end(&mut self) -> std::process::ExitStatus {
        self.process.wait().unwrap()
    }

    fn await_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let path = if self.arguments[0] == "demo" {
            "/healthz"
        } else {
            "/readyz"
        };
        while status(self.address, path) != Some(200) {
            if let Some(ended) = self.process.try_wait().unwrap() {
                panic!(
                    "{:?} ended with {ended}:\n{}",
                    self.arguments,
                    tail(&self.log)
                );
            }
            assert!(
                Instant::now() < deadline,
                "{:?}:\n{}",
                self.arguments,
                tail(&self.log)
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// One GET past the proxy; the status, if there is any within some seconds.
fn status(address: SocketAddr, path: &str) -> Option<u16> {
    get(address, path).map(|(status, _)| status)
}

/// The same with the body.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(4))).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some((status, body.to_owned()))
}

pub(crate) fn signal(process: &Child, name: &str) {
    let _ = Command::new("kill")
        .args([name, &process.id().to_string()])
        .status();
}

fn idp_config(
    folder: &Path,
    number: usize,
    node: SocketAddr,
    https: u16,
    database_url: &str,
    settings: &str,
) -> PathBuf {
    let folder = folder.join(format!("idp-{number}"));
    std::fs::create_dir(&folder).unwrap();
    let base_url = url(0, https);
    let file = folder.join("doorward.toml");
    let text = format!(
        "base_url = \"{base_url}\"\nlisten = \"{node}\"\ntrusted_proxies = [\"127.0.0.1\"]\n\
         database_url = \"{database_url}\"\nkeys_dir = \"keys\"\nsigning_algorithm = \"p256\"\n\
         {settings}\n[argon2]\nmemory_kib = 64\niterations = 1\n"
    );
    std::fs::write(&file, text).unwrap();
    file
}

fn start_idp(config: &Path, node: SocketAddr) -> Node {
    let arguments = ["serve", "--config", config.to_str().unwrap()].map(str::to_owned);
    Node::start(arguments.to_vec(), node, config.with_file_name("log"))
}

fn start_app(folder: &Path, word: &str, node: SocketAddr, topology: &Topology) -> Node {
    let metadata = folder.join("idp-metadata.xml");
    if !metadata.exists() {
        std::fs::write(&metadata, body(topology.nodes[0][0], "/saml/metadata")).unwrap();
    }
    let which = if word == "store" { 1 } else { 2 };
    let shared = folder.join("apps");
    let arguments = [
        "demo",
        "app",
        word,
        "--listen",
        &node.to_string(),
        "--base-url",
        &url(which, topology.https),
        "--idp-metadata",
        metadata.to_str().unwrap(),
        "--folder",
        shared.to_str().unwrap(),
    ]
    .map(str::to_owned);
    let log = folder.join(format!("{word}-{}.log", node.port()));
    Node::start(arguments.to_vec(), node, log)
}

/// The body of one GET past the proxy.
fn body(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn register(config: &Path, word: &str, node: SocketAddr) {
    let metadata = format!("http://{node}/saml/metadata");
    cli(
        config,
        &[
            "sp",
            "add",
            "--metadata",
            &metadata,
            "--name",
            word,
            "--require-role",
            word,
        ],
    );
}

fn cli(config: &Path, arguments: &[&str]) -> String {
    let output = doorward()
        .arg("--config")
        .arg(config)
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn spawn(arguments: &[String], log: &Path) -> Child {
    let log = File::options().create(true).append(true).open(log).unwrap();
    doorward()
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// The binary under test, with none of the caller's settings.
pub(crate) fn doorward() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOORWARD_")) {
        command.env_remove(name);
    }
    command
}

pub(crate) fn start_nginx(folder: &Path, https: u16) -> Child {
    let log = File::create(folder.join("nginx.out")).unwrap();
    let mut process = nginx::command(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", https)).is_err() {
        if let Some(ended) = process.try_wait().unwrap() {
            panic!(
                "nginx ended with {ended}:\n{}",
                tail(&folder.join("nginx.out"))
            );
        }
        assert!(Instant::now() < deadline, "nginx does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    process
}

/// The sample account with this number.
pub(crate) fn account(number: usize) -> Account {
    Account {
        name: format!("person{number}"),
        password: PASSWORD.to_owned(),
        may_publish: number % 5 != 4,
    }
}

/// Adds so many, past the command line: one password hash serves them all.
fn people(config: &Path, count: usize) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let config = Config::load(Some(config), std::iter::empty()).unwrap();
        let clock = Clock::System;
        let booted = doorward::cli::boot(config, clock.clone(), "test")
            .await
            .unwrap();
        let passwords = Passwords::new(booted.config.argon2).unwrap();
        let hash = passwords.hash(PASSWORD, "test").await.unwrap();
        let event = |kind| AuditEvent::new(clock.now(), kind);
        let [store, publisher] = ["store", "publisher"].map(|role| RoleName::parse(role).unwrap());
        for role in [&store, &publisher] {
            let added = booted
                .store
                .ensure_role(role, event(AuditKind::RoleAdded))
                .await;
            added.unwrap();
        }
        for account in (0..count).map(account) {
            let mut roles = vec![store.clone()];
            roles.extend(account.may_publish.then(|| publisher.clone()));
            let user = NewUser {
                id: UserId::from_stored(random_id().unwrap()),
                name: UserName::parse(&account.name).unwrap(),
                display_name: account.name.clone(),
                email: Some(format!("{}@example.org", account.name)),
                roles,
                attributes: vec![],
                password_hash: Some(hash.clone()),
                must_change_password: false,
            };
            let added = booted
                .store
                .add_user(user, event(AuditKind::UserAdded))
                .await;
            added.unwrap();
        }
        booted.store.shut_down().await;
    });
}

fn copy_folder(from: &Path, to: &Path) {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "key") {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

fn url(which: usize, https: u16) -> String {
    format!("https://{}:{https}", NAMES[which])
}

/// The last lines of a log, and before them those that are more than information.
fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let (before, last) = lines.split_at(lines.len().saturating_sub(25));
    let told = before.iter().filter(|line| !line.contains("\"INFO\""));
    told.chain(last).copied().collect::<Vec<_>>().join("\n")
}

/// The first of so many neighbouring free ports, below the range from which the system gives out
/// ports of its own accord, and elsewhere for each test process.
pub(crate) fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let spread = u16::try_from(std::process::id() % 1_000).unwrap() * 8;
    loop {
        let step = NEXT.fetch_add(count, Ordering::Relaxed);
        let first = 12_000 + (spread + step) % 8_000;
        if (first..first + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
}

/// Says what was measured, also where the test's other output is kept back.
pub(crate) fn figures(text: &str) {
    let _ = std::io::stderr()
        .lock()
        .write_all(format!("figures: {text}\n").as_bytes());
}
