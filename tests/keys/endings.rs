//! The log tells in time what will end, once a day over all nodes.

use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509NameBuilder};

use crate::support::app::Product;

/// A self-signed certificate that ends so many days from now, in PEM.
fn certificate(days: u32) -> String {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "an app").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(days).unwrap())
        .unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    String::from_utf8(builder.build().to_pem().unwrap()).unwrap()
}

fn register(product: &Product, name: &str, days: u32) {
    let file = product.file(&format!("{name}.pem"), &certificate(days));
    let (id, acs) = (
        format!("https://{name}.example/saml"),
        format!("https://{name}.example/acs"),
    );
    product.cli([
        "sp",
        "add",
        "--name",
        name,
        "--entity-id",
        &id,
        "--acs",
        &acs,
        "--require-role",
        "r",
        "--certificate",
        &file,
    ]);
}

/// Level, SP and days of every line about something that ends.
fn told(product: &Product) -> Vec<(String, String, i64)> {
    let mut told = Vec::new();
    for line in product.log() {
        let about_an_end = line["message"].as_str().unwrap().ends_with("provider ends");
        if about_an_end {
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            told.push((text("level"), text("sp"), line["days"].as_i64().unwrap()));
        }
    }
    told.sort();
    told
}

#[tokio::test]
async fn the_log_tells_of_ends_once_a_day_the_louder_the_nearer() {
    let mut product = Product::serve("signing_algorithm = \"p256\"").await;
    register(&product, "soon", 5);
    register(&product, "month", 20);
    register(&product, "later", 50);
    register(&product, "far", 90);
    product.restart().await;
    assert_eq!(told(&product), [], "today it was told already");

    // The next day, as far as the database knows.
    let changed = product.by_hand("UPDATE leases SET held_until = 0 WHERE name = 'endings'");
    assert_eq!(changed, 1);
    product.restart().await;
    for _ in 0..100 {
        if told(&product).len() == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let line = |level: &str, sp: &str, days| (level.to_owned(), sp.to_owned(), days);
    assert_eq!(
        told(&product),
        [
            line("INFO", "later", 49),
            line("WARN", "month", 19),
            line("WARN", "soon", 4)
        ]
    );
}
