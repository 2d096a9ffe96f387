//! Getting a source's document and reading it, away from the threads that answer requests.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

use super::Sources;
use super::fetch::{FetchError, Fetched, Request};
use super::refresh::Progress;
use crate::directory::metadata_source::{MetadataSource, Place, Validators};
use crate::directory::name::EntityId;
use crate::saml::aggregate::{self, Aggregate, AggregateError, Demands};
use crate::saml::signature::VerifyingKey;
use crate::saml::xml::Limits;
use crate::storage::hex;

/// How large a document of many entities may be, and how long it may take.
const AGGREGATE_BYTES: u64 = Limits::AGGREGATE.bytes as u64;
const AGGREGATE_PATIENCE: Duration = Duration::from_mins(5);

/// The same for one entity, which somebody may be waiting for, behind a proxy that waits 5 s.
const ENTITY_BYTES: u64 = 1 << 20;
const ENTITY_PATIENCE: Duration = Duration::from_secs(3);

/// What a percent-encoded path segment leaves as it is (RFC 3986, 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Who is told how far a long piece of work is.
pub(super) type Tell = Arc<dyn Fn(Progress) + Send + Sync>;

/// What a source answered.
#[derive(Debug)]
pub enum Obtained {
    /// Nothing has changed.
    Unchanged,
    /// There is nothing.
    Nothing,
    /// A document that was read and, where a key is pinned, found signed with it.
    Read {
        /// What it says.
        aggregate: Box<Aggregate>,
        /// What the next request asks with.
        validators: Validators,
    },
}

/// Why a source gave nothing that can be used. The last good copy stays.
#[derive(Debug, Error)]
pub enum ObtainError {
    /// It could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Its file could not be read.
    #[error("{path}: {cause}")]
    File {
        /// Which file.
        path: String,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// Its file is larger than is taken.
    #[error("{0} is larger than {AGGREGATE_BYTES} bytes")]
    FileTooLarge(String),
    /// What it said is not accepted.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
    /// The thread that did it ended badly.
    #[error("reading the metadata was interrupted")]
    Interrupted,
}

impl Sources {
    /// Asks a source that gives everything at once.
    pub(super) async fn obtain(
        &self,
        source: &MetadataSource,
        tell: Tell,
    ) -> Result<Obtained, ObtainError> {
        let validators = source.state.validators.clone();
        match &source.place {
            Place::File(path) => {
                let path = path.clone();
                self.read_with(source, tell, move || read_file(&path, &validators))
                    .await
            }
            Place::Url(url) | Place::Mdq(url) => {
                let (url, policy) = (url.clone(), self.policy.clone());
                self.read_with(source, tell, move || {
                    Ok(policy.fetch(&Request {
                        url: &url,
                        validators: &validators,
                        largest: AGGREGATE_BYTES,
                        patience: AGGREGATE_PATIENCE,
                    })?)
                })
                .await
            }
        }
    }

    /// Asks a metadata query service about one entity (draft-young-md-query, section 3).
    pub(super) async fn obtain_entity(
        &self,
        source: &MetadataSource,
        entity: &EntityId,
        validators: &Validators,
    ) -> Result<Obtained, ObtainError> {
        let url = query_address(source.place.location(), entity);
        let (policy, validators) = (self.policy.clone(), validators.clone());
        let quiet: Tell = Arc::new(|_| {});
        self.read_with(source, quiet, move || {
            Ok(policy.fetch(&Request {
                url: &url,
                validators: &validators,
                largest: ENTITY_BYTES,
                patience: ENTITY_PATIENCE,
            })?)
        })
        .await
    }

    async fn read_with(
        &self,
        source: &MetadataSource,
        tell: Tell,
        get: impl FnOnce() -> Result<Fetched, ObtainError> + Send + 'static,
    ) -> Result<Obtained, ObtainError> {
        let certificates = source.certificates.clone();
        let is_vouched_for = certificates.is_empty() && matches!(source.place, Place::File(_));
        let (now, longest, denied) = (self.clock.now(), self.longest, self.denied.clone());
        let read = move || {
            let (bytes, validators) = match get()? {
                Fetched::Unchanged => return Ok(Obtained::Unchanged),
                Fetched::Nothing => return Ok(Obtained::Nothing),
                Fetched::Document { bytes, validators } => (bytes, validators),
            };
            tell(Progress::Fetched(bytes.len()));
            // A key that OpenSSL does not take any more verifies nothing.
            let keys: Vec<VerifyingKey> = certificates
                .iter()
                .filter_map(|der| VerifyingKey::from_certificate_der(der).ok())
                .map(|key| key.denying(&denied))
                .collect();
            let demands = Demands {
                keys: (!is_vouched_for).then_some(keys.as_slice()),
                longest: (!is_vouched_for).then_some(longest),
                now,
            };
            let aggregate =
                aggregate::read(&bytes, &demands, &mut |read| tell(Progress::Read(read)))?;
            Ok(Obtained::Read {
                aggregate: Box::new(aggregate),
                validators,
            })
        };
        let done = tokio::task::spawn_blocking(read).await;
        done.map_err(|_| ObtainError::Interrupted)?
    }
}

/// Where a metadata query service answers for an entity: by its hash where the base has `{sha1}` in
/// it, for services that are files of such names (draft-young-md-query-saml, section 2.2.1).
fn query_address(base: &str, entity: &EntityId) -> String {
    if let Some((before, after)) = base.split_once("{sha1}") {
        let digits = hex::encode(&openssl::sha::sha1(entity.as_str().as_bytes()));
        return format!("{before}%7Bsha1%7D{digits}{after}");
    }
    let id = utf8_percent_encode(entity.as_str(), SEGMENT);
    format!("{}/entities/{id}", base.trim_end_matches('/'))
}

/// A file's bytes; the same ones as the last time count as unchanged.
fn read_file(path: &str, known: &Validators) -> Result<Fetched, ObtainError> {
    let failed = |cause| ObtainError::File {
        path: path.to_owned(),
        cause,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    let mut file = file.take(AGGREGATE_BYTES + 1);
    file.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > AGGREGATE_BYTES {
        return Err(ObtainError::FileTooLarge(path.to_owned()));
    }
    let digest = hex::sha256(&bytes);
    if known.etag.as_ref() == Some(&digest) {
        return Ok(Fetched::Unchanged);
    }
    let validators = Validators {
        etag: Some(digest),
        last_modified: None,
    };
    Ok(Fetched::Document { bytes, validators })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_mc2_the_entity_id_is_one_segment_of_the_path() {
        let id = EntityId::parse_lenient("https://sp.example/saml?a=b&c=é#x").unwrap();
        assert_eq!(
            query_address("https://mdq.example/base/", &id),
            "https://mdq.example/base/entities/\
             https%3A%2F%2Fsp.example%2Fsaml%3Fa%3Db%26c%3D%C3%A9%23x"
        );
        // The example of the specification's section 2.2.1.
        let id = EntityId::parse("http://example.org/service").unwrap();
        assert_eq!(
            query_address("https://mdq.example/entities/{sha1}.xml", &id),
            "https://mdq.example/entities/%7Bsha1%7D11d72e8cf351eb6c75c721e838f469677ab41bdb.xml"
        );
    }
}
