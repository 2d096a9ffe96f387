//! Which files each product is configured by, and what has to be done beside them.

use askama::Template;

use super::facts::Facts;
use super::literal::{list, pem, quoted};
use super::{Configuration, File, Product};

#[derive(Template)]
#[template(
    path = "snippets/python3-saml.json",
    escape = "none",
    whitespace = "preserve"
)]
struct Python3Saml<'a> {
    f: &'a Facts,
}

#[derive(Template)]
#[template(path = "snippets/pysaml2.py", escape = "none", whitespace = "preserve")]
struct Pysaml2<'a> {
    f: &'a Facts,
}

#[derive(Template)]
#[template(
    path = "snippets/node-saml.cjs",
    escape = "none",
    whitespace = "preserve"
)]
struct NodeSaml<'a> {
    f: &'a Facts,
}

#[derive(Template)]
#[template(
    path = "snippets/samlify.cjs",
    escape = "none",
    whitespace = "preserve"
)]
struct Samlify<'a> {
    f: &'a Facts,
}

#[derive(Template)]
#[template(
    path = "snippets/generic.txt",
    escape = "none",
    whitespace = "preserve"
)]
struct Generic<'a> {
    f: &'a Facts,
}

/// The configuration of a product.
pub(super) fn configuration(product: Product, f: &Facts) -> Result<Configuration, askama::Error> {
    let key = "the key of the registered certificate goes into";
    let (name, content, keys) = match product {
        Product::Python3Saml => (
            "settings.json",
            Python3Saml { f }.render()?,
            format!("{key} certs/sp.key, the certificate into certs/sp.crt, beside the settings"),
        ),
        Product::Pysaml2 => (
            "sp_conf.py",
            Pysaml2 { f }.render()?,
            format!("{key} sp-key.pem, the certificate into sp-cert.pem"),
        ),
        Product::NodeSaml => (
            "saml-options.cjs",
            NodeSaml { f }.render()?,
            format!("{key} sp-key.pem, the certificate into sp-cert.pem"),
        ),
        Product::Samlify => (
            "saml.cjs",
            Samlify { f }.render()?,
            format!("{key} sp-key.pem, the certificate into sp-cert.pem"),
        ),
        Product::Generic => ("values.txt", Generic { f }.render()?, String::new()),
    };
    let mut notes = vec![format!("Configuration of {} ({})", f.name, f.entity_id)];
    if f.has_key && !keys.is_empty() {
        notes.push(format!("- {keys}"));
    } else if product != Product::Generic {
        notes.push(
            "- no certificate of it is registered, so it signs nothing: make a key with `openssl req \
             -x509 -newkey rsa:3072 -nodes -days 3650 -subj /CN=saml -keyout sp-key.pem -out \
             sp-cert.pem`, register it with `doorward sp update NAME --certificate sp-cert.pem`, \
             and print this again"
                .to_owned(),
        );
    }
    if product == Product::Pysaml2 {
        notes.push(format!(
            "- save our metadata: curl --fail --output doorward-metadata.xml {}",
            f.metadata_url
        ));
    }
    if f.posts() && product == Product::Python3Saml {
        notes.push("- python3-saml sends its requests by HTTP-Redirect only".to_owned());
    }
    let files = vec![File { name, content }];
    Ok(Configuration { files, notes })
}

/// A truth value of Python.
fn python(value: impl std::borrow::Borrow<bool>) -> &'static str {
    if *value.borrow() { "True" } else { "False" }
}
