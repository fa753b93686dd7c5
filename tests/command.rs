//! Runs the program as a shell does, where no stack is needed: arguments in,
//! text and exit code out.

use std::process::{Command, Output};

fn sagevpc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sagevpc"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn printed(arguments: &[&str]) -> String {
    let output = sagevpc(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "sagevpc {}: {error}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("it prints text")
}

#[test]
fn explain_lists_the_kinds_and_explains_each() {
    let list = printed(&["explain"]);
    let kinds: Vec<&str> = list
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(kinds.len(), 12, "{list}");
    for kind in kinds {
        let text = printed(&["explain", kind]);
        assert!(text.starts_with(&format!("{kind}: ")), "{text}");
        let json: serde_json::Value =
            serde_json::from_str(&printed(&["explain", kind, "-o", "json"])).expect("it prints JSON");
        assert_eq!(json["kind"], kind);
    }
}

#[test]
fn explain_says_which_kinds_there_are() {
    let output = sagevpc(&["explain", "Pipeline"]);
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("Compilation, Hosting"), "{error}");
}

/// What moves a cursor, sets a title, rings a bell, or turns the writing round.
const STEERING: &str = "\u{1b}]0;title\u{7}\u{9b}31m\u{202e}\u{2028}";

/// What a command printed and said, which must steer no terminal.
#[track_caller]
fn harmless(arguments: &[&str]) -> (Option<i32>, String) {
    let output = sagevpc(arguments);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("it prints text");
    let steers = |character: &char| character.is_control() || ['\u{202e}', '\u{2028}'].contains(character);
    let steering = text.chars().find(|character| *character != '\n' && steers(character));
    assert_eq!(steering, None, "sagevpc {}: {text}", arguments.join(" "));
    (output.status.code(), text)
}

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("command")
        .join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

/// JSON in which all but ASCII is written by its number, as YAML takes it too.
fn ascii(value: &serde_json::Value) -> String {
    let text = value.to_string();
    let written = text.chars().map(|character| match character {
        '\0'..='~' => character.to_string(),
        other => format!("\\u{:04x}", u32::from(other)),
    });
    written.collect()
}

/// A snapshot in which everything that people can name is named to do harm.
fn hostile_snapshot(folder: &std::path::Path) {
    use serde_json::json;
    let vpc = "vpc-0123456789abcdef0";
    let tags = json!([{ "Key": "Name", "Value": STEERING }, { "Key": STEERING, "Value": "x" }]);
    let files = [
        (
            "Vpcs.json",
            json!({ "Vpcs": [{ "VpcId": vpc, "CidrBlock": "10.0.0.0/16", "Tags": tags }] }),
        ),
        (
            "Subnets.json",
            json!({ "Subnets": [{ "SubnetId": "subnet-0000000a", "VpcId": vpc, "CidrBlock": "10.0.0.0/24",
            "AvailabilityZone": "us-east-1a", "AvailabilityZoneId": "use1-az1", "AvailableIpAddressCount": 250, "Tags": tags }] }),
        ),
        (
            "SecurityGroups.json",
            json!({ "SecurityGroups": [{ "GroupId": "sg-0000000a", "VpcId": vpc, "GroupName": STEERING,
            "Description": STEERING, "IpPermissions": [], "IpPermissionsEgress": [], "Tags": tags }] }),
        ),
        (
            "NetworkInterfaces.json",
            json!({ "NetworkInterfaces": [{ "NetworkInterfaceId": "eni-0000000a", "VpcId": vpc,
            "SubnetId": "subnet-0000000a", "Description": STEERING, "Groups": [{ "GroupId": "sg-0000000a" }], "TagSet": tags }] }),
        ),
    ];
    for (name, content) in files {
        std::fs::write(folder.join(name), content.to_string()).expect("a file can be written");
    }
}

#[test]
fn what_others_named_steers_no_terminal() {
    let folder = folder(&format!("hostile{STEERING}"));
    let snapshot = folder.join("aws");
    std::fs::create_dir_all(&snapshot).expect("a folder can be made");
    hostile_snapshot(&snapshot);
    let path = |name: &str| folder.join(name).to_str().expect("a path is text").to_owned();
    let vpc = serde_json::json!({ "apiVersion": "sagevpc.dev/v1alpha1", "kind": "SageMakerVpc", "metadata": { "name": "research" },
        "spec": { "region": "us-east-1", "vpcId": "vpc-0123456789abcdef0", "tags": { "team": STEERING },
            "allowedNamespaces": { "from": "All" }, "subnets": { "ids": ["subnet-0000000a"] }, "grants": { "securityGroups": ["*"] } } });
    let profile = serde_json::json!({ "apiVersion": "sagevpc.dev/v1alpha1", "kind": "SageMakerVpcProfile",
        "metadata": { "name": "fraud", "namespace": "ml" }, "spec": { "vpcRef": { "name": "research" },
            "workloads": [{ "name": "serve", "kind": "Hosting" }], "buckets": [{ "name": STEERING }],
            "securityGroups": { "ids": ["sg-0000000a"] } } });
    let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [{ "Sid": STEERING, "Effect": "Deny", "Principal": "*",
        "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::{STEERING}") }] });
    for (name, text) in [("vpc.json", vpc), ("profile.json", profile), ("policy.json", policy)] {
        std::fs::write(path(name), ascii(&text)).expect("a file can be written");
    }
    let (objects, profiles, aws, policy) = (path("vpc.json"), path("profile.json"), path("aws"), path("policy.json"));
    for output in ["text", "json"] {
        let with = |arguments: &[&str]| harmless(&[arguments, &["-o", output]].concat());
        let (exit, text) = with(&["plan", "-f", &objects, "-f", &profiles, "--snapshot", &aws]);
        assert!(exit == Some(2) || exit == Some(3), "{text}");
        let (exit, text) = with(&[
            "reach",
            "--snapshot",
            &aws,
            "--from",
            "subnet-0000000a,sg-0000000a",
            "--to",
            "10.0.0.9:443",
        ]);
        assert!(exit == Some(2) || exit == Some(3), "{text}");
        let (exit, text) = with(&[
            "policy",
            "eval",
            "--policy",
            &policy,
            "--action",
            "s3:GetObject",
            "--resource",
            "arn:aws:s3:::a",
        ]);
        assert_ne!(exit, Some(1), "{text}");
    }
    let (_, text) = harmless(&["policy", "diff", &policy, "/dev/null"]);
    assert!(text.contains("\\u001b") || text.contains("/dev/null"), "{text}");
    for (exit, arguments) in [
        (1, ["plan", "-f", &path("missing"), "--snapshot", &aws]),
        (1, ["plan", "-f", &objects, "--snapshot", &path("missing")]),
        (64, ["plan", "-f", &objects, STEERING, &aws]),
    ] {
        let (ended, text) = harmless(&arguments);
        assert_eq!(ended, Some(exit), "{text}");
        assert!(text.contains("\\u009b31m"), "{text}");
    }
    for command in [
        vec!["explain", STEERING],
        vec!["print", STEERING],
        vec!["print", "iam-policy", "--cluster-id", STEERING],
        vec!["snapshot", &aws, "--vpc-id", STEERING, "--region", STEERING],
        vec!["run", "--log", STEERING],
    ] {
        harmless(&command);
    }
}

#[test]
fn what_is_no_file_is_refused_at_once() {
    let folder = folder("special");
    hostile_snapshot(&folder);
    let pipe = folder.join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo can be run");
    assert!(made.success());
    let pipe = pipe.to_str().expect("a path is text");
    let aws = folder.to_str().expect("a path is text");
    for file in [pipe, "/dev/zero"] {
        let output = sagevpc(&["plan", "-f", file, "--snapshot", aws]);
        assert_eq!(output.status.code(), Some(1), "{file}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains("is a pipe, a device or a socket"), "{file}: {error}");
    }
    std::fs::rename(pipe, folder.join("RouteTables.json")).expect("a pipe can be renamed");
    let output = sagevpc(&["reach", "--snapshot", aws, "--from", "subnet-0000000a", "--to", "s3"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("RouteTables.json") && error.contains("is a pipe"),
        "{error}"
    );
}

#[test]
fn what_never_ends_is_not_read_for_ever() {
    let zeros = std::fs::File::open("/dev/zero").expect("it is there");
    let output = Command::new(env!("CARGO_BIN_EXE_sagevpc"))
        .args(["policy", "diff", "-", "/dev/null"])
        .stdin(zeros)
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("more than 32 MiB"), "{error}");
}

#[test]
fn a_narrowed_iam_policy_names_what_it_is_narrowed_to_and_a_wrong_one_is_refused() {
    let policy = printed(&[
        "print",
        "iam-policy",
        "--cluster-id",
        "prod",
        "--vpc",
        "vpc-0123456789abcdef0",
        "--without",
        "adopt,nat",
    ]);
    assert!(
        policy.contains("\"aws:ResourceTag/sagevpc.dev/cluster\": \"prod\""),
        "{policy}"
    );
    assert!(
        policy.contains(":vpc/vpc-0123456789abcdef0") && !policy.contains("TagWhatIsAdopted"),
        "{policy}"
    );
    for wrong in [
        ["--vpc", "*"],
        ["--cluster-id", ""],
        ["--cluster-id", "${aws:username}"],
        ["--account", "1234"],
        ["--permissions-boundary", "arn:aws:iam::111122223333:policy/*"],
        ["--without", "everything"],
    ] {
        let output = sagevpc(&[&["print", "iam-policy"][..], &wrong].concat());
        assert_eq!(output.status.code(), Some(64), "{wrong:?}");
    }
    let vpcs: Vec<String> = (0..100).map(|number| format!("vpc-{number:017x}")).collect();
    let output = sagevpc(&["print", "iam-policy", "--vpc", &vpcs.join(",")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("6144"));
}

#[test]
fn an_empty_cluster_id_is_refused_at_the_start() {
    for command in [&["run"][..], &["plan", "-f", "-"]] {
        for id in ["", " ", "a\nb"] {
            let output = sagevpc(&[command, &["--cluster-id", id]].concat());
            assert_eq!(output.status.code(), Some(64), "{command:?} {id:?}");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                said.contains("--cluster-id") && said.contains("value of a tag"),
                "{said}"
            );
        }
    }
}
