//! `doorward sp snippet`: the configuration of the other side, filled in. The interop tests
//! (docs/interop.md) configure each product by exactly what this prints.

mod facts;
mod literal;
mod products;

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::context::Context;
use super::super::error::{CliError, refused, usage};
use super::super::output::{Style, plain};
use facts::Facts;

/// The arguments of `sp snippet`.
#[derive(Debug, Args)]
pub(in super::super) struct Snippet {
    /// Its short name or its entityID
    name: String,
    /// The product that the application uses
    #[arg(long = "for", value_enum, value_name = "KIND")]
    product: Product,
    /// How it sends its AuthnRequests
    #[arg(long, value_enum, default_value_t = Binding::Redirect)]
    request_binding: Binding,
    /// Print this file alone, as it is
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    file: Option<String>,
}

/// A product that plays the service provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Product {
    /// python3-saml (`PyPI`)
    #[value(name = "python3-saml")]
    Python3Saml,
    /// pysaml2 (`PyPI`)
    Pysaml2,
    /// @node-saml/node-saml and passport-saml (npm)
    NodeSaml,
    /// samlify (npm)
    Samlify,
    /// Apache's `mod_auth_mellon`
    Mellon,
    /// Shibboleth SP: `mod_shib` and `shibd`
    Shibboleth,
    /// `SimpleSAMLphp` as service provider
    #[value(name = "simplesamlphp")]
    SimpleSamlPhp,
    /// `OneLogin`'s java-saml
    JavaSaml,
    /// Keycloak that brokers to us
    Keycloak,
    /// crewjam/saml (Go)
    Crewjam,
    /// Any other: the values by name
    Generic,
}

/// The bindings of AuthnRequests that products can be told to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Binding {
    /// HTTP-Redirect
    Redirect,
    /// HTTP-POST
    Post,
}

/// One file of a configuration.
struct File {
    /// Its name, as the product looks for it.
    name: &'static str,
    content: String,
}

/// A configuration: files, and what is to be done beside them.
struct Configuration {
    files: Vec<File>,
    notes: Vec<String>,
}

impl Snippet {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let open = context.open().await?;
        let sp = open.sp(&self.name).await?;
        let facts = Facts::of(&open, &sp, self.request_binding).await?;
        let configuration = products::configuration(self.product, &facts)?;
        if let Some(wanted) = &self.file {
            let text = file(&configuration, wanted)?;
            return context.done(&json!({}), |_| text.to_owned());
        }
        let files: Vec<_> = configuration
            .files
            .iter()
            .map(|file| json!({"name": file.name, "content": file.content}))
            .collect();
        let document = json!({"sp": facts.name, "files": files, "notes": configuration.notes});
        context.done(&document, |style| print(style, &configuration))
    }
}

fn file<'a>(configuration: &'a Configuration, wanted: &str) -> Result<&'a str, CliError> {
    let found = configuration.files.iter().find(|file| file.name == wanted);
    found.map(|file| file.content.as_str()).ok_or_else(|| {
        let names: Vec<_> = configuration.files.iter().map(|file| file.name).collect();
        usage(
            format!("this configuration has no file {wanted}"),
            format!("its files are {}", names.join(", ")),
        )
    })
}

/// What is to be done, then each file under its name.
fn print(style: Style, configuration: &Configuration) -> String {
    let mut text = String::new();
    for note in &configuration.notes {
        text.push_str(&plain(note));
        text.push('\n');
    }
    for file in &configuration.files {
        text.push('\n');
        text.push_str(&style.strong(&format!("==> {} <==", file.name)));
        text.push('\n');
        text.push_str(&file.content);
    }
    text
}

impl From<askama::Error> for CliError {
    fn from(error: askama::Error) -> Self {
        refused(
            format!("the configuration cannot be written: {error}"),
            "this is a fault of Doorward: please report it",
        )
    }
}
