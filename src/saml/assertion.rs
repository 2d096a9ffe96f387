//! The assertion inside a Response: who, for whom, until when (Core 2.3.3, Profiles 4.1.4.2).

use std::time::Duration;

use super::attributes;
use super::authn_request::{Asked, AskedSubject};
use super::encryption::{self, Recipient, RecipientError};
use super::name_id::NameId;
use super::response::{Issuer, ResponseError, Stamp};
use super::uri;
use super::xml::Writer;
use crate::access::Grant;
use crate::directory::protection::Encrypt;
use crate::directory::release::Lifetimes;
use crate::directory::service_provider::NameIdFormat;
use crate::directory::session::SentNameId;
use crate::directory::time::UnixTime;

/// How long ago a preview has expired.
const LONG_AGO: Duration = Duration::from_hours(1);

/// The window in which an assertion counts.
#[derive(Clone, Copy)]
pub(super) struct Times {
    not_before: UnixTime,
    not_on_or_after: UnixTime,
}

impl Times {
    pub(super) fn usable(now: UnixTime, lifetimes: &Lifetimes) -> Self {
        Self {
            not_before: now.minus(lifetimes.not_before_margin()),
            not_on_or_after: now.plus(lifetimes.assertion()),
        }
    }

    pub(super) fn expired(now: UnixTime, lifetimes: &Lifetimes) -> Self {
        Self::usable(now.minus(lifetimes.assertion() + LONG_AGO), lifetimes)
    }
}

/// What the AuthnStatement says (Core 2.7.2).
pub(super) struct SessionPart<'a> {
    pub(super) signed_in_at: UnixTime,
    pub(super) index: &'a str,
    pub(super) ends_at: UnixTime,
    /// A key for the client and the SP; only in what is encrypted.
    pub(super) key: Option<&'a str>,
}

/// The identifier as it stands in the assertion.
pub(super) enum Identifier {
    /// For all to read who can read the assertion.
    Plain(NameId),
    /// None: attributes say who it is (IIP-IDP11).
    Absent,
    /// For the SP's key alone, because the SP asked for it (Core 3.4.1.1).
    Encrypted(NameId, Box<Recipient>),
}

impl Identifier {
    /// What it says to whom it is for.
    const fn name_id(&self) -> Option<&NameId> {
        match self {
            Self::Absent => None,
            Self::Plain(name_id) | Self::Encrypted(name_id, _) => Some(name_id),
        }
    }

    /// The same as it is remembered, for the logout.
    pub(super) fn sent(&self) -> Option<SentNameId> {
        let is_encrypted = matches!(self, Self::Encrypted(..));
        self.name_id().map(|name_id| name_id.sent(is_encrypted))
    }

    fn write(&self, w: &mut Writer<'_>) -> Result<(), ResponseError> {
        match self {
            Self::Absent => {}
            Self::Plain(name_id) => name_id.write(w),
            Self::Encrypted(name_id, recipient) => {
                let mut alone = Writer::with_capacity(512);
                name_id.write(&mut alone);
                recipient.write_encrypted_id(w, &alone.finish()?)?;
            }
        }
        Ok(())
    }
}

/// The identifier that the SP gets, encrypted where it asked for that.
pub(super) fn identifier(
    grant: &Grant<'_>,
    asked: &Asked,
    issuer: &Issuer,
    session_index: &str,
) -> Result<Identifier, ResponseError> {
    let left_open =
        asked.name_id.format.is_none() && asked.subject.is_none() && !asked.name_id.encrypted;
    if left_open && grant.sp().does_without_name_id() {
        return Ok(Identifier::Absent);
    }
    let name_id = name_id(grant, asked, issuer, session_index)?;
    if !asked.name_id.encrypted {
        return Ok(Identifier::Plain(name_id));
    }
    if grant.sp().policy.protection.encrypt == Encrypt::Never {
        return Err(ResponseError::NoEncryptedId(RecipientError::NoKey));
    }
    let recipient = encryption::willing_recipient(grant.sp(), &issuer.denied);
    let recipient = recipient.map_err(ResponseError::NoEncryptedId)?;
    Ok(Identifier::Encrypted(name_id, Box::new(recipient)))
}

/// The identifier that the SP gets, or why there is none.
pub(super) fn name_id(
    grant: &Grant<'_>,
    asked: &Asked,
    issuer: &Issuer,
    session_index: &str,
) -> Result<NameId, ResponseError> {
    let of_subject = asked
        .subject
        .as_ref()
        .and_then(|s| NameIdFormat::from_uri(&s.format));
    let format = asked
        .name_id_format()
        .or(of_subject)
        .unwrap_or_else(|| grant.usual_name_id_format());
    let (user, sp) = (grant.user(), grant.sp());
    let value = match format {
        NameIdFormat::Persistent => {
            if asked.name_id.create_forbidden && !grant.is_known_to_sp() {
                return Err(ResponseError::NoNameId);
            }
            issuer
                .pairwise_secret
                .persistent_id(&user.id, &sp.entity_id)
        }
        NameIdFormat::Transient => issuer
            .pairwise_secret
            .transient_id(session_index, &sp.entity_id),
        NameIdFormat::EmailAddress => {
            // A format asked for is no way around what the SP is registered to be told. An SP that
            // names the address itself, as its Subject, knows it already.
            let named_by_sp = of_subject == Some(format);
            let registered = grant.usual_name_id_format() == format
                || sp.name_id_formats.iter().any(|uri| uri == format.uri())
                || attributes::releases_mail(sp, issuer);
            let email = user.email.clone().filter(|_| registered || named_by_sp);
            email.ok_or(ResponseError::NoNameId)?
        }
        NameIdFormat::Unspecified => user.name.as_str().to_owned(),
    };
    let pairwise = format == NameIdFormat::Persistent;
    let name_id = NameId {
        format,
        value,
        name_qualifier: pairwise.then(|| issuer.entity_id.clone()),
        sp_name_qualifier: (pairwise || asked.name_id.sp_name_qualifier)
            .then(|| sp.entity_id.as_str().to_owned()),
    };
    match &asked.subject {
        Some(subject) if !strongly_matches(subject, &name_id, issuer, sp.entity_id.as_str()) => {
            Err(ResponseError::SubjectMismatch)
        }
        _ => Ok(name_id),
    }
}

/// Core 3.3.4: the same identifier in value, format and qualifiers; a qualifier left out is the
/// one that is implied.
fn strongly_matches(subject: &AskedSubject, name_id: &NameId, issuer: &Issuer, sp: &str) -> bool {
    let fits = |given: &Option<String>, implied: &str| {
        given
            .as_deref()
            .is_none_or(|qualifier| qualifier == implied)
    };
    subject.value == name_id.value
        && subject.format == name_id.format.uri()
        && fits(&subject.name_qualifier, &issuer.entity_id)
        && fits(&subject.sp_name_qualifier, sp)
}

/// What an enhanced client and its SP agree on over this assertion: the channel that both see, and
/// a key for the two of them (Channel Binding Extensions 1.0; SAML-EC 5.3.1).
fn advice(w: &mut Writer<'_>, asked: &Asked, key: Option<&str>) {
    if asked.channel.is_none() && key.is_none() {
        return;
    }
    w.start(uri::SAML, "Advice");
    if let Some(channel) = &asked.channel {
        w.start(uri::CB, "ChannelBindings");
        w.attribute("Type", &channel.kind);
        w.text(&channel.value).end();
    }
    if let Some(key) = key {
        w.element(uri::SAMLEC, "GeneratedKey", key);
    }
    w.end();
}

/// The assertion, and where a signature belongs in it.
pub(super) fn write(
    grant: &Grant<'_>,
    asked: &Asked,
    identifier: &Identifier,
    issuer: &Issuer,
    stamp: &Stamp,
    times: Times,
    session: &SessionPart<'_>,
) -> Result<(String, usize), ResponseError> {
    let now = stamp.now.to_string();
    let not_on_or_after = times.not_on_or_after.to_string();
    let told = attributes::told(grant.user(), grant.sp(), issuer, asked.attribute_service)?;
    let typed = grant.sp().policy.release.typed;
    let mut w = Writer::with_capacity(4096);
    w.start(uri::SAML, "Assertion");
    if typed {
        // No name uses them but in values: every signature names them (decision 7).
        w.declare(uri::XS).declare(uri::XSI);
    }
    w.attribute("ID", stamp.assertion_id.as_str());
    w.attribute("Version", "2.0");
    w.attribute("IssueInstant", &now);
    w.element(uri::SAML, "Issuer", &issuer.entity_id);
    let after_issuer = w.position();
    w.start(uri::SAML, "Subject");
    identifier.write(&mut w)?;
    w.start(uri::SAML, "SubjectConfirmation")
        .attribute("Method", uri::BEARER);
    w.start(uri::SAML, "SubjectConfirmationData");
    if let Some(id) = grant.in_response_to() {
        w.attribute("InResponseTo", id);
    }
    w.attribute("NotOnOrAfter", &not_on_or_after);
    w.attribute("Recipient", &grant.acs().location);
    w.end().end().end();
    w.start(uri::SAML, "Conditions");
    w.attribute("NotBefore", &times.not_before.to_string());
    w.attribute("NotOnOrAfter", &not_on_or_after);
    w.start(uri::SAML, "AudienceRestriction");
    w.element(uri::SAML, "Audience", grant.sp().entity_id.as_str());
    w.end().end();
    advice(&mut w, asked, session.key);
    w.start(uri::SAML, "AuthnStatement");
    w.attribute("AuthnInstant", &session.signed_in_at.to_string());
    w.attribute("SessionIndex", session.index);
    w.attribute("SessionNotOnOrAfter", &session.ends_at.to_string());
    w.start(uri::SAML, "AuthnContext");
    w.element(uri::SAML, "AuthnContextClassRef", asked.context.uri());
    w.end().end();
    attributes::write(&told, typed, &mut w);
    w.end();
    Ok((w.finish()?, after_issuer))
}
