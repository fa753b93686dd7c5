//! `sagevpc explain`: what a kind of workload needs.

use std::{io, process::ExitCode};

use super::output;
use sagevpc_core::{
    catalog::WorkloadKind,
    render::explanation::{Explanation, list},
};

/// What to explain, and how.
#[derive(clap::Args, Debug)]
pub struct ExplainArgs {
    /// The kind of workload, in any case; without it, all kinds are listed.
    #[arg(value_parser = kind)]
    kind: Option<WorkloadKind>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum Output {
    /// For people.
    Text,
    /// For programs; without a kind, an array of all.
    Json,
}

/// Why it could not be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// It cannot be written as JSON.
    #[error("cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// Standard output is closed.
    #[error("standard output cannot be written to")]
    Output(#[from] io::Error),
}

/// Explains it.
///
/// # Errors
///
/// [`ExplainError`].
pub fn run(args: &ExplainArgs) -> Result<ExitCode, ExplainError> {
    output::print(&text(args)?)?;
    Ok(ExitCode::SUCCESS)
}

fn text(args: &ExplainArgs) -> Result<String, serde_json::Error> {
    let mut text = match (args.output, args.kind) {
        (Output::Text, Some(kind)) => return Ok(Explanation::of(kind).text()),
        (Output::Text, None) => return Ok(list()),
        (Output::Json, Some(kind)) => serde_json::to_string_pretty(&Explanation::of(kind))?,
        (Output::Json, None) => serde_json::to_string_pretty(&WorkloadKind::ALL.map(Explanation::of))?,
    };
    text.push('\n');
    Ok(text)
}

fn kind(word: &str) -> Result<WorkloadKind, String> {
    WorkloadKind::ALL
        .into_iter()
        .find(|kind| kind.to_string().eq_ignore_ascii_case(word))
        .ok_or_else(|| format!("is none of {}", sagevpc_core::types::joined(WorkloadKind::ALL)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_in_any_case() {
        for known in WorkloadKind::ALL {
            assert_eq!(kind(&known.to_string().to_lowercase()), Ok(known));
        }
        assert!(kind("Pipeline").unwrap_err().contains("ModelMonitor"));
    }

    #[test]
    fn without_a_kind_programs_get_all() {
        let args = ExplainArgs {
            kind: None,
            output: Output::Json,
        };
        let all: Vec<serde_json::Value> = serde_json::from_str(&text(&args).unwrap()).unwrap();
        assert_eq!(all.len(), WorkloadKind::ALL.len());
    }
}
