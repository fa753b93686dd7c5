//! The `sagevpc` command.

use std::process::ExitCode;

use clap::Parser;
use sagevpc::cli::{Cli, complain};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) if answer.use_stderr() => {
            // It repeats what it was given.
            complain(&answer.to_string());
            return ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(1));
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
