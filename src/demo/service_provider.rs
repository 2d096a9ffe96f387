//! The app as a SAML service provider: its keys and metadata, what it knows of the identity
//! provider, and the requests that it sends.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use openssl::asn1::Asn1Time;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use samael::crypto::{Crypto, CryptoProvider as _};
use samael::metadata::{EntityDescriptor, HTTP_POST_BINDING, HTTP_REDIRECT_BINDING};

use super::outside::random_hex;
use super::response::ALGORITHMS;
use super::{AppConfig, DemoError};

pub(super) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// Everything about SAML that is fixed while the app runs.
pub(super) struct ServiceProvider {
    pub(super) entity_id: String,
    pub(super) acs_url: String,
    pub(super) idp_entity_id: String,
    pub(super) accept_unsolicited: bool,
    /// samael's view of the same: it verifies what comes in.
    pub(super) samael: samael::service_provider::ServiceProvider,
    sign_requests: bool,
    redirect_location: Option<String>,
    post_location: Option<String>,
    pub(super) key: PKey<Private>,
    certificate: X509,
}

/// How a request asks to be treated.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wishes {
    /// Ask for the password again.
    pub(super) force: bool,
    /// Show nothing to the person.
    pub(super) passive: bool,
}

/// A request in the form of the HTTP-POST binding.
#[derive(Debug)]
pub(super) struct PostedRequest {
    pub(super) location: String,
    pub(super) saml_request: String,
}

#[derive(Template)]
#[template(path = "demo/authn_request.xml")]
struct AuthnRequestXml<'a> {
    id: &'a str,
    issue_instant: String,
    destination: &'a str,
    acs_url: &'a str,
    entity_id: &'a str,
    wishes: Wishes,
    signed: bool,
}

#[derive(Template)]
#[template(path = "demo/sp_metadata.xml")]
struct MetadataXml<'a> {
    entity_id: &'a str,
    acs_url: &'a str,
    slo_url: String,
    name: &'a str,
    certificate: String,
    sign_requests: bool,
}

impl ServiceProvider {
    /// Reads the identity provider's metadata, and the app's own key from its folder (or makes it).
    pub(super) fn open(config: &AppConfig, now: i64) -> Result<Self, DemoError> {
        let metadata: EntityDescriptor = config
            .idp_metadata
            .parse()
            .map_err(|_| DemoError::Metadata("it does not parse"))?;
        if metadata
            .valid_until
            .is_some_and(|until| until.timestamp() <= now)
        {
            return Err(DemoError::Metadata("it has expired (validUntil)"));
        }
        let idp_entity_id = metadata
            .entity_id
            .clone()
            .ok_or(DemoError::Metadata("it has no entityID"))?;
        let entity_id = format!("{}/saml/metadata", config.base_url);
        let acs_url = format!("{}/saml/acs", config.base_url);
        let defaults = samael::service_provider::ServiceProvider::default();
        let samael = samael::service_provider::ServiceProvider {
            // NotOnOrAfter says how long an assertion lives; samael's own 90 s would be less than
            // the difference between two clocks that it tolerates.
            max_issue_delay: defaults.max_clock_skew * 5,
            entity_id: Some(entity_id.clone()),
            acs_url: Some(acs_url.clone()),
            idp_metadata: metadata,
            allowed_signature_algorithms: Some(ALGORITHMS.to_vec()),
            ..defaults
        };
        let certificates = samael.idp_signing_certs();
        if !matches!(certificates, Ok(Some(_))) {
            return Err(DemoError::Metadata("it has no certificate for signing"));
        }
        let redirect_location = samael.sso_binding_location(HTTP_REDIRECT_BINDING);
        let post_location = samael.sso_binding_location(HTTP_POST_BINDING);
        if redirect_location.is_none() && post_location.is_none() {
            return Err(DemoError::Metadata(
                "it has no SingleSignOnService that this app speaks",
            ));
        }
        let (key, certificate) = own_key(&config.folder, config.kind.word())?;
        Ok(Self {
            entity_id,
            acs_url,
            idp_entity_id,
            accept_unsolicited: config.accept_unsolicited,
            samael,
            sign_requests: config.sign_requests,
            redirect_location,
            post_location,
            key,
            certificate,
        })
    }

    /// Our metadata (Metadata 2.4.4).
    pub(super) fn metadata(&self, name: &str) -> Result<String, DemoError> {
        let page = MetadataXml {
            entity_id: &self.entity_id,
            acs_url: &self.acs_url,
            slo_url: self.slo_url(),
            name,
            certificate: BASE64.encode(self.certificate.to_der()?),
            sign_requests: self.sign_requests,
        };
        Ok(page.render()?)
    }

    /// Whether the HTTP-Redirect binding can be used.
    pub(super) fn can_redirect(&self) -> bool {
        self.redirect_location.is_some()
    }

    /// The address to send the browser to (HTTP-Redirect, Bindings 3.4.4.1). The signature is over
    /// the very octets of the query, which is why they are put together here by hand.
    pub(super) fn redirect(
        &self,
        id: &str,
        relay_state: &str,
        wishes: Wishes,
        now: i64,
    ) -> Result<String, DemoError> {
        let no_binding = DemoError::Metadata("it has no HTTP-Redirect SingleSignOnService");
        let location = self.redirect_location.as_deref().ok_or(no_binding)?;
        let xml = self.authn_request(id, location, wishes, false, now)?;
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(xml.as_bytes())?;
        let message = BASE64.encode(deflate.finish()?);
        let mut query = format!(
            "SAMLRequest={}&RelayState={}",
            escaped(&message),
            escaped(relay_state)
        );
        if self.sign_requests {
            query.push_str("&SigAlg=");
            query.push_str(&escaped(RSA_SHA256));
            let mut signer = Signer::new(MessageDigest::sha256(), &self.key)?;
            let signature = BASE64.encode(signer.sign_oneshot_to_vec(query.as_bytes())?);
            query.push_str("&Signature=");
            query.push_str(&escaped(&signature));
        }
        let joint = if location.contains('?') { '&' } else { '?' };
        Ok(format!("{location}{joint}{query}"))
    }

    /// The form to have the browser post (HTTP-POST, Bindings 3.5.4). Signing runs xmlsec1.
    pub(super) fn post(
        &self,
        id: &str,
        wishes: Wishes,
        now: i64,
    ) -> Result<PostedRequest, DemoError> {
        let no_binding = DemoError::Metadata("it has no HTTP-POST SingleSignOnService");
        let location = self.post_location.clone().ok_or(no_binding)?;
        let mut xml = self.authn_request(id, &location, wishes, self.sign_requests, now)?;
        if self.sign_requests {
            let key = self.key.rsa()?.private_key_to_der()?;
            xml = Crypto::sign_xml(xml, &key).map_err(|_| DemoError::Signing)?;
        }
        Ok(PostedRequest {
            location,
            saml_request: BASE64.encode(xml),
        })
    }

    fn authn_request(
        &self,
        id: &str,
        destination: &str,
        wishes: Wishes,
        signed: bool,
        now: i64,
    ) -> Result<String, DemoError> {
        let request = AuthnRequestXml {
            id,
            issue_instant: super::pages::instant(now),
            destination,
            acs_url: &self.acs_url,
            entity_id: &self.entity_id,
            wishes,
            signed,
        };
        Ok(request.render()?)
    }
}

pub(super) fn escaped(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// The app's key and self-signed certificate: kept, so that what was registered stays true. Of two
/// nodes that start at once in one folder one makes the key, and both use it.
fn own_key(folder: &Path, word: &str) -> Result<(PKey<Private>, X509), DemoError> {
    let file = folder.join(format!("{word}-sp.pem"));
    if !file.exists() {
        make_key(&file, word)?;
    }
    let pem = fs::read(&file)?;
    Ok((PKey::private_key_from_pem(&pem)?, X509::from_pem(&pem)?))
}

/// Writes it under another name first, then links it: whoever looks sees a whole key or none.
fn make_key(file: &Path, word: &str) -> Result<(), DemoError> {
    let key = PKey::from_rsa(Rsa::generate(2048)?)?;
    let mut pem = key.private_key_to_pem_pkcs8()?;
    pem.extend(self_signed(&key, word)?.to_pem()?);
    let draft = file.with_extension(random_hex()?);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?
        .write_all(&pem)?;
    let linked = match fs::hard_link(&draft, file) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    };
    fs::remove_file(&draft)?;
    Ok(linked?)
}

fn self_signed(key: &PKey<Private>, word: &str) -> Result<X509, DemoError> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("CN", &format!("Doorward demo {word}"))?;
    let name = name.build();
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(key)?;
    let not_before = Asn1Time::days_from_now(0)?;
    let not_after = Asn1Time::days_from_now(3650)?;
    builder.set_not_before(&not_before)?;
    builder.set_not_after(&not_after)?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}
