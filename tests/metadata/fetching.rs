//! What a fetch that nobody watches may reach, and how much it takes (T-SSRF-MD).

use std::time::{Duration, Instant};

use doorward::config::Config;
use doorward::directory::metadata_source::Validators;
use doorward::sources::{FetchError, FetchPolicy, Fetched, Request};

use crate::support::http_server::{Page, Server, gzip};

fn policy(allow: &str) -> FetchPolicy {
    let variables = [("DOORWARD_FETCH_ALLOW".to_owned(), allow.to_owned())];
    let path = std::path::Path::new("/nowhere/doorward.toml");
    let config = Config::check("", path, variables.into_iter()).unwrap();
    FetchPolicy::new(config.sources.fetch_allow)
}

fn fetch(policy: &FetchPolicy, url: &str) -> Result<Fetched, FetchError> {
    fetch_up_to(policy, url, 1 << 20)
}

fn fetch_up_to(policy: &FetchPolicy, url: &str, largest: u64) -> Result<Fetched, FetchError> {
    policy.fetch(&Request {
        url,
        validators: &Validators::default(),
        largest,
        patience: Duration::from_secs(5),
    })
}

fn bytes(fetched: Result<Fetched, FetchError>) -> Vec<u8> {
    match fetched {
        Ok(Fetched::Document { bytes, .. }) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn t_ssrf_md_what_is_not_named_is_not_reached_in_whatever_form() {
    let server = Server::new();
    server.put("/", Page::document("secret"));
    let port = server.address.port();
    let nothing = policy("");
    let elsewhere = policy("10.99.0.0/16, other.example:8443");
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        "https://127.0.0.1/".to_owned(),
        "https://127.0.0.1:8443/".to_owned(),
        "https://localhost/".to_owned(),
        "https://2130706433/".to_owned(),
        "https://0x7f000001/".to_owned(),
        "https://017700000001/".to_owned(),
        "https://127.1/".to_owned(),
        "https://0/".to_owned(),
        "https://0.0.0.0/".to_owned(),
        "https://[::]/".to_owned(),
        "https://[::1]/".to_owned(),
        "https://[::ffff:127.0.0.1]/".to_owned(),
        "https://[::ffff:7f00:1]/".to_owned(),
        "https://[64:ff9b::7f00:1]/".to_owned(),
        "https://[2002:7f00:1::]/".to_owned(),
        "https://[fe80::1]/".to_owned(),
        "https://[fd00:ec2::254]/".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://10.0.0.1/".to_owned(),
        "https://172.16.0.1/".to_owned(),
        "https://192.168.0.1/".to_owned(),
        "https://100.64.0.1/".to_owned(),
        "https://224.0.0.1/".to_owned(),
        "https://255.255.255.255/".to_owned(),
        "http://8.8.8.8/".to_owned(),
        "https://8.8.8.8:22/".to_owned(),
        "https://user:secret@example.org/".to_owned(),
        "https://user@example.org/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "gopher://127.0.0.1/".to_owned(),
        "ftp://127.0.0.1/".to_owned(),
        "//127.0.0.1/".to_owned(),
        "https:///".to_owned(),
        String::new(),
    ] {
        for policy in [&nothing, &elsewhere] {
            let refused = fetch(policy, &url).unwrap_err();
            let by_policy = matches!(
                refused,
                FetchError::Address(_) | FetchError::Scheme(_) | FetchError::NotPublic(_)
            );
            assert!(by_policy, "{url}: {refused:?}");
        }
    }
    assert!(server.asked().is_empty(), "nothing was connected to");
}

#[test]
fn t_ssrf_md_networks_and_hosts_that_are_named_are_reached() {
    let server = Server::new();
    server.put("/", Page::document("found"));
    let port = server.address.port();
    let url = server.url("/");
    for allow in [
        "loopback",
        "127.0.0.0/8",
        "127.0.0.1",
        &format!("127.0.0.1:{port}"),
    ] {
        assert_eq!(bytes(fetch(&policy(allow), &url)), b"found", "{allow}");
    }
    for allow in [format!("127.0.0.1:{}", port ^ 1), "128.0.0.0/8".to_owned()] {
        assert!(fetch(&policy(&allow), &url).is_err(), "{allow}");
    }
    // A name counts as it is written, and whatever it leads to.
    let named = format!("http://localhost:{port}/");
    assert_eq!(
        bytes(fetch(&policy(&format!("LOCALHOST:{port}")), &named)),
        b"found"
    );
    assert!(fetch(&policy(&format!("localhost:{port}")), &url).is_err());
    // Neither cookies nor credentials nor a proxy of the environment come along.
    let asked = server.asked();
    for one in &asked {
        assert!(!one.headers.contains_key("cookie"));
        assert!(!one.headers.contains_key("authorization"));
        assert_eq!(one.headers["accept"], "application/samlmetadata+xml");
    }
}

#[test]
fn c_mc1_redirects_are_followed_three_times_and_checked_each_time() {
    let server = Server::new();
    let port = server.address.port();
    let allowed = policy(&format!("127.0.0.1:{port}"));
    server.put("/end", Page::document("found"));
    for status in [301, 302, 303, 307, 308] {
        server.put("/start", Page::redirect(status, "/end"));
        assert_eq!(
            bytes(fetch(&allowed, &server.url("/start"))),
            b"found",
            "{status}"
        );
    }
    server.put("/1", Page::redirect(302, "/2"));
    server.put("/2", Page::redirect(302, "/3"));
    server.put("/3", Page::redirect(302, "/end"));
    assert_eq!(bytes(fetch(&allowed, &server.url("/1"))), b"found");
    server.put("/0", Page::redirect(302, "/1"));
    assert_eq!(
        fetch(&allowed, &server.url("/0")),
        Err(FetchError::Redirects)
    );
    server.put("/nowhere", Page::status(302));
    assert_eq!(
        fetch(&allowed, &server.url("/nowhere")),
        Err(FetchError::NoLocation)
    );
    // Another server of the same machine is not named.
    let inside = Server::new();
    inside.put("/", Page::document("secret"));
    for to in [
        inside.url("/"),
        "https://169.254.169.254/".to_owned(),
        "http://169.254.169.254/".to_owned(),
        "https://[::ffff:127.0.0.1]/".to_owned(),
        "file:///etc/passwd".to_owned(),
        format!("http://localhost:{port}/end"),
    ] {
        server.put("/out", Page::redirect(302, &to));
        assert!(fetch(&allowed, &server.url("/out")).is_err(), "{to}");
    }
    assert!(inside.asked().is_empty());
}

#[test]
fn t_ssrf_md_too_much_too_slow_and_bombs_are_refused() {
    let server = Server::new();
    let allowed = policy("loopback");
    server.put("/large", Page::document(vec![b'x'; 1001]));
    let url = server.url("/large");
    assert_eq!(
        fetch_up_to(&allowed, &url, 1000),
        Err(FetchError::TooLarge(1000))
    );
    assert_eq!(bytes(fetch_up_to(&allowed, &url, 1001)).len(), 1001);

    let gzipped = |bytes: &[u8]| Page::document(gzip(bytes)).with("Content-Encoding", "gzip");
    server.put("/small.gz", gzipped(b"found"));
    assert_eq!(bytes(fetch(&allowed, &server.url("/small.gz"))), b"found");
    server.put("/bomb.gz", gzipped(&vec![0; 50 << 20]));
    let url = server.url("/bomb.gz");
    assert_eq!(fetch(&allowed, &url), Err(FetchError::TooLarge(1 << 20)));
    server.put(
        "/bad.gz",
        Page::document("nothing").with("Content-Encoding", "gzip"),
    );
    assert_eq!(
        fetch(&allowed, &server.url("/bad.gz")),
        Err(FetchError::Encoding)
    );
    server.put(
        "/br",
        Page::document("nothing").with("Content-Encoding", "br"),
    );
    assert_eq!(
        fetch(&allowed, &server.url("/br")),
        Err(FetchError::Encoding)
    );
    server.put("/error", Page::status(500));
    assert_eq!(
        fetch(&allowed, &server.url("/error")),
        Err(FetchError::Status(500))
    );

    // A server that takes the connection and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let started = Instant::now();
    let request = Request {
        url: &url,
        validators: &Validators::default(),
        largest: 1000,
        patience: Duration::from_millis(300),
    };
    assert!(matches!(
        allowed.fetch(&request),
        Err(FetchError::Connection(_))
    ));
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn c_mc1_a_conditional_request_hears_that_nothing_has_changed() {
    let server = Server::new();
    let allowed = policy("loopback");
    server.put(
        "/",
        Page::document("one")
            .with("ETag", "\"1\"")
            .with("Last-Modified", "Sat, 21 Nov 2026 12:00:00 GMT"),
    );
    let Ok(Fetched::Document { validators, .. }) = fetch(&allowed, &server.url("/")) else {
        panic!("a document");
    };
    let again = allowed.fetch(&Request {
        url: &server.url("/"),
        validators: &validators,
        largest: 1000,
        patience: Duration::from_secs(5),
    });
    assert_eq!(again, Ok(Fetched::Unchanged));
    let asked = server.asked();
    assert_eq!(asked[1].headers["if-none-match"], "\"1\"");
    assert_eq!(
        asked[1].headers["if-modified-since"],
        "Sat, 21 Nov 2026 12:00:00 GMT"
    );
}
