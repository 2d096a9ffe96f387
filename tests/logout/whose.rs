//! Whose browser brings a LogoutRequest: only its own session's is led to the other apps (T-SLO-OTHER,
//! decision 53).

use crate::app::{App, endpoint, product, received};
use crate::support::browser::encoded;

const WIKI: &str = "https://wiki.example";

/// A hostile app has its own server bring the message that its user never sent: it may end the session,
/// and learns neither where else the person was nor under which name.
#[tokio::test]
async fn t_slo_other_an_app_that_brings_the_message_itself_learns_nothing_about_the_others() {
    let product = product().await;
    for binding in ["Redirect", "POST"] {
        let hostile = format!("hostile-{}", binding.to_lowercase());
        let slo = endpoint(binding, &format!("https://{hostile}.example/slo"));
        let hostile = App::register(&product, &hostile, &slo);
        let wiki = App::with_redirect(&product, &format!("wiki-{}", binding.to_lowercase()));
        let browser = product.browser();
        let of_hostile = hostile.enter(&product, &browser, "ada").await;
        let of_wiki = wiki.enter(&product, &browser, "ada").await;

        let server = product.browser();
        let request = hostile.request(&product, &of_hostile);
        let answer = if binding == "Redirect" {
            server.get(&hostile.redirect(&request, None)).await
        } else {
            let message = encoded(&hostile.signed(&request));
            let fields = [("SAMLRequest", message.as_str())];
            let at = product.idp("/saml/slo");
            let page = server
                .post_from("https://hostile.example", &at, &fields)
                .await;
            server.follow(page).await
        };
        let got = received(&product, &answer);
        assert_eq!(got.to, hostile.sp.entity_id.replace("/saml", "/slo"));
        assert_eq!(got.message.short_status(), "Success/PartialLogout");
        assert_eq!(server.cookies(&product.idp("/")), "", "it is led nowhere");
        for path in ["/saml/slo/continue", "/saml/slo/next", "/logout"] {
            let answer = server.visit(&product.idp(path)).await;
            let told = format!("{:?} {} {}", answer.trail, answer.url, answer.body);
            assert!(!told.contains("wiki"), "{path}: {told}");
            assert!(!told.contains(&of_wiki.name_id.value), "{path}: {told}");
        }
        assert!(
            !wiki.lets_in(&product, &browser).await,
            "the session is over"
        );
    }
}

/// The person's own browser is led through everything, though a form of another site brings no cookie.
#[tokio::test]
async fn c_l4_by_post_from_another_site_the_own_browser_is_led_on() {
    let product = product().await;
    let browser = product.browser();
    let slo = endpoint("POST", "https://store.example/slo");
    let store = App::register(&product, "store", &slo);
    let wiki = App::register(&product, "wiki", &endpoint("POST", &format!("{WIKI}/slo")));
    let of_store = store.enter(&product, &browser, "ada").await;
    let of_wiki = wiki.enter(&product, &browser, "ada").await;

    let request = store.request(&product, &of_store);
    let message = encoded(&store.signed(&request));
    let fields = [("SAMLRequest", message.as_str()), ("RelayState", "x=1&y")];
    let at = product.idp("/saml/slo");
    let from = "https://store.example";
    // The cookies of this browser stay at home, as they are Lax.
    let page = product.browser().post_from(from, &at, &fields).await;
    assert_eq!(page.status, 200, "a page of ours that brings it again");
    assert!(
        wiki.lets_in(&product, &browser).await,
        "nothing has ended yet"
    );
    let page = browser.follow(page).await;
    assert!(page.body.contains("<bdi>wiki</bdi>"), "{}", page.body);

    let told = received(&product, &browser.get(&product.idp("/saml/slo/next")).await);
    assert_eq!(told.to, format!("{WIKI}/slo"));
    assert_eq!(told.message.name_id, Some(of_wiki.name_id));
    let response = wiki.response(&product, &told.message, &["Success"]);
    let response = encoded(&wiki.signed(&response));
    let back = browser
        .post_from(WIKI, &at, &[("SAMLResponse", &response)])
        .await;
    let last = received(&product, &browser.follow(back).await);
    assert_eq!(last.message.short_status(), "Success");
    assert_eq!(last.message.in_response_to, Some(request.id));
    assert_eq!(last.relay_state.as_deref(), Some("x=1&y"));
}
