//! Which ones: by list, by request, by category, by signal. Never more than is registered.

use crate::home::{Home, Inside, labels};

const SUBJECT_ID: &str = "urn:oasis:names:tc:SAML:attribute:subject-id";
const PAIRWISE_ID: &str = "urn:oasis:names:tc:SAML:attribute:pairwise-id";
const SIGNAL: &str = "urn:oasis:names:tc:SAML:profiles:subject-id:req";
const CATEGORY: &str = "http://macedir.org/entity-category";
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/// Two lists, of which the second is the default.
const SERVICES: &str = r#"<md:AttributeConsumingService index="1"><md:ServiceName xml:lang="en">Small</md:ServiceName><md:RequestedAttribute Name="urn:oid:2.5.4.42" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"/></md:AttributeConsumingService><md:AttributeConsumingService index="7" isDefault="true"><md:ServiceName xml:lang="en">Large</md:ServiceName><md:RequestedAttribute Name="urn:oid:0.9.2342.19200300.100.1.3" isRequired="true"/><md:RequestedAttribute Name="urn:oid:2.5.4.4"/><md:RequestedAttribute Name="urn:oid:2.5.4.12" isRequired="true"/></md:AttributeConsumingService>"#;

#[tokio::test]
async fn c_a14_iip_idp02_each_sp_is_told_what_is_registered_for_it() {
    let home = Home::new().await;
    let one = home.sp("one", &Inside::default(), &["--attribute", "mail"]);
    let two = home.sp("two", &Inside::default(), &["--attribute", "sn"]);
    let none = home.sp("none", &Inside::default(), &["--attribute", ""]);
    let usual = home.sp("usual", &Inside::default(), &[]);
    assert_eq!(labels(&home.told(&one).await), ["mail"]);
    assert_eq!(labels(&home.told(&two).await), ["sn"]);
    assert_eq!(labels(&home.told(&none).await), [""; 0]);
    let told = home.told(&usual).await;
    assert_eq!(labels(&told), ["mail", "displayName", "role"]);
    assert_eq!(
        told.values_of("role"),
        ["staff"],
        "a role of no rule here stays here"
    );
}

#[tokio::test]
async fn c_a14_iip_idp04_requested_attributes_narrow_what_is_told() {
    let home = Home::new().await;
    let inside = Inside {
        services: SERVICES,
        ..Inside::default()
    };
    let list = [
        "--attribute",
        "mail",
        "--attribute",
        "sn",
        "--attribute",
        "givenName",
    ];
    let sp = home.sp("app", &inside, &list);
    assert_eq!(labels(&home.told(&sp).await), ["mail", "sn", "givenName"]);
    home.update("app", &["--release", "requested"]);
    assert_eq!(
        labels(&home.told(&sp).await),
        ["mail", "sn"],
        "title is not registered"
    );
    home.update("app", &["--release", "required"]);
    assert_eq!(labels(&home.told(&sp).await), ["mail"]);
}

#[tokio::test]
async fn c_r22_the_index_chooses_and_an_unknown_one_is_an_error() {
    let home = Home::new().await;
    let inside = Inside {
        services: SERVICES,
        ..Inside::default()
    };
    let sp = home.sp("app", &inside, &["--attribute-set", "ldap"]);
    let with = |index: &str| format!(" AttributeConsumingServiceIndex=\"{index}\"");
    let told = home.told_when(&sp, &with("1")).await;
    assert_eq!(labels(&told), ["givenName"]);
    let told = home.told_when(&sp, &with("7")).await;
    assert_eq!(labels(&told), ["mail", "sn"]);
    for unknown in ["0", "2", "70000", "-1", "x", ""] {
        let message = home
            .product
            .browser()
            .visit(&home.request(&sp, &with(unknown)))
            .await;
        let (_, message) = message.response().expect("a status");
        assert_eq!(
            message.short_status(),
            "Requester/RequestUnsupported",
            "{unknown}"
        );
        assert!(message.assertion.is_none());
    }
    // One that only the requests know can be registered by hand, and asks for everything.
    home.update("app", &["--attribute-index", "2", "--attribute", "mail"]);
    assert_eq!(labels(&home.told_when(&sp, &with("2")).await), ["mail"]);
}

/// A list that was withdrawn while somebody signed in is an error too.
#[tokio::test]
async fn c_r22_the_index_is_checked_again_after_the_sign_in() {
    let home = Home::new().await;
    let sp = home.sp("app", &Inside::default(), &["--attribute-index", "3"]);
    let ada = home.product.browser();
    let request = home.request(&sp, " AttributeConsumingServiceIndex=\"3\"");
    let form = ada.visit(&request).await;
    home.update("app", &["--attribute-index", ""]);
    let answer = ada.sign_in(&form, "ada", crate::home::PASSWORD).await;
    assert_eq!(answer.in_short(), "400 unsupported-request");
}

#[tokio::test]
async fn c_at1_to_c_at4_the_identifier_is_the_one_that_is_asked_for() {
    let home = Home::new().await;
    let signal = |word: &'static str| [(SIGNAL, word)];
    let asks = |name: &str, word: &'static str| {
        let inside = Inside {
            entity_attributes: &signal(word),
            ..Inside::default()
        };
        home.sp(name, &inside, &[])
    };
    let [subject, other, pairwise, any, none] = [
        asks("subject", "subject-id"),
        asks("other", "subject-id"),
        asks("pairwise", "pairwise-id"),
        asks("any", "any"),
        asks("none", "none"),
    ];
    let ids = async |sp| {
        let told = home.told(sp).await;
        let of = |name| {
            told.values_of(name)
                .into_iter()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        // C-AT4: who follows saml2int and asks for no format gets a NameID for the sign-out only.
        let format = told
            .name_id
            .as_ref()
            .and_then(|name_id| name_id.format.as_deref());
        assert_eq!(format, Some(TRANSIENT));
        (of(SUBJECT_ID), of(PAIRWISE_ID))
    };
    let (subject_id, nothing) = ids(&subject).await;
    let [subject_id] = subject_id.try_into().expect("exactly one value");
    assert_eq!(nothing, [""; 0]);
    let (id, scope) = subject_id.split_once('@').expect("a scope");
    assert_eq!(scope, "example.org");
    assert!(id.len() <= 127 && id.bytes().all(|b| b.is_ascii_alphanumeric()));
    assert_eq!(
        ids(&other).await.0.concat(),
        subject_id,
        "the same everywhere"
    );
    let (nothing, pairwise_id) = ids(&pairwise).await;
    assert_eq!((nothing.len(), pairwise_id.len()), (0, 1));
    let (nothing, any_id) = ids(&any).await;
    assert_eq!((nothing.len(), any_id.len()), (0, 1));
    assert_ne!(pairwise_id, any_id, "another at every SP");
    assert_eq!(ids(&none).await, (vec![], vec![]));
}

#[tokio::test]
async fn c_at7_only_values_in_our_own_scope_are_told() {
    let home = Home::new().await;
    let list = [
        "--attribute",
        "eduPersonPrincipalName",
        "--attribute",
        "eduPersonScopedAffiliation",
    ];
    let sp = home.sp("app", &Inside::default(), &list);
    let principal = "urn:oid:1.3.6.1.4.1.5923.1.1.1.6";
    let affiliation = "urn:oid:1.3.6.1.4.1.5923.1.1.1.9";
    let told = home.told(&sp).await;
    assert_eq!(told.values_of(principal), ["ada@example.org"]);
    assert_eq!(told.values_of(affiliation), ["member@example.org"]);
    let line = ["user", "update", "ada"];
    let foreign = [
        "--attribute",
        "eduPersonPrincipalName=ada@elsewhere.example",
        "--attribute",
        "eduPersonScopedAffiliation=staff@example.org",
        "--attribute",
        "eduPersonScopedAffiliation=staff@example.org.evil.example",
        "--attribute",
        "eduPersonScopedAffiliation=staff@evil@example.org",
    ];
    let output = home.product.try_cli(&[&line[..], &foreign].concat(), "");
    assert!(output.status.success(), "{output:?}");
    let told = home.told(&sp).await;
    assert_eq!(told.values_of(principal), [""; 0]);
    assert_eq!(told.values_of(affiliation), ["staff@example.org"]);
    // Nor does a template get around it.
    home.update(
        "app",
        &["--attribute", "subject-id=${uid}@elsewhere.example"],
    );
    assert_eq!(labels(&home.told(&sp).await), [""; 0]);
}

#[tokio::test]
async fn c_at7_without_a_scope_there_are_no_scoped_values() {
    let home = Home::with("").await;
    assert!(!home.product.metadata_xml.contains("entity-category"));
    let options = ["--attribute", "subject-id", "--attribute", "mail"];
    let sp = home.sp("app", &Inside::default(), &options);
    assert_eq!(labels(&home.told(&sp).await), ["mail"]);
}

#[tokio::test]
async fn c_at5_iip_idp03_categories_count_where_the_site_says_so() {
    let settings = "scope = \"example.org\"\nrelease_by_category = [\"research-and-scholarship\", \"code-of-conduct\"]";
    let home = Home::with(settings).await;
    let research = [(
        CATEGORY,
        "http://refeds.org/category/research-and-scholarship",
    )];
    let inside = Inside {
        entity_attributes: &research,
        ..Inside::default()
    };
    let sp = home.sp("research", &inside, &[]);
    let bundle = [
        "eduPersonPrincipalName",
        "mail",
        "displayName",
        "givenName",
        "sn",
        "eduPersonScopedAffiliation",
    ];
    assert_eq!(labels(&home.told(&sp).await), bundle);
    // Who looks for a provider that releases by category finds it in the metadata.
    let ours = &home.product.metadata_xml;
    assert!(ours.contains("http://macedir.org/entity-category-support"));
    assert!(ours.contains("https://refeds.org/category/code-of-conduct/v2"));
    assert!(!ours.contains("https://refeds.org/category/pseudonymous"));
    // What is listed for one SP holds for it.
    home.update("research", &["--attribute", "uid"]);
    assert_eq!(labels(&home.told(&sp).await), ["uid"]);

    let conduct = [(CATEGORY, "https://refeds.org/category/code-of-conduct/v2")];
    let inside = Inside {
        entity_attributes: &conduct,
        services: SERVICES,
    };
    let sp = home.sp("conduct", &inside, &[]);
    assert_eq!(labels(&home.told(&sp).await), ["mail"], "what is required");

    // A category that the site does not release by is no reason for anything.
    let pseudonymous = [(CATEGORY, "https://refeds.org/category/pseudonymous")];
    let inside = Inside {
        entity_attributes: &pseudonymous,
        ..Inside::default()
    };
    let sp = home.sp("pseudonymous", &inside, &[]);
    assert_eq!(
        labels(&home.told(&sp).await),
        ["mail", "displayName", "role"]
    );
}
