//! Files that the command line is given.

use std::{
    fs,
    io::{self, Read},
};

/// A file's text; `-` is standard input.
///
/// # Errors
///
/// When it cannot be opened, or is not UTF-8.
pub(super) fn read(file: &str) -> io::Result<String> {
    if file == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(file)
}
