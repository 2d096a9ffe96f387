//! `doorward import`: taking over what other systems hold.

mod plan;
mod rows;
mod users;

use std::process::ExitCode;

use clap::Subcommand;

pub use rows::people_of;

use super::context::Context;
use super::error::CliError;

/// What can be taken over.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  doorward import users people.csv")]
pub(super) enum Import {
    /// Take over users with their roles from a CSV file
    #[command(after_help = "\
The first line names the columns: name, email, display_name, roles (with ; between them) and, where
passwords are taken over, password_hash. It may be run again after an interruption: who is there
already and is the same is passed over. A row that cannot be taken over is named by its line; a row
is taken over as a whole or not at all. Passwords that are there are never replaced.

Example:
  doorward import users people.csv
  doorward import users people.csv --update --json")]
    Users(users::Users),
}

impl Import {
    pub(super) async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
        match self {
            Self::Users(users) => users.run(context).await,
        }
    }
}
