//! Both bindings, held against odd input (T-RED, T-DEFLATE).

use std::io::Write as _;

use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use base64::Engine as _;

use super::*;

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::default();
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn redirect(bytes: &[u8]) -> String {
    format!("SAMLRequest={}", escaped(&STANDARD.encode(bytes)))
}

#[test]
fn t_deflate_a_bomb_is_cut_off_at_128_kib() {
    let bomb = deflate(&vec![b' '; 50 * 1024 * 1024]);
    assert_eq!(inflate(&bomb), Err(BindingError::InflatedTooLarge));
    let largest = vec![b' '; INFLATED_LIMIT - 1];
    assert!(inflate(&deflate(&largest)) == Ok(largest));
}

#[test]
fn t_red_odd_streams_are_refused() {
    let good = deflate(b"<a/>");
    let two = [good.clone(), good.clone()].concat();
    let mut zlib = vec![0x78, 0x9c];
    zlib.extend_from_slice(&good);
    let cut = &good[..good.len() - 1];
    for bytes in [two.as_slice(), zlib.as_slice(), cut, b"", b"\xff\xff"] {
        assert!(decode_redirect(&redirect(bytes)).is_err(), "{bytes:?}");
    }
    assert_eq!(decode_redirect(&redirect(&good)).unwrap().xml, b"<a/>");
}

#[test]
fn t_red_duplicates_and_escaped_names_are_refused() {
    let good = redirect(&deflate(b"<a/>"));
    for (query, error) in [
        (format!("{good}&{good}"), BindingError::DuplicateParameter),
        (
            format!("{good}&RelayState=a&RelayState=a"),
            BindingError::DuplicateParameter,
        ),
        (format!("{good}&x=1&x=2"), BindingError::DuplicateParameter),
        (
            format!("{good}&%53AMLRequest=evil"),
            BindingError::EscapedName,
        ),
        (format!("{good}&Relay%53tate=a"), BindingError::EscapedName),
        (
            format!("{good}&SAMLResponse=a"),
            BindingError::ResponseInRequest,
        ),
        (format!("{good}&SigAlg=a"), BindingError::HalfSigned),
        (format!("{good}&Signature=a"), BindingError::HalfSigned),
        (format!("{good}&SAMLEncoding=other"), BindingError::Encoding),
        (
            format!("{good}&RelayState=%zz"),
            BindingError::RelayStateUnreadable,
        ),
        (
            format!("{good}&RelayState=%ff"),
            BindingError::RelayStateUnreadable,
        ),
        (
            format!("{good}&RelayState=%00"),
            BindingError::RelayStateUnreadable,
        ),
        (
            format!("{good}&RelayState={}", "a".repeat(1025)),
            BindingError::RelayStateTooLong,
        ),
        (
            format!("{good}&x={}", "a".repeat(QUERY_LIMIT)),
            BindingError::QueryTooLong,
        ),
        ("RelayState=a".to_owned(), BindingError::NoMessage),
        ("SAMLRequest=".to_owned(), BindingError::NoMessage),
        ("SAMLRequest=%".to_owned(), BindingError::PercentEncoding),
        ("SAMLRequest=*".to_owned(), BindingError::Base64),
    ] {
        assert_eq!(decode_redirect(&query).err(), Some(error), "{query:.60}");
    }
}

#[test]
fn t_red_the_signed_octets_are_the_raw_ones_in_the_order_of_the_binding() {
    let message = escaped(&STANDARD.encode(deflate(b"<a/>"))).replace("%2B", "%2b");
    let query = format!(
        "x=1&Signature=AA%3d%3D&SigAlg=urn%3ax&RelayState=a%20b+(~)!&SAMLRequest={message}"
    );
    let inbound = decode_redirect(&query).unwrap();
    let octets = format!("SAMLRequest={message}&RelayState=a%20b+(~)!&SigAlg=urn%3ax");
    assert_eq!(inbound.detached.unwrap().octets, octets);
    assert_eq!(inbound.relay_state.as_deref(), Some("a b (~)!"));
    let query = format!("SAMLRequest={message}&RelayState=&SigAlg=a&Signature=AAAA");
    let inbound = decode_redirect(&query).unwrap();
    let octets = format!("SAMLRequest={message}&RelayState=&SigAlg=a");
    assert_eq!(inbound.detached.unwrap().octets, octets);
    // A name without `=` is signed without it.
    let query = format!("RelayState&SigAlg=a&Signature=YQ&SAMLRequest={message}");
    let inbound = decode_redirect(&query).unwrap();
    assert_eq!(inbound.relay_state.as_deref(), Some(""));
    let octets = format!("SAMLRequest={message}&RelayState&SigAlg=a");
    assert_eq!(inbound.detached.unwrap().octets, octets);
    assert_eq!(inbound.relay_state.as_deref(), Some(""));
}

proptest! {
    #[test]
    fn relay_state_comes_out_as_it_went_in(state in "\\PC{0,60}", post in any::<bool>()) {
        let wrapped = escaped(&state);
        let inbound = if post {
            decode_post(&format!("SAMLRequest=PGEvPg==&RelayState={wrapped}"))
        } else {
            decode_redirect(&format!("{}&RelayState={wrapped}", redirect(&deflate(b"<a/>"))))
        };
        prop_assert_eq!(inbound.unwrap().relay_state, Some(state));
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(query in "\\PC{0,200}", bytes: Vec<u8>) {
        let _ = decode_redirect(&query);
        let _ = decode_post(&query);
        let _ = decode_redirect(&redirect(&bytes));
    }
}
