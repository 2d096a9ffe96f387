//! `key import`: a key and its certificate from outside, staged like one of our own making.

use std::io::{self, BufRead, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{Id, PKey, Private};
use openssl::x509::X509;

use super::super::context::{Context, Open};
use super::super::error::{CliError, refused, usage};
use super::super::output::note;
use super::rollover::stage;
use super::{Use, short};
use crate::directory::audit::AuditKind;
use crate::directory::signing_key::{KeyState, KeyUse};
use crate::keystore::signing_keys::seal;
use crate::saml::certificate::Certificate;
use crate::saml::encryption::DecryptionKey;
use crate::saml::signature::{KeyError, SigningKey};
use crate::storage::StoredKey;

/// The arguments of `key import`.
#[derive(Debug, Args)]
pub(in super::super) struct Import {
    /// The certificate, PEM or DER; of several the one that belongs to the key is taken
    #[arg(
        long,
        value_name = "FILE",
        requires = "key",
        required_unless_present = "pkcs12"
    )]
    cert: Option<PathBuf>,
    /// The private key, PEM or DER
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Both in one PKCS #12 file (.p12, .pfx)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cert", "key"])]
    pkcs12: Option<PathBuf>,
    /// The passphrase of the private key comes as one line on stdin
    #[arg(long)]
    passphrase_stdin: bool,
    /// What it is for
    #[arg(long = "use", value_enum, default_value = "signing")]
    key_use: Use,
}

/// A private key and its certificate, as they were found.
struct Pair {
    key: PKey<Private>,
    certificate: Vec<u8>,
}

/// Larger than any key file with a chain of certificates.
const LARGEST: u64 = 1024 * 1024;
/// A longer RSA key takes too long to sign with.
const MOST_RSA_BITS: u32 = 8192;

impl Import {
    pub(super) async fn run(
        self,
        context: &Context,
        open: &Open,
        keys: &[StoredKey],
    ) -> Result<ExitCode, CliError> {
        let passphrase = self.passphrase()?;
        let Pair { key, certificate } = self.pair(passphrase.as_deref())?;
        let algorithm = algorithm(&key)?;
        let pkcs8 = key.private_key_to_pkcs8().map_err(|error| odd(&error))?;
        // Refused here is what would be refused when it is to sign.
        let key_use = self.key_use.of_key();
        try_out(key_use, &pkcs8, &certificate).map_err(|why| {
            refused(
                why,
                "import another key, or `doorward key rotate` makes one",
            )
        })?;
        if let Some(same) = keys.iter().find(|key| key.certificate == certificate) {
            return Err(refused(
                format!("that certificate is key {} already", short(keys, &same.id)),
                "`doorward key list` shows its state",
            ));
        }
        let Some(says) = Certificate::read(&certificate) else {
            return Err(refused(
                "the certificate has no dates",
                "import another one",
            ));
        };
        let now = open.clock.now();
        let times = (now, says.not_after);
        let row = seal(
            &algorithm,
            (key_use, KeyState::Next),
            &pkcs8,
            certificate,
            times,
            &open.secrets,
        )?;
        let done = stage(context, open, keys, &row, AuditKind::KeyImported).await?;
        self.remarks(&says, now);
        Ok(done)
    }

    fn passphrase(&self) -> Result<Option<String>, CliError> {
        if !self.passphrase_stdin {
            return Ok(None);
        }
        let mut line = Vec::new();
        let mut input = io::stdin().lock().take(4096);
        input.read_until(b'\n', &mut line)?;
        let text = String::from_utf8(line).unwrap_or_else(|error| {
            // Older tools take the passphrase as Latin-1.
            error.into_bytes().into_iter().map(char::from).collect()
        });
        let text = text.trim_end_matches(['\r', '\n']);
        if text.contains('\0') {
            return Err(refused(
                "the passphrase has a NUL in it",
                "send one line of text on stdin",
            ));
        }
        Ok(Some(text.to_owned()))
    }

    fn pair(&self, passphrase: Option<&str>) -> Result<Pair, CliError> {
        if let Some(file) = &self.pkcs12 {
            return out_of_pkcs12(file, passphrase.unwrap_or_default());
        }
        let (Some(cert), Some(key)) = (&self.cert, &self.key) else {
            return Err(usage(
                "no key is named",
                "write --cert FILE --key FILE, or --pkcs12 FILE",
            ));
        };
        let certificates = certificates(cert)?;
        let key = private_key(key, passphrase)?;
        let belongs = |certificate: &&X509| {
            let theirs = certificate.public_key();
            theirs.is_ok_and(|theirs| theirs.public_eq(&key))
        };
        let certificate = certificates.iter().find(belongs).ok_or_else(|| {
            refused(
                format!("no certificate in {} belongs to the key", cert.display()),
                "name the certificate that was made for this key",
            )
        })?;
        let certificate = certificate.to_der().map_err(|error| odd(&error))?;
        Ok(Pair { key, certificate })
    }

    /// What does not forbid the import, but should be known.
    fn remarks(&self, says: &Certificate, now: crate::directory::time::UnixTime) {
        if says.not_after <= now {
            note("the certificate has ended; many service providers do not mind, some refuse it");
        } else if says.not_before > now {
            note("the certificate does not hold yet; some service providers refuse it until then");
        }
        if says.has_weak_signature {
            note("the certificate was signed with SHA-1 or MD5; some service providers refuse it");
        }
        for file in [&self.key, &self.pkcs12].into_iter().flatten() {
            let mode = std::fs::metadata(file).map(|file| file.permissions().mode());
            if mode.is_ok_and(|mode| mode & 0o077 != 0) {
                note(&format!(
                    "others can read {}, which holds the private key: remove it, or chmod 600 it",
                    file.display()
                ));
            }
        }
    }
}

/// Does with it what it is for.
fn try_out(key_use: KeyUse, pkcs8: &[u8], certificate: &[u8]) -> Result<(), String> {
    match key_use {
        KeyUse::Signing => {
            let key = SigningKey::from_der(pkcs8, certificate);
            let signed = key.map_err(|error| error.to_string())?;
            let signed = signed.sign_octets(b"may it be used?");
            signed.map(drop).map_err(|error| error.to_string())
        }
        KeyUse::Encryption => match DecryptionKey::from_der(pkcs8, certificate) {
            Ok(_) => Ok(()),
            Err(KeyError::Type) => Err("nobody encrypts to a key that is not RSA".to_owned()),
            Err(error) => Err(error.to_string()),
        },
    }
}

fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    let told = |error: io::Error| {
        refused(
            format!("{}: {error}", file.display()),
            "name a file that can be read",
        )
    };
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(told)?;
    let length = opened
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(told)?;
    if u64::try_from(length).is_ok_and(|length| length > LARGEST) {
        return Err(refused(
            format!("{} has more than 1 MiB", file.display()),
            "name the file with the key or the certificate",
        ));
    }
    Ok(bytes)
}

fn is_pem(bytes: &[u8]) -> bool {
    bytes.windows(10).any(|part| part == b"-----BEGIN")
}

fn certificates(file: &Path) -> Result<Vec<X509>, CliError> {
    let bytes = read(file)?;
    let found = if is_pem(&bytes) {
        X509::stack_from_pem(&bytes)
    } else {
        X509::from_der(&bytes).map(|one| vec![one])
    };
    found.map_err(|_| {
        refused(
            format!("{}: there is no certificate in it", file.display()),
            "name a file with an X.509 certificate, PEM or DER",
        )
    })
}

fn private_key(file: &Path, passphrase: Option<&str>) -> Result<PKey<Private>, CliError> {
    let bytes = read(file)?;
    let key = match passphrase {
        Some(phrase) if is_pem(&bytes) => {
            PKey::private_key_from_pem_passphrase(&bytes, phrase.as_bytes())
        }
        Some(phrase) => PKey::private_key_from_pkcs8_passphrase(&bytes, phrase.as_bytes()),
        // OpenSSL would ask on the terminal for a passphrase that it lacks.
        None if is_pem(&bytes) => PKey::private_key_from_pem_callback(&bytes, |_| Ok(0)),
        None => PKey::private_key_from_der(&bytes),
    };
    key.map_err(|_| {
        let fix = match passphrase {
            Some(_) => "try the passphrase with `openssl pkey -in FILE`",
            None => "name a private key in PEM or DER; --passphrase-stdin opens an encrypted one",
        };
        refused(
            format!("{}: no key can be read from it", file.display()),
            fix,
        )
    })
}

fn out_of_pkcs12(file: &Path, passphrase: &str) -> Result<Pair, CliError> {
    let told = |what: &str, fix: &str| refused(format!("{}: {what}", file.display()), fix);
    let parsed = Pkcs12::from_der(&read(file)?)
        .map_err(|_| told("this is no PKCS #12 file", "name a .p12 or .pfx file"))?;
    let parsed = parsed.parse2(passphrase).map_err(|_| {
        told(
            "it does not open with that passphrase, or its encryption is too old for OpenSSL",
            "try `openssl pkcs12 -legacy -in FILE -nodes`, and import what it writes as PEM",
        )
    })?;
    let (Some(key), Some(certificate)) = (parsed.pkey, parsed.cert) else {
        return Err(told(
            "a private key with its certificate is not in it",
            "export both from where they come from",
        ));
    };
    let certificate = certificate.to_der().map_err(|error| odd(&error))?;
    Ok(Pair { key, certificate })
}

/// The word for a kind of key; what we do not sign with is refused.
fn algorithm(key: &PKey<Private>) -> Result<String, CliError> {
    let fix = "import an RSA key of 2048 bits or more, or an EC key on P-256 or P-384";
    match key.id() {
        Id::RSA => match key.bits() {
            bits if bits < 2048 => Err(refused(format!("the RSA key has {bits} bits"), fix)),
            bits if bits > MOST_RSA_BITS => Err(refused(
                format!("the RSA key has {bits} bits, which takes too long at every sign-on"),
                fix,
            )),
            bits => Ok(format!("rsa{bits}")),
        },
        Id::EC => {
            let key = key.ec_key().map_err(|error| odd(&error))?;
            match key.group().curve_name() {
                Some(Nid::X9_62_PRIME256V1) => Ok("p256".to_owned()),
                Some(Nid::SECP384R1) => Ok("p384".to_owned()),
                _ => Err(refused("the EC key is on another curve", fix)),
            }
        }
        _ => Err(refused("the key is neither RSA nor EC", fix)),
    }
}

fn odd(error: &ErrorStack) -> CliError {
    refused(format!("OpenSSL: {error}"), "look at its installation")
}
