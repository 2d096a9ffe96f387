//! How addresses that the operator names are fetched.

use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

/// OpenSSL, with the certificates that this machine trusts: one TLS library in the program.
pub(super) fn tls() -> TlsConfig {
    TlsConfig::builder()
        .provider(TlsProvider::NativeTls)
        .root_certs(RootCerts::PlatformVerifier)
        .build()
}
