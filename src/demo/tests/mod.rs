//! The two apps over HTTP, against an identity provider that answers rightly and wrongly.

mod catalogue;
mod fake_idp;
mod refusals;
mod sign_in;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::header::LOCATION;
use reqwest::{Client, Response, StatusCode, Url};

use super::outside::{now, random_hex};
use super::{App, AppConfig, Kind};
use fake_idp::{Answer, ENTITY_ID, FakeIdp, Sign};

const SSO: &str = "http://idp.example/saml/sso?tenant=a";

/// A served app and the identity provider that it trusts.
struct Running {
    base_url: String,
    app: App,
    idp: FakeIdp,
    /// Holds the databases.
    folder: Option<tempfile::TempDir>,
}

impl Running {
    async fn start(kind: Kind) -> Self {
        Self::start_with(kind, |_| {}).await
    }

    async fn start_with(kind: Kind, adjust: impl FnOnce(&mut AppConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut running = Self::start_in(kind, folder.path(), FakeIdp::rsa(2048), adjust).await;
        running.folder = Some(folder);
        running
    }

    async fn start_in(
        kind: Kind,
        folder: &Path,
        idp: FakeIdp,
        adjust: impl FnOnce(&mut AppConfig),
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let mut config = AppConfig {
            kind,
            base_url: base_url.clone(),
            idp_metadata: idp.metadata(SSO),
            folder: folder.to_owned(),
            assets: folder.join("assets.db"),
            accept_unsolicited: false,
            sign_requests: false,
            sibling_url: None,
        };
        adjust(&mut config);
        let app = App::open(config).await.unwrap();
        let router = app.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            base_url,
            app,
            idp,
            folder: None,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// An answer to this request that is right in everything.
    fn answer(&self, in_response_to: Option<&str>) -> Answer {
        Answer {
            now: now(),
            issuer: ENTITY_ID.to_owned(),
            destination: self.url("/saml/acs"),
            recipient: self.url("/saml/acs"),
            audience: Some(self.app.entity_id()),
            in_response_to: in_response_to.map(str::to_owned),
            assertion_id: format!("_{}", random_hex().unwrap()),
            display_name: "Ada Ferris".to_owned(),
            not_before: -60,
            not_on_or_after: 300,
            sign: Sign::Both,
        }
    }
}

/// A browser that follows no redirect by itself.
struct Browser(Client);

/// What a sign-in was started with.
struct Asked {
    id: String,
    relay_state: String,
    location: Url,
    request: String,
}

impl Browser {
    fn new() -> Self {
        let none = reqwest::redirect::Policy::none();
        Self(
            Client::builder()
                .cookie_store(true)
                .redirect(none)
                .build()
                .unwrap(),
        )
    }

    async fn get(&self, url: &str) -> Response {
        self.0.get(url).send().await.unwrap()
    }

    async fn post(&self, url: &str, form: &[(&str, &str)]) -> Response {
        self.0.post(url).form(form).send().await.unwrap()
    }

    async fn page(&self, url: &str) -> String {
        let response = self.get(url).await;
        assert_eq!(response.status(), StatusCode::OK, "{url}");
        response.text().await.unwrap()
    }

    /// Starts to sign in by HTTP-Redirect.
    async fn ask(&self, running: &Running, query: &str) -> Asked {
        let response = self.get(&running.url(&format!("/saml/login{query}"))).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let location = Url::parse(&header(&response, LOCATION.as_str())).unwrap();
        let of = |name: &str| {
            let pairs = location.query_pairs();
            pairs
                .into_iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        let request = inflated(&of("SAMLRequest").unwrap());
        let id = request
            .split_once(" ID=\"")
            .unwrap()
            .1
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        Asked {
            id,
            relay_state: of("RelayState").unwrap(),
            location,
            request,
        }
    }

    /// Brings a Response to the assertion consumer service.
    async fn bring(&self, running: &Running, xml: &str, relay_state: &str) -> Response {
        let encoded = BASE64.encode(xml);
        let form = [
            ("SAMLResponse", encoded.as_str()),
            ("RelayState", relay_state),
        ];
        self.post(&running.url("/saml/acs"), &form).await
    }

    /// Signs in without a hitch.
    async fn sign_in(&self, running: &Running) {
        let asked = self.ask(running, "").await;
        let xml = running.idp.response(&running.answer(Some(&asked.id)));
        let response = self.bring(running, &xml, &asked.relay_state).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
    }

    async fn is_signed_in(&self, running: &Running) -> bool {
        self.get(&running.url("/whoami")).await.status() == StatusCode::OK
    }
}

fn header(response: &Response, name: &str) -> String {
    response
        .headers()
        .get(name)
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

fn inflated(message: &str) -> String {
    let mut text = String::new();
    let deflated = BASE64.decode(message).unwrap();
    let mut decoder = flate2::read::DeflateDecoder::new(deflated.as_slice());
    std::io::Read::read_to_string(&mut decoder, &mut text).unwrap();
    text
}

/// The value of a hidden input.
fn hidden(page: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    page.split_once(&start)
        .unwrap()
        .1
        .split('"')
        .next()
        .unwrap()
        .to_owned()
}
