//! Checking the signature of a metadata document that is read in pieces: the octets are digested
//! as they come, and nothing that was read may be used before [`PiecewiseCheck::finish`] says so.

use openssl::hash::Hasher;
use openssl::memcmp;

use super::shape::Shape;
use super::verify::find_signer;
use super::{DS, SignatureError, VerifyingKey};
use crate::saml::xml::{Element, Piece, PiecewiseC14n, is_blank};

/// The check of one document, at some place in it.
pub struct PiecewiseCheck<'k> {
    keys: &'k [VerifyingKey],
    depth: usize,
    state: State,
}

enum State {
    /// The root's start tag and the blanks behind it are kept until the signature says how they
    /// are canonicalised.
    Before {
        root: Option<Element>,
        blanks: String,
    },
    After(Box<Digesting>),
}

struct Digesting {
    c14n: PiecewiseC14n,
    hasher: Hasher,
    expected: Vec<u8>,
}

impl<'k> PiecewiseCheck<'k> {
    /// A check against these keys.
    #[must_use]
    pub const fn new(keys: &'k [VerifyingKey]) -> Self {
        Self {
            keys,
            depth: 0,
            state: State::Before {
                root: None,
                blanks: String::new(),
            },
        }
    }

    /// Takes the next piece. The signature is the first element in the root (Metadata 2.3.1), and
    /// its key is looked for as soon as it is there: of a document that others signed, or nobody,
    /// no more is read.
    pub fn take(&mut self, piece: &Piece) -> Result<(), SignatureError> {
        match piece {
            Piece::Start(_) => self.depth += 1,
            Piece::End => self.depth = self.depth.saturating_sub(1),
            Piece::Text(_) | Piece::Child(_) => {}
        }
        match &mut self.state {
            State::After(digesting) => digesting.take(piece, self.depth),
            State::Before { root, blanks } => match piece {
                Piece::Start(element) if root.is_none() => {
                    *root = Some(element.copy_of_start());
                    Ok(())
                }
                Piece::Text(text) if is_blank(text) => {
                    blanks.push_str(text);
                    Ok(())
                }
                Piece::Child(signature) if signature.is(DS, "Signature") && self.depth == 1 => {
                    let root = root.as_ref().ok_or(SignatureError::Misplaced)?;
                    let digesting = Digesting::begin(root, blanks, signature, self.keys)?;
                    self.state = State::After(Box::new(digesting));
                    Ok(())
                }
                _ => Err(SignatureError::Missing),
            },
        }
    }

    /// Whether the whole document is what was signed.
    pub fn finish(self) -> Result<(), SignatureError> {
        let State::After(mut digesting) = self.state else {
            return Err(SignatureError::Missing);
        };
        let digest = digesting.hasher.finish();
        let digest = digest.map_err(|_| SignatureError::MalformedValue)?;
        if memcmp_eq(&digest, &digesting.expected) {
            Ok(())
        } else {
            Err(SignatureError::DigestMismatch)
        }
    }
}

fn memcmp_eq(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && memcmp::eq(one, other)
}

impl Digesting {
    fn begin(
        root: &Element,
        blanks: &str,
        signature: &Element,
        keys: &[VerifyingKey],
    ) -> Result<Self, SignatureError> {
        let shape = Shape::of_signature(root, signature)?;
        find_signer(&shape, keys)?;
        let digest = shape.digest.digest();
        if shape.digest_value.len() != digest.size() {
            return Err(SignatureError::MalformedValue);
        }
        let hasher = Hasher::new(digest).map_err(|_| SignatureError::MalformedValue)?;
        let mut digesting = Self {
            c14n: PiecewiseC14n::new(&shape.reference_prefixes),
            hasher,
            expected: shape.digest_value,
        };
        let start = digesting.c14n.start(root);
        digesting.digest(&start)?;
        let blanks = digesting.c14n.text(blanks);
        digesting.digest(&blanks)?;
        Ok(digesting)
    }

    fn take(&mut self, piece: &Piece, depth: usize) -> Result<(), SignatureError> {
        let octets = match piece {
            Piece::Start(element) => self.c14n.start(element),
            Piece::Text(text) => self.c14n.text(text),
            Piece::End => self.c14n.end(),
            // The root has one signature, and that stood first.
            Piece::Child(element) if depth == 1 && element.is(DS, "Signature") => {
                return Err(SignatureError::MoreThanOne);
            }
            Piece::Child(element) => self.c14n.child(element),
        };
        self.digest(&octets)
    }

    fn digest(&mut self, octets: &str) -> Result<(), SignatureError> {
        let done = self.hasher.update(octets.as_bytes());
        done.map_err(|_| SignatureError::MalformedValue)
    }
}
