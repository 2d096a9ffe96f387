//! Service providers: the doors, each with its rule, its endpoints and its policy.

pub use super::acs::{
    AcsBinding, AcsEndpoint, AcsEndpoints, AcsError, Pick, check_location, is_loopback,
};
use super::name::{EntityId, KeyId, RoleName, SpId, SpName};
use super::protection::{Declared, Protection};
use super::release::{Lifetimes, ReleasePolicy, Requested, SiteRelease};
use super::rule::Rule;
use super::slo_endpoint::SloEndpoints;
use super::told::{Told, told};
use super::user::User;

/// A registered service provider. There is none without a [`Rule`] (decision 2) and none without an
/// endpoint that can take a Response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceProvider {
    /// Immutable and random.
    pub id: SpId,
    /// Counts up at every change; what is cached about it is cached under this number.
    pub version: i64,
    /// The short name that people type.
    pub name: SpName,
    /// The SAML name.
    pub entity_id: EntityId,
    /// A disabled SP gets nothing at all.
    pub enabled: bool,
    /// Who may enter.
    pub rule: Rule,
    /// Where Responses may go.
    pub acs: AcsEndpoints,
    /// Where it takes part in single logout.
    pub slo: SloEndpoints,
    /// The SP's signing certificates, DER. Their dates do not count, only their keys.
    pub certificates: Vec<Vec<u8>>,
    /// Public keys that the metadata gave without a certificate (`ds:KeyValue`), DER SPKI.
    pub bare_keys: Vec<Vec<u8>>,
    /// NameIDFormat elements of its metadata, in order.
    pub name_id_formats: Vec<String>,
    /// What its metadata says about attributes.
    pub requested: Requested,
    /// What its metadata declares about encryption and algorithms.
    pub declared: Declared,
    /// The metadata document as it was given, if there was one.
    pub metadata: Option<String>,
    /// What the administrator decided.
    pub policy: Policy,
}

impl ServiceProvider {
    /// What pages call it.
    #[must_use]
    pub fn title(&self) -> &str {
        self.policy
            .display_name
            .as_deref()
            .unwrap_or(self.name.as_str())
    }

    /// The NameID format where a request leaves it open (`--nameid`, metadata, else persistent).
    #[must_use]
    pub fn usual_name_id_format(&self) -> NameIdFormat {
        let listed = || self.name_id_formats.iter();
        let listed = || listed().find_map(|uri| NameIdFormat::from_uri(uri));
        let decided = match self.policy.name_id {
            Some(UsualNameId::Format(format)) => Some(format),
            Some(UsualNameId::None) | None => listed(),
        };
        // Who says which identifier it wants as an attribute follows saml2int, and gets a NameID for
        // the sign-out alone.
        decided.unwrap_or(match self.requested.subject_id {
            Some(_) => NameIdFormat::Transient,
            None => NameIdFormat::Persistent,
        })
    }

    /// Whether it gets no NameID unless a request asks for one (IIP-IDP11).
    #[must_use]
    pub fn does_without_name_id(&self) -> bool {
        self.policy.name_id == Some(UsualNameId::None)
    }

    /// The attributes that it is told, person or no person; `index` is that of a request.
    #[must_use]
    pub fn told(&self, site: &SiteRelease, index: Option<u16>) -> Vec<Told<'_>> {
        told(&self.policy.release, &self.requested, site, index)
    }

    /// The roles that it is told: those of its own rule, or those registered for it, that the
    /// person holds.
    #[must_use]
    pub fn told_roles<'u>(&self, user: &'u User) -> Vec<&'u RoleName> {
        let is_told = |role: &&RoleName| match &self.policy.release_roles {
            Some(registered) => registered.contains(role),
            None => self.rule.names(role),
        };
        user.roles.iter().filter(is_told).collect()
    }

    /// Whether an AttributeConsumingService with this number is registered (Core 3.4.1).
    #[must_use]
    pub fn has_attribute_service(&self, index: u16) -> bool {
        self.policy.release.attribute_index == Some(index)
            || self.requested.service(Some(index)).is_some()
    }

    /// The host of its default endpoint, shown beside the title against look-alike names.
    #[must_use]
    pub fn host(&self) -> String {
        url::Url::parse(&self.acs.default_endpoint().location)
            .ok()
            .and_then(|url| {
                let host = url.host_str()?.to_owned();
                Some(
                    url.port()
                        .map_or(host.clone(), |port| format!("{host}:{port}")),
                )
            })
            .unwrap_or_default()
    }
}

/// What the administrator decided about an SP: the options of `sp add` and `sp update`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// `--display-name`, else what the metadata says.
    pub display_name: Option<String>,
    /// `--home-url`: where the launcher and a stale page lead.
    pub home_url: Option<String>,
    /// `--contact`: whom a refused person asks.
    pub contact: Option<String>,
    /// `--sign`.
    pub sign: Sign,
    /// `--require-signed-requests`, or the metadata's `AuthnRequestsSigned`.
    pub require_signed_requests: bool,
    /// `--denied`.
    pub denied: Denied,
    /// `--nameid`.
    pub name_id: Option<UsualNameId>,
    /// `--attribute` and its kin.
    pub release: ReleasePolicy,
    /// `--release-role`; nothing said means the roles that the rule names.
    pub release_roles: Option<Vec<RoleName>>,
    /// `--allow-idp-initiated`.
    pub allow_idp_initiated: bool,
    /// `--allow-http`.
    pub allow_http: bool,
    /// `--signing-key`: the key that it is held at; nothing said means whichever is active.
    pub signing_key: Option<KeyId>,
    /// `--assertion-lifetime` and its kin.
    pub lifetimes: Lifetimes,
    /// How what goes to it is encrypted and signed.
    pub protection: Protection,
}

impl Policy {
    /// A display name has at most so many characters: what a server's column has room for.
    pub const LONGEST_DISPLAY_NAME: usize = 255;
}

/// What is signed in a Response (Profiles 4.1.4.5, E26).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sign {
    /// The assertion, then the Response around it.
    #[default]
    Both,
    /// The assertion alone.
    Assertion,
    /// The Response alone.
    Response,
}

/// What the SP gets when somebody may not enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Denied {
    /// Nothing: the person gets a page of ours.
    #[default]
    Page,
    /// A Response with the status `RequestDenied`.
    Status,
}

/// The NameID formats on offer (Core 8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameIdFormat {
    /// Pairwise: opaque and another at every SP (Core 8.3.7).
    Persistent,
    /// Another at every Response (Core 8.3.8).
    Transient,
    /// The e-mail address (Core 8.3.2).
    EmailAddress,
    /// The sign-in name (Core 8.3.1).
    Unspecified,
}

/// `--nameid`: what an SP gets where a request leaves it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsualNameId {
    /// A NameID of this format.
    Format(NameIdFormat),
    /// None at all: attributes say who it is.
    None,
}

impl UsualNameId {
    /// The short word for command lines.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Format(format) => format.word(),
            Self::None => "none",
        }
    }

    /// From `none`, or the URI or short word of a format.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            other => NameIdFormat::parse(other).map(Self::Format),
        }
    }
}

impl NameIdFormat {
    /// All, in the order in which our metadata lists them.
    pub const ALL: [Self; 4] = [
        Self::Persistent,
        Self::Transient,
        Self::EmailAddress,
        Self::Unspecified,
    ];

    /// The URI of the format.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Self::Persistent => "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
            Self::Transient => "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
            Self::EmailAddress => "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            Self::Unspecified => "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        }
    }

    /// The format of a URI; `None` is a format that is not offered.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.uri() == uri)
    }

    /// The short word for command lines.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Persistent => "persistent",
            Self::Transient => "transient",
            Self::EmailAddress => "emailAddress",
            Self::Unspecified => "unspecified",
        }
    }

    /// From the URI or the short word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.uri() == text || format.word() == text)
    }
}
