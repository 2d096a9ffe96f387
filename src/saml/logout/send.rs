//! Logout messages that leave: written canonically, then signed as their binding demands.

use std::time::Duration;

use crate::directory::name::MessageId;
use crate::directory::session::SentNameId;
use crate::directory::time::UnixTime;
use crate::saml::binding::{Carried, SendError, redirect_to};
use crate::saml::encryption::{EncryptError, Recipient};
use crate::saml::signature::{SignError, SigningKey};
use crate::saml::status::Status;
use crate::saml::uri;
use crate::saml::xml::{WriteError, Writer};

/// How long an SP may take up a LogoutRequest.
const LIFETIME: Duration = Duration::from_mins(5);

/// Why a session ended (Core 3.7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The person wanted it.
    User,
    /// An administrator did.
    Admin,
}

impl Reason {
    fn uri(self) -> &'static str {
        match self {
            Self::User => "urn:oasis:names:tc:SAML:2.0:logout:user",
            Self::Admin => "urn:oasis:names:tc:SAML:2.0:logout:admin",
        }
    }
}

/// A LogoutRequest to be written.
#[derive(Debug)]
pub struct NewLogoutRequest<'a> {
    /// Its ID.
    pub id: &'a MessageId,
    /// Now.
    pub now: UnixTime,
    /// Our entityID.
    pub issuer: &'a str,
    /// The registered endpoint that it goes to.
    pub destination: &'a str,
    /// Who, exactly as this SP was told.
    pub name_id: &'a SentNameId,
    /// Whom the NameID is encrypted to; none leaves it in plain.
    pub recipient: Option<&'a Recipient>,
    /// The sessions of this SP that end.
    pub session_indexes: &'a [String],
    /// Why.
    pub reason: Reason,
}

/// What a LogoutResponse says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutStatus {
    /// The session here has ended, and every participant has confirmed.
    Success,
    /// The session here has ended, and some participant has not confirmed (Core 3.7.3.2).
    Partial,
    /// Nothing has ended.
    Refused(Status),
}

const PARTIAL_LOGOUT: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";

impl LogoutStatus {
    fn codes(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Success => (Status::SUCCESS, None),
            Self::Partial => (Status::SUCCESS, Some(PARTIAL_LOGOUT)),
            Self::Refused(status) => (status.top_level(), status.second_level()),
        }
    }
}

/// A LogoutResponse to be written.
#[derive(Debug)]
pub struct NewLogoutResponse<'a> {
    /// Its ID.
    pub id: &'a MessageId,
    /// Now.
    pub now: UnixTime,
    /// Our entityID.
    pub issuer: &'a str,
    /// The registered endpoint that it goes to; none by SOAP, where it goes back as it came.
    pub destination: Option<&'a str>,
    /// The request that it answers; none where its ID could not be read.
    pub in_response_to: Option<&'a str>,
    /// What to say.
    pub status: LogoutStatus,
}

/// A message that is written and not yet signed: nothing else can be done with it.
#[derive(Debug)]
pub struct Unsigned {
    carried: Carried,
    id: String,
    xml: String,
    after_issuer: usize,
}

impl NewLogoutRequest<'_> {
    /// Writes it: NameID before SessionIndex, with NotOnOrAfter (Core 3.7.1, C-L6).
    pub fn write(&self) -> Result<Unsigned, EncryptError> {
        let (now, end) = (self.now.to_string(), self.now.plus(LIFETIME).to_string());
        let mut w = Writer::with_capacity(2048);
        w.start(uri::SAMLP, "LogoutRequest");
        w.attribute("ID", self.id.as_str());
        w.attribute("Version", "2.0");
        w.attribute("IssueInstant", &now);
        w.attribute("Destination", self.destination);
        w.attribute("NotOnOrAfter", &end);
        w.attribute("Reason", self.reason.uri());
        w.element(uri::SAML, "Issuer", self.issuer);
        let after_issuer = w.position();
        match self.recipient {
            None => name_id(&mut w, self.name_id),
            Some(recipient) => {
                let mut alone = Writer::with_capacity(512);
                name_id(&mut alone, self.name_id);
                recipient.write_encrypted_id(&mut w, &alone.finish()?)?;
            }
        }
        for index in self.session_indexes {
            w.element(uri::SAMLP, "SessionIndex", index);
        }
        w.end();
        Ok(Unsigned {
            carried: Carried::Request,
            id: self.id.as_str().to_owned(),
            xml: w.finish()?,
            after_issuer,
        })
    }
}

/// The NameID exactly as the SP got it (C-L6).
fn name_id(w: &mut Writer<'_>, name_id: &SentNameId) {
    w.start(uri::SAML, "NameID");
    w.attribute("Format", &name_id.format);
    if let Some(qualifier) = &name_id.name_qualifier {
        w.attribute("NameQualifier", qualifier);
    }
    if let Some(qualifier) = &name_id.sp_name_qualifier {
        w.attribute("SPNameQualifier", qualifier);
    }
    w.text(&name_id.value).end();
}

impl NewLogoutResponse<'_> {
    /// Writes it (Core 3.7.2).
    pub fn write(&self) -> Result<Unsigned, WriteError> {
        let now = self.now.to_string();
        let (code, second) = self.status.codes();
        let mut w = Writer::with_capacity(1024);
        w.start(uri::SAMLP, "LogoutResponse");
        w.attribute("ID", self.id.as_str());
        w.attribute("Version", "2.0");
        w.attribute("IssueInstant", &now);
        if let Some(destination) = self.destination {
            w.attribute("Destination", destination);
        }
        if let Some(id) = self.in_response_to {
            w.attribute("InResponseTo", id);
        }
        w.element(uri::SAML, "Issuer", self.issuer);
        let after_issuer = w.position();
        w.start(uri::SAMLP, "Status")
            .start(uri::SAMLP, "StatusCode");
        w.attribute("Value", code);
        if let Some(second) = second {
            w.start(uri::SAMLP, "StatusCode")
                .attribute("Value", second)
                .end();
        }
        w.end().end().end();
        Ok(Unsigned {
            carried: Carried::Response,
            id: self.id.as_str().to_owned(),
            xml: w.finish()?,
            after_issuer,
        })
    }
}

impl Unsigned {
    /// By which parameter a browser carries it.
    #[must_use]
    pub fn carried(&self) -> Carried {
        self.carried
    }

    /// The text, to be kept beside what is sent. It is signed by nobody.
    #[must_use]
    pub fn xml(&self) -> &str {
        &self.xml
    }

    /// With a signature inside: HTTP-POST and SOAP.
    pub fn enveloped(&self, key: &SigningKey) -> Result<String, SignError> {
        key.sign_enveloped(&self.xml, &self.id, self.after_issuer, &[])
    }

    /// As an address, with the signature over its query: HTTP-Redirect.
    pub fn redirect(
        &self,
        location: &str,
        relay_state: Option<&str>,
        key: &SigningKey,
    ) -> Result<String, SendError> {
        redirect_to(location, self.carried, &self.xml, relay_state, key)
    }
}
