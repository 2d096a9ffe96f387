//! Asking metadata query services about entities that nobody registered (C-MC2, T-MDQ).

use std::time::Duration;

use doorward::access::Refusal;
use doorward::directory::audit::{AuditEvent, AuditKind};
use doorward::directory::metadata_source::Place;
use doorward::directory::name::EntityId;
use doorward::sources::{Answer, Queries};

use crate::federation::{DAY, Entity, Federation, MD, NOW};
use crate::refreshing::Home;
use crate::support::http_server::Page;

fn path(number: usize) -> String {
    format!("/mdq/entities/https%3A%2F%2Fsp{number}.example.org%2Fsaml")
}

fn id(number: usize) -> EntityId {
    EntityId::parse(&Entity::new(number).id).unwrap()
}

/// One entity as a query service answers: signed, and valid for a day from now.
fn single(home: &Home, entity: &Entity) -> String {
    let until = home.clock.now().plus(DAY);
    let start =
        format!("<md:EntityDescriptor xmlns:md=\"{MD}\" ID=\"_root\" validUntil=\"{until}\" ");
    let document = entity.xml().replacen("<md:EntityDescriptor ", &start, 1);
    home.federation.sign(&document)
}

#[tokio::test]
async fn c_mc2_an_unknown_entity_is_asked_about_once_and_registered_under_the_sources_rule() {
    let home = Home::new().await;
    let base = home.server.url("/mdq/");
    let source = home.source("mdq", Place::Mdq(base));
    home.try_add(&source).await.unwrap();
    assert!(home.server.asked().is_empty(), "nobody was asked about yet");
    let queries = Queries::new(home.sources.clone());
    home.server
        .put(&path(1), Page::document(single(&home, &Entity::new(1))));
    let (one, two) = (id(1), id(2));
    let (a, b, c) = tokio::join!(queries.ask(&one), queries.ask(&one), queries.ask(&one));
    for answer in [a, b, c] {
        assert_eq!(answer.unwrap(), Answer::Registered);
    }
    let asked = home.server.asked();
    assert_eq!(asked.len(), 1, "three asked, one question left");
    assert_eq!(asked[0].path, path(1));
    assert_eq!(asked[0].headers["accept"], "application/samlmetadata+xml");
    let ada = home.user("ada", &["staff"]).await;
    assert_eq!(home.decision(&ada, 1).await, None);
    // What is not there is remembered for a while.
    for _ in 0..3 {
        assert_eq!(queries.ask(&two).await.unwrap(), Answer::Unknown);
    }
    assert_eq!(home.server.asked().len(), 1);
    home.clock.advance(Duration::from_mins(10));
    home.server
        .put(&path(2), Page::document(single(&home, &Entity::new(2))));
    assert_eq!(queries.ask(&two).await.unwrap(), Answer::Registered);
    // Somebody else's metadata, or somebody else's key, is no answer.
    home.server
        .put(&path(3), Page::document(single(&home, &Entity::new(4))));
    assert_eq!(queries.ask(&id(3)).await.unwrap(), Answer::Unknown);
    let other = Federation::new().aggregate(&[Entity::new(5)]);
    home.server.put(&path(5), Page::document(other));
    assert_eq!(queries.ask(&id(5)).await.unwrap(), Answer::Unknown);
    let registered = home.store.service_providers().await.unwrap().readable;
    assert_eq!(registered.len(), 2);
}

#[tokio::test]
async fn c_mc2_what_was_asked_about_is_refreshed_expires_and_is_withdrawn() {
    let home = Home::new().await;
    let source = home.source("mdq", Place::Mdq(home.server.url("/mdq/")));
    home.try_add(&source).await.unwrap();
    home.server
        .put(&path(1), Page::document(single(&home, &Entity::new(1))));
    let queries = Queries::new(home.sources.clone());
    assert_eq!(queries.ask(&id(1)).await.unwrap(), Answer::Registered);
    let ada = home.user("ada", &["staff"]).await;
    assert_eq!(home.decision(&ada, 1).await, None);
    // When its metadata has expired and the service is away, the door is shut; when the service
    // has nothing any more, it is withdrawn.
    home.server.put(&path(1), Page::status(500));
    home.clock.advance(DAY);
    home.sources.refresh_due().await.unwrap();
    assert_eq!(home.decision(&ada, 1).await, Some(Refusal::MetadataExpired));
    home.server.put(&path(1), Page::status(404));
    home.clock.advance(Duration::from_hours(1));
    home.sources.refresh_due().await.unwrap();
    assert_eq!(home.decision(&ada, 1).await, Some(Refusal::SpWithdrawn));
    home.server
        .put(&path(1), Page::document(single(&home, &Entity::new(1))));
    home.clock.advance(Duration::from_hours(2));
    home.sources.refresh_due().await.unwrap();
    assert_eq!(home.decision(&ada, 1).await, None);
}

#[tokio::test]
async fn t_mdq_strangers_cannot_make_us_send_floods() {
    let home = Home::new().await;
    let source = home.source("mdq", Place::Mdq(home.server.url("")));
    home.try_add(&source).await.unwrap();
    let queries = Queries::new(home.sources.clone());
    let (mut unknown, mut busy) = (0, 0);
    for number in 0..60 {
        let id = EntityId::parse(&Entity::new(number).id).unwrap();
        match queries.ask(&id).await.unwrap() {
            Answer::Unknown => unknown += 1,
            Answer::Busy => busy += 1,
            Answer::Registered => panic!("nobody knows it"),
        }
    }
    assert_eq!((unknown, busy), (20, 40));
    assert_eq!(home.server.asked().len(), 20);
    // Without a query service nobody is asked at all.
    let event = AuditEvent::new(NOW, AuditKind::SourceRemoved);
    let id = home.known("mdq").await.id;
    assert!(home.store.remove_metadata_source(&id, event).await.unwrap());
    home.clock.advance(Duration::from_hours(1));
    let stranger = EntityId::parse("https://stranger.example/saml").unwrap();
    assert_eq!(queries.ask(&stranger).await.unwrap(), Answer::Unknown);
    assert!(home.server.asked().is_empty());
}
