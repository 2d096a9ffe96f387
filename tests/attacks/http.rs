//! What HTTP carries: encodings, sizes, parameters (docs/threat-model.md).

use std::io::Write as _;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::kinds::{By, KINDS};
use crate::support::browser::Answer;
use crate::support::sp::{deflated, percent_encoded, redirect_query};
use crate::target::Target;

#[tokio::test]
async fn c_b1_t_red_what_cannot_be_decoded_is_refused() {
    let mut target = Target::start().await;
    let xml = target.request().xml();
    let raw = STANDARD.decode(deflated(xml.as_bytes())).expect("base64");
    let stream = |bytes: &[u8]| percent_encoded(&STANDARD.encode(bytes));
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zlib.write_all(xml.as_bytes()).expect("memory");
    let zlib = zlib.finish().expect("memory");
    for (vector, value) in [
        ("not base64", "%21%21%21".to_owned()),
        (
            "base64 with a blank inside",
            format!("{}+{}", &stream(&raw)[..8], &stream(&raw)[8..]),
        ),
        ("not deflated", stream(b"\xff\xff\xff\xff")),
        ("XML that is not deflated", stream(xml.as_bytes())),
        ("T-RED zlib header", stream(&zlib)),
        (
            "T-RED two streams",
            stream(&[raw.as_slice(), &raw].concat()),
        ),
        (
            "T-RED bytes after the stream",
            stream(&[raw.as_slice(), b"x"].concat()),
        ),
        ("T-RED cut stream", stream(&raw[..raw.len() - 4])),
        ("empty stream", stream(&[0x03, 0x00])),
    ] {
        let answer = target.query(&format!("SAMLRequest={value}")).await;
        target.refused(vector, &answer);
    }
    let answer = target.post(b"").await;
    target.refused("POST of nothing", &answer);
    let answer = target.post(&raw).await;
    target.refused("POST of DEFLATE", &answer);
    insta::assert_snapshot!(target.table());
}

/// Ten kilobytes that inflate to far more: refused at once, and no memory is taken for it.
#[tokio::test]
async fn t_deflate_a_bomb_is_refused() {
    let mut target = Target::start().await;
    let warm = target.redirect("<warm/>").await;
    target.refused("warm-up", &warm);
    let before = target.product.resident_kib();
    let small = deflated(&vec![b' '; 5_000_000]); // the longest that fits a query of 8 KiB
    let started = Instant::now();
    let answer = target
        .query(&format!("SAMLRequest={}", percent_encoded(&small)))
        .await;
    let took = started.elapsed();
    target.refused("T-DEFLATE", &answer);
    let big = deflated(&vec![b' '; 30_000_000]); // longer than a query may be
    let answer = target
        .query(&format!("SAMLRequest={}", percent_encoded(&big)))
        .await;
    target.refused("T-DEFLATE oversized", &answer);
    let grown = target.product.resident_kib().saturating_sub(before);
    assert!(grown < 4 * 1024, "it grew by {grown} KiB");
    // Fifty milliseconds in a release build; a busy machine with a debug build gets more.
    assert!(took.as_millis() < 1_000, "it took {took:?}");
    insta::assert_snapshot!(target.table());
}

#[tokio::test]
async fn t_body_c_b7_too_large_is_said_before_anything_is_read() {
    let mut target = Target::start().await;
    let large = target.post(&vec![b' '; 256 * 1024]).await;
    assert_eq!(large.status, 413);
    target.refused("T-BODY 256 KiB and more", &large);
    let xml = target.request().xml();
    let long = redirect_query(&xml, None) + "&padding=" + &"x".repeat(8 * 1024);
    let answer = target.query(&long).await;
    target.refused("query of more than 8 KiB", &answer);
    let answer = target
        .query(&redirect_query(&xml, Some(&"x".repeat(1_025))))
        .await;
    target.refused("RelayState of 1,025", &answer);
    let answer = target
        .query(&redirect_query(&xml, Some(&"x".repeat(1_024))))
        .await;
    target.accepted("RelayState of 1,024", &answer);
    let umlauts = "\u{fc}".repeat(513);
    let answer = target
        .query(&redirect_query(&target.request().xml(), Some(&umlauts)))
        .await;
    target.refused("RelayState of 1,026 bytes", &answer);
    insta::assert_snapshot!(target.table());
}

/// The limits are those of every door.
#[tokio::test]
async fn t_deflate_t_body_every_door_has_the_limits() {
    let mut target = Target::start().await;
    let bomb = percent_encoded(&deflated(&vec![b' '; 5_000_000]));
    let large = vec![b' '; 300 * 1024];
    for kind in KINDS {
        match kind.by {
            By::Redirect(parameter) => {
                let query = format!("{parameter}={bomb}");
                target.attack_with(kind, "T-DEFLATE a bomb", &query).await;
            }
            By::Post(_) => {
                let large = STANDARD.encode(&large);
                target.attack_with(kind, "T-BODY of 300 KiB", &large).await;
                // The server has hung up on who sends that much.
                target.browser = target.product.browser();
            }
            By::Soap => target.attack(kind, "T-BODY of 300 KiB", &large).await,
            By::File => {
                let large = vec![b' '; 300 << 20];
                target.attack(kind, "T-BODY of 300 MiB", &large).await;
            }
        }
    }
    insta::assert_snapshot!(target.table());
}

#[tokio::test]
async fn t_red_a_posted_message_comes_once_and_in_the_body() {
    let mut target = Target::start().await;
    let message = percent_encoded(&STANDARD.encode(target.request().xml()));
    let body = format!("SAMLRequest={message}");
    for (vector, query, body) in [
        (
            "T-RED in query and body",
            format!("?{}", redirect_query(&target.request().xml(), None)),
            body.clone(),
        ),
        (
            "RelayState in the query",
            "?RelayState=x".to_owned(),
            body.clone(),
        ),
        (
            "duplicate in the body",
            String::new(),
            format!("{body}&{body}"),
        ),
        (
            "duplicate RelayState",
            String::new(),
            format!("{body}&RelayState=a&RelayState=b"),
        ),
        (
            "escaped name",
            String::new(),
            format!("{body}&Relay%53tate=a"),
        ),
        (
            "SAMLResponse in the body",
            String::new(),
            format!("{body}&SAMLResponse=AA"),
        ),
        ("empty body", String::new(), String::new()),
        (
            "RelayState too long",
            String::new(),
            format!("{body}&RelayState={}", "x".repeat(1_025)),
        ),
        (
            "RelayState not UTF-8",
            String::new(),
            format!("{body}&RelayState=%ff"),
        ),
    ] {
        let answer = posted(&target, &query, "application/x-www-form-urlencoded", body).await;
        target.refused(vector, &answer);
    }
    let answer = posted(&target, "", "text/xml", target.request().xml()).await;
    target.refused("POST of text/xml", &answer);
    insta::assert_snapshot!(target.table());
}

async fn posted(target: &Target, query: &str, content_type: &str, body: String) -> Answer {
    let url = format!("{}{query}", target.sso());
    let send = |client: &reqwest::Client| {
        client
            .post(url)
            .header("Content-Type", content_type)
            .body(body)
    };
    let first = target.browser.request(send).await;
    target.browser.follow(first).await
}

/// RelayState comes back as it was, whatever is in it (Bindings 3.5.3), as text and never as HTML.
#[tokio::test]
async fn t_relay_xss_c_b5_c_b6_relay_state_comes_back_byte_for_byte() {
    let target = Target::start().await;
    for relay_state in [
        "",
        " ",
        "\"><script>alert(1)</script>",
        "a&amp;b&b=c#d",
        "https://evil.example/",
        "\u{1f511} \u{202e}rtl",
        "a\tb",
    ] {
        let request = target.request().with("IsPassive=\"true\"");
        let query = redirect_query(&request.xml(), Some(relay_state));
        let answer = target.query(&query).await;
        assert_eq!(answer.in_short(), "Responder/NoPassive");
        assert_eq!(answer.relay_state().as_deref(), Some(relay_state));
        assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
    }
    let answer = target
        .redirect(&target.request().with("IsPassive=\"1\"").xml())
        .await;
    assert_eq!(answer.relay_state(), None, "none came, none goes back");
}

/// Pages show nothing of what a message brought, so that nobody writes our pages for us.
#[tokio::test]
async fn t_err_echo_an_error_page_echoes_nothing() {
    let target = Target::start().await;
    let mut request = target.request();
    request.issuer = "https://evil.example/call-0900-now".to_owned();
    let answer = target
        .query(&redirect_query(&request.xml(), Some("call-0900-now")))
        .await;
    assert_eq!(answer.in_short(), "400 unknown-issuer");
    assert!(!answer.body.contains("0900"), "{}", answer.body);
    let log = target.product.log();
    let told = log
        .iter()
        .any(|line| line.to_string().contains("call-0900-now"));
    assert!(told, "the administrator's log has the issuer as it came");
}
