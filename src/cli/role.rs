//! `doorward role`: what people hold and doors ask for.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::context::{Context, Open};
use super::error::{CliError, refused};
use super::output::{Table, Tone};
use crate::directory::audit::{AuditEvent, AuditKind};
use crate::directory::name::RoleName;
use crate::storage::StoreError;

/// The commands about roles.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  doorward role list")]
pub(super) enum Role {
    /// Add a role
    #[command(
        after_help = "Example:\n  doorward role add consumer --description \"May use the store\""
    )]
    Add {
        /// Its name, compared byte for byte
        #[arg(value_parser = RoleName::parse)]
        name: RoleName,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
    },
    /// List the roles, who holds them and which doors ask for them
    #[command(after_help = "Example:\n  doorward role list --json")]
    List,
    /// Remove a role that no rule names
    #[command(after_help = "Example:\n  doorward role remove consumer")]
    Remove {
        /// Its name
        #[arg(value_parser = RoleName::parse)]
        name: RoleName,
    },
}

impl Role {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        let open = context.open().await?;
        match self {
            Self::Add { name, description } => add(context, &open, &name, &description).await,
            Self::List => list(context, &open).await,
            Self::Remove { name } => remove(context, &open, &name).await,
        }
    }
}

fn event(open: &Open, kind: AuditKind, role: &RoleName) -> AuditEvent {
    AuditEvent {
        detail: Some(role.as_str().to_owned()),
        ..open.event(kind)
    }
}

async fn add(
    context: &Context,
    open: &Open,
    name: &RoleName,
    description: &str,
) -> Result<ExitCode, CliError> {
    if description.chars().any(char::is_control) || description.len() > 500 {
        return Err(refused(
            "the description is longer than 500 bytes or has control characters",
            "write one line",
        ));
    }
    let event = event(open, AuditKind::RoleAdded, name);
    match open.store.add_role(name, description, event).await {
        Err(StoreError::Conflict) => Err(refused(
            format!("there is a role {name} already"),
            "`doorward role list` shows it",
        )),
        added => {
            added?;
            let document = json!({"role": {"name": name.as_str(), "description": description},
                "created_roles": [name.as_str()]});
            context.done(&document, |_| format!("created role {name}\n"))
        }
    }
}

async fn list(context: &Context, open: &Open) -> Result<ExitCode, CliError> {
    let sps = open.store.service_providers().await?.readable;
    let asking = |role: &RoleName| -> Vec<String> {
        let sps = sps.iter().filter(|sp| sp.rule.names(role));
        sps.map(|sp| sp.name.as_str().to_owned()).collect()
    };
    let roles = open.store.roles().await?;
    let is_everyone = |role: &RoleName| role.as_str() == RoleName::EVERYONE;
    let documents: Vec<_> = roles
        .iter()
        .map(|role| {
            let holders = (!is_everyone(&role.name)).then_some(role.holders);
            json!({"name": role.name.as_str(), "description": role.description,
                "holders": holders, "required_by": asking(&role.name),
                "built_in": is_everyone(&role.name)})
        })
        .collect();
    context.done(&json!({ "roles": documents }), |style| {
        let mut table = Table::new(["ROLE", "HOLDERS", "ASKED FOR BY", "DESCRIPTION"]);
        for role in &roles {
            let holders = if is_everyone(&role.name) {
                "all".to_owned()
            } else {
                role.holders.to_string()
            };
            table.row([
                (Tone::Strong, role.name.as_str().to_owned()),
                (Tone::Plain, holders),
                (Tone::Plain, asking(&role.name).join(", ")),
                (Tone::Quiet, role.description.clone()),
            ]);
        }
        table.print(style, "There are no roles yet.")
    })
}

async fn remove(context: &Context, open: &Open, name: &RoleName) -> Result<ExitCode, CliError> {
    let event = event(open, AuditKind::RoleRemoved, name);
    match open.store.remove_role(name, event).await {
        Err(StoreError::RoleInUse { sp }) => Err(refused(
            format!("the rule of {sp} asks for the role {name}"),
            format!(
                "give it another rule first: `doorward sp update {sp} --require-role R`, \
                 or `doorward metadata update` if it is a source"
            ),
        )),
        Ok(false) => Err(refused(
            format!("there is no role {name}"),
            "`doorward role list` shows them",
        )),
        removed => {
            removed?;
            let document = json!({"role": name.as_str(), "removed": true});
            context.done(&document, |_| format!("removed role {name}\n"))
        }
    }
}
