//! Which files each product is configured by, and what has to be done beside them.

use askama::Template;

use super::facts::Facts;
use super::literal::{apache, list, pem, php, properties, quoted, xml};
use super::{Configuration, File, Product};

/// A template of one file that is filled with the facts alone.
macro_rules! file {
    ($name:ident, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path, escape = "none", whitespace = "preserve")]
        struct $name<'a> {
            f: &'a Facts,
        }
    };
}

file!(Python3Saml, "snippets/python3-saml.json");
file!(Pysaml2, "snippets/pysaml2.py");
file!(NodeSaml, "snippets/node-saml.cjs");
file!(Samlify, "snippets/samlify.cjs");
file!(ShibbolethApache, "snippets/shibboleth.conf");
file!(
    SimpleSamlPhpIdpRemote,
    "snippets/simplesamlphp-idp-remote.php"
);
file!(JavaSaml, "snippets/java-saml.properties");
file!(Generic, "snippets/generic.txt");

#[derive(Template)]
#[template(
    path = "snippets/mellon.conf",
    escape = "none",
    whitespace = "preserve"
)]
struct Mellon<'a> {
    f: &'a Facts,
    /// Where the module has its own addresses: a path.
    endpoint: String,
}

#[derive(Template)]
#[template(
    path = "snippets/mellon-sp-metadata.xml",
    escape = "none",
    whitespace = "preserve"
)]
struct MellonSpMetadata<'a> {
    f: &'a Facts,
    /// Where the module takes logout messages.
    logout: String,
}

#[derive(Template)]
#[template(
    path = "snippets/shibboleth2.xml",
    escape = "none",
    whitespace = "preserve"
)]
struct Shibboleth<'a> {
    f: &'a Facts,
    /// Where the module has its own addresses: a path.
    handler: String,
}

#[derive(Template)]
#[template(
    path = "snippets/simplesamlphp-authsources.php",
    escape = "none",
    whitespace = "preserve"
)]
struct SimpleSamlPhp<'a> {
    f: &'a Facts,
    /// The name of its authentication source.
    source: String,
}

#[derive(Template)]
#[template(
    path = "snippets/keycloak.json",
    escape = "none",
    whitespace = "preserve"
)]
struct Keycloak<'a> {
    f: &'a Facts,
    /// The last part of the address of its endpoint.
    alias: String,
    /// All of ours, with commas between them.
    certificates: String,
}

#[derive(Template)]
#[template(path = "snippets/crewjam.go", escape = "none", whitespace = "preserve")]
struct Crewjam<'a> {
    f: &'a Facts,
    root: String,
}

/// What is released by default, and each NameID format, as Shibboleth names them.
const SHIBBOLETH_ATTRIBUTES: &str =
    include_str!("../../../../templates/snippets/shibboleth-attribute-map.xml");

/// Where products take Responses, at the end of the address.
const MELLON_ACS: &str = "/postResponse";
const SHIBBOLETH_ACS: &str = "/SAML2/POST";
const SIMPLESAMLPHP_ACS: &str = "/module.php/saml/sp/saml2-acs.php/";

/// The configuration of a product.
pub(super) fn configuration(product: Product, f: &Facts) -> Result<Configuration, askama::Error> {
    let mut notes = vec![format!("Configuration of {} ({})", f.name, f.entity_id)];
    notes.extend(key_note(product, f));
    notes.extend(address_note(product, f));
    notes.extend(logout_note(product, f));
    notes.extend(other_note(product, f));
    Ok(Configuration {
        files: files(product, f)?,
        notes,
    })
}

fn files(product: Product, f: &Facts) -> Result<Vec<File>, askama::Error> {
    // askama takes a template's last line end away.
    let file = |name, content: String| File {
        name,
        content: content.trim_end().to_owned() + "\n",
    };
    Ok(match product {
        Product::Python3Saml => vec![file("settings.json", Python3Saml { f }.render()?)],
        Product::Pysaml2 => vec![file("sp_conf.py", Pysaml2 { f }.render()?)],
        Product::NodeSaml => vec![file("saml-options.cjs", NodeSaml { f }.render()?)],
        Product::Samlify => vec![file("saml.cjs", Samlify { f }.render()?)],
        Product::Mellon => {
            let endpoint = f.path_before(MELLON_ACS, "/mellon");
            let logout = format!("{}{endpoint}/logout", f.origin());
            vec![
                file("mellon.conf", Mellon { f, endpoint }.render()?),
                file("sp-metadata.xml", MellonSpMetadata { f, logout }.render()?),
            ]
        }
        Product::Shibboleth => {
            let handler = f.path_before(SHIBBOLETH_ACS, "/Shibboleth.sso");
            vec![
                file("shibboleth2.xml", Shibboleth { f, handler }.render()?),
                file("attribute-map.xml", SHIBBOLETH_ATTRIBUTES.to_owned()),
                file("apache.conf", ShibbolethApache { f }.render()?),
            ]
        }
        Product::SimpleSamlPhp => {
            let source = f.acs.split_once(SIMPLESAMLPHP_ACS);
            let source = source.map_or("default-sp", |(_, source)| source).to_owned();
            vec![
                file(
                    "config/authsources.php",
                    SimpleSamlPhp { f, source }.render()?,
                ),
                file(
                    "metadata/saml20-idp-remote.php",
                    SimpleSamlPhpIdpRemote { f }.render()?,
                ),
            ]
        }
        Product::JavaSaml => vec![file("onelogin.saml.properties", JavaSaml { f }.render()?)],
        Product::Keycloak => vec![file("identity-provider.json", keycloak(f).render()?)],
        Product::Crewjam => {
            let root = f.origin();
            vec![file("main.go", Crewjam { f, root }.render()?)]
        }
        Product::Generic => vec![file("values.txt", Generic { f }.render()?)],
    })
}

/// Keycloak takes Responses at `…/broker/ALIAS/endpoint`.
fn keycloak(f: &Facts) -> Keycloak<'_> {
    let alias = f.acs.strip_suffix("/endpoint");
    let alias = alias.and_then(|before| before.rsplit_once("/broker/"));
    Keycloak {
        f,
        alias: alias.map_or("doorward", |(_, alias)| alias).to_owned(),
        certificates: f.certificates.join(","),
    }
}

/// Where its key belongs, or how it comes to have one.
fn key_note(product: Product, f: &Facts) -> Option<String> {
    let files = match product {
        // Keycloak makes its own key and publishes it; nothing has to be put anywhere.
        Product::Generic | Product::Keycloak => return None,
        Product::JavaSaml => "onelogin.saml.properties, where they are asked for",
        Product::Python3Saml => {
            "certs/sp.key, the certificate into certs/sp.crt, beside settings.json"
        }
        Product::Shibboleth => {
            "/etc/shibboleth/sp-key.pem, the certificate into sp-cert.pem beside it; shibd reads them"
        }
        Product::SimpleSamlPhp => {
            "sp-key.pem, the certificate into sp-cert.pem, in the folder that certdir names"
        }
        Product::Pysaml2
        | Product::NodeSaml
        | Product::Samlify
        | Product::Mellon
        | Product::Crewjam => "sp-key.pem, the certificate into sp-cert.pem",
    };
    Some(if f.has_key {
        format!("- the key of the registered certificate goes into {files}")
    } else {
        let without = match product {
            Product::Mellon | Product::Crewjam => "does not work without a key",
            _ => "signs nothing and cannot log out",
        };
        format!(
            "- no certificate of it is registered, so it {without}: make a key with `openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -subj /CN=saml -keyout \
             sp-key.pem -out sp-cert.pem`, register it with `doorward sp update {} --certificate \
             sp-cert.pem`, and print this again",
            f.name
        )
    })
}

/// That an address is registered which the product does not listen at.
fn address_note(product: Product, f: &Facts) -> Option<String> {
    let (fits, usual) = match product {
        Product::Mellon => (f.acs.ends_with(MELLON_ACS), "/mellon/postResponse"),
        Product::Shibboleth => (
            f.acs.ends_with(SHIBBOLETH_ACS),
            "/Shibboleth.sso/SAML2/POST",
        ),
        Product::SimpleSamlPhp => (
            f.acs.contains(SIMPLESAMLPHP_ACS),
            "/simplesaml/module.php/saml/sp/saml2-acs.php/default-sp",
        ),
        _ => return None,
    };
    (!fits).then(|| {
        format!(
            "- its ACS is registered as {}, where this product does not listen: `doorward sp \
             update {} --acs {}{usual}`, or the metadata that it publishes",
            f.acs,
            f.name,
            f.origin(),
        )
    })
}

/// That its own address for logout messages is not registered; servers have theirs by themselves.
fn logout_note(product: Product, f: &Facts) -> Option<String> {
    let is_library = matches!(
        product,
        Product::Python3Saml
            | Product::Pysaml2
            | Product::NodeSaml
            | Product::Samlify
            | Product::JavaSaml
    );
    let is_registered = match product {
        Product::NodeSaml => f.front_slo.is_some(),
        _ => f.slo.is_some(),
    };
    (is_library && f.has_key && !is_registered).then(|| {
        format!(
            "- where it takes logout messages by HTTP-Redirect is not registered, so nobody logs \
             out there: `doorward sp update {} --slo URL`, and print this again",
            f.name
        )
    })
}

fn other_note(product: Product, f: &Facts) -> Option<String> {
    let save = || {
        format!(
            "- save our metadata, and again when a signing key is rotated: curl --fail --output \
             doorward-metadata.xml {}",
            f.metadata_url
        )
    };
    match product {
        Product::Mellon if f.posts() => Some(
            save()
                + "; it sends its requests by the first binding named there: leave only the \
                      SingleSignOnService by HTTP-POST in it",
        ),
        Product::Pysaml2 | Product::Mellon => Some(save()),
        Product::Python3Saml | Product::JavaSaml if f.posts() => {
            Some("- it sends its requests by HTTP-Redirect only".to_owned())
        }
        Product::Keycloak => Some(
            "- kcadm.sh create identity-provider/instances -r REALM -f identity-provider.json; then \
             register it by the metadata that it publishes at \
             /realms/REALM/broker/ALIAS/endpoint/descriptor"
                .to_owned(),
        ),
        _ => None,
    }
}

/// A truth value of Python.
fn python(value: impl std::borrow::Borrow<bool>) -> &'static str {
    if *value.borrow() { "True" } else { "False" }
}
