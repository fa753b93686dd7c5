//! The `sagevpc` command.

use std::process::ExitCode;

use clap::Parser;
use sagevpc::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().execute().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sagevpc: {error:#}");
            ExitCode::FAILURE
        }
    }
}
