//! Messages inside SOAP envelopes: the signature of the element in the Body, foreign and our own,
//! and the wrapping attacks that an envelope would make room for (T-XSW).

use doorward::saml::signature::{
    KeyKind, Place, SignatureError, VerifyingKey, is_signed, verify_element,
};
use doorward::saml::soap::{self, Envelope, SoapError};
use doorward::saml::xml::XmlError;

use crate::support::{certificate_pem, cut_signature, pair, private_pem, signed_request, xmlsec1};

const START: &str = "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\">";

fn envelope(header: &str, body: &str) -> String {
    format!("{START}{header}<S:Body>{body}</S:Body></S:Envelope>")
}

fn header(block: &str) -> String {
    format!("<S:Header>{block}</S:Header>")
}

/// What a reader of the envelope makes of it: the verified message's ID, or why not.
fn verdict(text: &str, keys: &[VerifyingKey]) -> Result<String, String> {
    let told = |error: SoapError| error.to_string();
    let envelope = Envelope::read(text.as_bytes(), &[]).map_err(told)?;
    let message = envelope.message().map_err(told)?;
    if !is_signed(message) {
        return Err(SignatureError::Missing.to_string());
    }
    let signed = verify_element(message, keys, Place::AfterIssuer).map_err(|e| e.to_string())?;
    assert!(std::ptr::eq(signed.root(), message), "T-SIG-SEE");
    Ok(signed.root().attribute("ID").unwrap_or_default().to_owned())
}

fn refused(text: &str, keys: &[VerifyingKey], why: &dyn ToString) {
    assert_eq!(verdict(text, keys), Err(why.to_string()), "{text}");
}

#[test]
fn what_we_sign_verifies_in_an_envelope_as_it_does_alone() {
    for kind in [KeyKind::P256, KeyKind::Rsa2048] {
        let key = pair(kind);
        let message = signed_request(&key.signing, "_good");
        let text = soap::write(&[], &message).unwrap();
        assert!(text.contains(&message));
        let keys = [key.verifying.clone()];
        assert_eq!(verdict(&text, &keys), Ok("_good".to_owned()));
        let (good, _, said) = xmlsec1(
            ["--verify", "--pubkey-cert-pem"],
            &certificate_pem(&key),
            "AuthnRequest",
            &text,
        );
        assert!(good, "{said}\n{text}");
    }
}

/// Stacks declare namespaces on the Envelope and sign the message in its place.
#[test]
fn what_xmlsec1_signs_inside_an_envelope_verifies() {
    let key = pair(KeyKind::Rsa2048);
    let template = "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/' \
        xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion' xmlns='urn:default' \
        xmlns:p='urn:oasis:names:tc:SAML:2.0:protocol' xmlns:unused='urn:unused'>\
        <e:Header/><e:Body>\n<p:ArtifactResolve ID='_good' Version='2.0'>\
        <saml:Issuer>https://sp.example</saml:Issuer>\
        <ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'><ds:SignedInfo>\
        <ds:CanonicalizationMethod Algorithm='http://www.w3.org/2001/10/xml-exc-c14n#'/>\
        <ds:SignatureMethod Algorithm='http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'/>\
        <ds:Reference URI='#_good'><ds:Transforms>\
        <ds:Transform Algorithm='http://www.w3.org/2000/09/xmldsig#enveloped-signature'/>\
        <ds:Transform Algorithm='http://www.w3.org/2001/10/xml-exc-c14n#'>PREFIXES</ds:Transform>\
        </ds:Transforms><ds:DigestMethod Algorithm='http://www.w3.org/2001/04/xmlenc#sha256'/>\
        <ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>\
        <p:Artifact>AAQ</p:Artifact></p:ArtifactResolve></e:Body></e:Envelope>";
    let list = "<ec:InclusiveNamespaces xmlns:ec='http://www.w3.org/2001/10/xml-exc-c14n#' \
                PrefixList='#default unused'/>";
    for prefixes in ["", list] {
        let (good, signed, said) = xmlsec1(
            ["--sign", "--privkey-pem"],
            &private_pem(&key),
            "ArtifactResolve",
            &template.replace("PREFIXES", prefixes),
        );
        assert!(good, "{said}");
        let text = String::from_utf8(signed).unwrap();
        let keys = [key.verifying.clone()];
        assert_eq!(verdict(&text, &keys), Ok("_good".to_owned()), "{text}");
        let altered = text.replace(">AAQ<", ">AAR<");
        refused(&altered, &keys, &SignatureError::DigestMismatch);
    }
}

#[test]
fn t_xsw_soap_1_the_original_in_the_header_lends_nothing_to_the_body() {
    let key = pair(KeyKind::P256);
    let (genuine, keys) = (
        signed_request(&key.signing, "_good"),
        [key.verifying.clone()],
    );
    let (bare, signature) = cut_signature(&genuine);
    let evil = bare
        .replace("_good", "_evil")
        .replace("sp.example/acs", "evil/acs");
    let with =
        |signature: &str| evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
    // The whole signed original, or only its signature, stands in the Header.
    refused(
        &envelope(&header(&genuine), &evil),
        &keys,
        &SignatureError::Missing,
    );
    refused(
        &envelope(&header(&signature), &evil),
        &keys,
        &SignatureError::Missing,
    );
    // The evil message bears the signature, the original without it stands in the Header.
    let bears = with(&signature);
    refused(
        &envelope(&header(&bare), &bears),
        &keys,
        &SignatureError::NotTheRoot,
    );
    // The same with one ID for both: two elements of one ID are no document.
    let same = bears.replace("_evil", "_good");
    refused(
        &envelope(&header(&bare), &same),
        &keys,
        &XmlWhy(XmlError::DuplicateId),
    );
    // The original loses its ID: what is digested is the evil message.
    let unnamed = bare.replace(" ID=\"_good\"", "");
    refused(
        &envelope(&header(&unnamed), &same),
        &keys,
        &SignatureError::DigestMismatch,
    );
    // A signature in the Header does not spoil a good message either: nothing there is read.
    let beside = envelope(&header(&signature), &genuine);
    assert_eq!(verdict(&beside, &keys), Ok("_good".to_owned()));
}

#[test]
fn t_xsw_soap_2_a_second_message_in_the_body_is_refused_wherever_it_stands() {
    let key = pair(KeyKind::P256);
    let (genuine, keys) = (
        signed_request(&key.signing, "_good"),
        [key.verifying.clone()],
    );
    let (bare, signature) = cut_signature(&genuine);
    let evil = bare.replace("_good", "_evil");
    for body in [
        format!("{evil}{genuine}"),
        format!("{genuine}{evil}"),
        format!("{evil}{signature}"),
        format!("{signature}{bare}"),
    ] {
        refused(&envelope("", &body), &keys, &SoapError::NotOneMessage);
    }
    for outside in [
        format!("{START}<S:Body>{evil}</S:Body><S:Body>{genuine}</S:Body></S:Envelope>"),
        format!("{START}<S:Body>{evil}</S:Body>{genuine}</S:Envelope>"),
        format!("{START}{genuine}<S:Body>{evil}</S:Body></S:Envelope>"),
    ] {
        refused(&outside, &keys, &SoapError::Structure);
    }
}

#[test]
fn t_xsw_soap_3_the_original_inside_an_evil_message_or_body_covers_nothing() {
    let key = pair(KeyKind::P256);
    let (genuine, keys) = (
        signed_request(&key.signing, "_good"),
        [key.verifying.clone()],
    );
    let (bare, signature) = cut_signature(&genuine);
    let evil = bare.replace("_good", "_evil");
    let inside = |content: &str| {
        evil.replace(
            "</samlp:AuthnRequest>",
            &format!("{content}</samlp:AuthnRequest>"),
        )
    };
    refused(
        &envelope("", &inside(&genuine)),
        &keys,
        &SignatureError::Misplaced,
    );
    let bears = inside(&bare).replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
    refused(&envelope("", &bears), &keys, &SignatureError::NotTheRoot);
    let twice =
        inside(&genuine).replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
    refused(&envelope("", &twice), &keys, &SignatureError::MoreThanOne);
    // A signature over the Body, the Envelope or a Header block is none over the message.
    let of_body = genuine.replace("#_good", "#_body");
    let text = envelope("", &of_body).replace("<S:Body>", "<S:Body ID=\"_body\">");
    refused(&text, &keys, &SignatureError::NotTheRoot);
}

/// A reader's refusal as the envelope reports it.
struct XmlWhy(XmlError);

impl std::fmt::Display for XmlWhy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", SoapError::Xml(self.0))
    }
}
