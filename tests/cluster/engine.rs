//! Databases for the topologies: on a server of the test's own where the server is what breaks, else on
//! the one that all tests share.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, MySqlConnection, PgConnection};
use tokio::runtime::Runtime;

pub(crate) use crate::server::Engine;
use crate::server::{Commits, Server};

/// The name of the database; what this server's user may have begins so.
const NAME: &str = "doorward_cluster";

pub(crate) struct OwnDatabase {
    pub(crate) server: Server,
    pub(crate) url: String,
}

/// A connection of the administrator's. Dropped, it is closed, and its locks are gone.
pub(crate) struct Administrator {
    connection: Connection,
    runtime: Runtime,
}

enum Connection {
    Postgres(PgConnection),
    MariaDb(MySqlConnection),
}

/// Commits wait for the disk: what was committed before the server ended is there after it.
pub(crate) fn own_database(engine: Engine) -> OwnDatabase {
    let server = Server::own(engine, Commits::AreDurable);
    Administrator::connect(engine, &server.home_url()).say(match engine {
        Engine::Postgres => "CREATE DATABASE doorward_cluster OWNER doorward",
        Engine::MariaDb => "CREATE DATABASE doorward_cluster",
    });
    OwnDatabase {
        url: server.user_url(NAME),
        server,
    }
}

/// Keeps everybody from the table that each decision reads, until the value is dropped.
pub(crate) fn lock_sessions(engine: Engine, database_url: &str) -> Administrator {
    let (_, name) = database_url.rsplit_once('/').unwrap();
    let url = Server::shared(engine).admin_url(name);
    let mut administrator = Administrator::connect(engine, &url);
    match engine {
        Engine::Postgres => {
            administrator.say("BEGIN");
            administrator.say("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE");
        }
        Engine::MariaDb => administrator.say("LOCK TABLES sessions WRITE"),
    }
    administrator
}

impl Administrator {
    fn connect(engine: Engine, url: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let connection = runtime.block_on(async {
            match engine {
                Engine::Postgres => Connection::Postgres(PgConnection::connect(url).await.unwrap()),
                Engine::MariaDb => {
                    Connection::MariaDb(MySqlConnection::connect(url).await.unwrap())
                }
            }
        });
        Self {
            connection,
            runtime,
        }
    }

    fn say(&mut self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        let (runtime, connection) = (&self.runtime, &mut self.connection);
        runtime.block_on(async {
            match connection {
                Connection::Postgres(connection) => connection.execute(statement).await.map(drop),
                Connection::MariaDb(connection) => connection.execute(statement).await.map(drop),
            }
            .unwrap();
        });
    }
}
