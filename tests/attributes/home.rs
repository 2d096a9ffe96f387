//! One identity provider, one person, and as many service providers as a test wants.

use std::fmt::Write as _;

use crate::support::app::Product;
use crate::support::browser::{Answer, Browser};
use crate::support::oracle::{Assertion, Message};
use crate::support::sp::Sp;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// The identity provider, with Ada in it.
pub(crate) struct Home {
    pub(crate) product: Product,
}

impl Home {
    /// Starts it with these lines in its configuration.
    pub(crate) async fn with(settings: &str) -> Self {
        let settings = format!("signing_algorithm = \"p256\"\n{settings}");
        let product = Product::serve(&settings).await;
        product.add_user("ada", PASSWORD, &["staff", "secret"]);
        let line = ["user", "update", "ada", "--display-name", "Ada Lovelace"];
        let attributes = [
            "--attribute",
            "givenName=Ada",
            "--attribute",
            "sn=Lovelace",
            "--attribute",
            "team=alpha",
            "--attribute",
            "team=beta, gamma",
            "--attribute",
            "eduPersonAffiliation=member",
        ];
        let output = product.try_cli(&[&line[..], &attributes].concat(), "");
        assert!(output.status.success(), "{output:?}");
        Self { product }
    }

    pub(crate) async fn new() -> Self {
        Self::with("scope = \"example.org\"").await
    }

    /// Registers an SP under this name, by its metadata with `inside` put in, with these options.
    pub(crate) fn sp(&self, name: &str, inside: &Inside<'_>, options: &[&str]) -> Sp {
        let sp = Sp::new(
            &format!("https://{name}.example/saml"),
            &format!("https://{name}.example/acs"),
        );
        let metadata = self
            .product
            .file("sp.xml", &inside.put_into(&sp.metadata("")));
        let line = ["sp", "add", "--name", name, "--metadata", &metadata];
        let rule = ["--require-role", "staff"];
        let output = self
            .product
            .try_cli(&[&line[..], &rule, options].concat(), "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        sp
    }

    /// Changes the registration of an SP.
    pub(crate) fn update(&self, name: &str, options: &[&str]) {
        let output = self
            .product
            .try_cli(&[&["sp", "update", name], options].concat(), "");
        assert!(output.status.success(), "{output:?}");
    }

    /// A request of this SP with these attributes on its root.
    pub(crate) fn request(&self, sp: &Sp, attributes: &str) -> String {
        let mut request = sp.request(&self.product.idp("/saml/sso"));
        request.attributes = attributes.to_owned();
        request.redirect(None)
    }

    /// Ada asks for it, and signs in if she has to.
    pub(crate) async fn visit(&self, ada: &Browser, sp: &Sp, attributes: &str) -> Answer {
        let answer = ada.visit(&self.request(sp, attributes)).await;
        if answer.asks_to_sign_in() {
            ada.sign_in(&answer, "ada", PASSWORD).await
        } else {
            answer
        }
    }

    /// What this SP is told.
    pub(crate) async fn told(&self, sp: &Sp) -> Assertion {
        self.told_when(sp, "").await
    }

    pub(crate) async fn told_when(&self, sp: &Sp, attributes: &str) -> Assertion {
        let message = self.message(sp, attributes).await;
        message
            .assertion
            .unwrap_or_else(|| panic!("{:?}", message.status))
    }

    /// The Response that this SP gets.
    pub(crate) async fn message(&self, sp: &Sp, attributes: &str) -> Message {
        let answer = self.visit(&self.product.browser(), sp, attributes).await;
        let response = answer.response();
        let (acs, message) = response.unwrap_or_else(|| panic!("{}", answer.in_short()));
        assert_eq!(acs, sp.acs);
        message.clone()
    }
}

/// What the metadata of an SP holds beside the usual.
#[derive(Default)]
pub(crate) struct Inside<'a> {
    /// AttributeConsumingService elements.
    pub(crate) services: &'a str,
    /// Name and value of entity attributes.
    pub(crate) entity_attributes: &'a [(&'a str, &'a str)],
}

impl Inside<'_> {
    fn put_into(&self, metadata: &str) -> String {
        let mut attributes = String::new();
        for (name, value) in self.entity_attributes {
            let _ = write!(
                attributes,
                r#"<saml:Attribute NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri" Name="{name}"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>"#
            );
        }
        let extensions = if attributes.is_empty() {
            String::new()
        } else {
            format!(
                r#"<md:Extensions><mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{attributes}</mdattr:EntityAttributes></md:Extensions>"#
            )
        };
        metadata
            .replace(
                "<md:SPSSODescriptor",
                &format!("{extensions}<md:SPSSODescriptor"),
            )
            .replace(
                "</md:SPSSODescriptor>",
                &format!("{}</md:SPSSODescriptor>", self.services),
            )
    }
}

/// The names of the attributes in an assertion, the well-known ones by their friendly names.
pub(crate) fn labels(assertion: &Assertion) -> Vec<String> {
    let label = |one: &crate::support::oracle::Attribute| {
        one.friendly_name
            .clone()
            .unwrap_or_else(|| one.name.clone())
    };
    assertion.attributes.iter().map(label).collect()
}
