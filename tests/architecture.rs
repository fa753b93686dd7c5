//! Holds the code to those rules of its shape that Cargo cannot hold it to: pure
//! code knows no clock and no file, no file gets too long, and nothing but a
//! test may panic.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where code is, from the repository's root.
const ROOTS: &[&str] = &["src", "crates/sagevpc-core/src", "crates/iam-policy/src"];

/// What decides and does nothing else. That the crates know no client and no
/// runtime, Cargo holds them to.
const PURE: &[&str] = &[
    "crates/sagevpc-core/src",
    "crates/iam-policy/src",
    "src/lease/election.rs",
    "src/lease/moment.rs",
    "src/lease/record.rs",
];

/// What of the standard library, and of what every crate may depend on, no pure
/// code may name, and why.
const IMPURE: &[(&str, &str)] = &[
    ("async ", "pure code waits for nothing"),
    (".await", "pure code waits for nothing"),
    (
        "Timestamp::now",
        "pure code knows no clock; take the time as an argument",
    ),
    ("Zoned::now", "pure code knows no clock; take the time as an argument"),
    ("SystemTime", "pure code knows no clock; take the time as an argument"),
    ("Instant", "pure code knows no clock; take the time as an argument"),
    ("fastrand", "pure code draws nothing; take randomness as an argument"),
    (
        "std::fs",
        "pure code reads and writes no files; take text as an argument",
    ),
    ("std::env", "pure code reads no environment; take values as arguments"),
    ("std::thread", "pure code starts nothing"),
    ("TcpStream", "pure code talks to nobody"),
    ("UdpSocket", "pure code talks to nobody"),
];

/// What may panic, and has no place outside tests.
const PANICS: &[&str] = &[
    ".unwrap()",
    ".expect(",
    ".unwrap_err()",
    ".expect_err(",
    "panic!(",
    "unreachable!(",
    "todo!(",
    "unimplemented!(",
    "dbg!(",
];

/// Lines that a file has at most.
const MAX_LINES: usize = 600;

/// A file of code.
struct Source {
    /// Its path from the repository's root.
    path: String,
    /// Its lines, each with its number, without comments and tests.
    code: Vec<(usize, String)>,
    /// How many lines it has, all counted.
    length: usize,
}

fn sources() -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for root in ROOTS {
        collect(&top.join(root), &mut files);
    }
    files.sort();
    let sources: Vec<Source> = files
        .iter()
        .map(|file| {
            let text = fs::read_to_string(file).expect("a source file can be read");
            let path = file.strip_prefix(top).expect("it is in the repository");
            let path = path.to_str().expect("its name is UTF-8").replace('\\', "/");
            let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
            Source {
                code: if is_test {
                    Vec::new()
                } else {
                    without_tests_and_comments(&text)
                },
                length: text.lines().count(),
                path,
            }
        })
        .collect();
    for root in ROOTS {
        let is_there = sources.iter().any(|source| source.path.starts_with(root));
        assert!(is_there, "{root} has no sources");
    }
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources can be listed") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The lines that are compiled into the program. An item under `#[cfg(test)]`
/// ends, as rustfmt writes it, at the brace of its own indentation, or at the
/// semicolon of its first line.
fn without_tests_and_comments(text: &str) -> Vec<(usize, String)> {
    let mut code = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
            let is_end = |line: &str, first: bool| line == end || (first && line.trim_end().ends_with(';'));
            let mut first = true;
            for (_, inner) in lines.by_ref() {
                if is_end(inner, first) {
                    break;
                }
                first = first && inner.trim_start().starts_with("#[");
            }
        } else if !line.trim_start().starts_with("//") {
            let code_part = line.split(" // ").next().unwrap_or(line);
            code.push((number + 1, code_part.to_owned()));
        }
    }
    code
}

fn is_pure(path: &str) -> bool {
    PURE.iter()
        .any(|pure| path == *pure || path.strip_prefix(pure).is_some_and(|rest| rest.starts_with('/')))
}

fn report(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn all_that_is_listed_as_pure_is_there() {
    let sources = sources();
    for pure in PURE {
        let is_there = sources
            .iter()
            .any(|source| source.path == *pure || source.path.starts_with(&format!("{pure}/")));
        assert!(is_there, "{pure} is listed as pure and is not there");
    }
}

#[test]
fn pure_code_knows_no_clock_and_no_file() {
    let mut problems = Vec::new();
    for source in sources().iter().filter(|source| is_pure(&source.path)) {
        for (number, line) in &source.code {
            for (word, why) in IMPURE.iter().filter(|(word, _)| names(line, word)) {
                problems.push(format!("{}:{number} names {word}: {why}", source.path));
            }
        }
    }
    report(&problems);
}

/// Whether the line names the word, and not a longer word that ends in it, nor
/// a text in quotes that happens to hold it.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let before = &line[..start];
        let is_quoted = before.matches('"').count() % 2 == 1;
        let is_part =
            word.starts_with(char::is_alphanumeric) && before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        !is_quoted && !is_part
    })
}

#[test]
fn no_file_is_too_long_to_read() {
    let problems: Vec<String> = sources()
        .iter()
        .filter(|source| source.length > MAX_LINES)
        .map(|source| {
            format!(
                "{} has {} lines, more than {MAX_LINES}: split it",
                source.path, source.length
            )
        })
        .collect();
    report(&problems);
}

#[test]
fn only_tests_may_panic() {
    let mut problems = Vec::new();
    for source in &sources() {
        for (number, line) in &source.code {
            for panics in PANICS.iter().filter(|panics| line.contains(**panics)) {
                problems.push(format!(
                    "{}:{number} has {panics}: give an error, or say in the types that it cannot happen",
                    source.path
                ));
            }
        }
    }
    report(&problems);
}

#[test]
fn the_scanner_sees_what_it_must() {
    let code = without_tests_and_comments(
        "use kube::{\n    ResourceExt,\n    runtime::{watcher, reflector},\n};\n// kube::Client\n#[cfg(test)]\nmod tests;\nlet a = 1; // tokio\n#[cfg(test)]\nmod other {\n    use kube::Api;\n}\nfn last() {}\n",
    );
    let text: Vec<&str> = code.iter().map(|(_, line)| line.as_str()).collect();
    assert!(text.contains(&"fn last() {}") && text.contains(&"let a = 1;"));
    assert!(names("use tokio::time;", "tokio") && names("x.await", ".await"));
    assert!(!names("let raws_x = 1;", "aws_") && !names("\"tokio\"", "tokio"));
}
