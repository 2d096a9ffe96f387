//! The options that `sp add` and `sp update` share: the rule, and what the administrator decides.

use clap::{Args, ValueEnum};

use super::super::error::{CliError, refused, usage};
use super::protection::ProtectionOptions;
use super::release::{LifetimeOptions, ReleaseOptions};
use crate::directory::name::RoleName;
use crate::directory::rule::{Quantifier, Rule};
use crate::directory::service_provider::{
    self as room, NameIdFormat, Policy, UsualNameId, check_location,
};

/// Rule and policy. Nothing said means: as it was, or the default.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// A role that may enter (repeat: any of them); `everyone` is a built-in role
    #[arg(long = "require-role", value_name = "ROLE", value_parser = RoleName::parse)]
    require_roles: Vec<RoleName>,
    /// All of the required roles are needed; to be said again whenever --require-role is
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    require_all: Option<bool>,
    /// What is signed: the assertion and the Response around it, or one of them [default: both]
    #[arg(long, value_enum)]
    sign: Option<Sign>,
    /// Refuse requests without a signature
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    require_signed_requests: Option<bool>,
    /// Who may not enter gets a page of ours, or the SP a Response with RequestDenied [default: page]
    #[arg(long, value_enum)]
    denied: Option<Denied>,
    /// NameID format where the request leaves it open: persistent, transient, emailAddress,
    /// unspecified, or the URI of one of them; none for no NameID at all
    #[arg(long, value_name = "FORMAT", value_parser = name_id)]
    nameid: Option<UsualNameId>,
    #[command(flatten)]
    release: ReleaseOptions,
    /// A role to release (repeat for several; "" releases none) [default: those that the rule names]
    #[arg(long = "release-role", value_name = "ROLE")]
    release_roles: Vec<String>,
    /// What pages call it [default: what its metadata says, else its name]
    #[arg(long, value_name = "TEXT", value_parser = title)]
    display_name: Option<String>,
    /// Where the launcher and a stale page lead
    #[arg(long, value_name = "URL")]
    home_url: Option<String>,
    /// Whom a refused person asks
    #[arg(long, value_name = "TEXT", value_parser = line)]
    contact: Option<String>,
    /// Let sign-ins start here, without a request of the SP
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    allow_idp_initiated: Option<bool>,
    /// Take endpoints on plain http outside loopback
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    allow_http: Option<bool>,
    #[command(flatten)]
    lifetimes: LifetimeOptions,
    #[command(flatten)]
    protection: ProtectionOptions,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sign {
    Both,
    Assertion,
    Response,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Denied {
    Page,
    Status,
}

fn name_id(text: &str) -> Result<UsualNameId, String> {
    UsualNameId::parse(text).ok_or_else(|| {
        let known: Vec<_> = NameIdFormat::ALL.iter().map(|f| f.word()).collect();
        format!("known formats are {}, none", known.join(", "))
    })
}

fn line(text: &str) -> Result<String, String> {
    if text.len() > 500 || text.contains(char::is_control) {
        return Err("has to be one line of at most 500 bytes".to_owned());
    }
    Ok(text.trim().to_owned())
}

/// Bounded as it is in the database, on whichever engine.
fn title(text: &str) -> Result<String, String> {
    let text = line(text)?;
    if text.chars().count() > Policy::LONGEST_DISPLAY_NAME {
        return Err(format!(
            "has to have at most {} characters",
            Policy::LONGEST_DISPLAY_NAME
        ));
    }
    Ok(text)
}

impl Options {
    /// Whether plain http is taken.
    pub(super) fn allow_http(&self, before: bool) -> bool {
        self.allow_http.unwrap_or(before)
    }

    /// Whether something was said that changes a registration.
    pub(super) fn says_something(&self) -> bool {
        let lists = [self.require_roles.len(), self.release_roles.len()];
        let switches = [
            self.require_all,
            self.require_signed_requests,
            self.allow_idp_initiated,
            self.allow_http,
        ];
        let texts = [&self.display_name, &self.home_url, &self.contact];
        lists.into_iter().any(|length| length > 0)
            || switches.into_iter().any(|switch| switch.is_some())
            || texts.into_iter().any(Option::is_some)
            || self.sign.is_some()
            || self.denied.is_some()
            || self.nameid.is_some()
            || self.release.says_something()
            || self.lifetimes.says_something()
            || self.protection.says_something()
    }

    /// The rule of a new registration, which has to be said (decision 2).
    pub(super) fn new_rule(&self) -> Result<Rule, CliError> {
        self.rule(None)
    }

    /// The rule of a changed registration.
    pub(super) fn changed_rule(&self, before: &Rule) -> Result<Rule, CliError> {
        self.rule(Some(before))
    }

    fn rule(&self, before: Option<&Rule>) -> Result<Rule, CliError> {
        let roles: Vec<RoleName> = match before {
            Some(rule) if self.require_roles.is_empty() => rule.roles().cloned().collect(),
            _ => self.require_roles.clone(),
        };
        let usual = match before {
            // Other roles make another rule: any of them, unless --require-all is said again.
            Some(rule) if self.require_roles.is_empty() => rule.quantifier(),
            _ => Quantifier::AnyOf,
        };
        let quantifier = match self.require_all {
            Some(true) => Quantifier::AllOf,
            Some(false) => Quantifier::AnyOf,
            None => usual,
        };
        Rule::new(quantifier, roles).map_err(|_| {
            usage(
                "no service provider is registered without a rule about who may enter",
                "add --require-role ROLE; `--require-role everyone` opens it to all",
            )
        })
    }

    /// What the administrator decided, on top of what held before.
    pub(super) fn policy(&self, before: Policy) -> Result<Policy, CliError> {
        let allow_http = self.allow_http(before.allow_http);
        let home_url = self.home_url(before.home_url, allow_http)?;
        let release_roles = self.released_roles()?;
        let text = |said: &Option<String>, before: Option<String>| match said {
            Some(said) => Some(said.clone()).filter(|text| !text.is_empty()),
            None => before,
        };
        Ok(Policy {
            display_name: text(&self.display_name, before.display_name),
            home_url,
            contact: text(&self.contact, before.contact),
            sign: self.sign.map_or(before.sign, Sign::policy),
            require_signed_requests: self
                .require_signed_requests
                .unwrap_or(before.require_signed_requests),
            denied: self.denied.map_or(before.denied, Denied::policy),
            name_id: self.nameid.or(before.name_id),
            release: self.release.policy(before.release)?,
            release_roles: release_roles.or(before.release_roles),
            allow_idp_initiated: self
                .allow_idp_initiated
                .unwrap_or(before.allow_idp_initiated),
            allow_http,
            signing_key: before.signing_key,
            lifetimes: self.lifetimes.lifetimes(before.lifetimes)?,
            protection: self.protection.on_top_of(before.protection),
        })
    }

    fn home_url(
        &self,
        before: Option<String>,
        allow_http: bool,
    ) -> Result<Option<String>, CliError> {
        match self.home_url.as_deref() {
            None => Ok(before),
            Some("") => Ok(None),
            Some(url) => match check_location(url, allow_http) {
                Ok(()) => Ok(Some(url.to_owned())),
                Err(error) => Err(refused(
                    format!("--home-url: {error}"),
                    "write an https address (--allow-http takes plain http)",
                )),
            },
        }
    }

    fn released_roles(&self) -> Result<Option<Vec<RoleName>>, CliError> {
        let Some(named) = listed(&self.release_roles) else {
            return Ok(None);
        };
        let roles: Result<Vec<_>, _> = named.iter().map(|name| RoleName::parse(name)).collect();
        let wrong = |e| usage(format!("--release-role {e}"), "write the name of a role");
        roles.map(Some).map_err(wrong)
    }
}

/// What a repeated option lists; one empty value lists nothing.
fn listed(said: &[String]) -> Option<Vec<String>> {
    if said.is_empty() {
        return None;
    }
    let named = said.iter().filter(|value| !value.is_empty());
    Some(named.cloned().collect())
}

impl Sign {
    fn policy(self) -> room::Sign {
        match self {
            Self::Both => room::Sign::Both,
            Self::Assertion => room::Sign::Assertion,
            Self::Response => room::Sign::Response,
        }
    }
}

impl Denied {
    fn policy(self) -> room::Denied {
        match self {
            Self::Page => room::Denied::Page,
            Self::Status => room::Denied::Status,
        }
    }
}
