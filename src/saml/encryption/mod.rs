//! Encryption of elements (XML Encryption 1.1; Core 2.2.4, 2.3.4, 6.1): assertions and identifiers to
//! service providers, identifiers from them.
//!
//! Which key and which algorithms serve an SP is decided here from its registration, for the
//! registration and for each answer alike. What is encrypted is canonical text that stands alone
//! (decision 7). The key of the data is fresh each time, by OpenSSL's own generator. CBC is never
//! read, and written only where an administrator said so; RSA PKCS#1 v1.5 is neither.

mod algorithm;
mod decrypt;
mod descriptor;
mod encrypt;
mod recipient;
#[cfg(test)]
mod tests;

pub use algorithm::{KeyTransport, OaepDigest};
pub use decrypt::{DecryptError, DecryptionKey, DecryptionKeys};
pub use encrypt::EncryptError;
pub use recipient::{Recipient, RecipientError, logout_recipient, recipient, willing_recipient};

/// `EncryptedData/@Type` of an element (XML Encryption 1.1, section 3.1).
const ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
/// RSA-OAEP whose mask is MGF1 with SHA-1.
const RSA_OAEP_MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
/// RSA-OAEP with digest and mask named apart.
const RSA_OAEP_11: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
