//! A person who is signed in, and the requests with which an app sends them.

use std::collections::BTreeMap;
use std::io::{Result, Write as _};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward::clock::Clock;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::http::{self, Connection, odd};

/// Where the one registered app takes Responses.
pub(crate) const ACS: &str = "http://app.example.org/saml/acs";
/// What it is called.
pub(crate) const ENTITY_ID: &str = "http://app.example.org/saml/metadata";
/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A browser on a connection of its own, with the cookies of somebody who is signed in.
pub(crate) struct Person {
    address: SocketAddr,
    connection: Connection,
    cookies: BTreeMap<String, String>,
}

impl Person {
    /// Comes with a request, is asked for the password, and is handed over to the app.
    pub(crate) async fn sign_in(address: SocketAddr, name: &str) -> Result<Self> {
        let mut person = Self {
            address,
            connection: Connection::open(address).await?,
            cookies: BTreeMap::new(),
        };
        let login = person.follow(&fresh_request(address)).await?;
        let page = person.fetch(&login).await?;
        let token = between(&page, "name=\"token\" value=\"", "\"");
        let token = token.ok_or_else(|| odd(format!("no sign-in form: {page}")))?;
        let [token, password] = [token, PASSWORD].map(escaped);
        let form = format!("token={token}&username={name}&password={password}");
        let request = http::post(address, "/login", &person.cookie_line(), &form);
        let back = person.redirected(&request).await?;
        let back = http::get(address, &back, &person.cookie_line());
        person.check(&back).await?;
        Ok(person)
    }

    /// The same person on a new connection, for instance to a server that was started again.
    pub(crate) async fn again(&self, address: SocketAddr) -> Result<Self> {
        Ok(Self {
            address,
            connection: Connection::open(address).await?,
            cookies: self.cookies.clone(),
        })
    }

    /// So many requests, no two the same.
    pub(crate) fn requests(&self, count: usize) -> Vec<Vec<u8>> {
        let cookies = self.cookie_line();
        let fresh = || http::get(self.address, &fresh_request(self.address), &cookies);
        std::iter::repeat_with(fresh).take(count).collect()
    }

    /// Sends a request; what comes back has to be a Response page.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<()> {
        let answer = self.connection.exchange(request).await?;
        if answer.status == 200 && answer.body.contains("name=\"SAMLResponse\"") {
            Ok(())
        } else {
            Err(odd(format!(
                "no Response: {}\n{}",
                answer.status, answer.body
            )))
        }
    }

    /// Sends a request and looks into the Response: it holds an assertion of success.
    pub(crate) async fn check(&mut self, request: &[u8]) -> Result<()> {
        let answer = self.connection.exchange(request).await?;
        let value = between(answer.body, "name=\"SAMLResponse\" value=\"", "\"");
        // The page writes base64's `+` and `/` as references where it has to.
        let value = value
            .unwrap_or_default()
            .replace("&#43;", "+")
            .replace("&#47;", "/");
        let value = value.replace("&#61;", "=");
        let xml = STANDARD
            .decode(value)
            .map_err(|error| odd(error.to_string()))?;
        let xml = String::from_utf8(xml).map_err(|error| odd(error.to_string()))?;
        if xml.contains("status:Success") && xml.contains("</saml:Assertion>") {
            Ok(())
        } else {
            Err(odd(format!("no assertion: {}\n{xml}", answer.status)))
        }
    }

    async fn follow(&mut self, target: &str) -> Result<String> {
        let request = http::get(self.address, target, &self.cookie_line());
        self.redirected(&request).await
    }

    async fn redirected(&mut self, request: &[u8]) -> Result<String> {
        let answer = self.connection.exchange(request).await?;
        let location = answer.header("location").next().map(str::to_owned);
        let location = location.ok_or_else(|| odd(format!("no redirect: {}", answer.status)))?;
        let set = cookies(&answer);
        self.cookies.extend(set);
        Ok(location)
    }

    async fn fetch(&mut self, target: &str) -> Result<String> {
        let request = http::get(self.address, target, &self.cookie_line());
        let answer = self.connection.exchange(&request).await?;
        let (set, page) = (cookies(&answer), answer.body.to_owned());
        self.cookies.extend(set);
        Ok(page)
    }

    fn cookie_line(&self) -> String {
        let pairs: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }
}

fn cookies(answer: &http::Answer<'_>) -> Vec<(String, String)> {
    let pairs = answer
        .header("set-cookie")
        .filter_map(|line| line.split(';').next()?.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The address of a fresh AuthnRequest by HTTP-Redirect, as an SP library writes it.
fn fresh_request(address: SocketAddr) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = Clock::System.now();
    let xml = format!(
        r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_5c3f2a9d84e1b7{id:026x}" Version="2.0" IssueInstant="{now}" Destination="http://{address}/saml/sso" ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" AssertionConsumerServiceURL="{ACS}"><saml:Issuer>{ENTITY_ID}</saml:Issuer><samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" AllowCreate="true"/></samlp:AuthnRequest>"#
    );
    let mut deflated = DeflateEncoder::new(Vec::new(), Compression::default());
    // Writing to a Vec cannot fail.
    let _ = deflated.write_all(xml.as_bytes());
    let deflated = deflated.finish().unwrap_or_default();
    let message = escaped(&STANDARD.encode(deflated));
    format!("/saml/sso?SAMLRequest={message}&RelayState=%2Fassets%3Fq%3D{id}")
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?
        .1
        .split_once(after)
        .map(|(inside, _)| inside)
}
