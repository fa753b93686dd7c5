//! Every action does what it says, in its order, and can be done again.

use std::collections::BTreeSet;

use sagevpc::aws::Ec2;

use crate::{
    plans::{
        apply, authorize, create_endpoint, create_group, done, endpoints, group_key, look, only, plan, policy, revoke,
        run, soon, step, tokens, us,
    },
    support::{moto::Moto, network::Network, tally::Tally},
};
use sagevpc_core::{
    observed::tags_of,
    plan::{
        Action, ActionId, DnsAttribute, SecurityGroupChange, Step, TagsChange, Target, VpcChange, VpcEndpointChange,
    },
    types::{
        Direction, Peer, PortRange, Protocol, ResourceKey, Rule, SecurityGroupId, TAG_CLUSTER, TAG_RETAINED_FROM, Tags,
    },
};

async fn world() -> (Network, Ec2) {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    (network, account.ec2(Tally::new()).await)
}

fn cidr(text: &str) -> Peer {
    Peer::Cidr(text.parse().unwrap())
}

fn everything_out() -> Rule {
    Rule::all(Direction::Egress, cidr("0.0.0.0/0"))
}

#[tokio::test]
async fn a_group_is_made_with_its_tags_and_gets_exactly_its_rules() {
    let (network, ec2) = world().await;
    let s3 = network.s3_prefix_list().await;
    let other = network.group("databases").await;
    let made = || Target::Made(group_key());
    let ingress = vec![
        Rule::all(Direction::Ingress, Peer::Itself),
        Rule::https(Direction::Ingress, Peer::Group { id: other, owner: None }),
    ];
    let egress = vec![
        Rule::https(Direction::Egress, Peer::PrefixList(s3)),
        Rule::new(Direction::Egress, Protocol::TCP, None, cidr("10.0.0.0/24")),
        Rule::new(
            Direction::Egress,
            Protocol::UDP,
            Some(PortRange { from: 53, to: 53 }),
            cidr("10.0.1.0/24"),
        ),
        Rule::https(Direction::Egress, cidr("2001:db8::/56")),
        Rule::all(Direction::Egress, Peer::Itself),
    ];
    let outcome = done(
        &ec2,
        &plan([
            (create_group(&network.vpc, "workloads"), &[][..]),
            (authorize(made(), Direction::Ingress, &ingress), &[0]),
            (authorize(made(), Direction::Egress, &egress), &[0]),
            (revoke(made(), Direction::Egress, &[everything_out()]), &[2]),
        ]),
    )
    .await;

    let id = SecurityGroupId::new(outcome.made[&group_key()].clone());
    let group = look(&ec2, &network.vpc).await.security_groups.remove(&id).unwrap();
    assert_eq!(group.group_name, "workloads");
    assert_eq!(group.description, "ml-fraud/fraud");
    assert_eq!(us().key_of(&tags_of(&group.tags)), Some(group_key()));
    assert_eq!(group.rules(), ingress.into_iter().chain(egress).collect());
}

#[tokio::test]
async fn rules_that_are_there_already_do_not_hold_up_the_others() {
    let (network, ec2) = world().await;
    let group = network.group("workloads").await;
    let rule = |net: &str| Rule::https(Direction::Ingress, cidr(net));
    let (first, second, third) = (rule("10.0.0.0/24"), rule("10.0.1.0/24"), rule("10.0.2.0/24"));
    let target = || Target::Existing(group.clone());
    done(
        &ec2,
        &only(authorize(target(), Direction::Ingress, std::slice::from_ref(&second))),
    )
    .await;
    let all = [first.clone(), second.clone(), third.clone()];
    done(&ec2, &only(authorize(target(), Direction::Ingress, &all))).await;
    let rules = || async {
        look(&ec2, &network.vpc)
            .await
            .security_groups
            .remove(&group)
            .unwrap()
            .rules()
    };
    assert_eq!(
        rules().await,
        BTreeSet::from([first, second.clone(), third, everything_out()])
    );

    done(
        &ec2,
        &only(revoke(target(), Direction::Ingress, std::slice::from_ref(&second))),
    )
    .await;
    done(&ec2, &only(revoke(target(), Direction::Ingress, &all))).await;
    assert_eq!(rules().await, BTreeSet::from([everything_out()]));
}

#[tokio::test]
async fn an_endpoint_is_made_and_changed() {
    let (network, ec2) = world().await;
    let made = done(&ec2, &only(create_endpoint(&network.vpc, &[&network.third_table])))
        .await
        .made;
    let id = made[&ResourceKey::S3GatewayEndpoint].as_str();
    let snapshot = look(&ec2, &network.vpc).await;
    let endpoint = endpoints(&snapshot)[0];
    assert_eq!(endpoint.vpc_endpoint_id.as_str(), id);
    assert!(endpoint.is_gateway());
    assert_eq!(endpoint.route_table_ids, std::slice::from_ref(&network.third_table));
    assert_eq!(
        us().key_of(&tags_of(&endpoint.tags)),
        Some(ResourceKey::S3GatewayEndpoint)
    );
    assert_eq!(endpoint.policy_document.as_deref().unwrap().parse(), Ok(policy("s3:*")));

    let modify = Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
        id: id.into(),
        policy: Some(policy("s3:GetObject")),
        add_route_tables: vec![network.main_table.clone()],
        remove_route_tables: vec![network.third_table.clone()],
    });
    done(&ec2, &only(modify)).await;
    let snapshot = look(&ec2, &network.vpc).await;
    let endpoint = endpoints(&snapshot)[0];
    assert_eq!(endpoint.route_table_ids, std::slice::from_ref(&network.main_table));
    assert_eq!(
        endpoint.policy_document.as_deref().unwrap().parse(),
        Ok(policy("s3:GetObject"))
    );
}

#[tokio::test]
async fn an_endpoint_is_deleted() {
    let (network, ec2) = world().await;
    let made = done(&ec2, &only(create_endpoint(&network.vpc, &[&network.third_table])))
        .await
        .made;
    let id = made[&ResourceKey::S3GatewayEndpoint].as_str();
    done(
        &ec2,
        &only(Action::VpcEndpoint(VpcEndpointChange::Delete { id: id.into() })),
    )
    .await;
    assert!(endpoints(&look(&ec2, &network.vpc).await).is_empty());
}

#[tokio::test]
async fn dns_is_turned_on_and_seen_on_at_once() {
    let (network, ec2) = world().await;
    let hostnames = || async {
        look(&ec2, &network.vpc)
            .await
            .attributes
            .unwrap()
            .enable_dns_hostnames
            .value
    };
    assert!(!hostnames().await);
    let turn_on = |attribute| {
        Action::Vpc(VpcChange::ModifyAttribute {
            vpc: network.vpc.clone(),
            attribute,
        })
    };
    done(
        &ec2,
        &plan([
            (turn_on(DnsAttribute::EnableDnsSupport), &[][..]),
            (turn_on(DnsAttribute::EnableDnsHostnames), &[0]),
        ]),
    )
    .await;
    assert!(hostnames().await);
}

#[tokio::test]
async fn tags_are_set_and_taken_off() {
    let (network, ec2) = world().await;
    let group = network.group("workloads").await;
    let tags = || async { tags_of(&look(&ec2, &network.vpc).await.security_groups[&group].tags) };
    done(
        &ec2,
        &only(Action::Tags(TagsChange::Create {
            resource: group.to_string(),
            tags: us().tags(&group_key()),
        })),
    )
    .await;
    assert_eq!(tags().await, us().tags(&group_key()));

    let keys: Vec<String> = us().tags(&group_key()).into_keys().collect();
    let retained = Tags::from([(TAG_RETAINED_FROM.to_owned(), us().retained_from())]);
    done(
        &ec2,
        &plan([
            (
                Action::Tags(TagsChange::Create {
                    resource: group.to_string(),
                    tags: retained.clone(),
                }),
                &[][..],
            ),
            (
                Action::Tags(TagsChange::Delete {
                    resource: group.to_string(),
                    keys,
                }),
                &[0],
            ),
        ]),
    )
    .await;
    assert_eq!(tags().await, retained);
    let again = Action::Tags(TagsChange::Delete {
        resource: group.to_string(),
        keys: vec![TAG_CLUSTER.to_owned()],
    });
    done(&ec2, &only(again)).await;
}

#[tokio::test]
async fn a_group_is_deleted_and_what_is_gone_counts_as_deleted() {
    let (network, ec2) = world().await;
    let group = network.group("workloads").await;
    let delete = || only(Action::SecurityGroup(SecurityGroupChange::Delete { id: group.clone() }));
    done(&ec2, &delete()).await;
    assert!(!look(&ec2, &network.vpc).await.security_groups.contains_key(&group));
    done(&ec2, &delete()).await;
}

#[tokio::test]
async fn rules_of_a_group_that_has_vanished_wait_for_the_next_look() {
    let (network, ec2) = world().await;
    let gone = SecurityGroupId::new("sg-00000000000000000");
    let rule = [Rule::all(Direction::Ingress, Peer::Itself)];
    let step = step(&ec2, authorize(Target::Existing(gone), Direction::Ingress, &rule)).await;
    assert!(
        matches!(&step, Step::Waiting { message } if message.contains("sg-00000000000000000")),
        "{step:?}"
    );
    drop(network);
}

#[tokio::test]
async fn what_is_held_is_not_done_and_what_comes_after_it_is_blocked() {
    let (network, ec2) = world().await;
    let rule = [Rule::all(Direction::Ingress, Peer::Itself)];
    let mut plan = plan([
        (create_endpoint(&network.vpc, &[&network.main_table]), &[][..]),
        (create_group(&network.vpc, "workloads"), &[0]),
        (authorize(Target::Made(group_key()), Direction::Ingress, &rule), &[1]),
    ]);
    plan.actions[0].held = true;
    let outcome = run(&ec2, &plan).await;
    assert_eq!(outcome.steps.get(&ActionId(0)), None);
    assert_eq!(outcome.steps[&ActionId(1)], Step::Blocked { by: ActionId(0) });
    assert_eq!(outcome.steps[&ActionId(2)], Step::Blocked { by: ActionId(1) });
    let snapshot = look(&ec2, &network.vpc).await;
    assert!(endpoints(&snapshot).is_empty());
    assert!(
        snapshot
            .security_groups
            .values()
            .all(|group| group.group_name != "workloads")
    );
}

#[tokio::test]
async fn what_is_known_to_wait_is_not_tried() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let tally = Tally::new();
    let ec2 = account.ec2(tally.clone()).await;
    let mut plan = only(create_endpoint(&network.vpc, &[&network.main_table]));
    plan.actions[0].waits_for = Some("vpce-1 is still being deleted".into());
    let outcome = run(&ec2, &plan).await;
    let waiting = Step::Waiting {
        message: "vpce-1 is still being deleted".into(),
    };
    assert_eq!(outcome.steps[&ActionId(0)], waiting);
    assert_eq!(tally.take().len(), 0);
}

#[tokio::test]
async fn nothing_is_begun_when_the_time_is_over() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let tally = Tally::new();
    let ec2 = account.ec2(tally.clone()).await;
    let now = soon() - tokio::time::Duration::from_secs(60);
    let plan = plan([
        (create_group(&network.vpc, "workloads"), &[][..]),
        (create_endpoint(&network.vpc, &[&network.main_table]), &[]),
    ]);
    let outcome = apply(&ec2, &plan, &tokens("t"), now).await;
    assert!(
        outcome.steps.values().all(|step| matches!(step, Step::Waiting { .. })),
        "{outcome:#?}"
    );
    assert_eq!(outcome.steps.len(), 2);
    assert_eq!(tally.take().len(), 0);
}

#[tokio::test]
async fn an_endpoint_without_a_client_token_is_not_made() {
    let (network, ec2) = world().await;
    let plan = only(create_endpoint(&network.vpc, &[&network.main_table]));
    let outcome = apply(&ec2, &plan, &Default::default(), soon()).await;
    assert_eq!(outcome.failures().count(), 1);
    assert!(endpoints(&look(&ec2, &network.vpc).await).is_empty());
}
