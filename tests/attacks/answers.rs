//! The SOAP server of a hostile service provider, which answers a LogoutRequest of ours
//! (docs/threat-model.md). Whatever it sends, the person's logout goes on in time: the app counts as
//! not confirmed, one log line says so, nobody else is called, and no memory is taken.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

use crate::drafts;
use crate::kinds::{By, Kind};
use crate::message::{Draft, Message, enveloped};
use crate::signature::{
    Vectors, led_elsewhere, misshapen, thief_of, transformed, weak_or_foreign, wrapped,
};
use crate::support::browser::{Answer, Browser};
use crate::support::http_server::gzip;
use crate::support::sp::Sp;
use crate::target::{PASSWORD, Target};
use crate::xml::{MALFORMED, malformed, other_encodings, too_much};

/// How long the person may wait for an app that does not answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Within this time the answers of a table are given: the product waits for three seconds.
const HURRY: Duration = Duration::from_secs(2);

/// The message that is answered with. It is read where a request is, in an envelope; our own
/// connection says who sends it, so that it need not be signed.
pub(crate) const ANSWER: Kind = Kind {
    name: "LogoutResponse in the answer to our SOAP request",
    root: "LogoutResponse",
    by: By::Soap,
    path: "/saml/slo",
    signed: false,
    draft: drafts::logout_response,
    good: "confirmed",
};

/// An attacked product with one more app, whose SOAP server is ours.
struct World {
    target: Target,
    app: Sp,
    requests: UnboundedReceiver<String>,
    answers: mpsc::Sender<Reply>,
}

/// What the server does with a request.
enum Reply {
    /// Sends these bytes and hangs up.
    Bytes(Vec<u8>),
    /// Sends these bytes, and then one of them after the other for as long as anybody listens.
    Drips(Vec<u8>),
}

/// A logout that waits for the server.
struct Pending {
    /// The ID of the LogoutRequest.
    id: String,
    page: JoinHandle<Answer>,
}

impl World {
    async fn new() -> Self {
        let target = Target::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let place = format!("http://{}/soap", listener.local_addr().expect("it listens"));
        let (heard, requests) = unbounded_channel();
        let (answers, replies) = mpsc::channel();
        // Ends with the test.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let Some(request) = request_in(&stream) else {
                    return;
                };
                if heard.send(request).is_err() {
                    return;
                }
                let Ok(reply) = replies.recv() else { return };
                // Who has heard enough hangs up.
                drop(send(stream, reply));
            }
        });
        let app = Sp::new("https://lax.example/told", "https://lax.example/told/acs");
        let soap = format!(
            "<md:SingleLogoutService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:SOAP\" \
             Location=\"{place}\"/><md:AssertionConsumerService "
        );
        let metadata = app
            .metadata("")
            .replacen("<md:AssertionConsumerService ", &soap, 1);
        let file = target.product.file("told.xml", &metadata);
        let role = ["--require-role", "everyone"];
        let add = ["sp", "add", "--metadata", &file, "--name", "told"];
        target.product.cli_list(&[&add[..], &role].concat());
        Self {
            target,
            app,
            requests,
            answers,
        }
    }

    /// Somebody who is in the app signs out; the app is asked.
    async fn ask(&mut self) -> Pending {
        let browser = self.target.product.browser();
        let request = self.app.request(&self.target.sso());
        let form = browser.visit(&request.redirect(None)).await;
        let answer = browser.sign_in(&form, "ada", PASSWORD).await;
        assert_eq!(answer.in_short(), "assertion");
        let page = browser.visit(&self.target.product.idp("/logout")).await;
        let page = tokio::spawn(async move { sign_out(&browser, &page).await });
        let request = self.requests.recv().await.expect("the app is asked");
        let (_, id) = request.split_once(" ID=\"").expect("an ID");
        let (id, _) = id.split_once('"').expect("an ID");
        Pending {
            id: id.to_owned(),
            page,
        }
    }

    /// A good answer, before it is written down.
    fn draft(&self, pending: &Pending) -> Message {
        let mut message = drafts::logout_response(&self.target, &self.app).message();
        message.attributes = format!(" InResponseTo=\"{}\"", pending.id);
        message
    }

    /// Answers, and takes down what the person was told of the app.
    async fn answer(&mut self, vector: &str, pending: Pending, reply: Reply, good: bool) {
        let begun = Instant::now();
        self.answers.send(reply).expect("the server waits");
        let page = pending.page.await.expect("the page comes");
        let took = begun.elapsed();
        assert!(took < PATIENCE, "{vector} took {took:?}");
        let said = if page.body.contains("<bdi>told</bdi>: confirmed") {
            "confirmed"
        } else if page.body.contains("<bdi>told</bdi>: not confirmed") {
            "not confirmed"
        } else {
            panic!("{vector}: {} {}", page.in_short(), page.body);
        };
        assert_eq!(said == "confirmed", good, "{vector} is {said}");
        let why = if good {
            String::new()
        } else {
            assert_eq!(
                self.target.logged_once(vector, None),
                "logout-not-confirmed"
            );
            self.said_last()
        };
        self.target.unmoved(vector);
        self.target.watch.accept();
        let told = format!("{said} {why}").trim_end().to_owned();
        self.target.take_down(vector, told, None);
    }

    /// What the log says that the app said. An id of its own is no news.
    fn said_last(&self) -> String {
        let lines = self.target.product.log();
        let told = lines.iter().rev().find_map(|line| {
            let fields = line.get("fields").unwrap_or(line);
            let reason = fields.get("reason").and_then(|reason| reason.as_str());
            (reason == Some("logout-not-confirmed")).then(|| fields["said"].clone())
        });
        let told = told.expect("one line says why");
        told.as_str()
            .unwrap_or_default()
            .chars()
            .take(120)
            .collect()
    }

    /// Asks once for each vector that `make` makes of a good answer, and answers with that. On a busy
    /// machine that may take longer than the product waits for an app: then it is asked again.
    async fn try_all(&mut self, make: impl Fn(&Target, Message, &Sp) -> Vec<(String, Vec<u8>)>) {
        let (mut number, mut late) = (0, 0);
        loop {
            let pending = self.ask().await;
            let heard = Instant::now();
            let draft = self.draft(&pending);
            let mut vectors = make(&self.target, draft, &self.app);
            if heard.elapsed() > HURRY {
                late += 1;
                assert!(late < 40, "this machine is too busy");
                self.let_down(pending).await;
                continue;
            }
            if number >= vectors.len() {
                let good = self.draft(&pending).xml();
                let good = Reply::Bytes(ok(&enveloped(good.as_bytes())));
                return self
                    .answer("a good one at the end", pending, good, true)
                    .await;
            }
            let (vector, xml) = vectors.swap_remove(number);
            let reply = Reply::Bytes(ok(&enveloped(&xml)));
            self.answer(&vector, pending, reply, false).await;
            number += 1;
        }
    }

    /// Answers nothing of interest.
    async fn let_down(&mut self, pending: Pending) {
        self.answers
            .send(Reply::Bytes(Vec::new()))
            .expect("the server waits");
        pending.page.await.expect("the page comes");
        self.target.logged_once("a late one", None);
        self.target.watch.accept();
    }
}

async fn sign_out(browser: &Browser, page: &Answer) -> Answer {
    browser.press(page, "Sign out").await
}

/// The request line, the headers and the body.
fn request_in(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let start = text.len();
        reader.read_line(&mut text).ok()?;
        let line = text[start..].trim_end().to_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(text + &String::from_utf8(body).ok()?)
}

fn send(mut stream: TcpStream, reply: Reply) -> std::io::Result<()> {
    match reply {
        Reply::Bytes(bytes) => {
            stream.write_all(&bytes)?;
            stream.shutdown(std::net::Shutdown::Write)?;
            let _ = stream.read(&mut [0; 64])?;
            Ok(())
        }
        Reply::Drips(bytes) => {
            for byte in bytes {
                stream.write_all(&[byte])?;
                std::thread::sleep(Duration::from_millis(100));
            }
            Ok(())
        }
    }
}

fn ok(body: &[u8]) -> Vec<u8> {
    http("200 OK", "", body)
}

fn http(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn bytes(vectors: Vectors) -> Vec<(String, Vec<u8>)> {
    let bytes = vectors
        .into_iter()
        .map(|(name, xml)| (name, xml.into_bytes()));
    bytes.collect()
}

#[tokio::test]
async fn t_slo_answer_an_answer_that_breaks_a_rule_confirms_nothing() {
    let mut world = World::new().await;
    world
        .try_all(|_, draft, sp| {
            let good = draft.xml();
            let root = |name: &str| good.replace("LogoutResponse", name);
            let status = "urn:oasis:names:tc:SAML:2.0:status:";
            let partial = format!(
                "Success\"><samlp:StatusCode Value=\"{status}PartialLogout\"/></samlp:StatusCode>"
            );
            let fault = "<S:Fault xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><faultcode>S:Client</faultcode><faultstring>no</faultstring></S:Fault>";
            let thief = thief_of(sp);
            let all = [
                ("T-SLO to another request", good.replace(" InResponseTo=\"_", " InResponseTo=\"_0")),
                ("T-SLO to no request", good.replace(" InResponseTo=", " Consent=")),
                ("T-SLO issuer of another app", good.replace("/told</", "/saml</")),
                ("T-SLO no Issuer", good.replace("Issuer>", "Other>")),
                ("T-SLO no Status", good.replace("samlp:Status>", "samlp:Other>")),
                ("T-SLO no StatusCode", good.replace("samlp:StatusCode", "samlp:Other")),
                ("T-SLO empty StatusCode", good.replace(&format!("{status}Success"), "")),
                ("T-SLO status of a stranger", good.replace(&format!("{status}Success"), "urn:x:\u{1f511}&lt;b&gt;\u{202e}")),
                ("T-SLO Requester", good.replace("Success", "Requester")),
                ("T-SLO PartialLogout", good.replace("Success\"/>", &partial)),
                ("T-SLO a Fault", fault.to_owned()),
                ("T-SLO two answers", good.repeat(2)),
                ("T-SLO nothing", String::new()),
                ("T-SLO by another key", Draft::Protocol(draft.clone()).signed_by(&thief)),
                ("T-TYPE LogoutRequest", root("LogoutRequest")),
                ("T-TYPE Response", root("Response")),
                ("T-TYPE AuthnRequest", root("AuthnRequest")),
                ("T-TYPE ArtifactResponse", root("ArtifactResponse")),
            ];
            all.map(|(name, xml)| (name.to_owned(), xml.into_bytes())).into()
        })
        .await;
    insta::assert_snapshot!(world.target.table());
}

#[tokio::test]
async fn t_xsw_t_sig_t_alg_t_ssrf_ref_an_answer_with_a_bad_signature_confirms_nothing() {
    let mut world = World::new().await;
    let pending = world.ask().await;
    let signed = Draft::Protocol(world.draft(&pending)).signed_by(&world.app);
    let signed = Reply::Bytes(ok(&enveloped(signed.as_bytes())));
    world
        .answer("a good signed one", pending, signed, true)
        .await;
    world
        .try_all(|_, draft, sp| bytes(wrapped(&Draft::Protocol(draft), sp)))
        .await;
    for make in [misshapen, led_elsewhere, transformed, weak_or_foreign] {
        world
            .try_all(|target, draft, sp| {
                let canary = target.canary.local_addr().expect("it listens");
                bytes(make(&Draft::Protocol(draft), sp, &canary.to_string()))
            })
            .await;
    }
    insta::assert_snapshot!(world.target.table());
}

#[tokio::test]
async fn t_ns_t_diff_t_xxe_t_txt_t_absent_t_size_a_malformed_answer_confirms_nothing() {
    let mut world = World::new().await;
    world
        .try_all(|target, draft, _| {
            let id = draft.attributes.clone();
            let mine = |xml: Vec<u8>| {
                let nobodys = b" InResponseTo=\"_1\"";
                let at = xml.windows(nobodys.len()).position(|part| part == nobodys);
                at.map_or(xml.clone(), |at| {
                    [&xml[..at], id.as_bytes(), &xml[at + nobodys.len()..]].concat()
                })
            };
            let mut all = Vec::new();
            for (vector, from, to) in MALFORMED {
                // The connection says where the answer is from and for whom: what a browser could have
                // carried elsewhere or kept for long is not looked at.
                if not_looked_at(vector) {
                    continue;
                }
                if let Some(spoilt) = malformed(target, &ANSWER, (from, to)) {
                    all.push(((*vector).to_owned(), mine(spoilt)));
                }
            }
            let good = draft.xml();
            for (vector, bytes) in other_encodings(&good) {
                all.push((vector.to_owned(), bytes));
            }
            for (vector, much) in too_much() {
                let much = format!("</saml:Issuer><samlp:Extensions>{much}</samlp:Extensions>");
                let spoilt = good.replacen("</saml:Issuer>", &much, 1);
                all.push((vector.to_owned(), spoilt.into_bytes()));
            }
            all
        })
        .await;
    insta::assert_snapshot!(world.target.table());
}

/// Rules for what a browser brings.
fn not_looked_at(vector: &str) -> bool {
    [
        "Destination",
        "IssueInstant",
        "version",
        " ID",
        "T-ABSENT Version",
        "xpointer",
        "the ID",
    ]
    .iter()
    .any(|word| vector.contains(word))
        && !vector.contains("foreign")
}

/// A vector, and what the server makes of a good answer.
type Spoilt = (&'static str, fn(&[u8]) -> Vec<u8>);

const SPOILT: &[Spoilt] = &[
    ("T-BODY status 500", |good| http("500 No", "", good)),
    ("T-BODY status 204", |_| http("204 No", "", b"")),
    ("T-BODY no HTTP", |good| good.to_vec()),
    ("T-BODY nothing", |_| Vec::new()),
    ("T-BODY shorter than it says", |good| {
        let mut short = ok(good);
        short.truncate(short.len() - 20);
        short
    }),
    ("T-BODY two lengths", |good| {
        http("200 OK", "Content-Length: 1\r\n", good)
    }),
    ("T-BODY a negative length", |good| {
        [&b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"[..], good].concat()
    }),
    ("T-BODY more than it may", |good| {
        ok(&[good, " ".repeat(300 * 1024).as_bytes()].concat())
    }),
    ("T-BODY a gigabyte that never comes", |good| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n";
        [head, good].concat()
    }),
    ("T-BODY headers without end", |_| {
        let mut head = "HTTP/1.1 200 OK\r\n".to_owned();
        for number in 0..20_000 {
            let _ = write!(head, "X-{number}: {}\r\n", "x".repeat(80));
        }
        head.into_bytes()
    }),
    ("T-DEFLATE not gzip", |good| {
        http("200 OK", "Content-Encoding: gzip\r\n", good)
    }),
    ("T-DEFLATE another compression", |good| {
        http("200 OK", "Content-Encoding: br\r\n", good)
    }),
];

#[tokio::test]
async fn t_md_t_deflate_t_body_a_server_that_is_slow_large_or_leads_elsewhere_confirms_nothing() {
    let mut world = World::new().await;
    let canary = world.target.canary.local_addr().expect("it listens");
    let to_canary = format!("Location: http://{canary}/\r\n");
    let bomb = http(
        "200 OK",
        "Content-Encoding: gzip\r\n",
        &gzip(&vec![b' '; 50 << 20]),
    );
    for (vector, make) in SPOILT {
        let pending = world.ask().await;
        let good = enveloped(world.draft(&pending).xml().as_bytes());
        let reply = Reply::Bytes(make(&good));
        world.answer(vector, pending, reply, false).await;
    }
    for (vector, status) in [
        ("T-SSRF-MD redirect 302", "302 There"),
        ("T-SSRF-MD redirect 307", "307 There"),
        ("T-SSRF-MD redirect 308", "308 There"),
    ] {
        let pending = world.ask().await;
        let good = enveloped(world.draft(&pending).xml().as_bytes());
        let reply = Reply::Bytes(http(status, &to_canary, &good));
        world.answer(vector, pending, reply, false).await;
    }
    let pending = world.ask().await;
    world
        .answer("T-DEFLATE gzip bomb", pending, Reply::Bytes(bomb), false)
        .await;
    let pending = world.ask().await;
    let good = ok(&enveloped(world.draft(&pending).xml().as_bytes()));
    world
        .answer("T-BODY byte by byte", pending, Reply::Drips(good), false)
        .await;
    insta::assert_snapshot!(world.target.table());
}
