//! `sagevpc policy`.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

const READ: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::fraud-data/*"]}]}"#;
/// The same, as AWS might give it back.
const READ_RESPELT: &str = r#"{"Statement": {"Resource": "arn:aws:s3:::fraud-data/*", "Effect": "Allow",
    "Action": "S3:getobject"}, "Version": "2012-10-17"}"#;
const READ_MORE: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Sid": "Read", "Effect": "Allow", "Action": ["s3:Get*"], "Resource": ["arn:aws:s3:::fraud-data/*"]}]}"#;

/// A folder with these files, which goes when it is dropped.
struct Folder(std::path::PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (file, text) in files {
            std::fs::write(folder.join(file), text).unwrap();
        }
        Self(folder)
    }

    /// Runs `sagevpc policy` in it.
    fn policy(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sagevpc"))
            .arg("policy")
            .args(arguments)
            .current_dir(&self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn exit(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn diff_tells_equal_meaning_from_other_meaning() {
    let folder = Folder::with(
        "policy-diff",
        &[("a.json", READ), ("b.json", READ_RESPELT), ("c.json", READ_MORE)],
    );
    let same = folder.policy(&["diff", "a.json", "b.json"], "");
    assert_eq!((exit(&same), text(&same.stdout)), (0, "The policies mean the same.\n"));
    let other = folder.policy(&["diff", "a.json", "-"], READ_MORE);
    let told: Vec<&str> = text(&other.stdout).lines().collect();
    assert_eq!(
        (exit(&other), told[0]),
        (
            2,
            "statement 1 (Sid \"Read\"), Action: {\"Action\":\"s3:GetObject\"} became {\"Action\":\"s3:Get*\"}"
        )
    );
    assert!(
        told[1].starts_with("For example s3:get") && told[1].contains("the second allows it"),
        "{told:?}"
    );
    let for_programs = folder.policy(&["diff", "a.json", "c.json", "-o", "json"], "");
    let differences: Value = serde_json::from_slice(&for_programs.stdout).unwrap();
    assert_eq!(differences["differences"][0]["changed"]["element"], "Action");
    assert_eq!(differences["comparison"], "Differs");
}

#[test]
fn diff_compares_what_is_allowed_and_says_where_it_cannot() {
    let both = r#"{"Statement": {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}}"#;
    let apart = r#"{"Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}"#;
    let of = |principal: &str| {
        format!(
            r#"{{"Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{principal}"}}, "Action": "*", "Resource": "*"}}}}"#
        )
    };
    let (id, role) = (of("AROAEXAMPLE"), of("arn:aws:iam::111122223333:role/train"));
    let files = [
        ("both.json", both),
        ("apart.json", apart),
        ("id.json", &id),
        ("role.json", &role),
    ];
    let folder = Folder::with("policy-diff-meaning", &files);
    let same = folder.policy(&["diff", "both.json", "apart.json"], "");
    assert_eq!((exit(&same), text(&same.stdout)), (0, "The policies mean the same.\n"));
    let open = folder.policy(&["diff", "id.json", "role.json"], "");
    assert_eq!(exit(&open), 3);
    assert!(text(&open.stdout).contains("cannot be decided") && text(&open.stdout).contains("AROAEXAMPLE"));
}

#[test]
fn what_is_no_policy_is_an_error_that_names_the_file() {
    let folder = Folder::with("policy-error", &[("a.json", READ), ("b.json", r#"{"Statement": 1}"#)]);
    for arguments in [["diff", "a.json", "b.json"], ["diff", "b.json", "a.json"]] {
        let output = folder.policy(&arguments, "");
        assert_eq!((exit(&output), text(&output.stdout)), (1, ""));
        assert!(text(&output.stderr).contains("b.json cannot be read as an IAM policy"));
    }
    let missing = folder.policy(&["diff", "a.json", "c.json"], "");
    assert_eq!(exit(&missing), 1);
    assert!(text(&missing.stderr).contains("c.json"));
}

#[test]
fn eval_says_what_is_decided_and_by_which_statement() {
    let deny = r#"{"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}}"#;
    let folder = Folder::with("policy-eval", &[("read.json", READ), ("deny.json", deny)]);
    let ask = |more: &[&str]| {
        let object = ["--resource", "arn:aws:s3:::fraud-data/x"];
        folder.policy(&[&["eval", "--policy", "read.json"], &object[..], more].concat(), "")
    };
    let allowed = ask(&["--action", "s3:GetObject"]);
    assert_eq!(
        (exit(&allowed), text(&allowed.stdout)),
        (0, "Allowed by statement 1 (Sid \"Read\") of read.json.\n")
    );
    assert_eq!(exit(&ask(&["--action", "s3:PutObject"])), 2);
    let both = ["--policy", "deny.json", "--action", "s3:GetObject"];
    assert_eq!(exit(&ask(&both)), 3);
    let from_endpoint = [&both[..], &["--context", "aws:SourceVpce=vpce-1"]].concat();
    assert_eq!(exit(&ask(&from_endpoint)), 0);
    let from_elsewhere = ask(&[&both[..], &["--context", "aws:SourceVpce=vpce-2", "-o", "json"]].concat());
    assert_eq!(exit(&from_elsewhere), 2);
    assert_eq!(
        serde_json::from_slice::<Value>(&from_elsewhere.stdout).unwrap(),
        json!({
            "decision": "explicitlyDenied",
            "statements": [{ "file": "deny.json", "number": 1, "sid": null }],
            "missing": [],
        })
    );
}

#[test]
fn eval_asks_for_the_principal_where_it_decides() {
    let bucket = r#"{"Statement": {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:role/train"},
        "Action": "s3:GetObject", "Resource": "*"}}"#;
    let folder = Folder::with("policy-principal", &[]);
    let ask = |more: &[&str]| {
        let request = [
            "eval",
            "--policy",
            "-",
            "--action",
            "s3:GetObject",
            "--resource",
            "arn:aws:s3:::b/k",
        ];
        folder.policy(&[&request[..], more].concat(), bucket)
    };
    let unknown = ask(&[]);
    assert_eq!(exit(&unknown), 1);
    assert!(text(&unknown.stderr).contains("say who asks with --principal"));
    let session = "arn:aws:sts::111122223333:assumed-role/train/SageMaker";
    assert_eq!(exit(&ask(&["--principal", session])), 0);
    assert_eq!(exit(&ask(&["--principal", "sagemaker.amazonaws.com"])), 2);
}

const OBJECTS: &str = "{apiVersion: sagevpc.dev/v1alpha1, kind: SageMakerVpc, metadata: {name: research}, spec: {region: us-east-1, \
                       vpcId: vpc-0123456789abcdef0, allowedNamespaces: {from: All}, grants: {securityGroups: ['sg-*']}, \
                       subnets: {ids: [subnet-0000000a, subnet-0000000b]}}}\n---\n\
                       {apiVersion: v1, kind: Namespace, metadata: {name: ml}}\n---\n\
                       {apiVersion: sagevpc.dev/v1alpha1, kind: SageMakerVpcProfile, metadata: {name: fraud, namespace: ml}, \
                       spec: {vpcRef: {name: research}, securityGroups: {ids: [sg-0000a001]}, \
                       workloads: [{name: train, kind: Training}]}}";

#[test]
fn a_guard_that_is_printed_passes_when_it_is_verified() {
    let unresolved = OBJECTS.replace(", securityGroups: {ids: [sg-0000a001]}", "");
    let folder = Folder::with("policy-guard", &[("o.yaml", OBJECTS), ("unresolved.yaml", &unresolved)]);
    for kind in [&["--scp"][..], &[]] {
        let printed = folder.policy(&[&["guard", "-f", "o.yaml"], kind].concat(), "");
        assert_eq!(exit(&printed), 0, "{}", text(&printed.stderr));
        let document: Value = serde_json::from_slice(&printed.stdout).unwrap();
        let statements = document["Statement"].as_array().unwrap();
        assert!(statements.iter().all(|statement| statement["Effect"] == "Deny"));
        assert!(
            statements
                .iter()
                .any(|statement| !statement["Condition"]["Null"].is_null())
        );
        let verified = folder.policy(&["guard", "-f", "o.yaml", "--verify", "-"], text(&printed.stdout));
        assert_eq!(exit(&verified), 0, "{}", text(&verified.stdout));
    }
    let nothing = folder.policy(&["guard", "-f", "unresolved.yaml"], "");
    assert_eq!(exit(&nothing), 1);
    assert!(text(&nothing.stderr).contains("security groups of profile ml/fraud"));
}

#[test]
fn a_guard_with_a_gap_fails_and_says_where() {
    let folder = Folder::with("policy-guard-gap", &[("o.yaml", OBJECTS)]);
    // One foreign subnet among declared ones passes, and so does none at all with StringNotEqualsIfExists.
    let gap = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "sagemaker:*", "Resource": "*",
        "Condition": {"ForAllValues:StringNotEquals": {"sagemaker:VpcSubnets": ["subnet-0000000a", "subnet-0000000b"]}}}}"#;
    let verified = folder.policy(&["guard", "-f", "o.yaml", "--verify", "-"], gap);
    assert_eq!(exit(&verified), 2);
    let told = text(&verified.stdout);
    assert!(
        told.contains("WRONG in declared subnets and one that is not declared")
            && told.contains("sagemaker:CreateTrainingJob"),
        "{told}"
    );
    assert!(told.contains("ok    without a VPC"), "{told}");
    let hangs = gap.replace(
        "\"Condition\": {",
        "\"Condition\": {\"StringEquals\": {\"aws:PrincipalTag/team\": \"a\"}, ",
    );
    let verified = folder.policy(&["guard", "-f", "o.yaml", "--verify", "-", "-o", "json"], &hangs);
    let answer: Value = serde_json::from_slice(&verified.stdout).unwrap();
    assert!(
        answer["trials"]
            .as_array()
            .unwrap()
            .iter()
            .any(|trial| trial["right"].is_null())
    );
}

#[test]
fn a_role_is_verified_with_all_its_policies() {
    let allow = json!({ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } });
    let folder = Folder::with("policy-guard-role", &[("o.yaml", OBJECTS)]);
    let guard = folder.policy(&["guard", "-f", "o.yaml"], "");
    let guard: Value = serde_json::from_slice(&guard.stdout).unwrap();
    std::fs::create_dir_all(folder.0.join("aws")).unwrap();
    let vpcs = json!({ "Vpcs": [{ "VpcId": "vpc-0123456789abcdef0", "CidrBlock": "10.0.0.0/16" }] });
    let subnet = |id: &str, zone: &str, block: &str| {
        json!({ "SubnetId": id, "VpcId": "vpc-0123456789abcdef0", "AvailabilityZone": zone, "AvailabilityZoneId": zone,
                "CidrBlock": block, "AvailableIpAddressCount": 100 })
    };
    let subnets = json!({ "Subnets": [subnet("subnet-0000000a", "us-east-1a", "10.0.1.0/24"),
        subnet("subnet-0000000b", "us-east-1b", "10.0.2.0/24")] });
    let groups = json!({ "SecurityGroups": [{ "GroupId": "sg-0000a001", "GroupName": "jobs", "VpcId": "vpc-0123456789abcdef0" }] });
    let role = |name: &str, policies: &[&Value]| {
        let policies = policies.iter().enumerate();
        let list: Vec<Value> = policies
            .map(|(number, document)| json!({ "PolicyName": format!("p{number}"), "PolicyDocument": document }))
            .collect();
        json!({ "RoleName": name, "Arn": format!("arn:aws:iam::111122223333:role/{name}"), "RolePolicyList": list })
    };
    let roles = json!({ "RoleDetailList": [role("open", &[&allow]), role("kept", &[&allow, &guard])] });
    for (file, value) in [
        ("Vpcs", &vpcs),
        ("Subnets", &subnets),
        ("SecurityGroups", &groups),
        ("Roles", &roles),
    ] {
        std::fs::write(folder.0.join(format!("aws/{file}.json")), value.to_string()).unwrap();
    }
    let verify = |role: &str| folder.policy(&["guard", "-f", "o.yaml", "--snapshot", "aws", "--verify", role], "");
    let kept = verify("kept");
    assert_eq!(exit(&kept), 0, "{}{}", text(&kept.stdout), text(&kept.stderr));
    let open = verify("open");
    assert_eq!(exit(&open), 2);
    assert!(
        text(&open.stdout).contains("WRONG without a VPC"),
        "{}",
        text(&open.stdout)
    );
}
