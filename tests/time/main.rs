//! What time does to sessions, forms and requests, on a clock that the test moves.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../random_walk/model.rs"]
mod model;
#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../random_walk/world.rs"]
mod world;

use std::time::Duration;

use jiff::Timestamp;
use support::browser::{decoded, filled_in};
use support::oracle::{Assertion, Message};
use support::sp::{Sp, instant, redirect_query};
use world::{From, ORIGIN, Page, World, acs, entity_id, password, user_name};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// User 0 holds the role of door 0.
#[cfg(test)]
async fn a_world() -> World {
    let world = World::new(1).await;
    world.grant(0, 0).await;
    world
}

/// The only browser comes from door 0.
#[cfg(test)]
async fn comes_from_the_app(world: &mut World) -> Page {
    let sp = Sp::new(&entity_id(0), &acs(0, 0));
    let mut request = sp.request(&format!("{ORIGIN}/saml/sso"));
    request.issue_instant = now(world).to_string();
    let query = redirect_query(&request.xml(), None);
    world.visit(0, &format!("/saml/sso?{query}")).await
}

#[cfg(test)]
async fn signs_in(world: &mut World, page: &Page) -> Page {
    let form = page.sign_in_form().expect("a form");
    let form = filled_in(form, &user_name(0), &password(0));
    world
        .post(0, &form.action, &form.fields, From::Ourselves)
        .await
}

#[cfg(test)]
fn now(world: &World) -> Timestamp {
    Timestamp::from_millisecond(world.clock.now().millis()).expect("an instant")
}

#[cfg(test)]
fn response(world: &World, page: &Page) -> Option<Message> {
    let forms = page.forms();
    let response = forms.iter().find_map(|form| form.value("SAMLResponse"))?;
    Some(world.oracle.check(&decoded(response)))
}

#[cfg(test)]
fn assertion(world: &World, page: &Page) -> Assertion {
    let response = response(world, page);
    let response = response.unwrap_or_else(|| panic!("no Response: {} {}", page.status, page.body));
    response.assertion.expect("an assertion")
}

#[tokio::test]
async fn an_unused_session_ends_and_the_next_request_asks_again() {
    let mut world = a_world().await;
    let form = comes_from_the_app(&mut world).await;
    signs_in(&mut world, &form).await;
    world.pass(HOUR + 50 * MINUTE);
    let page = comes_from_the_app(&mut world).await;
    assert!(response(&world, &page).is_some(), "within the two hours");
    world.pass(2 * HOUR + MINUTE);
    let page = comes_from_the_app(&mut world).await;
    assert!(page.sign_in_form().is_some());
}

#[tokio::test]
async fn a_used_session_ends_when_it_has_to() {
    let mut world = a_world().await;
    let form = comes_from_the_app(&mut world).await;
    let page = signs_in(&mut world, &form).await;
    let began = now(&world);
    let first = assertion(&world, &page);
    for _ in 0..11 {
        world.pass(HOUR);
        let page = comes_from_the_app(&mut world).await;
        let later = assertion(&world, &page);
        // What is said about the sign-in is said about the sign-in, not about now (Core 2.7.2).
        assert_eq!(later.authn_instant, first.authn_instant);
        assert_eq!(later.session_not_on_or_after, first.session_not_on_or_after);
        assert_eq!(later.session_index, first.session_index);
        assert_ne!(later.not_on_or_after, first.not_on_or_after);
    }
    let end = first.session_not_on_or_after.as_deref().and_then(instant);
    assert_eq!(
        end.map(|end| end.duration_since(began).as_hours()),
        Some(12)
    );
    world.pass(HOUR);
    let page = comes_from_the_app(&mut world).await;
    assert!(
        page.sign_in_form().is_some(),
        "after twelve hours it has ended"
    );
}

/// The request is too old to be answered by then, so the app's own start address follows.
#[tokio::test]
async fn an_idle_hour_at_the_form_leads_on_to_the_app() {
    let mut world = a_world().await;
    let form = comes_from_the_app(&mut world).await;
    world.pass(HOUR);
    let page = signs_in(&mut world, &form).await;
    // Door 0 takes sign-ons that start here, so that is its start address.
    let response = response(&world, &page).expect("it ends at the app");
    assert!(response.assertion.is_some());
    assert_eq!(response.in_response_to, None);
}

#[tokio::test]
async fn a_form_of_last_week_is_shown_anew_and_then_signs_in() {
    let mut world = a_world().await;
    let form = comes_from_the_app(&mut world).await;
    world.pass(7 * 24 * HOUR);
    let again = signs_in(&mut world, &form).await;
    assert!(again.sign_in_form().is_some(), "it is shown again");
    let page = signs_in(&mut world, &again).await;
    assert_eq!(page.status, 200);
    assert!(page.sign_in_form().is_none(), "and then signs in");
}

/// ForceAuthn is answered by a sign-in made for that very request, once.
#[tokio::test]
async fn a_forced_sign_in_counts_for_one_answer() {
    let mut world = a_world().await;
    let sp = Sp::new(&entity_id(0), &acs(0, 0));
    let mut request = sp
        .request(&format!("{ORIGIN}/saml/sso"))
        .with("ForceAuthn=\"true\"");
    request.issue_instant = now(&world).to_string();
    let path = format!("/saml/sso?{}", redirect_query(&request.xml(), None));
    let form = world.visit(0, &path).await;
    let page = signs_in(&mut world, &form).await;
    assert!(response(&world, &page).is_some());
    let repeated = world.visit(0, &path).await;
    assert!(
        repeated.sign_in_form().is_some(),
        "the same request asks again"
    );
}
