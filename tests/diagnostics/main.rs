//! `doorward sp trace`: the last messages of a service provider, decoded, without secrets, expected
//! against received (decision 40).

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use jiff::SignedDuration;
    use serde_json::Value;

    use crate::support::app::Product;
    use crate::support::sp::Sp;

    const PASSWORD: &str = "correct horse battery";

    /// A product with a store that Ada may enter and Bob may not.
    async fn product() -> (Product, Sp) {
        let product = Product::serve("signing_algorithm = \"p256\"").await;
        let sp = Sp::new("https://store.example/saml", "https://store.example/acs");
        let file = product.file("store.xml", &sp.metadata(""));
        let role = ["--name", "store", "--require-role", "consumer"];
        let arguments = [&["sp", "add", "--metadata", &file], role.as_slice()].concat();
        let output = product.try_cli(&arguments, "");
        assert!(output.status.success(), "{output:?}");
        product.add_user("ada", PASSWORD, &["consumer"]);
        product.add_user("bob", PASSWORD, &[]);
        (product, sp)
    }

    fn traced(product: &Product, name: &str) -> Vec<Value> {
        let said = product.cli(["--json", "sp", "trace", name]);
        let document: Value = serde_json::from_str(&said).expect("JSON");
        assert_eq!(document["processes"], 1, "{document}");
        document["messages"].as_array().expect("messages").clone()
    }

    fn last(product: &Product) -> Value {
        let messages = traced(product, "store");
        messages.last().expect("a message").clone()
    }

    /// The sign-in that works: the request, and the Response without anything personal in it.
    #[tokio::test]
    async fn a_sign_in_is_shown_without_what_is_personal() {
        let (product, sp) = product().await;
        let ada = product.browser();
        let request = sp.request(&product.idp("/saml/sso"));
        let form = ada.visit(&request.redirect(Some("relay-secret"))).await;
        let answer = ada.sign_in(&form, "ada", PASSWORD).await;
        let (_, message) = answer.response().expect("a Response");
        let assertion = message.assertion.as_ref().expect("an assertion");
        let (name_id, index) = (&assertion.name_id, &assertion.session_index);

        let messages = traced(&product, "store");
        assert_eq!(messages.len(), 2, "{messages:#?}");
        let (came, left) = (&messages[0], &messages[1]);
        assert_eq!(came["door"], "GET /saml/sso");
        assert_eq!(came["reason"], Value::Null);
        let shown = came["received"]["message"].as_str().expect("shown");
        assert!(shown.contains(&request.id), "{shown}");
        assert_eq!(came["received"]["relay_state_bytes"], 12);
        assert_eq!(left["door"], "GET /saml/sso/continue");
        assert_eq!(left["status"], 200);
        let shown = left["sent"]["message"].as_str().expect("shown");
        assert!(shown.contains(&message.id), "{shown}");
        assert!(shown.contains("urn:oasis:names:tc:SAML:2.0:status:Success"));
        let name_id = &name_id.as_ref().expect("a NameID").value;
        let index = index.as_ref().expect("a SessionIndex");
        let everything = format!("{messages:?}{}", product.cli(["sp", "trace"]));
        for secret in [name_id, index, "ada@example.org", "relay-secret"] {
            assert!(!everything.contains(secret), "{secret} in {everything}");
        }
        assert!(everything.contains("[15 characters]"), "{everything}");
    }

    /// What a request did wrong stands beside what would have been right.
    #[tokio::test]
    async fn a_refusal_shows_expected_against_received() {
        let (product, sp) = product().await;
        let sso = product.idp("/saml/sso");
        let browser = product.browser();
        let good = || sp.request(&sso);

        let mut request = good();
        request.acs_url = Some("https://evil.example/acs".to_owned());
        browser.visit(&request.redirect(None)).await;
        let told = last(&product);
        assert_eq!(told["reason"], "unregistered-acs");
        assert_eq!(told["status"], 400);
        let comparison = &told["comparison"];
        assert_eq!(comparison["part"], "AssertionConsumerService");
        let expected = "https://store.example/acs (index 0)";
        assert_eq!(comparison["expected"], serde_json::json!([expected]));
        let received = "AssertionConsumerServiceURL https://evil.example/acs";
        assert_eq!(comparison["received"], received);
        let text = product.cli(["sp", "trace", "store"]);
        assert!(text.contains("refused: unregistered-acs"), "{text}");
        assert!(text.contains(expected) && text.contains(received), "{text}");

        let mut request = good();
        request.destination = Some("https://old.example/saml/sso".to_owned());
        let query = crate::support::sp::redirect_query(&request.xml(), None);
        browser.visit(&format!("{sso}?{query}")).await;
        let told = last(&product);
        assert_eq!(told["reason"], "wrong-destination");
        assert_eq!(told["comparison"]["expected"], serde_json::json!([sso]));
        let received = "https://old.example/saml/sso";
        assert_eq!(told["comparison"]["received"], received);
        let sent = told["sent"]["message"].as_str().expect("the SP was told");
        assert!(sent.contains("status:Requester"), "{sent}");

        let request = good().issued(SignedDuration::from_mins(-60));
        browser.visit(&request.redirect(None)).await;
        let told = last(&product);
        assert_eq!(told["reason"], "stale-request");
        assert_eq!(told["comparison"]["received"], request.issue_instant);

        let mut thief = sp.clone();
        (thief.key, thief.certificate) = crate::support::sp::another_key();
        let algorithm = crate::support::sp::RSA_SHA256;
        let query = thief.signed_query(&good().xml(), None, algorithm);
        browser.visit(&format!("{sso}?{query}")).await;
        let told = last(&product);
        assert_eq!(told["reason"], "bad-signature");
        let cause = told["cause"].as_str().expect("a cause");
        assert!(cause.contains("none of the registered keys"), "{cause}");
    }

    /// The most common mistake of all: a name that nobody has registered.
    #[tokio::test]
    async fn an_unknown_sender_is_found_by_the_name_that_it_gave() {
        let (product, sp) = product().await;
        let mut request = sp.request(&product.idp("/saml/sso"));
        request.issuer = "https://store.example/SAML".to_owned();
        product.browser().visit(&request.redirect(None)).await;
        let messages = traced(&product, "https://store.example/SAML");
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0]["reason"], "unknown-issuer");
        assert_eq!(messages[0]["sp"], Value::Null);
        let received = &messages[0]["comparison"]["received"];
        assert_eq!(received, "https://store.example/SAML");
        assert_eq!(traced(&product, "store").len(), 0, "not the store's");
        let query = "/saml/sso?SAMLRequest=%21";
        product.browser().get(&product.idp(query)).await;
        let all = product.cli(["sp", "trace"]);
        assert!(all.contains("(sender unknown)"), "{all}");
        assert!(all.contains("refused: bad-encoding"), "{all}");
    }

    /// A person without the role: the SP's own messages were right.
    #[tokio::test]
    async fn a_person_who_may_not_enter_is_a_refusal_too() {
        let (product, sp) = product().await;
        let bob = product.browser();
        let request = sp.request(&product.idp("/saml/sso"));
        let form = bob.visit(&request.redirect(None)).await;
        bob.sign_in(&form, "bob", PASSWORD).await;
        let told = last(&product);
        assert_eq!(told["reason"], "missing-role");
        assert_eq!(told["status"], 403);
        assert_eq!(told["sent"], Value::Null, "the SP hears nothing");
    }

    /// It is for the user who runs the server, and goes away with it.
    #[tokio::test]
    async fn the_socket_is_private_and_short_lived() {
        let (mut product, _) = product().await;
        let keys = product.keys_dir();
        let sockets = || {
            let entries = std::fs::read_dir(&keys).expect("keys_dir");
            let paths = entries.map(|entry| entry.expect("an entry").path());
            let sockets = paths.filter(|path| path.extension().is_some_and(|end| end == "sock"));
            sockets.collect::<Vec<_>>()
        };
        let there = sockets();
        assert_eq!(there.len(), 1, "{there:?}");
        let mode = std::fs::metadata(&there[0]).expect("it is there");
        assert_eq!(mode.permissions().mode() & 0o777, 0o600);

        product.stop();
        assert_eq!(sockets(), Vec::<std::path::PathBuf>::new());
        let output = product.try_cli(&["sp", "trace", "store"], "");
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("no running doorward was found"), "{said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");

        // One that died leaves its socket behind, and the next start takes it away.
        let stale = keys.join("trace-1.sock");
        drop(std::os::unix::net::UnixListener::bind(&stale).expect("a socket"));
        product.restart().await;
        assert!(!stale.exists());
        assert_eq!(
            traced(&product, "store").len(),
            0,
            "nothing is written down"
        );

        let output = product.try_cli(&["sp", "trace", "stoer"], "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("there is no service provider"), "{said}");
    }
}
