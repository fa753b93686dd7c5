use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use super::*;
use crate::controller::events::{self, About};
use iam_policy::PolicyDocument;
use sagevpc_core::{
    api::{ApprovedStatus, ProfileInForce},
    plan::{
        Action, ActionId, AddressChange, BucketChange, Deed, DnsAttribute, FlowLogChange, NatGatewayChange,
        NetworkAclChange, Replaced, RoleChange, RouteChange, SecurityGroupChange, TagsChange, Target, VpcChange,
        VpcEndpointChange,
    },
    status::Statuses,
    types::{
        AclEntry, AvailabilityZoneId, Direction, FlowLogSettings, LogDestinationType, NatPlace, Peer, Protocol, Region,
        ResourceKey, Rule, Tags, TrafficType,
    },
    validate::ProfileReference,
};

fn fraud() -> ProfileKey {
    ProfileKey::new("ml-fraud", "fraud")
}

fn references() -> References {
    let vpc = json!({
        "apiVersion": "sagevpc.dev/v1alpha1",
        "kind": "SageMakerVpc",
        "metadata": { "name": "research", "generation": 4, "managedFields": [{
            "manager": "kubectl-patch", "operation": "Update", "time": "2026-01-01T13:00:00Z",
            "fieldsV1": { "f:spec": { "f:approvedPlan": {} } },
        }] },
        "spec": { "region": "us-east-1", "vpcId": "vpc-0123456789abcdef0" },
    });
    let profile = json!({
        "apiVersion": "sagevpc.dev/v1alpha1",
        "kind": "SageMakerVpcProfile",
        "metadata": { "name": "fraud", "namespace": "ml-fraud", "generation": 2 },
        "spec": { "vpcRef": { "name": "research" }, "workloads": [{ "name": "serve", "kind": "Hosting" }] },
    });
    References {
        cluster: "c".into(),
        cluster_uid: None,
        vpc: serde_json::from_value(vpc).unwrap(),
        rivals: Vec::new(),
        profiles: vec![ProfileReference {
            profile: serde_json::from_value(profile).unwrap(),
            namespace_labels: Default::default(),
        }],
    }
}

fn place() -> ResourceKey {
    ResourceKey::NatGateway {
        place: NatPlace::Subnet("subnet-0123456789abcdef0".into()),
    }
}

fn rules() -> Vec<Rule> {
    vec![Rule::https(Direction::Egress, Peer::Itself)]
}

fn entry() -> AclEntry {
    let everyone = "0.0.0.0/0".parse().unwrap();
    AclEntry::new(Direction::Egress, 100, true, Protocol::TCP, None, everyone)
}

fn policy() -> PolicyDocument {
    PolicyDocument::full_access()
}

/// One action after the other, so that none that is added can be forgotten here.
fn next(action: Option<&Action>) -> Option<Action> {
    let group = || Target::Existing("sg-0123456789abcdef0".into());
    let nat_gateway = || Target::Existing("nat-0123456789abcdef0".into());
    let endpoint = || "vpce-0123456789abcdef0".into();
    let vpc = || "vpc-0123456789abcdef0".into();
    let subnet = || "subnet-0123456789abcdef0".into();
    let table = || "rtb-0123456789abcdef0".into();
    let acl = || "acl-0123456789abcdef0".into();
    let everywhere = || "0.0.0.0/0".parse().unwrap();
    let role = || "arn:aws:iam::111122223333:role/train".to_owned();
    let tags = || Tags::from([("team".to_owned(), "ml".to_owned())]);
    Some(match action {
        None => Action::Vpc(VpcChange::ModifyAttribute {
            vpc: vpc(),
            attribute: DnsAttribute::EnableDnsSupport,
        }),
        Some(Action::Vpc(VpcChange::ModifyAttribute { .. })) => Action::SecurityGroup(SecurityGroupChange::Create {
            key: ResourceKey::EndpointSecurityGroup,
            vpc: vpc(),
            name: "n".into(),
            description: "d".into(),
            tags: tags(),
        }),
        Some(Action::SecurityGroup(SecurityGroupChange::Create { .. })) => {
            Action::SecurityGroup(SecurityGroupChange::Authorize {
                group: group(),
                direction: Direction::Egress,
                rules: rules(),
            })
        }
        Some(Action::SecurityGroup(SecurityGroupChange::Authorize { .. })) => {
            Action::SecurityGroup(SecurityGroupChange::Revoke {
                group: group(),
                direction: Direction::Egress,
                rules: rules(),
            })
        }
        Some(Action::SecurityGroup(SecurityGroupChange::Revoke { .. })) => {
            Action::SecurityGroup(SecurityGroupChange::Delete {
                id: "sg-0123456789abcdef0".into(),
            })
        }
        Some(Action::SecurityGroup(SecurityGroupChange::Delete { .. })) => {
            Action::VpcEndpoint(VpcEndpointChange::CreateGateway {
                key: ResourceKey::S3GatewayEndpoint,
                vpc: vpc(),
                service_name: "com.amazonaws.us-east-1.s3".into(),
                route_tables: vec![table()],
                policy: policy(),
                tags: tags(),
            })
        }
        Some(Action::VpcEndpoint(VpcEndpointChange::CreateGateway { .. })) => {
            Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
                id: endpoint(),
                policy: Some(policy()),
                add_route_tables: vec![table()],
                remove_route_tables: Vec::new(),
            })
        }
        Some(Action::VpcEndpoint(VpcEndpointChange::ModifyGateway { .. })) => {
            Action::VpcEndpoint(VpcEndpointChange::CreateInterface {
                key: ResourceKey::InterfaceEndpoint {
                    service: "sagemaker.api".into(),
                },
                vpc: vpc(),
                service_name: "com.amazonaws.us-east-1.sagemaker.api".into(),
                subnets: vec![subnet()],
                groups: vec![group()],
                private_dns: true,
                ip_address_type: None,
                policy: None,
                tags: tags(),
            })
        }
        Some(Action::VpcEndpoint(VpcEndpointChange::CreateInterface { .. })) => {
            Action::VpcEndpoint(VpcEndpointChange::ModifyInterface {
                id: endpoint(),
                policy: None,
                add_subnets: vec![subnet()],
                remove_subnets: Vec::new(),
                add_groups: Vec::new(),
                remove_groups: Vec::new(),
                private_dns: None,
                ip_address_type: None,
            })
        }
        Some(Action::VpcEndpoint(VpcEndpointChange::ModifyInterface { .. })) => {
            Action::VpcEndpoint(VpcEndpointChange::Delete { id: endpoint() })
        }
        Some(Action::VpcEndpoint(VpcEndpointChange::Delete { .. })) => Action::Address(AddressChange::Allocate {
            key: ResourceKey::Address { subnet: subnet() },
            tags: tags(),
        }),
        Some(Action::Address(AddressChange::Allocate { .. })) => Action::Address(AddressChange::Release {
            id: "eipalloc-0123456789abcdef0".into(),
        }),
        Some(Action::Address(AddressChange::Release { .. })) => Action::NatGateway(NatGatewayChange::Create {
            key: place(),
            subnet: subnet(),
            address: Target::Existing("eipalloc-0123456789abcdef0".into()),
            tags: tags(),
        }),
        Some(Action::NatGateway(NatGatewayChange::Create { .. })) => {
            Action::NatGateway(NatGatewayChange::CreateRegional {
                key: ResourceKey::NatGateway {
                    place: NatPlace::Regional,
                },
                vpc: vpc(),
                zones: [AvailabilityZoneId::new("use1-az1")].into(),
                tags: tags(),
            })
        }
        Some(Action::NatGateway(NatGatewayChange::CreateRegional { .. })) => {
            Action::NatGateway(NatGatewayChange::Delete {
                id: "nat-0123456789abcdef0".into(),
            })
        }
        Some(Action::NatGateway(NatGatewayChange::Delete { .. })) => Action::Route(RouteChange::Create {
            table: table(),
            destination: everywhere(),
            nat_gateway: nat_gateway(),
        }),
        Some(Action::Route(RouteChange::Create { .. })) => Action::Route(RouteChange::Replace {
            table: table(),
            destination: everywhere(),
            nat_gateway: nat_gateway(),
        }),
        Some(Action::Route(RouteChange::Replace { .. })) => Action::Route(RouteChange::Delete {
            table: table(),
            destination: everywhere(),
        }),
        Some(Action::Route(RouteChange::Delete { .. })) => Action::NetworkAcl(NetworkAclChange::CreateEntry {
            acl: acl(),
            entry: entry(),
        }),
        Some(Action::NetworkAcl(NetworkAclChange::CreateEntry { .. })) => {
            Action::NetworkAcl(NetworkAclChange::ReplaceEntry {
                acl: acl(),
                entry: entry(),
            })
        }
        Some(Action::NetworkAcl(NetworkAclChange::ReplaceEntry { .. })) => {
            Action::NetworkAcl(NetworkAclChange::DeleteEntry {
                acl: acl(),
                direction: Direction::Egress,
                rule_number: 100,
            })
        }
        Some(Action::NetworkAcl(NetworkAclChange::DeleteEntry { .. })) => Action::FlowLog(FlowLogChange::Create {
            key: ResourceKey::FlowLog {
                resource: "vpc-0123456789abcdef0".into(),
            },
            resource: "vpc-0123456789abcdef0".into(),
            settings: FlowLogSettings {
                traffic_type: TrafficType::All,
                log_destination_type: LogDestinationType::S3,
                log_destination: "arn:aws:s3:::logs".into(),
                deliver_logs_permission_arn: None,
                log_format: None,
                max_aggregation_interval: 600,
            },
            tags: tags(),
        }),
        Some(Action::FlowLog(FlowLogChange::Create { .. })) => Action::FlowLog(FlowLogChange::Delete {
            id: "fl-0123456789abcdef0".into(),
        }),
        Some(Action::FlowLog(FlowLogChange::Delete { .. })) => Action::Bucket(BucketChange::PutPolicy {
            bucket: "fraud-data".into(),
            region: Region::new("us-east-1"),
            add_endpoints: vec![Target::Existing(endpoint())],
            remove_endpoints: Vec::new(),
            add_exemptions: Vec::new(),
            remove_exemptions: Vec::new(),
        }),
        Some(Action::Bucket(BucketChange::PutPolicy { .. })) => Action::Role(RoleChange::PutPolicy {
            key: ResourceKey::RolePolicy { role: "train".into() },
            role: role(),
            name: "sagevpc".into(),
            policy: policy(),
            replaces: false,
        }),
        Some(Action::Role(RoleChange::PutPolicy { .. })) => Action::Role(RoleChange::DeletePolicy {
            role: role(),
            name: "sagevpc".into(),
        }),
        Some(Action::Role(RoleChange::DeletePolicy { .. })) => Action::Tags(TagsChange::Create {
            resource: "vpce-0123456789abcdef0".into(),
            tags: tags(),
        }),
        Some(Action::Tags(TagsChange::Create { .. })) => Action::Tags(TagsChange::Delete {
            resource: "vpce-0123456789abcdef0".into(),
            keys: vec!["team".into()],
        }),
        Some(Action::Tags(TagsChange::Delete { .. })) => return None,
    })
}

fn every_action() -> Vec<Action> {
    std::iter::successors(next(None), |action| next(Some(action))).collect()
}

fn done(actions: impl IntoIterator<Item = PlannedAction>) -> (Plan, Outcome) {
    let actions: Vec<PlannedAction> = actions
        .into_iter()
        .enumerate()
        .map(|(place, planned)| PlannedAction {
            id: ActionId(place),
            ..planned
        })
        .collect();
    let outcome = Outcome {
        steps: actions.iter().map(|planned| (planned.id, Step::Done)).collect(),
        made: actions
            .iter()
            .filter_map(|planned| Some((planned.action.makes()?.clone(), "made-1".to_owned())))
            .collect(),
    };
    let plan = Plan {
        actions,
        ..Plan::default()
    };
    (plan, outcome)
}

fn events_of(references: &References, plan: &Plan, outcome: &Outcome) -> Vec<(About, crate::cluster::Notice)> {
    let statuses = Statuses {
        vpc: Default::default(),
        profiles: Default::default(),
    };
    events::decide(references, Some((plan, outcome)), &statuses)
}

/// The lines that are logged while `run` runs.
fn logged(run: impl FnOnce()) -> Vec<Value> {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Lines {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(line);
            Ok(line.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, run);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_kind_of_change_leaves_one_event_and_one_line_of_the_log_that_name_resource_and_reason() {
    let actions = every_action();
    assert!(actions.len() >= 27, "{}", actions.len());
    for action in actions {
        let (plan, outcome) = done([PlannedAction::new(
            action,
            Serves::SageMakerVpc,
            "somebody asked for it",
        )]);
        let action = &plan.actions[0].action;
        let references = references();

        let events = events_of(&references, &plan, &outcome);
        let [(About::Vpc, event)] = events.as_slice() else {
            panic!("{}: {events:?}", action.name());
        };
        let expected = match action.deed() {
            Deed::Creates => "Created",
            Deed::Changes => "Changed",
            Deed::Deletes => "Deleted",
        };
        assert_eq!(event.reason, expected, "{}", action.name());
        for part in [
            action.name(),
            &action.resource(),
            &action.change(),
            "somebody asked for it",
            "SageMakerVpc research (generation 4)",
        ] {
            assert!(event.message.contains(part), "{part:?} is not in {:?}", event.message);
        }
        assert!(event.is_logged, "the line is written once");

        let lines = logged(|| {
            for change in changes(&references, &plan, &outcome) {
                log("research", &change, &plan);
            }
        });
        let [line] = lines.as_slice() else {
            panic!("{}: {lines:?}", action.name());
        };
        let told = |field: &str| line[field].as_str().unwrap_or_default().to_owned();
        assert_eq!(told("vpc"), "research");
        assert_eq!(told("service"), action.service());
        assert_eq!(told("action"), action.name());
        assert_eq!(told("resource"), action.resource());
        assert_eq!(told("change"), action.change());
        assert_eq!(told("reason"), "somebody asked for it");
        assert_eq!(told("account"), "Spec");
        assert_eq!(line["id"].is_string(), action.makes().is_some(), "{}", action.name());
    }
}

#[test]
fn what_was_replaced_is_told_before_and_after() {
    let policy = |actions: &str| {
        json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": "*", "Action": actions, "Resource": "*" },
    ] })
    };
    let action = Action::VpcEndpoint(VpcEndpointChange::ModifyGateway {
        id: "vpce-0123456789abcdef0".into(),
        policy: Some(policy("s3:GetObject").to_string().parse().unwrap()),
        add_route_tables: Vec::new(),
        remove_route_tables: Vec::new(),
    });
    let replaced = Replaced {
        before: policy("s3:*"),
        after: Some(policy("s3:GetObject")),
        words: Some("statement 1, Action: s3:* became s3:GetObject".into()),
    };
    let (plan, outcome) = done([PlannedAction {
        replaced: Some(replaced),
        ..PlannedAction::new(action, Serves::SageMakerVpc, "it lets too much through")
    }]);
    let events = events_of(&references(), &plan, &outcome);
    let message = &events[0].1.message;
    assert!(
        message
            .contains("replace the policy: statement 1, Action: s3:* became s3:GetObject (it lets too much through)"),
        "{message}"
    );
    let lines = logged(|| {
        for change in changes(&references(), &plan, &outcome) {
            log("research", &change, &plan);
        }
    });
    let told = |field: &str| lines[0][field].as_str().unwrap().parse::<serde_json::Value>().unwrap();
    assert_eq!(
        (told("before"), told("after")),
        (policy("s3:*"), policy("s3:GetObject"))
    );
}

#[test]
fn what_was_not_done_leaves_nothing() {
    let (plan, _) = done(
        every_action()
            .into_iter()
            .map(|action| PlannedAction::new(action, Serves::Vpc, "r")),
    );
    assert!(changes(&references(), &plan, &Outcome::default()).is_empty());
    assert_eq!(events_of(&references(), &plan, &Outcome::default()), []);
}

fn group_goes() -> PlannedAction {
    let action = Action::SecurityGroup(SecurityGroupChange::Delete {
        id: "sg-0123456789abcdef0".into(),
    });
    PlannedAction {
        key: Some(ResourceKey::WorkloadSecurityGroup {
            profile: fraud(),
            workload: None,
        }),
        priority: Priority::Deletion,
        ..PlannedAction::new(action, Serves::Vpc, "nothing needs it")
    }
}

fn account_of(references: &References, planned: PlannedAction) -> (String, Option<Approval>) {
    let (mut plan, outcome) = done([planned]);
    plan.approved = Some(ApprovedStatus {
        digest: "5f1d0c7a9be24466".into(),
        at: None,
        changes: Vec::new(),
        hits: Vec::new(),
        victims: Vec::new(),
    });
    let mut all = changes(references, &plan, &outcome);
    let change = all.remove(0);
    (change.account.told(), change.approval)
}

#[test]
fn it_is_told_on_whose_account_and_who_approved_it() {
    let asked = || PlannedAction::new(next(None).unwrap(), Serves::Profile(fraud()), "r");
    let told = |references: &References, planned| account_of(references, planned).0;
    assert_eq!(
        told(&references(), asked()),
        "asked for by profile ml-fraud/fraud (generation 2)"
    );
    let drifted = PlannedAction { drift: true, ..asked() };
    assert_eq!(told(&references(), drifted), "it was changed behind sagevpc's back");

    let approved = PlannedAction {
        approved: true,
        ..asked()
    };
    let (_, approval) = account_of(&references(), approved);
    assert_eq!(
        approval.unwrap().told(),
        "approved by kubectl-patch as 5f1d0c7a9be24466"
    );
    assert_eq!(account_of(&references(), asked()).1, None, "it needed no approval");

    let mut deleting = references();
    deleting.vpc.metadata.deletion_timestamp = Some(serde_json::from_value(json!("2026-01-01T12:00:00Z")).unwrap());
    assert_eq!(told(&deleting, group_goes()), "SageMakerVpc research is being deleted");

    let mut gone = references();
    gone.profiles.clear();
    assert_eq!(told(&gone, group_goes()), "profile ml-fraud/fraud was deleted");

    let status = gone.vpc.status.get_or_insert_default();
    status.in_force.profiles = vec![ProfileInForce {
        namespace: "ml-fraud".into(),
        name: "fraud".into(),
        absent_since: Some("2026-01-01T12:00:00Z".parse().unwrap()),
        ..ProfileInForce::default()
    }];
    assert_eq!(told(&gone, group_goes()), "ml-fraud/fraud was waited for long enough");
}

#[test]
fn a_change_is_told_on_every_profile_that_it_serves() {
    let (mut plan, outcome) = done([PlannedAction::new(next(None).unwrap(), Serves::Vpc, "r")]);
    plan.contributing = [fraud(), ProfileKey::new("ml", "other")].into();
    let about: Vec<About> = events_of(&references(), &plan, &outcome)
        .into_iter()
        .map(|(about, _)| about)
        .collect();
    assert_eq!(
        about,
        [
            About::Profile(ProfileKey::new("ml", "other")),
            About::Profile(fraud()),
            About::Vpc
        ]
    );
}

#[test]
fn many_changes_are_told_together() {
    let attribute = next(None).unwrap();
    let changed = |_| PlannedAction::new(attribute.clone(), Serves::Vpc, "r");
    let (mut plan, outcome) = done((0..500).map(changed));
    plan.contributing = (0..200)
        .map(|number| ProfileKey::new("ml", format!("p{number}")))
        .collect();
    let events = events_of(&references(), &plan, &outcome);
    let of_vpc: Vec<_> = events.iter().filter(|(about, _)| *about == About::Vpc).collect();
    assert_eq!(of_vpc.len(), 8);
    assert!(
        of_vpc[7].1.message.starts_with("493 more: ModifyVpcAttribute vpc-"),
        "{:?}",
        of_vpc[7]
    );
    assert_eq!(events.len() - of_vpc.len(), 64, "and not more on profiles");
    let of_one: Vec<_> = events
        .iter()
        .filter(|(about, _)| *about == About::Profile(ProfileKey::new("ml", "p0")))
        .collect();
    assert_eq!(of_one.len(), 1);
    assert!(of_one[0].1.message.starts_with("500 changes: "), "{:?}", of_one[0]);
}
