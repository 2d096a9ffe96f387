//! Passwords: argon2id on a bounded pool, at the same cost whoever asks (decision 15).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::gate::Gate;
use super::hasher::Hasher;
use crate::clock::{NoRandomness, random};

/// The fewest characters of a password.
pub const LEAST_CHARACTERS: usize = 8;

/// The most bytes of a password.
pub const MOST_BYTES: usize = 1024;

/// How many may wait for each one that is being hashed.
const QUEUE_PER_WORKER: usize = 32;

/// The cost of one hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

/// Why a password was neither hashed nor checked.
#[derive(Debug, Error)]
pub enum PasswordError {
    /// Fewer than [`LEAST_CHARACTERS`].
    #[error("a password has at least {LEAST_CHARACTERS} characters")]
    TooShort,
    /// More than [`MOST_BYTES`]: refused before any work.
    #[error("a password has at most {MOST_BYTES} bytes")]
    TooLong,
    /// As many passwords wait as may.
    #[error("too many passwords are being checked; try again in {} s", retry_after.as_secs())]
    Busy {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The configured cost is none that argon2 takes.
    #[error("argon2 does not take this cost: {0}")]
    Cost(argon2::Error),
    /// Hashing itself failed.
    #[error("hashing failed: {0}")]
    Hash(argon2::password_hash::Error),
    /// No salt could be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The worker was stopped: the process is ending.
    #[error("the process is ending")]
    Stopped,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Whether the password is right.
    pub ok: bool,
    /// The same password hashed at today's cost, where it was stored at another one or hashed by
    /// another system.
    pub rehash: Option<String>,
}

/// Hashes and checks passwords. Clones share one queue.
#[derive(Debug, Clone)]
pub struct Passwords {
    hasher: Arc<Hasher>,
    gate: Gate,
    workers: usize,
    last_cost: Arc<AtomicU64>,
}

impl Passwords {
    /// Hashes at this cost, as many at once as half the processors.
    pub fn new(cost: Cost) -> Result<Self, PasswordError> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = (processors / 2).max(1);
        Ok(Self {
            hasher: Arc::new(Hasher::new(cost)?),
            gate: Gate::new(workers, workers * QUEUE_PER_WORKER),
            workers,
            last_cost: Arc::new(AtomicU64::new(50)),
        })
    }

    /// Hashes a new password, if it keeps the policy.
    pub async fn hash(&self, password: &str, source: &str) -> Result<String, PasswordError> {
        check_policy(password)?;
        let password = password.to_owned();
        self.work(source, move |hasher| hasher.hash(&password))
            .await
    }

    /// Checks a password against the stored hash. `None` stands for somebody who is unknown,
    /// disabled or throttled: the same work, and never right.
    pub async fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
        source: &str,
    ) -> Result<Verified, PasswordError> {
        if password.len() > MOST_BYTES {
            return Err(PasswordError::TooLong);
        }
        let (password, stored) = (password.to_owned(), stored.map(str::to_owned));
        self.work(source, move |hasher| {
            hasher.verify(&password, stored.as_deref())
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        source: &str,
        job: impl FnOnce(&Hasher) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let pass = self.gate.enter(source).await.map_err(|_| self.busy())?;
        let (hasher, last_cost) = (self.hasher.clone(), self.last_cost.clone());
        let done = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let result = job(&hasher);
            let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            last_cost.store(took.max(1), Ordering::Relaxed);
            // The place is given back by the worker, not by a caller that may have gone away.
            drop(pass);
            result
        });
        done.await.map_err(|_| PasswordError::Stopped)?
    }

    /// How many wait for their turn.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.gate.waiting()
    }

    /// How long the queue will take, in whole seconds.
    fn busy(&self) -> PasswordError {
        let waiting = u64::try_from(self.gate.waiting() / self.workers).unwrap_or(u64::MAX);
        let millis = waiting.saturating_mul(self.last_cost.load(Ordering::Relaxed));
        let seconds = millis.div_ceil(1000).clamp(1, 60);
        PasswordError::Busy {
            retry_after: Duration::from_secs(seconds),
        }
    }
}

/// Whether a new password may be chosen: long enough, and not so long that it is an attack.
pub fn check_policy(password: &str) -> Result<(), PasswordError> {
    if password.len() > MOST_BYTES {
        Err(PasswordError::TooLong)
    } else if password.chars().count() < LEAST_CHARACTERS {
        Err(PasswordError::TooShort)
    } else {
        Ok(())
    }
}

/// A fresh password of 80 random bits in four groups that can be read out and typed: no character
/// that looks like another.
pub fn generate_password() -> Result<String, NoRandomness> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut password = String::with_capacity(19);
    for (position, byte) in random::<16>()?.into_iter().enumerate() {
        if position > 0 && position % 4 == 0 {
            password.push('-');
        }
        // 32 letters divide 256 evenly, so that none is more frequent.
        let letter = LETTERS.get(usize::from(byte % 32)).copied();
        password.push(letter.map_or('a', char::from));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost {
        memory_kib: 64,
        iterations: 1,
        parallelism: 1,
    };

    #[tokio::test]
    async fn the_right_password_fits_and_no_other() {
        let passwords = Passwords::new(CHEAP).unwrap();
        let hash = passwords.hash("correct horse", "a").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        let right = passwords
            .verify("correct horse", Some(&hash), "a")
            .await
            .unwrap();
        assert_eq!(
            right,
            Verified {
                ok: true,
                rehash: None
            }
        );
        for wrong in ["correct horsf", "", "correct horse "] {
            let found = passwords.verify(wrong, Some(&hash), "a").await.unwrap();
            assert_eq!(
                found,
                Verified {
                    ok: false,
                    rehash: None
                }
            );
        }
    }

    #[tokio::test]
    async fn whoever_has_no_hash_has_no_right_password_either() {
        let passwords = Passwords::new(CHEAP).unwrap();
        let half = "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ";
        let foreign = "$scrypt$ln=15,r=8,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA";
        for stored in [None, Some("no hash"), Some(""), Some(half), Some(foreign)] {
            let found = passwords
                .verify("correct horse", stored, "a")
                .await
                .unwrap();
            assert!(!found.ok, "{stored:?}");
        }
    }

    #[tokio::test]
    async fn a_stored_hash_asks_for_terabytes_or_years_in_vain() {
        let passwords = Passwords::new(CHEAP).unwrap();
        for cost in [
            "m=4294967295,t=1,p=1",
            "m=64,t=4294967295,p=1",
            "m=1048576,t=5,p=1",
        ] {
            let tail = "A".repeat(43);
            let stored = format!("$argon2id$v=19${cost}$c29tZXNhbHRzb21lc2FsdA${tail}");
            let begun = Instant::now();
            let found = passwords.verify("correct horse", Some(&stored), "a").await;
            assert!(!found.unwrap().ok, "{cost}");
            assert!(begun.elapsed() < Duration::from_secs(2), "{cost}");
        }
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_renewed_at_the_right_password_only() {
        let old = Passwords::new(CHEAP).unwrap();
        let hash = old.hash("correct horse", "a").await.unwrap();
        let cost = Cost {
            iterations: 2,
            ..CHEAP
        };
        let new = Passwords::new(cost).unwrap();
        let renewed = new
            .verify("correct horse", Some(&hash), "a")
            .await
            .unwrap()
            .rehash
            .unwrap();
        assert!(renewed.contains("t=2"));
        let again = new
            .verify("correct horse", Some(&renewed), "a")
            .await
            .unwrap();
        assert_eq!(
            again,
            Verified {
                ok: true,
                rehash: None
            }
        );
        let wrong = new.verify("wrong horse", Some(&hash), "a").await.unwrap();
        assert_eq!(
            wrong,
            Verified {
                ok: false,
                rehash: None
            }
        );
    }

    #[tokio::test]
    async fn a_hash_of_another_system_is_replaced_at_the_right_password_only() {
        let passwords = Passwords::new(CHEAP).unwrap();
        // The SHA-256 of WSO2's user store, of "admin".
        let theirs = "$wso2$sha256$jGl25bVBBBW96Qi9Te4V37Fnqchz/Eu4qB9vKrRIqRg=";
        let wrong = passwords.verify("nimda", Some(theirs), "a").await.unwrap();
        assert_eq!((wrong.ok, wrong.rehash), (false, None));
        let right = passwords.verify("admin", Some(theirs), "a").await.unwrap();
        let ours = right.rehash.unwrap();
        assert!(ours.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{ours}");
        let again = passwords.verify("admin", Some(&ours), "a").await.unwrap();
        assert_eq!((again.ok, again.rehash), (true, None));
    }

    #[tokio::test]
    async fn lengths_outside_the_policy_are_refused_before_any_work() {
        let passwords = Passwords::new(CHEAP).unwrap();
        let long = "x".repeat(1025);
        assert!(matches!(
            passwords.hash("sieben7", "a").await,
            Err(PasswordError::TooShort)
        ));
        assert!(matches!(
            passwords.hash(&long, "a").await,
            Err(PasswordError::TooLong)
        ));
        assert!(matches!(
            passwords.verify(&long, None, "a").await,
            Err(PasswordError::TooLong)
        ));
        assert!(passwords.hash("åäöåäöåä", "a").await.is_ok());
    }

    #[tokio::test]
    async fn a_flood_is_told_when_to_come_back() {
        let passwords = Passwords::new(CHEAP).unwrap();
        let mut busy = 0;
        let mut set = tokio::task::JoinSet::new();
        for _ in 0..1000 {
            let passwords = passwords.clone();
            set.spawn(async move { passwords.verify("correct horse", None, "flood").await });
        }
        while let Some(done) = set.join_next().await {
            if let Err(PasswordError::Busy { retry_after }) = done.unwrap() {
                assert!(retry_after >= Duration::from_secs(1));
                busy += 1;
            }
        }
        assert!(busy > 0);
    }

    #[test]
    fn generated_passwords_are_readable_and_differ() {
        let one = generate_password().unwrap();
        assert_eq!(one.len(), 19);
        assert!(
            one.chars()
                .all(|c| c == '-' || (c.is_ascii_alphanumeric() && !"lo01".contains(c)))
        );
        assert_ne!(one, generate_password().unwrap());
    }
}
