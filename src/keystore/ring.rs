//! The ring of master keys: numbered files that only the service's user can read.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::clock::random_id;
use crate::storage::hex;

use super::KeystoreError;
use super::seal::Key;

/// A master key and the id by which the database names it.
#[derive(Debug, Clone)]
pub(super) struct MasterKey {
    pub(super) id: String,
    pub(super) key: Key,
}

/// A master key on its way to another installation, inside a sealed file.
#[derive(Clone, Serialize, Deserialize)]
pub struct CarriedKey {
    number: u32,
    key: String,
}

impl std::fmt::Debug for CarriedKey {
    /// Never the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CarriedKey({}, ..)", self.number)
    }
}

/// The master keys of this node.
#[derive(Debug, Clone)]
pub struct Keystore {
    folder: PathBuf,
    /// The oldest first; the last one wraps what is new.
    keys: Vec<MasterKey>,
}

impl Keystore {
    /// Opens `keys_dir`; a missing folder is made (0700). The ring may be empty: only a database
    /// without keys of its own gets a first master key.
    pub fn open(folder: &Path) -> Result<Self, KeystoreError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|cause| file_error(folder, cause))?;
        Self::read(folder)
    }

    /// The same ring, with a first key (0600) made if it has none.
    pub(super) fn with_a_key(&self) -> Result<Self, KeystoreError> {
        if self.keys.is_empty() {
            make_key(&self.folder, 1)?;
        }
        Self::read(&self.folder)
    }

    /// The ring as its folder is now.
    pub(super) fn again(&self) -> Result<Self, KeystoreError> {
        Self::read(&self.folder)
    }

    /// Whether a master key is on the ring.
    pub(super) fn holds(&self, id: &str) -> bool {
        self.ids().any(|known| known == id)
    }

    fn read(folder: &Path) -> Result<Self, KeystoreError> {
        let mut keys = Vec::new();
        for (_, path) in numbered(folder)? {
            keys.push(read_key(&path)?);
        }
        Ok(Self {
            folder: folder.to_owned(),
            keys,
        })
    }

    /// The folder of the ring.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The ids of the keys, the oldest first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// The keys of the ring, to be carried to another installation.
    pub fn carried(&self) -> Result<Vec<CarriedKey>, KeystoreError> {
        let files = numbered(&self.folder)?.into_iter();
        files
            .map(|(number, path)| {
                let key = hex::encode(&read_key(&path)?.key.0);
                Ok(CarriedKey { number, key })
            })
            .collect()
    }

    /// Puts keys that were carried here into a folder; another key of the same name is an error.
    pub fn take_over(folder: &Path, keys: &[CarriedKey]) -> Result<(), KeystoreError> {
        Self::open(folder)?;
        for CarriedKey { number, key } in keys {
            let path = folder.join(format!("master-{number}.key"));
            let bytes = hex::decode(key).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let key = bytes.map(Key);
            let key = key.ok_or_else(|| KeystoreError::NotAKey { path: path.clone() })?;
            put_key(folder, *number, &key)?;
            if read_key(&path)?.key != key {
                return Err(KeystoreError::OtherKey { path });
            }
        }
        Ok(())
    }

    pub(super) fn newest(&self) -> Result<&MasterKey, KeystoreError> {
        self.keys.last().ok_or_else(|| {
            let gone = io::Error::new(io::ErrorKind::NotFound, "the master keys are gone");
            file_error(&self.folder, gone)
        })
    }

    pub(super) fn by_id(&self, id: &str) -> Result<&MasterKey, KeystoreError> {
        self.keys
            .iter()
            .find(|key| key.id == id)
            .ok_or_else(|| KeystoreError::NoMasterKey {
                wanted: id.to_owned(),
                folder: self.folder.clone(),
                found: if self.keys.is_empty() {
                    "none".to_owned()
                } else {
                    self.ids().collect::<Vec<_>>().join(", ")
                },
            })
    }
}

fn file_error(path: &Path, cause: io::Error) -> KeystoreError {
    KeystoreError::File {
        path: path.to_owned(),
        cause,
    }
}

/// The key files by their numbers.
fn numbered(folder: &Path) -> Result<Vec<(u32, PathBuf)>, KeystoreError> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(|cause| file_error(folder, cause))?;
    for entry in entries {
        let path = entry.map_err(|cause| file_error(folder, cause))?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix("master-")?.strip_suffix(".key"))
            .and_then(|number| number.parse().ok());
        if let Some(number) = number {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found)
}

fn read_key(path: &Path) -> Result<MasterKey, KeystoreError> {
    let mode = fs::metadata(path)
        .map_err(|cause| file_error(path, cause))?
        .mode();
    if mode & 0o077 != 0 {
        return Err(KeystoreError::ReadableByOthers {
            path: path.to_owned(),
        });
    }
    let text = fs::read_to_string(path).map_err(|cause| file_error(path, cause))?;
    let bytes = hex::decode(text.trim_end()).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let key = bytes.map(Key).ok_or_else(|| KeystoreError::NotAKey {
        path: path.to_owned(),
    })?;
    let fingerprint = key.derive("master key id")?;
    let id = fingerprint.0.first_chunk::<8>().map(|id| hex::encode(id));
    Ok(MasterKey {
        id: id.unwrap_or_default(),
        key,
    })
}

/// Makes a key. Of two processes that start at once one makes it and both use it.
fn make_key(folder: &Path, number: u32) -> Result<(), KeystoreError> {
    put_key(folder, number, &Key::fresh()?)
}

/// Writes a key under another name first, then links it: whoever looks sees a whole key or none. A
/// key that is there stays.
fn put_key(folder: &Path, number: u32, key: &Key) -> Result<(), KeystoreError> {
    let path = folder.join(format!("master-{number}.key"));
    let draft = folder.join(format!(".draft-{}", random_id()?));
    let text = format!("{}\n", hex::encode(&key.0));
    let written = write_private(&draft, &text).and_then(|()| match fs::hard_link(&draft, &path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    let removed = fs::remove_file(&draft);
    written.map_err(|cause| file_error(&path, cause))?;
    removed.map_err(|cause| file_error(&draft, cause))?;
    // The name has to survive a power cut like the key.
    let folder_file = fs::File::open(folder).and_then(|folder| folder.sync_all());
    folder_file.map_err(|cause| file_error(folder, cause))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_first_key_is_made_for_its_owner_alone_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let empty = Keystore::open(&keys).unwrap();
        assert_eq!(fs::read_dir(&keys).unwrap().count(), 0);
        let first = empty.with_a_key().unwrap();
        let again = Keystore::open(&keys).unwrap();
        assert!(first.ids().eq(again.ids()));
        assert_eq!(fs::read_dir(&keys).unwrap().count(), 1);
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&keys), 0o700);
        assert_eq!(mode(&keys.join("master-1.key")), 0o600);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        make_key(folder.path(), 1).unwrap();
        let path = folder.path().join("master-1.key");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Keystore::open(folder.path());
        assert!(matches!(
            refused,
            Err(KeystoreError::ReadableByOthers { .. })
        ));
    }

    #[test]
    fn a_file_that_is_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        write_private(&folder.path().join("master-1.key"), "not hex\n").unwrap();
        let refused = Keystore::open(folder.path());
        assert!(matches!(refused, Err(KeystoreError::NotAKey { .. })));
    }

    #[test]
    fn the_highest_number_wraps_what_is_new() {
        let folder = tempfile::tempdir().unwrap();
        make_key(folder.path(), 2).unwrap();
        make_key(folder.path(), 10).unwrap();
        let ring = Keystore::open(folder.path()).unwrap();
        let newest = read_key(&folder.path().join("master-10.key")).unwrap();
        assert_eq!(ring.newest().unwrap().id, newest.id);
        assert_eq!(ring.ids().count(), 2);
    }
}
