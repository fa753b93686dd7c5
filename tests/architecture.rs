//! Holds the code to the rules that its shape rests on: what pure modules may
//! know, how large a file gets, and that nothing but a test may panic.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What is pure, as paths under `src`.
const PURE: &[&str] = &[
    "api",
    "catalog",
    "cli/explanation.rs",
    "cli/objects.rs",
    "cli/render.rs",
    "desired",
    "lease/election.rs",
    "lease/moment.rs",
    "lease/record.rs",
    "observed",
    "plan",
    "policy",
    "reach",
    "status",
    "types",
    "validate",
    "validate.rs",
];

/// What pure modules may take from kube: derives, metadata, and nothing that
/// talks to a server.
const PURE_PARTS_OF_KUBE: &[&str] = &["CustomResource", "KubeSchema", "Resource", "ResourceExt", "core"];

/// What no pure module may name, and why.
const IMPURE: &[(&str, &str)] = &[
    ("aws_sdk_", "pure modules know no AWS SDK; convert its types in src/aws"),
    (
        "aws_config",
        "pure modules know no AWS SDK; convert its types in src/aws",
    ),
    (
        "aws_smithy_",
        "pure modules know no AWS SDK; convert its types in src/aws",
    ),
    ("tokio", "pure modules know no runtime"),
    ("futures", "pure modules know no runtime"),
    ("async ", "pure modules wait for nothing"),
    (".await", "pure modules wait for nothing"),
    (
        "Timestamp::now",
        "pure modules know no clock; take the time as an argument",
    ),
    ("Zoned::now", "pure modules know no clock; take the time as an argument"),
    ("SystemTime", "pure modules know no clock; take the time as an argument"),
    ("Instant", "pure modules know no clock; take the time as an argument"),
    ("fastrand", "pure modules draw nothing; take randomness as an argument"),
    ("tracing", "pure modules give values; whoever called them may log these"),
    (
        "std::fs",
        "pure modules read and write no files; take text as an argument",
    ),
    ("std::env", "pure modules read no environment; take values as arguments"),
    ("TcpStream", "pure modules talk to nobody"),
    ("UdpSocket", "pure modules talk to nobody"),
    (
        "crate::aws",
        "pure modules know nothing of the modules that talk to AWS",
    ),
    (
        "crate::cluster",
        "pure modules know nothing of the modules that talk to Kubernetes",
    ),
    (
        "crate::controller",
        "pure modules know nothing of the controller that calls them",
    ),
    ("crate::telemetry", "pure modules know nothing of telemetry"),
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

/// A file of `src`.
struct Source {
    /// Its path under `src`.
    path: String,
    /// Its lines, each with its number, without comments and tests.
    code: Vec<(usize, String)>,
    /// How many lines it has, all counted.
    length: usize,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let sources: Vec<Source> = files
        .iter()
        .map(|file| {
            let text = fs::read_to_string(file).expect("a source file can be read");
            let path = file.strip_prefix(&root).expect("it is under src");
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
    assert!(sources.len() > 50, "the sources were not found");
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

/// The names that a file takes directly from kube.
fn taken_from_kube(code: &[(usize, String)]) -> BTreeSet<String> {
    let text: String = code.iter().map(|(_, line)| format!("{line}\n")).collect();
    let mut names = BTreeSet::new();
    for (start, _) in text.match_indices("kube::") {
        let is_own_module = text[..start].ends_with(|before: char| before.is_alphanumeric() || "_:".contains(before));
        if is_own_module {
            continue;
        }
        let rest = &text[start + "kube::".len()..];
        let listed = match rest.strip_prefix('{') {
            Some(list) => top_level(list),
            None => vec![rest],
        };
        for name in listed {
            let name: String = name
                .trim()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if !name.is_empty() {
                names.insert(name);
            }
        }
    }
    names
}

/// The entries of a `use` list, up to its closing brace.
fn top_level(list: &str) -> Vec<&str> {
    let mut entries = Vec::new();
    let (mut depth, mut begin) = (0, 0);
    for (place, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => {
                entries.push(&list[begin..place]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                entries.push(&list[begin..place]);
                begin = place + 1;
            }
            _ => {}
        }
    }
    entries
}

fn report(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn every_pure_module_is_there() {
    let sources = sources();
    for pure in PURE {
        let is_there = sources
            .iter()
            .any(|source| source.path == *pure || source.path.starts_with(&format!("{pure}/")));
        assert!(is_there, "src/{pure} is listed as pure and is not there");
    }
}

#[test]
fn pure_modules_know_no_client_no_runtime_and_no_clock() {
    let mut problems = Vec::new();
    for source in sources().iter().filter(|source| is_pure(&source.path)) {
        for (number, line) in &source.code {
            for (word, why) in IMPURE.iter().filter(|(word, _)| names(line, word)) {
                problems.push(format!("src/{}:{number} names {word}: {why}", source.path));
            }
        }
        for name in taken_from_kube(&source.code) {
            if !PURE_PARTS_OF_KUBE.contains(&name.as_str()) {
                problems.push(format!(
                    "src/{} uses kube::{name}: pure modules talk to no API server",
                    source.path
                ));
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
                "src/{} has {} lines, more than {MAX_LINES}: split it",
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
                    "src/{}:{number} has {panics}: give an error, or say in the types that it cannot happen",
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
    assert_eq!(
        taken_from_kube(&code),
        ["ResourceExt", "runtime"].map(str::to_owned).into()
    );
    assert!(names("use tokio::time;", "tokio") && names("x.await", ".await"));
    assert!(!names("let raws_x = 1;", "aws_") && !names("\"tokio\"", "tokio"));
}
