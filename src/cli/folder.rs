//! Snapshots in folders: one account and region, or several, in any layout.
//!
//! Every file of JSON below the folder is looked at. Those that lie together are
//! one snapshot; the names of files and folders say of which account and region,
//! where the files do not: `accounts/ACCOUNT/REGION/`, alone or in
//! `aws_configs/`, is the layout that Batfish reads, as are `aws_configs/REGION/`
//! and `aws_configs/` with the files themselves. What does not stand alone, such
//! as route tables without subnets, is put to what it belongs to. See
//! <https://batfish.readthedocs.io/en/latest/notebooks/aws.html>.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use super::{input, output};
use sagevpc_core::{
    observed::{
        Snapshot,
        files::{FileKind, ORIGIN, Reading, SnapshotFileError},
        is_region,
    },
    types::{AccountId, Region},
};

/// How deep files may lie, so that a loop of links ends.
const MOST_LEVELS: usize = 8;

/// How many files are named in a message.
const MOST_NAMED: usize = 20;

/// How many files and folders are looked at: more are no snapshot's, but a whole
/// disk's.
const MOST_FILES: usize = 20_000;

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
    /// It is a file.
    #[error("{path} is a file: --snapshot takes the folder that holds {}", FileKind::Vpcs.file())]
    NoFolder {
        /// Which.
        path: String,
    },
    /// A file is not what its command prints.
    #[error(transparent)]
    Content(#[from] SnapshotFileError),
    /// Nothing in the folder is of a snapshot.
    #[error(
        "there is no snapshot in {folder}: looked in it and in the folders below it for {looked_for}, each as \
         `aws ec2 describe-…` prints it (`sagevpc snapshot` saves them); found {found}"
    )]
    Nothing {
        /// The folder.
        folder: String,
        /// The files' names.
        looked_for: String,
        /// What is there.
        found: String,
    },
    /// There are too many files.
    #[error("{folder} has more than {MOST_FILES} files and folders below it: name the one that holds the snapshot")]
    TooMany {
        /// The folder.
        folder: String,
    },
}

/// A snapshot, and where it lay.
#[derive(Debug)]
pub struct Located {
    /// What was seen.
    pub snapshot: Snapshot,
    /// The folder, from the one that was named.
    pub folder: String,
}

impl Located {
    /// Whether it is of an account and a region, where these are asked for.
    pub fn is_of(&self, account: Option<&str>, region: Option<&str>) -> bool {
        let found = (self.snapshot.account.as_ref(), self.snapshot.region.as_ref());
        account.is_none_or(|asked| found.0.is_some_and(|id| id.as_str() == asked))
            && region.is_none_or(|asked| found.1.is_some_and(|region| region.as_str() == asked))
    }
}

/// The snapshots by account, region and folder, for a message.
pub fn places<'l>(snapshots: impl IntoIterator<Item = &'l Located>) -> String {
    let place = |located: &Located| {
        let account = located.snapshot.account.as_ref().map(|id| format!("account {id}"));
        let region = located.snapshot.region.as_ref().map(ToString::to_string);
        let names: Vec<String> = [account, region].into_iter().flatten().collect();
        let names = if names.is_empty() {
            "unknown".to_owned()
        } else {
            names.join(" ")
        };
        format!("{names} (in {})", located.folder)
    };
    let places: Vec<String> = snapshots.into_iter().map(place).collect();
    places.join(", ")
}

/// Of which account and region files are, as their names say.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    account: Option<String>,
    region: Option<String>,
}

/// Reads every snapshot in a folder, in the order of their folders, and says on
/// standard error what could not be read of them.
///
/// # Errors
///
/// When the folder is not there or holds no snapshot, a file in it cannot be
/// opened, or one that has the name of a snapshot's file is not what its command
/// prints.
pub fn load(folder: &Path) -> Result<Vec<Located>, FolderError> {
    if fs::metadata(folder)
        .map_err(|error| cannot_open(folder, error))?
        .is_file()
    {
        return Err(FolderError::NoFolder {
            path: folder.display().to_string(),
        });
    }
    let mut found = BTreeSet::new();
    walk(folder, folder, MOST_LEVELS, &mut found)?;
    let mut readings: BTreeMap<(PathBuf, Place), Reading> = BTreeMap::new();
    for path in found.iter().filter(|path| is_json(path)) {
        let file = folder.join(path);
        let text = match input::read_of_snapshot(&file) {
            Ok(text) => text,
            Err(error) if is_of_snapshot(path) => return Err(cannot_open(&file, error)),
            Err(_) => continue,
        };
        let key = (path.parent().unwrap_or(Path::new("")).to_owned(), Place::of(path));
        let mut reading = readings.remove(&key).unwrap_or_default();
        let has_part = reading.add(&path.to_string_lossy(), &text)?;
        if has_part || reading != Reading::default() {
            readings.insert(key, reading);
        }
    }
    if readings.is_empty() {
        return Err(nothing(folder, &found));
    }
    let located: Vec<Located> = put_together(readings)
        .into_iter()
        .map(|(path, reading)| Located {
            snapshot: reading.finish(),
            folder: folder.join(path).display().to_string(),
        })
        .collect();
    complain_of(&located);
    Ok(located)
}

fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

/// Whether a file has the name of one of a snapshot's.
fn is_of_snapshot(path: &Path) -> bool {
    let names = FileKind::ALL.iter().map(|kind| kind.file()).chain([ORIGIN]);
    let is_it = |name: &str| path.file_name().is_some_and(|found| found.eq_ignore_ascii_case(name));
    names.into_iter().any(is_it)
}

/// Files of the snapshot that stand alone, each with what does not and is not of
/// another account or region.
fn put_together(readings: BTreeMap<(PathBuf, Place), Reading>) -> Vec<(PathBuf, Reading)> {
    let placed = readings.into_iter().map(|((path, place), mut reading)| {
        let (account, region) = (place.account.map(AccountId::new), place.region.map(Region::new));
        reading.place(account.as_ref(), region.as_ref());
        (path, reading)
    });
    let (mut whole, parts): (Vec<_>, Vec<_>) = placed.partition(|(_, reading)| reading.stands_alone());
    let is_of_another = |one: &Reading, other: &Reading| {
        let accounts = one.account().zip(other.account());
        let regions = one.region().zip(other.region());
        accounts.is_some_and(|(one, other)| one != other) || regions.is_some_and(|(one, other)| one != other)
    };
    let mut rest: Vec<(PathBuf, Reading)> = Vec::new();
    for (path, part) in parts {
        let mut is_used = false;
        for (_, reading) in whole.iter_mut().filter(|(_, reading)| !is_of_another(reading, &part)) {
            reading.merge(&part);
            is_used = true;
        }
        if !is_used {
            match rest.iter_mut().find(|(_, other)| !is_of_another(other, &part)) {
                Some((_, other)) => other.merge(&part),
                None => rest.push((path, part)),
            }
        }
    }
    whole.extend(rest);
    whole
}

impl Place {
    /// What the names of a file and its folders say; the innermost counts.
    fn of(path: &Path) -> Self {
        let mut place = Self::default();
        for name in path.components() {
            let name = name.as_os_str().to_string_lossy();
            let words = || name.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
            let is_account = |word: &&str| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_digit());
            let account = words().flat_map(|word| word.split('-')).find(is_account);
            let region = words().find_map(region_in);
            place.account = account.map(str::to_owned).or(place.account);
            place.region = region.or(place.region);
        }
        place
    }
}

/// A region's code in a word that may have more to it, such as `us-east-1-vpcs`.
fn region_in(word: &str) -> Option<String> {
    let parts: Vec<&str> = word.split('-').collect();
    let spans = (3..=4).flat_map(|length| parts.windows(length));
    spans.map(|span| span.join("-")).find(|text| is_region(text))
}

/// Everything below a folder that is no folder, by its path from the root.
fn walk(root: &Path, folder: &Path, levels: usize, found: &mut BTreeSet<PathBuf>) -> Result<(), FolderError> {
    let failed = |error| cannot_open(folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        if found.len() >= MOST_FILES {
            return Err(FolderError::TooMany {
                folder: root.display().to_string(),
            });
        }
        if path.is_dir() {
            if levels > 0 {
                walk(root, &path, levels - 1, found)?;
            }
        } else {
            found.insert(path.strip_prefix(root).unwrap_or(&path).to_owned());
        }
    }
    Ok(())
}

fn nothing(folder: &Path, found: &BTreeSet<PathBuf>) -> FolderError {
    let looked_for: Vec<&str> = FileKind::ALL.iter().map(|kind| kind.file()).collect();
    let mut names: Vec<String> = found
        .iter()
        .take(MOST_NAMED)
        .map(|path| path.display().to_string())
        .collect();
    if names.is_empty() {
        names.push("no file at all".to_owned());
    } else if found.len() > MOST_NAMED {
        names.push(format!("{} more", found.len() - MOST_NAMED));
    }
    FolderError::Nothing {
        folder: folder.display().to_string(),
        looked_for: looked_for.join(", "),
        found: names.join(", "),
    }
}

/// Says what could not be read, each once.
fn complain_of(located: &[Located]) {
    let unread = located.iter().flat_map(|located| &located.snapshot.unread);
    let unread: BTreeSet<String> = unread.map(ToString::to_string).collect();
    let mut text = String::new();
    for line in unread.iter().take(MOST_NAMED) {
        let _ = writeln!(text, "sagevpc: cannot read {line}; what depends on it is unknown");
    }
    if unread.len() > MOST_NAMED {
        let _ = writeln!(text, "sagevpc: cannot read {} more", unread.len() - MOST_NAMED);
    }
    output::complain(&text);
}

fn cannot_open(path: &Path, error: io::Error) -> FolderError {
    FolderError::File {
        path: path.display().to_string(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_of_which_account_and_region_files_are() {
        for (path, account, region) in [
            ("Vpcs.json", None, None),
            (
                "aws_configs/accounts/111122223333/us-east-1/Vpcs.json",
                Some("111122223333"),
                Some("us-east-1"),
            ),
            ("aws_configs/us-gov-west-1/Vpcs.json", None, Some("us-gov-west-1")),
            (
                "prod-111122223333/eu-west-2-vpcs.json",
                Some("111122223333"),
                Some("eu-west-2"),
            ),
            ("us-east-1/cases/eu-west-1/Vpcs.json", None, Some("eu-west-1")),
            ("region=us-east-1/Vpcs.json", None, Some("us-east-1")),
        ] {
            let place = Place::of(Path::new(path));
            assert_eq!(
                (place.account.as_deref(), place.region.as_deref()),
                (account, region),
                "{path}"
            );
        }
    }
}
