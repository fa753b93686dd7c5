//! A stored fingerprint stays valid, and everything that it is to tell apart it
//! tells apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::json;

use super::*;
use crate::{
    api::{
        AcceptUnknown, Admit, Approval, DeletionPolicy, Destination, Discovery, Dns, EnforceGrants,
        FlowLogResourceType, Grant, Grants, InterfaceEndpointMode, InternetMode, ManagementPolicy, NatGateways,
        NetworkAclMode, PackageRepositories,
    },
    catalog::{PresetNeeds, Priced, Prices, Usd, WorkloadKind},
    demand::Demands,
    types::{
        BucketAccess, Exemption, Holdings, IpAddressType, LogDestinationType, ProfileKey, Region, Tags, TrafficType,
    },
    validate::Granted,
};

fn granted(grant: Grant) -> Granted {
    Granted::to_anyone(&Grants {
        everyone: grant,
        namespaces: Vec::new(),
    })
}

fn tags(key: &str, value: &str) -> Tags {
    Tags::from([(key.to_owned(), value.to_owned())])
}

fn texts(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|&text| text.to_owned()).collect()
}

fn policy(action: &str) -> iam_policy::PolicyDocument {
    let statement = json!({ "Effect": "Allow", "Principal": "*", "Action": action, "Resource": "*" });
    let document = json!({ "Version": "2012-10-17", "Statement": [statement] });
    document.to_string().parse().unwrap()
}

fn holdings(text: &str) -> Holdings {
    text.parse().unwrap()
}

/// A network with everything set, and nothing to what it is by default.
fn full() -> Network {
    let vpc = ValidVpc {
        ownership: Ownership {
            cluster: "prod".to_owned(),
            cluster_uid: Some("uid-1".to_owned()),
            vpc: "research".to_owned(),
        },
        region: Region::new("us-east-1"),
        vpc_id: "vpc-1".into(),
        management_policy: ManagementPolicy::Observe,
        deletion_policy: DeletionPolicy::Retain,
        approval: Approval::All,
        approved_plan: Some("d".to_owned()),
        take_over_from: Some("old".to_owned()),
        paused: true,
        deleting: true,
        resync_interval: Duration::from_secs(60),
        absent_grace: Duration::from_secs(60),
        subnets: Some(Choice::Ids(BTreeSet::from(["subnet-1".into(), "subnet-2".into()]))),
        route_tables: Some(Choice::Tags(tags("tier", "private"))),
        s3_policy: EndpointPolicy::Custom(Box::new(policy("s3:GetObject"))),
        dns: Dns::Verify,
        accept_unknown: BTreeSet::from([AcceptUnknown::Firewall]),
        tags: tags("team", "ml"),
        adopt_endpoints: BTreeSet::from(["vpce-1".into()]),
        adopt_security_groups: BTreeSet::from(["sg-1".into()]),
        package_repositories: Some(PackageRepositories::Deny),
        services: texts(&["sts"]),
        interface_endpoints: ValidInterfaceEndpoints {
            mode: InterfaceEndpointMode::Always,
            admit: Admit::Profiles,
            ip_address_type: Some(IpAddressType::Dualstack),
            policies: BTreeMap::from([("sts".to_owned(), policy("sts:*"))]),
        },
        internet: InternetMode::ManagedNat,
        nat_gateways: NatGateways::Single,
        had_nat_gateways: true,
        public_subnets: Some(Choice::Ids(BTreeSet::from(["subnet-3".into()]))),
        network_acls: NetworkAclMode::Enforce,
        first_rule_number: 700,
        flow_logs: Some(ValidFlowLogs {
            resource_type: FlowLogResourceType::Subnet,
            settings: FlowLogSettings {
                traffic_type: TrafficType::Reject,
                log_destination_type: LogDestinationType::CloudWatchLogs,
                log_destination: "arn:aws:logs:us-east-1:111122223333:log-group:flows".to_owned(),
                deliver_logs_permission_arn: Some("arn:aws:iam::111122223333:role/flows".to_owned()),
                log_format: Some("${srcaddr}".to_owned()),
                max_aggregation_interval: 60,
            },
        }),
        max_monthly_cost: Some(90),
        prices: Prices::default(),
        discovery: Discovery::Disabled,
        granted: granted(Grant {
            enforce: EnforceGrants {
                roles: vec!["arn:aws:iam::111122223333:role/fraud-*".to_owned()],
                ..EnforceGrants::default()
            },
            ..Grant::default()
        }),
        roles_in_force: texts(&["arn:aws:iam::111122223333:role/fraud-train"]),
    };
    let profile = ValidProfile {
        key: ProfileKey::new("ml", "fraud"),
        created: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        established: true,
        workloads: vec![ValidWorkload {
            name: "train".to_owned(),
            kind: WorkloadKind::Training,
            instances: 4,
            options: Options {
                distributed: true,
                encrypted: true,
                efa: true,
                isolated: false,
                shadow_endpoint: false,
                eks: false,
            },
            instance_type: None,
            shadow_instances: 0,
            direct_internet_access: true,
            presets: PresetNeeds::default(),
            role_arn: Some("arn:aws:iam::111122223333:role/fraud-train".to_owned()),
            role_enforced: true,
        }],
        subnets: Some(Choice::Tags(tags("zone", "a"))),
        security_groups: SecurityGroups::Own(BTreeSet::from(["sg-2".into()])),
        holdings: holdings("Aw"),
        package_repositories: Some(PackageRepositories::Allow),
        buckets: [("fraud-data".to_owned(), BucketAccess::ReadWrite)].into(),
        bucket_regions: BTreeMap::from([("fraud-data".to_owned(), Region::new("us-west-2"))]),
        required_endpoints: BTreeMap::from([(
            "fraud-data".to_owned(),
            RequiredEndpoint {
                exempt: BTreeSet::from([
                    Exemption::AwsServices,
                    Exemption::Principal("arn:aws:iam::111122223333:role/audit".to_owned()),
                ]),
                enforced: true,
            },
        )]),
        services: texts(&["ecr.api"]),
        destinations: BTreeSet::from([Destination {
            host: Some("pypi.org".to_owned()),
            ports: vec![443, 8443],
            ..Destination::default()
        }]),
    };
    Network {
        vpc,
        profiles: vec![ProfileNetwork {
            profile,
            groups: Vec::new(),
            demands: Demands::default(),
            callers: BTreeSet::new(),
        }],
        frozen: vec![FrozenProfile {
            key: ProfileKey::new("ml", "risk"),
            holdings: holdings("AQ"),
            granted: granted(Grant {
                buckets: vec!["risk-*".to_owned()],
                ..Grant::default()
            }),
        }],
        absent: vec![AbsentProfile {
            key: ProfileKey::new("ml", "loans"),
            holdings: holdings("Ag"),
            since: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        }],
        leaving: BTreeSet::from([ProfileKey::new("ml", "old")]),
        overflows: true,
    }
}

#[test]
fn a_stored_fingerprint_stays_valid() {
    let expected = json!({
        "vpc": {
            "cluster": "prod",
            "clusterUid": "uid-1",
            "name": "research",
            "vpcId": "vpc-1",
            "deleting": true,
            "subnets": { "ids": ["subnet-1", "subnet-2"] },
            "routeTables": { "tags": { "tier": "private" } },
            "s3Policy": {
                "Statement": [{ "Action": "s3:GetObject", "Effect": "Allow", "Principal": "*", "Resource": "*" }],
                "Version": "2012-10-17"
            },
            "dns": "Verify",
            "tags": { "team": "ml" },
            "adoptEndpoints": ["vpce-1"],
            "adoptSecurityGroups": ["sg-1"],
            "packageRepositories": "Deny",
            "services": ["sts"],
            "interfaceEndpoints": {
                "admit": "Profiles",
                "ipAddressType": "dualstack",
                "policies": {
                    "sts": {
                        "Statement": [{ "Action": "sts:*", "Effect": "Allow", "Principal": "*", "Resource": "*" }],
                        "Version": "2012-10-17"
                    }
                }
            },
            "internet": "ManagedNat",
            "natGateways": "Single",
            "publicSubnets": { "ids": ["subnet-3"] },
            "networkAcls": "Enforce",
            "firstRuleNumber": 700,
            "flowLogs": {
                "resourceType": "Subnet",
                "trafficType": "REJECT",
                "logDestinationType": "cloud-watch-logs",
                "logDestination": "arn:aws:logs:us-east-1:111122223333:log-group:flows",
                "deliverLogsPermissionArn": "arn:aws:iam::111122223333:role/flows",
                "logFormat": "${srcaddr}",
                "maxAggregationInterval": 60
            },
            "maxMonthlyCost": 90,
            "enforcedRoles": ["arn:aws:iam::111122223333:role/fraud-*"]
        },
        "profiles": [{
            "profile": "ml/fraud",
            "workloads": [{
                "name": "train",
                "kind": "Training",
                "instances": 4,
                "distributed": true,
                "encrypted": true,
                "efa": true,
                "directInternetAccess": true,
                "roleArn": "arn:aws:iam::111122223333:role/fraud-train",
                "roleEnforced": true
            }],
            "subnets": { "tags": { "zone": "a" } },
            "securityGroups": { "ids": ["sg-2"] },
            "packageRepositories": "Allow",
            "buckets": ["fraud-data"],
            "bucketRegions": { "fraud-data": "us-west-2" },
            "requiredEndpoints": { "fraud-data": { "exempt": ["AWS services", "arn:aws:iam::111122223333:role/audit"], "enforced": true } },
            "services": ["ecr.api"],
            "destinations": [{ "host": "pypi.org", "ports": [443, 8443] }]
        }],
        "frozen": [{
            "profile": "ml/risk",
            "holdings": "AQ",
            "granted": [{ "buckets": ["risk-*"], "enforce": {} }]
        }],
        "absent": [{ "profile": "ml/loans", "holdings": "Ag" }],
        "overflows": true
    });
    let written = serde_json::to_value(form(&full())).unwrap();
    assert_eq!(written, expected);
    // To change this, or the form, is to have no cluster know what was in force:
    // each asks for approval of repairs again. See the module's head.
    assert_eq!(full().fingerprint(), "dc1c73e79a22e42eb6586645564cf3b8");
}

#[test]
fn names_stand_in_their_order_wherever_the_form_has_them_from() {
    let written = serde_json::to_value(form(&full())).unwrap();
    assert_eq!(written.to_string(), in_order(written.clone()).to_string());
}

type Change = fn(&mut Network);

fn flow_logs(network: &mut Network) -> &mut FlowLogSettings {
    &mut network.vpc.flow_logs.as_mut().unwrap().settings
}

fn workload(network: &mut Network) -> &mut ValidWorkload {
    &mut network.profiles[0].profile.workloads[0]
}

fn required(network: &mut Network) -> &mut RequiredEndpoint {
    let profile = &mut network.profiles[0].profile;
    profile.required_endpoints.get_mut("fraud-data").unwrap()
}

#[test]
fn each_thing_that_says_how_aws_is_to_look_matters() {
    let changes: &[Change] = &[
        |network| network.vpc.ownership.cluster = "test".to_owned(),
        |network| network.vpc.ownership.cluster_uid = None,
        |network| network.vpc.ownership.vpc = "other".to_owned(),
        |network| network.vpc.vpc_id = "vpc-2".into(),
        |network| network.vpc.deleting = false,
        |network| network.vpc.subnets = None,
        |network| network.vpc.subnets = Some(Choice::Ids(BTreeSet::from(["subnet-1".into()]))),
        |network| network.vpc.subnets = Some(Choice::Tags(tags("tier", "private"))),
        |network| network.vpc.route_tables = None,
        |network| network.vpc.s3_policy = EndpointPolicy::FullAccess,
        |network| network.vpc.s3_policy = EndpointPolicy::Buckets,
        |network| network.vpc.s3_policy = EndpointPolicy::Custom(Box::new(policy("s3:*"))),
        |network| network.vpc.dns = Dns::Enforce,
        |network| network.vpc.tags.clear(),
        |network| network.vpc.adopt_endpoints.clear(),
        |network| network.vpc.adopt_security_groups.clear(),
        |network| network.vpc.package_repositories = None,
        |network| network.vpc.services.clear(),
        |network| network.vpc.interface_endpoints.mode = InterfaceEndpointMode::WhereNoWayOut,
        |network| network.vpc.interface_endpoints.admit = Admit::VpcCidrs,
        |network| network.vpc.interface_endpoints.ip_address_type = None,
        |network| network.vpc.interface_endpoints.policies.clear(),
        |network| network.vpc.internet = InternetMode::Existing,
        |network| network.vpc.nat_gateways = NatGateways::PerZone,
        |network| network.vpc.public_subnets = None,
        |network| network.vpc.network_acls = NetworkAclMode::Verify,
        |network| network.vpc.first_rule_number = 701,
        |network| network.vpc.flow_logs = None,
        |network| network.vpc.flow_logs.as_mut().unwrap().resource_type = FlowLogResourceType::Vpc,
        |network| flow_logs(network).traffic_type = TrafficType::All,
        |network| flow_logs(network).log_destination_type = LogDestinationType::S3,
        |network| flow_logs(network).log_destination.push('2'),
        |network| flow_logs(network).deliver_logs_permission_arn = None,
        |network| flow_logs(network).log_format = None,
        |network| flow_logs(network).max_aggregation_interval = 600,
        |network| network.vpc.max_monthly_cost = None,
        |network| network.vpc.prices = [(Priced::NatGatewayHour, Usd::micros(45_000))].into_iter().collect(),
        |network| network.vpc.granted = granted(Grant::default()),
        |network| network.profiles.clear(),
        |network| network.profiles[0].profile.key = ProfileKey::new("ml", "fraud2"),
        |network| network.profiles[0].profile.workloads.clear(),
        |network| workload(network).name.push('2'),
        |network| workload(network).kind = WorkloadKind::Tuning,
        |network| workload(network).instances = 5,
        |network| workload(network).options.distributed = false,
        |network| workload(network).options.encrypted = false,
        |network| workload(network).options.efa = false,
        |network| workload(network).options.isolated = true,
        |network| workload(network).shadow_instances = 1,
        |network| workload(network).options.eks = true,
        |network| workload(network).instance_type = Some("ml.p5.48xlarge".to_owned()),
        |network| workload(network).direct_internet_access = false,
        |network| workload(network).presets.services = ["ecr.api"].into(),
        |network| workload(network).presets.buckets = ["b".to_owned()].into(),
        |network| workload(network).role_arn = None,
        |network| workload(network).role_enforced = false,
        |network| network.profiles[0].profile.subnets = None,
        |network| network.profiles[0].profile.security_groups = SecurityGroups::PerProfile,
        |network| network.profiles[0].profile.security_groups = SecurityGroups::PerWorkload,
        |network| network.profiles[0].profile.security_groups = SecurityGroups::Own(BTreeSet::from(["sg-3".into()])),
        |network| network.profiles[0].profile.package_repositories = None,
        |network| network.profiles[0].profile.buckets.clear(),
        |network| {
            let buckets = &mut network.profiles[0].profile.buckets;
            buckets.insert("fraud-data".to_owned(), BucketAccess::ReadOnly);
        },
        |network| network.profiles[0].profile.bucket_regions.clear(),
        |network| network.profiles[0].profile.required_endpoints.clear(),
        |network| required(network).exempt.clear(),
        |network| required(network).enforced = false,
        |network| network.profiles[0].profile.services.clear(),
        |network| network.profiles[0].profile.destinations.clear(),
        |network| network.frozen.clear(),
        |network| network.frozen[0].key = ProfileKey::new("ml", "risk2"),
        |network| network.frozen[0].holdings = Holdings::NOTHING,
        |network| network.frozen[0].granted = granted(Grant::default()),
        |network| network.absent.clear(),
        |network| network.absent[0].key = ProfileKey::new("ml", "loans2"),
        |network| network.absent[0].holdings = Holdings::NOTHING,
        |network| network.overflows = false,
    ];
    let mut seen = BTreeMap::from([(full().fingerprint(), None)]);
    for (place, change) in changes.iter().enumerate() {
        let mut network = full();
        change(&mut network);
        let same = seen.insert(network.fingerprint(), Some(place));
        assert_eq!(same, None, "change {place} gives a fingerprint that another had");
    }
}

#[test]
fn what_only_says_how_to_get_there_does_not_matter() {
    let changes: &[Change] = &[
        |network| network.vpc.management_policy = ManagementPolicy::default(),
        |network| network.vpc.deletion_policy = DeletionPolicy::Delete,
        |network| network.vpc.approval = Approval::None,
        |network| network.vpc.approved_plan = None,
        |network| network.vpc.take_over_from = None,
        |network| network.vpc.paused = false,
        |network| network.vpc.resync_interval = Duration::from_secs(61),
        |network| network.vpc.absent_grace = Duration::from_secs(61),
        |network| network.vpc.accept_unknown.clear(),
        |network| network.vpc.discovery = Discovery::Enabled,
        |network| network.vpc.had_nat_gateways = false,
        |network| network.vpc.roles_in_force.clear(),
        |network| network.profiles[0].profile.created = None,
        |network| network.profiles[0].profile.established = false,
        |network| network.profiles[0].profile.holdings = Holdings::NOTHING,
        |network| network.absent[0].since = None,
        |network| network.leaving.clear(),
    ];
    for (place, change) in changes.iter().enumerate() {
        let mut network = full();
        change(&mut network);
        assert_ne!(network, full(), "change {place} changes nothing");
        assert_eq!(network.fingerprint(), full().fingerprint(), "change {place}");
    }
}
