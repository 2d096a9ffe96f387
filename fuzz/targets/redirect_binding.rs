//! The query of HTTP-Redirect: nothing panics, nothing inflates beyond its limit, and the octets of
//! a signature are found in the query as they came.
#![no_main]

use doorward::saml::binding::{self, INFLATED_LIMIT};
use doorward::saml::signature;
use doorward_fuzz::keys;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|query: &str| {
    let _ = binding::names_a_message(query);
    let _ = binding::relay_state(query);
    let Ok(inbound) = binding::decode_redirect(query) else {
        return;
    };
    assert!(inbound.xml.len() <= INFLATED_LIMIT);
    let Some(detached) = inbound.detached else {
        return;
    };
    for part in detached.octets.split('&') {
        assert!(
            query.split('&').any(|it| it == part),
            "{part} did not come"
        );
    }
    let octets = detached.octets.as_bytes();
    let verdict =
        signature::verify_octets(octets, &detached.algorithm, &detached.signature, keys());
    assert!(verdict.is_err(), "no query was ever signed");
});
