//! Several processes on one database at once: whoever waits gets through, what may happen once
//! happens once, and a connection that is cut in the middle proves nothing.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use doorward::directory::audit::AuditKind;
use doorward::directory::name::{RoleName, UserId};
use doorward::directory::service_provider::ServiceProvider;
use doorward::storage::{NewArtifact, NewSession, Recorded, Store, StoreError, TokenHash};

use crate::home::{CHAIN_KEY, Home, new_session, release};

/// As many real processes as that start on a database that nobody has seen before.
#[test]
fn processes_that_start_together_on_a_fresh_database_all_get_through() {
    let folder = tempfile::tempdir().unwrap();
    let database = crate::database::Database::fresh(folder.path());
    let started: Vec<_> = (0..6)
        .map(|_| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_doorward"));
            for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOORWARD_")) {
                command.env_remove(name);
            }
            command
                .args(["role", "list"])
                .env("DOORWARD_DATABASE_URL", database.url())
                .env("DOORWARD_KEYS_DIR", keys(folder.path()))
                .current_dir(folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for process in started {
        let ended = process.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{said}");
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM data_keys"), 1);
    assert_eq!(
        database.number("SELECT COUNT(*) FROM signing_keys WHERE state = 'active'"),
        1
    );
}

/// One master key for all of them, as several nodes have; two that made one each could not go on.
fn keys(folder: &Path) -> std::path::PathBuf {
    let keys = folder.join("keys");
    doorward::keystore::Keystore::open(&keys).unwrap();
    keys
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_tries_at_two_processes_one_uses_up_an_artifact() {
    let home = Home::new().await;
    let other = home.another_process().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let session = home.sign_in(&ada, "t").await;
    for round in 0..10 {
        let handle = TokenHash::of(&format!("handle {round}"));
        let new = NewArtifact {
            handle: handle.clone(),
            sp: sp.id.clone(),
            session: Some(session.id.clone()),
            pending: "what was asked".to_owned(),
            expires_at: home.now().plus(Duration::from_mins(1)),
        };
        home.store.put_artifact(&new).await.unwrap();
        let tries: Vec<_> = (0..50)
            .map(|number| {
                let store = [&home.store, &other][number % 2].clone();
                let (handle, sp, now) = (handle.clone(), sp.id.clone(), home.now());
                tokio::spawn(async move { store.use_up_artifact(&handle, &sp, now).await.unwrap() })
            })
            .collect();
        let mut used = 0;
        for one in tries {
            used += usize::from(one.await.unwrap().is_some());
        }
        assert_eq!(used, 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_answers_at_two_processes_one_uses_up_a_demanded_sign_in() {
    let home = Home::new().await;
    let other = home.another_process().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    for round in 0..5 {
        let new = NewSession {
            fresh_for: Some("flow".to_owned()),
            ..new_session(&ada, &format!("token {round}"))
        };
        let event = home.event(AuditKind::SignIn);
        let session = home.store.sign_in(new, event).await.unwrap().session;
        let mut once = release(&session, "i");
        once.use_up = Some("flow".to_owned());
        let tries: Vec<_> = (0..50)
            .map(|number| {
                let store = [&home.store, &other][number % 2].clone();
                let (once, sp) = (once.clone(), sp.id.clone());
                let event = home.event(AuditKind::Assertion);
                tokio::spawn(async move { store.release(&once, &sp, true, event).await.unwrap() })
            })
            .collect();
        let mut done = 0;
        for one in tries {
            done += usize::from(one.await.unwrap() == Recorded::Done);
        }
        assert_eq!(done, 1, "round {round}");
    }
    let rows = home.count("SELECT COUNT(*) FROM audit_events WHERE kind = 'assertion'");
    assert_eq!(rows, 5);
}

/// What one writer may be told while others change the same things: that somebody was faster.
fn is_fair(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Conflict
            | StoreError::Dangling
            | StoreError::SignInRefused
            | StoreError::RoleInUse { .. }
    )
}

struct Crowd {
    users: Vec<UserId>,
    roles: Vec<RoleName>,
    sps: Vec<ServiceProvider>,
}

/// Even ones go up, odd ones down.
fn pick<T>(among: &[T], number: usize) -> &T {
    let up = number % among.len();
    let place = if number.is_multiple_of(2) {
        up
    } else {
        among.len() - 1 - up
    };
    among.get(place).unwrap()
}

/// One of the writes that touch several tables, on things that the others touch in another order.
async fn write(home: &Home, store: &Store, crowd: &Crowd, number: usize) -> Result<(), StoreError> {
    let user = pick(&crowd.users, number);
    let role = pick(&crowd.roles, number);
    let sp = pick(&crowd.sps, number);
    match number % 8 {
        0 => store
            .grant(user, role, home.event(AuditKind::RoleGranted))
            .await
            .map(drop),
        1 => store
            .revoke(user, role, home.event(AuditKind::RoleRevoked))
            .await
            .map(drop),
        2 | 3 => {
            let new = new_session(user, &format!("token {number}"));
            let signed_in = store.sign_in(new, home.event(AuditKind::SignIn)).await?;
            let release = release(&signed_in.session, "i");
            let event = home.event(AuditKind::Assertion);
            store.release(&release, &sp.id, true, event).await.map(drop)
        }
        4 => {
            let fresh = store.sp_by_id(&sp.id).await?;
            let event = home.event(AuditKind::SpUpdated);
            store
                .update_sp(&fresh.ok_or(StoreError::Dangling)?, event)
                .await
        }
        5 => {
            let event = home.event(AuditKind::RoleRemoved);
            store.remove_role(role, event).await.map(drop)
        }
        6 => {
            let event = home.event(AuditKind::RoleAdded);
            store.ensure_role(role, event).await.map(drop)
        }
        _ => store
            .clean_up(crate::home::LIMITS, home.now())
            .await
            .map(drop),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_in_opposite_order_never_get_in_each_others_way_for_good() {
    let home = Arc::new(Home::new().await);
    let other = home.another_process().await;
    let mut crowd = Crowd {
        users: Vec::new(),
        roles: Vec::new(),
        sps: Vec::new(),
    };
    for number in 0..6 {
        crowd.roles.push(home.role(&format!("role {number}")).await);
        crowd
            .users
            .push(home.user(&format!("user{number}"), &["a"]).await);
        crowd
            .sps
            .push(home.sp(&format!("sp{number}"), &["a", "b"]).await);
    }
    let crowd = Arc::new(crowd);
    let running: Vec<_> = (0..400)
        .map(|number| {
            let (home, crowd) = (Arc::clone(&home), Arc::clone(&crowd));
            let store = [&home.store, &other][number / 8 % 2].clone();
            tokio::spawn(async move { write(&home, &store, &crowd, number).await })
        })
        .collect();
    let (mut done, mut busy) = (0, 0);
    for one in running {
        match one.await.unwrap() {
            Ok(()) => done += 1,
            Err(StoreError::Busy) => busy += 1,
            Err(error) => assert!(is_fair(&error), "{error}"),
        }
    }
    eprintln!("{done} of 400 done, {busy} busy");
    assert_eq!(busy, 0, "nobody had to give up");
    assert!(done > 200, "{done} done");
    let verified = home.store.verify_audit(&CHAIN_KEY).await.unwrap();
    assert_eq!(verified.broken, []);
}

/// While connections are cut, an answer leaves only if its row is there. What was cut is an error,
/// whether or not it was committed, and never done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_that_is_cut_lets_no_answer_out_without_its_row() {
    let home = Arc::new(Home::new().await);
    let Some(cut) = home.database.cuts_connections() else {
        eprintln!("SQLite has no connection that anybody could cut");
        return;
    };
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let session = home.sign_in(&ada, "t").await;
    let first = release(&session, "i");
    let event = home.event(AuditKind::Assertion);
    home.store
        .release(&first, &sp.id, true, event)
        .await
        .unwrap();
    let (over, cuts) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let cutting = {
        let (over, cuts) = (Arc::clone(&over), Arc::clone(&cuts));
        std::thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                cuts.fetch_add(cut(), Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
            }
        })
    };
    let mut allowed = Vec::new();
    let mut refused = 0;
    let until = Instant::now() + Duration::from_mins(1);
    // How soon a cut meets an answer on its way is a matter of luck: it goes on until some did.
    let mut round = 0;
    while round < 40 || cuts.load(Ordering::SeqCst) <= 10 || refused == 0 {
        assert!(Instant::now() < until, "nothing was cut in the middle");
        round += 1;
        let tries: Vec<_> = (0..10)
            .map(|number| {
                let (store, release) = (home.store.clone(), release(&session, "i"));
                let sp = sp.id.clone();
                let mut event = home.event(AuditKind::Assertion);
                let detail = format!("answer {round}.{number}");
                event.detail = Some(detail.clone());
                tokio::spawn(
                    async move { (detail, store.release(&release, &sp, true, event).await) },
                )
            })
            .collect();
        for one in tries {
            match one.await.unwrap() {
                (detail, Ok(Recorded::Done)) => allowed.push(detail),
                (_, Ok(other)) => panic!("{other:?}"),
                (_, Err(_)) => refused += 1,
            }
        }
    }
    over.store(true, Ordering::SeqCst);
    cutting.join().unwrap();
    let mut written = home
        .database
        .texts("SELECT detail FROM audit_events WHERE kind = 'assertion' AND detail IS NOT NULL");
    let cuts = cuts.load(Ordering::SeqCst);
    let (left, rows) = (allowed.len(), written.len());
    eprintln!("{cuts} connections cut: {left} answers left, {refused} refused, {rows} rows");
    written.sort();
    let all = written.len();
    written.dedup();
    assert_eq!(written.len(), all, "an answer was written twice");
    for detail in &allowed {
        assert!(
            written.binary_search(detail).is_ok(),
            "{detail} left without its row"
        );
    }
    // It recovers by itself.
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let event = home.event(AuditKind::Assertion);
        let again = home.store.release(&first, &sp.id, true, event).await;
        if again.is_ok() {
            break;
        }
        assert!(Instant::now() < until, "{again:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let verified = home.store.verify_audit(&CHAIN_KEY).await.unwrap();
    assert_eq!(verified.broken, []);
}
