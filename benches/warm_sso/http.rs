//! As much of HTTP/1.1 as a load needs: one kept connection, whole requests written at once, and
//! an answer with a Content-Length. It costs next to nothing, so that the server has the machine.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a browser sends beside its cookies.
const BROWSER: &str = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 \
    Firefox/140.0\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
    Referer: http://app.example.org/\r\nConnection: keep-alive\r\nUpgrade-Insecure-Requests: 1\r\n\
    Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: cross-site\r\n";

/// A GET of a browser.
pub(crate) fn get(host: SocketAddr, target: &str, cookies: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{BROWSER}Cookie: {cookies}\r\n\r\n").into()
}

/// A form posted by a browser from our own page.
pub(crate) fn post(host: SocketAddr, target: &str, cookies: &str, form: &str) -> Vec<u8> {
    let length = form.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n{BROWSER}\
         Cookie: {cookies}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\n\r\n{form}"
    )
    .into()
}

/// A kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back; valid until the next exchange.
pub(crate) struct Answer<'c> {
    pub(crate) status: u16,
    pub(crate) head: &'c str,
    pub(crate) body: &'c str,
}

impl Answer<'_> {
    /// The values of a header.
    pub(crate) fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.head.lines().filter_map(move |line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        let exchanged = timeout(PATIENCE, self.converse(request)).await;
        let (body, end) = exchanged.map_err(|_| odd("no answer in time"))??;
        let text = self.buffer.get(..end).unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|_| odd("not UTF-8"))?;
        let (head, body) = text.split_at_checked(body).ok_or_else(|| odd("no head"))?;
        let status = head.get(9..12).and_then(|digits| digits.parse().ok());
        let status = status.ok_or_else(|| odd("no status"))?;
        Ok(Answer { status, head, body })
    }

    /// Where in the buffer the body of the answer begins and ends.
    async fn converse(&mut self, request: &[u8]) -> Result<(usize, usize)> {
        self.stream.write_all(request).await?;
        let (mut filled, mut whole) = (0, None);
        while whole.is_none_or(|(_, end)| filled < end) {
            let room = self.buffer.get_mut(filled..).unwrap_or_default();
            match self.stream.read(room).await? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                read => filled += read,
            }
            whole = whole.or_else(|| extent(self.buffer.get(..filled)?));
        }
        whole.ok_or_else(|| odd("no head"))
    }
}

/// Where the body begins and ends, once the head is there.
fn extent(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = name.eq_ignore_ascii_case("content-length");
        is_it.then(|| value.trim().parse::<usize>().ok())?
    });
    Some((head, head + length.unwrap_or(0)))
}

/// An answer that is not what it should be.
pub(crate) fn odd(what: impl Into<String>) -> Error {
    Error::other(what.into())
}
