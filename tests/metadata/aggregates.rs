//! Reading what a federation publishes: signature, lifetimes, one bad entity among good ones.

use std::time::{Duration, Instant};

use doorward::saml::aggregate::{self, AggregateError, Demands, EntityFault};
use doorward::saml::signature::SignatureError;
use doorward::saml::sp_metadata::{self, MetadataError};

use crate::federation::{DAY, Entity, Federation, NOW, identity_provider, root};

fn ids(read: &aggregate::Aggregate) -> Vec<&str> {
    let sps = read.service_providers.iter();
    sps.map(|sp| sp.entity_id.as_str()).collect()
}

fn week() -> String {
    format!(" validUntil=\"{}\"", NOW.plus(7 * DAY))
}

#[test]
fn c_mc1_nested_groups_and_single_entities_are_read() {
    let federation = Federation::new();
    let inner = format!(
        "<md:EntitiesDescriptor Name=\"urn:inner\">{}{}<md:EntitiesDescriptor>{}\
         </md:EntitiesDescriptor></md:EntitiesDescriptor>",
        Entity::new(2).xml(),
        identity_provider(1),
        Entity::new(3).xml()
    );
    let document = federation.sign(&root(&week(), &(Entity::new(1).xml() + &inner)));
    let read = federation.read(&document).unwrap();
    assert_eq!(
        ids(&read),
        [1, 2, 3].map(|n| format!("https://sp{n}.example.org/saml"))
    );
    assert_eq!((read.others, read.skipped.len()), (1, 0));
    assert_eq!(read.valid_until, Some(NOW.plus(7 * DAY)));

    let single = Entity::new(9).xml().replacen(
        "<md:EntityDescriptor entityID=\"https://sp9.example.org/saml\"",
        &format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" ID=\"_root\" \
             entityID=\"https://sp9.example.org/saml\"{}",
            week()
        ),
        1,
    );
    let read = federation.read(&federation.sign(&single)).unwrap();
    assert_eq!(ids(&read), ["https://sp9.example.org/saml"]);
}

#[test]
fn c_mc3_a_document_counts_only_under_the_pinned_key() {
    let (federation, other) = (Federation::new(), Federation::new());
    let document = other.aggregate(&[Entity::new(1)]);
    let refused = federation.read(&document).unwrap_err();
    assert_eq!(
        refused,
        AggregateError::Signature(SignatureError::NotTheirs)
    );
    let unsigned = root(&week(), &Entity::new(1).xml());
    let refused = federation.read(&unsigned).unwrap_err();
    assert_eq!(refused, AggregateError::Signature(SignatureError::Missing));
    // Whatever is changed anywhere in it, the whole is refused.
    let good = federation.aggregate(&[Entity::new(1), Entity::new(2)]);
    assert!(federation.read(&good).is_ok());
    for (from, to) in [
        ("sp1.example.org/saml/acs", "evil.example.org/saml/ac"),
        ("sp2.example.org/saml/acs", "evil.example.org/saml/ac"),
        ("index=\"0\"", "index=\"1\""),
        ("</md:EntitiesDescriptor>", " </md:EntitiesDescriptor>"),
        ("validUntil=\"2026", "validUntil=\"2027"),
    ] {
        let altered = good.replace(from, to);
        assert_ne!(altered, good, "{from}");
        assert!(federation.read(&altered).is_err(), "{from}");
    }
}

#[test]
fn c_mc3_xmlsec1_signs_what_we_accept_with_blanks_and_all() {
    let federation = Federation::new();
    let folder = tempfile::tempdir().unwrap();
    let template = "\n  <ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>\
        <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
        <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"/>\
        <ds:Reference URI=\"#_root\"><ds:Transforms>\
        <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
        <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">\
        <ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" \
        PrefixList=\"xs #default\"/></ds:Transform></ds:Transforms>\
        <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha512\"/><ds:DigestValue/>\
        </ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>";
    let entities = format!(
        "\n  <!-- one --> {}\n  <md:EntitiesDescriptor xmlns:u=\"urn:unused\">\r\n\t{}\
         <md:EntitiesDescriptor xmlns=\"urn:d\"/></md:EntitiesDescriptor>&#13;\n",
        Entity::new(1).xml(),
        Entity::new(2)
            .xml()
            .replace("<md:AssertionC", "<!-- c -->\n<md:AssertionC")
    );
    let document = format!(
        "<?xml version=\"1.0\"?>\n<!-- federation -->\n<md:EntitiesDescriptor \
         xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" xmlns:md=\"{}\" validUntil=\"{}\" \
         ID=\"_root\">{template}{entities}</md:EntitiesDescriptor>\n",
        crate::federation::MD,
        NOW.plus(7 * DAY)
    );
    let signed = federation.sign_by_xmlsec1(folder.path(), &document);
    assert_eq!(federation.read(&signed).unwrap().service_providers.len(), 2);
}

#[test]
fn t_xsw_m_a_signed_entity_in_a_signed_aggregate_is_content_and_nothing_else() {
    let federation = Federation::new();
    let member = Federation::new();
    let own = Entity::new(1).xml().replacen(
        "<md:EntityDescriptor ",
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" ID=\"_root\" ",
        1,
    );
    // The member's own signature, with another ID, and no declaration of its own inside the group.
    let own = member
        .sign(&own)
        .replace("_root", "_member")
        .replace(" xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"", "");
    let document = federation.sign(&root(&week(), &own));
    assert_eq!(
        federation.read(&document).unwrap().service_providers.len(),
        1
    );

    // The member's signature is worth nothing for the whole, wherever it stands.
    let signature_of = |text: &str| {
        let from = text.find("<ds:Signature ").unwrap();
        let to = text.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
        text[from..to].to_owned()
    };
    let good = federation.aggregate(&[Entity::new(1)]);
    let (signature, evil) = (signature_of(&good), Entity::new(666).xml());
    let plain = good.replace(&signature, "");
    let wrapped = plain.replace("_root", "_other");
    for forged in [
        // The good document below an evil root, beside evil entities, in extensions.
        root(&week(), &format!("{evil}{good}")).replace("ID=\"_root\"", "ID=\"_evil\""),
        root(&week(), &format!("{signature}{evil}")),
        root(&week(), &format!("{signature}{evil}{wrapped}")),
        root(
            &week(),
            &format!("{signature}<md:Extensions>{wrapped}</md:Extensions>{evil}"),
        ),
        // An evil root of the same ID, without one, or the signature second.
        root(&week(), &format!("{signature}{evil}")).replace(" ID=\"_root\"", ""),
        plain.replace(
            "</md:EntitiesDescriptor>",
            &format!("{signature}</md:EntitiesDescriptor>"),
        ),
        good.replace(&signature, &format!("{signature}{signature}")),
        good.replace(
            "<md:EntityDescriptor",
            &format!("{signature}<md:EntityDescriptor"),
        ),
        good.replace(
            "</ds:SignatureValue>",
            &format!("</ds:SignatureValue><ds:Object>{evil}</ds:Object>"),
        ),
        format!("{good}{evil}"),
    ] {
        assert!(federation.read(&forged).is_err(), "{forged}");
    }
}

#[test]
fn c_mc4_signed_metadata_lasts_for_a_while_and_not_for_ever() {
    let federation = Federation::new();
    let entities = [Entity::new(1)];
    let without = federation.sign(&root("", &Entity::new(1).xml()));
    assert_eq!(
        federation.read(&without).unwrap_err(),
        AggregateError::NoValidUntil
    );
    let expired = federation.aggregate_until(NOW, &entities);
    assert_eq!(
        federation.read(&expired).unwrap_err(),
        AggregateError::Expired(NOW)
    );
    let last = federation.aggregate_until(NOW.plus(14 * DAY), &entities);
    assert!(federation.read(&last).is_ok());
    let late = federation.aggregate_until(NOW.plus(14 * DAY + Duration::from_millis(1)), &entities);
    assert!(matches!(
        federation.read(&late).unwrap_err(),
        AggregateError::TooFarAhead { .. }
    ));
    // A file of the administrator needs neither signature nor validUntil, but is not expired.
    let by_hand = |document: &str| {
        let demands = Demands {
            keys: None,
            longest: None,
            now: NOW,
        };
        aggregate::read(document.as_bytes(), &demands, &mut |_| {})
    };
    assert!(by_hand(&root("", &Entity::new(1).xml())).is_ok());
    assert_eq!(by_hand(&expired).unwrap_err(), AggregateError::Expired(NOW));
}

#[test]
fn c_mc5_the_smallest_lifetime_of_every_level_counts() {
    let federation = Federation::new();
    let mut long = Entity::new(1);
    long.attributes = format!(" validUntil=\"{}\"", NOW.plus(6 * DAY));
    let mut short = Entity::new(2);
    short.role_attributes = format!(" cacheDuration=\"PT1H\" validUntil=\"{}\"", NOW.plus(DAY));
    let mut past = Entity::new(3);
    past.attributes = " validUntil=\"2020-01-01T00:00:00Z\"".to_owned();
    let until = NOW.plus(3 * DAY);
    let mut group =
        format!("<md:EntitiesDescriptor cacheDuration=\"P7DT0H0M0.000S\" validUntil=\"{until}\">");
    group += &(long.xml() + &short.xml() + &past.xml() + "</md:EntitiesDescriptor>");
    let document = federation.sign(&root(&week(), &group));
    let read = federation.read(&document).unwrap();
    let lifetimes: Vec<_> = read
        .service_providers
        .iter()
        .map(|sp| (sp.valid_until, sp.cache_duration))
        .collect();
    assert_eq!(
        lifetimes,
        [
            (Some(NOW.plus(3 * DAY)), Some(7 * DAY)),
            (Some(NOW.plus(DAY)), Some(Duration::from_hours(1)))
        ]
    );
    assert_eq!(read.valid_until, Some(NOW.plus(7 * DAY)));
    let [skipped] = read.skipped.as_slice() else {
        panic!("{:?}", read.skipped);
    };
    assert_eq!(skipped.entity_id, "https://sp3.example.org/saml");
    assert!(matches!(
        skipped.why,
        EntityFault::Metadata(MetadataError::Expired(_))
    ));
}

#[test]
fn c_mc8_unknown_extensions_are_ignored_at_any_place() {
    let federation = Federation::new();
    let extension = "<md:Extensions>\
        <mdrpi:RegistrationInfo xmlns:mdrpi=\"urn:oasis:names:tc:SAML:metadata:rpi\" \
        registrationAuthority=\"https://federation.example\"></mdrpi:RegistrationInfo>\
        <x:anything xmlns:x=\"urn:invented\" x:a=\"1\"><x:deep>text</x:deep></x:anything>\
        </md:Extensions>";
    let mut entity = Entity::new(1);
    entity.before = extension.to_owned();
    entity.in_role = extension.to_owned();
    let group = format!("{extension}{}", entity.xml());
    let read = federation.read(&federation.sign(&root(&week(), &group)));
    assert_eq!(read.unwrap().service_providers.len(), 1);
}

#[test]
fn t_md_one_bad_entity_is_skipped_and_named() {
    let federation = Federation::new();
    let bad = |change: fn(&mut Entity)| {
        let mut entity = Entity::new(7);
        change(&mut entity);
        entity
    };
    let entities = [
        Entity::new(1),
        bad(|e| e.id = String::new()),
        bad(|e| e.attributes = " validUntil=\"tomorrow\"".to_owned()),
        bad(|e| e.attributes = " cacheDuration=\"1h\"".to_owned()),
        bad(|e| e.certificates = vec![b"no certificate".to_vec()]),
        Entity::new(2),
        Entity::new(1),
    ];
    let read = federation.read(&federation.aggregate(&entities)).unwrap();
    assert_eq!(
        ids(&read),
        [
            "https://sp1.example.org/saml",
            "https://sp2.example.org/saml"
        ]
    );
    let skipped: Vec<_> = read.skipped.iter().map(|s| s.entity_id.as_str()).collect();
    let sp7 = "https://sp7.example.org/saml";
    assert_eq!(skipped, ["", sp7, sp7, sp7, "https://sp1.example.org/saml"]);
    assert_eq!(read.skipped[4].why, EntityFault::Duplicate);
}

#[test]
fn what_is_kept_of_an_entity_stands_alone() {
    let federation = Federation::new();
    let mut entity = Entity::new(1);
    entity.before = "<md:Extensions><mdattr:EntityAttributes \
        xmlns:mdattr=\"urn:oasis:names:tc:SAML:metadata:attribute\" \
        xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
        <mdattr:v xsi:type=\"xs:string\">&lt;&amp;</mdattr:v></mdattr:EntityAttributes>\
        </md:Extensions>"
        .to_owned();
    // xmlns:xs is used by a value alone: exclusive C14N leaves it out unless it is listed.
    let signed = federation.sign_with(&root(&week(), &entity.xml()), &["xs"]);
    let read = federation.read(&signed).unwrap();
    let kept = &read.service_providers[0];
    assert!(
        kept.xml.starts_with("<md:EntityDescriptor "),
        "{}",
        kept.xml
    );
    assert!(kept.xml.contains("xmlns:xs="), "{}", kept.xml);
    let again = sp_metadata::parse(kept.xml.as_bytes(), NOW).unwrap();
    assert_eq!((&again.entity_id, &again.acs), (&kept.entity_id, &kept.acs));
}

#[test]
fn c_mc1_an_aggregate_of_ten_thousand_entities_is_read_in_seconds() {
    let federation = Federation::new();
    let entities: Vec<_> = (0..10_000).map(Entity::new).collect();
    let document = federation.aggregate(&entities);
    let started = Instant::now();
    let mut told = 0;
    let demands = Demands {
        keys: Some(&federation.keys),
        longest: Some(14 * DAY),
        now: NOW,
    };
    let read = aggregate::read(document.as_bytes(), &demands, &mut |read| told = read);
    assert_eq!(read.unwrap().service_providers.len(), 10_000);
    assert_eq!(told, 10_000);
    let taken = started.elapsed();
    println!("{} bytes in {taken:?}", document.len());
    assert!(taken < Duration::from_mins(1), "{taken:?}");
}
