//! What commands print: the one way to standard output and standard error.

use std::io::{self, Write};

use sagevpc_core::types::plain;

/// Prints text, without what steers a terminal. Whoever reads it may have seen
/// enough.
///
/// # Errors
///
/// When standard output cannot be written to.
pub(super) fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(plain(text).as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Says on standard error why a command failed, likewise.
pub fn complain(problem: &str) {
    // There is nobody else to tell.
    let _ = io::stderr().write_all(plain(problem).as_bytes());
}
