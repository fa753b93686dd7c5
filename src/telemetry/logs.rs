//! Logs, on standard error, as text for people or as JSON for machines.

use std::io::{self, Write};

use clap::ValueEnum;
use tracing_subscriber::{EnvFilter, filter::ParseError, fmt, util::TryInitError};

use sagevpc_core::types::plain;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The filter cannot be read.
    #[error(
        "{filter:?} is no log filter: write a level (error, warn, info, debug, trace) or levels by module as in info,sagevpc=debug"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
    /// Something in this process logs already.
    #[error("logging was started twice")]
    Twice(#[source] TryInitError),
}

/// Our own spans name the object and the pass already, and each failed call is
/// reported by whoever made it: the Kubernetes libraries would only say it all
/// again. A filter that names them has the last word.
const QUIET: &str = "kube_runtime=warn,kube_client=off";

/// Starts logging what `filter` lets through.
///
/// # Errors
///
/// When the filter cannot be read, or something logs already.
pub fn start(format: LogFormat, filter: &str) -> Result<(), LogsError> {
    use tracing_subscriber::util::SubscriberInitExt;

    let filter = EnvFilter::try_new(format!("{QUIET},{filter}")).map_err(|source| LogsError::Filter {
        filter: filter.to_owned(),
        source,
    })?;
    let subscriber = fmt()
        .with_env_filter(filter)
        .with_writer(|| Plain(std::io::stderr()))
        // Colours would be escaped too.
        .with_ansi(false);
    match format {
        LogFormat::Text => subscriber.finish().try_init(),
        LogFormat::Json => subscriber
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .finish()
            .try_init(),
    }
    .map_err(LogsError::Twice)
}

/// Writes lines without what steers a terminal: names and descriptions in them
/// are anybody's.
struct Plain<W>(W);

impl<W: Write> Write for Plain<W> {
    /// Whole lines come at once, so that no character is cut in two.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(plain(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// An error with all that caused it, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source()).fold(error.to_string(), |mut text, cause| {
        let cause = cause.to_string();
        // Many errors repeat their cause in their own text.
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the outer")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("the middle: {0}")]
    struct Middle(#[source] std::num::ParseIntError);

    #[test]
    fn lines_steer_no_terminal() {
        let mut written = Vec::new();
        Plain(&mut written).write_all("a\u{1b}]0;b\u{7}\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), "a\\u001b]0;b\\u0007\n");
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        let inner = "x".parse::<i32>().unwrap_err();
        let expected = format!("the outer: the middle: {inner}");
        assert_eq!(chain(&Outer(Middle(inner))), expected);
    }
}
