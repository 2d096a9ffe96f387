//! Certificates made for one test, and a client that trusts exactly those.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslConnector, SslMethod, SslStream};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};

/// A certificate that vouches for itself, and its key.
pub(crate) struct Certificate {
    pub(crate) x509: X509,
    key: PKey<Private>,
}

impl Certificate {
    /// For these host names and addresses, from yesterday on for so many days.
    pub(crate) fn of(hosts: &[&str], days: i64) -> Self {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let mut name = X509NameBuilder::new().unwrap();
        let first = hosts.first().unwrap();
        name.append_entry_by_nid(Nid::COMMONNAME, first).unwrap();
        let name = name.build();
        let mut made = X509::builder().unwrap();
        made.set_version(2).unwrap();
        let mut serial = BigNum::new().unwrap();
        serial.rand(64, MsbOption::MAYBE_ZERO, false).unwrap();
        made.set_serial_number(&serial.to_asn1_integer().unwrap())
            .unwrap();
        made.set_subject_name(&name).unwrap();
        made.set_issuer_name(&name).unwrap();
        let at = |days: i64| Asn1Time::from_unix(now() + days * 86_400).unwrap();
        made.set_not_before(&at(-30)).unwrap();
        made.set_not_after(&at(days)).unwrap();
        made.set_pubkey(&key).unwrap();
        let mut names = SubjectAlternativeName::new();
        for host in hosts {
            match host.parse::<IpAddr>() {
                Ok(_) => names.ip(host),
                Err(_) => names.dns(host),
            };
        }
        let names = names.build(&made.x509v3_context(None, None)).unwrap();
        made.append_extension(names).unwrap();
        made.append_extension(BasicConstraints::new().ca().build().unwrap())
            .unwrap();
        made.sign(&key, MessageDigest::sha256()).unwrap();
        Self {
            x509: made.build(),
            key,
        }
    }

    pub(crate) fn cert_pem(&self) -> Vec<u8> {
        self.x509.to_pem().unwrap()
    }

    pub(crate) fn key_pem(&self) -> Vec<u8> {
        self.key.private_key_to_pem_pkcs8().unwrap()
    }

    /// Puts both where they are expected, each file at once as renewing tools do it.
    pub(crate) fn put(&self, cert: &Path, key: &Path) {
        replace(key, &self.key_pem());
        replace(cert, &self.cert_pem());
    }
}

/// Writes a file beside it and moves it there.
pub(crate) fn replace(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes).unwrap();
    std::fs::rename(beside, path).unwrap();
}

/// A TLS connection that trusts these certificates and checks the name.
pub(crate) fn connect(
    address: &str,
    host: &str,
    trusted: &[&Certificate],
) -> Result<SslStream<TcpStream>, String> {
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    for certificate in trusted {
        let store = connector.cert_store_mut();
        store.add_cert(certificate.x509.clone()).unwrap();
    }
    let stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let connected = connector.build().connect(host, stream);
    connected.map_err(|error| error.to_string())
}

/// Sends one GET and reads the answer's head and body, as long as it says it is.
pub(crate) fn get(stream: &mut (impl Read + Write), path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = stream.read(&mut piece).unwrap();
        assert_ne!(
            read,
            0,
            "the connection ended: {}",
            String::from_utf8_lossy(&bytes)
        );
        bytes.extend(piece.iter().take(read));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let line = line.to_lowercase();
                line.strip_prefix("content-length: ")?.parse().ok()
            });
            if body.len() >= length.unwrap_or(0) {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                return (status, text);
            }
        }
    }
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
