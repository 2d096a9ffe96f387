//! The command line: one file per command. Each reads its arguments, asks storage and `access`,
//! and says what was done; none of them decides who may enter.

mod access;
mod actor;
mod audit;
mod boot;
mod certificate;
mod check;
mod context;
mod database;
#[cfg(feature = "demo")]
mod demo;
mod endings;
mod error;
mod fetch;
mod import;
mod init;
mod key;
mod logging;
mod matrix;
mod metadata;
mod output;
mod password;
mod progress;
mod role;
mod serve;
mod session;
mod sp;
mod tell;
mod tls;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tokio::runtime::Builder;

pub use boot::{BootError, Booted, boot};
pub use error::CliError;
pub use import::people_of;
pub use serve::app;

use context::Context;
use output::Output;

/// The role that the administrators' console asks for.
pub const ADMINISTRATOR_ROLE: &str = "doorward-admin";

/// A SAML 2.0 identity provider that is closed by default.
#[derive(Debug, Parser)]
#[command(
    name = "doorward",
    version,
    propagate_version = true,
    after_help = "\
Example:
  doorward init --base-url https://login.example.org
  doorward sp add --metadata https://store.example.org/saml/metadata --name store --require-role consumer
  doorward user add ada --email ada@example.org --display-name Ada --role consumer
  doorward access explain ada store"
)]
struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What stands over these options in every `--help`.
const HEADING: &str = "Options of every command";

#[derive(Debug, Args)]
struct Global {
    /// The configuration file [default: doorward.toml, which may be absent]
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    config: Option<PathBuf>,
    /// Say the same as one JSON document
    #[arg(long, global = true, help_heading = HEADING)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the identity provider
    Serve(serve::Serve),
    /// Run the whole story on loopback: identity provider, store, publisher, sample users
    #[cfg(feature = "demo")]
    Demo(demo::Demo),
    /// Write doorward.toml and make the first administrator
    Init(init::Init),
    /// Check configuration, database, keys and every registered SP
    Check(check::Check),
    /// Users: who may prove to be somebody
    #[command(subcommand)]
    User(user::User),
    /// The whole database: copies to another one, backups
    #[command(subcommand)]
    Database(database::Database),
    /// Take over users from another system
    #[command(subcommand)]
    Import(import::Import),
    /// Roles: what people hold and doors ask for
    #[command(subcommand)]
    Role(role::Role),
    /// Service providers: the doors
    #[command(subcommand)]
    Sp(Box<sp::Sp>),
    /// Sources of metadata: many service providers at once, refreshed
    #[command(subcommand)]
    Metadata(metadata::Metadata),
    /// Who may enter what, and why
    #[command(subcommand)]
    Access(access::Access),
    /// Sessions: who is signed in
    #[command(subcommand)]
    Session(session::Session),
    /// Our keys: to sign with, and to be encrypted to
    #[command(subcommand)]
    Key(key::Key),
    /// The audit log
    #[command(subcommand)]
    Audit(audit::Audit),
}

/// Runs the program: exit status 0 done, 1 refused or failed, 2 wrong usage.
#[must_use]
pub fn run() -> ExitCode {
    let CommandLine { global, command } = CommandLine::parse();
    let context = Context::new(global.config, Output::new(global.json));
    let done = match command.runtime().enable_all().build() {
        Ok(runtime) => runtime.block_on(async {
            let done = perform(command, &context).await;
            context.close().await;
            done
        }),
        Err(error) => Err(CliError::Output(error)),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            for line in error.to_string().lines() {
                eprintln!("doorward: {}", output::plain(line));
            }
            ExitCode::from(error.status())
        }
    }
}

impl Command {
    /// A server uses every processor; a command that ends at once needs no threads.
    fn runtime(&self) -> Builder {
        match self {
            Self::Serve(_) => Builder::new_multi_thread(),
            #[cfg(feature = "demo")]
            Self::Demo(_) => Builder::new_multi_thread(),
            _ => Builder::new_current_thread(),
        }
    }
}

async fn perform(command: Command, context: &Context) -> Result<ExitCode, CliError> {
    match command {
        Command::Serve(serve) => serve.run(context).await,
        #[cfg(feature = "demo")]
        Command::Demo(demo) => demo.run(context).await,
        Command::Init(init) => init.run(context).await,
        Command::Check(check) => check.run(context).await,
        Command::User(user) => user.run(context).await,
        Command::Database(database) => database.run(context).await,
        Command::Import(import) => import.run(context).await,
        Command::Role(role) => role.run(context).await,
        Command::Sp(sp) => sp.run(context).await,
        Command::Metadata(metadata) => metadata.run(context).await,
        Command::Access(access) => access.run(context).await,
        Command::Session(session) => session.run(context).await,
        Command::Key(key) => key.run(context).await,
        Command::Audit(audit) => audit.run(context).await,
    }
}
