//! Files that the command line is given.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// The most that is read of an object or a policy.
const MAX_DOCUMENT: u64 = 32 << 20;

/// The most that is read of one file of a snapshot: what AWS's largest answers
/// come to, many times over.
const MAX_SNAPSHOT_FILE: u64 = 512 << 20;

/// A file's text; `-` is standard input.
///
/// # Errors
///
/// When it cannot be opened, is no file, is too large, or is not UTF-8.
pub(super) fn read(file: &str) -> io::Result<String> {
    if file == "-" {
        return text(io::stdin().lock(), MAX_DOCUMENT);
    }
    open(Path::new(file)).and_then(|file| text(file, MAX_DOCUMENT))
}

/// The text of a snapshot's file.
///
/// # Errors
///
/// The same.
pub(super) fn read_of_snapshot(path: &Path) -> io::Result<String> {
    open(path).and_then(|file| text(file, MAX_SNAPSHOT_FILE))
}

/// Opens a file. To open a pipe is to wait until someone writes to it, for ever
/// if nobody does, and a device may never end: both are refused. What a shell
/// has opened already (`<(command)` is /dev/fd/63) has someone who writes.
fn open(path: &Path) -> io::Result<File> {
    let is_open_already = ["/dev/fd", "/dev/stdin", "/proc/self/fd"]
        .iter()
        .any(|open| path.starts_with(open));
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() && !metadata.is_dir() && !is_open_already {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a pipe, a device or a socket, and not a file: give a file, or - for standard input",
        ));
    }
    File::open(path)
}

fn text(source: impl Read, most: u64) -> io::Result<String> {
    let mut text = String::new();
    source.take(most + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most {
        let message = format!(
            "it has more than {} MiB, which is more than is read of one file",
            most >> 20
        );
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}
