//! What a decision is made on.

use crate::home::{Home, name};
use doorward::directory::audit::AuditKind;
use doorward::directory::facts::{Facts, Presence};
use doorward::directory::name::EntityId;
use doorward::storage::{Ending, NewLogout, TokenHash};
use std::collections::BTreeSet;

#[tokio::test]
async fn facts_say_who_is_there_and_what_the_door_asks_for() {
    let home = Home::new().await;
    let ada = home.user("ada", &["store", "x"]).await;
    home.user("bob", &["publisher"]).await;
    let sp = home.sp("store", &["store", "buyer"]).await;
    home.sp("publisher", &["publisher"]).await;
    let session = home.sign_in(&ada, "t").await;

    let facts = home.facts("t", &sp).await;
    assert_eq!(facts.read_at, home.now());
    assert_eq!(
        (facts.door.sp, facts.door.version, facts.door.enabled),
        (sp.id.clone(), 1, true)
    );
    assert_eq!(facts.door.rule, Some(sp.rule.clone()));
    let person = facts.person.unwrap();
    assert_eq!(
        Some(person.user),
        home.store.user(&name("ada")).await.unwrap()
    );
    match person.presence {
        Presence::SignedIn {
            session: read,
            fresh_for,
            participant,
            known_to_sp,
        } => {
            assert_eq!(*read, session);
            assert_eq!((fresh_for, participant, known_to_sp), (None, None, false));
        }
        Presence::Supposed => panic!("signed in"),
    }
}

#[tokio::test]
async fn nobody_and_strangers_are_nobody() {
    let home = Home::new().await;
    let sp = home.sp("store", &["store"]).await;
    assert!(home.facts("stranger", &sp).await.person.is_none());
    let nobody = home
        .store
        .facts(None, &sp.entity_id, home.now())
        .await
        .unwrap();
    assert!(nobody.unwrap().into_parts().person.is_none());
    let unknown = EntityId::parse("https://unknown.example").unwrap();
    assert!(
        home.store
            .facts(None, &unknown, home.now())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_rule_that_was_emptied_by_hand_is_no_rule() {
    let home = Home::new().await;
    let sp = home.sp("store", &["store"]).await;
    home.by_hand("DELETE FROM sp_required_roles");
    assert_eq!(home.facts("t", &sp).await.door.rule, None);
}

#[tokio::test]
async fn what_is_withdrawn_is_gone_in_the_next_facts() {
    let home = Home::new().await;
    let ada = home.user("ada", &["store"]).await;
    let sp = home.sp("store", &["store"]).await;
    let session = home.sign_in(&ada, "t").await;
    let role = home.role("store").await;
    let other = home.another_process().await;

    other
        .revoke(&ada, &role, home.event(AuditKind::RoleRevoked))
        .await
        .unwrap();
    let user = home.facts("t", &sp).await.person.unwrap().user;
    assert_eq!(user.roles, BTreeSet::new());
    other
        .set_disabled(&ada, true, home.event(AuditKind::UserDisabled))
        .await
        .unwrap();
    assert!(home.facts("t", &sp).await.person.unwrap().user.disabled);
    other
        .set_sp_enabled(&sp.id, false, home.event(AuditKind::SpDisabled))
        .await
        .unwrap();
    assert!(!home.facts("t", &sp).await.door.enabled);
    let event = home.event(AuditKind::SessionRevoked);
    let new = NewLogout::by_admin();
    let ended = other.log_out(Ending::Session(&session.id), &new, event);
    assert!(ended.await.unwrap().is_some());
    assert!(home.facts("t", &sp).await.person.is_none());
    other
        .remove_sp(&sp.id, home.event(AuditKind::SpRemoved))
        .await
        .unwrap();
    let gone = home
        .store
        .facts_by_sp_id(None, &sp.id, home.now())
        .await
        .unwrap();
    assert!(gone.is_none());
}

#[tokio::test]
async fn the_facts_of_all_doors_are_the_facts_of_each() {
    let home = Home::new().await;
    let ada = home.user("ada", &["store"]).await;
    let doors = [
        home.sp("store", &["store"]).await,
        home.sp("publisher", &["p", "q"]).await,
    ];
    home.sign_in(&ada, "t").await;
    let token = TokenHash::of("t");
    let all = home
        .store
        .facts_of_all_doors(&token, home.now())
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
    for (id, facts) in all {
        let door = doors.iter().find(|door| door.id == id).unwrap();
        let alone = home
            .store
            .facts_by_sp_id(Some(&token), &id, home.now())
            .await
            .unwrap();
        assert_eq!(facts.door_id(), &door.id);
        assert_eq!(format!("{facts:?}"), format!("{:?}", alone.unwrap()));
    }
    let (_, user) = home.store.session(&token).await.unwrap().unwrap();
    assert_eq!(user.id, ada);
    assert!(
        home.store
            .session(&TokenHash::of("x"))
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn dry_runs_suppose_that_somebody_is_there() {
    let home = Home::new().await;
    home.user("bob", &["b", "a"]).await;
    home.user("Ada", &["a"]).await;
    let sp = home.sp("store", &["a"]).await;
    home.sp("publisher", &["b"]).await;
    let facts = home
        .store
        .supposed_facts(&name("ADA"), &sp.id, home.now())
        .await
        .unwrap();
    let person = facts.unwrap().into_parts().person.unwrap();
    assert!(matches!(person.presence, Presence::Supposed));
    assert_eq!(person.user.name.as_str(), "Ada");
    assert_eq!(person.user.roles.len(), 1);
    let nobody = home
        .store
        .supposed_facts(&name("eve"), &sp.id, home.now())
        .await
        .unwrap();
    assert!(nobody.is_none());

    let matrix = home.store.supposed_matrix(home.now()).await.unwrap();
    let rows: Vec<_> = matrix
        .iter()
        .map(|(user, facts)| (user.name.as_str(), user.roles.len(), facts.len()))
        .collect();
    assert_eq!(rows, [("Ada", 1, 2), ("bob", 2, 2)]);
    let whose = |facts: &Facts| facts.user().unwrap().name.as_str().to_owned();
    assert!(matrix.iter().all(|(user, facts)| {
        facts
            .iter()
            .all(|(_, facts)| whose(facts) == user.name.as_str())
    }));
}
