//! A database of a test's own, on the engine that the run is about: `DOORWARD_TEST_DATABASE` is
//! `sqlite` (or absent), `postgres` or `mariadb`. It is removed when the test ends.

use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use super::server::{Engine, Server};

/// Where a test's data is.
#[derive(Debug)]
pub(crate) struct Database {
    place: Place,
}

#[derive(Debug)]
enum Place {
    File(PathBuf),
    Server {
        server: &'static Server,
        name: String,
    },
}

/// Runs the body with `$connection` on the database, whichever it is, and closes it.
macro_rules! connected {
    ($database:expr, |$connection:ident| $body:expr) => {
        match &$database.place {
            Place::File(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let $connection = sqlx::SqliteConnection::connect_with(&options);
                let mut $connection = $connection.await?;
                let answer = $body;
                $connection.close().await?;
                Ok(answer)
            }
            Place::Server { server, name } => match server.engine {
                Engine::Postgres => {
                    let url = server.admin_url(name);
                    let mut $connection = sqlx::PgConnection::connect(&url).await?;
                    let answer = $body;
                    $connection.close().await?;
                    Ok(answer)
                }
                Engine::MariaDb => {
                    let url = server.admin_url(name);
                    let mut $connection = sqlx::MySqlConnection::connect(&url).await?;
                    let answer = $body;
                    $connection.close().await?;
                    Ok(answer)
                }
            },
        }
    };
}

/// The engine that this run is about; `None` is SQLite.
pub(crate) fn engine() -> Option<Engine> {
    match std::env::var("DOORWARD_TEST_DATABASE").as_deref() {
        Err(_) | Ok("" | "sqlite") => None,
        Ok("postgres") => Some(Engine::Postgres),
        Ok("mariadb") => Some(Engine::MariaDb),
        Ok(other) => panic!("DOORWARD_TEST_DATABASE={other}: sqlite, postgres or mariadb"),
    }
}

impl Database {
    /// An empty database of the engine that this run is about; a file is in this folder, where
    /// `database_url` has it by default.
    pub(crate) fn fresh(folder: &Path) -> Self {
        match engine() {
            None => Self::file(folder.join("data/doorward.db")),
            Some(engine) => Self::on(engine),
        }
    }

    /// SQLite, whatever the run is about.
    pub(crate) fn file(path: PathBuf) -> Self {
        Self {
            place: Place::File(path),
        }
    }

    /// An empty database on the shared server of this engine.
    pub(crate) fn on(engine: Engine) -> Self {
        let server = Server::shared(engine);
        let name = format!("doorward_{}", unused_name());
        administer(server, |server| match server {
            Engine::Postgres => format!("CREATE DATABASE {name} OWNER doorward"),
            Engine::MariaDb => format!("CREATE DATABASE {name}"),
        });
        Self {
            place: Place::Server { server, name },
        }
    }

    /// The `database_url` of the product.
    pub(crate) fn url(&self) -> String {
        match &self.place {
            Place::File(path) => format!("sqlite://{}", path.display()),
            Place::Server { server, name } => server.user_url(name),
        }
    }

    /// The file, where it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Server { .. } => None,
        }
    }

    /// What somebody with a shell does behind the product's back; the rows that it changed.
    pub(crate) fn by_hand(&self, statement: &str) -> u64 {
        let changed: sqlx::Result<u64> = wait(async {
            connected!(self, |connection| {
                let done = connection.execute(sql(statement)).await?;
                done.rows_affected()
            })
        });
        changed.unwrap_or_else(|error| panic!("{error}: {statement}"))
    }

    /// Bytes, from hex, as a literal of the engine that this run is about.
    pub(crate) fn bytes(hex: &str) -> String {
        match engine() {
            Some(Engine::Postgres) => format!("'\\x{hex}'::bytea"),
            None | Some(Engine::MariaDb) => format!("x'{hex}'"),
        }
    }

    /// The one number that a query gives.
    pub(crate) fn number(&self, query: &str) -> i64 {
        let number: sqlx::Result<i64> = wait(async {
            connected!(self, |connection| {
                let query = sqlx::query_scalar(sql(query));
                query.fetch_one(&mut connection).await?
            })
        });
        number.unwrap_or_else(|error| panic!("{error}: {query}"))
    }

    /// The first column of what a query gives.
    pub(crate) fn texts(&self, query: &str) -> Vec<String> {
        let texts: sqlx::Result<Vec<String>> = wait(async {
            connected!(self, |connection| {
                let query = sqlx::query_scalar(sql(query));
                query.fetch_all(&mut connection).await?
            })
        });
        texts.unwrap_or_else(|error| panic!("{error}: {query}"))
    }
}

impl Database {
    /// Cuts every connection that the product has to this database, and says how many; nothing of
    /// that kind exists for a file.
    pub(crate) fn cuts_connections(&self) -> Option<impl Fn() -> usize + Send + 'static> {
        let Place::Server { server, name } = &self.place else {
            return None;
        };
        let (server, name) = (*server, name.clone());
        Some(move || cut(server, &name))
    }

    /// A query that tells every row of every table but these, as text; the tables that there are now.
    pub(crate) fn every_row(&self, but: &[&str]) -> String {
        let tables = self.texts(match &self.place {
            Place::File(_) => "SELECT name FROM sqlite_schema WHERE type = 'table'",
            Place::Server { server, .. } => match server.engine {
                Engine::Postgres => "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
                Engine::MariaDb => {
                    "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
                }
            },
        });
        let told = tables.iter().filter(|table| !but.contains(&table.as_str()));
        let told = told.map(|table| self.rows_of(table));
        told.collect::<Vec<_>>().join(" UNION ALL ")
    }

    fn rows_of(&self, table: &str) -> String {
        let columns = |query: String| self.texts(&query);
        match &self.place {
            Place::File(_) => {
                let quoted = columns(format!(
                    "SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('{table}')"
                ));
                format!(
                    "SELECT '{table}: ' || {} FROM {table}",
                    quoted.join(" || ', ' || ")
                )
            }
            Place::Server { server, .. } => match server.engine {
                Engine::Postgres => format!("SELECT '{table}: ' || t::text FROM {table} t"),
                Engine::MariaDb => {
                    let quoted = columns(format!(
                        "SELECT CONCAT(IF(data_type LIKE '%blob', 'HEX(`', 'QUOTE(`'), column_name, \
                         '`)') FROM information_schema.columns \
                         WHERE table_schema = DATABASE() AND table_name = '{table}'"
                    ));
                    let quoted = quoted.join(", ");
                    format!("SELECT CONCAT('{table}: ', CONCAT_WS(', ', {quoted})) FROM {table}")
                }
            },
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Place::Server { server, name } = &self.place {
            administer(server, |server| match server {
                Engine::Postgres => format!("DROP DATABASE {name} WITH (FORCE)"),
                Engine::MariaDb => format!("DROP DATABASE {name}"),
            });
        }
    }
}

/// Does something to a server as its administrator.
pub(crate) fn as_administrator(server: &Server, statement: &str) {
    administer(server, |_| statement.to_owned());
}

/// Does something to the server as its administrator.
fn administer(server: &Server, statement: impl FnOnce(Engine) -> String) {
    let statement = statement(server.engine);
    let url = server.home_url();
    let done: sqlx::Result<()> = wait(async {
        match server.engine {
            Engine::Postgres => {
                let mut connection = sqlx::PgConnection::connect(&url).await?;
                connection.execute(sql(&statement)).await?;
                connection.close().await
            }
            Engine::MariaDb => {
                let mut connection = sqlx::MySqlConnection::connect(&url).await?;
                connection.execute(sql(&statement)).await?;
                connection.close().await
            }
        }
    });
    done.unwrap_or_else(|error| panic!("{error}: {statement}"));
}

fn cut(server: &Server, name: &str) -> usize {
    let url = server.home_url();
    let cut: sqlx::Result<usize> = wait(async {
        match server.engine {
            Engine::Postgres => {
                let mut connection = sqlx::PgConnection::connect(&url).await?;
                let query = format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = '{name}' AND usename = 'doorward'"
                );
                let cut = connection.fetch_all(sql(&query)).await?;
                connection.close().await?;
                Ok(cut.len())
            }
            Engine::MariaDb => {
                let mut connection = sqlx::MySqlConnection::connect(&url).await?;
                let query = format!(
                    "SELECT CAST(id AS SIGNED) FROM information_schema.processlist \
                     WHERE db = '{name}' AND user = 'doorward'"
                );
                let ids: Vec<i64> = sqlx::query_scalar(sql(&query))
                    .fetch_all(&mut connection)
                    .await?;
                let mut cut = 0;
                for id in ids {
                    // It may have ended meanwhile.
                    let killed = connection.execute(sql(&format!("KILL {id}"))).await;
                    cut += usize::from(killed.is_ok());
                }
                connection.close().await?;
                Ok(cut)
            }
        }
    });
    cut.unwrap_or_else(|error| panic!("{error}: cutting the connections to {name}"))
}

/// Tests write their statements themselves.
fn sql(statement: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(statement.to_owned())
}

fn unused_name() -> String {
    doorward::clock::random_id().expect("there is randomness")
}

/// Waits on a thread of its own, so that tests with and without a runtime can.
fn wait<T: Send>(work: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(work)
        });
        thread.join().expect("it ended")
    })
}
