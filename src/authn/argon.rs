//! argon2 in memory that goes back to the system as soon as the hash is there.
//!
//! The C library keeps a freed block of up to 32 MiB for the thread that had it, in case that it
//! wants as much again. With a pool of threads this would be a block of 19 MiB for each of them,
//! for the rest of the process's life.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{self, CustomizedPasswordHasher, PasswordHasher};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// What is larger is mapped for itself and unmapped when it is freed (mallopt(3),
/// `DEFAULT_MMAP_THRESHOLD_MAX`). What is not touched of it is never there.
const LARGER_THAN_KEPT: usize = 33 << 20;

/// One algorithm at one cost.
#[derive(Debug)]
pub(super) struct Argon {
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

impl Argon {
    /// argon2id at this cost.
    pub(super) fn id(params: Params) -> Self {
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        Self {
            algorithm,
            version,
            params,
        }
    }

    pub(super) fn params(&self) -> &Params {
        &self.params
    }

    fn memory(&self) -> Vec<Block> {
        let blocks = self.params.block_count();
        let mut memory = Vec::with_capacity(blocks.max(LARGER_THAN_KEPT / Block::SIZE));
        memory.resize(blocks, Block::new());
        memory
    }
}

impl PasswordHasher<PasswordHash> for Argon {
    fn hash_password_with_salt(
        &self,
        password: &[u8],
        salt: &[u8],
    ) -> password_hash::Result<PasswordHash> {
        let salt = Salt::new(salt)?;
        let length = self.params.output_len();
        let mut out = vec![0; length.unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        Argon2::new(self.algorithm, self.version, self.params.clone())
            .hash_password_into_with_memory(password, &salt, &mut out, self.memory())?;
        Ok(PasswordHash {
            algorithm: self.algorithm.ident(),
            version: Some(self.version.into()),
            params: ParamsString::try_from(&self.params)?,
            salt: Some(salt),
            hash: Some(Output::new(&out)?),
        })
    }
}

/// Checking a password asks for the cost of its stored hash.
impl CustomizedPasswordHasher<PasswordHash> for Argon {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> password_hash::Result<PasswordHash> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?;
        let version = version.map(Version::try_from).transpose()?;
        let stored = Self {
            algorithm: algorithm.unwrap_or_default(),
            version: version.unwrap_or_default(),
            params,
        };
        stored.hash_password_with_salt(password, salt)
    }
}
