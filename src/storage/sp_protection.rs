//! The parts of a registration that are about encryption and algorithms.

use crate::directory::algorithms::{DataEncryption, SignatureAlgorithm};
use crate::directory::protection::{
    Declared, Encrypt, EncryptionKey, EncryptionMethod, KeyForm, Protection, SigningMethod,
};
use crate::directory::service_provider::ServiceProvider;

use super::engine::{Tx, query};
use super::error::{Column, StoreError};

/// The arms of the registrations' statement that read these tables, with tags of their own.
macro_rules! protection_arms {
    ($which:literal) => {
        concat!(
            " UNION ALL SELECT 50, p.sp_id, p.encrypt, p.data_encryption, p.signature, NULL, NULL, \
             NULL, NULL, NULL, NULL, NULL, p.plain_logout, NULL, NULL, NULL, NULL, NULL, NULL \
             FROM service_providers s JOIN sp_protection p ON p.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 51, k.sp_id, k.kind, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
             NULL, k.position, k.is_for_encryption, NULL, NULL, NULL, NULL, NULL, k.der \
             FROM service_providers s JOIN sp_encryption_keys k ON k.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 52, m.sp_id, m.algorithm, m.digest, m.mgf, NULL, NULL, NULL, NULL, \
             NULL, NULL, m.position, m.key_position, NULL, NULL, NULL, NULL, NULL, NULL \
             FROM service_providers s JOIN sp_encryption_methods m ON m.sp_id = s.id WHERE ",
            $which,
            " UNION ALL SELECT 53, a.sp_id, a.kind, a.algorithm, NULL, NULL, NULL, NULL, NULL, \
             NULL, NULL, a.position, a.minimum_bits, a.maximum_bits, NULL, NULL, NULL, NULL, NULL \
             FROM service_providers s JOIN sp_algorithms a ON a.sp_id = s.id WHERE ",
            $which
        )
    };
}
pub(super) use protection_arms;

/// How many arms these are.
pub(super) const ARMS: usize = 4;
/// The tables; the methods go with their keys.
pub(super) const DELETIONS: [&str; 3] = [
    "DELETE FROM sp_protection WHERE sp_id = ?",
    "DELETE FROM sp_encryption_keys WHERE sp_id = ?",
    "DELETE FROM sp_algorithms WHERE sp_id = ?",
];

/// One row of these arms.
#[derive(Debug)]
pub(super) struct PartRow {
    pub(super) tag: i64,
    pub(super) t1: String,
    pub(super) t2: Option<String>,
    pub(super) t3: Option<String>,
    pub(super) n2: Option<i64>,
    pub(super) n3: Option<i64>,
    pub(super) b1: Vec<u8>,
}

/// What was read so far of one registration, in the order of positions.
#[derive(Debug, Default)]
pub(super) struct ProtectionParts {
    declared: Declared,
    methods: Vec<(i64, EncryptionMethod)>,
    protection: Protection,
}

impl ProtectionParts {
    /// Takes down one row.
    pub(super) fn take(&mut self, row: PartRow) -> Result<(), StoreError> {
        match row.tag {
            50 => self.protection = protection(&row)?,
            51 => self.declared.encryption_keys.push(EncryptionKey {
                key: match row.t1.as_str() {
                    "certificate" => KeyForm::Certificate(row.b1),
                    _ => KeyForm::Bare(row.b1),
                },
                is_for_encryption: row.n2 == Some(1),
                methods: vec![],
            }),
            52 => self.methods.push((
                row.n2.unwrap_or_default(),
                EncryptionMethod {
                    algorithm: row.t1,
                    digest: row.t2,
                    mgf: row.t3,
                },
            )),
            53 => self.algorithm(row)?,
            _ => return Err(Column("registrations", "tag").inconsistent()),
        }
        Ok(())
    }

    fn algorithm(&mut self, row: PartRow) -> Result<(), StoreError> {
        let algorithm = row.t2.unwrap_or_default();
        if row.t1 == "digest" {
            self.declared.digest_methods.push(algorithm);
            return Ok(());
        }
        let column = Column("sp_algorithms", "minimum_bits");
        let bits = |number: Option<i64>| column.checked(number.map(u32::try_from).transpose());
        self.declared.signing_methods.push(SigningMethod {
            algorithm,
            minimum_bits: bits(row.n2)?,
            maximum_bits: bits(row.n3)?,
        });
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(Declared, Protection), StoreError> {
        for (key, method) in self.methods {
            let key = usize::try_from(key)
                .ok()
                .and_then(|key| self.declared.encryption_keys.get_mut(key));
            let column = Column("sp_encryption_methods", "key_position");
            key.ok_or_else(|| column.inconsistent())?
                .methods
                .push(method);
        }
        Ok((self.declared, self.protection))
    }
}

fn protection(row: &PartRow) -> Result<Protection, StoreError> {
    let column = |name| Column("sp_protection", name);
    let encrypt = Encrypt::from_word(&row.t1).ok_or_else(|| column("encrypt").inconsistent())?;
    let data_encryption = match row.t2.as_deref() {
        None => None,
        Some(word) => Some(
            DataEncryption::from_word(word)
                .ok_or_else(|| column("data_encryption").inconsistent())?,
        ),
    };
    let signature = match row.t3.as_deref() {
        None => None,
        Some(word) => Some(
            SignatureAlgorithm::from_word(word)
                .ok_or_else(|| column("signature").inconsistent())?,
        ),
    };
    Ok(Protection {
        encrypt,
        data_encryption,
        signature,
        plain_logout: row.n2 == Some(1),
    })
}

/// The rows of these tables.
pub(super) async fn insert(tx: &mut Tx, sp: &ServiceProvider) -> Result<(), StoreError> {
    let protection = sp.policy.protection;
    if protection != Protection::default() {
        query(
            "INSERT INTO sp_protection (sp_id, encrypt, data_encryption, signature, plain_logout) \
             VALUES (?, ?, ?, ?, ?)",
        )
        .bind(sp.id.as_str())
        .bind(protection.encrypt.word())
        .bind(protection.data_encryption.map(DataEncryption::word))
        .bind(protection.signature.map(SignatureAlgorithm::word))
        .bind(i64::from(protection.plain_logout))
        .execute(&mut *tx)
        .await?;
    }
    insert_keys(tx, sp).await?;
    insert_algorithms(tx, sp).await
}

async fn insert_keys(tx: &mut Tx, sp: &ServiceProvider) -> Result<(), StoreError> {
    for (key_position, key) in (0_i64..).zip(&sp.declared.encryption_keys) {
        let (kind, der) = match &key.key {
            KeyForm::Certificate(der) => ("certificate", der),
            KeyForm::Bare(der) => ("bare", der),
        };
        query(
            "INSERT INTO sp_encryption_keys (sp_id, position, kind, is_for_encryption, der) \
             VALUES (?, ?, ?, ?, ?)",
        )
        .bind(sp.id.as_str())
        .bind(key_position)
        .bind(kind)
        .bind(i64::from(key.is_for_encryption))
        .bind(der.as_slice())
        .execute(&mut *tx)
        .await?;
        for (position, method) in (0_i64..).zip(&key.methods) {
            query(
                "INSERT INTO sp_encryption_methods \
                 (sp_id, key_position, position, algorithm, digest, mgf) VALUES (?, ?, ?, ?, ?, ?)",
            )
            .bind(sp.id.as_str())
            .bind(key_position)
            .bind(position)
            .bind(&method.algorithm)
            .bind(method.digest.as_deref())
            .bind(method.mgf.as_deref())
            .execute(&mut *tx)
            .await?;
        }
    }
    Ok(())
}

async fn insert_algorithms(tx: &mut Tx, sp: &ServiceProvider) -> Result<(), StoreError> {
    let signing = sp.declared.signing_methods.iter().map(|method| {
        let bits = (method.minimum_bits, method.maximum_bits);
        ("signing", &method.algorithm, bits)
    });
    let digests = sp.declared.digest_methods.iter();
    let digests = digests.map(|algorithm| ("digest", algorithm, (None, None)));
    for (position, (kind, algorithm, (minimum, maximum))) in (0_i64..).zip(signing.chain(digests)) {
        query(
            "INSERT INTO sp_algorithms \
             (sp_id, position, kind, algorithm, minimum_bits, maximum_bits) \
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(sp.id.as_str())
        .bind(position)
        .bind(kind)
        .bind(algorithm)
        .bind(minimum.map(i64::from))
        .bind(maximum.map(i64::from))
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
