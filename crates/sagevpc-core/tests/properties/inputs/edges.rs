//! Random network ACLs and flow logs, and what a spec says of them.

use ipnet::IpNet;
use proptest::{collection, prelude::*, sample};
use sagevpc_core::types::{AclEntry, Direction, PortRange, Protocol};
use serde_json::{Value, json};

use crate::memory::edges::entry_of;

use super::VPC;

/// What lies at the edges of a VPC's subnets.
#[derive(Clone, Debug)]
pub struct Edges {
    /// The rules of two ACLs.
    acls: [Vec<AclEntry>; 2],
    /// Which of them each subnet uses.
    uses: Vec<bool>,
    mode: &'static str,
    flow_logs: Option<Value>,
    /// A flow log of someone else's on the VPC, by its destination and traffic.
    foreign_log: Option<(&'static str, &'static str)>,
}

const BUCKETS: [&str; 2] = ["arn:aws:s3:::vpc-logs", "arn:aws:s3:::other-logs"];

const CIDRS: [&str; 7] = [
    "0.0.0.0/0",
    "10.0.0.0/16",
    "10.0.0.0/20",
    "10.0.16.0/20",
    "52.216.0.0/15",
    "52.216.7.0/24",
    "::/0",
];

fn rule() -> impl Strategy<Value = (Direction, bool, Protocol, Option<PortRange>, IpNet)> {
    let ports = sample::select(vec![
        None,
        Some((443, 443)),
        Some((1024, 65_535)),
        Some((32_768, 60_999)),
    ]);
    (
        sample::select(vec![Direction::Ingress, Direction::Egress]),
        prop::bool::weighted(0.8),
        sample::select(vec![Protocol::All, Protocol::TCP, Protocol::UDP]),
        ports,
        sample::select(&CIDRS[..]),
    )
        .prop_map(|(direction, allows, protocol, ports, cidr)| {
            let ports = ports.map(|(from, to)| PortRange { from, to });
            (direction, allows, protocol, ports, cidr.parse().unwrap())
        })
}

/// Rules of someone else's, under numbers that are not ours.
fn acl() -> impl Strategy<Value = Vec<AclEntry>> {
    let numbers = vec![10u16, 20, 100, 110, 200, 29_999, 30_100, 31_000];
    let numbered = (
        Just(numbers.clone()),
        collection::vec(rule(), 0..=numbers.len()),
        prop_oneof![Just(0usize), Just(0), 10..18usize],
    );
    let random = numbered.prop_map(|(numbers, rules, crowd)| {
        let mut entries: Vec<AclEntry> = numbers
            .into_iter()
            .zip(rules)
            .map(|(number, (direction, allows, protocol, ports, cidr))| {
                AclEntry::new(direction, number, allows, protocol, ports, cidr)
            })
            .collect();
        // Rules that concern nobody here and take up room.
        let nobody: IpNet = "192.0.2.1/32".parse().unwrap();
        let room = 19usize.saturating_sub(entries.len());
        entries.extend(
            (400..)
                .take(crowd.min(room))
                .map(|number| AclEntry::new(Direction::Egress, number, true, Protocol::UDP, None, nobody)),
        );
        entries
    });
    let open = [Direction::Ingress, Direction::Egress]
        .map(|direction| AclEntry::new(direction, 100, true, Protocol::All, None, "0.0.0.0/0".parse().unwrap()));
    prop_oneof![Just(open.to_vec()), random]
}

pub fn edges() -> impl Strategy<Value = Edges> {
    let flow_logs = sample::select(vec![
        None,
        Some(json!({ "logDestinationType": "s3", "logDestination": BUCKETS[0] })),
        Some(
            json!({ "resourceType": "Subnet", "logDestinationType": "s3", "logDestination": BUCKETS[0],
            "maxAggregationInterval": 60 }),
        ),
        Some(
            json!({ "logDestinationType": "cloud-watch-logs", "trafficType": "REJECT",
            "logDestination": "arn:aws:logs:us-east-1:111122223333:log-group:flow-logs",
            "deliverLogsPermissionArn": "arn:aws:iam::111122223333:role/flow-logs" }),
        ),
    ]);
    let foreign = (sample::select(&BUCKETS[..]), sample::select(vec!["ALL", "REJECT"]));
    (
        [acl(), acl()],
        collection::vec(any::<bool>(), 5),
        sample::select(vec!["Verify", "Enforce", "Enforce"]),
        flow_logs,
        proptest::option::weighted(0.3, foreign),
    )
        .prop_map(|(acls, uses, mode, flow_logs, foreign_log)| Edges {
            acls,
            uses,
            mode,
            flow_logs,
            foreign_log,
        })
}

impl Edges {
    /// What `describe-network-acls` prints.
    pub fn network_acls(&self, subnets: usize) -> Value {
        let acls: Vec<Value> = (0..2)
            .map(|number| {
                let uses = self.uses.iter().enumerate().take(subnets);
                let associations: Vec<Value> = uses
                    .filter(|(_, other)| usize::from(**other) == number)
                    .map(|(place, _)| json!({ "SubnetId": format!("subnet-{place:017x}") }))
                    .collect();
                let last = [Direction::Ingress, Direction::Egress].map(|direction| {
                    AclEntry::new(
                        direction,
                        32_767,
                        false,
                        Protocol::All,
                        None,
                        "0.0.0.0/0".parse().unwrap(),
                    )
                });
                let entries: Vec<_> = self.acls[number].iter().chain(&last).map(entry_of).collect();
                json!({
                    "NetworkAclId": format!("acl-{number:017x}"),
                    "VpcId": VPC,
                    "IsDefault": number == 0,
                    "Associations": associations,
                    "Entries": entries,
                })
            })
            .collect();
        json!({ "NetworkAcls": acls })
    }

    /// What `describe-flow-logs` prints.
    pub fn flow_logs(&self) -> Value {
        let logs: Vec<Value> = self
            .foreign_log
            .iter()
            .map(|(bucket, traffic)| {
                json!({
                    "FlowLogId": "fl-0fffffffffffffff0",
                    "ResourceId": VPC,
                    "TrafficType": traffic,
                    "LogDestinationType": "s3",
                    "LogDestination": bucket,
                    "MaxAggregationInterval": 600,
                })
            })
            .collect();
        json!({ "FlowLogs": logs })
    }

    /// Says in the spec of a SageMakerVpc what is to be done about them.
    pub fn declare(&self, spec: &mut Value) {
        spec["networkAcls"] = json!({ "mode": self.mode });
        if let Some(flow_logs) = &self.flow_logs {
            spec["flowLogs"] = flow_logs.clone();
        }
    }
}
