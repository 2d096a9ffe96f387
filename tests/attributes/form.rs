//! In which form: names, formats, lists, templates, types (Core 2.7.3.1).

use serde_json::{Value, json};

use crate::home::{Home, Inside, labels};

const URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
const BASIC: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";

/// Names are any strings and formats any URIs, values stay lists unless they are joined.
#[tokio::test]
async fn c_a13_iip_idp01_a_file_says_every_name_and_format() {
    let home = Home::new().await;
    let file = r#"
[[attribute]]
name = "mail"

[[attribute]]
name = "full name & more"
format = "https://example.org/format"
friendly_name = "Full"
value = "${givenName} ${sn}"

[[attribute]]
name = "teams"
value = "${team}"

[[attribute]]
name = "team-list"
value = "${team|upper}"
join = ";"

[[attribute]]
name = "office"
value = "${office|or:none}"

[[attribute]]
name = "nothing"
value = "${office}"
"#;
    let file = home.product.file("attributes.toml", file);
    let sp = home.sp("app", &Inside::default(), &["--attributes-from", &file]);
    let told = home.told(&sp).await;
    let mail = "urn:oid:0.9.2342.19200300.100.1.3";
    assert_eq!(told.values_of(mail), ["ada@example.org"]);
    assert_eq!(told.values_of("full name & more"), ["Ada Lovelace"]);
    assert_eq!(
        told.values_of("teams"),
        ["alpha", "beta, gamma"],
        "a comma splits nothing"
    );
    assert_eq!(told.values_of("team-list"), ["ALPHA;BETA, GAMMA"]);
    assert_eq!(told.values_of("office"), ["none"]);
    let labels = labels(&told);
    assert!(
        !labels.contains(&"nothing".to_owned()),
        "no value, no attribute"
    );
    let full = told
        .attributes
        .iter()
        .find(|one| one.name.starts_with("full"));
    let full = full.expect("it is told");
    assert_eq!(
        full.name_format.as_deref(),
        Some("https://example.org/format")
    );
    assert_eq!(full.friendly_name.as_deref(), Some("Full"));

    // What is registered can be written out, changed and read again.
    let toml = home.product.cli(["sp", "attributes", "app", "--toml"]);
    let again = home.product.file("again.toml", &toml);
    let told = home
        .product
        .cli(["sp", "update", "app", "--attributes-from", &again, "--json"]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(told["changed"], false, "{told}");
}

#[tokio::test]
async fn c_a11_an_empty_value_is_an_empty_element() {
    let home = Home::new().await;
    let options = ["--attribute", "note=${office|or:}"];
    let sp = home.sp("app", &Inside::default(), &options);
    assert_eq!(home.told(&sp).await.values_of("note"), [""]);
}

/// `xsi:type` stands on every value, its prefixes are declared on the assertion, and each signature
/// names them; xmlsec1 has verified what comes back.
#[tokio::test]
async fn c_a12_values_carry_their_type_where_one_is_wanted() {
    let home = Home::new().await;
    let sp = home.sp("app", &Inside::default(), &["--attribute-types"]);
    for sign in ["both", "assertion", "response"] {
        home.update("app", &["--sign", sign]);
        let told = home.told(&sp).await;
        assert_eq!(labels(&told), ["mail", "displayName", "role"]);
        for attribute in &told.attributes {
            assert_eq!(attribute.types, ["xs:string"], "{sign}");
        }
    }
    home.update("app", &["--attribute-types=false"]);
    assert!(home.told(&sp).await.attributes[0].types.is_empty());
}

#[tokio::test]
async fn c_at6_ready_made_sets_say_the_same_in_several_dialects() {
    let home = Home::new().await;
    let sp = home.sp("app", &Inside::default(), &["--attribute-set", "ldap"]);
    let told = home.told(&sp).await;
    assert_eq!(
        labels(&told),
        [
            "uid",
            "mail",
            "displayName",
            "cn",
            "givenName",
            "sn",
            "eduPersonPrincipalName",
            "eduPersonAffiliation",
            "eduPersonScopedAffiliation",
            "role"
        ]
    );
    let principal = "urn:oid:1.3.6.1.4.1.5923.1.1.1.6";
    assert_eq!(told.values_of(principal), ["ada@example.org"]);
    assert_eq!(told.attributes[0].name_format.as_deref(), Some(URI));

    home.update("app", &["--attribute-set", "wso2"]);
    let told = home.told(&sp).await;
    let claim = |name: &str| {
        told.values_of(&format!("http://wso2.org/claims/{name}"))
            .join("|")
    };
    assert_eq!(claim("emailaddress"), "ada@example.org");
    assert_eq!(claim("givenname"), "Ada");
    assert_eq!(claim("role"), "staff", "only the role of the rule");
    assert_eq!(told.attributes[0].name_format.as_deref(), Some(BASIC));

    // A value of one's own takes the place of the set's, in the form of the set.
    let role = "http://wso2.org/claims/role=Internal/${role}";
    home.update("app", &["--attribute-set", "wso2", "--attribute", role]);
    let told = home.told(&sp).await;
    assert_eq!(
        told.values_of("http://wso2.org/claims/role"),
        ["Internal/staff"]
    );

    home.update("app", &["--attribute-set", "plain"]);
    let told = home.told(&sp).await;
    assert_eq!(told.values_of("username"), ["ada"]);
    assert_eq!(told.values_of("lastName"), ["Lovelace"]);
}

#[tokio::test]
async fn a_preview_shows_what_somebody_would_be_told() {
    let home = Home::new().await;
    let options = [
        "--attribute",
        "mail",
        "--attribute",
        "hello=Hello ${givenName}",
    ];
    home.sp("app", &Inside::default(), &options);
    let line = ["sp", "attributes", "app", "--preview", "ada", "--json"];
    let shown: Value = serde_json::from_str(&home.product.cli(line)).expect("JSON");
    let values: Vec<_> = (0..2)
        .map(|at| &shown["attributes"][at]["values"])
        .collect();
    assert_eq!(values, [&json!(["ada@example.org"]), &json!(["Hello Ada"])]);
    let text = home
        .product
        .cli(["sp", "attributes", "app", "--preview", "ada"]);
    assert!(text.contains("Hello Ada"), "{text}");
    let tried = home.product.cli(["access", "try", "ada", "app"]);
    assert!(tried.contains("Hello Ada"), "{tried}");
}

#[tokio::test]
async fn what_is_no_template_cannot_be_registered() {
    let home = Home::new().await;
    let refusal = |attribute: &str| {
        let line = ["sp", "update", "app", "--attribute", attribute];
        let output = home.product.try_cli(&line, "");
        assert!(!output.status.success(), "{attribute}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    home.sp("app", &Inside::default(), &[]);
    assert!(refusal("x=${givenName").contains("no closing brace"));
    assert!(refusal("x=${givenName|title}").contains("title"));
    assert!(refusal("=${givenName}").contains("Name"));
    // A name that nobody has is told, and registered all the same: users may come later.
    let line = ["sp", "update", "app", "--attribute", "x=${departmnet}"];
    let output = home.product.try_cli(&line, "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.contains("departmnet"),
        "{said}"
    );
}
