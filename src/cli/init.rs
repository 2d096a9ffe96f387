//! `doorward init`: a configuration file and the first administrator. Run again, it changes
//! nothing.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::ADMINISTRATOR_ROLE;
use super::context::{Context, Open, created_lines, names, variables};
use super::error::{CliError, refused};
use super::output::{Style, record};
use super::password::{self, Password};
use super::user::{NewPerson, add_person};
use crate::config::{Config, FILE_NAME, template};
use crate::directory::name::{RoleName, UserName};
use crate::directory::service_provider::is_loopback;

/// The arguments of `init`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  doorward init --base-url https://login.example.org --admin ada"
)]
pub(super) struct Init {
    /// What browsers will see [default: `http://127.0.0.1:8080`]
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The first administrator's sign-in name [default: admin, where there is no administrator yet]
    #[arg(long, value_name = "NAME", value_parser = UserName::parse)]
    admin: Option<UserName>,
}

/// The administrator, and what was made for them.
struct Administrator {
    name: UserName,
    password: Option<Password>,
    created: Vec<RoleName>,
}

impl Administrator {
    fn line(&self, style: Style) -> String {
        match &self.password {
            None => format!("{} is an administrator already\n", self.name),
            Some(password) => format!(
                "added the administrator {}\n{}It has to be changed at the first sign-in.\n",
                self.name,
                password.line(style)
            ),
        }
    }
}

impl Init {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let path = context
            .file
            .clone()
            .unwrap_or_else(|| PathBuf::from(FILE_NAME));
        let written = self.write_file(&path)?;
        let open = context.open().await?;
        let administrator = self.administrator(&open).await?;
        let name = administrator.name.as_str();
        let fresh = administrator.password.as_ref().and_then(Password::fresh);
        let document = json!({"config": path, "config_written": written,
            "base_url": open.config.base_url, "entity_id": open.config.entity_id.as_str(),
            "admin": name, "admin_added": administrator.password.is_some(), "password": fresh,
            "created_roles": names(&administrator.created)});
        context.done(&document, |style| {
            let file = if written { "wrote" } else { "left as it is:" };
            let mut lines = vec![format!("{file} {}\n", path.display())];
            lines.push(created_lines(&administrator.created));
            lines.push(administrator.line(style));
            let next = [
                ("serve", "doorward serve".to_owned()),
                ("check", "doorward check".to_owned()),
                ("metadata", open.config.entity_id.as_str().to_owned()),
            ];
            lines.extend(["\n".to_owned(), record(style, &next)]);
            lines.concat()
        })
    }

    /// Writes the file if there is none. What stands in one is the operator's.
    fn write_file(&self, path: &Path) -> Result<bool, CliError> {
        if path.exists() {
            return self.compare(path).map(|()| false);
        }
        let mut given = Vec::new();
        if let Some(base_url) = &self.base_url {
            given.push(("base_url", base_url.clone()));
            given.extend(listen_of(base_url).map(|listen| ("listen", listen)));
        }
        let text = template(&given);
        // Before the file is there, so that a mistake leaves nothing behind.
        Config::check(&text, path, variables())?;
        let told = |error: std::io::Error| {
            refused(
                format!("cannot write {}: {error}", path.display()),
                "make the folder, or name another file with --config",
            )
        };
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(path);
        match file {
            // Another init was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.compare(path).map(|()| false)
            }
            Err(error) => Err(told(error)),
            Ok(mut file) => file.write_all(text.as_bytes()).map_err(told).map(|()| true),
        }
    }

    /// A file that says something else than the command line is not changed behind one's back.
    fn compare(&self, path: &Path) -> Result<(), CliError> {
        let config = Config::load(Some(path), variables())?;
        let wanted = self
            .base_url
            .as_deref()
            .map(|url| url.trim_end_matches('/'));
        match wanted {
            Some(wanted) if wanted != config.base_url => Err(refused(
                format!("{} has base_url {:?}", path.display(), config.base_url),
                "change it there, or leave --base-url out",
            )),
            _ => Ok(()),
        }
    }

    async fn administrator(&self, open: &Open) -> Result<Administrator, CliError> {
        let role = RoleName::parse(ADMINISTRATOR_ROLE).map_err(|e| {
            refused(
                format!("{ADMINISTRATOR_ROLE} {e}"),
                "report this as a mistake of ours",
            )
        })?;
        let known = if let Some(name) = &self.admin {
            open.store.user(name).await?
        } else {
            open.store.first_holder(&role).await?
        };
        if let Some(user) = known {
            return promote(open, user, &role).await;
        }
        let name = match &self.admin {
            Some(name) => name.clone(),
            None => UserName::parse("admin")
                .map_err(|e| refused(format!("admin {e}"), "name one with --admin"))?,
        };
        let password = password::take(false)?;
        let person = NewPerson {
            name: name.clone(),
            display_name: name.as_str().to_owned(),
            email: None,
            roles: vec![role],
            attributes: Vec::new(),
            must_change_password: true,
        };
        let created = add_person(open, person, &password).await?;
        Ok(Administrator {
            name,
            password: Some(password),
            created,
        })
    }
}

/// Somebody who is there already holds the role from now on, and keeps their password.
async fn promote(
    open: &Open,
    user: crate::directory::user::User,
    role: &RoleName,
) -> Result<Administrator, CliError> {
    let mut created = Vec::new();
    if !user.roles.contains(role) {
        created = open.ensure_roles([role]).await?;
        super::user::grant(open, &user, role).await?;
    }
    Ok(Administrator {
        name: user.name,
        password: None,
        created,
    })
}

/// On loopback the server itself is what browsers see, so it listens there.
fn listen_of(base_url: &str) -> Option<String> {
    let url = url::Url::parse(base_url).ok()?;
    if url.scheme() != "http" || !is_loopback(&url) {
        return None;
    }
    let host = match url.host()? {
        url::Host::Domain(_) => "127.0.0.1".to_owned(),
        address => address.to_string(),
    };
    Some(format!("{host}:{}", url.port_or_known_default()?))
}
