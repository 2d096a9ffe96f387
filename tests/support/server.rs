//! Private database servers. A test that needs one takes it from here; nothing is assumed to run.
//!
//! One server of each engine serves all tests of a run, whether they are threads of one process
//! (`cargo test`) or processes of their own (`cargo nextest`): each process that uses it holds a
//! shared lock on a file, and the keeper (`scripts/test-servers.sh`) stops the server and removes
//! its folder when nobody has held it for some seconds, however the tests ended. A test that stops
//! and starts a server, or wants its commits on the disk, starts one that is its own.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a server may take to be installed and started on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A server that is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    MariaDb,
}

/// What a commit on a server of one's own promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commits {
    /// Nothing waits for a disk.
    AreQuick,
    /// What was committed survives the end of the server.
    AreDurable,
}

/// A running server, for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) engine: Engine,
    state: PathBuf,
    folder: PathBuf,
    /// Holding it is what keeps the server.
    _lease: File,
    /// The state of a server of one's own.
    _own: Option<tempfile::TempDir>,
}

impl Engine {
    /// As the script and `DOORWARD_TEST_DATABASE` name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
        }
    }

    /// The folder of its migrations.
    pub(crate) fn migrations(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mysql",
        }
    }
}

impl Server {
    /// The server of this engine that the tests of this run share.
    pub(crate) fn shared(engine: Engine) -> &'static Self {
        static POSTGRES: OnceLock<Server> = OnceLock::new();
        static MARIADB: OnceLock<Server> = OnceLock::new();
        let place = match engine {
            Engine::Postgres => &POSTGRES,
            Engine::MariaDb => &MARIADB,
        };
        place.get_or_init(|| {
            let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join("servers");
            Self::kept(engine, state.join(engine.name()), Commits::AreQuick, None)
        })
    }

    /// A server that no other test sees. It ends with this value.
    pub(crate) fn own(engine: Engine, commits: Commits) -> Self {
        let own = tempfile::tempdir().expect("a temporary folder");
        Self::kept(engine, own.path().join("server"), commits, Some(own))
    }

    fn kept(
        engine: Engine,
        state: PathBuf,
        commits: Commits,
        own: Option<tempfile::TempDir>,
    ) -> Self {
        std::fs::create_dir_all(&state).expect("the folder of test servers can be made");
        let lease = opened(&state.join("lease"));
        // Waits while a server that nobody wanted any more is being stopped.
        lease.lock_shared().expect("a lock on our own file");
        let starting = opened(&state.join("starting"));
        starting.lock().expect("a lock on our own file");
        if !is_kept(&state) {
            keep(engine, &state, commits);
        }
        let folder = await_folder(&state);
        drop(starting);
        Self {
            engine,
            state,
            folder,
            _lease: lease,
            _own: own,
        }
    }

    /// The address of a database as the administrator of the server reaches it.
    pub(crate) fn admin_url(&self, database: &str) -> String {
        let url = self.said("url");
        let (server, _) = url.rsplit_once('/').expect("an address has a path");
        format!("{server}/{database}")
    }

    /// The address of the administrator's own database.
    pub(crate) fn home_url(&self) -> String {
        self.said("url")
    }

    /// The address of a database as the product reaches it: its owner, and nothing else.
    pub(crate) fn user_url(&self, database: &str) -> String {
        format!("{}{database}", self.said("user_url"))
    }

    /// The process id of the server.
    pub(crate) fn pid(&self) -> u32 {
        self.said("pid").parse().expect("a process id")
    }

    /// Stops the server cleanly.
    pub(crate) fn stop(&self) {
        run(&["stop", self.path()]);
    }

    /// Starts it again, on the same port.
    pub(crate) fn start(&self) {
        run(&["start", self.engine.name(), self.path()]);
    }

    fn path(&self) -> &str {
        self.folder.to_str().expect("temporary paths are UTF-8")
    }

    fn said(&self, file: &str) -> String {
        let text = std::fs::read_to_string(self.folder.join(file));
        let text =
            text.unwrap_or_else(|error| panic!("{file} of {}: {error}", self.folder.display()));
        text.trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only a server of one's own is ever dropped: the shared one lives in a static.
        let state = self.state.to_str().expect("temporary paths are UTF-8");
        run(&["end", state]);
    }
}

fn run(arguments: &[&str]) {
    let done = script().args(arguments).output().expect("bash is there");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{arguments:?}: {said}");
}

fn script() -> Command {
    let mut command = Command::new("bash");
    command.arg(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/scripts/test-servers.sh"
    ));
    command
}

fn opened(path: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .expect("the folder of test servers can be written")
}

/// Whether a keeper lives, and has announced its server.
fn is_kept(state: &Path) -> bool {
    let keeper = opened(&state.join("keeper.lock"));
    match keeper.try_lock() {
        Err(TryLockError::WouldBlock) => state.join("server").exists(),
        Err(TryLockError::Error(error)) => panic!("cannot lock {}: {error}", state.display()),
        Ok(()) => false,
    }
}

/// Starts a keeper that outlives this process, in a session of its own.
fn keep(engine: Engine, state: &Path, commits: Commits) {
    let log = opened(&state.join("keeper.log"));
    log.set_len(0).expect("our own file");
    let mut command = Command::new("setsid");
    let script = script();
    command.arg(script.get_program()).args(script.get_args());
    if commits == Commits::AreDurable {
        command.env("DURABLE", "1");
    }
    let keeper = command
        .arg("keep")
        .arg(engine.name())
        .arg(state)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn();
    // Nobody waits for it: it ends by itself once nobody wants its server any more.
    drop(keeper.expect("setsid and bash are there"));
    let deadline = Instant::now() + PATIENCE;
    while !is_kept(state) {
        let said = std::fs::read_to_string(state.join("keeper.log")).unwrap_or_default();
        assert!(
            !said.contains("error:") && Instant::now() < deadline,
            "no {} server for the tests: {said}",
            engine.name()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn await_folder(state: &Path) -> PathBuf {
    let text = std::fs::read_to_string(state.join("server")).expect("the keeper has just said it");
    PathBuf::from(text.trim())
}
