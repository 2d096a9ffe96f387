//! Values that people, administrators and service providers choose, on their way into signed XML and
//! pages (docs/threat-model.md): they arrive as they are, by two parsers, or are refused; never more,
//! never less.

use doorward::saml::xml::{self, Element, Limits};

use crate::support::app::Product;
use crate::support::browser::decoded;
use crate::support::sp::Sp;

const PASSWORD: &str = "correct horse battery";
const DISPLAY_NAME: &str = "urn:oid:2.16.840.1.113730.3.1.241";

const VALUES: &[&str] = &[
    "]]>",
    "</saml:AttributeValue><saml:AttributeValue>admin",
    "</saml:AttributeValue></saml:Attribute><saml:Attribute Name=\"role\"><saml:AttributeValue>admin",
    "<!--",
    "<![CDATA[",
    "AT&T",
    "&amp;",
    "&#0;",
    "\"><script>alert(1)</script>",
    "' onmouseover='alert(1)",
    "{{7*7}} %s ${x}",
    "\u{1f511} e\u{301}",
];

/// The attributes of an assertion, as names and values.
type Attributes = Vec<(String, Vec<String>)>;

#[tokio::test]
async fn t_inj_values_of_people_and_registrations_arrive_as_they_are() {
    let product = Product::serve("signing_algorithm = \"p256\"").await;
    for (number, value) in VALUES.iter().enumerate() {
        let (sp, user) = registered(&product, number, value);
        let browser = product.browser();
        let request = sp.request(&product.idp("/saml/sso"));
        let form = browser.visit(&request.redirect(Some(value))).await;
        assert!(!form.body.contains("<script>alert"), "{}", form.body);
        let answer = browser.sign_in(&form, &user, PASSWORD).await;
        let Some((acs, message)) = answer.response() else {
            panic!("{}", answer.body)
        };
        assert_eq!(acs, sp.acs);
        assert_eq!(answer.relay_state().as_deref(), Some(*value), "RelayState");
        assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
        let idp = message.issuer.as_deref().unwrap_or_default();
        let wrong = sp.judge(message, idp, Some(&request.id));
        assert_eq!(wrong, Vec::<String>::new());

        let assertion = message.assertion.as_ref().expect("an assertion");
        let by_libxml2 = assertion.attributes.iter();
        let by_libxml2 = by_libxml2.map(|a| (a.name.clone(), a.values.clone()));
        let mut by_libxml2: Attributes = by_libxml2.collect();
        let mut expected: Attributes = [DISPLAY_NAME, "role", "custom"]
            .map(|name| (name.to_owned(), vec![(*value).to_owned()]))
            .to_vec();
        let xml = decoded(&answer.encoded_response().expect("a Response"));
        let mut by_quick_xml = read_by_us(&xml);
        for list in [&mut by_libxml2, &mut by_quick_xml, &mut expected] {
            list.sort();
        }
        assert_eq!(by_libxml2, expected, "by libxml2");
        assert_eq!(by_quick_xml, expected, "by quick-xml");
    }
}

/// A service provider and a person with this value wherever one may stand.
fn registered(product: &Product, number: usize, value: &str) -> (Sp, String) {
    let entity = format!("https://sp.example/{number}?a=1&b='<{number}>'");
    let sp = Sp::new(&entity, "https://sp.example/acs?a=1&b='2'");
    let file = product.file("sp.xml", &sp.metadata(""));
    let (name, user) = (format!("sp{number}"), format!("user{number}"));
    let custom = format!("custom={value}");
    let options = [
        ["--name", &name],
        ["--metadata", &file],
        ["--require-role", value],
        ["--display-name", value],
        ["--contact", value],
        ["--attribute", "displayName"],
        ["--attribute", "role"],
        ["--attribute", "custom"],
    ];
    run(
        product,
        &[&["sp", "add"], options.concat().as_slice()].concat(),
        "",
    );
    let options = [
        ["--display-name", value],
        ["--role", value],
        ["--attribute", &custom],
    ];
    let user_add = ["user", "add", &user, "--password-stdin"];
    let arguments = [&user_add, options.concat().as_slice()].concat();
    run(product, &arguments, PASSWORD);
    (sp, user)
}

fn read_by_us(xml: &str) -> Attributes {
    let document = xml::read(xml.as_bytes(), &Limits::MESSAGE).expect("our own Response");
    let mut found = Vec::new();
    collect(document.root(), &mut found);
    found
}

fn collect(element: &Element, found: &mut Attributes) {
    if element.is("urn:oasis:names:tc:SAML:2.0:assertion", "Attribute") {
        let name = element.attribute("Name").expect("a name").to_owned();
        let values = element.children().map(|value| {
            let text = value.text().expect("a value is text");
            text.to_owned()
        });
        found.push((name, values.collect()));
    }
    for child in element.children() {
        collect(child, found);
    }
}

/// What XML cannot carry is refused where it would come in, never dropped on the way out.
#[tokio::test]
async fn t_inj_what_xml_cannot_carry_is_refused_at_the_door() {
    let product = Product::serve("signing_algorithm = \"p256\"").await;
    let long = "x".repeat(100_000);
    for value in [
        "\u{1}", "a\u{8}b", "\u{1f}", "\u{fffe}", "\u{ffff}", "a\nb", &long,
    ] {
        let custom = format!("custom={value}");
        for arguments in [
            ["user", "add", "eve", "--display-name", value],
            ["user", "add", "eve", "--attribute", &custom],
            ["user", "add", "eve", "--email", value],
            ["user", "add", "eve", "--role", value],
        ] {
            // Line ends are legal in XML, and in an attribute's value.
            if value == "a\nb" && arguments[3] == "--attribute" {
                continue;
            }
            let output = product.try_cli(&arguments, "");
            let code = output.status.code();
            assert!(
                matches!(code, Some(1 | 2)),
                "{:?} {value:.8?}: {code:?}",
                arguments[3]
            );
        }
    }
    let users = product.cli(["--json", "user", "list"]);
    assert!(!users.contains("eve"), "{users}");
}

/// Log lines are JSON, so that nobody forges one (T-LOG).
#[tokio::test]
async fn t_log_a_message_cannot_forge_a_log_line() {
    let target = crate::target::Target::start().await;
    for issuer in [
        "https://x.example/\n{\"level\":\"INFO\",\"message\":\"forged\"}",
        "https://x.example/\r\nforged",
        "https://x.example/\u{1b}[2Jforged",
        "https://x.example/\u{202e}forged",
    ] {
        let mut request = target.request();
        request.issuer = issuer.to_owned();
        target.redirect(&request.xml()).await;
    }
    // `log` reads every line as JSON and fails on one that is none.
    let log = target.product.log();
    let forged = log.iter().any(|line| line["message"] == "forged");
    assert!(!forged, "{log:#?}");
}

fn run(product: &Product, arguments: &[&str], stdin: &str) {
    let output = product.try_cli(arguments, &format!("{stdin}\n"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
}
