//! How messages are packed: percent-escapes, base64, raw DEFLATE (Bindings 3.4.4.1, 3.5.4).

use std::cell::RefCell;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

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
    /// 43 KiB that are costly to come by and cheap to wipe.
    static STREAM: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Inflates one raw DEFLATE stream that ends where its bytes end, up to [`INFLATED_LIMIT`]: the
/// output buffer never grows beyond it, whatever the stream says.
pub(super) fn inflate(deflated: &[u8]) -> Result<Vec<u8>, BindingError> {
    STREAM.with_borrow_mut(|stream| {
        stream.reset(false);
        inflate_with(stream, deflated)
    })
}

fn inflate_with(stream: &mut Decompress, deflated: &[u8]) -> Result<Vec<u8>, BindingError> {
    let guess = deflated.len().saturating_mul(4).clamp(2048, INFLATED_LIMIT);
    let mut xml = Vec::with_capacity(guess);
    loop {
        let taken = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
        let rest = deflated.get(taken..).ok_or(BindingError::Deflate)?;
        let had = xml.len();
        let status = stream
            .decompress_vec(rest, &mut xml, FlushDecompress::None)
            .map_err(|_| BindingError::Deflate)?;
        let all_read = stream.total_in() == deflated.len() as u64;
        if status == Status::StreamEnd {
            return if all_read {
                Ok(xml)
            } else {
                Err(BindingError::Deflate)
            };
        }
        if xml.len() == xml.capacity() {
            if xml.len() >= INFLATED_LIMIT {
                return Err(BindingError::InflatedTooLarge);
            }
            xml.reserve_exact(xml.len().min(INFLATED_LIMIT - xml.len()));
        } else if all_read || xml.len() == had {
            // It wants more than there is: cut off.
            return Err(BindingError::Deflate);
        }
    }
}
