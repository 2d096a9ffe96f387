//! What may be asked about the person and how they sign in.

use super::*;

#[test]
fn c_r9_booleans_are_those_of_xml_schema() {
    for (text, value) in [("true", true), ("1", true), ("false", false), ("0", false)] {
        let asked = asked(&format!("ForceAuthn=\"{text}\" IsPassive=\"{text}\""), "").unwrap();
        assert_eq!(
            (asked.force_authn, asked.is_passive),
            (value, value),
            "{text}"
        );
    }
    assert_eq!(
        asked("ForceAuthn=\"TRUE\"", "").err(),
        Some((RequestError::Boolean, true))
    );
}

#[test]
fn c_r8_a_subject_is_a_plain_name_id() {
    let subject = |inner: &str| format!("<saml:Subject>{inner}</saml:Subject>");
    let plain = subject("<saml:NameID>ada</saml:NameID>");
    assert_eq!(asked("", &plain).unwrap().subject.unwrap().value, "ada");
    for inner in [
        "",
        "<saml:NameID>ada</saml:NameID><saml:SubjectConfirmation Method=\"x\"/>",
        "<saml:NameID>ada<b/></saml:NameID>",
    ] {
        assert_eq!(
            asked("", &subject(inner)).err(),
            Some((RequestError::Subject, true)),
            "{inner}"
        );
    }
}

#[test]
fn c_n2_and_c_n3_a_name_id_policy_that_cannot_be_met_is_no_other_one() {
    for format in NameIdFormat::ALL {
        assert!(asked("", &policy(&format!("Format=\"{}\"", format.uri()))).is_ok());
    }
    let encrypted = policy(&format!("Format=\"{}\"", uri::ENCRYPTED));
    let encrypted = asked("", &encrypted).unwrap().name_id;
    assert!(encrypted.encrypted && encrypted.format.is_none());
    for wrong in [
        "Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName\"",
        "Format=\"\"",
        "SPNameQualifier=\"https://other.example\"",
    ] {
        assert_eq!(
            asked("", &policy(wrong)).err(),
            Some((RequestError::NameIdPolicy, true))
        );
    }
    let own = asked(
        "",
        &policy(&format!("SPNameQualifier=\"{SP}\" AllowCreate=\"0\"")),
    )
    .unwrap();
    assert!(own.name_id.sp_name_qualifier && own.name_id.create_forbidden);
}

#[test]
fn c_n11_the_context_asserted_is_one_of_those_asked_for() {
    let requested = |comparison: &str, classes: &[&str]| {
        let class = |class: &&str| {
            format!("<saml:AuthnContextClassRef>{class}</saml:AuthnContextClassRef>")
        };
        let classes = classes.iter().map(class).collect::<Vec<_>>().concat();
        let children = format!(
            "<samlp:RequestedAuthnContext {comparison}>{classes}</samlp:RequestedAuthnContext>"
        );
        asked("", &children)
            .map(|asked| asked.context)
            .map_err(|(error, _)| error)
    };
    let protected = AuthnContext::PasswordProtectedTransport.uri();
    let password = AuthnContext::Password.uri();
    let mfa = "https://refeds.org/profile/mfa";
    assert_eq!(
        requested("", &[protected]),
        Ok(AuthnContext::PasswordProtectedTransport)
    );
    assert_eq!(requested("", &[password]), Ok(AuthnContext::Password));
    assert_eq!(requested("", &[mfa, password]), Ok(AuthnContext::Password));
    assert_eq!(requested("", &[mfa]), Err(RequestError::AuthnContext));
    assert_eq!(
        requested("Comparison=\"minimum\"", &[password]),
        Ok(AuthnContext::Password)
    );
    assert_eq!(
        requested("Comparison=\"exact\"", &[]),
        Err(RequestError::AuthnContext)
    );
    assert_eq!(
        requested("Comparison=\"weaker\"", &[password]),
        Err(RequestError::AuthnContext)
    );
}

#[test]
fn c_n13_declarations_of_contexts_are_no_classes() {
    let password = AuthnContext::Password.uri();
    let class = format!("<saml:AuthnContextClassRef>{password}</saml:AuthnContextClassRef>");
    let declaration = "<saml:AuthnContextDeclRef>urn:x</saml:AuthnContextDeclRef>";
    for inside in [declaration.to_owned(), class + declaration] {
        let children =
            format!("<samlp:RequestedAuthnContext>{inside}</samlp:RequestedAuthnContext>");
        assert_eq!(
            asked("", &children).err(),
            Some((RequestError::AuthnContext, true))
        );
    }
}

#[test]
fn c_r19_an_idp_list_has_to_name_us() {
    let scoping = |provider: &str| {
        format!(
            "<samlp:Scoping><samlp:IDPList><samlp:IDPEntry ProviderID=\"{provider}\"/></samlp:IDPList></samlp:Scoping>"
        )
    };
    assert!(asked("", &scoping("https://idp.example/saml/metadata")).is_ok());
    assert!(asked("", "<samlp:Scoping ProxyCount=\"0\"/>").is_ok());
    let other = asked("", &scoping("https://other.example")).err();
    assert_eq!(other, Some((RequestError::Scoping, true)));
}
