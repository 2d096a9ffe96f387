//! The database that a node is measured with: a file, or a private server that nothing else uses.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, Result};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, Executor as _};
use tempfile::TempDir;

use super::http::odd;
use super::process::{CpuTime, Process};

/// How long a server may take to come to rest after millions of rows.
const REST: Duration = Duration::from_mins(5);

/// What is behind a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
    MariaDb,
}

/// A database of its own, whose commits wait for the disk.
pub(crate) struct Database {
    pub(crate) engine: Engine,
    /// Of the server; a file is the node's own affair.
    folder: TempDir,
}

impl Engine {
    pub(crate) const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::MariaDb];

    /// As it is named on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
        }
    }
}

impl Database {
    /// Starts a server, where the engine has one, with an empty database.
    pub(crate) async fn start(engine: Engine) -> Result<Self> {
        // Not in /tmp, which may be memory.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let database = Self { engine, folder };
        let create = match engine {
            Engine::Sqlite => return Ok(database),
            Engine::Postgres => "CREATE DATABASE doorward_scale OWNER doorward",
            Engine::MariaDb => "CREATE DATABASE doorward_scale",
        };
        // The server runs as somebody else, who has to be able to come this far.
        opened_to_others(database.folder.path())?;
        script(&["start", engine.name(), &database.path()])?;
        database.administer("", create).await?;
        Ok(database)
    }

    /// The `database_url` of the product; `None` is its own default, a file.
    pub(crate) fn url(&self) -> Result<Option<String>> {
        match self.engine {
            Engine::Sqlite => Ok(None),
            _ => Ok(Some(format!("{}doorward_scale", self.said("user_url")?))),
        }
    }

    /// Does what a server does by itself some minutes after many rows came, and waits until it has
    /// nothing left to do: neither is what a sign-on costs.
    pub(crate) async fn settle(&self) -> Result<()> {
        match self.engine {
            Engine::Sqlite => return Ok(()),
            Engine::Postgres => {
                self.administer("doorward_scale", "VACUUM ANALYZE").await?;
                self.administer("doorward_scale", "CHECKPOINT").await?;
            }
            Engine::MariaDb => {
                let analyze =
                    "ANALYZE TABLE users, user_roles, service_providers, sessions, audit_events";
                self.administer("doorward_scale", analyze).await?;
            }
        }
        let until = Instant::now() + REST;
        while Instant::now() < until {
            let before = self.cpu_time()?;
            tokio::time::sleep(Duration::from_secs(2)).await;
            if self.cpu_time()?.since(&before) < Duration::from_millis(20) {
                return Ok(());
            }
        }
        Err(odd(format!("{} does not come to rest", self.engine.name())))
    }

    /// The CPU time of all processes of the server so far; none for a file.
    pub(crate) fn cpu_time(&self) -> Result<CpuTime> {
        let mut all = CpuTime::default();
        if self.engine == Engine::Sqlite {
            return Ok(all);
        }
        for id in family(self.pid()?)? {
            // One that has just ended has taken its files along.
            if let Ok(time) = Process::of(id).cpu_time() {
                all.add(time);
            }
        }
        Ok(all)
    }

    fn pid(&self) -> Result<u32> {
        let pid = self.said("pid")?.parse();
        pid.map_err(|_| odd("the server's process id is no number"))
    }

    fn path(&self) -> String {
        self.folder.path().to_string_lossy().into_owned()
    }

    fn said(&self, file: &str) -> Result<String> {
        let text = fs::read_to_string(self.folder.path().join(file))?;
        Ok(text.trim().to_owned())
    }

    /// Runs a statement as the server's administrator in a database, or in the one of the address.
    async fn administer(&self, database: &str, statement: &'static str) -> Result<()> {
        let home = self.said("url")?;
        let url = match home.rsplit_once('/') {
            Some((server, _)) if !database.is_empty() => format!("{server}/{database}"),
            _ => home,
        };
        let done = if self.engine == Engine::MariaDb {
            let connected = sqlx::MySqlConnection::connect(&url).await;
            let mut connection = connected.map_err(Error::other)?;
            connection.execute(statement).await.map(drop)
        } else {
            let connected = sqlx::PgConnection::connect(&url).await;
            let mut connection = connected.map_err(Error::other)?;
            connection.execute(statement).await.map(drop)
        };
        done.map_err(Error::other)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.engine != Engine::Sqlite {
            // The folder goes with it; there is nobody left to tell.
            let _ = script(&["stop", &self.path()]);
        }
    }
}

/// A process and all that descend from it.
fn family(ancestor: u32) -> Result<Vec<u32>> {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Ok(id) = entry?.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default();
        if let Some(parent) = fields.split_whitespace().nth(1)
            && let Ok(parent) = parent.parse::<u32>()
        {
            parents.insert(id, parent);
        }
    }
    let mut found = vec![ancestor];
    let mut looked_at = 0;
    while let Some(parent) = found.get(looked_at).copied() {
        looked_at += 1;
        let children = parents.iter().filter(|(_, of)| **of == parent);
        found.extend(children.map(|(child, _)| *child));
    }
    Ok(found)
}

#[cfg(unix)]
fn opened_to_others(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711))
}

fn script(arguments: &[&str]) -> Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-servers.sh");
    let status = Command::new("bash")
        .arg(path)
        .args(arguments)
        .env("DURABLE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(odd(format!("test-servers.sh {arguments:?}: {status}")))
    }
}
