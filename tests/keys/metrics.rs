//! `/metrics`: who may read it, and what it counts.

use crate::support::app::{Product, free_ports};
use crate::support::sp::Sp;

const PASSWORD: &str = "correct horse battery";

async fn scrape(url: &str) -> String {
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), 200, "{url}");
    let media_type = answer.headers()["content-type"].to_str().unwrap();
    assert!(
        media_type.starts_with("application/openmetrics-text"),
        "{media_type}"
    );
    let text = answer.text().await.unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    text
}

/// The value of the one sample that begins so.
fn value(text: &str, begins: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(begins))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn register(product: &Product) -> Sp {
    let sp = Sp::new("https://store.example/saml", "https://store.example/acs");
    let file = product.file("store.xml", &sp.metadata(""));
    product.cli([
        "sp",
        "add",
        "--metadata",
        &file,
        "--name",
        "store",
        "--require-role",
        "staff",
    ]);
    sp
}

#[tokio::test]
async fn sign_ins_refusals_and_assertions_are_counted_and_nobody_is_named() {
    let product = Product::serve("signing_algorithm = \"p256\"").await;
    let sp = register(&product);
    product.add_user("zelda", PASSWORD, &["staff"]);
    product.add_user("visitor", PASSWORD, &[]);
    for (name, password) in [
        ("zelda", PASSWORD),
        ("zelda", "wrong horse"),
        ("visitor", PASSWORD),
    ] {
        let browser = product.browser();
        let request = sp.request(&product.idp("/saml/sso"));
        let form = browser.visit(&request.redirect(None)).await;
        browser.sign_in(&form, name, password).await;
    }
    product.browser().get(&product.idp("/no/such/page")).await;

    let said = scrape(&product.idp("/metrics")).await;
    let event = |kind: &str, outcome: &str, reason: &str| {
        let labels = format!("kind=\"{kind}\",outcome=\"{outcome}\",reason=\"{reason}\"");
        value(&said, &format!("doorward_audit_events_total{{{labels}}}"))
    };
    assert_eq!(event("sign-in", "done", ""), Some(2.0));
    assert_eq!(event("sign-in", "refused", "wrong-password"), Some(1.0));
    assert_eq!(event("assertion", "refused", "missing-role"), Some(1.0));
    assert_eq!(value(&said, "doorward_assertions_issued_total"), Some(1.0));
    let not_found = "doorward_failure_pages_total{reason=\"not-found\"}";
    assert_eq!(value(&said, not_found), Some(1.0));
    let route = "doorward_http_request_duration_seconds_count{method=\"POST\",route=\"/login\"";
    assert!(value(&said, route).is_some(), "{said}");
    assert!(
        !said.contains("/no/such/page"),
        "a stranger makes no series"
    );
    for secret in ["zelda", "visitor", "127.0.0.1"] {
        assert!(!said.contains(secret), "{secret} in\n{said}");
    }
    for gauge in [
        "doorward_process_resident_memory_bytes ",
        "doorward_process_cpu_seconds_total ",
        "doorward_password_queue_waiting ",
        "doorward_audit_queue_waiting ",
        "doorward_sessions ",
        "doorward_build_info{version=",
    ] {
        assert!(value(&said, gauge).is_some(), "{gauge} in\n{said}");
    }
}

#[tokio::test]
async fn the_end_of_every_certificate_is_measured() {
    let product = Product::serve("signing_algorithm = \"p256\"").await;
    register(&product);
    product.cli(["key", "rotate"]);
    let said = scrape(&product.idp("/metrics")).await;
    let now = f64::from(u32::try_from(crate::support::sp::now().as_second()).unwrap());
    let years = |line: &str| {
        let end: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
        (end - now) / 86_400.0 / 365.25
    };
    let of = |name: &'static str| said.lines().filter(move |line| line.starts_with(name));
    let ours: Vec<_> = of("doorward_signing_key_not_after_timestamp_seconds{").collect();
    assert_eq!(ours.len(), 2, "{said}");
    assert!(ours.iter().any(|line| line.contains("state=\"next\"")));
    assert!(ours.iter().all(|line| (9.0..11.0).contains(&years(line))));
    let theirs: Vec<_> = of("doorward_sp_certificate_not_after_timestamp_seconds{").collect();
    assert_eq!(theirs.len(), 1, "{said}");
    assert!(theirs[0].contains("sp=\"store\""));
    assert!((9.0..11.0).contains(&years(theirs[0])));
}

#[tokio::test]
async fn on_the_main_address_only_this_machine_itself_reads_it() {
    let product = Product::serve("signing_algorithm = \"p256\"").await;
    let client = reqwest::Client::new();
    for header in [
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "Forwarded",
        "Via",
        "X-Real-IP",
    ] {
        let request = client
            .get(product.idp("/metrics"))
            .header(header, "192.0.2.1");
        let answer = request.send().await.unwrap();
        assert_eq!(
            answer.status(),
            404,
            "a proxy asks for the whole world: {header}"
        );
    }
    scrape(&product.idp("/metrics")).await;
}

#[tokio::test]
async fn with_an_address_of_its_own_it_is_served_there_and_nowhere_else() {
    let port = free_ports(1);
    let settings = format!("metrics_listen = \"127.0.0.1:{port}\"\nsigning_algorithm = \"p256\"");
    let product = Product::serve(&settings).await;
    let own = format!("http://127.0.0.1:{port}");
    scrape(&format!("{own}/metrics")).await;
    let main = reqwest::get(product.idp("/metrics")).await.unwrap();
    assert_eq!(main.status(), 404);
    for path in ["/login", "/saml/metadata", "/healthz"] {
        let answer = reqwest::get(format!("{own}{path}")).await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
}
