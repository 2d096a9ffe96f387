//! Every registered SP: its rule, its endpoints, its keys.

use super::super::context::Open;
use super::super::error::CliError;
use super::Findings;
use crate::directory::ending::{Ends, Nearness};
use crate::directory::name::RoleName;
use crate::directory::release::SubjectIdRequirement;
use crate::directory::service_provider::{
    AcsBinding, AcsEndpoint, ServiceProvider, check_location,
};
use crate::keystore::endings::of_sp;
use crate::saml::encryption;
use crate::saml::signature::VerifyingKey;
use crate::saml::sp_metadata;
use crate::storage::{Registrations, RoleRow};

pub(super) async fn check(findings: &mut Findings, open: &Open) -> Result<(), CliError> {
    let roles = open.store.roles().await?;
    let Registrations {
        readable: sps,
        unreadable,
    } = open.store.service_providers().await?;
    for sp in &unreadable {
        findings.error(
            &format!("sp {}", sp.name),
            format!("its registration cannot be read, so nobody may enter: {}", sp.cause),
            format!(
                "undo what was changed by hand in the database, or `doorward sp remove {}` and register it anew",
                sp.name
            ),
        );
    }
    if sps.is_empty() && unreadable.is_empty() {
        findings.warning(
            "service providers",
            "none is registered",
            "`doorward sp add --help` shows how",
        );
    }
    let origins = open.store.origins().await?;
    for sp in &sps {
        let before = findings.0.len();
        // What is in order is told of a source as a whole: it may have thousands.
        let of_source = origins.get(&sp.id).is_some_and(|origin| !origin.own_rule);
        let name = format!("sp {}", sp.name);
        rule(findings, &name, sp, &roles);
        endpoints(findings, &name, sp);
        keys(findings, &name, sp, open);
        endings(findings, (&name, origins.contains_key(&sp.id)), sp, open);
        protection(findings, &name, sp, open);
        metadata(findings, &name, sp);
        scoped(findings, &name, sp, open);
        if !sp.enabled {
            let fix = format!("`doorward sp enable {}` enables it", sp.name);
            findings.warning(&name, "it is disabled and gets nothing", fix);
        }
        if findings.0.len() == before && !of_source {
            findings.ok(&name, format!("may enter: {}", sp.rule));
        }
    }
    Ok(())
}

fn rule(findings: &mut Findings, name: &str, sp: &ServiceProvider, roles: &[RoleRow]) {
    let unheld = |role: &&RoleName| {
        let holders = roles
            .iter()
            .find(|row| row.name == **role)
            .map(|row| row.holders);
        role.as_str() != RoleName::EVERYONE && holders.unwrap_or(0) == 0
    };
    for role in sp.rule.roles().filter(unheld) {
        findings.warning(
            name,
            format!("nobody holds the role {role} that its rule names"),
            format!("`doorward user grant NAME {role}`, or another rule if it is a slip"),
        );
    }
}

fn endpoints(findings: &mut Findings, name: &str, sp: &ServiceProvider) {
    let usual = sp.acs.default_endpoint();
    if let Err(error) = check_location(&usual.location, sp.policy.allow_http) {
        findings.error(
            name,
            error.to_string(),
            format!(
                "`doorward sp update {} --acs URL`, or --metadata anew",
                sp.name
            ),
        );
    } else if check_location(&usual.location, false).is_err() {
        findings.warning(
            name,
            format!("answers go to {} over plain http", usual.location),
            "put TLS in front of the application",
        );
    }
}

fn keys(findings: &mut Findings, name: &str, sp: &ServiceProvider, open: &Open) {
    let fix = format!(
        "`doorward sp update {} --certificate FILE`, or --metadata anew",
        sp.name
    );
    let mut usable = 0;
    for der in &sp.certificates {
        match VerifyingKey::from_certificate_der(der) {
            Ok(_) => usable += 1,
            Err(error) => findings.error(name, format!("a certificate is refused: {error}"), &fix),
        }
    }
    let bare = sp.bare_keys.iter();
    usable += bare
        .filter(|der| VerifyingKey::from_public_key_der(der).is_ok())
        .count();
    if usable == 0 && sp.acs.default_endpoint().binding == AcsBinding::HttpArtifact {
        findings.error(
            name,
            "fetches Responses by artifact and has to sign for it, but no key of it is known",
            &fix,
        );
    }
    let has_to_sign = sp.policy.require_signed_requests || open.config.require_signed_requests;
    if usable == 0 && has_to_sign {
        findings.error(
            name,
            "has to sign its requests, but no key of it is known",
            &fix,
        );
    }
}

/// What it is told has to be encrypted and signed as it takes it.
fn protection(findings: &mut Findings, name: &str, sp: &ServiceProvider, open: &Open) {
    let denied = &open.config.denied_algorithms;
    match encryption::recipient(sp, denied) {
        Err(error) => findings.error(
            name,
            format!("nothing can be sent to it: {error}"),
            format!(
                "`doorward sp update {} --metadata FILE_OR_URL`, or --encryption-certificate",
                sp.name
            ),
        ),
        Ok(Some(to)) if to.data_encryption().is_malleable() => findings.warning(
            name,
            format!("{} can be altered unseen", to.data_encryption().word()),
            "ask its owners for AES-GCM",
        ),
        Ok(_) => {}
    }
    let signing = open.signing_keys.of(sp).map(|key| key.towards(sp, denied));
    if let Some(Err(error)) = signing {
        findings.error(
            name,
            format!("nothing can be sent to it: {error}"),
            format!(
                "`doorward sp update {} --signature-algorithm auto`, or other metadata",
                sp.name
            ),
        );
    }
}

/// Only the key counts, and nothing closes because of a date; but an end tells of a renewal that
/// somebody has to think of.
fn endings(
    findings: &mut Findings,
    (name, is_refreshed): (&str, bool),
    sp: &ServiceProvider,
    open: &Open,
) {
    let now = open.clock.now();
    for ending in of_sp(sp, is_refreshed).filter(|ending| ending.nearness(now) != Nearness::Far) {
        let told = format!("its {} {}", ending.what, ending.in_words(now));
        let fix = match ending.what {
            Ends::Metadata => format!("`doorward sp update {} --metadata FILE_OR_URL`", sp.name),
            Ends::SigningCertificate | Ends::EncryptionCertificate => format!(
                "its key is taken all the same; ask its owners for the next one, and \
                 `doorward sp update {} --metadata FILE_OR_URL`",
                sp.name
            ),
        };
        findings.warning(name, told, fix);
    }
}

/// An identifier with a scope can be told only where there is one (subject-id 3.3, 3.4).
fn scoped(findings: &mut Findings, name: &str, sp: &ServiceProvider, open: &Open) {
    let Some(asked) = sp.requested.subject_id else {
        return;
    };
    if asked != SubjectIdRequirement::None && open.config.release.scope.is_none() {
        findings.warning(
            name,
            format!(
                "its metadata asks for {}, which nobody has without a scope",
                asked.word()
            ),
            "set `scope` in doorward.toml to a domain of your own",
        );
    }
}

/// What was imported can still be read.
fn metadata(findings: &mut Findings, name: &str, sp: &ServiceProvider) {
    let Some(xml) = &sp.metadata else { return };
    let fix = format!("`doorward sp update {} --metadata FILE_OR_URL`", sp.name);
    match sp_metadata::parse_whenever(xml.as_bytes()) {
        Err(error) => findings.warning(name, error.to_string(), fix),
        Ok(read) => {
            // A binding that was not offered yet when it was registered.
            let mut unused = sp.acs.iter().filter(|acs| !acs.binding.is_used());
            let is_offered = |unused: &AcsEndpoint| {
                let mut named = read.acs.iter().filter(|acs| acs.binding.is_used());
                named.any(|acs| acs.index == unused.index)
            };
            if let Some(endpoint) = unused.find(|unused| is_offered(unused)) {
                let said = format!(
                    "{} is by a binding that is offered by now, and registered as one that is not",
                    endpoint.location
                );
                findings.warning(name, said, fix);
            }
        }
    }
}
