//! The cookie of identity provider discovery (Profiles 4.3): which identity providers a browser has
//! signed in at, readable by every server of a common domain. Off unless that domain is configured.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::app::Site;

/// Its name (Profiles 4.3.1).
const NAME: &str = "_saml_idp";
/// How many identity providers are kept: browsers limit a cookie to 4 KiB.
const MOST: usize = 8;
/// How long it is kept after a sign-in, in seconds: half a year.
const LIFETIME: u32 = 15_552_000;

/// What the browser brought along, where the cookie is written at all.
pub(super) fn read(headers: &HeaderMap, site: &Site) -> Option<String> {
    site.common_domain.as_ref()?;
    let lines = headers.get_all(header::COOKIE);
    lines
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
        .map(str::to_owned)
}

/// Writes ourselves down as the one used last.
pub(super) fn remember(response: &mut Response, known: Option<&str>, site: &Site) {
    let Some(domain) = &site.common_domain else {
        return;
    };
    let list = with_us_last(known.unwrap_or_default(), &site.entity_id);
    let secure = if site.is_https() { "; Secure" } else { "" };
    let value = HeaderValue::from_str(&format!(
        "{NAME}={list}; Domain={domain}; Path=/; Max-Age={LIFETIME}; SameSite=Lax{secure}"
    ));
    // What is percent-encoded is a header value; the domain was checked when it was configured.
    if let Ok(value) = value {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// The list, URL-encoded: entityIDs in base64, separated by single blanks, the latest last. What is
/// no base64 is left out, whoever wrote it.
fn with_us_last(known: &str, entity_id: &str) -> String {
    let ours = STANDARD.encode(entity_id);
    let decoded = percent_decode_str(known).decode_utf8_lossy();
    let mut list: Vec<&str> = decoded
        .split(' ')
        .filter(|entry| *entry != ours && entry.len() <= 400)
        .filter(|entry| !entry.is_empty() && STANDARD.decode(entry).is_ok())
        .collect();
    list.drain(..list.len().saturating_sub(MOST - 1));
    list.push(&ours);
    utf8_percent_encode(&list.join(" "), NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(list: &str) -> Vec<String> {
        let text = percent_decode_str(list).decode_utf8().unwrap();
        text.split(' ')
            .map(|entry| String::from_utf8(STANDARD.decode(entry).unwrap()).unwrap())
            .collect()
    }

    #[test]
    fn c_d1_the_one_used_last_stands_last_and_once() {
        let first = with_us_last("", "https://one.example");
        assert_eq!(decoded(&first), ["https://one.example"]);
        let second = with_us_last(&first, "https://two.example");
        assert_eq!(
            decoded(&second),
            ["https://one.example", "https://two.example"]
        );
        let again = with_us_last(&second, "https://one.example");
        assert_eq!(
            decoded(&again),
            ["https://two.example", "https://one.example"]
        );
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '%';
        assert!(again.chars().all(is_plain), "{again}");
    }

    #[test]
    fn c_d1_the_cookie_is_for_the_common_domain_and_off_without_one() {
        let site = super::super::visit::tests::site();
        let mut response = Response::default();
        remember(&mut response, None, &site);
        let set = response.headers()[header::SET_COOKIE]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(set.starts_with("_saml_idp="), "{set}");
        assert!(
            set.contains("; Domain=example.org; Path=/;") && set.ends_with("; Secure"),
            "{set}"
        );

        let mut headers = HeaderMap::new();
        let pair = set.split(';').next().unwrap();
        headers.insert(
            header::COOKIE,
            HeaderValue::from_str(&format!("a=b; {pair}")).unwrap(),
        );
        let known = read(&headers, &site);
        assert_eq!(decoded(&known.unwrap()), [site.entity_id.as_str()]);

        let off = Site {
            common_domain: None,
            ..site
        };
        let mut response = Response::default();
        remember(&mut response, None, &off);
        assert!(response.headers().is_empty());
        assert_eq!(read(&headers, &off), None);
    }

    #[test]
    fn c_d1_what_others_wrote_is_neither_believed_nor_grows() {
        let broken = with_us_last("%%%zz; Path=/ <x> %0d%0aSet-Cookie", "https://idp.example");
        assert_eq!(decoded(&broken), ["https://idp.example"]);
        let mut list = String::new();
        for number in 0..50 {
            list = with_us_last(&list, &format!("https://idp{number}.example"));
        }
        assert_eq!(decoded(&list).len(), MOST);
    }
}
