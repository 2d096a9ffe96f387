//! The product in a real browser: headless Chromium, driven as a person would. The store and the
//! publisher are those of `doorward demo`.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod chromium;
#[cfg(test)]
mod elsewhere;

use chromium::{Scripts, scene};
use elsewhere::Elsewhere;
use support::app::Product;

#[tokio::test]
async fn somebody_enters_the_store_is_refused_at_the_publisher_and_switches_user() {
    let product = Product::demo().await;
    let [login, store] = [product.store("/saml/login"), product.store("/")];
    let [there, publisher] = [product.publisher("/saml/login"), product.publisher("/")];
    let [carla, paul] = ["carla", "paul"].map(|name| product.password(name).to_owned());
    scene("store_then_publisher", Scripts::Run, |window| async move {
        window.visit(&login).await;
        window.sign_in("carla", &carla).await;
        window.arrives_at(&store).await;

        window.visit(&there).await;
        window.sees("may not enter").await;
        assert!(window.text().await.contains("carla"), "it says as whom");

        window.press("Sign in as someone else").await;
        window.sign_in("paul", &paul).await;
        window.arrives_at(&publisher).await;

        // Carla's session has ended with it.
        window.visit(&login).await;
        window.sees("may not enter").await;
    })
    .await;
}

/// A cross-site POST does not carry our Lax cookie; the hop to our own origin does (decision 10).
#[tokio::test]
async fn a_post_from_another_site_finds_the_live_session() {
    let product = Product::demo().await;
    let elsewhere = Elsewhere::start(&product, "store").await;
    let (login, store) = (product.store("/saml/login"), product.store("/"));
    let carla = product.password("carla").to_owned();
    let (start, address) = (elsewhere.start_address(""), elsewhere.address().to_owned());
    scene("post_from_elsewhere", Scripts::Run, |window| async move {
        window.visit(&login).await;
        window.sign_in("carla", &carla).await;
        window.arrives_at(&store).await;

        window.visit(&start).await;
        window.arrives_at(&format!("{address}/acs")).await; // nobody was asked for anything
        window.sees("Arrival 1 from elsewhere").await;
    })
    .await;
    let [message] = elsewhere.arrived().try_into().expect("one Response");
    let request = message.in_response_to.clone();
    let faults = elsewhere
        .sp
        .judge(&message, &product.idp("/saml/metadata"), request.as_deref());
    assert_eq!(faults, [""; 0]);
}

/// The same without a session: the form, then the way back to the other site.
#[tokio::test]
async fn a_post_from_another_site_leads_through_the_sign_in_and_back() {
    let product = Product::demo().await;
    let elsewhere = Elsewhere::start(&product, "store").await;
    let carla = product.password("carla").to_owned();
    let (plain, forced) = (
        elsewhere.start_address(""),
        elsewhere.start_address("ForceAuthn=\"true\""),
    );
    scene(
        "sign_in_from_elsewhere",
        Scripts::Run,
        |window| async move {
            window.visit(&plain).await;
            window.sign_in("carla", &carla).await;
            window.sees("Arrival 1 from elsewhere").await;
            // ForceAuthn asks again, live session or not, and once.
            window.visit(&forced).await;
            window.sign_in("carla", &carla).await;
            window.sees("Arrival 2 from elsewhere").await;
        },
    )
    .await;
    let arrived = elsewhere.arrived();
    let signed_in: Vec<_> = arrived
        .iter()
        .map(|message| {
            message
                .assertion
                .as_ref()
                .expect("an assertion")
                .authn_instant
                .clone()
        })
        .collect();
    assert_ne!(
        signed_in[0], signed_in[1],
        "the second sign-in is a sign-in"
    );
}

#[tokio::test]
async fn everything_works_without_scripts() {
    let product = Product::demo().await;
    let elsewhere = Elsewhere::start(&product, "store").await;
    let (login, store) = (product.store("/saml/login"), product.store("/"));
    let publisher = product.publisher("/saml/login");
    let carla = product.password("carla").to_owned();
    let start = elsewhere.start_address("");
    scene("without_scripts", Scripts::Off, |window| async move {
        window.visit(&login).await;
        window.sign_in("carla", &carla).await;
        window.press("Continue").await;
        window.arrives_at(&store).await;
        window.visit(&publisher).await;
        window.sees("may not enter").await;
        window.visit(&start).await;
        window.press("Go on").await;
        window.press("Continue").await;
        window.sees("Arrival 1").await;
    })
    .await;
}

/// The question whether an app may know who one is, without scripts and by name of its buttons.
#[tokio::test]
async fn somebody_says_no_and_then_yes_to_what_the_store_would_know() {
    let product = Product::demo().await;
    product.cli(["sp", "update", "store", "--consent"]);
    let (login, store) = (product.store("/saml/login"), product.store("/"));
    let carla = product.password("carla").to_owned();
    scene("consent", Scripts::Off, |window| async move {
        window.visit(&login).await;
        window.sign_in("carla", &carla).await;
        window.sees("What it would be told").await;
        window.sees("E-mail address").await;
        window.press("Do not agree").await;
        window.sees("You did not agree").await;
        window.visit(&login).await;
        window.press("Agree and go on").await;
        window.press("Continue").await;
        window.arrives_at(&store).await;
    })
    .await;
}

#[tokio::test]
async fn the_back_button_leads_on() {
    let product = Product::demo().await;
    let elsewhere = Elsewhere::start(&product, "store").await;
    let idp = product.idp("/login");
    let carla = product.password("carla").to_owned();
    let start = elsewhere.start_address("");
    scene("back_button", Scripts::Run, |window| async move {
        window.visit(&start).await;
        window.arrives_at(&idp).await;
        window.sign_in("carla", &carla).await;
        window.sees("Arrival 1").await;
        // Back to our own pages; whichever comes, it leads to the app again.
        window.back().await;
        for _ in 0..10 {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            if window.url().await.starts_with(&idp) {
                let shows_form =
                    window.script("return !!document.querySelector('[type=password]')");
                if shows_form.await == true {
                    window.sign_in("carla", &carla).await;
                }
            }
        }
        window.sees("Arrival 2").await;
    })
    .await;
    assert!(
        elsewhere
            .arrived()
            .iter()
            .all(|message| message.assertion.is_some())
    );
}

#[tokio::test]
async fn a_double_click_signs_in_like_a_single_one() {
    let product = Product::demo().await;
    let (login, store) = (product.store("/saml/login"), product.store("/"));
    let carla = product.password("carla").to_owned();
    scene("double_click", Scripts::Run, |window| async move {
        window.visit(&login).await;
        window.fill_in("carla", &carla).await;
        window
            .script("const b = document.querySelector('main form button'); b.click(); b.click();")
            .await;
        window.arrives_at(&store).await;
    })
    .await;
}

#[tokio::test]
async fn a_second_tab_leads_on_where_it_was_going() {
    let product = Product::demo().await;
    let (login, store) = (product.store("/saml/login"), product.store("/"));
    let (there, publisher) = (product.publisher("/saml/login"), product.publisher("/"));
    let bea = product.password("bea").to_owned();
    scene("second_tab", Scripts::Run, |window| async move {
        window.visit(&login).await;
        let first = window.other_tab().await;
        window.visit(&there).await;
        window.sign_in("bea", &bea).await;
        window.arrives_at(&publisher).await;
        // The first tab still shows the form of before; it leads where it was going.
        window.switch_to(first).await;
        window.sign_in("bea", &bea).await;
        window.arrives_at(&store).await;
    })
    .await;
}

#[tokio::test]
async fn a_bookmarked_form_leads_to_the_app() {
    let product = Product::demo().await;
    let (login, store) = (product.store("/saml/login"), product.store("/"));
    let carla = product.password("carla").to_owned();
    scene("bookmark", Scripts::Run, |window| async move {
        window.visit(&login).await;
        let bookmark = window.url().await;
        window.sign_in("carla", &carla).await;
        window.arrives_at(&store).await;
        window.visit(&bookmark).await; // signed in: it goes on by itself
        window.arrives_at(&store).await;
    })
    .await;
}

#[tokio::test]
async fn a_wrong_password_keeps_the_name_and_lets_one_try_again() {
    let product = Product::demo().await;
    let (login, store) = (product.store("/saml/login"), product.store("/"));
    let carla = product.password("carla").to_owned();
    scene("wrong_password", Scripts::Run, |window| async move {
        window.visit(&login).await;
        window.sign_in("carla", "not the password").await;
        window.sees("do not match").await;
        let kept = "return document.querySelector('[autocomplete=username]').value";
        assert_eq!(window.script(kept).await, "carla");
        window.sign_in("carla", &carla).await;
        window.arrives_at(&store).await;
    })
    .await;
}
