//! Manifests that the command line is given: files, and folders of them.

use std::{fs, path::Path};

use super::plan::PlanError;

/// What files of manifests end in.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// How deep files may lie, so that a loop of links ends.
const MOST_LEVELS: usize = 16;

/// The files that are named, and for a folder those below it, in the order of
/// their names.
///
/// # Errors
///
/// When a folder cannot be read, or has no manifest.
pub(super) fn files(named: &[String]) -> Result<Vec<String>, PlanError> {
    let mut files = Vec::new();
    for name in named {
        let path = Path::new(name);
        if name == "-" || !path.is_dir() {
            files.push(name.clone());
            continue;
        }
        let before = files.len();
        walk(path, MOST_LEVELS, &mut files)?;
        if files.len() == before {
            return Err(PlanError::NoManifests { folder: name.clone() });
        }
    }
    Ok(files)
}

fn walk(folder: &Path, levels: usize, files: &mut Vec<String>) -> Result<(), PlanError> {
    let failed = |error| PlanError::File {
        file: folder.display().to_string(),
        error,
    };
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(failed)?.collect();
    let mut paths: Vec<_> = entries.map_err(failed)?.iter().map(fs::DirEntry::path).collect();
    paths.sort();
    for path in paths {
        let is_hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_manifest = path
            .extension()
            .is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            if levels > 0 {
                walk(&path, levels - 1, files)?;
            }
        } else if is_manifest {
            files.push(path.display().to_string());
        }
    }
    Ok(())
}
