//! HTTPS served directly, and how a server stops: signals, files and a real TLS client.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use openssl::ssl::SslStream;

use crate::support::Installation;
use crate::tls::{Certificate, connect, get, replace};

/// `doorward serve` in the folder of an installation.
struct Serving<'i> {
    here: &'i Installation,
    address: String,
    process: Child,
}

impl<'i> Serving<'i> {
    fn start(here: &'i Installation, scheme: &str, settings: &str) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        here.write(
            "doorward.toml",
            &format!("base_url = \"{scheme}://{address}\"\nlisten = \"{address}\"\n{settings}"),
        );
        let log = std::fs::File::create(here.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOORWARD_")) {
            command.env_remove(name);
        }
        let process = command
            .arg("serve")
            .current_dir(here.path())
            .env("DOORWARD_SIGNING_ALGORITHM", "p256")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let serving = Self {
            here,
            address,
            process,
        };
        until("it listens", || {
            TcpStream::connect(&serving.address).is_ok()
        });
        serving
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        let status = Command::new("kill").args([name, &id]).status().unwrap();
        assert!(status.success());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.here.path().join("log")).unwrap()
    }

    fn has_ended(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(Some(status)) if status.success())
    }

    fn client(&self, trusted: &[&Certificate]) -> Result<SslStream<TcpStream>, String> {
        connect(&self.address, "127.0.0.1", trusted)
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("the log:\n{}", self.log());
        }
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn renewed_tls_files_are_served_without_a_restart_and_broken_ones_are_not() {
    let here = Installation::new();
    let (cert, key) = (here.path().join("cert.pem"), here.path().join("key.pem"));
    let [first, second, third] = [1, 2, 3].map(|_| Certificate::of(&["127.0.0.1"], 90));
    first.put(&cert, &key);
    let settings = "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n";
    let serving = Serving::start(&here, "https", settings);

    let mut held = serving.client(&[&first]).unwrap();
    let (status, answer) = get(&mut held, "/healthz");
    assert_eq!(status, 200);
    assert!(answer.to_lowercase().contains("strict-transport-security"));
    assert!(matches!(held.ssl().version_str(), "TLSv1.3" | "TLSv1.2"));
    assert!(
        serving.client(&[&second]).is_err(),
        "nobody trusts that yet"
    );

    second.put(&cert, &key);
    serving.signal("-HUP");
    until("SIGHUP has the new pair taken", || {
        serving.client(&[&second]).is_ok()
    });
    assert_eq!(
        get(&mut held, "/readyz").0,
        200,
        "who was connected stays so"
    );

    // Neither a text that is none, nor another certificate's key, nor one that has ended.
    let ended = Certificate::of(&["127.0.0.1"], -1);
    let complaints = |log: &str| log.matches("the old ones stay in use").count();
    for (number, (bad_cert, bad_key)) in [
        (b"nothing".to_vec(), second.key_pem()),
        (third.cert_pem(), second.key_pem()),
        (ended.cert_pem(), ended.key_pem()),
    ]
    .into_iter()
    .enumerate()
    {
        replace(&key, &bad_key);
        replace(&cert, &bad_cert);
        serving.signal("-HUP");
        until("it complains", || complaints(&serving.log()) > number);
        let mut client = serving.client(&[&second]).expect("the old pair is served");
        assert_eq!(get(&mut client, "/healthz").0, 200);
    }
    std::fs::remove_file(&cert).unwrap();
    serving.signal("-HUP");
    until("it misses the file", || {
        serving.log().contains("cert.pem cannot be read")
    });
    assert!(serving.client(&[&second]).is_ok());

    // Without a signal, within seconds.
    third.put(&cert, &key);
    until("it sees the new pair by itself", || {
        serving.client(&[&third]).is_ok()
    });
    assert!(serving.client(&[&second]).is_err(), "the old one is gone");
}

#[test]
fn serve_refuses_to_start_with_tls_files_that_do_not_belong_together() {
    let here = Installation::new();
    let [one, other] = [1, 2].map(|_| Certificate::of(&["127.0.0.1"], 90));
    here.write("cert.pem", std::str::from_utf8(&one.cert_pem()).unwrap());
    here.write("key.pem", std::str::from_utf8(&other.key_pem()).unwrap());
    here.write(
        "doorward.toml",
        "base_url = \"https://127.0.0.1:1\"\nlisten = \"127.0.0.1:0\"\n\
         [tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n",
    );
    let ended = here.run(&["serve"]);
    assert_eq!(ended.status, 1);
    assert!(ended.complained.contains("does not belong"), "{ended:?}");
}

#[test]
fn check_looks_at_the_certificate_its_name_its_end_and_who_can_read_the_key() {
    use std::os::unix::fs::PermissionsExt;
    let here = Installation::new();
    let (cert, key) = (here.path().join("cert.pem"), here.path().join("key.pem"));
    here.write(
        "doorward.toml",
        "base_url = \"https://login.example.org\"\n[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\n",
    );
    let found = |certificate: &Certificate, mode: u32| {
        certificate.put(&cert, &key);
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let ended = here.run(&["check", "--offline", "--json"]);
        let checks = ended.json()["checks"].as_array().unwrap().clone();
        let about_tls =
            |found: &&serde_json::Value| found["name"].as_str().unwrap().starts_with("tls.");
        let line = |found: &serde_json::Value| {
            let (status, message) = (&found["status"], &found["message"]);
            format!("{} {}", status.as_str().unwrap(), message.as_str().unwrap())
        };
        checks
            .iter()
            .filter(about_tls)
            .map(line)
            .collect::<Vec<_>>()
    };
    let good = found(&Certificate::of(&["login.example.org"], 90), 0o640);
    assert!(
        good.len() == 1 && good[0].starts_with("ok the certificate holds"),
        "{good:?}"
    );
    let wild = found(&Certificate::of(&["*.example.org"], 90), 0o600);
    assert!(wild.len() == 1 && wild[0].starts_with("ok "), "{wild:?}");
    let bad = found(&Certificate::of(&["other.example.org"], 3), 0o644);
    assert!(
        bad[0].starts_with("warning the certificate ends on"),
        "{bad:?}"
    );
    assert!(
        bad[1].contains("does not name login.example.org"),
        "{bad:?}"
    );
    assert!(bad[2].starts_with("error others can read"), "{bad:?}");
    let ended = found(&Certificate::of(&["login.example.org"], -1), 0o600);
    assert!(
        ended[0].starts_with("error the certificate has ended"),
        "{ended:?}"
    );
}

#[test]
fn a_node_that_is_told_to_stop_says_so_before_it_stops_answering() {
    let here = Installation::new();
    let mut serving = Serving::start(&here, "http", "drain = \"30s\"\n");
    let mut held = TcpStream::connect(&serving.address).unwrap();
    assert_eq!(get(&mut held, "/readyz").0, 200);

    serving.signal("-TERM");
    until("it says so", || {
        let mut asked = TcpStream::connect(&serving.address).unwrap();
        get(&mut asked, "/readyz").0 == 503
    });
    let (status, answer) = get(&mut held, "/saml/metadata");
    assert_eq!(status, 200, "it still serves");
    assert!(
        answer.to_lowercase().contains("connection: close"),
        "{answer}"
    );
    assert!(!serving.has_ended());

    serving.signal("-TERM");
    until("a second signal ends the wait", || serving.has_ended());
}

#[test]
fn an_interrupt_does_not_wait_and_a_hangup_does_not_end_it() {
    let here = Installation::new();
    let mut serving = Serving::start(&here, "http", "drain = \"60s\"\n");
    serving.signal("-HUP");
    until("it answers the hangup", || serving.log().contains("SIGHUP"));
    let mut asked = TcpStream::connect(&serving.address).unwrap();
    assert_eq!(get(&mut asked, "/healthz").0, 200);
    drop(asked);
    serving.signal("-INT");
    until("it ends", || serving.has_ended());
}
