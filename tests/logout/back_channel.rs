//! From server to server: SOAP in, SOAP out.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::app::{App, Entered, endpoint, product};
use crate::support::app::Product;
use crate::support::oracle::Message;

const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// What an app's SOAP endpoint does.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Confirms, unsigned.
    Confirms,
    /// Says that it could not.
    Refuses,
    /// Takes the request and never answers.
    Hangs,
    /// Answers 500.
    Fails,
    /// Leads elsewhere.
    Redirects,
}

/// An app's SOAP endpoint on a port of its own.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    requests: Receiver<String>,
}

impl Endpoint {
    pub(crate) fn that(manner: Manner, entity_id: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/soap", listener.local_addr().unwrap());
        let (heard, requests) = channel();
        let entity_id = entity_id.to_owned();
        // Ends with the test process.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut stream = stream;
                let body = body_of(&mut stream);
                let answer = answer_to(&body, manner, &entity_id);
                if heard.send(body).is_err() {
                    return;
                }
                match answer {
                    Some(answer) => drop(stream.write_all(answer.as_bytes())),
                    None => std::thread::sleep(Duration::from_secs(20)),
                }
            }
        });
        Self { url, requests }
    }

    /// The LogoutRequest that came, checked.
    pub(crate) fn request(&self, product: &Product) -> Message {
        let message = product.oracle().check(&message_in(&self.body()));
        assert_eq!(message.signed(), ["LogoutRequest"], "C-L6: it is signed");
        assert_eq!(message.destination.as_ref(), Some(&self.url));
        message
    }

    /// The envelope that came.
    pub(crate) fn body(&self) -> String {
        let body = self.requests.recv_timeout(Duration::from_secs(10));
        body.expect("a request came")
    }

    pub(crate) fn heard_nothing(&self) -> bool {
        self.requests.try_recv().is_err()
    }
}

fn body_of(stream: &mut TcpStream) -> String {
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let (mut text, mut chunk) = (Vec::new(), [0_u8; 4096]);
    loop {
        let read = stream.read(&mut chunk).unwrap_or(0);
        text.extend_from_slice(&chunk[..read]);
        let so_far = String::from_utf8_lossy(&text).into_owned();
        let length = so_far
            .to_lowercase()
            .split_once("content-length: ")
            .and_then(|(_, rest)| {
                rest.split("\r\n")
                    .next()
                    .and_then(|n| n.parse::<usize>().ok())
            });
        if let (Some((_, body)), Some(length)) = (so_far.split_once("\r\n\r\n"), length)
            && body.len() >= length
        {
            return body.to_owned();
        }
        if read == 0 {
            return String::new();
        }
    }
}

fn answer_to(envelope: &str, manner: Manner, entity_id: &str) -> Option<String> {
    let id = envelope
        .split_once(" ID=\"")
        .and_then(|(_, rest)| rest.split('"').next());
    let code = match manner {
        Manner::Confirms => "Success",
        Manner::Refuses => "Responder",
        Manner::Hangs => return None,
        Manner::Fails => {
            return Some(
                "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
            );
        }
        Manner::Redirects => {
            let to = "Location: http://127.0.0.1:1/\r\n";
            return Some(format!(
                "HTTP/1.1 307 There\r\n{to}Content-Length: 0\r\nConnection: close\r\n\r\n"
            ));
        }
    };
    let body = format!(
        "<S:Envelope xmlns:S=\"{ENVELOPE}\"><S:Body><samlp:LogoutResponse \
         xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_r{}\" Version=\"2.0\" \
         IssueInstant=\"2026-11-21T12:00:00Z\" InResponseTo=\"{}\"><saml:Issuer>{entity_id}\
         </saml:Issuer><samlp:Status><samlp:StatusCode \
         Value=\"urn:oasis:names:tc:SAML:2.0:status:{code}\"/></samlp:Status>\
         </samlp:LogoutResponse></S:Body></S:Envelope>",
        "0".repeat(40),
        id.unwrap_or_default()
    );
    Some(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))
}

/// The one message of an envelope, as text.
pub(crate) fn message_in(envelope: &str) -> String {
    let (_, rest) = envelope.split_once("Body>").expect("a Body");
    let (message, _) = rest.rsplit_once("</").expect("an end");
    let (message, _) = message.rsplit_once("</").expect("an end");
    message.to_owned()
}

/// An app that is told by SOAP.
pub(crate) fn app_with(product: &Product, name: &str, manner: Manner) -> (App, Endpoint) {
    app_for(product, name, manner, "everyone")
}

pub(crate) fn app_for(
    product: &Product,
    name: &str,
    manner: Manner,
    role: &str,
) -> (App, Endpoint) {
    let soap = Endpoint::that(manner, &format!("https://{name}.example/saml"));
    let app = App::register_for(product, name, &endpoint("SOAP", &soap.url), role);
    (app, soap)
}

/// Posts a LogoutRequest of this app by SOAP.
async fn ask(product: &Product, message: &str) -> (u16, String) {
    let envelope =
        format!("<S:Envelope xmlns:S=\"{ENVELOPE}\"><S:Body>{message}</S:Body></S:Envelope>");
    let answer = reqwest::Client::new()
        .post(product.idp("/saml/soap"))
        .header("Content-Type", "text/xml")
        .body(envelope)
        .send()
        .await
        .expect("an answer");
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn c_l1_by_soap_a_request_is_answered_at_once_and_what_cannot_be_told_is_partial() {
    let product = product().await;
    let browser = product.browser();
    let (store, _) = app_with(&product, "store", Manner::Confirms);
    let (wiki, of_wiki_soap) = app_with(&product, "wiki", Manner::Confirms);
    let entered = store.enter(&product, &browser, "ada").await;
    let of_wiki = wiki.enter(&product, &browser, "ada").await;
    let mut request = store.request(&product, &entered);
    request.destination = Some(product.idp("/saml/soap"));
    let (code, _) = ask(&product, &request.xml("")).await;
    assert_eq!(code, 500, "unsigned: a Fault");
    assert!(store.lets_in(&product, &browser).await);
    let (code, body) = ask(&product, &store.signed(&request)).await;
    assert_eq!(code, 200, "{body}");
    let response = product.oracle().check(&message_in(&body));
    assert_eq!(response.kind, "LogoutResponse");
    assert_eq!(response.signed(), ["LogoutResponse"]);
    assert_eq!(response.short_status(), "Success");
    assert_eq!(response.in_response_to, Some(request.id));
    let told = of_wiki_soap.request(&product);
    assert_eq!(told.name_id, Some(of_wiki.name_id));
    assert_eq!(told.session_indexes, [of_wiki.session_index]);
    assert!(!store.lets_in(&product, &browser).await);
    // Without a browser, an app that only a browser reaches cannot be told.
    let blog = App::with_redirect(&product, "blog");
    let entered = store.enter(&product, &browser, "ada").await;
    blog.enter(&product, &browser, "ada").await;
    let mut request = store.request(&product, &entered);
    request.destination = None;
    let (_, body) = ask(&product, &store.signed(&request)).await;
    let response = product.oracle().check(&message_in(&body));
    assert_eq!(response.short_status(), "Success/PartialLogout");
    let stranger = Entered {
        session_index: "_x".to_owned(),
        ..entered
    };
    let mut request = store.request(&product, &stranger);
    request.destination = None;
    let (_, body) = ask(&product, &store.signed(&request)).await;
    let response = product.oracle().check(&message_in(&body));
    assert_eq!(response.short_status(), "Responder/UnknownPrincipal");
}

#[tokio::test]
async fn c_l4_the_back_channel_is_bounded_and_each_app_is_told_on_its_own() {
    let product = product().await;
    let browser = product.browser();
    let store = App::with_redirect(&product, "store");
    let manners = [
        ("good", Manner::Confirms),
        ("unwilling", Manner::Refuses),
        ("hanging", Manner::Hangs),
        ("failing", Manner::Fails),
        ("leading", Manner::Redirects),
    ];
    let apps = manners.map(|(name, manner)| app_with(&product, name, manner));
    let entered = store.enter(&product, &browser, "ada").await;
    for (app, _) in &apps {
        app.enter(&product, &browser, "ada").await;
    }
    let begun = Instant::now();
    let request = store.request(&product, &entered);
    let page = browser.get(&store.redirect(&request, None)).await;
    assert!(
        begun.elapsed() < Duration::from_secs(12),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        page.body.contains("<bdi>good</bdi>: confirmed"),
        "{}",
        page.body
    );
    for name in ["unwilling", "hanging", "failing", "leading"] {
        let line = format!("<bdi>{name}</bdi>: not confirmed");
        assert!(page.body.contains(&line), "{line}\n{}", page.body);
    }
    for (_, soap) in &apps {
        soap.request(&product);
    }
}
