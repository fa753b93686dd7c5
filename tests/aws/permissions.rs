//! The IAM policy that we ship holds every action that we take, and what it
//! does not hold is told by name.
//!
//! The server looks at actions only; how far the policy narrows them is checked
//! where the policy is made.

use std::collections::BTreeSet;

use sagevpc::{
    aws::{
        Connections, Ec2,
        calls::{Call, iam_policy},
    },
    plan::{Action, DnsAttribute, FailureKind, Step, Target},
    types::{Direction, Peer, Region, ResourceKey, Rule, SecurityGroupId, Tags},
};

use crate::{
    plans::{authorize, create_endpoint, create_group, done, group_key, look, only, plan, policy, revoke, run},
    support::{
        moto::{Moto, REGION, loader},
        network::Network,
        tally::Tally,
    },
};

/// A network, and our own connection to it with these permissions.
async fn world(moto: &Moto, actions: &[String], tally: std::sync::Arc<Tally>) -> (Network, Ec2) {
    let network = Network::new(&moto.own_account()).await;
    let credentials = moto.enforce_iam(actions).await;
    let loader = loader(moto.url()).credentials_provider(credentials);
    let ec2 = Connections::from_loader(loader, tally)
        .await
        .ec2(&Region::new(REGION), None)
        .await;
    (network, ec2)
}

fn granted() -> Vec<String> {
    let policy = iam_policy();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

fn rule(direction: Direction) -> [Rule; 1] {
    [Rule::all(direction, Peer::Itself)]
}

#[tokio::test]
async fn the_policy_that_we_ship_allows_everything_that_we_do() {
    let moto = Moto::start();
    let tally = Tally::new();
    let (network, ec2) = world(&moto, &granted(), tally.clone()).await;
    look(&ec2, &network.vpc).await;
    let made = || Target::Made(group_key());
    let first = done(
        &ec2,
        &plan([
            (create_group(&network.vpc, "workloads"), &[][..]),
            (authorize(made(), Direction::Ingress, &rule(Direction::Ingress)), &[0]),
            (authorize(made(), Direction::Egress, &rule(Direction::Egress)), &[0]),
            (revoke(made(), Direction::Ingress, &rule(Direction::Ingress)), &[1]),
            (revoke(made(), Direction::Egress, &rule(Direction::Egress)), &[2]),
            (create_endpoint(&network.vpc, &[&network.main_table]), &[]),
            (
                Action::ModifyVpcAttribute {
                    vpc: network.vpc.clone(),
                    attribute: DnsAttribute::EnableDnsHostnames,
                },
                &[],
            ),
        ]),
    )
    .await;
    let group = SecurityGroupId::new(first.made[&group_key()].clone());
    let endpoint = first.made[&ResourceKey::S3GatewayEndpoint].as_str();
    done(
        &ec2,
        &plan([
            (
                Action::ModifyVpcEndpoint {
                    id: endpoint.into(),
                    policy: Some(policy("s3:GetObject")),
                    add_route_tables: Vec::new(),
                    remove_route_tables: Vec::new(),
                },
                &[][..],
            ),
            (
                Action::CreateTags {
                    resource: group.to_string(),
                    tags: Tags::from([("a".into(), "b".into())]),
                },
                &[],
            ),
            (
                Action::DeleteTags {
                    resource: group.to_string(),
                    keys: vec!["a".into()],
                },
                &[1],
            ),
            (Action::DeleteVpcEndpoint { id: endpoint.into() }, &[0]),
            (Action::DeleteSecurityGroup { id: group }, &[2]),
        ]),
    )
    .await;
    // Nothing was left out: every call was made, but for roles, for DHCP
    // options, of which this VPC has none, and for buckets.
    let called: BTreeSet<String> = tally.take().into_keys().collect();
    let not_needed = [
        Call::AssumeRole,
        Call::DescribeDhcpOptions,
        Call::HeadBucket,
        Call::GetBucketPolicy,
        Call::PutBucketPolicy,
        Call::DeleteBucketPolicy,
    ];
    let calls = Call::ALL.iter().filter(|call| !not_needed.contains(call));
    assert_eq!(called, calls.map(|call| call.name().to_owned()).collect());
}

#[tokio::test]
async fn whoever_may_only_look_is_told_which_action_is_missing() {
    let moto = Moto::start();
    let reads: Vec<String> = granted()
        .into_iter()
        .filter(|action| action.starts_with("ec2:Describe"))
        .collect();
    let (network, ec2) = world(&moto, &reads, Tally::new()).await;
    let before = look(&ec2, &network.vpc).await;
    for action in [
        create_group(&network.vpc, "workloads"),
        create_endpoint(&network.vpc, &[&network.main_table]),
    ] {
        let name = format!("ec2:{}", action.name());
        let outcome = run(&ec2, &only(action)).await;
        let Some(Step::Failed(failure)) = outcome.steps.into_values().next() else {
            panic!("{name} was not refused")
        };
        assert_eq!(
            (failure.kind, failure.action),
            (FailureKind::AccessDenied, name.clone())
        );
        assert!(failure.message.contains(&name), "{}", failure.message);
    }
    assert_eq!(look(&ec2, &network.vpc).await, before);
}
