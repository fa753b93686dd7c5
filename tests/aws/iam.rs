//! Execution roles are seen with all their policies, at the cost of few calls,
//! and our policy is put on them and taken off, and nothing else.

use std::{collections::BTreeSet, sync::Arc};

use iam_policy::{PolicyDocument, Statement};
use sagevpc::aws::{Clients, Iam, apply};
use serde_json::{Value, json};

use crate::{
    plans::{only, soon},
    support::{
        moto::{Account, Moto, REGION, network_only},
        road::{Fault, Road},
        tally::Tally,
    },
};
use sagevpc_core::{
    observed::{RoleDetail, Roles, UnseenCause},
    plan::{Action, ActionId, Outcome, RoleChange, Step},
    types::{Region, ResourceKey},
};

const NAME: &str = "sagevpc-research-0123456789";

/// An account with a role in it, and our own connection to its IAM.
struct World {
    account: Account,
    /// A client of someone else's.
    client: aws_sdk_iam::Client,
    road: Road,
    tally: Arc<Tally>,
    iam: Iam,
    /// The role's ARN.
    role: String,
}

fn trust() -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "sagemaker.amazonaws.com" }, "Action": "sts:AssumeRole",
    }] })
}

fn allow(action: &str) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": action, "Resource": "*" }] })
}

impl World {
    async fn new() -> Self {
        let account = Moto::shared().account();
        let client = account.iam_client().await;
        let role = client.create_role().path("/ml/").role_name("fraud");
        let role = role.assume_role_policy_document(trust().to_string());
        let role = role.send().await.unwrap().role.unwrap().arn;
        let road = Road::to(Moto::shared().url()).await;
        let tally = Tally::new();
        let iam = account.iam_by(road.url(), tally.clone()).await;
        Self {
            account,
            client,
            road,
            tally,
            iam,
            role,
        }
    }

    /// Has AWS refuse to simulate, now and in the next looks.
    fn without_simulation(self) -> Self {
        for _ in 0..8 {
            self.road
                .next("SimulatePrincipalPolicy", denied("iam:SimulatePrincipalPolicy"));
        }
        self
    }

    async fn look(&self, fresh: bool) -> Roles {
        self.look_at(&self.role, fresh).await
    }

    async fn look_at(&self, role: &str, fresh: bool) -> Roles {
        let roles = BTreeSet::from([role.to_owned()]);
        self.iam.observe(&roles, &Region::new(REGION), fresh).await
    }

    /// The role as it is seen now.
    async fn detail(&self, fresh: bool) -> RoleDetail {
        self.look(fresh)
            .await
            .details
            .remove(&self.role)
            .expect("the role is there")
    }

    async fn put_inline(&self, name: &str, document: &Value) {
        let put = self.client.put_role_policy().role_name("fraud").policy_name(name);
        put.policy_document(document.to_string()).send().await.unwrap();
    }

    async fn create_policy(&self, name: &str, document: &Value) -> String {
        let request = self.client.create_policy().policy_name(name);
        let made = request.policy_document(document.to_string()).send().await.unwrap();
        made.policy.unwrap().arn.unwrap()
    }

    async fn attach(&self, policy: &str) {
        let attach = self.client.attach_role_policy().role_name("fraud").policy_arn(policy);
        attach.send().await.unwrap();
    }

    async fn run(&self, action: Action) -> Outcome {
        let ec2 = self.account.ec2_by(self.road.url(), Tally::new()).await;
        let clients = Clients {
            iam: self.iam.clone(),
            ..network_only(&ec2).await
        };
        apply(&clients, &only(action), &Default::default(), soon()).await
    }

    async fn step(&self, action: Action) -> Step {
        self.run(action).await.steps.remove(&ActionId(0)).unwrap()
    }

    fn put(&self, allowed: &str, replaces: bool) -> Action {
        Action::Role(RoleChange::PutPolicy {
            key: key(),
            role: self.role.clone(),
            name: NAME.to_owned(),
            policy: PolicyDocument::new([Statement::allow([allowed]).on(["*"])]),
            replaces,
        })
    }

    fn delete(&self) -> Action {
        Action::Role(RoleChange::DeletePolicy {
            role: self.role.clone(),
            name: NAME.to_owned(),
        })
    }
}

fn key() -> ResourceKey {
    ResourceKey::RolePolicy { role: "fraud".into() }
}

fn denied(action: &str) -> Fault {
    Fault::Refuse {
        status: 403,
        code: "AccessDenied",
        message: format!("not authorized to perform: {action}"),
    }
}

/// Names of inline policies, each with what it allows first.
fn inline(role: &RoleDetail) -> Vec<(&str, Value)> {
    role.role_policy_list
        .iter()
        .map(|policy| {
            let document: PolicyDocument = (&policy.policy_document).try_into().unwrap();
            (
                policy.policy_name.as_str(),
                document.to_value()["Statement"][0]["Action"].clone(),
            )
        })
        .collect()
}

/// A page of what AWS's simulation answers.
fn simulated(results: &str, marker: Option<&str>) -> Fault {
    let more = match marker {
        Some(marker) => format!("<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>"),
        None => "<IsTruncated>false</IsTruncated>".to_owned(),
    };
    Fault::Answer(format!(
        "<SimulatePrincipalPolicyResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><SimulatePrincipalPolicyResult>\
         {more}<EvaluationResults>{results}</EvaluationResults></SimulatePrincipalPolicyResult>\
         <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></SimulatePrincipalPolicyResponse>"
    ))
}

#[tokio::test]
async fn a_role_is_seen_with_all_its_policies() {
    let world = World::new().await.without_simulation();
    let managed = world.create_policy("managed", &allow("s3:*")).await;
    let version = world
        .client
        .create_policy_version()
        .policy_arn(&managed)
        .set_as_default(true);
    version
        .policy_document(allow("ec2:*").to_string())
        .send()
        .await
        .unwrap();
    let bounds = world.create_policy("bounds", &allow("*")).await;
    let attach = world
        .client
        .attach_role_policy()
        .role_name("fraud")
        .policy_arn(&managed);
    attach.send().await.unwrap();
    let bound = world.client.put_role_permissions_boundary().role_name("fraud");
    bound.permissions_boundary(&bounds).send().await.unwrap();
    world.put_inline("a", &allow("logs:*")).await;
    world.put_inline("b", &allow("sts:*")).await;

    let seen = world.look(false).await;

    assert_eq!(
        json!(seen.details[&world.role]),
        json!({
            "RoleName": "fraud",
            "Arn": world.role,
            "AssumeRolePolicyDocument": trust(),
            "RolePolicyList": [
                { "PolicyName": "a", "PolicyDocument": allow("logs:*") },
                { "PolicyName": "b", "PolicyDocument": allow("sts:*") },
            ],
            "AttachedManagedPolicies": [{ "PolicyName": "managed", "PolicyArn": managed }],
            "PermissionsBoundary": { "PermissionsBoundaryArn": bounds },
        })
    );
    assert_eq!(seen.managed_policies[&managed].document(), Some(&allow("ec2:*")));
    assert_eq!(seen.managed_policies[&bounds].document(), Some(&allow("*")));
    assert_eq!(
        (seen.managed_policies.len(), seen.unseen.len(), seen.simulations.len()),
        (2, 0, 0)
    );
}

#[tokio::test]
async fn a_role_is_read_once_for_all_who_ask_until_someone_wants_it_fresh() {
    let world = World::new().await.without_simulation();
    let looks = futures::future::join_all((0..20).map(|_| world.look(false))).await;
    assert!(looks.iter().all(|roles| *roles == looks[0]));
    assert_eq!(world.tally.take()["GetRole"], 1);

    world.put_inline("a", &allow("logs:*")).await;
    assert_eq!(inline(&world.detail(false).await), [], "it is remembered");
    assert!(world.tally.take().is_empty());
    assert_eq!(inline(&world.detail(true).await), [("a", json!("logs:*"))]);
}

#[tokio::test]
async fn what_the_simulation_says_is_read_with_all_its_pages() {
    let world = World::new().await;
    let first = "<member><EvalActionName>ec2:DescribeVpcs</EvalActionName><EvalResourceName>*</EvalResourceName>\
                 <EvalDecision>implicitDeny</EvalDecision><MissingContextValues><member>ec2:Vpc</member></MissingContextValues>\
                 <OrganizationsDecisionDetail><AllowedByOrganizations>false</AllowedByOrganizations></OrganizationsDecisionDetail>\
                 <PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>true</AllowedByPermissionsBoundary>\
                 </PermissionsBoundaryDecisionDetail></member>";
    let second = "<member><EvalActionName>ec2:DescribeSubnets</EvalActionName><EvalResourceName>*</EvalResourceName>\
                  <EvalDecision>allowed</EvalDecision><ResourceSpecificResults><member><EvalResourceName>a</EvalResourceName>\
                  <EvalResourceDecision>explicitDeny</EvalResourceDecision></member></ResourceSpecificResults></member>";
    world
        .road
        .next("SimulatePrincipalPolicy", simulated(first, Some("next")));
    world.road.next("SimulatePrincipalPolicy", simulated(second, None));

    let seen = world.look(false).await;

    assert_eq!(
        json!(seen.simulations[&world.role]),
        json!({
            "PolicySourceArn": world.role,
            "Region": REGION,
            "EvaluationResults": [
                {
                    "EvalActionName": "ec2:DescribeVpcs", "EvalResourceName": "*", "EvalDecision": "implicitDeny",
                    "MissingContextValues": ["ec2:Vpc"],
                    "OrganizationsDecisionDetail": { "AllowedByOrganizations": false },
                    "PermissionsBoundaryDecisionDetail": { "AllowedByPermissionsBoundary": true },
                },
                {
                    "EvalActionName": "ec2:DescribeSubnets", "EvalResourceName": "*", "EvalDecision": "allowed",
                    "MissingContextValues": [],
                    "ResourceSpecificResults": [
                        { "EvalResourceName": "a", "EvalResourceDecision": "explicitDeny", "MissingContextValues": [] },
                    ],
                },
            ],
        })
    );
    let calls = world.road.calls("SimulatePrincipalPolicy");
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1]["Marker"], "next");
    // It is asked for all that any workload needs, and about the role, not a session of it.
    assert_eq!(calls[0]["PolicySourceArn"], world.role);
    let asked: BTreeSet<&str> = calls[0]
        .iter()
        .filter(|(name, _)| name.starts_with("ActionNames."))
        .map(|(_, action)| action.as_str())
        .collect();
    assert!(asked.contains("ec2:CreateNetworkInterface") && asked.contains("elastic-inference:Connect"));
    assert!(
        asked.iter().all(|action| !action.contains('*')),
        "AWS takes no wildcards"
    );
}

#[tokio::test]
async fn a_role_that_cannot_be_seen_is_told_with_the_cause() {
    let world = World::new().await.without_simulation();
    let cause = async |role: &str, fresh| world.look_at(role, fresh).await.unseen[role].cause;
    let missing = world.role.replace("fraud", "gone");
    assert_eq!(cause(&missing, false).await, UnseenCause::NoSuchEntity);
    let misplaced = world.role.replace("/ml/", "/");
    assert_eq!(cause(&misplaced, false).await, UnseenCause::NoSuchEntity);
    let elsewhere = "arn:aws:iam::999999999999:role/ml/fraud";
    assert_eq!(cause(elsewhere, false).await, UnseenCause::OtherAccount);

    world.road.next("ListRolePolicies", denied("iam:ListRolePolicies"));
    let seen = world.look(false).await;
    let unseen = &seen.unseen[&world.role];
    assert_eq!(unseen.cause, UnseenCause::AccessDenied);
    assert!(unseen.message.contains("iam:ListRolePolicies"), "{}", unseen.message);

    assert!(world.look(true).await.unseen.is_empty(), "it is allowed by now");
    for _ in 0..3 {
        world.road.next(
            "GetRole",
            Fault::Refuse {
                status: 503,
                code: "ServiceUnavailable",
                message: "later".into(),
            },
        );
    }
    let again = world.look(true).await;
    assert!(again.details.contains_key(&world.role), "what was seen before stands");
}

#[tokio::test]
async fn a_managed_policy_that_may_not_be_read_is_left_out() {
    let world = World::new().await.without_simulation();
    let arn = world.create_policy("managed", &allow("s3:*")).await;
    world.attach(&arn).await;
    world.road.next("GetPolicyVersion", denied("iam:GetPolicyVersion"));
    let seen = world.look(false).await;
    assert_eq!(seen.details[&world.role].attached_managed_policies[0].policy_arn, arn);
    assert!(seen.managed_policies.is_empty());
    let again = world.look(true).await;
    assert!(again.managed_policies[&arn].document().is_some());
}

#[tokio::test]
async fn our_policy_is_put_replaced_and_taken_off_and_nothing_else_is_touched() {
    let world = World::new().await.without_simulation();
    world.put_inline("own", &allow("logs:*")).await;
    let before = world.detail(false).await;

    let outcome = world.run(world.put("ec2:DescribeVpcs", false)).await;
    assert_eq!(outcome.steps[&ActionId(0)], Step::Done);
    assert_eq!(outcome.made[&key()], "fraud");
    // What we changed is read anew though nobody asked for it.
    assert_eq!(
        inline(&world.detail(false).await),
        [("own", json!("logs:*")), (NAME, json!("ec2:DescribeVpcs"))]
    );

    assert_eq!(world.step(world.put("ec2:DescribeSubnets", true)).await, Step::Done);
    assert_eq!(
        inline(&world.detail(false).await),
        [("own", json!("logs:*")), (NAME, json!("ec2:DescribeSubnets"))]
    );

    assert_eq!(world.step(world.delete()).await, Step::Done);
    assert_eq!(world.detail(false).await, before);
    assert_eq!(world.step(world.delete()).await, Step::Done, "gone is gone");
}

#[tokio::test]
async fn a_lost_answer_leaves_the_policy_once() {
    let world = World::new().await.without_simulation();
    world.road.next("PutRolePolicy", Fault::LoseAnswer);
    assert_eq!(world.step(world.put("ec2:DescribeVpcs", false)).await, Step::Done);
    assert_eq!(inline(&world.detail(false).await), [(NAME, json!("ec2:DescribeVpcs"))]);
    world.road.next("DeleteRolePolicy", Fault::LoseAnswer);
    assert_eq!(world.step(world.delete()).await, Step::Done);
    assert_eq!(inline(&world.detail(false).await), []);
}

#[tokio::test]
async fn a_role_that_is_gone_is_left_to_the_next_look() {
    let world = World::new().await.without_simulation();
    world.client.delete_role().role_name("fraud").send().await.unwrap();
    assert!(matches!(
        world.step(world.put("ec2:DescribeVpcs", false)).await,
        Step::Waiting { .. }
    ));
    assert_eq!(world.step(world.delete()).await, Step::Done);
}

#[tokio::test]
async fn what_may_not_be_written_is_refused_by_name() {
    let world = World::new().await.without_simulation();
    world.road.next("PutRolePolicy", denied("iam:PutRolePolicy"));
    let Step::Failed(failure) = world.step(world.put("ec2:DescribeVpcs", false)).await else {
        panic!("it was not refused")
    };
    assert_eq!(failure.action, "iam:PutRolePolicy");
    assert_eq!(inline(&world.detail(false).await), []);
}
