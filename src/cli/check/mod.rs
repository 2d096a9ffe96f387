//! `doorward check`: what is wrong with this installation, and how to mend it.

mod keys;
mod public;
mod registrations;
mod sources;
mod tls;

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::ADMINISTRATOR_ROLE;
use super::context::{Context, Open};
use super::error::{CliError, refused};
use super::output::{Style, Tone, plain};
use crate::clock::{Clock, is_too_far};
use crate::config::{Config, ConfigError, Durability};
use crate::directory::name::RoleName;
use crate::directory::time::UnixTime;
use crate::storage::AuditFilter;

/// The arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  doorward check --config /etc/doorward/doorward.toml

Exit status 1 on errors, 0 with warnings only.")]
pub(super) struct Check {
    /// Leave out the look at the public address
    #[arg(long)]
    offline: bool,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warning,
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    name: String,
    status: Status,
    message: String,
    fix: Option<String>,
}

/// Everything that was looked at.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, status: Status, name: &str, message: String, fix: Option<String>) {
        self.0.push(Finding {
            name: name.to_owned(),
            status,
            message,
            fix,
        });
    }

    fn ok(&mut self, name: &str, message: impl Into<String>) {
        self.add(Status::Ok, name, message.into(), None);
    }

    fn warning(&mut self, name: &str, message: impl Into<String>, fix: impl Into<String>) {
        self.add(Status::Warning, name, message.into(), Some(fix.into()));
    }

    fn error(&mut self, name: &str, message: impl Into<String>, fix: impl Into<String>) {
        self.add(Status::Error, name, message.into(), Some(fix.into()));
    }

    fn count(&self, status: Status) -> usize {
        self.0.iter().filter(|found| found.status == status).count()
    }
}

impl Check {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let mut findings = Findings::default();
        match context.config() {
            Ok(config) => {
                configuration(&mut findings, context, &config);
                tls::check(&mut findings, &config, &Clock::System);
                self.installation(&mut findings, context).await?;
            }
            Err(CliError::Config(ConfigError::Mistakes(mistakes))) => {
                for mistake in mistakes {
                    findings.error(&mistake.key, mistake.what, mistake.fix);
                }
            }
            Err(CliError::Config(error @ ConfigError::Unreadable { .. })) => {
                findings.error(
                    "configuration",
                    error.to_string(),
                    "name another file with --config",
                );
            }
            Err(other) => return Err(other),
        }
        report(context, &findings)
    }

    async fn installation(
        &self,
        findings: &mut Findings,
        context: &Context,
    ) -> Result<(), CliError> {
        let open = match context.open().await {
            Ok(open) => open,
            Err(CliError::Boot(error)) => {
                let told = error.to_string();
                let (what, fix) = told
                    .split_once("; ")
                    .unwrap_or((&told, "see docs/configuration.md"));
                findings.error("database and keys", what, fix);
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        let version = open.store.schema_version().await?;
        database(findings, &open, version).await?;
        keys::check(findings, &open).await?;
        clock(findings, &open).await?;
        audit(findings, &open).await?;
        people(findings, &open).await?;
        sources::check(findings, &open).await?;
        registrations::check(findings, &open).await?;
        if !self.offline {
            public::check(findings, &open.config, open.signing_keys.active());
        }
        Ok(())
    }
}

fn configuration(findings: &mut Findings, context: &Context, config: &Config) {
    let file = context.file.as_deref().map_or_else(
        || config.folder.join(crate::config::FILE_NAME),
        std::path::Path::to_path_buf,
    );
    if file.exists() {
        findings.ok("configuration", file.display().to_string());
    } else {
        findings.ok(
            "configuration",
            "no file: the defaults and the environment hold",
        );
    }
    if config.base_url.starts_with("http://") {
        if config.allow_insecure_http {
            findings.warning(
                "base_url",
                format!(
                    "{} is plain http: passwords travel in the clear",
                    config.base_url
                ),
                "put TLS in front and write https",
            );
        } else {
            findings.warning(
                "base_url",
                format!("{} can be reached from this machine only", config.base_url),
                "for other machines put TLS in front and set base_url to the https address",
            );
        }
    }
    if !config.throttle {
        findings.warning(
            "throttle",
            "passwords can be guessed without delay",
            "set it to \"on\"",
        );
    }
    if config.durability == Durability::Normal {
        findings.warning(
            "durability",
            "a power cut may take the last revocations and audit rows",
            "set it to \"full\" unless that is acceptable",
        );
    }
    if config.argon2.memory_kib < 19_456 && config.argon2.iterations < 3 {
        findings.warning(
            "argon2",
            "password hashes are cheaper than OWASP recommends",
            "remove the argon2 settings",
        );
    }
}

/// The clock against what the database has seen: the newest audit event is in the past.
async fn database(findings: &mut Findings, open: &Open, schema: i64) -> Result<(), CliError> {
    let engine = open.store.engine();
    let place = match open.config.database_file() {
        Some(file) => file.display().to_string(),
        None => engine,
    };
    findings.ok("database", format!("{place} (schema {schema})"));
    for worry in open.store.worries().await? {
        findings.warning("database", worry.what, worry.fix);
    }
    let ahead = open.clock.correction();
    if is_too_far(ahead) {
        findings.error(
            "clock",
            format!("the database's is {ahead} ms ahead of this machine's"),
            "keep both by NTP",
        );
    }
    Ok(())
}

async fn clock(findings: &mut Findings, open: &Open) -> Result<(), CliError> {
    const YEAR_2024: UnixTime = UnixTime::from_millis(1_704_067_200_000);
    let filter = AuditFilter {
        limit: Some(1),
        ..AuditFilter::default()
    };
    let newest = open.store.audit_events(&filter).await?;
    let newest = newest.first().map_or(YEAR_2024, |row| row.event.at);
    let now = open.clock.now();
    if now < newest.max(YEAR_2024) {
        findings.error(
            "clock",
            format!("it says {now}, but the audit log has an event of {newest}"),
            "set the clock, and keep it by NTP",
        );
    } else {
        findings.ok("clock", now.to_string());
    }
    Ok(())
}

async fn audit(findings: &mut Findings, open: &Open) -> Result<(), CliError> {
    let found = open.store.verify_audit(&open.secrets.chain_key()).await?;
    for broken in &found.broken {
        findings.error(
            "audit log",
            broken.to_string(),
            "compare it with a backup and find out who had access to the database",
        );
    }
    if found.broken.is_empty() {
        findings.ok(
            "audit log",
            format!("{} rows as they were written", found.rows),
        );
    }
    Ok(())
}

async fn people(findings: &mut Findings, open: &Open) -> Result<(), CliError> {
    let role = RoleName::parse(ADMINISTRATOR_ROLE);
    let administrators = match role {
        Ok(role) => open.store.count_holders(&role).await?,
        Err(_) => 0,
    };
    match administrators {
        0 => findings.warning(
            "users",
            format!("nobody holds {ADMINISTRATOR_ROLE}"),
            "`doorward init` makes an administrator",
        ),
        _ => findings.ok(
            "users",
            format!(
                "{} users, {administrators} of them administrators",
                open.store.count_users().await?
            ),
        ),
    }
    Ok(())
}

fn report(context: &Context, findings: &Findings) -> Result<ExitCode, CliError> {
    let (errors, warnings) = (
        findings.count(Status::Error),
        findings.count(Status::Warning),
    );
    let document = json!({"ok": errors == 0, "errors": errors, "warnings": warnings,
        "checks": findings.0});
    context
        .out
        .tell(&document, |style| print(style, findings))?;
    if errors == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let what = match errors {
        1 => "1 thing has to be mended".to_owned(),
        _ => format!("{errors} things have to be mended"),
    };
    Err(refused(what, "each line with ✗ says how"))
}

fn print(style: Style, findings: &Findings) -> String {
    let width = findings
        .0
        .iter()
        .map(|found| found.name.chars().count())
        .max();
    let mut text = String::new();
    for found in &findings.0 {
        let (tone, mark) = match found.status {
            Status::Ok => (Tone::Good, "✓"),
            Status::Warning => (Tone::Warning, "!"),
            Status::Error => (Tone::Bad, "✗"),
        };
        let gap = width
            .unwrap_or(0)
            .saturating_sub(found.name.chars().count());
        let name = plain(&found.name) + &" ".repeat(gap);
        let parts = [
            style.apply(tone, mark),
            style.strong(&name),
            plain(&found.message),
        ];
        text.push_str(&parts.join("  "));
        text.push('\n');
        if let Some(fix) = &found.fix {
            let indent = " ".repeat(width.unwrap_or(0) + 5);
            let fix = style.quiet(&format!("→ {}", plain(fix)));
            text.extend([indent.as_str(), &fix, "\n"]);
        }
    }
    text
}
