//! Filling a database from another one: by one at a time, whoever is killed or stands still.

use std::time::Duration;

use doorward::clock::Clock;
use doorward::directory::time::UnixTime;
use doorward::storage::{Durability, Page, Store, TransferError, changes_of, epoch_of};

use crate::database::{Database, as_administrator};
use crate::home::Home;
use crate::server::{Commits, Engine, Server};

/// Everything of a database with somebody in it.
async fn pages() -> (Home, Vec<Page>) {
    let home = Home::in_a_file().await;
    home.user("ada", &["consumer"]).await;
    home.sp("store", &["consumer"]).await;
    let mut everything = home.store.everything().await.unwrap();
    let mut pages = Vec::new();
    while let Some(page) = everything.next().await.unwrap() {
        pages.push(page);
    }
    drop(everything);
    (home, pages)
}

fn empty() -> (tempfile::TempDir, Database) {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::fresh(folder.path());
    (folder, database)
}

async fn open(database: &Database) -> Store {
    let opened = Store::open(&database.url(), Durability::Full).await;
    opened.unwrap()
}

#[tokio::test]
async fn whoever_was_taken_for_dead_writes_nothing_more_and_leaves_the_mark() {
    let (_home, pages) = pages().await;
    let (_folder, database) = empty();
    let (one, other) = (open(&database).await, open(&database).await);
    let mut late = one.fill(true).await.unwrap();
    late.write(&pages[0]).await.unwrap();
    // It stands still for so long that the other one begins anew.
    let mut second = other.fill(true).await.unwrap();
    second.write(&pages[0]).await.unwrap();
    let written = late.write(&pages[1]).await;
    assert!(
        matches!(written, Err(TransferError::TakenOver)),
        "{written:?}"
    );
    let finished = late.finish(Clock::System.now(), |_| {}).await;
    assert!(finished.is_err(), "{finished:?}");
    assert!(one.is_half_filled().await.unwrap(), "the mark is gone");
    for page in &pages[1..] {
        second.write(page).await.unwrap();
    }
    second.finish(Clock::System.now(), |_| {}).await.unwrap();
    assert!(!other.is_half_filled().await.unwrap());
    assert_eq!(database.number("SELECT COUNT(*) FROM users"), 1);
    let again = one.fill(true).await;
    assert!(
        matches!(again, Err(TransferError::NotEmpty { .. })),
        "it was begun once more"
    );
    one.shut_down().await;
    other.shut_down().await;
}

#[tokio::test]
async fn nobody_else_begins_while_one_goes_on() {
    let (_home, pages) = pages().await;
    let (_folder, database) = empty();
    let (one, other) = (open(&database).await, open(&database).await);
    let mut first = one.fill(true).await.unwrap();
    let waiting = tokio::spawn({
        let other = other.clone();
        async move { other.fill(true).await.map(|_| ()) }
    });
    let mut rest = pages.iter();
    while !waiting.is_finished() {
        tokio::time::sleep(Duration::from_secs(2)).await;
        if let Some(page) = rest.next() {
            first.write(page).await.unwrap();
        }
    }
    let refused = waiting.await.unwrap();
    assert!(
        matches!(refused, Err(TransferError::BeingFilled)),
        "{refused:?}"
    );
    for page in rest {
        first.write(page).await.unwrap();
    }
    first.finish(Clock::System.now(), |_| {}).await.unwrap();
    one.shut_down().await;
    other.shut_down().await;
}

#[tokio::test]
async fn of_two_who_begin_at_once_one_goes_on() {
    let (_home, pages) = pages().await;
    for _ in 0..3 {
        let (_folder, database) = empty();
        let (one, other) = (open(&database).await, open(&database).await);
        let (first, second) = tokio::join!(one.fill(true), other.fill(true));
        let mut going_on = 0;
        // The first stands still until the second has begun, which may take it for dead.
        for begun in [first, second] {
            match begun {
                Err(TransferError::BeingFilled | TransferError::TakenOver) => {}
                Err(error) => panic!("{error}"),
                Ok(mut filling) => match filling.write(&pages[0]).await {
                    Ok(()) => going_on += 1,
                    Err(TransferError::TakenOver) => {}
                    Err(error) => panic!("{error}"),
                },
            }
        }
        assert_eq!(going_on, 1);
        one.shut_down().await;
        other.shut_down().await;
    }
}

#[tokio::test]
async fn a_database_with_rows_is_never_marked() {
    let home = Home::new().await;
    home.user("ada", &[]).await;
    let refused = home.store.fill(true).await;
    assert!(matches!(refused, Err(TransferError::NotEmpty { .. })));
    assert!(!home.store.is_half_filled().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn large_documents_go_into_a_server_that_takes_small_statements() {
    let home = Home::in_a_file().await;
    for number in 0..24 {
        home.sp(&format!("sp{number}"), &["consumer"]).await;
    }
    // 240 kB each: ten of them are more than the server takes at once.
    home.by_hand("UPDATE sp_metadata SET document = hex(zeroblob(120000))");
    let server = Server::own(Engine::MariaDb, Commits::AreQuick);
    as_administrator(&server, "SET GLOBAL max_allowed_packet = 2097152");
    let to = Store::open(&server.home_url(), Durability::Full)
        .await
        .unwrap();
    let mut everything = home.store.everything().await.unwrap();
    let mut filling = to.fill(true).await.unwrap();
    let mut documents = Vec::new();
    while let Some(page) = everything.next().await.unwrap() {
        if page.table == "sp_metadata" {
            // As a file hands them on: as many as there are.
            documents.extend(page.rows);
            continue;
        }
        if !documents.is_empty() {
            let rows = std::mem::take(&mut documents);
            let table = "sp_metadata";
            filling.write(&Page { table, rows }).await.unwrap();
        }
        filling.write(&page).await.unwrap();
    }
    filling.finish(Clock::System.now(), |_| {}).await.unwrap();
    to.shut_down().await;
}

/// Fills an empty database with what was read, at an instant; the version that its keys have then.
async fn version_after(pages: &[Page], now: UnixTime) -> (i64, i64) {
    let (_folder, database) = empty();
    let store = open(&database).await;
    let mut filling = store.fill(true).await.unwrap();
    for page in pages {
        filling.write(page).await.unwrap();
    }
    filling.finish(now, |_| {}).await.unwrap();
    let versions = (
        store.signing_key_version().await.unwrap(),
        database.number("SELECT MAX(version) FROM service_providers"),
    );
    store.shut_down().await;
    versions
}

#[tokio::test]
async fn no_version_of_a_database_that_is_filled_was_ever_seen_before() {
    let (home, pages) = pages().await;
    let before = home.store.signing_key_version().await.unwrap();
    let (first, sp) = version_after(&pages, UnixTime::from_millis(1_795_265_101_007)).await;
    let (second, sp_again) = version_after(&pages, UnixTime::from_millis(1_795_265_101_008)).await;
    assert_eq!(epoch_of(before), 0);
    assert!(epoch_of(first) > 0 && epoch_of(second) > epoch_of(first));
    assert_eq!(
        (epoch_of(sp), epoch_of(sp_again)),
        (epoch_of(first), epoch_of(second))
    );
    // Changes count on as before.
    assert_eq!(epoch_of(first + 1), epoch_of(first));
    assert_eq!(changes_of(first + 1), before + 1);
}
