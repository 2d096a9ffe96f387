//! Reading a logout message whose signature has been checked: its header, and whom it is about. No
//! signature stands inside (Bindings 3.4.4.1), so there is little to walk through.

use jiff::Timestamp;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::response::Refusal;

const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const DEEPEST: usize = 8;

/// What a logout message says.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// The name of the root.
    pub(super) name: String,
    pub(super) id: String,
    pub(super) destination: Option<String>,
    /// In seconds since 1970.
    pub(super) not_on_or_after: Option<i64>,
    pub(super) issuer: String,
    pub(super) name_id: String,
    pub(super) session_indexes: Vec<String>,
}

/// Reads it, or says what is wrong with it.
pub(super) fn read(xml: &str) -> Result<Message, Refusal> {
    let mut reader = NsReader::from_str(xml);
    let (mut message, mut path) = (Message::default(), Vec::new());
    loop {
        let (space, event) = reader
            .read_resolved_event()
            .map_err(|_| Refusal::Malformed("broken markup"))?;
        let is_protocol = matches!(space, ResolveResult::Bound(name) if name.0 == PROTOCOL);
        match event {
            Event::Start(start) => enter(&mut message, &mut path, is_protocol, &start)?,
            Event::Empty(start) => {
                enter(&mut message, &mut path, is_protocol, &start)?;
                path.pop();
            }
            Event::End(_) => drop(path.pop()),
            Event::Text(text) => {
                take(&mut message, &path, &text.xml10_content());
            }
            Event::GeneralRef(reference) => {
                let character = match &*reference.xml10_content() {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    "apos" => "'",
                    _ => return Err(Refusal::Malformed("a reference")),
                };
                take(&mut message, &path, character);
            }
            Event::Eof if path.is_empty() && !message.name.is_empty() => return Ok(message),
            Event::Decl(_) if message.name.is_empty() => {}
            _ => return Err(Refusal::Malformed("something that no logout message has")),
        }
    }
}

fn enter(
    message: &mut Message,
    path: &mut Vec<String>,
    is_protocol: bool,
    start: &BytesStart<'_>,
) -> Result<(), Refusal> {
    let broken = || Refusal::Malformed("broken markup");
    let name = start.local_name().as_ref().to_owned();
    if path.len() >= DEEPEST {
        return Err(Refusal::Malformed("too many levels"));
    }
    if path.is_empty() {
        if !message.name.is_empty() || !is_protocol {
            return Err(Refusal::Malformed("another root"));
        }
        message.name.clone_from(&name);
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| broken())?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|_| broken())?.into_owned();
            match attribute.key.as_ref() {
                "ID" => message.id = value,
                "Destination" => message.destination = Some(value),
                "NotOnOrAfter" => {
                    let end: Timestamp = value.parse().map_err(|_| broken())?;
                    message.not_on_or_after = Some(end.as_second());
                }
                _ => {}
            }
        }
    }
    if path.len() == 1 && name == "SessionIndex" {
        message.session_indexes.push(String::new());
    }
    path.push(name);
    Ok(())
}

fn take(message: &mut Message, path: &[String], text: &str) {
    let [_, element] = path else {
        return;
    };
    match element.as_str() {
        "Issuer" => message.issuer.push_str(text),
        "NameID" => message.name_id.push_str(text),
        "SessionIndex" => {
            if let Some(last) = message.session_indexes.last_mut() {
                last.push_str(text);
            }
        }
        _ => {}
    }
}
