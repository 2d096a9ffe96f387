//! What a registration takes from metadata, or from the command line by hand.

use std::path::PathBuf;

use clap::Args;

use super::super::certificate;
use super::super::context::Open;
use super::super::error::{CliError, refused};
use super::metadata;
use crate::directory::name::EntityId;
use crate::directory::protection::{Declared, EncryptionKey, KeyForm};
use crate::directory::release::Requested;
use crate::directory::service_provider::{AcsBinding, AcsEndpoint, AcsEndpoints, AcsError};
use crate::directory::slo_endpoint::SloEndpoint;

/// Where an SP is described.
#[derive(Debug, Args)]
pub(super) struct Source {
    /// Its SAML metadata: a file, - for stdin, or an http(s) address, which is read again by itself
    #[arg(long, value_name = "FILE_OR_URL", conflicts_with_all = ["acs", "certificates", "encryption_certificates"])]
    pub(super) metadata: Option<String>,
    /// By hand: an address that takes Responses by HTTP-POST (repeat; the first is the default)
    #[arg(long, value_name = "URL")]
    pub(super) acs: Vec<String>,
    /// By hand: a certificate that its requests are signed with, PEM or DER (repeat for several)
    #[arg(long = "certificate", value_name = "FILE")]
    pub(super) certificates: Vec<PathBuf>,
    /// By hand: a certificate that assertions are encrypted to, PEM or DER (repeat for several)
    #[arg(long = "encryption-certificate", value_name = "FILE")]
    pub(super) encryption_certificates: Vec<PathBuf>,
}

/// What was described.
#[derive(Debug, Default)]
pub(super) struct Described {
    pub(super) entity_id: Option<EntityId>,
    pub(super) display_name: Option<String>,
    pub(super) acs: Vec<AcsEndpoint>,
    pub(super) slo: Vec<SloEndpoint>,
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) bare_keys: Vec<Vec<u8>>,
    pub(super) name_id_formats: Vec<String>,
    pub(super) requested: Requested,
    pub(super) signs_requests: bool,
    pub(super) declared: Declared,
    pub(super) xml: Option<String>,
}

impl Source {
    pub(super) fn read(&self, open: &Open) -> Result<Described, CliError> {
        match &self.metadata {
            Some(place) => {
                let read = metadata::read(place, open.clock.now())?;
                Ok(Described {
                    entity_id: Some(read.entity_id),
                    display_name: read.display_name,
                    acs: read.acs,
                    slo: read.slo,
                    certificates: read.certificates,
                    bare_keys: read.bare_keys,
                    name_id_formats: read.name_id_formats,
                    requested: read.requested,
                    signs_requests: read.authn_requests_signed,
                    declared: read.declared,
                    xml: Some(read.xml),
                })
            }
            None => Ok(Described {
                acs: endpoints(&self.acs)?,
                certificates: self.read_certificates()?,
                declared: self.read_encryption_keys()?,
                ..Described::default()
            }),
        }
    }

    pub(super) fn read_certificates(&self) -> Result<Vec<Vec<u8>>, CliError> {
        let files = self.certificates.iter();
        files.map(|file| certificate::read(file)).collect()
    }

    /// The keys given by hand; nothing is known of what their owner supports.
    pub(super) fn read_encryption_keys(&self) -> Result<Declared, CliError> {
        let key = |file: &PathBuf| {
            Ok(EncryptionKey {
                key: KeyForm::Certificate(certificate::read(file)?),
                is_for_encryption: true,
                methods: vec![],
            })
        };
        let keys: Result<_, CliError> = self.encryption_certificates.iter().map(key).collect();
        Ok(Declared {
            encryption_keys: keys?,
            ..Declared::default()
        })
    }
}

/// Endpoints given by hand, in order.
pub(super) fn endpoints(locations: &[String]) -> Result<Vec<AcsEndpoint>, CliError> {
    let endpoint = |(index, location): (usize, &String)| {
        let index = u16::try_from(index).map_err(|_| {
            refused(
                "there are more than 65,536 --acs",
                "name those that are used",
            )
        })?;
        Ok(AcsEndpoint {
            binding: AcsBinding::HttpPost,
            location: location.clone(),
            index,
            is_default: Some(index == 0),
        })
    };
    locations.iter().enumerate().map(endpoint).collect()
}

/// Checks the endpoints of a registration.
pub(super) fn checked(all: Vec<AcsEndpoint>, allow_http: bool) -> Result<AcsEndpoints, CliError> {
    AcsEndpoints::new(all, allow_http).map_err(|error| acs_refused(&error))
}

/// What is wrong with endpoints, and what to do about it.
pub(super) fn acs_refused(error: &AcsError) -> CliError {
    let fix = match error {
        AcsError::PlainHttp(_) => "use https, or add --allow-http if this is only a trial",
        AcsError::Location(_) => "write an absolute https address",
        AcsError::NoBrowserEndpoint => {
            "Responses leave by HTTP-POST or HTTP-Artifact: name such an address"
        }
        AcsError::DuplicateIndex(_) => "mend the metadata: each index stands once",
    };
    refused(error.to_string(), fix)
}
