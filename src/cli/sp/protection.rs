//! The options of `sp add` and `sp update` about encryption and signatures, and the check that what
//! they ask for can be met.

use clap::{Args, ValueEnum};

use super::super::context::Open;
use super::super::error::{CliError, refused};
use super::super::output::note;
use crate::directory::algorithms::{DataEncryption, SignatureAlgorithm};
use crate::directory::protection::{self as room, Protection};
use crate::directory::service_provider::ServiceProvider;
use crate::saml::encryption;

/// How what goes to it is protected. Nothing said means: as it was, or the default.
#[derive(Debug, Args)]
pub(super) struct ProtectionOptions {
    /// Encrypt assertions: auto, where its metadata has a key with use="encryption" [default: auto]
    #[arg(long, value_enum)]
    encrypt: Option<Encrypt>,
    /// How: aes256-gcm, aes128-gcm, auto for what its metadata prefers; for old software alone
    /// aes256-cbc or aes128-cbc [default: auto]
    #[arg(long, value_name = "ALGORITHM", value_parser = data_encryption)]
    encryption_algorithm: Option<Choice<DataEncryption>>,
    /// How we sign: rsa-sha256, rsa-sha384, rsa-sha512, ecdsa-sha256, ecdsa-sha384, ecdsa-sha512, of
    /// the signing key's type; auto for what its metadata prefers [default: auto]
    #[arg(long, value_name = "ALGORITHM", value_parser = signature)]
    signature_algorithm: Option<Choice<SignatureAlgorithm>>,
    /// Name people in plain in LogoutRequests whatever --encrypt says, for software that reads no
    /// EncryptedID there
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide_possible_values = true)]
    plain_logout: Option<bool>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Encrypt {
    Auto,
    Always,
    Never,
}

/// An algorithm, or none in particular.
#[derive(Debug, Clone, Copy)]
enum Choice<T> {
    Auto,
    Only(T),
}

impl<T> Choice<T> {
    fn algorithm(self) -> Option<T> {
        match self {
            Self::Auto => None,
            Self::Only(algorithm) => Some(algorithm),
        }
    }
}

fn data_encryption(text: &str) -> Result<Choice<DataEncryption>, String> {
    if text == "auto" {
        return Ok(Choice::Auto);
    }
    let known = || DataEncryption::ALL.map(DataEncryption::word).join(", ");
    DataEncryption::from_word(text)
        .or_else(|| DataEncryption::from_uri(text))
        .map(Choice::Only)
        .ok_or_else(|| format!("known are auto, {}", known()))
}

fn signature(text: &str) -> Result<Choice<SignatureAlgorithm>, String> {
    if text == "auto" {
        return Ok(Choice::Auto);
    }
    let known = || {
        SignatureAlgorithm::ALL
            .map(SignatureAlgorithm::word)
            .join(", ")
    };
    SignatureAlgorithm::from_word(text)
        .or_else(|| SignatureAlgorithm::from_uri(text))
        .map(Choice::Only)
        .ok_or_else(|| format!("known are auto, {}", known()))
}

impl ProtectionOptions {
    /// Whether something was said.
    pub(super) fn says_something(&self) -> bool {
        self.encrypt.is_some()
            || self.encryption_algorithm.is_some()
            || self.signature_algorithm.is_some()
            || self.plain_logout.is_some()
    }

    /// What was decided, on top of what held before.
    pub(super) fn on_top_of(&self, before: Protection) -> Protection {
        Protection {
            encrypt: self
                .encrypt
                .map_or(before.encrypt, |encrypt| match encrypt {
                    Encrypt::Auto => room::Encrypt::Auto,
                    Encrypt::Always => room::Encrypt::Always,
                    Encrypt::Never => room::Encrypt::Never,
                }),
            data_encryption: self
                .encryption_algorithm
                .map_or(before.data_encryption, Choice::algorithm),
            signature: self
                .signature_algorithm
                .map_or(before.signature, Choice::algorithm),
            plain_logout: self.plain_logout.unwrap_or(before.plain_logout),
        }
    }
}

/// A registration whose answers could not be encrypted or signed as they have to be is refused; one
/// that is served weakly is warned about.
pub(super) fn check_protection(sp: &ServiceProvider, open: &Open) -> Result<(), CliError> {
    let denied = &open.config.denied_algorithms;
    let recipient = encryption::recipient(sp, denied).map_err(|error| {
        refused(
            format!("{}: {error}", sp.name),
            "give it another --encryption-certificate, metadata or --encryption-algorithm, \
             or --encrypt never",
        )
    })?;
    let weak = recipient.map(|recipient| recipient.data_encryption());
    if let Some(weak) = weak.filter(|data| data.is_malleable()) {
        note(&format!(
            "{} is weak: it can be altered unseen, and only the signature of the Response protects \
             it; ask the owners of {} for AES-GCM",
            weak.word(),
            sp.name
        ));
    }
    // At a key that does not open nothing is signed anyway; `check` says so.
    let Some(key) = open.signing_keys.of(sp) else {
        return Ok(());
    };
    key.towards(sp, denied).map_err(|error| {
        refused(
            format!("{}: {error}", sp.name),
            "ask its owners for metadata that takes rsa-sha256, or name another \
             --signature-algorithm",
        )
    })?;
    Ok(())
}
