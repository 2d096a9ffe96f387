//! A service provider on another site: `localhost`, while the identity provider is `127.0.0.1`.
//! (Two ports of one host are one site, so the demo's own apps cannot show what is cross-site.)

use std::sync::{Arc, Mutex};

use axum::extract::{Form, Query, State};
use axum::response::Html;
use axum::routing::{get, post};
use serde::Deserialize;

use crate::support::app::{Product, free_ports};
use crate::support::browser::{decoded, encoded};
use crate::support::oracle::{Message, Oracle};
use crate::support::sp::{Sp, escaped};

/// The service provider, running until the test ends.
pub(crate) struct Elsewhere {
    address: String,
    pub(crate) sp: Sp,
    arrived: Arc<Mutex<Vec<String>>>,
    oracle: Oracle,
}

#[derive(Clone)]
struct Shared {
    sp: Sp,
    sso: String,
    arrived: Arc<Mutex<Vec<String>>>,
}

impl Elsewhere {
    /// Starts it and registers it for people with this role.
    pub(crate) async fn start(product: &Product, role: &str) -> Self {
        let port = free_ports(1);
        let address = format!("http://localhost:{port}");
        let sp = Sp::new(&format!("{address}/saml"), &format!("{address}/acs"));
        let metadata = product.file("elsewhere.xml", &sp.metadata(""));
        product.cli([
            "sp",
            "add",
            "--metadata",
            &metadata,
            "--name",
            "elsewhere",
            "--require-role",
            role,
        ]);
        let arrived = Arc::default();
        let shared = Shared {
            sp: sp.clone(),
            sso: product.idp("/saml/sso"),
            arrived: Arc::clone(&arrived),
        };
        let app = axum::Router::new()
            .route("/start", get(start))
            .route("/acs", post(acs))
            .with_state(shared);
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await;
        let listener = listener.expect("the port is free");
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self {
            address,
            sp,
            arrived,
            oracle: product.oracle().clone(),
        }
    }

    /// Where a person starts; the request is posted, with these attributes.
    pub(crate) fn start_address(&self, attributes: &str) -> String {
        let mut address = crate::support::browser::url_of(&format!("{}/start", self.address));
        address
            .query_pairs_mut()
            .append_pair("attributes", attributes);
        address.to_string()
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The Responses that have arrived, each checked by the oracle.
    pub(crate) fn arrived(&self) -> Vec<Message> {
        let arrived = self.arrived.lock().expect("no test panicked with it");
        arrived
            .iter()
            .map(|response| self.oracle.check(&decoded(response)))
            .collect()
    }
}

#[derive(Deserialize)]
struct Start {
    attributes: String,
}

/// The page that posts the request (Bindings 3.5.4), by a script or by its button.
async fn start(State(shared): State<Shared>, Query(start): Query<Start>) -> Html<String> {
    let request = shared.sp.request(&shared.sso).with(&start.attributes);
    Html(format!(
        r#"<!DOCTYPE html><title>Elsewhere</title><form id="f" method="post" action="{}"><input type="hidden" name="SAMLRequest" value="{}"><input type="hidden" name="RelayState" value="from elsewhere"><button>Go on</button></form><script>document.getElementById("f").submit()</script>"#,
        escaped(&shared.sso),
        encoded(&request.xml()),
    ))
}

#[derive(Deserialize)]
struct Arrival {
    #[serde(rename = "SAMLResponse")]
    response: String,
    #[serde(rename = "RelayState")]
    relay_state: String,
}

async fn acs(State(shared): State<Shared>, Form(arrival): Form<Arrival>) -> Html<String> {
    let mut arrived = shared.arrived.lock().expect("no test panicked with it");
    arrived.push(arrival.response);
    Html(format!(
        "<!DOCTYPE html><title>Elsewhere</title><p>Arrival {} {}",
        arrived.len(),
        escaped(&arrival.relay_state)
    ))
}
