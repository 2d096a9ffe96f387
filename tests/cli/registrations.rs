use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::json;

use crate::support::{Installation, sp_acs, sp_id};

fn metadata(name: &str) -> String {
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{}">
  <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>
    <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact" Location="{acs}/artifact" index="0"/>
    <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{acs}" index="1"/>
  </md:SPSSODescriptor>
  <md:Organization>
    <md:OrganizationName xml:lang="en">x</md:OrganizationName>
    <md:OrganizationDisplayName xml:lang="en">The {name}</md:OrganizationDisplayName>
    <md:OrganizationURL xml:lang="en">https://x.example</md:OrganizationURL>
  </md:Organization>
</md:EntityDescriptor>"#,
        sp_id(name),
        acs = sp_acs(name),
    )
}

#[test]
fn no_sp_is_registered_without_a_rule() {
    let here = Installation::new();
    here.write("store.xml", &metadata("store"));
    for line in [
        &["sp", "add", "--name", "store", "--metadata", "store.xml"][..],
        &[
            "sp",
            "add",
            "--name",
            "store",
            "--metadata",
            "store.xml",
            "--require-all",
        ],
        &[
            "sp",
            "add",
            "--name",
            "store",
            "--metadata",
            "store.xml",
            "--require-role",
            "",
        ],
    ] {
        let ended = here.run(line);
        assert_eq!(ended.status, 2, "{ended:?}");
        assert!(ended.complained.contains("role"), "{ended:?}");
    }
    assert_eq!(here.json(&["sp", "list"])["sps"], json!([]));
}

#[test]
fn metadata_is_imported_from_a_file() {
    let here = Installation::new();
    here.write("store.xml", &metadata("store"));
    let line = ["sp", "add", "--metadata", "store.xml", "--name", "store"];
    let told = here.done(&[&line[..], &["--require-role", "consumer"]].concat());
    assert!(
        told.starts_with("created role consumer\nregistered store ("),
        "{told}"
    );
    let shown = here.json(&["sp", "show", &sp_id("store")]);
    let sp = &shown["sp"];
    assert_eq!(
        (&sp["name"], &sp["display_name"]),
        (&json!("store"), &json!("The store"))
    );
    assert_eq!(sp["rule"], json!({"any_of": ["consumer"]}));
    assert_eq!(
        sp["acs"][0]["default"], true,
        "the first that can bring a Response"
    );
    assert_eq!(
        (&sp["sign"], &sp["denied"]),
        (&json!("both"), &json!("page"))
    );
    assert_eq!(sp["from_metadata"], true);
    let again = here.refused(&[&line[..], &["--require-role", "consumer"]].concat());
    assert!(again.contains("already"), "{again}");
    let same_entity = ["sp", "add", "--metadata", "store.xml", "--name", "shop"];
    here.refused(&[&same_entity[..], &["--require-role", "consumer"]].concat());
}

#[test]
fn metadata_is_imported_from_an_address() {
    let here = Installation::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/metadata", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).unwrap();
        let body = metadata("store");
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).unwrap();
    });
    let line = ["sp", "add", "--metadata", &address, "--name", "store"];
    here.done(&[&line[..], &["--require-role", "consumer"]].concat());
    server.join().unwrap();
    let gone = ["sp", "update", "store", "--metadata", &address];
    assert!(here.refused(&gone).contains(&address));
    let odd = ["sp", "update", "store", "--metadata", "file:///etc/passwd"];
    assert!(here.refused(&odd).contains("http(s) only"));
}

#[test]
fn broken_metadata_is_refused_with_the_reason() {
    let here = Installation::new();
    here.write("dtd.xml", &format!("<!DOCTYPE x>{}", metadata("store")));
    here.write("empty.xml", "");
    here.write(
        "idp.xml",
        &metadata("store").replace("SPSSODescriptor", "IDPSSODescriptor"),
    );
    for file in ["dtd.xml", "empty.xml", "idp.xml", "missing.xml"] {
        let line = ["sp", "add", "--metadata", file, "--name", "store"];
        let told = here.refused(&[&line[..], &["--require-role", "consumer"]].concat());
        assert!(told.contains(file), "{told}");
    }
    assert_eq!(
        here.json(&["role", "list"])["roles"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn plain_http_outside_loopback_needs_a_word() {
    let here = Installation::new();
    let line = [
        "sp",
        "add",
        "--name",
        "wiki",
        "--entity-id",
        "wiki",
        "--require-role",
        "r",
    ];
    let plain = [&line[..], &["--acs", "http://wiki.example/acs"]].concat();
    assert!(here.refused(&plain).contains("--allow-http"));
    here.refused(&[&line[..], &["--acs", "javascript:alert(1)"]].concat());
    here.done(&[&plain[..], &["--allow-http"]].concat());
    assert!(
        here.refused(&["sp", "update", "wiki", "--allow-http=false"])
            .contains("plain http")
    );
    let mended = [
        "sp",
        "update",
        "wiki",
        "--allow-http=false",
        "--acs",
        "https://wiki.example/acs",
    ];
    here.done(&mended);
}

#[test]
fn where_an_sp_logs_out_comes_from_its_metadata_or_by_hand() {
    let here = Installation::new();
    let slo = r#"<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://store.example/slo" ResponseLocation="https://store.example/done"/><md:NameIDFormat>"#;
    let described = metadata("store").replacen("<md:NameIDFormat>", slo, 1);
    here.write("store.xml", &described);
    let add = ["sp", "add", "--name", "store", "--metadata", "store.xml"];
    let told = here.json(&[&add[..], &["--require-role", "r"]].concat());
    let expected = json!([{"binding": "post", "url": "https://store.example/slo",
        "response_url": "https://store.example/done"}]);
    assert_eq!(told["sp"]["slo"], expected);
    let update = [
        "sp",
        "update",
        "store",
        "--slo",
        "https://store.example/out",
    ];
    let soap = ["--slo-soap", "https://store.example/soap"];
    let told = here.json(&[&update[..], &soap].concat());
    let expected = json!([
        {"binding": "redirect", "url": "https://store.example/out", "response_url": null},
        {"binding": "soap", "url": "https://store.example/soap", "response_url": null}]);
    assert_eq!(told["sp"]["slo"], expected);
    let plain = ["sp", "update", "store", "--slo", "http://store.example/out"];
    assert!(here.refused(&plain).contains("--allow-http"));
    let told = here.json(&["sp", "update", "store", "--slo", ""]);
    assert_eq!(told["sp"]["slo"], json!([]));
}

#[test]
fn every_option_of_a_registration_can_be_set_and_changed() {
    let here = Installation::new();
    here.add_sp("store", &["a", "b"]);
    let line = [
        "sp",
        "update",
        "store",
        "--name",
        "shop",
        "--require-all",
        "--sign",
        "assertion",
        "--denied",
        "status",
        "--nameid",
        "emailAddress",
        "--attribute",
        "mail",
        "--attribute",
        "dept",
        "--release-role",
        "a",
        "--display-name",
        "The shop",
        "--home-url",
        "https://store.example/",
        "--contact",
        "shop@example.org",
        "--allow-idp-initiated",
    ];
    let told = here.json(&line);
    let sp = &told["sp"];
    assert_eq!(sp["rule"], json!({"all_of": ["a", "b"]}));
    assert_eq!((&sp["name"], &sp["version"]), (&json!("shop"), &json!(2)));
    assert_eq!(
        (&sp["sign"], &sp["denied"]),
        (&json!("assertion"), &json!("status"))
    );
    assert_eq!(
        (&sp["nameid"], &sp["attributes"][0]["name"]),
        (
            &json!("emailAddress"),
            &json!("urn:oid:0.9.2342.19200300.100.1.3")
        )
    );
    assert_eq!(sp["release_roles"], json!(["a"]));
    assert_eq!(sp["home_url"], "https://store.example/");
    assert_eq!(
        (&sp["contact"], &sp["display_name"]),
        (&json!("shop@example.org"), &json!("The shop"))
    );
    assert_eq!(sp["allow_idp_initiated"], true);
    let back = [
        "sp",
        "update",
        "shop",
        "--require-role",
        "c",
        "--allow-idp-initiated=false",
    ];
    let told = here.json(&[&back[..], &["--attribute", "", "--home-url", ""]].concat());
    assert_eq!(told["created_roles"], json!(["c"]));
    assert_eq!(told["sp"]["rule"], json!({"any_of": ["c"]}));
    assert_eq!(
        (&told["sp"]["attributes"], &told["sp"]["home_url"]),
        (&json!([]), &json!(null))
    );
    assert_eq!(told["sp"]["allow_idp_initiated"], false);
    assert_eq!(told["sp"]["sign"], "assertion");
    let same = here.json(&["sp", "update", "shop", "--sign", "assertion"]);
    assert_eq!(
        (&same["changed"], &same["sp"]["version"]),
        (&json!(false), &json!(3))
    );
}

#[test]
fn signed_requests_need_a_key_to_check_them_with() {
    let here = Installation::new();
    let line = [
        "sp",
        "add",
        "--name",
        "wiki",
        "--entity-id",
        "wiki",
        "--require-role",
        "r",
    ];
    let line = [
        &line[..],
        &[
            "--acs",
            "https://wiki.example/acs",
            "--require-signed-requests",
        ],
    ]
    .concat();
    assert!(here.refused(&line).contains("--certificate"));
    here.write(
        "broken.pem",
        "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n",
    );
    assert!(
        here.refused(&[&line[..], &["--certificate", "broken.pem"]].concat())
            .contains("broken.pem")
    );
    // Any certificate will do: our own.
    let pem = here.json(&["key", "list"])["keys"][0]["certificate"]
        .as_str()
        .unwrap()
        .to_owned();
    here.write("sp.pem", &pem);
    let told = here.json(&[&line[..], &["--certificate", "sp.pem"]].concat());
    assert_eq!(told["sp"]["require_signed_requests"], true);
    assert_eq!(
        told["sp"]["certificates_sha256"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn registrations_are_disabled_enabled_and_removed() {
    let here = Installation::new();
    here.add_sp("store", &["consumer"]);
    assert_eq!(here.json(&["sp", "disable", "store"])["changed"], true);
    assert_eq!(here.json(&["sp", "disable", "store"])["changed"], false);
    assert!(here.done(&["sp", "list"]).contains("disabled"));
    assert_eq!(
        here.json(&["sp", "enable", &sp_id("store")])["enabled"],
        true
    );
    here.done(&["sp", "remove", "store"]);
    assert!(
        here.refused(&["sp", "show", "store"])
            .contains("no service provider")
    );
}
