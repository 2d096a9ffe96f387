//! The public address, as browsers and applications reach it: through the proxy.

use std::time::Duration;

use super::Findings;
use crate::config::Config;
use crate::saml::signature::SigningKey;

/// Our own metadata is asked for at the public address: who answers there is who SPs will find.
pub(super) fn check(findings: &mut Findings, config: &Config, key: &SigningKey) {
    let address = format!("{}/saml/metadata", config.base_url);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(5)))
        .max_redirects(0)
        .tls_config(super::super::fetch::tls())
        .build()
        .into();
    let answer = agent.get(&address).call().and_then(|mut response| {
        let body = response.body_mut().with_config().limit(1024 * 1024);
        body.read_to_string()
    });
    match answer {
        Ok(text) if is_ours(&text, config, key) => {
            findings.ok("public address", format!("{address} answers"));
        }
        Ok(_) => findings.error(
            "public address",
            format!("{address} is answered by somebody else, or with another entityID or key"),
            "look at base_url and at the proxy's rules",
        ),
        Err(error) => findings.warning(
            "public address",
            format!("{address} does not answer: {error}"),
            "start `doorward serve`, then look at the proxy, its certificate and DNS",
        ),
    }
}

/// Whether metadata names us, and the key that signs here.
fn is_ours(metadata: &str, config: &Config, key: &SigningKey) -> bool {
    metadata.contains(&format!("entityID=\"{}\"", config.entity_id))
        && metadata.contains(key.certificate_base64())
}
