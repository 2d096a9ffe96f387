//! How messages are packed: percent-escapes, base64, raw DEFLATE (Bindings 3.4.4.1, 3.5.4).

use std::cell::RefCell;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::{Compress, Compression, FlushCompress, Status};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::{BindingError, INFLATED_LIMIT};

/// One raw DEFLATE stream, or nothing where flate2 gives up.
pub(super) fn deflate(text: &[u8]) -> Option<Vec<u8>> {
    // What cannot be made smaller grows by five bytes per block of 16 KiB (RFC 1951, 3.2.4).
    let mut deflated = Vec::with_capacity(text.len() + text.len() / 1024 + 64);
    let status = Compress::new(Compression::best(), false)
        .compress_vec(text, &mut deflated, FlushCompress::Finish)
        .ok()?;
    (status == Status::StreamEnd).then_some(deflated)
}

/// One value of `application/x-www-form-urlencoded`; `None` if its escapes are broken or it is
/// not UTF-8.
pub(super) fn form_decode(value: &str) -> Option<String> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let mut decoded = Vec::with_capacity(value.len());
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(decoded).ok()
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Base64 with or without padding; line ends, which MIME encoders put in, are passed over
/// (Bindings 3.5.4: no line limits are demanded of the sender).
pub(super) fn decode_base64(text: &str) -> Result<Vec<u8>, BindingError> {
    if text.contains(['\r', '\n']) {
        let joined: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
        return BASE64.decode(joined).map_err(|_| BindingError::Base64);
    }
    BASE64.decode(text).map_err(|_| BindingError::Base64)
}

thread_local! {
    /// 11 KiB of tables, made once. flate2's own state keeps 32 KiB of output beside them and wipes
    /// them each time; here the output itself serves as the window.
    static TABLES: RefCell<DecompressorOxide> = RefCell::default();
}

/// Inflates one raw DEFLATE stream that ends where its bytes end, up to [`INFLATED_LIMIT`]: the
/// output buffer never grows beyond it, whatever the stream says.
pub(super) fn inflate(deflated: &[u8]) -> Result<Vec<u8>, BindingError> {
    TABLES.with_borrow_mut(|tables| {
        tables.init();
        inflate_with(tables, deflated)
    })
}

fn inflate_with(tables: &mut DecompressorOxide, deflated: &[u8]) -> Result<Vec<u8>, BindingError> {
    let guess = deflated.len().saturating_mul(4).clamp(2048, INFLATED_LIMIT);
    let mut xml = vec![0; guess];
    let (mut taken, mut filled) = (0, 0);
    loop {
        let rest = deflated.get(taken..).ok_or(BindingError::Deflate)?;
        let flags = TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, read, written) = decompress(tables, rest, &mut xml, filled, flags);
        taken += read;
        filled += written;
        match status {
            TINFLStatus::Done if taken == deflated.len() => {
                xml.truncate(filled);
                return Ok(xml);
            }
            TINFLStatus::HasMoreOutput if xml.len() < INFLATED_LIMIT => {
                xml.resize(xml.len().saturating_mul(2).min(INFLATED_LIMIT), 0);
            }
            TINFLStatus::HasMoreOutput => return Err(BindingError::InflatedTooLarge),
            // Cut off, no DEFLATE, or something behind its end.
            _ => return Err(BindingError::Deflate),
        }
    }
}
