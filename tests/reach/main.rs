//! `sagevpc reach` on snapshots in folders: the errors that SageMaker's users
//! see, each with the packet that does not get there (`cases.yaml`), exit
//! states, and folders of several accounts.

#[expect(dead_code, reason = "golden cases need more of it")]
#[path = "../../crates/sagevpc-core/tests/golden/fixture.rs"]
mod fixture;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sagevpc_core::observed::{Snapshot, files};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Where the golden cases are, in the package.
const GOLDEN: &str = "crates/sagevpc-core/tests/golden";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    aws: Map<String, Value>,
    from: String,
    to: String,
    verdict: String,
    /// The resource that stops the way.
    at: Option<String>,
    #[serde(default)]
    says: Vec<String>,
}

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reach").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old folder can go");
    }
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

/// Writes what was looked at: a file that would be empty is left out.
fn save(snapshot: &Snapshot, folder: &Path) {
    fs::create_dir_all(folder).expect("a folder can be made");
    for (name, text) in files::write(snapshot) {
        let content: Map<String, Value> = serde_json::from_str(&text).expect("it is JSON");
        let is_empty = content
            .values()
            .all(|value| value.as_array().is_some_and(Vec::is_empty));
        if !is_empty {
            fs::write(folder.join(name), text).expect("a file can be written");
        }
    }
}

struct Answer {
    exit: i32,
    stdout: String,
    stderr: String,
}

fn ask(snapshot: &Path, args: &[&str]) -> Answer {
    let output = Command::new(env!("CARGO_BIN_EXE_sagevpc"))
        .arg("reach")
        .arg("--snapshot")
        .arg(snapshot)
        .args(args)
        .output()
        .expect("the command runs");
    Answer {
        exit: output.status.code().expect("it ends by itself"),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

#[test]
fn what_users_see_has_its_packet() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reach/cases.yaml");
    let cases: Vec<Case> = fixture::read(&path).expect("there are cases");
    let mut problems = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        let folder = folder(&format!("case-{place}"));
        save(&fixture::changed(case.aws.clone(), &case.name), &folder);
        let from_to = ["--from", &case.from, "--to", &case.to];
        let text = ask(&folder, &from_to);
        let json = ask(&folder, &[&from_to[..], &["-o", "json"]].concat());
        let value: Value = serde_json::from_str(&json.stdout).unwrap_or_default();
        let exit = match case.verdict.as_str() {
            "Reachable" => 0,
            "Stopped" => 2,
            "Unknown" => 3,
            other => panic!("{other} is no verdict"),
        };
        let at = value["stop"]["resource"].as_str();
        let unsaid = case.says.iter().find(|part| !text.stdout.contains(part.as_str()));
        if (text.exit, json.exit) != (exit, exit)
            || value["verdict"] != case.verdict.as_str()
            || at != case.at.as_deref()
            || unsaid.is_some()
        {
            problems.push(format!(
                "{}: exit {}, at {at:?}, unsaid {unsaid:?}\n{}{}",
                case.name, text.exit, text.stdout, text.stderr
            ));
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn accounts_and_regions_lie_in_folders_as_batfish_reads_them() {
    let snapshot = fixture::changed(
        serde_json::from_value(serde_json::json!({ "Layers": ["quickstart"] })).expect("a map"),
        "quickstart",
    );
    let other = fixture::changed(Map::new(), "base");
    // As the AWS CLI leaves it: nothing says whose it is but the folder.
    let (mut ours, mut theirs) = (snapshot, other);
    for snapshot in [&mut ours, &mut theirs] {
        (snapshot.account, snapshot.region) = (None, None);
    }
    for base in ["accounts", "aws_configs/accounts"] {
        let folder = folder(&base.replace('/', "-"));
        save(&ours, &folder.join(base).join("111122223333/us-east-1"));
        save(&theirs, &folder.join(base).join("444455556666/us-east-1"));
        let way = ["--from", "subnet-0000000a,sg-00000001", "--to", "s3"];
        let in_account = |account| ask(&folder, &[&way[..], &["--account", account]].concat());
        assert_eq!(in_account("111122223333").exit, 0);
        assert_eq!(in_account("444455556666").exit, 2);
        let either = ask(&folder, &way);
        assert_eq!(either.exit, 1);
        assert!(either.stderr.contains("--account"), "{}", either.stderr);
        let elsewhere = ask(&folder, &[&way[..], &["--region", "eu-central-1"]].concat());
        assert_eq!(elsewhere.exit, 1);
        assert!(elsewhere.stderr.contains("region eu-central-1"), "{}", elsewhere.stderr);
    }
}

#[test]
fn what_cannot_be_asked_is_an_error() {
    let folder = folder("errors");
    save(&fixture::changed(Map::new(), "base"), &folder);
    for (args, part) in [
        (["--from", "subnet-0000000a,sg-0000000e", "--to", "s3"], "sg-0000000e"),
        (["--from", "subnet-000000ff", "--to", "s3"], "subnet-000000ff"),
    ] {
        let answer = ask(&folder, &args);
        assert_eq!(answer.exit, 1, "{args:?}");
        assert!(answer.stderr.contains(part), "{}", answer.stderr);
    }
    let nowhere = ask(&folder.join("nowhere"), &["--from", "subnet-0000000a", "--to", "s3"]);
    assert_eq!(nowhere.exit, 1);
    // Without a group, EC2 takes the VPC's default one.
    let default = ask(&folder, &["--from", "subnet-0000000a", "--to", "10.0.1.0/24:22"]);
    assert!(default.stdout.contains("sg-00000001 admits it"), "{}", default.stdout);
    assert_eq!(default.exit, 3, "who answers there was not seen");
}
