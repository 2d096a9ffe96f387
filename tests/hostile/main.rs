//! What attackers send to the single sign-on endpoint (docs/threat-model.md), against a
//! running `doorward serve`. Every vector gets a page with a 4xx status or, where its sender's
//! endpoint can be trusted, a SAML status there; never a 5xx, a sign-in form, a redirect or a post to
//! another address, or a connection from us; and one log line says why.
//!
//! Each table shows vector and answer, so that a change of any of them is seen in review.

#[cfg(test)]
#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../support/mod.rs"]
mod support;

#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod http;
#[cfg(test)]
mod redirect;
#[cfg(test)]
mod registration;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod signature;
#[cfg(test)]
mod xml;

#[cfg(test)]
mod target {
    use std::fmt::Write as _;
    use std::net::TcpListener;
    use std::time::{Duration, Instant};

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value;

    use crate::support::app::Product;
    use crate::support::browser::{Answer, Browser};
    use crate::support::sp::{AuthnRequest, Sp, redirect_query};

    /// A running identity provider with two registrations, and the answers that it gave.
    pub(crate) struct Target {
        pub(crate) product: Product,
        pub(crate) browser: Browser,
        /// Need not sign its requests; has a key all the same.
        pub(crate) lax: Sp,
        /// Has to sign them.
        pub(crate) strict: Sp,
        /// Nobody may ever connect to it.
        pub(crate) canary: TcpListener,
        seen: usize,
        table: String,
    }

    impl Target {
        pub(crate) async fn start() -> Self {
            let product = Product::serve("signing_algorithm = \"p256\"").await;
            let lax = Sp::new("https://lax.example/saml", "https://lax.example/acs");
            let strict = Sp::new("https://strict.example/saml", "https://strict.example/acs");
            for (name, sp, attributes) in [
                ("lax", &lax, ""),
                ("strict", &strict, " AuthnRequestsSigned=\"true\""),
            ] {
                let metadata = product.file(name, &sp.metadata(attributes));
                product.cli([
                    "sp",
                    "add",
                    "--metadata",
                    &metadata,
                    "--name",
                    name,
                    "--require-role",
                    "everyone",
                ]);
            }
            let canary = TcpListener::bind("127.0.0.1:0").expect("a free port");
            canary
                .set_nonblocking(true)
                .expect("it can be asked without waiting");
            let browser = product.browser();
            let seen = refusals(&product).len();
            let table = String::new();
            Self {
                product,
                browser,
                lax,
                strict,
                canary,
                seen,
                table,
            }
        }

        /// The address of the endpoint.
        pub(crate) fn sso(&self) -> String {
            self.product.idp("/saml/sso")
        }

        /// A request of the SP that need not sign.
        pub(crate) fn request(&self) -> AuthnRequest {
            self.lax.request(&self.sso())
        }

        /// Sends a raw query.
        pub(crate) async fn query(&self, query: &str) -> Answer {
            self.browser.visit(&format!("{}?{query}", self.sso())).await
        }

        /// Sends a document by HTTP-Redirect, unsigned.
        pub(crate) async fn redirect(&self, xml: &str) -> Answer {
            self.query(&redirect_query(xml, None)).await
        }

        /// Sends a document by HTTP-POST, from another site, as SPs do.
        pub(crate) async fn post(&self, xml: &[u8]) -> Answer {
            let message = STANDARD.encode(xml);
            let fields = [("SAMLRequest", message.as_str())];
            let first = self
                .browser
                .post_from("https://lax.example", &self.sso(), &fields)
                .await;
            self.browser.follow(first).await
        }

        /// Takes down a refusal, after holding it against what all of them have in common.
        pub(crate) fn refused(&mut self, vector: &str, answer: &Answer) {
            self.check_refusal(vector, answer);
            let _ = writeln!(self.table, "{vector:32} {}", answer.in_short());
        }

        /// What all refusals have in common.
        pub(crate) fn check_refusal(&mut self, vector: &str, answer: &Answer) {
            let told = answer.in_short();
            if let Some((acs, message)) = answer.response() {
                assert!(
                    acs == self.lax.acs || acs == self.strict.acs,
                    "{vector}: {acs}"
                );
                assert!(message.assertion.is_none(), "{vector}: {told}");
                assert_eq!(answer.status, 200, "{vector}: {told}");
            } else {
                assert!((400..500).contains(&answer.status), "{vector}: {told}");
                assert!(answer.reason().is_some(), "{vector} has no reason code");
            }
            assert!(!answer.asks_to_sign_in(), "{vector}: {told}");
            for form in answer.forms() {
                let ours = form.action.starts_with('/');
                let answered = answer.response().is_some_and(|(acs, _)| acs == form.action);
                assert!(ours || answered, "{vector} posts to {}", form.action);
            }
            self.logged_once(vector);
        }

        /// Takes down an accepted request: it gets the sign-in form.
        pub(crate) fn accepted(&mut self, vector: &str, answer: &Answer) {
            assert!(
                answer.asks_to_sign_in(),
                "{vector}: {} {}",
                answer.in_short(),
                answer.body
            );
            self.seen = refusals(&self.product).len();
            let _ = writeln!(self.table, "{vector:32} accepted");
        }

        /// All answers so far, after making sure that nobody was sent out on an errand.
        pub(crate) fn table(self) -> String {
            assert!(
                self.canary.accept().is_err(),
                "a message made the product connect somewhere"
            );
            self.table
        }

        /// One log line says why, and it holds no line that the sender could have forged.
        fn logged_once(&mut self, vector: &str) {
            let deadline = Instant::now() + Duration::from_secs(2);
            let mut lines = refusals(&self.product);
            while lines.len() == self.seen && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
                lines = refusals(&self.product);
            }
            let new = &lines[self.seen..];
            assert_eq!(new.len(), 1, "log lines for {vector}: {new:#?}");
            self.seen = lines.len();
        }
    }

    /// The log lines that give a reason for a refusal.
    fn refusals(product: &Product) -> Vec<Value> {
        let has_reason =
            |line: &Value| line.get("reason").is_some() || line.pointer("/fields/reason").is_some();
        product.log().into_iter().filter(has_reason).collect()
    }
}
