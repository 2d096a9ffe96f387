//! Sources of metadata: who describes many service providers at once, under which key, and under
//! which rule their doors stand until each is given its own.

use super::name::{SourceId, SourceName, SpId, SpName};
use super::rule::Rule;
use super::time::UnixTime;

/// A source. There is none without a [`Rule`] (decision 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataSource {
    /// Immutable and random.
    pub id: SourceId,
    /// The short name that people type.
    pub name: SourceName,
    /// Where it is.
    pub place: Place,
    /// The certificates whose keys may sign it, DER; nothing else about them counts. Only a file
    /// goes without.
    pub certificates: Vec<Vec<u8>>,
    /// Who may enter, where a registration has no rule of its own.
    pub rule: Rule,
    /// When it was added. Of two sources that describe one entity, the older counts.
    pub added_at: UnixTime,
    /// How refreshing it goes.
    pub state: SourceState,
}

/// Where a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file on this machine, by its absolute path.
    File(String),
    /// An address that answers with the whole document.
    Url(String),
    /// The base of a metadata query service, which answers for one entity at a time.
    Mdq(String),
}

impl Place {
    /// The word that is stored and shown.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Url(_) => "url",
            Self::Mdq(_) => "mdq",
        }
    }

    /// The path or address.
    #[must_use]
    pub fn location(&self) -> &str {
        match self {
            Self::File(location) | Self::Url(location) | Self::Mdq(location) => location,
        }
    }

    /// From what is stored.
    #[must_use]
    pub fn from_stored(kind: &str, location: String) -> Option<Self> {
        match kind {
            "file" => Some(Self::File(location)),
            "url" => Some(Self::Url(location)),
            "mdq" => Some(Self::Mdq(location)),
            _ => None,
        }
    }
}

/// How refreshing goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceState {
    /// What the last good answer said about itself, for conditional requests.
    pub validators: Validators,
    /// Until when the last good copy may be used.
    pub valid_until: Option<UnixTime>,
    /// When the source last said what there is, or that nothing has changed.
    pub refreshed_at: Option<UnixTime>,
    /// When it is asked next.
    pub next_at: UnixTime,
    /// How many tries have failed since.
    pub failures: u32,
    /// Why the last one did.
    pub failure: Option<String>,
}

/// An SP whose own metadata is read again from an address, by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// The SP.
    pub sp: SpId,
    /// The address.
    pub url: String,
    /// How it goes.
    pub state: SourceState,
}

impl SourceState {
    /// Of a source that was never asked, and is to be asked now.
    #[must_use]
    pub fn new(now: UnixTime) -> Self {
        Self {
            validators: Validators::default(),
            valid_until: None,
            refreshed_at: None,
            next_at: now,
            failures: 0,
            failure: None,
        }
    }
}

/// What a conditional request says (RFC 9110, section 13.1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validators {
    /// `ETag`; for a file the digest of its bytes.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

/// What a registration has to do with its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Which source.
    pub source: SourceId,
    /// Its name.
    pub source_name: SourceName,
    /// Whether the registration has a rule of its own.
    pub own_rule: bool,
    /// Whether the source still lists it.
    pub listed: bool,
    /// Until when its metadata may be used, by its own word and the source's.
    pub valid_until: Option<UnixTime>,
    /// When the source was last refreshed.
    pub refreshed_at: Option<UnixTime>,
}

/// A registration as a refresh sees it: enough to know whether it has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Which registration.
    pub sp: SpId,
    /// Its short name.
    pub name: SpName,
    /// The source that it comes from; nothing for one that was registered by hand.
    pub tie: Option<Tie>,
}

/// What ties a registration to its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    /// Which source.
    pub source: SourceId,
    /// Whether it has a rule of its own.
    pub own_rule: bool,
    /// Whether the source still lists it.
    pub listed: bool,
    /// What its own metadata says of its end.
    pub valid_until: Option<UnixTime>,
    /// SHA-256 of its metadata in hex.
    pub digest: String,
    /// For the next conditional request, where it is fetched by itself.
    pub validators: Validators,
    /// When it is fetched next, where it is fetched by itself.
    pub next_at: Option<UnixTime>,
    /// How many tries have failed since.
    pub failures: u32,
}
