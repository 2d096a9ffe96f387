//! A file that only its key opens, and that opens as a whole or not at all: whatever was cut off,
//! altered, moved or put in from another file shows.
//!
//! The text goes in chunks, each sealed by AES-256-GCM under a key of this file alone, with its
//! number and whether it is the last one in the nonce, and the hash of the file's head as the
//! additional data (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015). The
//! head stands in front in plain: it says how to come by the key.

use std::io::{self, BufRead, Read, Write};

use argon2::{Algorithm, Argon2, Params, Version};
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use serde::{Deserialize, Serialize};

use crate::clock::random;
use crate::storage::hex;

use super::seal::Key;
use super::{Keystore, KeystoreError};

/// The first line of the file.
const MAGIC: &str = "doorward backup 1\n";

/// Text in one chunk.
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

/// A head is one short line.
const LONGEST_HEAD: u64 = 4096;

/// What deriving the key from a passphrase costs: whoever has the file can try as fast as this.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;

/// The most that a head may ask for, before anybody knows who wrote it.
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 8;

/// How the key of a file is come by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "key", rename_all = "kebab-case", deny_unknown_fields)]
enum Head {
    /// From a master key of the installation that the file came from.
    MasterKey { id: String, salt: String },
    /// From a passphrase, by argon2id.
    Passphrase {
        memory_kib: u32,
        passes: u32,
        salt: String,
    },
}

/// What a file is sealed with.
#[derive(Clone, Copy)]
pub enum Lock<'k> {
    /// The newest master key of a ring.
    MasterKey(&'k Keystore),
    /// A passphrase.
    Passphrase(&'k str),
}

/// A file that is being written.
pub struct SealedWriter<W: Write> {
    inner: W,
    key: Key,
    head: [u8; 32],
    number: u32,
    text: Vec<u8>,
}

/// A file that is being read.
pub struct SealedReader<R: Read> {
    inner: R,
    key: Key,
    head: [u8; 32],
    number: u32,
    /// One chunk ahead: whether a chunk is the last one is known by what follows.
    ahead: Vec<u8>,
    text: Vec<u8>,
    read: usize,
    is_over: bool,
}

impl<W: Write> SealedWriter<W> {
    /// Writes the head.
    pub fn new(mut inner: W, lock: Lock<'_>) -> Result<Self, KeystoreError> {
        let salt = hex::encode(&random::<16>()?);
        let head = match lock {
            Lock::MasterKey(ring) => Head::MasterKey {
                id: ring.newest()?.id.clone(),
                salt,
            },
            Lock::Passphrase(_) => Head::Passphrase {
                memory_kib: MEMORY_KIB,
                passes: PASSES,
                salt,
            },
        };
        let key = head.key(lock)?;
        let line = serde_json::to_string(&head).map_err(io::Error::from)?;
        let text = format!("{MAGIC}{line}\n");
        inner.write_all(text.as_bytes())?;
        Ok(Self {
            inner,
            key,
            head: openssl::sha::sha256(text.as_bytes()),
            number: 0,
            text: Vec::with_capacity(CHUNK),
        })
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        let nonce = nonce(self.number, is_last);
        let mut tag = [0; TAG];
        let cipher = Cipher::aes_256_gcm();
        let sealed = encrypt_aead(
            cipher,
            &self.key.0,
            Some(&nonce),
            &self.head,
            &self.text,
            &mut tag,
        )?;
        self.inner.write_all(&sealed)?;
        self.inner.write_all(&tag)?;
        self.text.clear();
        let next = self.number.checked_add(1);
        self.number = next.ok_or_else(|| io::Error::other("the file is too long"))?;
        Ok(())
    }

    /// Writes the last chunk. Without it the file is cut off.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        self.inner.flush()?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for SealedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk is sealed when more comes, so that there is always one left for the end.
        if self.text.len() == CHUNK {
            self.seal(false)?;
        }
        let room = CHUNK.saturating_sub(self.text.len()).min(bytes.len());
        self.text.extend(bytes.iter().take(room));
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        // What is not a whole chunk stays here until the file is finished.
        self.inner.flush()
    }
}

impl<R: BufRead> SealedReader<R> {
    /// Reads the head.
    pub fn new(mut inner: R, lock: Lock<'_>) -> Result<Self, KeystoreError> {
        let mut text = String::new();
        let mut limited = inner.by_ref().take(LONGEST_HEAD);
        let read = limited
            .read_line(&mut text)
            .and_then(|_| limited.read_line(&mut text));
        let line = text.strip_prefix(MAGIC).filter(|_| read.is_ok());
        let line = line.ok_or(KeystoreError::NoBackup)?;
        let head: Head = serde_json::from_str(line).map_err(|_| KeystoreError::NoBackup)?;
        let key = head.key(lock)?;
        let mut reader = Self {
            inner,
            key,
            head: openssl::sha::sha256(text.as_bytes()),
            number: 0,
            ahead: Vec::new(),
            text: Vec::new(),
            read: 0,
            is_over: false,
        };
        reader.ahead = reader.sealed_chunk()?;
        Ok(reader)
    }
}

impl<R: Read> SealedReader<R> {
    fn sealed_chunk(&mut self) -> io::Result<Vec<u8>> {
        let mut chunk = Vec::with_capacity(CHUNK + TAG);
        let most = (CHUNK + TAG) as u64;
        self.inner.by_ref().take(most).read_to_end(&mut chunk)?;
        Ok(chunk)
    }

    fn open(&mut self) -> io::Result<()> {
        let next = self.sealed_chunk()?;
        let sealed = std::mem::replace(&mut self.ahead, next);
        let is_last = self.ahead.is_empty();
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, DAMAGED);
        let length = sealed.len().checked_sub(TAG).ok_or_else(damaged)?;
        let (text, tag) = sealed.split_at_checked(length).ok_or_else(damaged)?;
        let nonce = nonce(self.number, is_last);
        let cipher = Cipher::aes_256_gcm();
        self.text = decrypt_aead(cipher, &self.key.0, Some(&nonce), &self.head, text, tag)
            .map_err(|_| damaged())?;
        self.read = 0;
        self.number = self.number.checked_add(1).ok_or_else(damaged)?;
        self.is_over = is_last;
        Ok(())
    }
}

/// What is said of a file that does not open.
const DAMAGED: &str = "it was cut off or altered, or the passphrase is another one";

impl<R: Read> Read for SealedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.text.len() {
            if self.is_over {
                return Ok(0);
            }
            self.open()?;
        }
        let left = self.text.get(self.read..).unwrap_or_default();
        let mut left = left;
        let read = left.read(buffer)?;
        self.read += read;
        Ok(read)
    }
}

/// Seven bytes of nothing, the number of the chunk, and whether it is the last one.
fn nonce(number: u32, is_last: bool) -> [u8; 12] {
    let [a, b, c, d] = number.to_be_bytes();
    [0, 0, 0, 0, 0, 0, 0, a, b, c, d, u8::from(is_last)]
}

impl Head {
    fn key(&self, lock: Lock<'_>) -> Result<Key, KeystoreError> {
        match (self, lock) {
            (Self::MasterKey { id, salt }, Lock::MasterKey(ring)) => {
                let master = ring.by_id(id).map_err(|_| KeystoreError::NoBackupKey {
                    wanted: id.clone(),
                    folder: ring.folder().to_owned(),
                })?;
                Ok(master.key.derive(&format!("backup {salt}"))?)
            }
            (
                Self::Passphrase {
                    memory_kib,
                    passes,
                    salt,
                },
                Lock::Passphrase(passphrase),
            ) => stretched(passphrase, *memory_kib, *passes, salt),
            (Self::MasterKey { .. }, Lock::Passphrase(_)) => Err(KeystoreError::NoPassphrase),
            (Self::Passphrase { .. }, Lock::MasterKey(_)) => Err(KeystoreError::WantsPassphrase),
        }
    }
}

fn stretched(
    passphrase: &str,
    memory_kib: u32,
    passes: u32,
    salt: &str,
) -> Result<Key, KeystoreError> {
    let is_bounded = memory_kib <= MOST_MEMORY_KIB && passes <= MOST_PASSES;
    let params = Params::new(memory_kib, passes, 1, Some(32)).ok();
    let params = params
        .filter(|_| is_bounded)
        .ok_or(KeystoreError::NoBackup)?;
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt.as_bytes(), &mut key)
        .map_err(|_| KeystoreError::NoBackup)?;
    Ok(Key(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> (tempfile::TempDir, Keystore) {
        let folder = tempfile::tempdir().unwrap();
        let ring = Keystore::open(folder.path()).unwrap().with_a_key().unwrap();
        (folder, ring)
    }

    fn sealed(lock: Lock<'_>, text: &[u8]) -> Vec<u8> {
        let mut writer = SealedWriter::new(Vec::new(), lock).unwrap();
        writer.write_all(text).unwrap();
        writer.finish().unwrap()
    }

    fn opened(lock: Lock<'_>, file: &[u8]) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        let mut reader = SealedReader::new(file, lock).ok()?;
        reader.read_to_end(&mut text).ok()?;
        Some(text)
    }

    #[test]
    fn a_file_opens_as_it_was_written_whatever_its_length() {
        let (_folder, ring) = ring();
        let lock = Lock::MasterKey(&ring);
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let text = vec![7; length];
            assert_eq!(opened(lock, &sealed(lock, &text)), Some(text), "{length}");
        }
    }

    #[test]
    fn a_file_that_was_cut_off_altered_or_lengthened_does_not_open() {
        let (_folder, ring) = ring();
        let lock = Lock::MasterKey(&ring);
        let text: Vec<u8> = (0..3 * CHUNK).map(|place| place.to_le_bytes()[0]).collect();
        let file = sealed(lock, &text);
        let head = file.len() - 3 * (CHUNK + TAG);
        let ends = [
            head,
            head + CHUNK + TAG,
            head + 2 * (CHUNK + TAG),
            file.len() - 1,
        ];
        for end in ends.into_iter().chain(0..head) {
            assert_eq!(opened(lock, &file[..end]), None, "cut at {end}");
        }
        for place in [0, 20, head - 2, head, head + CHUNK, file.len() - 1] {
            let mut altered = file.clone();
            altered[place] ^= 1;
            assert_eq!(opened(lock, &altered), None, "altered at {place}");
        }
        let longer = [file.as_slice(), &[0]].concat();
        assert_eq!(opened(lock, &longer), None);
        let mut moved = file.clone();
        moved[head..].rotate_left(CHUNK + TAG);
        assert_eq!(opened(lock, &moved), None, "chunks in another order");
    }

    #[test]
    fn a_passphrase_opens_its_file_and_another_does_not() {
        let (_folder, ring) = ring();
        let file = sealed(Lock::Passphrase("correct horse"), b"text");
        let right = opened(Lock::Passphrase("correct horse"), &file);
        assert_eq!(right.as_deref(), Some(&b"text"[..]));
        assert_eq!(opened(Lock::Passphrase("correct horsf"), &file), None);
        let wants = SealedReader::new(file.as_slice(), Lock::MasterKey(&ring)).err();
        assert!(matches!(wants, Some(KeystoreError::WantsPassphrase)));
        let other = sealed(Lock::MasterKey(&ring), b"text");
        let wants = SealedReader::new(other.as_slice(), Lock::Passphrase("x")).err();
        assert!(matches!(wants, Some(KeystoreError::NoPassphrase)));
    }
}
