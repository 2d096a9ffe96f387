//! A good message of each kind.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use openssl::hash::{MessageDigest, hash};

use crate::message::{Draft, Message, ROOT};
use crate::support::oracle::xmlsec1_encrypts;
use crate::support::sp::{RSA_SHA256, Sp, escaped, now, signature_template};
use crate::target::{PAOS, Target};

pub(crate) fn authn_request(target: &Target, sp: &Sp) -> Draft {
    let attributes = format!(" AssertionConsumerServiceURL=\"{}\"", escaped(&sp.acs));
    Draft::protocol("AuthnRequest", &target.product.idp("/saml/sso"), sp)
        .with(&attributes)
        .around("<samlp:NameIDPolicy AllowCreate=\"true\"/>")
}

/// One for an enhanced client, who brings it in an envelope (Profiles 4.2).
pub(crate) fn enhanced(target: &Target, sp: &Sp) -> Draft {
    let place = sp.acs.replace("/acs", "/ecp");
    let attributes = format!(" AssertionConsumerServiceURL=\"{place}\" ProtocolBinding=\"{PAOS}\"");
    Draft::protocol("AuthnRequest", &target.product.idp("/saml/ecp"), sp)
        .with(&attributes)
        .around("<samlp:NameIDPolicy AllowCreate=\"true\"/>")
}

/// It asks for an artifact that nobody has handed out, and gets nothing (Core 3.5.3).
pub(crate) fn artifact_resolve(target: &Target, sp: &Sp) -> Draft {
    let idp = target.product.idp("/saml/metadata");
    let source = hash(MessageDigest::sha1(), idp.as_bytes()).expect("OpenSSL");
    let artifact = STANDARD.encode([&[0, 4, 0, 0], &*source, &[7; 20]].concat());
    Draft::protocol("ArtifactResolve", &target.product.idp("/saml/soap"), sp)
        .around(&format!("<samlp:Artifact>{artifact}</samlp:Artifact>"))
}

pub(crate) fn logout_request(target: &Target, sp: &Sp) -> Draft {
    logout_request_of("<saml:NameID>nobody</saml:NameID>", target, sp)
}

/// The same about somebody whose name is encrypted to us.
pub(crate) fn encrypted_logout_request(target: &Target, sp: &Sp) -> Draft {
    let name_id = "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">nobody\
                   </saml:NameID>";
    let sealed = encrypted(target, name_id);
    logout_request_of(
        &format!("<saml:EncryptedID>{sealed}</saml:EncryptedID>"),
        target,
        sp,
    )
}

/// What is encrypted to the identity provider by xmlsec1.
pub(crate) fn encrypted(target: &Target, plain: &str) -> String {
    const TEMPLATE: &str = "<xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
        Type=\"http://www.w3.org/2001/04/xmlenc#Element\"><xenc:EncryptionMethod \
        Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"/><ds:KeyInfo \
        xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><xenc:EncryptedKey>\
        <xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\"/>\
        <xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>\
        <xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>";
    let certificate = target.product.metadata.encryption_pem();
    let sealed = xmlsec1_encrypts(TEMPLATE, plain, "aes-256", &certificate);
    sealed.expect("xmlsec1 encrypts")
}

fn logout_request_of(identifier: &str, target: &Target, sp: &Sp) -> Draft {
    let end = now()
        .checked_add(SignedDuration::from_mins(5))
        .expect("an instant of this era");
    Draft::protocol("LogoutRequest", &target.product.idp("/saml/slo"), sp)
        .with(&format!(" NotOnOrAfter=\"{end}\""))
        .around(&format!(
            "{identifier}<samlp:SessionIndex>_1</samlp:SessionIndex>"
        ))
}

/// It answers a request that we have never sent.
pub(crate) fn logout_response(target: &Target, sp: &Sp) -> Draft {
    Draft::protocol("LogoutResponse", &target.product.idp("/saml/slo"), sp)
        .with(" InResponseTo=\"_1\"")
        .around(
            "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>\
             </samlp:Status>",
        )
}

/// The same message, sent to another address of ours.
pub(crate) fn to(path: &str, target: &Target, draft: Draft) -> Draft {
    let mut message: Message = draft.message();
    message.destination = target.product.idp(path);
    Draft::Protocol(message)
}

pub(crate) fn entity_descriptor(_: &Target, _: &Sp) -> Draft {
    let sp = Sp::new("https://new.example/saml", "https://new.example/acs");
    Draft::Metadata(sp.metadata(""))
}

/// A federation's aggregate of one, to be signed by its root's first child.
pub(crate) fn aggregate(_: &Target, _: &Sp) -> Draft {
    let sp = Sp::new("https://new.example/saml", "https://new.example/acs");
    let end = now()
        .checked_add(SignedDuration::from_hours(24))
        .expect("an instant of this era");
    let template = signature_template(ROOT, RSA_SHA256);
    Draft::Metadata(format!(
        "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" ID=\"{ROOT}\" \
         validUntil=\"{end}\">{template}{}</md:EntitiesDescriptor>",
        sp.metadata("")
            .replace(" xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"", "")
    ))
}
