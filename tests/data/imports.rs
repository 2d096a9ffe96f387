use std::fmt::Write as _;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::app::Product;
use crate::support::sp::Sp;

pub(crate) const SETTINGS: &str = "signing_algorithm = \"p256\"\nthrottle = \"off\"\n\
     argon2.memory_kib = 64\nargon2.iterations = 1";

const HEAD: &str = "name,email,display_name,roles,password_hash\n";

/// Imports a text; gives how it ended and its document.
fn import(product: &Product, text: &str, options: &[&str]) -> (Output, Value) {
    let file = product.file("people.csv", text);
    let line = ["import", "users", &file, "--json"];
    let output = product.try_cli(&[&line[..], options].concat(), "");
    let document = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("no document ({error}): {output:?}");
    });
    (output, document)
}

fn user(product: &Product, name: &str) -> Value {
    let text = product.cli(["user", "show", name, "--json"]);
    serde_json::from_str::<Value>(&text).unwrap()["user"].clone()
}

fn users(product: &Product) -> Vec<Value> {
    let text = product.cli(["user", "list", "--json"]);
    let document: Value = serde_json::from_str(&text).unwrap();
    document["users"].as_array().unwrap().clone()
}

fn counts(document: &Value) -> [u64; 4] {
    ["added", "updated", "unchanged", "refused"].map(|name| document[name].as_u64().unwrap())
}

#[tokio::test]
async fn people_sign_in_with_the_passwords_that_they_had_elsewhere() {
    let product = Product::serve(SETTINGS).await;
    let sp = Sp::new("https://store.example/saml", "https://store.example/acs");
    let metadata = product.file("sp.xml", &sp.metadata(""));
    product.cli([
        "sp",
        "add",
        "--name",
        "store",
        "--metadata",
        &metadata,
        "--require-role",
        "consumer",
    ]);
    let text = format!(
        "{HEAD}ada,ada@example.org,Ada,consumer,$wso2$sha256$s=GzgyTT0M0TSvgMaXZEbD1Q==$JZXxIOnJGJvkFpkCAp7NPU/GiOioNskcldGa0+hqVRE=\n\
         grace,,Grace,consumer;navy,$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e\n\
         mary,,Mary,navy,\n"
    );
    let (output, document) = import(&product, &text, &[]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(counts(&document), [3, 0, 0, 0]);
    assert_eq!(document["created_roles"], json!(["navy"]));
    for (name, password) in [("ada", "admin"), ("grace", "correct horse")] {
        // The second time it is argon2id that is checked.
        for _ in 0..2 {
            let browser = product.browser();
            let page = browser.visit(&product.idp("/login")).await;
            let page = browser.sign_in(&page, name, "another one").await;
            assert!(page.asks_to_sign_in(), "{name}");
            let page = browser.sign_in(&page, name, password).await;
            assert!(!page.asks_to_sign_in(), "{name}: {}", page.in_short());
        }
    }
    // Whoever came without a password has none; nothing fits.
    let browser = product.browser();
    let page = browser.visit(&product.idp("/login")).await;
    let page = browser.sign_in(&page, "mary", "").await;
    assert!(page.asks_to_sign_in());
    let explained = product.cli(["access", "explain", "grace", "store"]);
    assert!(explained.contains("may enter"), "{explained}");
    product.cli(["audit", "verify"]);
    let again = import(&product, &text, &[]).1;
    assert_eq!(counts(&again), [0, 0, 3, 0], "{again}");
}

#[tokio::test]
async fn bad_rows_are_named_by_their_lines_and_the_others_are_taken_over() {
    let product = Product::serve(SETTINGS).await;
    let text = format!(
        "{HEAD}ada,ada@example.org,Ada,consumer;Internal/publisher,\n\
         ,nobody@example.org,Nobody,consumer,\n\
         grace,no address,Grace,consumer,\n\
         mary,,Mary,\"con\tsumer\",\n\
         joan,,Joan,consumer,open sesame\n\
         Ada,ada@example.org,Another Ada,,\n\
         edith,,Edith,everyone,\n"
    );
    let (output, document) = import(&product, &text, &[]);
    assert_eq!(output.status.code(), Some(1));
    let complained = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<_> = complained.lines().collect();
    assert_eq!(counts(&document), [2, 0, 0, 5]);
    for (place, line) in [3, 4, 5, 6, 7].into_iter().enumerate() {
        assert_eq!(document["problems"][place]["line"], line);
        assert!(
            lines[place].starts_with(&format!("line {line}: ")),
            "{complained}"
        );
    }
    assert!(
        lines[4].contains("there is a user ada already"),
        "{complained}"
    );
    assert!(lines[4].contains("display name, roles"), "{complained}");
    assert_eq!(lines.len(), 6, "{complained}");
    assert!(
        lines[5].contains("5 rows were refused; mend"),
        "{complained}"
    );
    assert!(!complained.contains("sesame"));
    let names: Vec<_> = users(&product)
        .iter()
        .map(|user| user["name"].clone())
        .collect();
    assert_eq!(names, ["ada", "edith"]);
    assert_eq!(
        user(&product, "ada")["roles"],
        json!(["Internal/publisher", "consumer"])
    );
    // The roles of rows that were refused did not come into being.
    let roles = product.cli(["role", "list", "--json"]);
    assert!(!roles.contains("con\\tsumer"), "{roles}");
}

#[tokio::test]
async fn an_update_makes_people_as_the_file_says_and_leaves_their_passwords_alone() {
    let product = Product::serve(SETTINGS).await;
    product.add_user("ada", "correct horse", &["consumer", "old"]);
    let hash = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";
    let text = format!(
        "{HEAD}ada,lovelace@example.org,Ada Lovelace,consumer;new,{}\n\
         grace,,Grace,consumer,\n",
        "$wso2$sha256$jGl25bVBBBW96Qi9Te4V37Fnqchz/Eu4qB9vKrRIqRg="
    );
    let (_, refused) = import(&product, &text, &[]);
    assert_eq!(counts(&refused), [1, 0, 0, 1]);
    assert_eq!(user(&product, "ada")["roles"], json!(["consumer", "old"]));
    let (_, updated) = import(&product, &text, &["--update"]);
    assert_eq!(counts(&updated), [0, 1, 1, 0]);
    let ada = user(&product, "ada");
    assert_eq!(ada["roles"], json!(["consumer", "new"]));
    assert_eq!(ada["email"], "lovelace@example.org");
    assert_eq!(ada["display_name"], "Ada Lovelace");
    let browser = product.browser();
    let page = browser.visit(&product.idp("/login")).await;
    let page = browser.sign_in(&page, "ada", "admin").await;
    assert!(page.asks_to_sign_in(), "her password was replaced");
    let page = browser.sign_in(&page, "ada", "correct horse").await;
    assert!(!page.asks_to_sign_in(), "{}", page.in_short());
    // Grace had none, so she gets the one of the file.
    let text = format!("{HEAD}grace,,Grace,consumer,{hash}\n");
    let (_, updated) = import(&product, &text, &["--update"]);
    assert_eq!(counts(&updated), [0, 1, 0, 0]);
    let browser = product.browser();
    let page = browser.visit(&product.idp("/login")).await;
    let page = browser.sign_in(&page, "grace", "correct horse").await;
    assert!(!page.asks_to_sign_in(), "{}", page.in_short());
    let log = product.cli(["audit", "list", "--user", "ada", "--json"]);
    let log: Value = serde_json::from_str(&log).unwrap();
    let seen = log["events"].as_array().unwrap().iter();
    let seen: Vec<_> = seen
        .map(|e| (e["kind"].as_str().unwrap(), e["detail"].as_str()))
        .collect();
    for expected in [
        ("user-updated", Some("email, display name")),
        ("role-revoked", Some("old")),
        ("role-granted", Some("new")),
    ] {
        assert!(seen.contains(&expected), "{expected:?} is not in {seen:?}");
    }
}

/// Everybody in the database, each with all three roles: no row is ever half done.
fn whole(product: &Product, most: usize) -> usize {
    let users = users(product);
    for user in &users {
        assert_eq!(user["roles"], json!(["a", "b", "c"]), "{user}");
    }
    assert!(users.len() <= most);
    users.len()
}

#[tokio::test]
async fn an_import_that_is_killed_leaves_no_row_half_done_and_goes_on_when_run_again() {
    const PEOPLE: usize = 4000;
    let product = Product::serve(SETTINGS).await;
    let mut text = HEAD.to_owned();
    for number in 0..PEOPLE {
        let _ = writeln!(text, "user{number:06},,User {number},a;b;c,");
    }
    let file = product.file("people.csv", &text);
    let mut interrupted = 0;
    for _ in 0..3 {
        let before = whole(&product, PEOPLE);
        let mut child = product
            .command(&["import", "users", &file])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while users_in(&product) <= before && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let after = whole(&product, PEOPLE);
        assert!(after > before, "{before} people became {after}");
        interrupted += usize::from(after < PEOPLE);
    }
    assert!(interrupted > 0, "it was never interrupted");
    let done = whole(&product, PEOPLE);
    let (output, document) = import(&product, &text, &[]);
    assert!(output.status.success(), "{output:?}");
    let (done, rest) = (done as u64, (PEOPLE - done) as u64);
    assert_eq!(counts(&document), [rest, 0, done, 0]);
    assert_eq!(whole(&product, PEOPLE), PEOPLE);
    product.cli(["audit", "verify"]);
    eprintln!("interrupted {interrupted} times, the last time after {done} of {PEOPLE} people");
}

fn users_in(product: &Product) -> usize {
    let users = product.database().number("SELECT COUNT(*) FROM users");
    usize::try_from(users).unwrap()
}
