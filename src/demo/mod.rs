//! The store and the publisher of `doorward demo`: two real web apps, two real service providers.
//!
//! They are foreign to Doorward on purpose: nothing here uses a room of the identity provider, all
//! SAML is samael's (for verification) or written here (for requests), and everything that a
//! browser brings is verified: signature, Issuer, Destination, Audience, Recipient, `InResponseTo`,
//! times, Status and replay.
//!
//! One weakness is deliberate. Like WSO2's own store and publisher (whose story made Doorward), the
//! publisher makes its session for *whoever* brings a valid assertion, and never looks at a role:
//! not at sign-in, not on any page. It is what most applications do. The door is the identity
//! provider's alone to keep, and the tests in `tests/promise.rs` show that it does.

mod assets;
mod catalogue;
mod database;
mod logout;
mod logout_shape;
mod outside;
mod pages;
mod response;
mod response_shape;
mod samples;
mod service_provider;
mod sessions;
#[cfg(test)]
mod tests;
mod web;

use std::path::PathBuf;
use std::sync::Arc;

use catalogue::{Catalogue, ChangeError};
use service_provider::ServiceProvider;
use sessions::Sessions;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Where consumers find assets.
    Store,
    /// Where the company's publishers make them.
    Publisher,
}

impl Kind {
    /// The word in file names, cookies and addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Publisher => "publisher",
        }
    }

    /// The app's name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Store => "Fernhill Store",
            Self::Publisher => "Fernhill Publisher",
        }
    }

    /// The other one.
    #[must_use]
    pub fn sibling(self) -> Self {
        match self {
            Self::Store => Self::Publisher,
            Self::Publisher => Self::Store,
        }
    }
}

/// What an app has to be told.
#[derive(Clone, Debug)]
pub struct AppConfig {
    /// Which app.
    pub kind: Kind,
    /// What browsers see, without a slash at the end: `http://127.0.0.1:8081`.
    pub base_url: String,
    /// The identity provider's metadata, as XML.
    pub idp_metadata: String,
    /// Where the app keeps its own key and session database. The two apps may share it.
    pub folder: PathBuf,
    /// The database file of assets, which the two apps share.
    pub assets: PathBuf,
    /// Whether answers are taken that nobody asked for (IdP-initiated sign-in).
    pub accept_unsolicited: bool,
    /// Whether `AuthnRequest`s are signed, in both bindings.
    pub sign_requests: bool,
    /// The other app, to link to.
    pub sibling_url: Option<String>,
}

/// Why an app does not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The identity provider's metadata does not serve.
    #[error("the identity provider's metadata does not serve: {0}")]
    Metadata(&'static str),
    /// The folder or the key file.
    #[error("the app's folder: {0}")]
    Io(#[from] std::io::Error),
    /// The session database.
    #[error("the session database: {0}")]
    Sessions(#[from] sqlx::Error),
    /// The database of assets.
    #[error("the database of assets: {0}")]
    Assets(String),
    /// OpenSSL.
    #[error("OpenSSL: {0}")]
    Crypto(#[from] openssl::error::ErrorStack),
    /// xmlsec1 would not sign.
    #[error("xmlsec1 could not sign the request")]
    Signing,
    /// A template.
    #[error("a template: {0}")]
    Template(#[from] askama::Error),
    /// A worker thread ended early.
    #[error("a worker thread ended early: {0}")]
    Worker(#[from] tokio::task::JoinError),
}

impl From<ChangeError> for DemoError {
    fn from(error: ChangeError) -> Self {
        Self::Assets(error.to_string())
    }
}

/// A running app, without a port of its own: serve its [`router`](App::router).
#[derive(Clone)]
pub struct App {
    shared: Arc<Shared>,
    metadata: String,
}

/// What every request can reach.
struct Shared {
    kind: Kind,
    base_url: String,
    sibling_url: Option<String>,
    sp: ServiceProvider,
    sessions: Sessions,
    catalogue: Catalogue,
}

impl App {
    /// Opens the databases and the key, making what is missing, and fills an empty catalogue.
    pub async fn open(mut config: AppConfig) -> Result<Self, DemoError> {
        let slashless = config.base_url.trim_end_matches('/').len();
        config.base_url.truncate(slashless);
        let now = outside::now();
        std::fs::create_dir_all(&config.folder)?;
        let own_file = config.folder.join(format!("{}.db", config.kind.word()));
        let sessions = Sessions::open(database::open(&own_file).await?).await?;
        let catalogue = Catalogue::open(database::open(&config.assets).await?, now).await?;
        let (kind, base_url) = (config.kind, config.base_url.clone());
        let sibling_url = config.sibling_url.clone();
        let sp = tokio::task::spawn_blocking(move || ServiceProvider::open(&config, now)).await??;
        let metadata = sp.metadata(kind.name())?;
        let shared = Shared {
            kind,
            base_url,
            sibling_url,
            sp,
            sessions,
            catalogue,
        };
        Ok(Self {
            shared: Arc::new(shared),
            metadata,
        })
    }

    /// The app over HTTP.
    pub fn router(&self) -> axum::Router {
        web::router(Arc::clone(&self.shared), self.metadata.clone())
    }

    /// The app's SAML metadata, to be registered at the identity provider.
    #[must_use]
    pub fn metadata(&self) -> String {
        self.metadata.clone()
    }

    /// The app's entityID: the address of its metadata.
    #[must_use]
    pub fn entity_id(&self) -> String {
        self.shared.sp.entity_id.clone()
    }
}
