//! A Response that a browser brings: from form field to somebody signed in, or a refusal.
//!
//! samael verifies the signature and hands back only what was digested (`ReduceMode::PreDigest`);
//! it then checks Destination, `InResponseTo`, Issuer, Status, times, Audience and Recipient. Where
//! it lets something pass (no `AudienceRestriction`, a bare Response around a signed Assertion), the
//! checks here do not.

use std::collections::BTreeMap;

use base64::Engine as _;
use samael::crypto::{AllowedSignatureAlgorithm, ReduceMode};
use samael::schema::{Assertion, Conditions, SubjectConfirmationData};
use samael::service_provider::Error as SamaelError;
use serde::{Deserialize, Serialize};

use super::response_shape::{self, Shape};
use super::service_provider::ServiceProvider;

/// How far the identity provider's clock may be off.
const SKEW_SECONDS: i64 = 180;
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";

/// SHA-1 has no place here, nor has a key type that SAML peers do not use.
pub(super) const ALGORITHMS: [AllowedSignatureAlgorithm; 6] = [
    AllowedSignatureAlgorithm::RsaSha256,
    AllowedSignatureAlgorithm::RsaSha384,
    AllowedSignatureAlgorithm::RsaSha512,
    AllowedSignatureAlgorithm::EcdsaSha256,
    AllowedSignatureAlgorithm::EcdsaSha384,
    AllowedSignatureAlgorithm::EcdsaSha512,
];

/// Why a Response does not sign anybody in. The text is shown to the person.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The form field is no base64 of a UTF-8 text.
    #[error("the sign-in answer could not be decoded")]
    Undecodable,
    /// The XML is not what a Response may be.
    #[error("the sign-in answer is not a SAML Response that this app reads: it has {0}")]
    Malformed(&'static str),
    /// An assertion that we hold no key for.
    #[error("the assertion is encrypted, and this app has published no key for that")]
    Encrypted,
    /// Neither the Response nor the Assertion is signed.
    #[error("the sign-in answer is not signed")]
    Unsigned,
    /// A signature is there and does not verify under the identity provider's keys.
    #[error("the signature does not belong to this answer and this identity provider")]
    BadSignature,
    /// Somebody else's.
    #[error("the answer comes from another identity provider than ours")]
    WrongIssuer,
    /// Sent to another address.
    #[error("the answer was meant for another address (Destination)")]
    WrongDestination,
    /// Meant for another service provider.
    #[error("the assertion was made for another app (Audience)")]
    WrongAudience,
    /// No bearer confirmation for our assertion consumer service.
    #[error("the assertion may not be used at this address (Recipient)")]
    WrongRecipient,
    /// Its request is not out, not this browser's, or answered.
    #[error("this browser has not asked for this sign-in, or it has been answered already")]
    NotAsked,
    /// It names no request.
    #[error("nobody asked for this sign-in, and this app only takes answers that it asked for")]
    Unsolicited,
    /// Too late.
    #[error("the assertion has expired")]
    Expired,
    /// Too early.
    #[error("the assertion is not valid yet: one of the two clocks is wrong")]
    NotYetValid,
    /// The same assertion was used before.
    #[error("this sign-in answer was used already; each works once")]
    Replayed,
    /// An assertion without what the profile demands (Profiles 4.1.4.2).
    #[error("the assertion is incomplete: it has no {0}")]
    Incomplete(&'static str),
    /// The identity provider said no; the status codes, the outer first.
    #[error("the identity provider did not sign you in")]
    Status(Vec<String>),
    /// Our database.
    #[error("the session database: {0}")]
    Database(#[from] sqlx::Error),
    /// What we stored does not read back.
    #[error("the session database: {0}")]
    Stored(#[from] serde_json::Error),
}

/// What a verified assertion says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SignedIn {
    pub(super) assertion_id: String,
    pub(super) in_response_to: Option<String>,
    pub(super) name_id: String,
    pub(super) name_id_format: Option<String>,
    pub(super) session_index: Option<String>,
    pub(super) session_until: Option<i64>,
    /// Until when the assertion could be brought again.
    pub(super) usable_until: i64,
    pub(super) attributes: BTreeMap<String, Vec<String>>,
}

impl SignedIn {
    /// How to greet them: by display name, else by address, else by the opaque name.
    pub(super) fn display_name(&self) -> &str {
        [
            "urn:oid:2.16.840.1.113730.3.1.241",
            "displayName",
            "urn:oid:0.9.2342.19200300.100.1.3",
            "mail",
        ]
        .iter()
        .filter_map(|name| self.attributes.get(*name)?.first())
        .find(|value| !value.trim().is_empty())
        .unwrap_or(&self.name_id)
    }
}

/// A Response as it came: well-shaped, believed by nobody.
#[derive(Debug)]
pub(super) struct UnverifiedResponse {
    xml: String,
    shape: Shape,
}

impl UnverifiedResponse {
    /// Decodes the form field `SAMLResponse` (Bindings 3.5.4).
    pub(super) fn read(field: &str) -> Result<Self, Refusal> {
        let compact: String = field.split_ascii_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(compact)
            .map_err(|_| Refusal::Undecodable)?;
        let xml = String::from_utf8(bytes).map_err(|_| Refusal::Undecodable)?;
        let shape = response_shape::read(&xml)?;
        Ok(Self { xml, shape })
    }

    /// The request that it claims to answer.
    pub(super) fn in_response_to(&self) -> Option<&str> {
        self.shape.in_response_to.as_deref()
    }

    /// Verifies everything that needs no database. Runs libxml2 and xmlsec1: call it on a thread
    /// that may block.
    pub(super) fn verify(self, sp: &ServiceProvider, now: i64) -> Result<SignedIn, Refusal> {
        self.check_envelope(sp)?;
        if self.shape.status.first().map(String::as_str) != Some(SUCCESS) {
            return Err(self.said_no(sp));
        }
        if !self.shape.has_assertion {
            return Err(Refusal::Incomplete("assertion"));
        }
        if !self.shape.response_signed && !self.shape.assertion_signed {
            return Err(Refusal::Unsigned);
        }
        let assertion = self.reduced(sp).map_err(|error| refusal_of(&error))?;
        let claimed = self.shape.in_response_to.as_deref();
        Checked {
            sp,
            assertion: &assertion,
            claimed,
            now,
        }
        .signed_in()
    }

    /// What the envelope says about itself, which only the signature of the Response would cover.
    fn check_envelope(&self, sp: &ServiceProvider) -> Result<(), Refusal> {
        if self.shape.in_response_to.is_none() && !sp.accept_unsolicited {
            return Err(Refusal::Unsolicited);
        }
        if self
            .shape
            .issuer
            .as_deref()
            .is_some_and(|issuer| issuer.trim() != sp.idp_entity_id)
        {
            return Err(Refusal::WrongIssuer);
        }
        match self.shape.destination.as_deref() {
            Some(destination) if destination != sp.acs_url => Err(Refusal::WrongDestination),
            // A signed message says where it is meant to go (Bindings 3.5.5.2).
            None if self.shape.response_signed => Err(Refusal::WrongDestination),
            _ => Ok(()),
        }
    }

    /// A status other than Success grants nothing, so it need not be signed; a signature that is
    /// there has to be right all the same.
    fn said_no(self, sp: &ServiceProvider) -> Refusal {
        if self.shape.response_signed
            && let Err(error) = self.reduced(sp)
            && !matches!(error, SamaelError::ResponseBadStatusCode { .. })
        {
            return refusal_of(&error);
        }
        Refusal::Status(self.shape.status)
    }

    fn reduced(&self, sp: &ServiceProvider) -> Result<Assertion, SamaelError> {
        let mut samael = sp.samael.clone();
        samael.allow_idp_initiated = self.shape.in_response_to.is_none();
        let asked: Vec<&str> = self.in_response_to().into_iter().collect();
        samael.parse_xml_response_with_mode(&self.xml, Some(&asked), ReduceMode::PreDigest)
    }
}

/// The checks on the digested assertion, with what they need.
struct Checked<'a> {
    sp: &'a ServiceProvider,
    assertion: &'a Assertion,
    claimed: Option<&'a str>,
    now: i64,
}

impl Checked<'_> {
    fn signed_in(&self) -> Result<SignedIn, Refusal> {
        let assertion = self.assertion;
        if assertion.version != "2.0" {
            return Err(Refusal::Malformed("an assertion of another SAML version"));
        }
        if assertion.issuer.value.as_deref().map(str::trim) != Some(&self.sp.idp_entity_id) {
            return Err(Refusal::WrongIssuer);
        }
        let conditions = assertion
            .conditions
            .as_ref()
            .ok_or(Refusal::WrongAudience)?;
        let closing = self.conditions(conditions)?;
        let subject = assertion
            .subject
            .as_ref()
            .ok_or(Refusal::Incomplete("subject"))?;
        let name_id = subject
            .name_id
            .as_ref()
            .ok_or(Refusal::Incomplete("NameID"))?;
        let confirmed_until = self.bearer()?;
        let statements = assertion.authn_statements.as_deref().unwrap_or_default();
        let statement = statements
            .first()
            .ok_or(Refusal::Incomplete("AuthnStatement"))?;
        Ok(SignedIn {
            assertion_id: assertion.id.clone(),
            in_response_to: self.claimed.map(str::to_owned),
            name_id: name_id.value.clone(),
            name_id_format: name_id.format.clone(),
            session_index: statement.session_index.clone(),
            session_until: statement.session_not_on_or_after.map(|at| at.timestamp()),
            usable_until: closing.unwrap_or(confirmed_until).max(confirmed_until)
                + SKEW_SECONDS
                + 1,
            attributes: attributes(assertion),
        })
    }

    /// Every restriction has to name us, and there has to be one (Profiles 4.1.4.2).
    fn conditions(&self, conditions: &Conditions) -> Result<Option<i64>, Refusal> {
        let restrictions = conditions
            .audience_restrictions
            .as_deref()
            .unwrap_or_default();
        let named = |audience: &Vec<String>| audience.contains(&self.sp.entity_id);
        if restrictions.is_empty() || !restrictions.iter().all(|each| named(&each.audience)) {
            return Err(Refusal::WrongAudience);
        }
        if conditions
            .not_before
            .is_some_and(|at| self.now < at.timestamp() - SKEW_SECONDS)
        {
            return Err(Refusal::NotYetValid);
        }
        let closing = conditions.not_on_or_after.map(|at| at.timestamp());
        if closing.is_some_and(|at| self.now >= at + SKEW_SECONDS) {
            return Err(Refusal::Expired);
        }
        Ok(closing)
    }

    /// One bearer confirmation has to be for here, for now and for this request; until when.
    fn bearer(&self) -> Result<i64, Refusal> {
        let subject = self.assertion.subject.as_ref();
        let confirmations = subject.and_then(|subject| subject.subject_confirmations.as_deref());
        let mut refusal = Refusal::Incomplete("bearer confirmation");
        for confirmation in confirmations.unwrap_or_default() {
            if confirmation.method.as_deref() != Some(BEARER) {
                continue;
            }
            match confirmation
                .subject_confirmation_data
                .as_ref()
                .map(|data| self.confirms(data))
            {
                Some(Ok(until)) => return Ok(until),
                Some(Err(why)) => refusal = why,
                None => {}
            }
        }
        Err(refusal)
    }

    fn confirms(&self, data: &SubjectConfirmationData) -> Result<i64, Refusal> {
        if data.recipient.as_deref() != Some(&self.sp.acs_url) {
            return Err(Refusal::WrongRecipient);
        }
        if data.in_response_to.as_deref() != self.claimed {
            return Err(Refusal::NotAsked);
        }
        let until = data
            .not_on_or_after
            .ok_or(Refusal::Incomplete("NotOnOrAfter"))?
            .timestamp();
        if self.now >= until + SKEW_SECONDS {
            return Err(Refusal::Expired);
        }
        Ok(until)
    }
}

fn attributes(assertion: &Assertion) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let statements = assertion
        .attribute_statements
        .as_deref()
        .unwrap_or_default();
    for attribute in statements
        .iter()
        .flat_map(|statement| &statement.attributes)
    {
        if let Some(name) = &attribute.name {
            let values = attribute
                .values
                .iter()
                .map(|each| each.value.clone().unwrap_or_default());
            all.entry(name.clone()).or_default().extend(values);
        }
    }
    all
}

/// samael's reasons in our words.
fn refusal_of(error: &SamaelError) -> Refusal {
    use SamaelError as E;
    match error {
        E::FailedToValidateSignature | E::CryptoXmlError(_) | E::CryptoProviderError(_) => {
            Refusal::BadSignature
        }
        E::DestinationValidationError { .. } => Refusal::WrongDestination,
        E::AssertionExpired { .. }
        | E::ResponseExpired { .. }
        | E::AssertionConditionExpired { .. }
        | E::AssertionSubjectConfirmationExpired { .. } => Refusal::Expired,
        E::AssertionConditionExpiredBefore { .. }
        | E::AssertionSubjectConfirmationExpiredBefore { .. } => Refusal::NotYetValid,
        E::AssertionIssuerMismatch { .. } | E::ResponseIssuerMismatch { .. } => {
            Refusal::WrongIssuer
        }
        E::AssertionConditionAudienceRestrictionFailed { .. } => Refusal::WrongAudience,
        E::AssertionRecipientMismatch { .. } => Refusal::WrongRecipient,
        E::AssertionInResponseToInvalid { .. } | E::ResponseInResponseToInvalid { .. } => {
            Refusal::NotAsked
        }
        E::AssertionBearerSubjectConfirmationMissing | E::AssertionSubjectConfirmationMissing => {
            Refusal::Incomplete("bearer confirmation")
        }
        E::ResponseBadStatusCode { code } => Refusal::Status(vec![code.clone()]),
        E::FailedToParseSamlResponse(_) | E::FailedToParseSamlAssertion(_) => {
            Refusal::Malformed("content out of order")
        }
        _ => Refusal::Malformed("something that the SAML library does not read"),
    }
}
