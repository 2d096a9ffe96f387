//! What a node or a command was killed over is told by whoever looks after it.

use std::time::{Duration, Instant};

use doorward::clock::Clock;

use crate::app::{App, product};
use crate::back_channel::{Manner, app_for, app_with};
use crate::support::app::Product;

/// Five minutes ago: whoever began then would be through.
fn long_ago() -> i64 {
    Clock::System.now().minus(Duration::from_mins(5)).millis()
}

/// Ends the session of the test as a node does that is killed before it has told anybody.
fn end_untold(product: &Product) {
    let at = long_ago();
    product.by_hand(&format!(
        "INSERT INTO logouts (id, token_hash, user_name, started_at, by_admin) \
         VALUES ('left', 'nobody has it', 'ada', {at}, 1)"
    ));
    for (position, name, state) in [
        (0, "store", "'waiting', NULL"),
        (1, "wiki", "'asked', '_of_the_dead'"),
        (2, "blog", "'waiting', NULL"),
    ] {
        let rows = product.by_hand(&format!(
            "INSERT INTO logout_legs (logout_id, position, sp_id, state, request_id, \
             session_indexes, name_id_key, format, value, name_qualifier, sp_name_qualifier, \
             is_encrypted) SELECT 'left', {position}, p.sp_id, {state}, p.session_index, \
             p.name_id_key, n.format, n.value, n.name_qualifier, n.sp_name_qualifier, \
             n.is_encrypted FROM participants p JOIN participant_name_ids n \
             ON n.session_id = p.session_id AND n.sp_id = p.sp_id \
             JOIN service_providers s ON s.id = p.sp_id WHERE s.name = '{name}'"
        ));
        assert_eq!(rows, 1, "{name}");
    }
    product.by_hand("DELETE FROM sessions");
    product.by_hand("DELETE FROM leases");
}

#[tokio::test]
async fn a_logout_whose_node_died_is_told_by_another() {
    let mut product = product().await;
    let browser = product.browser();
    let (store, of_store) = app_with(&product, "store", Manner::Confirms);
    let (wiki, of_wiki) = app_with(&product, "wiki", Manner::Confirms);
    let blog = App::with_redirect(&product, "blog");
    let at_store = store.enter(&product, &browser, "ada").await;
    let at_wiki = wiki.enter(&product, &browser, "ada").await;
    blog.enter(&product, &browser, "ada").await;
    end_untold(&product);
    product.restart().await;
    let told = of_store.request(&product);
    assert_eq!(told.name_id, Some(at_store.name_id));
    assert_eq!(told.session_indexes, [at_store.session_index]);
    let told = of_wiki.request(&product);
    assert_eq!(told.name_id, Some(at_wiki.name_id));
    let states = || {
        let states = "SELECT state FROM logout_legs ORDER BY position";
        product.database().texts(states)
    };
    // The one that only a browser reaches waits for it.
    let expected = ["confirmed", "confirmed", "waiting"];
    let deadline = Instant::now() + Duration::from_secs(10);
    while states() != expected && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(states(), expected);
}

#[tokio::test]
async fn a_role_that_was_withdrawn_by_one_who_was_killed_is_told() {
    let mut product = product().await;
    product.cli(["user", "grant", "ada", "staff"]);
    let browser = product.browser();
    let (store, of_store) = app_for(&product, "store", Manner::Confirms, "staff");
    let (wiki, of_wiki) = app_with(&product, "wiki", Manner::Confirms);
    let entered = store.enter(&product, &browser, "ada").await;
    wiki.enter(&product, &browser, "ada").await;
    let at = long_ago();
    product.by_hand("DELETE FROM user_roles");
    product.by_hand(&format!(
        "INSERT INTO untold (id, user_id, since) SELECT 'left', id, {at} FROM users \
         WHERE name = 'ada'"
    ));
    product.by_hand("DELETE FROM leases");
    product.restart().await;
    let told = of_store.request(&product);
    assert_eq!(told.name_id, Some(entered.name_id));
    let count = || product.database().number("SELECT COUNT(*) FROM untold");
    let deadline = Instant::now() + Duration::from_secs(10);
    while count() > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(count(), 0);
    assert!(of_wiki.heard_nothing(), "her door there is open");
    assert!(wiki.lets_in(&product, &browser).await, "her session lives");
}

#[tokio::test]
async fn whoever_withdraws_a_role_writes_down_that_it_is_to_be_told_until_it_is() {
    let product = product().await;
    product.cli(["user", "grant", "ada", "staff"]);
    // The app never answers: whoever tells it can be killed meanwhile.
    let (store, of_store) = app_for(&product, "store", Manner::Hangs, "staff");
    let browser = product.browser();
    store.enter(&product, &browser, "ada").await;
    let mut command = product.command(&["user", "revoke", "ada", "staff"]);
    let mut revoking = command.spawn().expect("it starts");
    of_store.request(&product);
    revoking.kill().expect("it is ours");
    revoking.wait().expect("it is ours");
    let count = || product.database().number("SELECT COUNT(*) FROM untold");
    assert_eq!(count(), 1, "it is still to be told");
    // Whoever is signed in nowhere has let no app in.
    product.add_user("grace", "correct horse battery", &["staff"]);
    product.cli(["user", "revoke", "grace", "staff"]);
    assert_eq!(count(), 1);
    // Whoever tells next tells this as well.
    product.cli(["user", "revoke", "ada", "staff"]);
    assert_eq!(count(), 0);
}
