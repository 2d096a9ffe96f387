//! The running identity provider that is attacked, and what every refusal of it has in common.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::database::Watch;
use crate::kinds::{By, KINDS, Kind};
use crate::message::enveloped;
use crate::support::app::Product;
use crate::support::browser::{Answer, Browser};
use crate::support::sp::{AuthnRequest, Sp, redirect_query};
use crate::table::Table;

/// How long one message may take: ten milliseconds in a release build; a debug build on a busy
/// machine, with the redirects that follow and a process of its own for a file, gets more.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much the process may grow over all messages of a test, in KiB.
const GROWTH: u64 = 48 * 1024;

/// Where the registered service providers take answers about logging out.
const SLO: &str = "https://strict.example/slo";
/// The binding to enhanced clients (Bindings 3.3).
pub(crate) const PAOS: &str = "urn:oasis:names:tc:SAML:2.0:bindings:PAOS";
/// What somebody signs in with who enters everywhere.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Hashing costs little, so that the hostile messages of an enhanced client cost no more than others.
const SETTINGS: &str = "signing_algorithm = \"p256\"\n[argon2]\nmemory_kib = 64\niterations = 1\n";

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
    pub(crate) watch: Watch,
    resident: u64,
    seen: usize,
    table: Table,
}

impl Target {
    /// One with two registrations, and somebody who has a password.
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// The same with more settings.
    pub(crate) async fn start_with(settings: &str) -> Self {
        let product = Product::serve(&format!("{settings}\n{SETTINGS}")).await;
        product.add_user("ada", PASSWORD, &["anybody"]);
        let lax = Sp::new("https://lax.example/saml", "https://lax.example/acs");
        let strict = Sp::new("https://strict.example/saml", "https://strict.example/acs");
        for (name, sp, attributes) in [
            ("lax", &lax, ""),
            ("strict", &strict, " AuthnRequestsSigned=\"true\""),
        ] {
            let endpoint = "<md:AssertionConsumerService ";
            let slo = format!(
                "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"{SLO}\"/>{endpoint}"
            );
            let paos = format!(
                "<md:AssertionConsumerService Binding=\"{PAOS}\" Location=\"{}\" index=\"7\"/></md:SPSSODescriptor>",
                sp.acs.replace("/acs", "/ecp")
            );
            let metadata = sp.metadata(attributes).replacen(endpoint, &slo, 1);
            let metadata = metadata.replacen("</md:SPSSODescriptor>", &paos, 1);
            let metadata = product.file(name, &metadata);
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
        let watch = Watch::over(Arc::clone(product.database()));
        let resident = product.resident_kib();
        let seen = refusals(&product).len();
        Self {
            product,
            browser,
            lax,
            strict,
            canary,
            watch,
            resident,
            seen,
            table: Table::default(),
        }
    }

    /// The address of the single sign-on endpoint.
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
        self.posted("/saml/sso", "SAMLRequest", &message).await
    }

    async fn posted(&self, path: &str, parameter: &str, message: &str) -> Answer {
        let (place, fields) = (self.product.idp(path), [(parameter, message)]);
        let from = "https://lax.example";
        let first = self.browser.post_from(from, &place, &fields).await;
        self.browser.follow(first).await
    }

    /// Sends an envelope, as service providers do without a browser; what came back in short.
    pub(crate) async fn asked(&self, kind: &Kind, xml: &[u8]) -> String {
        let request = reqwest::Client::new()
            .post(self.product.idp(kind.path))
            .header("Content-Type", "text/xml")
            .body(enveloped(xml));
        let request = if kind.path == "/saml/ecp" {
            request.basic_auth("ada", Some(PASSWORD))
        } else {
            request
        };
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        soap_in_short(status, &answer.text().await.expect("text"))
    }

    /// Sends what the binding of this kind made of a message.
    async fn sent(&self, kind: &Kind, encoded: &str) -> Answer {
        match kind.by {
            By::Redirect(_) => {
                let place = format!("{}?{encoded}", self.product.idp(kind.path));
                self.browser.visit(&place).await
            }
            By::Post(parameter) => self.posted(kind.path, parameter, encoded).await,
            By::Soap | By::File => panic!("{} is not sent by a browser", kind.name),
        }
    }

    /// Sends a hostile document as a message of this kind, signed in the query where that is the
    /// way, and takes down the refusal.
    pub(crate) async fn attack(&mut self, kind: &'static Kind, vector: &str, xml: &[u8]) {
        if kind.by == By::File {
            let told = self.filed(kind, xml).err();
            let told = told.unwrap_or_else(|| panic!("{vector} is registered from {}", kind.name));
            self.unharmed(vector);
            self.take_down(vector, told, Some(kind));
        } else if kind.by == By::Soap {
            let started = Instant::now();
            let told = self.asked(kind, xml).await;
            let (took, named) = (started.elapsed(), format!("{vector} ({})", kind.name));
            assert!(took < PATIENCE, "{named} took {took:?}");
            assert_ne!(told, kind.good, "{named}");
            let reason = self.logged_once(&named, None);
            self.unharmed(&named);
            self.take_down(vector, format!("{told} {reason}"), Some(kind));
        } else {
            let encoded = kind.encoded(&kind.sp(self), xml);
            self.attack_with(kind, vector, &encoded).await;
        }
    }

    /// The same with what the binding made of it already.
    pub(crate) async fn attack_with(&mut self, kind: &'static Kind, vector: &str, encoded: &str) {
        let started = Instant::now();
        let answer = self.sent(kind, encoded).await;
        let (took, named) = (started.elapsed(), format!("{vector} ({})", kind.name));
        assert!(took < PATIENCE, "{named} took {took:?}");
        self.check_refusal(&named, &answer);
        assert_ne!(answer.in_short(), kind.good, "{named}");
        self.take_down(vector, answer.in_short(), Some(kind));
    }

    /// A document that is good in spite of what was put in: it is taken, and nobody is connected to.
    pub(crate) fn harmless(&mut self, kind: &'static Kind, vector: &str, xml: &[u8]) {
        assert_eq!(kind.by, By::File, "only metadata has such extension points");
        self.filed(kind, xml)
            .unwrap_or_else(|told| panic!("{vector}: {told}"));
        self.unregistered(kind);
        self.take_down(vector, "accepted, not acted on".to_owned(), Some(kind));
    }

    /// A good message of every kind is accepted: what is refused is refused for what is wrong in it.
    pub(crate) async fn good_ones_are_accepted(&mut self) {
        for kind in KINDS {
            self.good_one_is_accepted(kind).await;
        }
    }

    pub(crate) async fn good_one_is_accepted(&mut self, kind: &'static Kind) {
        let good = kind.good_one(self);
        self.taken(kind, "a good one", &good).await;
    }

    /// A message that gets what a good one gets.
    pub(crate) async fn taken(&mut self, kind: &'static Kind, vector: &str, good: &str) {
        if kind.by == By::File {
            self.filed(kind, good.as_bytes())
                .unwrap_or_else(|told| panic!("{vector}: {told}"));
            self.unregistered(kind);
        } else {
            let told = if kind.by == By::Soap {
                self.asked(kind, good.as_bytes()).await
            } else {
                let encoded = kind.encoded(&kind.sp(self), good.as_bytes());
                self.sent(kind, &encoded).await.in_short()
            };
            assert_eq!(told, kind.good, "{vector}: {}", kind.name);
        }
        self.seen = refusals(&self.product).len();
        self.watch.accept();
        self.take_down(vector, "accepted".to_owned(), Some(kind));
    }

    /// Gives a document to `sp add --metadata` or `metadata add`; what it says against it, without
    /// the file's name. A source is taken whose only entity is not; nobody may be registered then.
    fn filed(&mut self, kind: &Kind, xml: &[u8]) -> Result<(), String> {
        let file = self.product.file("new.xml", "");
        std::fs::write(&file, xml).expect("the temporary folder can be written");
        let common = ["--name", "new", "--require-role", "everyone"];
        let key = self.product.file("key.pem", &self.strict.certificate_pem());
        let add = if kind.path == "sp" {
            vec!["sp", "add", "--metadata", &file]
        } else {
            vec!["metadata", "add", &file, "--key", &key]
        };
        let output = self.product.try_cli(&[&add[..], &common].concat(), "");
        if output.status.success() {
            let listed = self.product.cli(["sp", "list"]);
            if listed.contains("new.example") {
                return Ok(());
            }
            let said = String::from_utf8(output.stdout).expect("UTF-8");
            self.unregistered(kind);
            let said: Vec<_> = said.lines().map(str::trim).collect();
            return Err(said.join(" / ").replace(&file, "FILE"));
        }
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        let said = said.trim_end().replace(&file, "FILE");
        assert_eq!(output.status.code(), Some(1), "refused is 1: {said}");
        assert_eq!(said.lines().count(), 1, "one line says why: {said}");
        Err(said.chars().take(160).collect())
    }

    fn unregistered(&mut self, kind: &Kind) {
        self.product.cli([kind.path, "remove", "new"]);
        self.watch.accept();
    }

    /// Takes down a refusal, after holding it against what all of them have in common.
    pub(crate) fn refused(&mut self, vector: &str, answer: &Answer) {
        self.check_refusal(vector, answer);
        self.take_down(vector, answer.in_short(), None);
    }

    /// What all refusals have in common.
    pub(crate) fn check_refusal(&mut self, vector: &str, answer: &Answer) {
        let told = answer.in_short();
        if let Some((acs, message)) = answer.response() {
            let registered = [&*self.lax.acs, &*self.strict.acs, SLO];
            assert!(registered.contains(&acs), "{vector}: {acs}");
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
        self.logged_once(vector, answer.reason());
        self.unharmed(vector);
    }

    /// Nothing was written, nobody was called, and the process lives and has not grown.
    fn unharmed(&mut self, vector: &str) {
        self.watch.unchanged(vector);
        self.unmoved(vector);
    }

    /// Nobody was called, and the process lives and has not grown.
    pub(crate) fn unmoved(&self, vector: &str) {
        assert!(
            self.canary.accept().is_err(),
            "{vector} made the product connect somewhere"
        );
        let grown = self.product.resident_kib().saturating_sub(self.resident);
        assert!(grown < GROWTH, "{vector}: it grew by {grown} KiB");
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
        self.watch.accept();
        self.take_down(vector, "accepted".to_owned(), None);
    }

    /// Takes down what came of a vector.
    pub(crate) fn take_down(&mut self, vector: &str, told: String, kind: Option<&'static Kind>) {
        self.table.take_down(vector, told, kind);
    }

    /// All vectors so far with their answers, and which kinds of message got them.
    pub(crate) fn table(self) -> String {
        let table = self.table.to_string();
        println!("{table}");
        table
    }

    /// One log line says why, and the same as the page.
    pub(crate) fn logged_once(&mut self, vector: &str, reason: Option<&str>) -> String {
        let deadline = Instant::now() + Duration::from_secs(2);
        let mut lines = refusals(&self.product);
        while lines.len() == self.seen && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
            lines = refusals(&self.product);
        }
        let new = &lines[self.seen..];
        assert_eq!(new.len(), 1, "log lines for {vector}: {new:#?}");
        let logged = reason_of(&new[0]);
        assert!(
            reason.is_none() || logged == reason,
            "{vector}: the page says {reason:?}, the log {logged:?}"
        );
        self.seen = lines.len();
        logged.unwrap_or_default().to_owned()
    }
}

/// What came back in an envelope: a Fault's code, or the status codes, the outer one first.
fn soap_in_short(status: u16, body: &str) -> String {
    let fault = body.split_once("<faultcode>");
    if let Some(code) = fault.and_then(|(_, rest)| rest.split('<').next()) {
        assert!(matches!(status, 500 | 413), "{status}: {body}");
        return format!("Fault {code} ({status})");
    }
    assert_eq!(status, 200, "{body}");
    let codes = body.split("StatusCode Value=\"").skip(1);
    let codes = codes.filter_map(|code| code.split('"').next()?.rsplit(':').next());
    let codes: Vec<_> = codes.collect();
    assert!(!codes.is_empty(), "neither a Fault nor a status: {body}");
    codes.join("/")
}

fn reason_of(line: &Value) -> Option<&str> {
    let reason = line
        .get("reason")
        .or_else(|| line.pointer("/fields/reason"));
    reason.and_then(Value::as_str)
}

/// The log lines that give a reason for a refusal.
fn refusals(product: &Product) -> Vec<Value> {
    let lines = product.log().into_iter();
    lines.filter(|line| reason_of(line).is_some()).collect()
}
