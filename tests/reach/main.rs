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
    /// Further options.
    #[serde(default)]
    with: Vec<String>,
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
        let mut asked = vec!["--from", &case.from, "--to", &case.to];
        asked.extend(case.with.iter().map(String::as_str));
        let text = ask(&folder, &asked);
        let json = ask(&folder, &[&asked[..], &["-o", "json"]].concat());
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
fn files_lie_in_any_folders() {
    let snapshot = fixture::changed(
        serde_json::from_value(serde_json::json!({ "Layers": ["quickstart"] })).expect("a map"),
        "quickstart",
    );
    let mut ours = snapshot.clone();
    (ours.account, ours.region) = (None, None);
    let way = ["--from", "subnet-0000000a,sg-00000001", "--to", "s3"];
    for layout in ["", "aws_configs", "aws_configs/us-east-1", "a/b/us-east-1/c"] {
        let folder = folder(&format!("layout-{}", layout.replace('/', "-")));
        save(&ours, &folder.join(layout));
        let answer = ask(&folder, &way);
        assert_eq!(answer.exit, 0, "{layout}: {}{}", answer.stdout, answer.stderr);
    }
    // Some files apart from those that they belong to, and another region beside.
    let mixed = folder("layout-mixed");
    save(&ours, &mixed.join("aws_configs/us-east-1"));
    fs::rename(
        mixed.join("aws_configs/us-east-1/RouteTables.json"),
        mixed.join("aws_configs/us-east-1-tables.json"),
    )
    .expect("a file can be moved");
    fs::create_dir_all(mixed.join("aws_configs/eu-west-1")).expect("a folder can be made");
    let other = r#"{"Subnets": [{"SubnetId": "subnet-000000ee", "VpcId": "vpc-000000ee"}], "Vpcs": [{"VpcId": "vpc-000000ee"}]}"#;
    fs::write(mixed.join("aws_configs/eu-west-1/all.json"), other).expect("a file can be written");
    let answer = ask(&mixed, &way);
    assert_eq!(answer.exit, 0, "{}{}", answer.stdout, answer.stderr);
}

#[test]
fn what_is_no_snapshot_says_what_was_looked_for_and_found() {
    let folder = folder("no-snapshot");
    fs::create_dir_all(folder.join("terraform")).expect("a folder can be made");
    fs::write(folder.join("terraform/main.tf"), "").expect("a file can be written");
    fs::write(folder.join("package.json"), "{}").expect("a file can be written");
    let way = ["--from", "subnet-0000000a", "--to", "s3"];
    let answer = ask(&folder, &way);
    assert_ne!(answer.exit, 0);
    for part in ["Vpcs.json", "Subnets.json", "found package.json, terraform/main.tf"] {
        assert!(answer.stderr.contains(part), "{}", answer.stderr);
    }
    let file = ask(&folder.join("package.json"), &way);
    assert!(file.stderr.contains("is a file"), "{}", file.stderr);
}

#[test]
fn one_entry_that_cannot_be_read_is_named_and_makes_unknown_what_uses_it() {
    let folder = folder("unread");
    let snapshot = fixture::changed(
        serde_json::from_value(serde_json::json!({ "Layers": ["quickstart"] })).expect("a map"),
        "quickstart",
    );
    save(&snapshot, &folder);
    let path = folder.join("SecurityGroups.json");
    let mut groups: Value = serde_json::from_str(&fs::read_to_string(&path).expect("it is there")).expect("it is JSON");
    let all = groups["SecurityGroups"].as_array_mut().expect("a list");
    let group = all
        .iter_mut()
        .find(|group| group["GroupId"] == "sg-00000001")
        .expect("it is there");
    group["IpPermissionsEgress"] = serde_json::json!("everything");
    fs::write(&path, groups.to_string()).expect("a file can be written");
    let answer = ask(&folder, &["--from", "subnet-0000000a,sg-00000001", "--to", "s3"]);
    assert_eq!(answer.exit, 3, "{}{}", answer.stdout, answer.stderr);
    assert!(
        answer.stdout.contains("what security group sg-00000001 admits"),
        "{}",
        answer.stdout
    );
    let named = "SecurityGroups.json: entry ";
    assert!(
        answer.stderr.contains(named) && answer.stderr.contains("(sg-00000001), IpPermissionsEgress"),
        "{}",
        answer.stderr
    );
}

#[test]
fn a_question_that_lacks_something_is_a_usage_error() {
    let folder = folder("usage");
    save(&fixture::changed(Map::new(), "base"), &folder);
    for (args, part) in [
        (
            &["--from", "subnet-0000000a", "--to", "pypi.org"][..],
            "--to pypi.org:443",
        ),
        (&["--from", "subnet-0000000a", "--to", "10.0.9.5"], "--to 10.0.9.5:443"),
        (
            &["--from", "subnet-0000000a", "--to", "10.0.9.5:8", "--protocol", "icmp"],
            "icmp has no ports",
        ),
        (
            &["--from", "subnet-0000000a", "--to", "sts", "--protocol", "udp"],
            "over TCP",
        ),
        (&["--from", "internet", "--to", "s3"], "eni-0123abcd:22"),
        (&["--from", "10.0.0.0/16", "--to", "s3"], "private block"),
    ] {
        let answer = ask(&folder, args);
        assert_eq!(answer.exit, 64, "{args:?}: {}{}", answer.stdout, answer.stderr);
        assert!(answer.stderr.contains(part), "{}", answer.stderr);
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
