//! The bare signature: what OpenSSL takes for the private-key operation and nothing else.

use std::io::Result;
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::md::Md;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::sha::sha256;

use super::process::own_cpu_time;

/// How many signatures make one measurement.
const SIGNATURES: u32 = 250;

/// A key of the kind that the server signs with.
pub(crate) struct BareKey {
    key: PKey<Private>,
    bits: u32,
    signed: u32,
}

impl BareKey {
    /// A fresh RSA key of so many bits.
    pub(crate) fn rsa(bits: u32) -> Result<Self> {
        let key = Rsa::generate(bits).and_then(PKey::from_rsa)?;
        Ok(Self {
            key,
            bits,
            signed: 0,
        })
    }

    pub(crate) fn bits(&self) -> u32 {
        self.bits
    }

    /// The CPU time of one RSASSA-PKCS1-v1_5 signature over a SHA-256 digest.
    pub(crate) fn cpu_time(&mut self) -> Result<Duration> {
        let before = own_cpu_time()?;
        for _ in 0..SIGNATURES {
            self.sign()?;
        }
        Ok(own_cpu_time()?.saturating_sub(before) / SIGNATURES)
    }

    fn sign(&mut self) -> std::result::Result<(), ErrorStack> {
        self.signed += 1;
        let digest = sha256(&self.signed.to_be_bytes());
        let mut context = PkeyCtx::new(&self.key)?;
        context.sign_init()?;
        context.set_rsa_padding(Padding::PKCS1)?;
        context.set_signature_md(Md::sha256())?;
        let mut signature = [0; 1024];
        context.sign(&digest, Some(&mut signature)).map(drop)
    }
}
