//! AWS that cannot be reached, does not know us, or does not let us.

use std::process::Command;

use serde_json::json;

use crate::fixture::{Controller, Stack, World};

/// Makes an IAM user who may do all but one thing, has the server check
/// permissions from then on, and prints the user's access key.
const ENFORCE: &str = r#"
import json, sys, boto3
iam = boto3.client("iam")
if not iam.list_users()["Users"]:
    iam.create_user(UserName="sagevpc")
statements = [{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": sys.argv[1], "Resource": "*"}]
policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
iam.put_user_policy(UserName="sagevpc", PolicyName="all-but-one", PolicyDocument=policy)
key = iam.create_access_key(UserName="sagevpc")["AccessKey"]
check_after(0)
print(key["AccessKeyId"], key["SecretAccessKey"])
"#;

/// Has the server believe everyone again.
const BELIEVE: &str = r#"check_after("Infinity")"#;

/// Has the server check permissions after so many calls.
const PRELUDE: &str = r#"
import os, urllib.request
def check_after(calls):
    url = os.environ["AWS_ENDPOINT_URL"] + "/moto-api/reset-auth"
    body, headers = str(calls).encode(), {"Content-Type": "text/plain"}
    urllib.request.urlopen(urllib.request.Request(url, body, headers))
"#;

fn python(stack: &Stack, program: &str, arguments: &[&str]) -> String {
    let mut python = stack.command(stack.variable("MOTO_PYTHON"));
    let output = python
        .args(["-c", &format!("{PRELUDE}{program}")])
        .args(arguments)
        .output()
        .expect("moto's python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints text")
}

fn without_credentials(controller: &mut Command) {
    controller
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
}

#[test]
fn what_stands_between_us_and_aws_is_told_and_nothing_is_forgotten() {
    let stack = Stack::start();
    let world = World::on_own_account(&stack, "environment");
    let before = world.network.census();
    world
        .kubectl()
        .apply(&[world.vpc(json!({})), world.profile("fraud", json!({}))]);

    let controller = Controller::start(&stack, "without-credentials", without_credentials);
    let message = world.until_vpc("AwsReachable", "False", "NoCredentials");
    assert!(
        message.contains("Give the controller's pod AWS credentials"),
        "{message}"
    );
    world.until_profile("fraud", "Ready", "Unknown", "NoCredentials");
    assert_eq!(controller.stop(), Some(0));

    let controller = Controller::start(&stack, "unreachable", |command| {
        // Nothing listens on the port of tcpmux.
        command.env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    });
    world.until_vpc("AwsReachable", "False", "Unreachable");
    assert_eq!(controller.stop(), Some(0));
    assert_eq!(world.network.census(), before);

    let keys = python(&stack, ENFORCE, &["ec2:CreateVpcEndpoint"]);
    let (id, secret) = keys.trim().split_once(' ').expect("a key has two parts");
    let controller = Controller::start(&stack, "denied", |command| {
        command
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret);
    });
    let message = world.until_vpc("AwsReachable", "False", "AccessDenied");
    assert!(message.contains("ec2:CreateVpcEndpoint"), "{message}");
    assert_eq!(controller.stop(), Some(0));

    python(&stack, BELIEVE, &[]);
    let controller = Controller::start(&stack, "allowed", |_| {});
    world.until_ready("fraud");
    let endpoint = world.network.endpoint();
    world.network.group();
    let made = world.network.census();
    assert_eq!(controller.stop(), Some(0));

    let keys = python(&stack, ENFORCE, &["ec2:DescribeVpcs"]);
    let (id, secret) = keys.trim().split_once(' ').expect("a key has two parts");
    let controller = Controller::start(&stack, "blind", |command| {
        command
            .env("AWS_ACCESS_KEY_ID", id)
            .env("AWS_SECRET_ACCESS_KEY", secret);
    });
    world.delete_profile("fraud");
    world.delete_vpc();
    let told = world.until_event("SageMakerVpc", world.name, "DeletionBlocked");
    assert!(told.contains("AwsReachable says why (AccessDenied)"), "{told}");
    let message = world.until_vpc("AwsReachable", "False", "AccessDenied");
    assert!(message.contains("ec2:DescribeVpcs"), "{message}");
    assert!(told.contains(endpoint.vpc_endpoint_id().unwrap()), "{told}");
    world.until_profile("fraud", "Ready", "False", "Deleting");
    assert_eq!(controller.stop(), Some(0));
    python(&stack, BELIEVE, &[]);
    assert_eq!(world.network.census(), made);

    let _controller = Controller::start(&stack, "sees", |_| {});
    world.until_gone("the profile", || world.profile_now("fraud"));
    world.until_gone("the VPC object", || world.vpc_now());
    assert_eq!(world.network.census(), before);
}
