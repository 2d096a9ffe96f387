//! Which algorithms our signatures have towards an SP: only those that it declares (C-ALG3), none that
//! are denied (C-ALG2), and the one that its administrator chose.

use super::{DigestAlgorithm, SignatureAlgorithm, SigningKey};
use crate::directory::algorithms::DeniedAlgorithms;
use crate::directory::protection::{Declared, SigningMethod};
use crate::directory::service_provider::ServiceProvider;

/// Nothing that we sign with would be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoCommonAlgorithm {
    /// The choice is for keys of the other type.
    #[error("{algorithm} is registered for it, and the signing key is of another type")]
    OtherKeyType {
        /// The choice.
        algorithm: &'static str,
    },
    /// The choice is denied by the configuration.
    #[error("{algorithm} is registered for it, and is among the denied algorithms")]
    Denied {
        /// The choice.
        algorithm: &'static str,
    },
    /// The choice is not among what the SP declares.
    #[error("{algorithm} is registered for it, and its metadata does not take it")]
    NotDeclared {
        /// The choice.
        algorithm: &'static str,
    },
    /// Nothing declared fits the key and is allowed.
    #[error("no signature that our key makes is taken (alg:SigningMethod) and allowed")]
    Signature,
    /// No digest that is declared is offered and allowed.
    #[error("no digest that we offer is taken (alg:DigestMethod) and allowed")]
    Digest,
}

impl SigningKey {
    /// This key as it signs towards an SP.
    pub fn towards(
        &self,
        sp: &ServiceProvider,
        denied: &DeniedAlgorithms,
    ) -> Result<Self, NoCommonAlgorithm> {
        let algorithm = match sp.policy.protection.signature {
            Some(chosen) => self.chosen(chosen, &sp.declared, denied)?,
            None => self.usual(&sp.declared, denied)?,
        };
        Ok(self.with(algorithm, digest(&sp.declared, denied)?))
    }

    /// This key as it signs towards everybody: our metadata.
    pub fn avoiding(&self, denied: &DeniedAlgorithms) -> Result<Self, NoCommonAlgorithm> {
        let nothing = Declared::default();
        Ok(self.with(self.usual(&nothing, denied)?, digest(&nothing, denied)?))
    }

    fn chosen(
        &self,
        chosen: SignatureAlgorithm,
        declared: &Declared,
        denied: &DeniedAlgorithms,
    ) -> Result<SignatureAlgorithm, NoCommonAlgorithm> {
        let algorithm = chosen.word();
        if !self.key_type().fits(chosen) {
            return Err(NoCommonAlgorithm::OtherKeyType { algorithm });
        }
        if denied.contains(chosen.uri()) {
            return Err(NoCommonAlgorithm::Denied { algorithm });
        }
        let methods = &declared.signing_methods;
        if methods.is_empty() || methods.iter().any(|method| self.meets(method, chosen)) {
            Ok(chosen)
        } else {
            Err(NoCommonAlgorithm::NotDeclared { algorithm })
        }
    }

    /// The first that is declared, or the key's own.
    fn usual(
        &self,
        declared: &Declared,
        denied: &DeniedAlgorithms,
    ) -> Result<SignatureAlgorithm, NoCommonAlgorithm> {
        let fits = |algorithm: &SignatureAlgorithm| {
            self.key_type().fits(*algorithm) && !denied.contains(algorithm.uri())
        };
        let methods = &declared.signing_methods;
        let found = if methods.is_empty() {
            let others = SignatureAlgorithm::ALL;
            std::iter::once(self.algorithm()).chain(others).find(fits)
        } else {
            let known = |method: &SigningMethod| {
                SignatureAlgorithm::from_uri(&method.algorithm)
                    .filter(|algorithm| self.meets(method, *algorithm))
            };
            methods.iter().filter_map(known).find(fits)
        };
        found.ok_or(NoCommonAlgorithm::Signature)
    }

    fn meets(&self, method: &SigningMethod, algorithm: SignatureAlgorithm) -> bool {
        let bits = self.bits();
        method.algorithm == algorithm.uri()
            && method.minimum_bits.is_none_or(|least| bits >= least)
            && method.maximum_bits.is_none_or(|most| bits <= most)
    }
}

/// The first that is declared, or SHA-256.
fn digest(
    declared: &Declared,
    denied: &DeniedAlgorithms,
) -> Result<DigestAlgorithm, NoCommonAlgorithm> {
    let allowed = |digest: &DigestAlgorithm| !denied.contains(digest.uri());
    let methods = &declared.digest_methods;
    let found = if methods.is_empty() {
        DigestAlgorithm::ALL.into_iter().find(allowed)
    } else {
        let known = methods
            .iter()
            .filter_map(|uri| DigestAlgorithm::from_uri(uri));
        known.into_iter().find(allowed)
    };
    found.ok_or(NoCommonAlgorithm::Digest)
}
