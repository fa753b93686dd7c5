//! `sagevpc plan` on files: what it takes, what it says, and how it ends.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

const VPC: &str = "{apiVersion: sagevpc.dev/v1alpha1, kind: SageMakerVpc, metadata: {name: research}, spec: {region: us-east-1, \
                   vpcId: vpc-0123456789abcdef0, allowedNamespaces: {selector: {matchLabels: {team: ml}}}}}";
const PROFILE: &str = "{apiVersion: sagevpc.dev/v1alpha1, kind: SageMakerVpcProfile, metadata: {name: fraud, namespace: ml}, \
                       spec: {vpcRef: {name: research}, workloads: [{name: train, kind: Training}]}}";
const NAMESPACE: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: ml, labels: {team: ml}}}";
const VPCS: &str = r#"{"Vpcs": [{"VpcId": "vpc-0123456789abcdef0", "CidrBlock": "10.0.0.0/16"}]}"#;

/// An empty folder of this test's own, with a snapshot of one VPC in `aws`.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plan").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(folder.join("aws")).unwrap();
    fs::write(folder.join("aws/Vpcs.json"), VPCS).unwrap();
    folder
}

fn plan(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_sagevpc"))
        .arg("plan")
        .args(arguments)
        .current_dir(folder)
        .env_remove("SAGEVPC_CLUSTER_ID")
        .output()
        .unwrap();
    let text = String::from_utf8([stdout, stderr].concat()).unwrap();
    (status.code().unwrap(), text)
}

#[test]
fn folders_and_lists_are_read() {
    let folder = folder("folders");
    fs::create_dir_all(folder.join("objects/team")).unwrap();
    fs::write(folder.join("objects/vpc.yaml"), VPC).unwrap();
    fs::write(folder.join("objects/notes.txt"), "no YAML: [").unwrap();
    let list = format!("{{apiVersion: v1, kind: List, items: [{NAMESPACE}, {PROFILE}]}}");
    fs::write(folder.join("objects/team/all.yml"), list).unwrap();
    let (exit, text) = plan(&folder, &["-f", "objects", "--snapshot", "aws"]);
    assert!(exit == 2 || exit == 3, "{text}");
    assert!(text.contains("ml/fraud, train: cannot run"), "{text}");
    fs::create_dir_all(folder.join("empty")).unwrap();
    let (exit, text) = plan(&folder, &["-f", "empty", "--snapshot", "aws"]);
    assert!(exit == 1 && text.contains("there is no .yaml"), "{text}");
}

#[test]
fn what_hangs_on_a_namespace_that_is_missing_is_said() {
    let folder = folder("namespace");
    fs::write(folder.join("objects.yaml"), format!("{VPC}\n---\n{PROFILE}")).unwrap();
    let (exit, text) = plan(&folder, &["-f", "objects.yaml", "--snapshot", "aws"]);
    assert_ne!(exit, 0, "{text}");
    assert!(
        text.contains("Namespace ml is in none of the files") && text.contains("team=ml"),
        "{text}"
    );
    let (_, text) = plan(&folder, &["-f", "objects.yaml", "--snapshot", "aws", "-o", "json"]);
    assert!(text.contains("\"undecided\""), "{text}");
}

#[test]
fn a_field_that_is_not_there_is_refused_by_its_path() {
    let folder = folder("strict");
    fs::write(folder.join("objects.yaml"), VPC.replace("vpcId", "subnet: {}, vpcId")).unwrap();
    let (exit, text) = plan(&folder, &["-f", "objects.yaml", "--snapshot", "aws"]);
    assert_eq!(exit, 1);
    assert!(
        text.contains("SageMakerVpc research: unknown field spec.subnet; did you mean subnets?"),
        "{text}"
    );
}

#[test]
fn the_clusters_id_is_the_one_that_tags_agree_on() {
    let folder = folder("cluster");
    fs::write(folder.join("objects.yaml"), VPC).unwrap();
    let arguments = ["-f", "objects.yaml", "--snapshot", "aws"];
    let (_, text) = plan(&folder, &arguments);
    assert!(text.contains("without --cluster-id nothing can be told"), "{text}");
    let tagged = |clusters: &[&str]| {
        let group = |(place, cluster): (usize, &&str)| {
            format!(
                r#"{{"GroupId": "sg-0000000{place}", "GroupName": "g{place}", "VpcId": "vpc-0123456789abcdef0",
                    "Tags": [{{"Key": "sagevpc.dev/cluster", "Value": "{cluster}"}}]}}"#
            )
        };
        let groups: Vec<String> = clusters.iter().enumerate().map(group).collect();
        let text = format!(r#"{{"SecurityGroups": [{}]}}"#, groups.join(", "));
        fs::write(folder.join("aws/SecurityGroups.json"), text).unwrap();
    };
    tagged(&["prod", "prod"]);
    let (_, text) = plan(&folder, &arguments);
    assert!(text.contains("--cluster-id is taken to be prod"), "{text}");
    tagged(&["prod", "test"]);
    let (_, text) = plan(&folder, &arguments);
    assert!(text.contains("several clusters, prod, test"), "{text}");
    let (_, text) = plan(&folder, &[&arguments[..], &["--cluster-id", "prod"]].concat());
    assert!(!text.contains("--cluster-id"), "{text}");
}

#[test]
fn a_wrong_command_line_is_told_from_an_error_and_help_from_both() {
    let folder = folder("usage");
    for (arguments, exit) in [
        (&["--help"][..], 0),
        (&[], 64),
        (&["--file", "a.yaml"], 64),
        (&["-f", "missing.yaml", "--snapshot", "aws"], 1),
        (&["-f", "aws/Vpcs.json", "--snapshot", "aws"], 1),
    ] {
        let (ended, text) = plan(&folder, arguments);
        assert_eq!(ended, exit, "{arguments:?}: {text}");
    }
}
