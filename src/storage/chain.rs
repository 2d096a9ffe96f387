//! The keyed chains of the audit log (decision 16): each row's link is an HMAC over the link before
//! it and the row, so a row that was removed, altered or moved shows.
//!
//! A process writes one chain at a time. Its first row names the heads of the others, so that
//! cutting off the end of a chain shows as well. A chain ends with the process, after
//! [`ROWS_PER_CHAIN`] rows, or when the outcome of a commit is not known; the next row then begins
//! another.

use openssl::sha::Sha256;

use crate::clock::{Clock, random};

use super::audit::Fields;
use super::error::StoreError;

/// After so many rows a chain ends and the next one names its head: bounds what a new chain has to
/// look through, and how much of an end could be cut off unseen.
const ROWS_PER_CHAIN: i64 = 5_000;

/// The link of one row.
pub type Link = [u8; 32];

/// Where a chain has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: i64,
    pub(super) link: Link,
}

/// The chain that this process writes. Held locked from before BEGIN until after COMMIT.
#[derive(Debug)]
pub(super) struct Chain {
    key: ChainKey,
    label: String,
    clock: Clock,
    id: String,
    head: Option<Head>,
    is_settled: bool,
}

impl Chain {
    pub(super) fn new(key: [u8; 32], label: &str, clock: Clock) -> Self {
        let label = label
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .take(40)
            .collect();
        Self {
            key: ChainKey::new(&key),
            label,
            clock,
            id: String::new(),
            head: None,
            is_settled: true,
        }
    }

    /// Whether the next row needs a new chain to be begun first.
    pub(super) fn has_to_begin(&self) -> bool {
        !self.is_settled || self.head.is_none_or(|head| head.seq >= ROWS_PER_CHAIN)
    }

    /// The id that a new chain would get.
    pub(super) fn fresh_id(&self) -> Result<String, StoreError> {
        let id = super::hex::encode(&random::<8>()?);
        Ok(format!("{}.{id}", self.label))
    }

    /// Takes up a chain whose first row has been committed.
    pub(super) fn begin(&mut self, id: String, head: Head) {
        self.id = id;
        self.head = Some(head);
        self.is_settled = true;
    }

    /// A COMMIT is about to be tried; until [`Chain::advance`] is called, nobody knows.
    pub(super) fn about_to_commit(&mut self) {
        self.is_settled = false;
    }

    /// The COMMIT was done.
    pub(super) fn advance(&mut self, head: Head) {
        self.head = Some(head);
        self.is_settled = true;
    }

    /// The transaction was rolled back for certain.
    pub(super) fn stay(&mut self) {
        self.is_settled = true;
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn head(&self) -> Option<Head> {
        self.head
    }

    /// The link of a row that would follow `before` in the chain `id`.
    pub(super) fn link(&self, before: Option<Head>, id: &str, fields: &Fields<'_>) -> Head {
        let seq = before.map_or(0, |head| head.seq + 1);
        let link = self.key.link(before.map(|head| head.link), id, seq, fields);
        Head { seq, link }
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// HMAC-SHA256 (RFC 2104) with both pads hashed beforehand: a link then costs as much as hashing
/// the row.
#[derive(Clone)]
pub(super) struct ChainKey {
    inner: Sha256,
    outer: Sha256,
}

impl std::fmt::Debug for ChainKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ChainKey(..)")
    }
}

impl ChainKey {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let padded = |pad: u8| {
            let mut block = [pad; 64];
            for (byte, key) in block.iter_mut().zip(key) {
                *byte ^= key;
            }
            let mut hash = Sha256::new();
            hash.update(&block);
            hash
        };
        Self {
            inner: padded(0x36),
            outer: padded(0x5c),
        }
    }

    /// The link of a row that follows `before`; the first row follows nothing.
    pub(super) fn link(
        &self,
        before: Option<Link>,
        chain: &str,
        seq: i64,
        fields: &Fields<'_>,
    ) -> Link {
        let mut mac = Mac(self.inner.clone());
        mac.text(Some("doorward audit row 1"));
        mac.0.update(&before.unwrap_or_default());
        mac.text(Some(chain));
        mac.number(seq);
        mac.number(fields.at);
        mac.text(Some(fields.kind));
        mac.text(Some(fields.outcome));
        for text in [
            fields.reason,
            fields.actor,
            fields.user,
            fields.sp,
            fields.source,
            fields.trace,
            fields.detail,
        ] {
            mac.text(text);
        }
        self.close(mac)
    }

    fn close(&self, mac: Mac) -> Link {
        let mut outer = self.outer.clone();
        outer.update(&mac.0.finish());
        outer.finish()
    }
}

/// Fields go in with their length, so that no two rows give the same bytes.
struct Mac(Sha256);

impl Mac {
    fn number(&mut self, number: i64) {
        self.0.update(&number.to_be_bytes());
    }

    fn text(&mut self, text: Option<&str>) {
        match text {
            None => self.number(-1),
            Some(text) => {
                self.number(i64::try_from(text.len()).unwrap_or(i64::MAX));
                self.0.update(text.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_hmac_sha256() {
        use openssl::{hash::MessageDigest, pkey::PKey, sign::Signer};
        let key = ChainKey::new(&[7; 32]);
        let mut mac = Mac(key.inner.clone());
        mac.text(Some("what do ya want for nothing?"));
        let mut text = 28_i64.to_be_bytes().to_vec();
        text.extend_from_slice(b"what do ya want for nothing?");
        let theirs = PKey::hmac(&[7; 32]).unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &theirs).unwrap();
        let theirs = signer.sign_oneshot_to_vec(&text).unwrap();
        assert_eq!(key.close(mac).to_vec(), theirs);
    }

    #[test]
    fn a_chain_whose_end_is_not_known_for_certain_is_not_gone_on_with() {
        let mut chain = Chain::new([7; 32], "a node!", Clock::default());
        let head = |seq| Head { seq, link: [1; 32] };
        assert!(chain.has_to_begin());
        chain.begin(chain.fresh_id().unwrap(), head(0));
        assert!(!chain.has_to_begin());
        chain.about_to_commit();
        assert!(chain.has_to_begin(), "the outcome is not known yet");
        chain.advance(head(1));
        assert!(!chain.has_to_begin());
        chain.advance(head(ROWS_PER_CHAIN));
        assert!(chain.has_to_begin(), "it is long enough");
        assert!(chain.id().starts_with("anode."), "{}", chain.id());
    }
}
