//! An app that takes part in single logout and shares no code with the product: messages are written
//! as text and signed by OpenSSL and xmlsec1, what comes is read by lxml.

use std::fmt::Write as _;

use jiff::SignedDuration;
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::x509::X509;

use crate::support::app::Product;
use crate::support::browser::{Answer, Browser, decoded, url_of};
use crate::support::oracle::{Message, NameId, xmlsec1_signs};
use crate::support::sp::{RSA_SHA256, Sp, escaped, fresh_id, now, signature_template};

pub(crate) const PASSWORD: &str = "a long enough password";
const BINDINGS: &str = "urn:oasis:names:tc:SAML:2.0:bindings";
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status";

/// A registered app.
pub(crate) struct App {
    pub(crate) name: String,
    pub(crate) sp: Sp,
    pub(crate) slo: String,
}

/// What an app knows of a person.
#[derive(Debug, Clone)]
pub(crate) struct Entered {
    pub(crate) name_id: NameId,
    pub(crate) session_index: String,
}

/// A message that came out of the product.
pub(crate) struct Received {
    pub(crate) message: Message,
    /// Without query.
    pub(crate) to: String,
    pub(crate) relay_state: Option<String>,
}

/// A logout message before it is signed; a test changes what it is about.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) id: String,
    element: &'static str,
    pub(crate) issue_instant: String,
    pub(crate) destination: Option<String>,
    pub(crate) issuer: String,
    /// More attributes of the root, as text.
    pub(crate) attributes: String,
    /// What follows the Issuer and the Signature, as text.
    pub(crate) children: String,
}

/// An element of its metadata: `Redirect`, `POST` (`HTTP-` is added) or `SOAP` at an address.
pub(crate) fn endpoint(binding: &str, location: &str) -> String {
    let prefix = if binding == "SOAP" { "" } else { "HTTP-" };
    format!(
        "<md:SingleLogoutService Binding=\"{BINDINGS}:{prefix}{binding}\" Location=\"{location}\"/>"
    )
}

impl App {
    /// Registers an app with these SingleLogoutService elements; everybody may enter.
    pub(crate) fn register(product: &Product, name: &str, endpoints: &str) -> Self {
        Self::register_for(product, name, endpoints, "everyone")
    }

    pub(crate) fn register_for(product: &Product, name: &str, endpoints: &str, role: &str) -> Self {
        let (app, metadata) = Self::described(name, endpoints);
        let file = product.file(&format!("{name}.xml"), &metadata);
        let add = [
            "sp",
            "add",
            "--name",
            name,
            "--metadata",
            &file,
            "--require-role",
            role,
        ];
        product.cli(add);
        app
    }

    /// An app that nobody has registered yet, and its metadata.
    pub(crate) fn described(name: &str, endpoints: &str) -> (Self, String) {
        let base = format!("https://{name}.example");
        let sp = Sp::new(&format!("{base}/saml"), &format!("{base}/acs"));
        let metadata = sp.metadata("").replacen(
            "<md:AssertionConsumerService",
            &format!("{endpoints}<md:AssertionConsumerService"),
            1,
        );
        let app = Self {
            name: name.to_owned(),
            sp,
            slo: format!("{base}/slo"),
        };
        (app, metadata)
    }

    /// An app with one endpoint for browsers.
    pub(crate) fn with_redirect(product: &Product, name: &str) -> Self {
        let location = format!("https://{name}.example/slo");
        Self::register(product, name, &endpoint("Redirect", &location))
    }

    /// Enters the app; signs in where that is asked.
    pub(crate) async fn enter(&self, product: &Product, browser: &Browser, who: &str) -> Entered {
        self.enter_asking(product, browser, who, "").await
    }

    /// The same with more in the AuthnRequest.
    pub(crate) async fn enter_asking(
        &self,
        product: &Product,
        browser: &Browser,
        who: &str,
        children: &str,
    ) -> Entered {
        let mut request = self.sp.request(&product.idp("/saml/sso"));
        request.children = children.to_owned();
        let mut answer = browser.visit(&request.redirect(None)).await;
        if answer.asks_to_sign_in() {
            answer = browser.sign_in(&answer, who, PASSWORD).await;
        }
        let (_, response) = answer.response().expect("a Response comes");
        let assertion = response.assertion.clone().expect("with an assertion");
        Entered {
            name_id: assertion.name_id.expect("with a NameID"),
            session_index: assertion.session_index.expect("with a SessionIndex"),
        }
    }

    /// Whether this browser enters without being asked for a password.
    pub(crate) async fn lets_in(&self, product: &Product, browser: &Browser) -> bool {
        let request = self.sp.request(&product.idp("/saml/sso"));
        let answer = browser.visit(&request.redirect(None)).await;
        answer
            .response()
            .is_some_and(|(_, m)| m.assertion.is_some())
    }

    /// A LogoutRequest about somebody, to the endpoint for browsers.
    pub(crate) fn request(&self, product: &Product, whom: &Entered) -> Draft {
        let mut children = name_id(&whom.name_id);
        let _ = write!(
            children,
            "<samlp:SessionIndex>{}</samlp:SessionIndex>",
            whom.session_index
        );
        self.draft("LogoutRequest", &product.idp("/saml/slo"), children)
    }

    /// A LogoutResponse to a request of the product.
    pub(crate) fn response(&self, product: &Product, to: &Message, codes: &[&str]) -> Draft {
        let mut nested = String::new();
        for code in codes.iter().rev() {
            nested =
                format!("<samlp:StatusCode Value=\"{STATUS}:{code}\">{nested}</samlp:StatusCode>");
        }
        let children = format!("<samlp:Status>{nested}</samlp:Status>");
        let mut draft = self.draft("LogoutResponse", &product.idp("/saml/slo"), children);
        draft.attributes = format!(" InResponseTo=\"{}\"", to.id);
        draft
    }

    fn draft(&self, element: &'static str, destination: &str, children: String) -> Draft {
        Draft {
            id: fresh_id(),
            element,
            issue_instant: now().to_string(),
            destination: Some(destination.to_owned()),
            issuer: self.sp.entity_id.clone(),
            attributes: String::new(),
            children,
        }
    }

    /// The address that carries a message by HTTP-Redirect, signed.
    pub(crate) fn redirect(&self, draft: &Draft, relay_state: Option<&str>) -> String {
        let query = self
            .sp
            .signed_query(&draft.xml(""), relay_state, RSA_SHA256);
        let query = match draft.element {
            "LogoutResponse" => self.resigned(&query),
            _ => query,
        };
        let to = draft.destination.as_deref().expect("it has a Destination");
        format!("{to}?{query}")
    }

    /// The same query as `SAMLResponse`, signed anew.
    fn resigned(&self, query: &str) -> String {
        let (octets, _) = query.split_once("&Signature=").expect("it is signed");
        let octets = octets.replacen("SAMLRequest=", "SAMLResponse=", 1);
        let signature = self.sp.signature(&octets, RSA_SHA256);
        let signature = crate::support::sp::percent_encoded(&signature);
        format!("{octets}&Signature={signature}")
    }

    /// The XML with an enveloped signature.
    pub(crate) fn signed(&self, draft: &Draft) -> String {
        let template = draft.xml(&signature_template(&draft.id, RSA_SHA256));
        xmlsec1_signs(
            &template,
            "/*/*[local-name()='Signature']",
            &self.sp.key_pem(),
        )
    }

    /// Answers a request by HTTP-Redirect, as the app's page would.
    pub(crate) async fn confirm(
        &self,
        product: &Product,
        browser: &Browser,
        request: &Message,
    ) -> Answer {
        let response = self.response(product, request, &["Success"]);
        browser.get(&self.redirect(&response, None)).await
    }
}

/// A NameID exactly as it was given.
pub(crate) fn name_id(name_id: &NameId) -> String {
    let attribute = |name: &str, value: &Option<String>| {
        let value = value.as_deref().map(escaped);
        value.map_or_else(String::new, |value| format!(" {name}=\"{value}\""))
    };
    format!(
        "<saml:NameID{}{}{}>{}</saml:NameID>",
        attribute("Format", &name_id.format),
        attribute("NameQualifier", &name_id.name_qualifier),
        attribute("SPNameQualifier", &name_id.sp_name_qualifier),
        escaped(&name_id.value)
    )
}

impl Draft {
    pub(crate) fn xml(&self, signature: &str) -> String {
        let destination = self.destination.as_ref();
        let destination = destination.map_or_else(String::new, |d| format!(" Destination=\"{d}\""));
        let element = self.element;
        format!(
            "<samlp:{element} xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{}\" Version=\"2.0\" \
             IssueInstant=\"{}\"{destination}{}><saml:Issuer>{}</saml:Issuer>{signature}{}\
             </samlp:{element}>",
            self.id, self.issue_instant, self.attributes, self.issuer, self.children
        )
    }

    /// The same issued so long after now (before, if negative).
    pub(crate) fn issued(mut self, after_now: SignedDuration) -> Self {
        let then = now().checked_add(after_now).expect("an instant");
        self.issue_instant = then.to_string();
        self
    }

    pub(crate) fn with(mut self, attributes: &str) -> Self {
        let _ = write!(self.attributes, " {attributes}");
        self
    }
}

/// The message in an answer of the product: in the Location of a redirect, or in the form of a page.
/// Its signature, the schemas and its Destination are checked here.
pub(crate) fn received(product: &Product, answer: &Answer) -> Received {
    match answer.location() {
        Some(location) => in_location(product, &location),
        None => in_form(product, answer),
    }
}

fn in_location(product: &Product, location: &str) -> Received {
    let (to, query) = location.split_once('?').expect("a query");
    let url = url_of(location);
    let parameter = |name: &str| {
        let mut pairs = url.query_pairs();
        pairs
            .find(|(key, _)| key == name)
            .map(|(_, v)| v.into_owned())
    };
    let from = query.find("SAMLRe").expect("a message");
    let (octets, _) = query[from..]
        .split_once("&Signature=")
        .expect("it is signed");
    let signature = parameter("Signature").expect("it is signed");
    let signature = openssl::base64::decode_block(&signature).expect("base64");
    assert!(
        verifies(product, octets.as_bytes(), &signature),
        "OpenSSL refuses the signature of {location}"
    );
    let message = parameter("SAMLRequest").or_else(|| parameter("SAMLResponse"));
    let xml = inflated(&message.expect("a message"));
    assert!(
        !xml.contains("Signature"),
        "C-B3: the XML is unsigned: {xml}"
    );
    let message = crate::support::oracle::read(&xml).unwrap_or_else(|why| panic!("{why}\n{xml}"));
    let before = query[..from].trim_end_matches('&');
    let to = if before.is_empty() {
        to.to_owned()
    } else {
        format!("{to}?{before}")
    };
    assert_eq!(message.destination.as_ref(), Some(&to), "{xml}");
    Received {
        message,
        to,
        relay_state: parameter("RelayState"),
    }
}

fn in_form(product: &Product, answer: &Answer) -> Received {
    let field = |name: &str| {
        answer.forms().into_iter().find_map(|form| {
            let value = form.value(name)?.to_owned();
            Some((form.action, value))
        })
    };
    let (to, message) = field("SAMLRequest")
        .or_else(|| field("SAMLResponse"))
        .unwrap_or_else(|| panic!("no message at {}:\n{}", answer.url, answer.body));
    let message = product.oracle().check(&decoded(&message));
    assert_eq!(message.signed(), [message.kind.as_str()], "it is signed");
    assert_eq!(message.destination.as_ref(), Some(&to));
    Received {
        message,
        to,
        relay_state: field("RelayState").map(|(_, value)| value),
    }
}

fn inflated(message: &str) -> String {
    use std::io::Read as _;
    let bytes = openssl::base64::decode_block(message).expect("base64");
    let mut xml = String::new();
    flate2::read::DeflateDecoder::new(bytes.as_slice())
        .read_to_string(&mut xml)
        .expect("raw DEFLATE of UTF-8");
    xml
}

fn verifies(product: &Product, octets: &[u8], signature: &[u8]) -> bool {
    product.metadata.certificates.iter().any(|certificate| {
        let der = openssl::base64::decode_block(certificate).expect("base64");
        let key = X509::from_der(&der).unwrap().public_key().unwrap();
        let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
        verifier.verify_oneshot(signature, octets).unwrap_or(false)
    })
}

/// A product with Ada, who may enter everything.
pub(crate) async fn product() -> Product {
    let product = Product::serve("").await;
    product.add_user("ada", PASSWORD, &[]);
    product
}

/// The page between two apps leads on by itself, without a script: where to.
pub(crate) fn leads_to(page: &Answer) -> Option<String> {
    let (_, rest) = page.body.split_once("http-equiv=\"refresh\" content=\"")?;
    let (content, _) = rest.split_once('"')?;
    Some(content.split_once("url=")?.1.to_owned())
}
