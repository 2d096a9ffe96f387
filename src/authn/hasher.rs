//! One password hashed or checked, in the thread: argon2id, and what other systems have made.

use argon2::Params;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use super::argon::Argon;
use super::foreign::Foreign;
use super::password::{Cost, PasswordError, Verified};
use crate::clock::random;

/// The most memory in KiB that a stored hash may ask for, unless we are configured for more.
const MOST_MEMORY_KIB: u32 = 512 * 1024;

/// The most memory times passes likewise: some seconds.
const MOST_WORK: u64 = 4 * 1024 * 1024;

/// Hashes at one cost, and checks at the cost that a stored hash names.
#[derive(Debug)]
pub(super) struct Hasher {
    argon: Argon,
    /// Stands in for the hash of somebody who has none; no password fits it.
    dummy: String,
}

impl Hasher {
    /// Hashes at this cost.
    pub(super) fn new(cost: Cost) -> Result<Self, PasswordError> {
        let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None)
            .map_err(PasswordError::Cost)?;
        let dummy = format!(
            "$argon2id$v=19$m={},t={},p={}${}${}",
            cost.memory_kib,
            cost.iterations,
            cost.parallelism,
            "A".repeat(22),
            "A".repeat(43)
        );
        Ok(Self {
            argon: Argon::id(params),
            dummy,
        })
    }

    /// Hashes a password.
    pub(super) fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let salt = random::<16>()?;
        let hash: PasswordHash = self
            .argon
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map_err(PasswordError::Hash)?;
        Ok(hash.to_string())
    }

    /// Checks a password against a stored hash; without one, the same work.
    pub(super) fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Verified, PasswordError> {
        if let Some(Ok(foreign)) = stored.map(Foreign::read) {
            return self.verify_foreign(password, &foreign);
        }
        let known = stored.and_then(|stored| {
            let parsed = PasswordHash::new(stored).ok();
            let usable = parsed.filter(|hash| self.is_affordable(hash));
            let fits = usable.as_ref().and_then(|hash| self.fits(password, hash));
            if fits.is_none() {
                tracing::error!("a stored password hash cannot be used; set a new password");
            }
            usable.zip(fits)
        });
        let Some((hash, ok)) = known else {
            // The same work for whoever has none.
            let dummy = PasswordHash::new(&self.dummy);
            let dummy = dummy.map_err(|error| PasswordError::Hash(error.into()))?;
            match self.argon.verify_password(password.as_bytes(), &dummy) {
                Ok(()) | Err(argon2::password_hash::Error::PasswordInvalid) => {}
                Err(error) => return Err(PasswordError::Hash(error)),
            }
            return Ok(Verified {
                ok: false,
                rehash: None,
            });
        };
        let rehash = if ok && !self.is_current(&hash) {
            Some(self.hash(password)?)
        } else {
            None
        };
        Ok(Verified { ok, rehash })
    }

    /// Checks a hash that another system made, beside the run of argon2id that everybody costs. The
    /// right password is hashed anew, and the other system's hash is gone.
    fn verify_foreign(&self, password: &str, foreign: &Foreign) -> Result<Verified, PasswordError> {
        self.verify(password, None)?;
        let ok = foreign.fits(password).unwrap_or_else(|error| {
            tracing::error!(%error, ?foreign, "OpenSSL cannot check a hash of this kind");
            false
        });
        let rehash = ok.then(|| self.hash(password)).transpose()?;
        Ok(Verified { ok, rehash })
    }

    /// Whether it is this password's hash; `None` for what is no hash that argon2 could have made.
    fn fits(&self, password: &str, hash: &PasswordHash) -> Option<bool> {
        match self.argon.verify_password(password.as_bytes(), hash) {
            Ok(()) => Some(true),
            Err(argon2::password_hash::Error::PasswordInvalid) => Some(false),
            Err(_) => None,
        }
    }

    /// Whether a stored hash may be checked: a hash from elsewhere names its own cost, up to
    /// terabytes and years.
    fn is_affordable(&self, hash: &PasswordHash) -> bool {
        let today = self.argon.params();
        let is_whole = hash.salt.is_some() && hash.hash.is_some();
        let work = |params: &Params| u64::from(params.m_cost()) * u64::from(params.t_cost());
        is_whole
            && Params::try_from(hash).is_ok_and(|params| {
                params.m_cost() <= MOST_MEMORY_KIB.max(today.m_cost())
                    && work(&params) <= MOST_WORK.max(work(today))
            })
    }

    fn is_current(&self, hash: &PasswordHash) -> bool {
        let today = self.argon.params();
        let same_cost = Params::try_from(hash).is_ok_and(|params| {
            params.m_cost() == today.m_cost()
                && params.t_cost() == today.t_cost()
                && params.p_cost() == today.p_cost()
        });
        same_cost && hash.algorithm.as_str() == "argon2id"
    }
}
