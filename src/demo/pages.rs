//! The pages as askama structs, and how times are written on them.

use askama::Template;
use jiff::Timestamp;

use super::Kind;
use super::assets::{Activity, Asset, AssetKind, State, Version};
use super::service_provider::PostedRequest;

/// What surrounds every page.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) app: Kind,
    /// The name of whoever is signed in.
    pub(super) user: Option<String>,
    pub(super) csrf: String,
    pub(super) sibling_url: Option<String>,
}

impl Frame {
    fn is_store(&self) -> bool {
        self.app == Kind::Store
    }
}

/// For whoever is not signed in.
#[derive(Template)]
#[template(path = "demo/landing.html")]
pub(super) struct Landing {
    pub(super) frame: Frame,
    /// Whether this browser has just been signed out.
    pub(super) signed_out: bool,
}

/// Something went wrong.
#[derive(Template)]
#[template(path = "demo/problem.html")]
pub(super) struct ProblemPage<'a> {
    pub(super) frame: Frame,
    pub(super) title: &'a str,
    pub(super) text: &'a str,
    pub(super) detail: Option<&'a str>,
    pub(super) sign_in: bool,
}

/// Carries a request to the identity provider (Bindings 3.5.4).
#[derive(Template)]
#[template(path = "demo/post_form.html")]
pub(super) struct PostForm<'a> {
    pub(super) frame: Frame,
    pub(super) request: &'a PostedRequest,
    pub(super) relay_state: &'a str,
}

/// The store's front: what there is, narrowed by words and kind.
#[derive(Template)]
#[template(path = "demo/store_home.html")]
pub(super) struct StoreHome {
    pub(super) frame: Frame,
    pub(super) query: String,
    /// The word of the kind that it is narrowed to, or nothing.
    pub(super) chosen: &'static str,
    /// How many there are of each kind, for the words searched.
    pub(super) counts: Vec<(AssetKind, usize)>,
    pub(super) total: usize,
    pub(super) assets: Vec<(Asset, Version)>,
}

/// An asset in the store.
#[derive(Template)]
#[template(path = "demo/store_asset.html")]
pub(super) struct StoreAsset {
    pub(super) frame: Frame,
    pub(super) asset: Asset,
    pub(super) shown: Version,
    pub(super) newest: String,
}

/// The publisher's workbench.
#[derive(Template)]
#[template(path = "demo/publisher_home.html")]
pub(super) struct PublisherHome {
    pub(super) frame: Frame,
    pub(super) query: String,
    pub(super) title: &'static str,
    /// The word of the state that it is narrowed to, or nothing.
    pub(super) chosen: &'static str,
    pub(super) counts: Vec<(State, usize)>,
    pub(super) total: usize,
    pub(super) assets: Vec<Asset>,
}

/// An asset at the workbench.
#[derive(Template)]
#[template(path = "demo/publisher_asset.html")]
pub(super) struct PublisherAsset {
    pub(super) frame: Frame,
    pub(super) asset: Asset,
    pub(super) activity: Vec<Activity>,
}

/// What a form of the publisher's asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    NewAsset,
    About,
    NewVersion,
    Draft,
}

impl Asks {
    /// What is said of the asset, whatever its version.
    fn about(self) -> bool {
        matches!(self, Self::NewAsset | Self::About)
    }

    /// Its kind, which stays.
    fn kind(self) -> bool {
        self == Self::NewAsset
    }

    /// A version's document.
    fn version(self) -> bool {
        self != Self::About
    }

    /// Its number, which stays.
    fn number(self) -> bool {
        matches!(self, Self::NewAsset | Self::NewVersion)
    }
}

/// A form of the publisher's: a new asset, its description, a new version, a draft.
#[derive(Template)]
#[template(path = "demo/publisher_form.html")]
pub(super) struct PublisherForm<'a> {
    pub(super) frame: Frame,
    pub(super) title: &'a str,
    pub(super) action: String,
    pub(super) back: String,
    pub(super) button: &'a str,
    pub(super) asks: Asks,
    pub(super) fields: &'a super::web::Fields,
    pub(super) problem: Option<&'a str>,
}

/// An instant as SAML writes it.
pub(super) fn instant(at: i64) -> String {
    Timestamp::from_second(at)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_string()
}

/// A day as people read it.
pub(super) fn day(at: i64) -> String {
    Timestamp::from_second(at)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .strftime("%-d %b %Y")
        .to_string()
}
