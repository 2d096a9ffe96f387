//! What common products want to be registered with (docs/presets.md): the NameID, the attributes by
//! the names that they look for. An option that is said beside a preset wins.

use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::json;

use super::super::context::Context;
use super::super::error::{CliError, refused};
use super::super::output::{Table, Tone};
use crate::directory::attribute::{ReleasedAttribute, put};
use crate::directory::attribute_sets;
use crate::directory::service_provider::UsualNameId;
use crate::directory::service_provider::{NameIdFormat, Policy};

/// A product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Preset {
    Atlassian,
    Aws,
    Dropbox,
    GithubEnterprise,
    Gitlab,
    GoogleWorkspace,
    Grafana,
    Jenkins,
    Mellon,
    Nextcloud,
    NodeSaml,
    Pysaml2,
    #[value(name = "python3-saml")]
    Python3Saml,
    Salesforce,
    Samlify,
    Shibboleth,
    #[value(name = "simplesamlphp")]
    SimpleSamlPhp,
    Slack,
    Zoom,
}

/// What a product wants.
struct Terms {
    name_id: Option<NameIdFormat>,
    /// As `--attribute-set` names it.
    set: Option<&'static str>,
    /// As `--attribute` takes them.
    attributes: &'static [&'static str],
    /// Whether people start at our side.
    unsolicited: bool,
    /// Whether it reads no EncryptedID in a LogoutRequest.
    plain_logout: bool,
    /// What the administrator has to know beside it.
    note: &'static str,
}

/// What holds where a product says nothing else: no attribute but those that it names.
const TERMS: Terms = Terms {
    name_id: None,
    set: None,
    attributes: &[],
    unsolicited: false,
    plain_logout: false,
    note: "",
};

/// A library that reads LDAP's names as urn:oid.
const BY_OID: Terms = Terms {
    set: Some("ldap"),
    attributes: &["role"],
    note: "`sp snippet` prints its configuration",
    ..TERMS
};

/// A library that hands out attributes by whatever name they have.
const BY_NAME: Terms = Terms {
    set: Some("plain"),
    note: "`sp snippet` prints its configuration",
    ..TERMS
};

/// In a LogoutRequest it reads a plain NameID only (seen in 7.5.5).
const PYSAML2: Terms = Terms {
    plain_logout: true,
    ..BY_OID
};

/// In a LogoutRequest it reads a plain NameID only.
const SAMLIFY: Terms = Terms {
    plain_logout: true,
    ..BY_NAME
};

const DROPBOX: Terms = Terms {
    name_id: Some(NameIdFormat::EmailAddress),
    unsolicited: true,
    note: "the NameID is the e-mail address of the account there",
    ..TERMS
};

const GOOGLE_WORKSPACE: Terms = Terms {
    name_id: Some(NameIdFormat::EmailAddress),
    unsolicited: true,
    note: "the NameID is the primary address of the account there; it signs no requests",
    ..TERMS
};

const SALESFORCE: Terms = Terms {
    name_id: Some(NameIdFormat::Unspecified),
    unsolicited: true,
    note: "with the identity type Federation ID: the sign-in name stands in that field",
    ..TERMS
};

const ATLASSIAN: Terms = Terms {
    name_id: Some(NameIdFormat::EmailAddress),
    attributes: &[
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname=${givenName}",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname=${sn}",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name=${uid}",
    ],
    note: "…/name is an identifier that stays when the address changes",
    ..TERMS
};

const AWS: Terms = Terms {
    name_id: Some(NameIdFormat::Persistent),
    attributes: &[
        "https://aws.amazon.com/SAML/Attributes/Role=${awsRole}",
        "https://aws.amazon.com/SAML/Attributes/RoleSessionName=${mail}",
    ],
    unsolicited: true,
    note: "each user's attribute awsRole is `ROLE_ARN,PROVIDER_ARN`, once for each role",
    ..TERMS
};

const GITHUB_ENTERPRISE: Terms = Terms {
    name_id: Some(NameIdFormat::Persistent),
    attributes: &[
        "username=${uid}",
        "emails=${mail}",
        "full_name=${displayName}",
    ],
    ..TERMS
};

const GITLAB: Terms = Terms {
    name_id: Some(NameIdFormat::Persistent),
    attributes: &[
        "email=${mail}",
        "name=${displayName}",
        "first_name=${givenName}",
        "last_name=${sn}",
        "groups=${role}",
    ],
    note: "groups count where groups_attribute is set to groups",
    ..TERMS
};

const GRAFANA: Terms = Terms {
    attributes: &["mail", "displayName", "groups=${role}"],
    note: "groups count where assertion_attribute_groups is set to groups",
    ..TERMS
};

const JENKINS: Terms = Terms {
    name_id: Some(NameIdFormat::Unspecified),
    attributes: &[
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name=${displayName}",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress=${mail}",
        "http://schemas.xmlsoap.org/claims/Group=${role}",
    ],
    note: "the names are those that its SAML plugin starts with; the NameID is the user",
    ..TERMS
};

const NEXTCLOUD: Terms = Terms {
    name_id: Some(NameIdFormat::Unspecified),
    attributes: &[
        "uid=${uid}",
        "email=${mail}",
        "displayName=${displayName}",
        "groups=${role}",
    ],
    note: "map uid, email, displayName and groups in its SSO & SAML settings",
    ..TERMS
};

const SLACK: Terms = Terms {
    name_id: Some(NameIdFormat::Persistent),
    attributes: &[
        "User.Email=${mail}",
        "User.Username=${uid}",
        "first_name=${givenName}",
        "last_name=${sn}",
    ],
    ..TERMS
};

const ZOOM: Terms = Terms {
    name_id: Some(NameIdFormat::EmailAddress),
    attributes: &["email=${mail}", "firstName=${givenName}", "lastName=${sn}"],
    note: "map email, firstName and lastName in its SAML response mapping",
    ..TERMS
};

impl Preset {
    fn terms(self) -> Terms {
        match self {
            Self::Mellon | Self::Shibboleth | Self::SimpleSamlPhp => BY_OID,
            Self::NodeSaml | Self::Python3Saml => BY_NAME,
            Self::Pysaml2 => PYSAML2,
            Self::Samlify => SAMLIFY,
            Self::Dropbox => DROPBOX,
            Self::GoogleWorkspace => GOOGLE_WORKSPACE,
            Self::Salesforce => SALESFORCE,
            Self::Atlassian => ATLASSIAN,
            Self::Aws => AWS,
            Self::GithubEnterprise => GITHUB_ENTERPRISE,
            Self::Gitlab => GITLAB,
            Self::Grafana => GRAFANA,
            Self::Jenkins => JENKINS,
            Self::Nextcloud => NEXTCLOUD,
            Self::Slack => SLACK,
            Self::Zoom => ZOOM,
        }
    }

    /// What it is told.
    fn attributes(self) -> Result<Vec<ReleasedAttribute>, CliError> {
        let terms = self.terms();
        let broken = |error| refused(format!("{error}"), "this is a fault: please report it");
        let mut list = match terms.set {
            Some(set) => attribute_sets::set(set).map_err(broken)?,
            None => Vec::new(),
        };
        for attribute in terms.attributes {
            put(
                &mut list,
                ReleasedAttribute::parse(attribute).map_err(broken)?,
            );
        }
        Ok(list)
    }

    /// The policy with what this product wants.
    pub(super) fn on(self, before: Policy) -> Result<Policy, CliError> {
        let terms = self.terms();
        let mut policy = before;
        policy.name_id = terms.name_id.map(UsualNameId::Format).or(policy.name_id);
        policy.release.attributes = Some(self.attributes()?);
        policy.allow_idp_initiated |= terms.unsolicited;
        policy.protection.plain_logout |= terms.plain_logout;
        Ok(policy)
    }

    fn word(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// `sp presets`: what there is.
pub(super) fn list(context: &Context) -> Result<ExitCode, CliError> {
    let mut documents = Vec::new();
    let mut rows = Vec::new();
    for preset in Preset::value_variants() {
        let terms = preset.terms();
        let told: Vec<String> = preset
            .attributes()?
            .into_iter()
            .map(|one| one.name)
            .collect();
        let name_id = terms.name_id.map(NameIdFormat::word);
        let idp_initiated = terms.unsolicited;
        documents.push(
            json!({"preset": preset.word(), "nameid": name_id, "attributes": told,
            "attribute_set": terms.set, "attribute": terms.attributes,
            "allow_idp_initiated": idp_initiated, "plain_logout": terms.plain_logout, "note": terms.note}),
        );
        let set = terms.set.map(|set| format!("the set {set}"));
        let attributes = terms.attributes.iter().map(|&one| one.to_owned());
        let listed: Vec<String> = set.into_iter().chain(attributes).collect();
        rows.push([
            (Tone::Strong, preset.word()),
            (Tone::Plain, name_id.unwrap_or("as asked").to_owned()),
            (
                Tone::Plain,
                if listed.is_empty() {
                    "none".to_owned()
                } else {
                    listed.join(", ")
                },
            ),
        ]);
    }
    context.done(&json!({ "presets": documents }), |style| {
        let mut table = Table::new(["PRESET", "NAMEID", "ATTRIBUTES"]);
        for row in rows {
            table.row(row);
        }
        table.print(style, "")
    })
}
