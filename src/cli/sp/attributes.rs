//! `doorward sp attributes`: what an SP is told, for somebody or in general.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::super::context::{Context, Open};
use super::super::error::{CliError, refused};
use super::super::output::{Style, Table, Tone, note};
use super::release::as_toml;
use crate::directory::attribute::ReleasedAttribute;
use crate::directory::attribute_sets::is_known_placeholder;
use crate::directory::name::UserName;
use crate::directory::service_provider::ServiceProvider;
use crate::saml::attributes::{Attribute, told};

/// The arguments of `sp attributes`.
#[derive(Debug, Args)]
pub(in super::super) struct Attributes {
    /// Its short name or its entityID
    name: String,
    /// Show the values for this user, whether they may enter or not; nothing is sent
    #[arg(long, value_name = "USER", value_parser = UserName::parse)]
    preview: Option<UserName>,
    /// As a request with this AttributeConsumingServiceIndex is answered
    #[arg(long, value_name = "NUMBER")]
    index: Option<u16>,
    /// Write the file that `sp update --attributes-from` reads
    #[arg(long, conflicts_with_all = ["preview", "index"])]
    toml: bool,
}

impl Attributes {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let open = context.open().await?;
        let sp = open.sp(&self.name).await?;
        if let Some(index) = self.index.filter(|index| !sp.has_attribute_service(*index)) {
            return Err(refused(
                format!("{} has no AttributeConsumingService {index}", sp.name),
                "`--attribute-index` registers one that its metadata does not have",
            ));
        }
        match &self.preview {
            Some(user) => preview(context, &open, &sp, user, self.index).await,
            None => list(context, &open, &sp, &self),
        }
    }
}

fn list(
    context: &Context,
    open: &Open,
    sp: &ServiceProvider,
    asked: &Attributes,
) -> Result<ExitCode, CliError> {
    let told = sp.told(&open.config.release, asked.index);
    let attributes: Vec<&ReleasedAttribute> = told.iter().map(|one| &*one.attribute).collect();
    let toml = as_toml(&attributes)?;
    let document = json!({"sp": sp.name.as_str(),
        "listed": sp.policy.release.attributes.is_some(), "toml": toml,
        "attributes": attributes.iter().map(|one| document(one)).collect::<Vec<_>>()});
    context.done(&document, |style| {
        if asked.toml {
            return toml;
        }
        let mut table = Table::new(["ATTRIBUTE", "FROM", "NAME", "NAME FORMAT"]);
        for one in &attributes {
            let from = one.join.as_ref().map_or_else(
                || one.value.to_string(),
                |join| format!("{}, joined with {join:?}", one.value),
            );
            table.row([
                (Tone::Strong, one.label().to_owned()),
                (Tone::Plain, from),
                (Tone::Quiet, one.name.clone()),
                (Tone::Quiet, short_format(&one.format).to_owned()),
            ]);
        }
        table.print(style, "Nothing is released.")
    })
}

async fn preview(
    context: &Context,
    open: &Open,
    sp: &ServiceProvider,
    user: &UserName,
    index: Option<u16>,
) -> Result<ExitCode, CliError> {
    let user = open.user(user).await?;
    let issuer = open.issuer();
    let attributes = told(&user, sp, &issuer, index)
        .map_err(|error| refused(error.to_string(), "mend the template"))?;
    let values = |one: &Attribute<'_>| {
        let mut document = document(&one.registered);
        if let Value::Object(fields) = &mut document {
            fields.insert("values".to_owned(), json!(one.values));
        }
        document
    };
    let document = json!({"sp": sp.name.as_str(), "user": user.name.as_str(),
        "attributes": attributes.iter().map(values).collect::<Vec<_>>()});
    context.done(&document, |style| print_values(style, &attributes))
}

fn print_values(style: Style, attributes: &[Attribute<'_>]) -> String {
    let mut table = Table::new(["ATTRIBUTE", "VALUE", "NAME"]);
    for one in attributes {
        for (position, value) in one.values.iter().enumerate() {
            let (label, name) = if position == 0 {
                (one.registered.label(), one.registered.name.as_str())
            } else {
                ("", "")
            };
            table.row([
                (Tone::Strong, label.to_owned()),
                (Tone::Plain, value.to_string()),
                (Tone::Quiet, name.to_owned()),
            ]);
        }
    }
    table.print(style, "There is no value to release.")
}

/// One attribute as documents show it.
pub(super) fn document(attribute: &ReleasedAttribute) -> Value {
    json!({"name": attribute.name, "format": attribute.format,
        "friendly_name": attribute.friendly_name, "value": attribute.value.as_str(),
        "join": attribute.join})
}

/// The word for one of SAML's own formats.
fn short_format(uri: &str) -> &str {
    uri.strip_prefix("urn:oasis:names:tc:SAML:2.0:attrname-format:")
        .unwrap_or(uri)
}

/// Says on stderr which placeholders will stay empty: slips of the finger show that way, and an SP
/// may be registered before the users are there.
pub(super) async fn note_empty(open: &Open, sp: &ServiceProvider) -> Result<(), CliError> {
    let attributes = sp.policy.release.attributes.iter().flatten();
    let names: Vec<&str> = attributes.flat_map(|one| one.value.names()).collect();
    let is_scoped = |name: &&&str| matches!(**name, "scope" | "subject-id" | "pairwise-id");
    if let Some(name) = names.iter().find(is_scoped)
        && open.config.release.scope.is_none()
    {
        note(&format!(
            "{name} has no value until `scope` is set in the configuration"
        ));
    }
    let unknown: std::collections::BTreeSet<_> = names
        .into_iter()
        .filter(|name| !is_known_placeholder(name))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let known = open.store.user_attribute_names().await?;
    for name in unknown {
        if !known.iter().any(|there| there == name) {
            note(&format!(
                "{name} is no built-in value, and no user has an attribute of that name yet"
            ));
        }
    }
    Ok(())
}
