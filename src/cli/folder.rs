//! Snapshots in folders: one account and region, or several.
//!
//! A folder holds a snapshot's files itself, or folders
//! `accounts/ACCOUNT/REGION/` that do, alone or in `aws_configs/`: the layout
//! that Batfish reads, with the same names of files. See
//! <https://batfish.readthedocs.io/en/latest/notebooks/aws.html>.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::input;
use sagevpc_core::{
    observed::{
        Snapshot,
        files::{self, SnapshotFileError},
    },
    types::{AccountId, Region},
};

/// Why a snapshot cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file or folder cannot be opened.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// A file is not what its command prints.
    #[error(transparent)]
    Content(#[from] SnapshotFileError),
}

/// Reads every snapshot in a folder, in the order of accounts and regions.
///
/// # Errors
///
/// When the folder is not there, a file in it cannot be opened, or is not what
/// its command prints.
pub fn load(folder: &Path) -> Result<Vec<Snapshot>, FolderError> {
    let nested = [folder.join("accounts"), folder.join("aws_configs/accounts")];
    let Some(accounts) = nested.iter().find(|nested| nested.is_dir()) else {
        subfolders(folder)?;
        return Ok(vec![read(folder)?]);
    };
    let mut snapshots = Vec::new();
    for (account, folder) in subfolders(accounts)? {
        for (region, folder) in subfolders(&folder)? {
            let mut snapshot = read(&folder)?;
            snapshot.account.get_or_insert_with(|| AccountId::new(&account));
            snapshot.region.get_or_insert_with(|| Region::new(&region));
            snapshots.push(snapshot);
        }
    }
    Ok(snapshots)
}

/// The folders in a folder, by name.
fn subfolders(folder: &Path) -> Result<Vec<(String, PathBuf)>, FolderError> {
    let failed = |error| cannot_open(folder, error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let (true, Some(name)) = (path.is_dir(), path.file_name()) {
            found.push((name.to_string_lossy().into_owned(), path.clone()));
        }
    }
    found.sort();
    Ok(found)
}

fn cannot_open(path: &Path, error: io::Error) -> FolderError {
    FolderError::File {
        path: path.display().to_string(),
        error,
    }
}

/// Reads one snapshot. Files that are missing were not looked at.
fn read(folder: &Path) -> Result<Snapshot, FolderError> {
    let mut problem = None;
    let snapshot = files::read(|name| {
        let path = folder.join(name);
        match input::read_of_snapshot(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                problem.get_or_insert(cannot_open(&path, error));
                None
            }
        }
    })?;
    problem.map_or(Ok(snapshot), Err)
}
