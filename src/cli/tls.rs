//! The certificate and key that HTTPS is served with, read and tried out as one pair.

use std::path::{Path, PathBuf};

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{AlpnError, SslAcceptor, SslMethod, select_next_proto};
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509StoreContext, X509StoreContextRef};
use thiserror::Error;

use crate::config::TlsFiles;
use crate::directory::time::UnixTime;
use crate::saml::certificate::Certificate;

/// What we speak above TLS. HTTP/2 is left to the proxy.
const HTTP_1: &[u8] = b"\x08http/1.1";

/// The texts of both files, as they were at one moment.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct TlsPair {
    cert: Vec<u8>,
    key: Vec<u8>,
}

/// Why a certificate and a key cannot be served with.
#[derive(Debug, Error)]
pub(super) enum TlsError {
    /// One of the files.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// No certificate in `tls.cert`.
    #[error("tls.cert holds no certificate in PEM")]
    NoCertificate,
    /// No key in `tls.key`.
    #[error("tls.key holds no private key in PEM without a passphrase")]
    NoKey,
    /// The key is another certificate's.
    #[error("tls.key does not belong to the first certificate of tls.cert")]
    Mismatch,
    /// The certificate has ended.
    #[error("the certificate of tls.cert has ended ({at})")]
    Ended {
        /// When.
        at: UnixTime,
    },
    /// OpenSSL does not take them.
    #[error("OpenSSL does not take them: {0}")]
    Refused(#[from] ErrorStack),
}

impl TlsPair {
    /// Reads both files.
    pub(super) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let bytes = |path: &Path| {
            std::fs::read(path).map_err(|error| TlsError::Unreadable {
                path: path.to_owned(),
                error,
            })
        };
        Ok(Self {
            cert: bytes(&files.cert)?,
            key: bytes(&files.key)?,
        })
    }

    /// What serves with them: TLS 1.2 and 1.3 with the ciphers that Mozilla calls intermediate.
    pub(super) fn acceptor(&self) -> Result<SslAcceptor, TlsError> {
        let (leaf, issuers) = self.chain()?;
        let key = self.private_key()?;
        let is_its_key = leaf.public_key().is_ok_and(|public| public.public_eq(&key));
        if !is_its_key {
            return Err(TlsError::Mismatch);
        }
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server())?;
        builder.set_certificate(&leaf)?;
        for issuer in issuers {
            builder.add_extra_chain_cert(issuer)?;
        }
        builder.set_private_key(&key)?;
        builder.set_alpn_select_callback(|_, offered| {
            select_next_proto(HTTP_1, offered).ok_or(AlpnError::NOACK)
        });
        Ok(builder.build())
    }

    /// When the certificate ends.
    pub(super) fn ends(&self) -> Result<UnixTime, TlsError> {
        let der = self.chain()?.0.to_der()?;
        let read = Certificate::read(&der).ok_or(TlsError::NoCertificate)?;
        Ok(read.not_after)
    }

    /// Whether the certificate is for this host (RFC 6125: its alternative names).
    pub(super) fn is_for(&self, host: &str) -> Result<bool, TlsError> {
        let leaf = self.chain()?.0;
        let mut parameters = X509VerifyParam::new()?;
        // Only its name is asked about: whom browsers trust is theirs to say.
        parameters.set_flags(X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::NO_CHECK_TIME)?;
        match host.trim_matches(['[', ']']).parse() {
            Ok(address) => parameters.set_ip(address)?,
            Err(_) => parameters.set_host(host)?,
        }
        let mut trusted = X509StoreBuilder::new()?;
        trusted.add_cert(leaf.clone())?;
        trusted.set_param(&parameters)?;
        let (trusted, issuers) = (trusted.build(), Stack::new()?);
        let mut context = X509StoreContext::new()?;
        let verify = X509StoreContextRef::verify_cert;
        Ok(context.init(&trusted, &leaf, &issuers, verify)?)
    }

    fn chain(&self) -> Result<(X509, impl Iterator<Item = X509>), TlsError> {
        let all = X509::stack_from_pem(&self.cert).map_err(|_| TlsError::NoCertificate)?;
        let mut all = all.into_iter();
        let leaf = all.next().ok_or(TlsError::NoCertificate)?;
        Ok((leaf, all))
    }

    fn private_key(&self) -> Result<PKey<Private>, TlsError> {
        // An empty passphrase, so that an encrypted key is refused and nobody is asked for one.
        PKey::private_key_from_pem_passphrase(&self.key, b"").map_err(|_| TlsError::NoKey)
    }
}
