//! One browser's connections: HTTP/1.1 over TLS, one request at a time, each failure named. Blocking and
//! small, so that hundreds run beside the servers that are measured.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod, SslStream};

use crate::tls::Certificate;

/// How long a person waits for one answer.
const PATIENCE: Duration = Duration::from_secs(40);

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Who trusts the test's certificates, and where they are served.
#[derive(Clone)]
pub(crate) struct Wire {
    connector: SslConnector,
    port: u16,
}

impl Wire {
    pub(crate) fn new(trusted: &[Certificate], port: u16) -> Self {
        let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
        for certificate in trusted {
            let store = connector.cert_store_mut();
            store.add_cert(certificate.x509.clone()).unwrap();
        }
        let connector = connector.build();
        Self { connector, port }
    }

    fn connect(&self, host: &str) -> Result<SslStream<TcpStream>, String> {
        let stream = TcpStream::connect(("127.0.0.1", self.port));
        let stream = stream.map_err(|error| format!("nginx does not listen: {error}"))?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let connected = self.connector.connect(host, stream);
        connected.map_err(|error| format!("no TLS with {host}: {error}"))
    }
}

/// The connections and cookies of one browser.
pub(crate) struct Browser {
    wire: Wire,
    open: BTreeMap<String, SslStream<TcpStream>>,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

impl Browser {
    pub(crate) fn new(wire: &Wire) -> Self {
        Self {
            wire: wire.clone(),
            open: BTreeMap::new(),
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) fn get(&mut self, url: &str) -> Result<Answer, String> {
        self.exchange("GET", url, None, "")
    }

    /// A form of this very site.
    pub(crate) fn post(
        &mut self,
        url: &str,
        fields: &[(String, String)],
    ) -> Result<Answer, String> {
        let origin = origin(url);
        self.exchange("POST", url, Some(&origin), &encoded(fields))
    }

    /// A form of another site: `SameSite=Lax` cookies stay behind.
    pub(crate) fn post_from(
        &mut self,
        from: &str,
        url: &str,
        fields: &[(String, String)],
    ) -> Result<Answer, String> {
        self.exchange("POST", url, Some(&origin(from)), &encoded(fields))
    }

    fn exchange(
        &mut self,
        method: &str,
        url: &str,
        from: Option<&str>,
        body: &str,
    ) -> Result<Answer, String> {
        let (host, path) = split(url);
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
        let cross_site = from.is_some_and(|from| from != origin(url));
        let cookies = self.cookies.get(host).filter(|_| !cross_site);
        if let Some(cookies) = cookies.filter(|cookies| !cookies.is_empty()) {
            let pairs: Vec<_> = cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let _ = write!(request, "Cookie: {}\r\n", pairs.join("; "));
        }
        if let Some(from) = from {
            let _ = write!(
                request,
                "Origin: {from}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                 Content-Length: {}\r\n",
                body.len()
            );
        }
        request.push_str("\r\n");
        request.push_str(body);
        let mut stream = match self.open.remove(host) {
            Some(stream) => stream,
            None => self.wire.connect(host)?,
        };
        stream
            .write_all(request.as_bytes())
            .map_err(|error| format!("{method} {path:.60}: {error}"))?;
        let answer = read(&mut stream).map_err(|error| format!("{method} {path:.60}: {error}"))?;
        for (_, set) in answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
        {
            self.keep(host, set);
        }
        if answer.header("connection") != Some("close") {
            self.open.insert(host.to_owned(), stream);
        }
        Ok(answer)
    }

    fn keep(&mut self, host: &str, set: &str) {
        let pair = set.split(';').next().unwrap_or_default();
        let (name, value) = pair.split_once('=').expect("a cookie has a name");
        let cookies = self.cookies.entry(host.to_owned()).or_default();
        if set.contains("Max-Age=0") || value.is_empty() {
            cookies.remove(name);
        } else {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// `https://login.example.org:4443/a?b` is `login.example.org` and `/a?b`.
fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("https://").expect("an https address");
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.split(':').next().unwrap();
    (host, if path.is_empty() { "/" } else { path })
}

/// Scheme, host and port.
pub(crate) fn origin(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

fn encoded(fields: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn read(stream: &mut impl Read) -> Result<Answer, String> {
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    let mut more = |bytes: &mut Vec<u8>| match stream.read(&mut piece) {
        Ok(0) => Err("the connection ended before the answer did".to_owned()),
        Ok(count) => {
            bytes.extend_from_slice(&piece[..count]);
            Ok(())
        }
        Err(error) => Err(error.to_string()),
    };
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        more(&mut bytes)?;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut body = bytes.split_off(end + 4);
    let named = |name: &str| {
        headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    };
    if named("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        while !body.ends_with(b"0\r\n\r\n") {
            more(&mut body)?;
        }
        body = unchunked(&body);
    } else {
        let length = named("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        while body.len() < length {
            more(&mut body)?;
        }
    }
    let body = String::from_utf8_lossy(&body).into_owned();
    let status = status.ok_or_else(|| format!("no answer of HTTP: {head:.80}"))?;
    Ok(Answer {
        status,
        headers,
        body,
    })
}

fn unchunked(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|window| window == b"\r\n") {
        let size = String::from_utf8_lossy(&chunks[..end]).into_owned();
        let size = usize::from_str_radix(size.split(';').next().unwrap(), 16).unwrap();
        if size == 0 {
            break;
        }
        body.extend_from_slice(&chunks[end + 2..end + 2 + size]);
        chunks = &chunks[end + 2 + size + 2..];
    }
    body
}
