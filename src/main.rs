//! The `sagevpc` command.

use std::process::ExitCode;

use clap::Parser;
use sagevpc::cli::{Cli, USAGE, complain};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) if answer.use_stderr() => {
            // It repeats what it was given.
            complain(&answer.to_string());
            return ExitCode::from(USAGE);
        }
        Err(help) => help.exit(),
    };
    match cli.execute().await {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("sagevpc: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}
