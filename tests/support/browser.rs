//! A person's browser: a cookie jar, one request at a time, redirects followed by hand.

use std::io::Read;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::cookie::{CookieStore, Jar};
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Client, RequestBuilder, Url};

use super::form::{Form, forms};
use super::oracle::{self, Message, Oracle};

/// Somebody's browser. Who it is shows where the test calls [`Browser::sign_in`].
#[derive(Clone)]
pub(crate) struct Browser {
    client: Client,
    jar: Arc<Jar>,
    idp: String,
    oracle: Oracle,
    /// An application that is not ours, which may break as it likes.
    foreign: Option<String>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Where it came from.
    pub(crate) url: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// The addresses that redirected here, first one first.
    pub(crate) trail: Vec<String>,
    response: Option<(String, Message)>,
    initiator: Initiator,
}

/// `Sec-Fetch-Site`: how the one who asked for a navigation relates to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Initiator {
    /// Typed in, or a bookmark.
    Person,
    SameOrigin,
    SameSite,
    Elsewhere,
}

impl Browser {
    pub(crate) fn new(idp: String, oracle: Oracle) -> Self {
        let jar = Arc::new(Jar::default());
        let client = Client::builder()
            .cookie_provider(Arc::clone(&jar))
            .redirect(reqwest::redirect::Policy::none())
            // A connection for each request, so that a balancer may send each one elsewhere, and an
            // app may close idle ones when it suits it: a POST that meets such an end is lost.
            .pool_max_idle_per_host(0)
            .build()
            .expect("a client can be built");
        Self {
            client,
            jar,
            idp,
            oracle,
            foreign: None,
        }
    }

    /// The same browser, for somebody who also uses the foreign application at this address.
    pub(crate) fn beside(mut self, foreign: &str) -> Self {
        self.foreign = Some(foreign.to_owned());
        self
    }

    /// The same browser on the way to an SP that has this private key (PEM).
    pub(crate) fn decrypting(mut self, key: &str) -> Self {
        self.oracle = self.oracle.decrypting(key);
        self
    }

    /// One GET, as if typed in. A redirect is not followed.
    pub(crate) async fn get(&self, url: &str) -> Answer {
        self.send(self.client.get(url), Initiator::Person).await
    }

    /// One POST with these fields, from a page of the target's own origin. Nothing is followed.
    pub(crate) async fn post(&self, url: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = url_of(url).origin().ascii_serialization();
        let request = self.client.post(url).form(fields).header("Origin", origin);
        self.send(request, Initiator::SameOrigin).await
    }

    /// One POST with these fields from a page of `origin`. Nothing is followed.
    pub(crate) async fn post_from(
        &self,
        origin: &str,
        url: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let site = relation(&url_of(origin), &url_of(url));
        let request = self.client.post(url).form(fields).header("Origin", origin);
        self.send(request, site).await
    }

    /// Any other request; nothing is added but cookies, nothing is followed.
    pub(crate) async fn request(&self, build: impl FnOnce(&Client) -> RequestBuilder) -> Answer {
        self.receive(build(&self.client), Initiator::Person).await
    }

    /// GET, then every redirect.
    pub(crate) async fn visit(&self, url: &str) -> Answer {
        let first = self.get(url).await;
        self.follow(first).await
    }

    /// Follows redirects, each with a GET, until something else comes. The page that stands in for
    /// a redirect where the address would be too long (decision 10) is one more hop.
    pub(crate) async fn follow(&self, answer: Answer) -> Answer {
        let answer = self.redirected(answer).await;
        match answer.hand_on_form() {
            Some(form) => Box::pin(self.submit(&answer, &form)).await,
            None => answer,
        }
    }

    async fn redirected(&self, mut answer: Answer) -> Answer {
        while let Some(location) = answer.location() {
            assert!(
                answer.trail.len() < 20,
                "a circle of redirects: {:?}",
                answer.trail
            );
            check_request_in(&location);
            let crossed = relation(&url_of(&answer.url), &url_of(&location));
            // Without somebody who asked, redirects leave it at `none` (Fetch Metadata 2.4).
            let site = match answer.initiator {
                Initiator::Person => Initiator::Person,
                before => before.max(crossed),
            };
            let mut trail = answer.trail;
            trail.push(answer.url);
            answer = self.send(self.client.get(&location), site).await;
            answer.trail = trail;
        }
        answer
    }

    /// Sends a form of that page, then follows redirects.
    pub(crate) async fn submit(&self, page: &Answer, form: &Form) -> Answer {
        let target = url_of(&page.url)
            .join(&form.action)
            .unwrap_or_else(|error| panic!("action {:?}: {error}", form.action));
        assert_eq!(form.method, "post", "our forms are posted");
        let origin = url_of(&page.url).origin().ascii_serialization();
        let site = relation(&url_of(&page.url), &target);
        let request = self.client.post(target).form(&form.fields);
        let answer = self.send(request.header("Origin", origin), site).await;
        self.follow(answer).await
    }

    /// Presses the button of that page that says `label`.
    pub(crate) async fn press(&self, page: &Answer, label: &str) -> Answer {
        let has_button = |form: &Form| form.buttons.iter().any(|says| says == label);
        let form = forms(&page.body).into_iter().find(has_button);
        let form = form.unwrap_or_else(|| panic!("no button says {label:?}:\n{}", page.body));
        self.submit(page, &form).await
    }

    /// Fills in the sign-in form of that page, sends it, and follows redirects.
    pub(crate) async fn sign_in(&self, page: &Answer, name: &str, password: &str) -> Answer {
        let form = page.sign_in_form().unwrap_or_else(|| {
            panic!(
                "no sign-in form at {} ({}):\n{}",
                page.url, page.status, page.body
            )
        });
        let filled = filled_in(form, name, password);
        self.submit(page, &filled).await
    }

    /// Does what a page that carries a SAML message does by itself (Bindings 3.5.4): posts its
    /// form, and follows redirects.
    pub(crate) async fn deliver(&self, page: &Answer) -> Answer {
        let form = page.message_form();
        if let Some(request) = form.value("SAMLRequest") {
            // Others break the lines of their base64; ours are whole.
            let request = request.replace(['\r', '\n'], "");
            self.check_posted_request(&decoded(&request)).await;
        }
        self.submit(page, &form).await
    }

    /// A posted AuthnRequest follows the schemas; where its issuer publishes metadata on this
    /// machine, its signature verifies under a certificate in there.
    async fn check_posted_request(&self, xml: &str) {
        let message = oracle::read(xml).unwrap_or_else(|why| panic!("{why}\n{xml}"));
        let issuer = message.issuer.unwrap_or_default();
        if issuer.starts_with("http://127.0.0.1") {
            let published = self.client.get(&issuer).send().await.expect("metadata");
            let published = published.text().await.expect("metadata is text");
            let sp = Oracle::of_certificates_in(&published);
            sp.check(xml);
        }
    }

    /// The cookies that would go to this address, as one header.
    pub(crate) fn cookies(&self, url: &str) -> String {
        let header = self.jar.cookies(&url_of(url));
        header.map_or_else(String::new, |value| {
            value.to_str().expect("our cookies are ASCII").to_owned()
        })
    }

    /// Puts a cookie into the jar, as a `Set-Cookie` from that address would.
    pub(crate) fn keep_cookie(&self, url: &str, set_cookie: &str) {
        self.jar.add_cookie_str(set_cookie, &url_of(url));
    }

    async fn send(&self, request: RequestBuilder, site: Initiator) -> Answer {
        let word = match site {
            Initiator::Person => "none",
            Initiator::SameOrigin => "same-origin",
            Initiator::SameSite => "same-site",
            Initiator::Elsewhere => "cross-site",
        };
        let request = request
            .header("Sec-Fetch-Site", word)
            .header("Sec-Fetch-Mode", "navigate")
            .header("Sec-Fetch-Dest", "document")
            .header("Accept", "text/html");
        self.receive(request, site).await
    }

    async fn receive(&self, request: RequestBuilder, site: Initiator) -> Answer {
        let response = request.send().await.expect("an answer comes");
        let url = response.url().to_string();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = response.text().await.expect("the answer is text");
        let foreign = self.foreign.as_ref();
        let is_ours = foreign.is_none_or(|foreign| !url.starts_with(foreign));
        assert!(
            status != 500 || !is_ours,
            "something broke at {url}:\n{body}"
        );
        let mut answer = Answer {
            url,
            status,
            headers,
            body,
            trail: Vec::new(),
            response: None,
            initiator: site,
        };
        if answer.is_html() && answer.url.starts_with(&self.idp) {
            answer.check_headers();
            answer.response = self.response_in(&answer);
        }
        answer
    }

    /// The Response in a page of ours, checked by the oracle.
    fn response_in(&self, answer: &Answer) -> Option<(String, Message)> {
        let carries = |form: &Form| form.value("SAMLResponse").is_some();
        let form = forms(&answer.body).into_iter().find(carries)?;
        let message = self.oracle.check(&decoded(form.value("SAMLResponse")?));
        assert_eq!(
            message.destination.as_ref(),
            Some(&form.action),
            "a Response is posted elsewhere than its Destination says (Bindings 3.5.5.2)"
        );
        Some((form.action, message))
    }
}

impl Answer {
    /// Where it redirects to, as an absolute address.
    pub(crate) fn location(&self) -> Option<String> {
        let location = self.headers.get(LOCATION)?.to_str().expect("ASCII");
        let location = url_of(&self.url).join(location).expect("an address");
        Some(location.to_string())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let value = self.headers.get(name)?;
        Some(value.to_str().expect("our headers are ASCII"))
    }

    /// The Response that the page posts, and the address that it posts to.
    pub(crate) fn response(&self) -> Option<(&str, &Message)> {
        let (acs, message) = self.response.as_ref()?;
        Some((acs, message))
    }

    /// The same, base64 as it stands in the form: what the SP gets.
    pub(crate) fn encoded_response(&self) -> Option<String> {
        let form = forms(&self.body)
            .into_iter()
            .find(|form| form.value("SAMLResponse").is_some())?;
        form.value("SAMLResponse").map(str::to_owned)
    }

    /// Whether it is a page that posts a SAML request by itself (Bindings 3.5.4).
    pub(crate) fn posts_a_request(&self) -> bool {
        let carries = |form: &Form| form.value("SAMLRequest").is_some();
        self.is_html() && forms(&self.body).iter().any(carries)
    }

    /// The RelayState that the page posts.
    pub(crate) fn relay_state(&self) -> Option<String> {
        let form = self.message_form();
        form.value("RelayState").map(str::to_owned)
    }

    pub(crate) fn forms(&self) -> Vec<Form> {
        forms(&self.body)
    }

    /// The form that asks for a password: one of it, and one field for the name before it.
    pub(crate) fn sign_in_form(&self) -> Option<Form> {
        forms(&self.body)
            .into_iter()
            .find(|form| form.passwords.len() == 1)
    }

    /// Whether it is the page that asks who one is.
    pub(crate) fn asks_to_sign_in(&self) -> bool {
        self.sign_in_form().is_some()
    }

    /// The reason code that the page shows (decision 17).
    pub(crate) fn reason(&self) -> Option<&str> {
        let (_, after) = self.body.split_once("href=\"/reasons/")?;
        after.split('"').next()
    }

    /// What answered, in a few words, for tables.
    pub(crate) fn in_short(&self) -> String {
        match (&self.response, self.reason()) {
            (Some((_, message)), _) if message.assertion.is_some() => "assertion".to_owned(),
            (Some((_, message)), _) => message.short_status(),
            (None, Some(reason)) => format!("{} {reason}", self.status),
            (None, None) if self.asks_to_sign_in() => "sign-in form".to_owned(),
            (None, None) => self.status.to_string(),
        }
    }

    /// The form that carries a SAML message.
    fn message_form(&self) -> Form {
        let carries = |form: &Form| {
            form.value("SAMLResponse")
                .or(form.value("SAMLRequest"))
                .is_some()
        };
        let form = forms(&self.body).into_iter().find(carries);
        form.unwrap_or_else(|| {
            panic!(
                "no message is posted at {} ({}):\n{}",
                self.url, self.status, self.body
            )
        })
    }

    /// The form that posts itself to our own origin.
    fn hand_on_form(&self) -> Option<Form> {
        let posts_itself = |form: &Form| form.id.as_deref() == Some("auto-submit");
        let form = forms(&self.body).into_iter().find(posts_itself)?;
        form.action.starts_with('/').then_some(form)
    }

    fn is_html(&self) -> bool {
        let content_type = self.headers.get(CONTENT_TYPE);
        content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
    }

    /// What every page of ours carries (docs/threat-model.md).
    fn check_headers(&self) {
        let policy = self.header("content-security-policy").unwrap_or_default();
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(
                policy.contains(part),
                "{part} is not in the CSP {policy:?} of {}",
                self.url
            );
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        let cached = self.header("cache-control").unwrap_or_default();
        assert!(cached.contains("no-store"), "{} may be stored", self.url);
    }
}

/// A sign-in form with name and password in it.
pub(crate) fn filled_in(form: Form, name: &str, password: &str) -> Form {
    let secret = form.passwords[0].clone();
    let at = form.fields.iter().position(|(field, _)| *field == secret);
    let at = at.expect("the password is a field");
    let (who, _) = form.fields[at.checked_sub(1).expect("a name before the password")].clone();
    form.with(&who, name).with(&secret, password)
}

/// The text in a posted SAML message.
pub(crate) fn decoded(message: &str) -> String {
    let bytes = STANDARD.decode(message).expect("base64");
    String::from_utf8(bytes).expect("UTF-8")
}

/// The text of a SAML message as a POST carries it.
pub(crate) fn encoded(message: &str) -> String {
    STANDARD.encode(message)
}

/// A redirect that carries an AuthnRequest carries one that follows the schemas.
fn check_request_in(location: &str) {
    for (name, value) in url_of(location).query_pairs() {
        if name == "SAMLRequest" {
            let deflated = STANDARD.decode(value.as_bytes()).expect("base64");
            let mut xml = String::new();
            flate2::read::DeflateDecoder::new(deflated.as_slice())
                .read_to_string(&mut xml)
                .expect("raw DEFLATE of UTF-8");
            oracle::read(&xml).unwrap_or_else(|why| panic!("the schemas object: {why}\n{xml}"));
        }
    }
}

pub(crate) fn url_of(text: &str) -> Url {
    Url::parse(text).unwrap_or_else(|error| panic!("{text:?} is no address: {error}"))
}

fn relation(from: &Url, to: &Url) -> Initiator {
    if from.origin() == to.origin() {
        Initiator::SameOrigin
    } else if from.scheme() == to.scheme() && from.host_str() == to.host_str() {
        // A site has no port, so two apps on one loopback address are one site.
        Initiator::SameSite
    } else {
        Initiator::Elsewhere
    }
}
