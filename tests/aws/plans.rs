//! Plans made by hand, and the actions that tests put into them.

use iam_policy::{PolicyDocument, Statement};
use sagevpc::aws::Ec2;
use sagevpc_core::{
    observed::{Aspect, Interest, VpcEndpoint, VpcSnapshot},
    plan::{
        Action, ActionId, ClientTokens, Outcome, Plan, PlannedAction, SecurityGroupChange, Serves, Step, Target,
        VpcEndpointChange,
    },
    report::Failure,
    types::{Direction, Ownership, ProfileKey, ResourceKey, RouteTableId, Rule, SecurityGroupId, VpcId},
};
use tokio::time::{Duration, Instant};

use crate::support::{
    moto::{Account, Moto, network_only},
    network::{Network, s3_service},
    road::{Fault, Road},
    tally::Tally,
};

/// A VPC in an account of its own, and a road to it on which things go wrong.
pub async fn world_and_account() -> (Account, Network, Road, Ec2) {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let road = Road::to(Moto::shared().url()).await;
    let ec2 = account.ec2_by(road.url(), Tally::new()).await;
    (account, network, road, ec2)
}

/// The same, where nobody asks about the account.
pub async fn world() -> (Network, Road, Ec2) {
    let (_, network, road, ec2) = world_and_account().await;
    (network, road, ec2)
}

/// Who makes everything here.
pub fn us() -> Ownership {
    Ownership {
        cluster: "test-cluster".into(),
        cluster_uid: None,
        vpc: "research".into(),
    }
}

/// The key of the group that tests make.
pub fn group_key() -> ResourceKey {
    ResourceKey::WorkloadSecurityGroup {
        profile: ProfileKey::new("ml-fraud", "fraud"),
        workload: None,
    }
}

/// A plan of these actions, each with those that it comes after.
pub fn plan(actions: impl IntoIterator<Item = (Action, &'static [usize])>) -> Plan {
    let actions = actions
        .into_iter()
        .enumerate()
        .map(|(id, (action, after))| PlannedAction {
            id: ActionId(id),
            after: after.iter().copied().map(ActionId).collect(),
            ..PlannedAction::new(action, Serves::Vpc, "a test wants it")
        });
    Plan {
        actions: actions.collect(),
        ..Plan::default()
    }
}

/// A plan of one action.
pub fn only(action: Action) -> Plan {
    plan([(action, &[][..])])
}

/// Tokens for what tests create.
pub fn tokens(token: &str) -> ClientTokens {
    ClientTokens::from([(ResourceKey::S3GatewayEndpoint, token.to_owned())])
}

/// A token for each thing that a plan creates.
pub fn tokens_of(plan: &Plan) -> ClientTokens {
    let keys = plan.actions.iter().filter_map(|planned| planned.action.makes());
    keys.map(|key| (key.clone(), key.to_string().replace('/', ".")))
        .collect()
}

/// Longer than anything takes that is not stuck.
pub fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Applies a plan that changes nothing but EC2.
pub async fn apply(ec2: &Ec2, plan: &Plan, tokens: &ClientTokens, deadline: Instant) -> Outcome {
    sagevpc::aws::apply(&network_only(ec2).await, plan, tokens, deadline).await
}

/// Applies a plan with time enough.
pub async fn run(ec2: &Ec2, plan: &Plan) -> Outcome {
    apply(ec2, plan, &tokens_of(plan), soon()).await
}

/// Applies a plan of which every step must be done.
pub async fn done(ec2: &Ec2, plan: &Plan) -> Outcome {
    let outcome = run(ec2, plan).await;
    assert_eq!(outcome.steps.len(), plan.actions.len());
    assert!(outcome.steps.values().all(|step| *step == Step::Done), "{outcome:#?}");
    outcome
}

/// Applies a plan of one action and gives what became of it.
pub async fn step(ec2: &Ec2, action: Action) -> Step {
    run(ec2, &only(action)).await.steps.remove(&ActionId(0)).unwrap()
}

/// What is there now.
pub async fn look(ec2: &Ec2, vpc: &VpcId) -> VpcSnapshot {
    look_at(ec2, vpc, []).await
}

/// What is there now, with what is looked at only where it is needed.
pub async fn look_at(ec2: &Ec2, vpc: &VpcId, aspects: impl IntoIterator<Item = Aspect>) -> VpcSnapshot {
    let interest = Interest {
        vpc: Some(vpc.clone()),
        aspects: aspects.into_iter().collect(),
        ..Interest::default()
    };
    ec2.observe(&interest).await.unwrap().vpc(vpc).unwrap()
}

/// Why a step waits.
pub fn waiting(step: &Step) -> &str {
    match step {
        Step::Waiting { message } => message,
        Step::Done | Step::Failed(_) | Step::Blocked { .. } => panic!("should wait: {step:?}"),
    }
}

/// Why a step failed.
pub fn failure(step: Step) -> Failure {
    match step {
        Step::Failed(failure) => failure,
        Step::Done | Step::Waiting { .. } | Step::Blocked { .. } => panic!("should fail: {step:?}"),
    }
}

/// A refusal of AWS's.
pub fn refused(code: &'static str, message: impl Into<String>) -> Fault {
    Fault::Refuse {
        status: 400,
        code,
        message: message.into(),
    }
}

/// The endpoints that are not deleted.
pub fn endpoints(snapshot: &VpcSnapshot) -> Vec<&VpcEndpoint> {
    snapshot
        .vpc_endpoints
        .iter()
        .filter(|endpoint| endpoint.state.as_str() == "available")
        .collect()
}

/// A policy that lets everyone do `action`.
pub fn policy(action: &str) -> PolicyDocument {
    PolicyDocument::new([Statement::allow([action]).everyone().on(["*"])])
}

/// Makes a security group of ours.
pub fn create_group(vpc: &VpcId, name: &str) -> Action {
    Action::SecurityGroup(SecurityGroupChange::Create {
        key: group_key(),
        vpc: vpc.clone(),
        name: name.into(),
        description: "ml-fraud/fraud".into(),
        tags: us().tags(&group_key()),
    })
}

/// Makes the S3 endpoint of ours.
pub fn create_endpoint(vpc: &VpcId, route_tables: &[&RouteTableId]) -> Action {
    Action::VpcEndpoint(VpcEndpointChange::CreateGateway {
        key: ResourceKey::S3GatewayEndpoint,
        vpc: vpc.clone(),
        service_name: s3_service(),
        route_tables: route_tables.iter().copied().cloned().collect(),
        policy: policy("s3:*"),
        tags: us().tags(&ResourceKey::S3GatewayEndpoint),
    })
}

/// Adds rules to a group.
pub fn authorize(group: Target<SecurityGroupId>, direction: Direction, rules: &[Rule]) -> Action {
    Action::SecurityGroup(SecurityGroupChange::Authorize {
        group,
        direction,
        rules: rules.to_vec(),
    })
}

/// Takes rules off a group.
pub fn revoke(group: Target<SecurityGroupId>, direction: Direction, rules: &[Rule]) -> Action {
    Action::SecurityGroup(SecurityGroupChange::Revoke {
        group,
        direction,
        rules: rules.to_vec(),
    })
}
