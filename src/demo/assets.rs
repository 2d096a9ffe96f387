//! What the publisher writes and the store reads: assets, their versions, and each version's place
//! in its life. No SQL here (`catalogue.rs`) and no HTTP.

/// What an asset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AssetKind {
    /// Something that runs and can be called.
    Service,
    /// A described HTTP API.
    Api,
    /// A described SOAP service.
    Wsdl,
}

impl AssetKind {
    pub(super) const ALL: [Self; 3] = [Self::Service, Self::Api, Self::Wsdl];

    /// The word in addresses, forms and the table.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Api => "api",
            Self::Wsdl => "wsdl",
        }
    }

    /// The word for people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Service => "Service",
            Self::Api => "API",
            Self::Wsdl => "WSDL",
        }
    }

    /// What its document is called on the page.
    pub(super) fn document(self) -> &'static str {
        match self {
            Self::Service => "Service description",
            Self::Api => "OpenAPI description",
            Self::Wsdl => "WSDL document",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// Where a version is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Being written; its document may still change.
    Draft,
    /// In the store.
    Published,
    /// In the store, with a warning.
    Deprecated,
    /// Gone from the store.
    Retired,
}

impl State {
    pub(super) const ALL: [Self; 4] = [
        Self::Draft,
        Self::Published,
        Self::Deprecated,
        Self::Retired,
    ];

    /// The word in forms and the table, and the class on the page.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Deprecated => "deprecated",
            Self::Retired => "retired",
        }
    }

    /// The word for people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Published => "Published",
            Self::Deprecated => "Deprecated",
            Self::Retired => "Retired",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Where a version may go from here: never a jump past what its users have to be told.
    pub(super) fn next(self) -> &'static [Self] {
        match self {
            Self::Draft => &[Self::Published],
            Self::Published => &[Self::Deprecated, Self::Draft],
            Self::Deprecated => &[Self::Published, Self::Retired],
            Self::Retired => &[Self::Draft],
        }
    }

    /// What the button says that leads here.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Draft => "Back to draft",
            Self::Published => "Publish",
            Self::Deprecated => "Deprecate",
            Self::Retired => "Retire",
        }
    }

    /// Whether consumers see it.
    pub(super) fn is_in_store(self) -> bool {
        matches!(self, Self::Published | Self::Deprecated)
    }
}

/// One version of an asset.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) number: String,
    pub(super) state: State,
    pub(super) document: String,
    /// What is new in it.
    pub(super) note: String,
    pub(super) changed_at: i64,
}

/// An asset with its versions, newest first; there is always one.
#[derive(Clone, Debug)]
pub(super) struct Asset {
    pub(super) id: String,
    pub(super) about: About,
    pub(super) versions: Vec<Version>,
    pub(super) changed_at: i64,
}

/// What is said of an asset, whatever its version.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) kind: AssetKind,
    pub(super) summary: String,
    pub(super) description: String,
    /// The team that answers for it.
    pub(super) provider: String,
    /// The person whom to ask.
    pub(super) owner: String,
}

impl Asset {
    pub(super) fn version(&self, number: &str) -> Option<&Version> {
        self.versions
            .iter()
            .find(|version| version.number == number)
    }

    /// The version that a consumer is shown first: the newest published, else the newest deprecated.
    pub(super) fn store_version(&self) -> Option<&Version> {
        let newest = |state| {
            self.versions
                .iter()
                .find(move |version| version.state == state)
        };
        newest(State::Published).or_else(|| newest(State::Deprecated))
    }

    /// Whether it has the words of the query (all of them, in any case, anywhere).
    pub(super) fn matches(&self, query: &str) -> bool {
        let about = &self.about;
        let text = [
            &about.name,
            &about.summary,
            &about.description,
            &about.provider,
            &about.owner,
        ]
        .map(|field| field.to_lowercase())
        .join("\n");
        query
            .to_lowercase()
            .split_whitespace()
            .all(|word| text.contains(word))
    }
}

/// One line of what happened to an asset.
#[derive(Clone, Debug)]
pub(super) struct Activity {
    pub(super) version: String,
    pub(super) at: i64,
    pub(super) who: String,
    pub(super) what: String,
}
