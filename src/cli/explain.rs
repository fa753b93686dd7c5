//! `sagevpc explain`: what a kind of workload needs.

use std::{io, process::ExitCode};

use super::output;
use sagevpc_core::{
    catalog::{TAKERS, Taker, WorkloadKind, taker},
    render::explanation::{Explanation, list, of_taker},
};

/// What to explain, and how.
#[derive(clap::Args, Debug)]
pub struct ExplainArgs {
    /// The kind of workload, in any case, or something that is declared as other
    /// kinds, such as `AutoML`; without it, all are listed.
    #[arg(value_parser = topic)]
    kind: Option<Topic>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// What can be explained.
#[derive(Clone, Copy, Debug)]
enum Topic {
    Kind(WorkloadKind),
    Taker(&'static Taker),
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
        (Output::Text, Some(Topic::Kind(kind))) => return Ok(Explanation::of(kind).text()),
        (Output::Text, Some(Topic::Taker(taker))) => return Ok(of_taker(taker)),
        (Output::Text, None) => return Ok(list()),
        (Output::Json, Some(Topic::Kind(kind))) => serde_json::to_string_pretty(&Explanation::of(kind))?,
        (Output::Json, Some(Topic::Taker(taker))) => {
            let kinds: Vec<Explanation> = taker.kinds.iter().map(|kind| Explanation::of(*kind)).collect();
            serde_json::to_string_pretty(&kinds)?
        }
        (Output::Json, None) => serde_json::to_string_pretty(&WorkloadKind::ALL.map(Explanation::of))?,
    };
    text.push('\n');
    Ok(text)
}

fn topic(word: &str) -> Result<Topic, String> {
    let kind = WorkloadKind::ALL
        .into_iter()
        .find(|kind| kind.as_str().eq_ignore_ascii_case(word));
    let other = || taker(word).map(Topic::Taker);
    kind.map(Topic::Kind).or_else(other).ok_or_else(|| {
        let kinds = WorkloadKind::ALL.map(WorkloadKind::as_str).into_iter();
        let all = kinds.chain(TAKERS.iter().map(|taker| taker.name));
        format!("is none of {}", sagevpc_core::types::joined(all))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_in_any_case() {
        for known in WorkloadKind::ALL {
            let found = topic(&known.to_string().to_lowercase());
            assert!(matches!(found, Ok(Topic::Kind(kind)) if kind == known), "{found:?}");
        }
        assert!(topic("Pipeline").unwrap_err().contains("ModelMonitor"));
    }

    #[test]
    fn what_is_no_kind_says_as_which_it_is_declared() {
        let args = ExplainArgs {
            kind: Some(topic("automl").unwrap()),
            output: Output::Text,
        };
        let text = text(&args).unwrap();
        assert!(
            text.contains("CreateAutoMLJobV2") && text.contains("Transform"),
            "{text}"
        );
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
