use super::*;

const NEXT: &str = "S:actor='http://schemas.xmlsoap.org/soap/actor/next'";

fn envelope(header: &str, body: &str) -> String {
    format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n\
         <S:Envelope xmlns:S='http://schemas.xmlsoap.org/soap/envelope/'>\n{header}\
         <S:Body>\n{body}</S:Body></S:Envelope>"
    )
}

fn read(text: &str) -> Result<String, SoapError> {
    let envelope = Envelope::read(text.as_bytes(), &[("urn:known", "Known")])?;
    let message = envelope.message()?;
    Ok(message.local_name().to_owned())
}

#[test]
fn c_b11_an_envelope_holds_one_message_and_nothing_else() {
    let message = "<m:Query xmlns:m='urn:m'/>\n";
    assert_eq!(read(&envelope("", message)), Ok("Query".to_owned()));
    let with_header = envelope("<S:Header/>\n", message);
    assert_eq!(read(&with_header), Ok("Query".to_owned()));
    let twice = format!("{message}{message}");
    for wrong in ["", "  ", "text", &twice, &format!("x{message}")] {
        assert_eq!(
            read(&envelope("", wrong)),
            Err(SoapError::NotOneMessage),
            "{wrong:?}"
        );
    }
    let behind = envelope("", message).replace("</S:Body>", "</S:Body><x:y xmlns:x='urn:x'/>");
    let two_bodies = envelope("<S:Body/>", message);
    let header_last = envelope("", message).replace("</S:Body>", "</S:Body><S:Header/>");
    for wrong in [behind, two_bodies, header_last, envelope("text", message)] {
        assert_eq!(read(&wrong), Err(SoapError::Structure), "{wrong}");
    }
}

#[test]
fn c_b11_another_soap_and_no_soap_are_told_apart() {
    let soap_1_2 = "http://www.w3.org/2003/05/soap-envelope";
    let twelve = envelope("", "<m/>").replace(uri::SOAP.uri, soap_1_2);
    assert_eq!(read(&twelve), Err(SoapError::Version));
    assert_eq!(SoapError::Version.fault(), FaultCode::VersionMismatch);
    assert_eq!(read("<m/>"), Err(SoapError::NotAnEnvelope));
    assert_eq!(read("<m>"), Err(SoapError::Xml(XmlError::Tags)));
    assert_eq!(SoapError::NotAnEnvelope.fault(), FaultCode::Client);
    let fault = fault(FaultCode::Client, "7f3c").unwrap();
    assert_eq!(read(&fault), Err(SoapError::Fault));
}

#[test]
fn c_b11_a_header_for_us_that_has_to_be_understood_and_is_not_is_refused() {
    let header = |block: &str| envelope(&format!("<S:Header>{block}</S:Header>"), "<m/>");
    let refused = [
        "<x:y xmlns:x='urn:x' S:mustUnderstand='1'/>".to_owned(),
        "<x:y xmlns:x='urn:x' S:mustUnderstand='true'/>".to_owned(),
        format!("<x:y xmlns:x='urn:x' S:mustUnderstand='1' {NEXT}/>"),
        "<x:y xmlns:x='urn:x' S:mustUnderstand='1' S:actor=''/>".to_owned(),
        "<k:Known xmlns:k='urn:other' S:mustUnderstand='1'/>".to_owned(),
    ];
    for block in refused {
        assert_eq!(
            read(&header(&block)),
            Err(SoapError::MustUnderstand),
            "{block}"
        );
    }
    assert_eq!(SoapError::MustUnderstand.fault(), FaultCode::MustUnderstand);
    for block in [
        "<x:y xmlns:x='urn:x'/>",
        "<x:y xmlns:x='urn:x' S:mustUnderstand='0'/>",
        "<x:y xmlns:x='urn:x' S:mustUnderstand='1' S:actor='urn:somebody:else'/>",
        "<k:Known xmlns:k='urn:known' S:mustUnderstand='1'/>",
        "<k:Known xmlns:k='urn:known' mustUnderstand='1'/>",
    ] {
        assert_eq!(read(&header(block)), Ok("m".to_owned()), "{block}");
    }
}

#[test]
fn headers_for_others_are_not_handed_out() {
    let text = envelope(
        &format!(
            "<S:Header><k:K xmlns:k='urn:k' S:actor='urn:other'>1</k:K>\
             <k:K xmlns:k='urn:k' {NEXT}>2</k:K><k:K xmlns:k='urn:k'>3</k:K></S:Header>"
        ),
        "<m/>",
    );
    let envelope = Envelope::read(text.as_bytes(), &[]).unwrap();
    let found: Vec<&str> = envelope
        .headers("urn:k", "K")
        .filter_map(|block| block.text().ok())
        .collect();
    assert_eq!(found, ["2", "3"]);
}

#[test]
fn what_is_put_into_an_envelope_stays_as_it_is() {
    let message =
        "<samlp:M xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"_1\"></samlp:M>";
    let block = HeaderBlock {
        namespace: Namespace::new("h", "urn:h"),
        local: "H",
        must_understand: true,
        attributes: &[("Where", "a&b")],
        text: "",
    };
    let text = write(&[block], message).unwrap();
    assert!(text.contains(message), "{text}");
    let document = xml::read(text.as_bytes(), &Limits::MESSAGE).unwrap();
    let canonical = xml::canonicalize(document.root(), &[], None);
    assert_eq!(String::from_utf8(canonical).unwrap(), text);
    let envelope = Envelope::read(text.as_bytes(), &[("urn:h", "H")]).unwrap();
    let alone = xml::canonicalize(envelope.message().unwrap(), &[], None);
    assert_eq!(String::from_utf8(alone).unwrap(), message);
    assert_eq!(envelope.headers("urn:h", "H").count(), 1);
}

#[test]
fn t_ecp_fault_a_fault_has_one_sentence_for_each_code() {
    let text = fault(FaultCode::Client, "7f3c").unwrap();
    assert_eq!(
        text,
        "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><S:Body><S:Fault>\
         <faultcode>S:Client</faultcode><faultstring>The message cannot be used. Reference: 7f3c\
         </faultstring></S:Fault></S:Body></S:Envelope>"
    );
}
