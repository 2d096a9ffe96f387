//! Where an answer may go (docs/threat-model.md): to an endpoint that is registered, by exact
//! equality, and nowhere else.

use crate::target::Target;

#[tokio::test]
async fn t_redir_c_r2_an_answer_goes_to_a_registered_address_or_nowhere() {
    let mut target = Target::start().await;
    for url in [
        "https://lax.example/acs/",
        "https://lax.example/acs?x=1",
        "https://lax.example/acs#f",
        "https://lax.example:443/acs",
        "HTTPS://LAX.EXAMPLE/acs",
        "https://lax.example/acs%2e",
        "https://lax.example/./acs",
        "https://lax.example/x/../acs",
        "https://lax.example.evil/acs",
        "https://lax.example@evil/acs",
        "https://evil\\@lax.example/acs",
        "https://lax.example/acs ",
        " https://lax.example/acs",
        "https://lax.example/\tacs",
        "https://lax.example/\nacs",
        "https://l\u{430}x.example/acs",
        "http://lax.example/acs",
        "//lax.example/acs",
        "/acs",
        "javascript:alert(1)//https://lax.example/acs",
        "data:text/html,<script>",
        "https://strict.example/acs",
        "",
    ] {
        let mut request = target.request();
        request.acs_url = Some(url.to_owned());
        let answer = target.redirect(&request.xml()).await;
        assert!(answer.response().is_none(), "{url} is answered");
        target.refused(&format!("T-REDIR {url:?}"), &answer);
    }
    insta::assert_snapshot!(target.table());
}

#[tokio::test]
async fn t_acs_absent_c_r3_c_r4_an_endpoint_is_named_once_and_by_a_registered_number() {
    let mut target = Target::start().await;
    for (vector, attributes) in [
        ("index 99", "AssertionConsumerServiceIndex=\"99\""),
        ("index -1", "AssertionConsumerServiceIndex=\"-1\""),
        (
            "index 4294967296",
            "AssertionConsumerServiceIndex=\"4294967296\"",
        ),
        (
            "ProtocolBinding Redirect",
            "ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\"",
        ),
        (
            "ProtocolBinding PAOS",
            "ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:PAOS\"",
        ),
        ("ProtocolBinding unknown", "ProtocolBinding=\"urn:x\""),
    ] {
        let mut request = target.request().with(attributes);
        request.acs_url = None;
        let answer = target.redirect(&request.xml()).await;
        target.refused(vector, &answer);
    }
    let request = target.request().with("AssertionConsumerServiceIndex=\"0\"");
    let answer = target.redirect(&request.xml()).await;
    target.refused("index beside URL", &answer);
    let request = target
        .request()
        .with("AssertionConsumerServiceURL=\"https://lax.example/acs\"");
    let answer = target.redirect(&request.xml()).await;
    target.refused("two attributes", &answer);

    for (vector, url, attributes) in [
        ("the exact address", Some("https://lax.example/acs"), ""),
        ("T-ACS-ABSENT", None, ""),
        (
            "the registered index",
            None,
            "AssertionConsumerServiceIndex=\"0\"",
        ),
    ] {
        let mut request = target.request().with(attributes);
        request.acs_url = url.map(str::to_owned);
        let answer = target.redirect(&request.xml()).await;
        target.accepted(vector, &answer);
    }
    insta::assert_snapshot!(target.table());
}
