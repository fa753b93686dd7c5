//! Whatever is lost, late or taken on the way, nothing is there twice and
//! nothing waits for ever.

use sagevpc_core::{
    plan::{Action, ActionId, SecurityGroupChange, Step, Target, VpcEndpointChange},
    report::FailureKind,
    types::{Direction, Peer, ResourceKey, Rule, SecurityGroupId},
};

use crate::{
    plans::{
        apply, authorize, create_endpoint, create_group, done, endpoints, group_key, look, only, plan, policy, refused,
        revoke, run, step, tokens, us, waiting, world,
    },
    support::{
        moto::Moto,
        network::Network,
        road::{Fault, Road},
        tally::Tally,
    },
};

#[tokio::test]
async fn an_endpoint_whose_answer_was_lost_is_not_made_twice() {
    let (network, road, ec2) = world().await;
    road.next("CreateVpcEndpoint", Fault::LoseAnswer);
    let outcome = done(&ec2, &only(create_endpoint(&network.vpc, &[&network.main_table]))).await;
    let attempts = road.calls("CreateVpcEndpoint");
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0].get("ClientToken"), attempts[1].get("ClientToken"));
    let snapshot = look(&ec2, &network.vpc).await;
    let ids: Vec<_> = endpoints(&snapshot)
        .iter()
        .map(|endpoint| endpoint.vpc_endpoint_id.to_string())
        .collect();
    assert_eq!(ids, [outcome.made[&ResourceKey::S3GatewayEndpoint].clone()]);
}

#[tokio::test]
async fn an_endpoint_made_with_the_same_token_but_otherwise_is_found_by_its_tags() {
    let (network, road, ec2) = world().await;
    let first = done(&ec2, &only(create_endpoint(&network.vpc, &[&network.main_table]))).await;
    let second = done(&ec2, &only(create_endpoint(&network.vpc, &[&network.third_table]))).await;
    assert_eq!(road.calls("CreateVpcEndpoint").len(), 2);
    assert_eq!(first.made, second.made);
    assert_eq!(endpoints(&look(&ec2, &network.vpc).await).len(), 1);
}

#[tokio::test]
async fn a_token_that_aws_remembers_for_what_is_gone_waits() {
    let (network, road, ec2) = world().await;
    road.next("CreateVpcEndpoint", refused("IdempotentParameterMismatch", "differs"));
    let step = step(&ec2, create_endpoint(&network.vpc, &[&network.main_table])).await;
    assert!(waiting(&step).contains("s3-gateway-endpoint"), "{step:?}");
}

#[tokio::test]
async fn a_group_whose_answer_was_lost_is_found_by_its_name_and_tags() {
    let (network, road, ec2) = world().await;
    road.next("CreateSecurityGroup", Fault::LoseAnswer);
    let outcome = done(&ec2, &only(create_group(&network.vpc, "workloads"))).await;
    let again = done(&ec2, &only(create_group(&network.vpc, "workloads"))).await;
    assert_eq!(outcome.made, again.made);
    let groups = look(&ec2, &network.vpc).await.security_groups;
    let ours: Vec<_> = groups
        .values()
        .filter(|group| group.group_name == "workloads")
        .collect();
    assert_eq!(
        ours.iter().map(|group| group.group_id.as_str()).collect::<Vec<_>>(),
        [&outcome.made[&group_key()]]
    );
}

#[tokio::test]
async fn a_group_of_someone_elses_with_our_name_is_left_alone_and_named() {
    let (network, _, ec2) = world().await;
    let theirs = network.group("workloads").await;
    let rule = [Rule::all(Direction::Ingress, Peer::Itself)];
    let plan = plan([
        (create_group(&network.vpc, "workloads"), &[][..]),
        (authorize(Target::Made(group_key()), Direction::Ingress, &rule), &[0]),
    ]);
    let outcome = run(&ec2, &plan).await;
    let Step::Failed(failure) = &outcome.steps[&ActionId(0)] else {
        panic!("{outcome:#?}")
    };
    assert_eq!(failure.kind, FailureKind::Rejected);
    assert_eq!(failure.action, "ec2:CreateSecurityGroup");
    for named in ["workloads", network.vpc.as_str(), "spec.adopt"] {
        assert!(failure.message.contains(named), "{}", failure.message);
    }
    assert_eq!(outcome.steps[&ActionId(1)], Step::Blocked { by: ActionId(0) });
    let group = look(&ec2, &network.vpc).await.security_groups.remove(&theirs).unwrap();
    assert_eq!(group.tags, []);
    assert_eq!(us().key_of(&sagevpc_core::observed::tags_of(&group.tags)), None);
}

#[tokio::test]
async fn rules_of_a_new_group_are_tried_again_until_ec2_sees_it() {
    let (network, road, ec2) = world().await;
    for _ in 0..2 {
        road.next(
            "AuthorizeSecurityGroupIngress",
            refused("InvalidGroup.NotFound", "The security group does not exist"),
        );
    }
    let rule = Rule::all(Direction::Ingress, Peer::Itself);
    let outcome = done(
        &ec2,
        &plan([
            (create_group(&network.vpc, "workloads"), &[][..]),
            (
                authorize(
                    Target::Made(group_key()),
                    Direction::Ingress,
                    std::slice::from_ref(&rule),
                ),
                &[0],
            ),
        ]),
    )
    .await;
    assert_eq!(road.calls("AuthorizeSecurityGroupIngress").len(), 3);
    let id = SecurityGroupId::new(outcome.made[&group_key()].clone());
    assert!(
        look(&ec2, &network.vpc).await.security_groups[&id]
            .rules()
            .contains(&rule)
    );
}

#[tokio::test]
async fn a_new_group_that_stays_invisible_waits_for_the_next_look() {
    let (network, road, ec2) = world().await;
    for _ in 0..4 {
        road.next(
            "AuthorizeSecurityGroupIngress",
            refused("InvalidGroup.NotFound", "The security group does not exist"),
        );
    }
    let rule = [Rule::all(Direction::Ingress, Peer::Itself)];
    let plan = plan([
        (create_group(&network.vpc, "workloads"), &[][..]),
        (authorize(Target::Made(group_key()), Direction::Ingress, &rule), &[0]),
        (revoke(Target::Made(group_key()), Direction::Egress, &rule), &[1]),
    ]);
    let outcome = run(&ec2, &plan).await;
    assert!(waiting(&outcome.steps[&ActionId(1)]).contains(&outcome.made[&group_key()]));
    assert_eq!(outcome.steps[&ActionId(2)], Step::Blocked { by: ActionId(1) });
}

#[tokio::test]
async fn a_group_in_use_waits_and_names_what_uses_it() {
    let (network, road, ec2) = world().await;
    let group = network.group("workloads").await;
    let interface = network.interface(&group, "SageMaker-Network-Interface").await;
    let other = network.group("databases").await;
    let from_group = Rule::https(
        Direction::Ingress,
        Peer::Group {
            id: group.clone(),
            owner: None,
        },
    );
    done(
        &ec2,
        &only(authorize(
            Target::Existing(other.clone()),
            Direction::Ingress,
            &[from_group],
        )),
    )
    .await;
    // The server would delete a group whose interface is in use.
    road.next(
        "DeleteSecurityGroup",
        refused(
            "DependencyViolation",
            format!("resource {group} has a dependent object"),
        ),
    );
    let step = step(
        &ec2,
        Action::SecurityGroup(SecurityGroupChange::Delete { id: group.clone() }),
    )
    .await;
    for named in [
        group.as_str(),
        interface.as_str(),
        "SageMaker-Network-Interface",
        other.as_str(),
    ] {
        assert!(waiting(&step).contains(named), "{step:?}");
    }
}

#[tokio::test]
async fn a_table_that_leads_to_the_endpoint_already_does_not_hold_up_the_rest() {
    let (network, road, ec2) = world().await;
    let made = done(&ec2, &only(create_endpoint(&network.vpc, &[&network.main_table])))
        .await
        .made;
    let id = made[&ResourceKey::S3GatewayEndpoint].as_str();
    let on_both = format!(
        "<DescribeVpcEndpointsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><vpcEndpointSet><item>\
         <vpcEndpointId>{id}</vpcEndpointId><vpcId>{}</vpcId><routeTableIdSet><item>{}</item></routeTableIdSet></item>\
         </vpcEndpointSet></DescribeVpcEndpointsResponse>",
        network.vpc, network.main_table
    );
    road.next(
        "ModifyVpcEndpoint",
        refused("RouteAlreadyExists", "route table already has a route"),
    );
    road.next("DescribeVpcEndpoints", Fault::Answer(on_both));
    let modify = Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
        id: id.into(),
        policy: Some(policy("s3:GetObject")),
        add_route_tables: vec![network.main_table.clone(), network.third_table.clone()],
        remove_route_tables: Vec::new(),
    });
    done(&ec2, &only(modify)).await;
    let snapshot = look(&ec2, &network.vpc).await;
    let endpoint = endpoints(&snapshot)[0];
    assert_eq!(
        endpoint.route_table_ids,
        [network.main_table.clone(), network.third_table.clone()]
    );
    assert_eq!(
        endpoint.policy_document.as_deref().unwrap().parse(),
        Ok(policy("s3:GetObject"))
    );
    assert_eq!(road.calls("ModifyVpcEndpoint").len(), 2);
}

#[tokio::test]
async fn a_route_that_another_endpoint_has_is_a_failure() {
    let (network, road, ec2) = world().await;
    let message = "route table already has a route with destination-prefix-list-id pl-1";
    road.next("CreateVpcEndpoint", refused("RouteAlreadyExists", message));
    let step = step(&ec2, create_endpoint(&network.vpc, &[&network.main_table])).await;
    let Step::Failed(failure) = step else {
        panic!("{step:?}")
    };
    assert_eq!(
        (failure.kind, failure.code.as_deref()),
        (FailureKind::Rejected, Some("RouteAlreadyExists"))
    );
    assert_eq!(failure.message, message);
}

#[tokio::test]
async fn a_deletion_that_aws_could_not_make_is_not_taken_for_one() {
    let (_, road, ec2) = world().await;
    let answer = |code: &str| {
        Fault::Answer(format!(
            "<DeleteVpcEndpointsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><unsuccessful><item><error>\
             <code>{code}</code><message>it says why</message></error><resourceId>vpce-1</resourceId></item></unsuccessful>\
             </DeleteVpcEndpointsResponse>"
        ))
    };
    let delete = || Action::VpcEndpoint(VpcEndpointChange::Delete { id: "vpce-1".into() });
    road.next("DeleteVpcEndpoints", answer("OperationNotPermitted"));
    let step_one = step(&ec2, delete()).await;
    assert!(
        matches!(&step_one, Step::Failed(failure) if failure.message == "it says why"),
        "{step_one:?}"
    );
    road.next("DeleteVpcEndpoints", answer("InvalidVpcEndpoint.NotFound"));
    assert_eq!(step(&ec2, delete()).await, Step::Done);
}

#[tokio::test]
async fn no_attempt_starts_after_the_deadline() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let road = Road::to(Moto::shared().url()).await;
    let ec2 = account.ec2_by(road.url(), Tally::new()).await;
    // The first attempt gets no answer within the ten seconds that it has, and
    // by then the time for all of them is over.
    for _ in 0..3 {
        road.next("CreateSecurityGroup", Fault::Silence);
    }
    ec2.account().await.unwrap();
    look(&ec2, &network.vpc).await;
    let deadline = tokio::time::Instant::now() + tokio::time::Duration::from_secs(5);
    let plan = only(create_group(&network.vpc, "workloads"));
    let outcome = apply(&ec2, &plan, &tokens("t"), deadline).await;
    assert!(
        matches!(outcome.steps[&ActionId(0)], Step::Waiting { .. } | Step::Failed(_)),
        "{outcome:?}"
    );
    // The SDK goes on to a second attempt, which is not sent.
    assert_eq!(road.calls("CreateSecurityGroup").len(), 1);
}
