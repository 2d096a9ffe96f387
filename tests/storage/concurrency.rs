//! What holds when many ask at once.

use crate::home::{CHAIN_KEY, Home, new_session, release};
use doorward::directory::audit::AuditKind;
use doorward::directory::session::Release;
use doorward::storage::{NewSession, Recorded, StoreError};
use std::time::{Duration, Instant};

/// Runs `tries` releases at once and counts how they ended.
async fn at_once(
    home: &Home,
    tries: usize,
    sp: &doorward::directory::name::SpId,
    of: impl Fn(usize) -> Release,
) -> Vec<Recorded> {
    let running: Vec<_> = (0..tries)
        .map(|number| {
            let (store, sp, release) = (home.store.clone(), sp.clone(), of(number));
            let event = home.event(AuditKind::Assertion);
            tokio::spawn(async move { store.release(&release, &sp, true, event).await.unwrap() })
        })
        .collect();
    let mut ended = Vec::new();
    for one in running {
        ended.push(one.await.unwrap());
    }
    ended
}

fn count(ended: &[Recorded], what: Recorded) -> usize {
    ended.iter().filter(|one| **one == what).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_in_for_a_flow_is_used_up_exactly_once() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let new = NewSession {
        fresh_for: Some("flow".to_owned()),
        ..new_session(&ada, "t")
    };
    let session = home
        .store
        .sign_in(new, home.event(AuditKind::SignIn))
        .await
        .unwrap()
        .session;
    let once = Release {
        use_up: Some("flow".to_owned()),
        ..release(&session, "i")
    };
    let ended = at_once(&home, 100, &sp.id, |_| once.clone()).await;
    assert_eq!(count(&ended, Recorded::Done), 1);
    assert_eq!(count(&ended, Recorded::FlowUsedUp), 99);
    let rows = home.count("SELECT COUNT(*) FROM audit_events WHERE kind = 'assertion'");
    assert_eq!(rows, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_participant_is_written_once() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let session = home.sign_in(&ada, "t").await;
    let ended = at_once(&home, 50, &sp.id, |n| release(&session, &format!("i{n}"))).await;
    assert_eq!(count(&ended, Recorded::Done), 1);
    assert_eq!(count(&ended, Recorded::VisitedMeanwhile), 49);
    assert_eq!(home.count("SELECT COUNT(*) FROM participants"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_releases_at_once_are_committed_together_and_all_audited() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let session = home.sign_in(&ada, "t").await;
    let before = Instant::now();
    let ended = at_once(&home, 200, &sp.id, |_| release(&session, "i")).await;
    assert_eq!(count(&ended, Recorded::Done), 200);
    assert!(before.elapsed() < Duration::from_secs(10));
    let verified = home.store.verify_audit(&CHAIN_KEY).await.unwrap();
    assert_eq!(verified.broken, []);
    assert_eq!(
        home.count("SELECT COUNT(*) FROM audit_events WHERE kind = 'assertion'"),
        200
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_release_that_cannot_be_written_fails_alone() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let session = home.sign_in(&ada, "t").await;
    let gone = doorward::directory::name::SpId::from_stored("gone");
    let mut running = Vec::new();
    for number in 0..60 {
        let (store, event) = (home.store.clone(), home.event(AuditKind::Assertion));
        let sp = if number % 20 == 7 {
            gone.clone()
        } else {
            sp.id.clone()
        };
        let release = release(&session, "i");
        running.push(tokio::spawn(async move {
            store.release(&release, &sp, false, event).await.is_ok()
        }));
    }
    let mut done = 0;
    for one in running {
        done += usize::from(one.await.unwrap());
    }
    assert_eq!(done, 57);
    let verified = home.store.verify_audit(&CHAIN_KEY).await.unwrap();
    assert_eq!(verified.broken, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sign_ins_releases_and_commands_write_one_chain_each() {
    let home = Home::new().await;
    let ada = home.user("ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    let session = home.sign_in(&ada, "t").await;
    let command = home.another_process().await;
    let mut running = Vec::new();
    for number in 0..40 {
        let here = if number % 4 == 0 {
            command.clone()
        } else {
            home.store.clone()
        };
        let (sp, session, ada) = (sp.id.clone(), session.clone(), ada.clone());
        let event = home.event(AuditKind::Assertion);
        running.push(tokio::spawn(async move {
            if number % 3 == 0 {
                let new = new_session(&ada, &format!("t{number}"));
                here.sign_in(new, event).await.map(drop).unwrap();
            } else {
                here.release(&release(&session, "i"), &sp, true, event)
                    .await
                    .unwrap();
            }
        }));
    }
    for one in running {
        one.await.unwrap();
    }
    let verified = home.store.verify_audit(&CHAIN_KEY).await.unwrap();
    assert_eq!((verified.chains, verified.broken), (2, vec![]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_queued_is_written_before_the_store_shuts_down() {
    let home = Home::new().await;
    let mut running = Vec::new();
    for _ in 0..100 {
        let (store, event) = (home.store.clone(), home.event(AuditKind::Message));
        running.push(tokio::spawn(
            async move { store.record(event).await.is_ok() },
        ));
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
    home.store.shut_down().await;
    let mut done = 0;
    for one in running {
        done += i64::from(one.await.unwrap());
    }
    let rows = home.count("SELECT COUNT(*) FROM audit_events WHERE kind = 'message'");
    assert_eq!(rows, done);
}

#[tokio::test]
async fn a_write_that_was_given_up_half_way_has_not_happened() {
    let home = Home::new().await;
    home.user("ada", &["a"]).await;
    for steps in 0..12 {
        let role = doorward::directory::name::RoleName::parse(&format!("r{steps}")).unwrap();
        let event = home.event(AuditKind::RoleAdded);
        let mut write = Box::pin(home.store.add_role(&role, "", event));
        for _ in 0..steps {
            let given_up = tokio::time::timeout(Duration::from_micros(50), &mut write).await;
            if given_up.is_ok() {
                break;
            }
        }
        drop(write);
    }
    home.user("bob", &["a"]).await;
    let added = home.count("SELECT COUNT(*) FROM roles WHERE name LIKE 'r%'");
    let noted = home.count("SELECT COUNT(*) FROM audit_events WHERE kind = 'role-added'");
    // The role `a` of the users was noted too.
    assert_eq!(noted, added + 1);
    let verified = home.store.verify_audit(&CHAIN_KEY).await.unwrap();
    assert_eq!(verified.broken, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_queue_that_is_full_turns_away_and_loses_nothing_that_it_took() {
    let home = Home::in_a_file().await;
    home.store
        .record(home.event(AuditKind::SignIn))
        .await
        .unwrap();
    let holder = rusqlite::Connection::open(home.file()).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut running = Vec::new();
    for _ in 0..1200 {
        let (store, event) = (home.store.clone(), home.event(AuditKind::Message));
        running.push(tokio::spawn(async move { store.record(event).await }));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    holder.execute_batch("ROLLBACK").unwrap();
    let (mut taken, mut turned_away) = (0, 0);
    for one in running {
        match one.await.unwrap() {
            Ok(()) => taken += 1,
            Err(StoreError::QueueFull) => turned_away += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(
        turned_away > 100 && taken >= 1024,
        "{taken} taken, {turned_away} not"
    );
    let rows = home.count("SELECT COUNT(*) FROM audit_events WHERE kind = 'message'");
    assert_eq!(rows, taken);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_gets_a_lease_and_the_next_when_it_has_run_out() {
    let home = Home::new().await;
    let an_hour = Duration::from_hours(1);
    let take = |store: doorward::storage::Store, now| {
        tokio::spawn(async move { store.take_lease("work", an_hour, now).await.unwrap() })
    };
    for _ in 0..2 {
        let tries: Vec<_> = (0..8)
            .map(|_| take(home.store.clone(), home.now()))
            .collect();
        let mut taken = 0;
        for one in tries {
            taken += usize::from(one.await.unwrap());
        }
        assert_eq!(taken, 1);
        home.clock.advance(an_hour);
    }
}
