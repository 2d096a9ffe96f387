//! What other sites and guessers try at the sign-in itself (docs/threat-model.md).

use crate::support::app::Product;
use crate::support::browser::Browser;

const PASSWORD: &str = "correct horse battery";

/// An identity provider with Ada, Bob, and an app that takes unsolicited Responses.
async fn product() -> Product {
    let product = Product::serve("signing_algorithm = \"p256\"").await;
    product.cli([
        "sp",
        "add",
        "--name",
        "portal",
        "--entity-id",
        "https://portal.example/saml",
        "--acs",
        "https://portal.example/acs",
        "--require-role",
        "everyone",
        "--allow-idp-initiated",
    ]);
    product.add_user("ada", PASSWORD, &["staff"]);
    product.add_user("bob", PASSWORD, &["staff"]);
    product
}

async fn signed_in(product: &Product, name: &str) -> Browser {
    let browser = product.browser();
    let form = browser.visit(&product.idp("/login")).await;
    browser.sign_in(&form, name, PASSWORD).await;
    browser
}

/// A link of another site, in the browser of somebody who is signed in.
async fn linked(browser: &Browser, url: &str) -> crate::support::browser::Answer {
    let answer = browser
        .request(|client| client.get(url).header("Sec-Fetch-Site", "cross-site"))
        .await;
    let Some(location) = answer.location() else {
        return answer;
    };
    browser
        .request(|client| client.get(location).header("Sec-Fetch-Site", "cross-site"))
        .await
}

/// Decision 17: the answer to "do you want this?" is the person's. A token that the other site has
/// fetched for itself is no answer, be it that of the page or that of the sign-in form.
#[tokio::test]
async fn t_tx_swap_another_site_cannot_say_yes_to_a_sign_on_that_nobody_requested() {
    let product = product().await;
    let ada = signed_in(&product, "ada").await;
    let start = product.idp("/saml/idp-initiated?sp=portal&RelayState=theirs");
    let attacker = product.browser();

    let asked = linked(&attacker, &start).await;
    let token = asked.forms()[0].value("token").expect("a token").to_owned();
    let link = product.idp(&format!("/saml/sso/continue?t={token}"));
    let answer = linked(&ada, &link).await;
    assert!(answer.response().is_none(), "{}", answer.body);
    let asks = |answer: &crate::support::browser::Answer| {
        answer
            .forms()
            .iter()
            .any(|form| form.action == "/saml/sso/continue")
    };
    assert!(asks(&answer), "she is asked: {}", answer.body);

    let form = attacker.visit(&start).await;
    let form = form
        .sign_in_form()
        .expect("typed in, it is answered at once");
    let token = form.value("token").expect("a token");
    let answer = linked(&ada, &product.idp(&format!("/login?t={token}"))).await;
    assert!(
        answer.response().is_none() && asks(&answer),
        "{}",
        answer.body
    );

    // When she wants it, it is done.
    let yes = answer.forms().remove(0);
    let answer = ada.submit(&answer, &yes).await;
    assert_eq!(answer.in_short(), "assertion");
    assert_eq!(answer.relay_state().as_deref(), Some("theirs"));
}

/// A HEAD would use up a sign-in and write down an assertion that nobody gets.
#[tokio::test]
async fn no_head_makes_an_assertion() {
    let product = product().await;
    let ada = signed_in(&product, "ada").await;
    for path in [
        "/saml/sso?SAMLRequest=a",
        "/saml/sso/continue?t=a",
        "/saml/idp-initiated?sp=portal",
    ] {
        let url = product.idp(path);
        let own = "same-origin";
        let head = ada.request(|client| client.head(url).header("Sec-Fetch-Site", own));
        assert_eq!(head.await.status, 405, "{path}");
    }
    let log = product.cli(["audit", "list", "--kind", "assertion", "--json"]);
    assert!(!log.contains("ada"), "{log}");
}

/// A form must be able to bring it back unchanged, requested or not.
#[tokio::test]
async fn an_unsolicited_relay_state_keeps_the_rules_of_a_requested_one() {
    let product = product().await;
    let ada = signed_in(&product, "ada").await;
    for (relay_state, reason) in [
        ("%00", "bad-encoding"),
        ("%ff", "bad-encoding"),
        (&"x".repeat(1_025), "too-large"),
        ("a&RelayState=b", "duplicate-parameter"),
    ] {
        let path = format!("/saml/idp-initiated?sp=portal&RelayState={relay_state}");
        let answer = ada.get(&product.idp(&path)).await;
        assert_eq!(answer.reason(), Some(reason), "{relay_state}");
        assert!(answer.response().is_none());
    }
}

/// T-LOCK-PAR: who sends all guesses before the first one is refused gains nothing by it.
#[tokio::test]
async fn t_lock_par_guesses_sent_at_once_are_slowed_like_those_sent_one_by_one() {
    let product = product().await;
    let guesser = product.browser();
    let page = guesser.visit(&product.idp("/login")).await;
    let form = page.sign_in_form().expect("the form");
    let token = form.value("token").expect("a token");
    let trial = |password: String| {
        let (guesser, url) = (guesser.clone(), product.idp("/login"));
        let fields = [
            ("token".to_owned(), token.to_owned()),
            ("username".to_owned(), "ada".to_owned()),
            ("password".to_owned(), password),
        ];
        tokio::spawn(async move {
            let fields: Vec<_> = fields
                .iter()
                .map(|(n, v)| (n.as_str(), v.as_str()))
                .collect();
            guesser.post(&url, &fields).await.status
        })
    };
    let wrong: Vec<_> = (0..12).map(|n| trial(format!("wrong horse {n}"))).collect();
    let mut said = vec![];
    for answer in wrong {
        said.push(answer.await.expect("an answer"));
    }
    let tried = said.iter().filter(|status| **status == 200).count();
    assert!(
        tried <= 8,
        "{tried} of them were told whether they were right: {said:?}"
    );
    assert!(
        said.iter().all(|status| matches!(status, 200 | 429)),
        "{said:?}"
    );
}

/// Bob signs in with a form that has grown old, in a browser where Ada has signed in meanwhile: he
/// does not go on as Ada.
#[tokio::test]
async fn an_old_form_never_leads_on_as_somebody_else() {
    let product = product().await;
    let browser = product.browser();
    let old = browser.visit(&product.idp("/login")).await;
    let form = browser.visit(&product.idp("/login")).await;
    browser.sign_in(&form, "ada", PASSWORD).await;
    let again = browser.sign_in(&old, "Ada", PASSWORD).await;
    assert!(!again.asks_to_sign_in(), "it leads Ada on");
    let bob = browser.sign_in(&old, "bob", PASSWORD).await;
    assert!(bob.asks_to_sign_in(), "{}", bob.body);
    let home = browser.sign_in(&bob, "bob", PASSWORD).await;
    assert!(home.body.contains("bob"), "{}", home.body);
}
