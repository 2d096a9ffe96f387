//! The three engines have one schema: files, tables, columns, keys and indexes of the same names.
//! Each column compares byte for byte, on servers whose own defaults do not.
#![expect(
    clippy::expect_used,
    reason = "a test that cannot be set up has failed"
)]

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod support;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sqlx::Connection as _;
use sqlx::migrate::Migrator;
use support::database::Database;
use support::server::Engine;

/// One line per fact, in the same words on each engine.
type Facts = BTreeSet<String>;

#[test]
fn every_migration_is_there_for_each_engine() {
    let sqlite = files("sqlite");
    assert!(sqlite.len() >= 9, "{sqlite:?}");
    assert_eq!(files("postgres"), sqlite);
    assert_eq!(files("mysql"), sqlite);
}

#[tokio::test]
async fn postgresql_has_the_tables_that_sqlite_has() {
    let database = Database::on(Engine::Postgres);
    let mut connection = sqlx::PgConnection::connect(&database.url())
        .await
        .expect("the server runs");
    let migrations = migrations(Engine::Postgres.migrations()).await;
    migrations.run(&mut connection).await.expect("they run");
    connection.close().await.expect("it closes");
    assert_same(&sqlite().await, &facts(&database, &POSTGRES), "PostgreSQL");
    assert_eq!(
        database.texts(POSTGRES_UNEXACT),
        [""; 0],
        "these do not compare byte for byte"
    );
}

#[tokio::test]
async fn mariadb_has_the_tables_that_sqlite_has() {
    let database = Database::on(Engine::MariaDb);
    let mut connection = sqlx::MySqlConnection::connect(&database.url())
        .await
        .expect("the server runs");
    let migrations = migrations(Engine::MariaDb.migrations()).await;
    migrations.run(&mut connection).await.expect("they run");
    connection.close().await.expect("it closes");
    assert_same(&sqlite().await, &facts(&database, &MARIADB), "MariaDB");
    assert_eq!(
        database.texts(MARIADB_UNEXACT),
        [""; 0],
        "these do not compare byte for byte, or are no InnoDB tables with long keys"
    );
}

/// MariaDB and `MySQL` commit each statement that changes a schema, so a migration that died half-way
/// is run again on what it left.
#[tokio::test]
async fn a_mysql_migration_that_died_half_way_is_run_again() {
    let database = Database::on(Engine::MariaDb);
    for file in files("mysql") {
        let text = std::fs::read_to_string(folder("mysql").join(&file)).expect("just listed");
        let statements = statements(&text);
        for died_after in 0..=statements.len() {
            for statement in &statements[..died_after] {
                database.by_hand(statement);
            }
        }
    }
    assert_same(&sqlite().await, &facts(&database, &MARIADB), "MariaDB");
}

/// The first migration after which programs of two versions may use one database (decision 44).
const FIRST_SHARED: i64 = 10;

#[tokio::test]
async fn a_migration_leaves_the_version_before_all_that_it_uses() {
    let here = tempfile::tempdir().expect("a temporary folder");
    let file = Database::file(here.path().join("schema.db"));
    let url = format!("{}?mode=rwc", file.url());
    let connection = sqlx::SqliteConnection::connect(&url).await;
    let connection = connection.expect("SQLite is built in");
    each_step_adds(&file, connection, "sqlite", &SQLITE, SQLITE_DEMANDED).await;
    let database = Database::on(Engine::Postgres);
    let connection = sqlx::PgConnection::connect(&database.url()).await;
    let connection = connection.expect("the server runs");
    each_step_adds(
        &database,
        connection,
        "postgres",
        &POSTGRES,
        POSTGRES_DEMANDED,
    )
    .await;
    let database = Database::on(Engine::MariaDb);
    let connection = sqlx::MySqlConnection::connect(&database.url()).await;
    let connection = connection.expect("the server runs");
    each_step_adds(&database, connection, "mysql", &MARIADB, MARIADB_DEMANDED).await;
}

/// After each migration all is as it was, but for what is new: tables, columns that an INSERT need
/// not name, indexes that refuse nothing. A migration that takes away says so in the database.
async fn each_step_adds<C>(
    database: &Database,
    mut connection: C,
    engine: &str,
    queries: &[&str],
    demanded: &str,
) where
    C: sqlx::Connection + sqlx::migrate::Migrate,
{
    let migrations = migrations(engine).await;
    let shared = |version: &i64| *version >= FIRST_SHARED;
    let versions: Vec<i64> = migrations.iter().map(|step| step.version).collect();
    let mut before: Option<(Facts, i64)> = None;
    for version in versions.into_iter().filter(shared) {
        let run = migrations.run_direct(Some(version), &mut connection, false);
        run.await.expect("they run");
        let now = facts(database, queries);
        let demands: BTreeSet<_> = database.texts(demanded).into_iter().collect();
        let oldest = database.number("SELECT oldest_migration FROM schema_compatibility");
        if let Some((before, before_oldest)) = before
            && oldest == before_oldest
        {
            let gone: Vec<_> = before.difference(&now).collect();
            assert!(gone.is_empty(), "{engine} {version} takes away {gone:#?}");
            let tables: BTreeSet<_> = before.iter().map(|fact| table(fact)).collect();
            let added = now.difference(&before);
            let refusing: Vec<_> = added
                .filter(|fact| tables.contains(table(fact)) && refuses(fact, &demands))
                .collect();
            assert!(
                refusing.is_empty(),
                "after {engine} {version} the version before meets {refusing:#?}"
            );
        }
        before = Some((now, oldest));
    }
    assert!(before.is_some_and(|(facts, _)| facts.len() > 300));
    connection.close().await.expect("it closes");
}

fn table(fact: &str) -> &str {
    fact.split(['.', ' ']).next().unwrap_or_default()
}

/// Whether something new of a table refuses rows that were welcome before.
fn refuses(fact: &str, demands: &BTreeSet<String>) -> bool {
    match fact.split_once(": ") {
        Some((column, _)) => demands.contains(column),
        None => !fact.contains(" index "),
    }
}

/// Else a column that a newer version adds would come to a program that does not know it.
#[test]
fn every_statement_names_its_columns() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage")];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("it can be read");
            read += text.matches("SELECT ").count() + text.matches("INSERT INTO ").count();
            assert!(!text.contains("SELECT *"), "{}", path.display());
            for insert in text.split("INSERT INTO ").skip(1) {
                let mut words = insert.split_whitespace();
                let of_table = words.nth(1).unwrap_or_default();
                assert!(of_table != "VALUES" && of_table != "SELECT", "{insert:.60}");
            }
        }
    }
    assert!(read > 100, "{read} statements");
}

fn assert_same(sqlite: &Facts, other: &Facts, engine: &str) {
    let missing: Vec<_> = sqlite.difference(other).collect();
    let added: Vec<_> = other.difference(sqlite).collect();
    assert!(
        missing.is_empty() && added.is_empty(),
        "on {engine} missing: {missing:#?}\nadded: {added:#?}"
    );
    assert!(sqlite.len() > 300, "too little is compared: {sqlite:#?}");
}

fn folder(engine: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(engine)
}

fn files(engine: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder(engine)).expect("the folder is there");
    entries
        .map(|entry| {
            let name = entry.expect("it can be listed").file_name();
            name.into_string().expect("names are UTF-8")
        })
        .collect()
}

/// A semicolon at the end of a line ends a statement; no text in a migration holds one there.
fn statements(text: &str) -> Vec<String> {
    let code: Vec<_> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect();
    let code = code.join("\n");
    let parts = code.split(";\n").map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

async fn migrations(folder_name: &str) -> Migrator {
    let read = Migrator::new(folder(folder_name)).await;
    read.expect("they can be read")
}

async fn sqlite() -> Facts {
    let here = tempfile::tempdir().expect("a temporary folder");
    let database = Database::file(here.path().join("schema.db"));
    let mut connection = sqlx::SqliteConnection::connect(&format!("{}?mode=rwc", database.url()))
        .await
        .expect("SQLite is built in");
    let migrations = migrations("sqlite").await;
    migrations.run(&mut connection).await.expect("they run");
    connection.close().await.expect("it closes");
    facts(&database, &SQLITE)
}

fn facts(database: &Database, queries: &[&str]) -> Facts {
    let told = queries.iter().flat_map(|query| database.texts(query));
    // What sqlx writes its migrations down in is its own.
    told.filter(|fact| !fact.starts_with("_sqlx_migrations"))
        .collect()
}

const SQLITE: [&str; 4] = [
    "SELECT t.name || '.' || c.name || ': ' || CASE \
       WHEN c.type LIKE '%CHAR(%' THEN 'text' || substr(c.type, instr(c.type, '(')) \
       WHEN c.type = 'TEXT' THEN 'text' WHEN c.type = 'BLOB' THEN 'bytes' ELSE 'integer' END \
       || CASE WHEN c.\"notnull\" OR c.pk > 0 THEN ', not null' ELSE '' END \
     FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'",
    "SELECT name || ' primary key ' || group_concat(part) FROM ( \
       SELECT t.name, c.name AS part FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
       WHERE t.type = 'table' AND c.pk > 0 ORDER BY t.name, c.pk) GROUP BY name",
    "SELECT t.name || CASE i.origin WHEN 'u' THEN ' unique ' ELSE ' index ' || i.name || ' ' END \
       || (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) \
     FROM sqlite_schema t JOIN pragma_index_list(t.name) i \
     WHERE t.type = 'table' AND i.origin <> 'pk'",
    "SELECT name || '.' || group_concat(f) || ' refers to ' || t || '.' || group_concat(k) \
       || ' on delete ' || lower(d) FROM ( \
       SELECT s.name, r.id, r.\"from\" AS f, r.\"table\" AS t, r.\"to\" AS k, r.on_delete AS d \
       FROM sqlite_schema s JOIN pragma_foreign_key_list(s.name) r \
       WHERE s.type = 'table' ORDER BY s.name, r.id, r.seq) GROUP BY name, id",
];

/// Columns that an INSERT has to name.
const SQLITE_DEMANDED: &str = "\
    SELECT t.name || '.' || c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c \
    WHERE t.type = 'table' AND c.\"notnull\" AND c.dflt_value IS NULL";
const POSTGRES_DEMANDED: &str = "\
    SELECT table_name || '.' || column_name FROM information_schema.columns \
    WHERE table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL \
    AND is_identity = 'NO'";
const MARIADB_DEMANDED: &str = "\
    SELECT CONCAT(table_name, '.', column_name) FROM information_schema.columns \
    WHERE table_schema = DATABASE() AND is_nullable = 'NO' AND column_default IS NULL \
    AND extra NOT LIKE '%auto_increment%'";

const POSTGRES: [&str; 3] = [
    "SELECT table_name || '.' || column_name || ': ' || CASE data_type \
       WHEN 'character varying' THEN 'text(' || character_maximum_length || ')' \
       WHEN 'text' THEN 'text' WHEN 'bytea' THEN 'bytes' WHEN 'bigint' THEN 'integer' \
       ELSE data_type END || CASE is_nullable WHEN 'NO' THEN ', not null' ELSE '' END \
     FROM information_schema.columns WHERE table_schema = 'public'",
    "SELECT t.relname || CASE WHEN i.indisprimary THEN ' primary key ' \
       WHEN c.oid IS NOT NULL THEN ' unique ' ELSE ' index ' || x.relname || ' ' END || ( \
         SELECT string_agg(a.attname, ',' ORDER BY k.n) \
         FROM unnest(i.indkey) WITH ORDINALITY k (number, n) \
         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number) \
     FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid \
     LEFT JOIN pg_constraint c ON c.conindid = x.oid AND c.contype = 'u' \
     WHERE t.relnamespace = 'public'::regnamespace",
    "SELECT t.relname || '.' || ( \
         SELECT string_agg(a.attname, ',' ORDER BY k.n) \
         FROM unnest(c.conkey) WITH ORDINALITY k (number, n) \
         JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number) \
       || ' refers to ' || r.relname || '.' || ( \
         SELECT string_agg(a.attname, ',' ORDER BY k.n) \
         FROM unnest(c.confkey) WITH ORDINALITY k (number, n) \
         JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number) \
       || ' on delete ' || CASE c.confdeltype WHEN 'c' THEN 'cascade' WHEN 'r' THEN 'restrict' \
         WHEN 'n' THEN 'set null' ELSE 'no action' END \
     FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid \
     JOIN pg_class r ON r.oid = c.confrelid WHERE c.contype = 'f'",
];

const POSTGRES_UNEXACT: &str = "\
    SELECT table_name || '.' || column_name FROM information_schema.columns \
    WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations' \
    AND data_type IN ('character varying', 'character', 'text') \
    AND collation_name IS DISTINCT FROM 'C'";

/// `InnoDB` makes an index for a foreign key where there is none, so only those that have a name of
/// ours are compared.
const MARIADB: [&str; 3] = [
    "SELECT CONCAT(table_name, '.', column_name, ': ', CASE data_type \
       WHEN 'varchar' THEN CONCAT('text(', character_maximum_length, ')') \
       WHEN 'mediumtext' THEN 'text' WHEN 'mediumblob' THEN 'bytes' WHEN 'bigint' THEN 'integer' \
       ELSE data_type END, CASE is_nullable WHEN 'NO' THEN ', not null' ELSE '' END) \
     FROM information_schema.columns WHERE table_schema = DATABASE()",
    "SELECT CONCAT(table_name, CASE WHEN index_name = 'PRIMARY' THEN ' primary key ' \
       WHEN non_unique = 0 THEN ' unique ' ELSE CONCAT(' index ', index_name, ' ') END, \
       GROUP_CONCAT(column_name ORDER BY seq_in_index)) \
     FROM information_schema.statistics WHERE table_schema = DATABASE() \
     AND (non_unique = 0 OR index_name LIKE '%\\_by\\_%') \
     GROUP BY table_name, index_name, non_unique",
    "SELECT CONCAT(r.table_name, '.', GROUP_CONCAT(k.column_name ORDER BY k.ordinal_position), \
       ' refers to ', r.referenced_table_name, '.', \
       GROUP_CONCAT(k.referenced_column_name ORDER BY k.ordinal_position), \
       ' on delete ', LOWER(r.delete_rule)) \
     FROM information_schema.referential_constraints r JOIN information_schema.key_column_usage k \
     ON k.constraint_schema = r.constraint_schema AND k.constraint_name = r.constraint_name \
     AND k.table_name = r.table_name WHERE r.constraint_schema = DATABASE() \
     GROUP BY r.table_name, r.constraint_name, r.referenced_table_name, r.delete_rule",
];

const MARIADB_UNEXACT: &str = "\
    SELECT CONCAT(c.table_name, '.', c.column_name) FROM information_schema.columns c \
    JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
    WHERE c.table_schema = DATABASE() AND c.table_name <> '_sqlx_migrations' \
    AND (c.collation_name <> 'utf8mb4_nopad_bin' OR t.engine <> 'InnoDB' OR t.row_format <> 'Dynamic')";
