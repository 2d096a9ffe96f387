//! The `doorward` program: everything is in the library, the command line in `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    doorward::cli::run()
}
