//! What fares alike, so that it is followed once.
//!
//! Profiles have a security group each, and these hold the same rules: where
//! nothing is in the way of one, nothing is in the way of the others. Sets of
//! groups are alike where they differ in ids alone: their rules are the same,
//! members counted by their places, and so are the rules of other groups that
//! name them. Destinations are alike where they differ in names alone: interface
//! endpoints in the same subnets with the same groups, buckets that every gateway
//! endpoint lets through.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use ipnet::IpNet;

use super::{
    ResolvedDestination,
    filter::{Flow, Groups},
    names::{Receiver, Target},
    space::Space,
};
use crate::types::{BucketUse, Direction, Peer, PortRange, Protocol, Rule, SecurityGroupId, Traffic};

/// A rule but for its peer.
pub(super) type Admits = (Direction, Protocol, Option<PortRange>);

const fn admits(rule: &Rule) -> Admits {
    (rule.direction, rule.protocol, rule.ports)
}

/// Rules of other groups, by the group that they name.
pub(super) type Naming = BTreeMap<SecurityGroupId, Vec<(SecurityGroupId, Admits)>>;

/// Who names which group in its rules.
pub(super) fn naming<'r>(rules: impl Iterator<Item = (&'r SecurityGroupId, &'r Rule)>) -> Naming {
    let mut naming = Naming::new();
    for (holder, rule) in rules {
        if let Peer::Group { id, .. } = &rule.peer {
            naming
                .entry(id.clone())
                .or_default()
                .push((holder.clone(), admits(rule)));
        }
    }
    naming
}

/// A set of groups without their ids.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Likeness(Vec<Member>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Member {
    /// Its own rules; `None` where the group was not seen.
    rules: Option<Vec<(Admits, Far)>>,
    /// Rules of groups outside the set that name it.
    named_by: Vec<(SecurityGroupId, Admits)>,
}

/// The peer of a rule.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Far {
    /// The member at this place.
    Member(usize),
    Other(Peer),
}

impl Likeness {
    fn of(set: &BTreeSet<SecurityGroupId>, groups: &Groups) -> Self {
        let place_of = |id: &SecurityGroupId| set.iter().position(|member| member == id);
        let far = |peer: &Peer, own: usize| match peer {
            Peer::Itself => Far::Member(own),
            Peer::Group { id, .. } => place_of(id).map_or_else(|| Far::Other(peer.clone()), Far::Member),
            Peer::Made(_) | Peer::PrefixList(_) | Peer::Cidr(_) => Far::Other(peer.clone()),
        };
        let member = |(own, id): (usize, &SecurityGroupId)| Member {
            rules: groups
                .rules_of(id)
                .map(|rules| rules.map(|rule| (admits(rule), far(&rule.peer, own))).collect()),
            named_by: groups
                .naming(id)
                .iter()
                .filter(|(holder, _)| !set.contains(holder))
                .cloned()
                .collect(),
        };
        Self(set.iter().enumerate().map(|(own, id)| member((own, id))).collect())
    }
}

/// Packets to a target, without its names: those that are equal go the same ways.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PacketsLikeness {
    flow: Flow,
    traffic: Traffic,
    space: Space,
    block: Option<IpNet>,
    is_outside: bool,
    calls_back: bool,
    s3: Option<Asks>,
}

/// Who answers, as far as it matters to security groups.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Answers {
    /// Nobody who has groups of the VPC.
    Anyone,
    Members,
    /// An interface with these groups.
    Groups(BTreeSet<SecurityGroupId>),
    /// One with these groups, which admit all.
    MountTarget(BTreeSet<SecurityGroupId>),
}

/// What is asked of S3.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Asks {
    /// Something that every gateway endpoint's policy lets through.
    LetThrough,
    /// This bucket, or any.
    Bucket(Option<BucketUse>),
}

impl PacketsLikeness {
    pub(super) fn of(target: &Target, is_let_through: impl Fn(&BucketUse) -> bool) -> Self {
        Self {
            flow: target.flow,
            traffic: target.traffic,
            space: target.space.clone(),
            block: target.block,
            calls_back: target.calls_back,
            is_outside: matches!(target.receiver, Receiver::Outside),
            s3: target.s3.as_ref().map(|bucket| match bucket {
                Some(bucket) if is_let_through(bucket) => Asks::LetThrough,
                Some(_) | None => Asks::Bucket(bucket.clone()),
            }),
        }
    }
}

impl Answers {
    fn of(receiver: &Receiver) -> Self {
        match receiver {
            Receiver::Outside | Receiver::SageMaker => Self::Anyone,
            Receiver::Members => Self::Members,
            Receiver::MountTarget(groups) => Self::MountTarget(groups.clone()),
            Receiver::Endpoint(_, groups) | Receiver::Interface(groups) => Self::Groups(groups.clone()),
        }
    }
}

/// A target among others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TargetNumbers {
    /// That of all targets that packets go to by the same ways.
    pub(super) packets: usize,
    /// That of those among them that security groups treat alike.
    pub(super) target: usize,
}

/// Whose packets nothing is in the way of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whose {
    /// All sets that are alike, by their number.
    Alike(usize),
    /// This set's alone.
    Set(usize),
}

/// A way, as it is told from those on which packets may fare otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Way {
    whose: Whose,
    /// The source's subnet, by its place.
    place: usize,
    /// The destination, by its number.
    destination: usize,
}

/// A set of groups among others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    /// Its own number.
    pub(super) set: usize,
    /// That of all sets that are like it.
    alike: usize,
}

/// Sets of groups that are alike, and the ways on which nothing was in the way.
#[derive(Default)]
pub(super) struct Alike {
    likenesses: HashMap<Likeness, usize>,
    packets: HashMap<PacketsLikeness, usize>,
    targets: HashMap<(usize, Answers), usize>,
    /// Destinations, by the numbers of their targets.
    destinations: HashMap<Vec<usize>, usize>,
    plain: HashSet<Way>,
}

impl Alike {
    /// Numbers a set, which has the number `set` itself.
    pub(super) fn number(&mut self, set: usize, ids: &BTreeSet<SecurityGroupId>, groups: &Groups) -> Numbers {
        let next = self.likenesses.len();
        let alike = *self.likenesses.entry(Likeness::of(ids, groups)).or_insert(next);
        Numbers { set, alike }
    }

    /// Numbers a target.
    pub(super) fn number_target(&mut self, likeness: PacketsLikeness, receiver: &Receiver) -> TargetNumbers {
        let next = self.packets.len();
        let packets = *self.packets.entry(likeness).or_insert(next);
        let next = self.targets.len();
        let target = *self.targets.entry((packets, Answers::of(receiver))).or_insert(next);
        TargetNumbers { packets, target }
    }

    /// Numbers a destination with these targets.
    pub(super) fn number_destination(&mut self, targets: &[TargetNumbers]) -> usize {
        let next = self.destinations.len();
        let targets = targets.iter().map(|numbers| numbers.target).collect();
        *self.destinations.entry(targets).or_insert(next)
    }

    /// Whether nothing was in the way of these packets, or of some that fare
    /// alike.
    pub(super) fn is_plain(&self, way: &Way) -> bool {
        self.plain.contains(way)
    }

    /// Notes that nothing is in the way.
    pub(super) fn note_plain(&mut self, way: Way) {
        self.plain.insert(way);
    }
}

impl Way {
    /// The way from a place to a destination; `None` where something is in the
    /// way from the start. Where the receiver has one of the source's own groups,
    /// ids count.
    pub(super) fn new(
        numbers: Numbers,
        ids: &BTreeSet<SecurityGroupId>,
        place: usize,
        destination: &ResolvedDestination,
    ) -> Option<Self> {
        let mut groups = destination
            .resolution
            .targets
            .iter()
            .filter_map(|target| target.receiver.groups());
        let whose = if groups.all(|groups| groups.is_disjoint(ids)) {
            Whose::Alike(numbers.alike)
        } else {
            Whose::Set(numbers.set)
        };
        Some(Self {
            whose,
            place,
            destination: destination.number?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use crate::{
        observed::{VpcSnapshot, files},
        reach::{Destination, Reach},
        types::{Region, SubnetId},
    };

    const VPC: &str = "vpc-0000000a";

    fn group(id: &str, ingress: &Value) -> Value {
        json!({ "GroupId": id, "GroupName": id, "VpcId": VPC, "IpPermissions": ingress,
            "IpPermissionsEgress": [{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }] })
    }

    fn from_group(id: &str) -> Value {
        json!([{ "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{ "GroupId": id }] }])
    }

    /// A subnet with an endpoint of STS, which has the group `sg-0000000e`.
    fn network(groups: &[Value]) -> VpcSnapshot {
        let everything = |egress: bool| {
            json!({ "RuleNumber": 1, "Egress": egress, "RuleAction": "allow",
            "Protocol": "-1", "CidrBlock": "0.0.0.0/0" })
        };
        let on = json!({ "Value": true });
        let all = BTreeMap::from([
            (
                "Vpcs",
                json!([{ "VpcId": VPC, "CidrBlock": "10.0.0.0/16", "DhcpOptionsId": "dopt-0000000a" }]),
            ),
            (
                "VpcAttributes",
                json!([{ "VpcId": VPC, "EnableDnsSupport": on, "EnableDnsHostnames": on }]),
            ),
            (
                "DhcpOptions",
                json!([{ "DhcpOptionsId": "dopt-0000000a", "DhcpConfigurations": [
                    { "Key": "domain-name-servers", "Values": [{ "Value": "AmazonProvidedDNS" }] }] }]),
            ),
            (
                "Subnets",
                json!([{ "SubnetId": "subnet-0000000a", "VpcId": VPC, "CidrBlock": "10.0.0.0/24" }]),
            ),
            (
                "RouteTables",
                json!([{ "RouteTableId": "rtb-0000000a", "VpcId": VPC, "Associations": [{ "Main": true }],
                    "Routes": [{ "DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local" }] }]),
            ),
            (
                "NetworkAcls",
                json!([{ "NetworkAclId": "acl-0000000a", "VpcId": VPC, "IsDefault": true,
                    "Entries": [everything(true), everything(false)] }]),
            ),
            ("SecurityGroups", json!(groups)),
            (
                "VpcEndpoints",
                json!([{ "VpcEndpointId": "vpce-0000000a", "VpcEndpointType": "Interface", "VpcId": VPC,
                    "ServiceName": "com.amazonaws.us-east-1.sts", "State": "available", "PrivateDnsEnabled": true,
                    "SubnetIds": ["subnet-0000000a"], "Groups": [{ "GroupId": "sg-0000000e" }] }]),
            ),
        ]);
        let mut snapshot = files::read(|file| {
            let kind = file.trim_end_matches(".json");
            Some(json!({ kind: all.get(kind)? }).to_string())
        })
        .unwrap();
        snapshot.region = Some(Region::new("us-east-1"));
        snapshot.vpc(&VPC.into()).unwrap()
    }

    /// Whether nothing is in the way to STS of each group, asked one after the
    /// other.
    fn plain(vpc: &VpcSnapshot, groups: &[&str]) -> Vec<bool> {
        let reach = Reach::new(vpc);
        let sts = Destination::Service("sts".to_owned());
        let is_plain = |group: &&str| {
            let start = reach.from(&SubnetId::new("subnet-0000000a"), &[(*group).into()].into());
            start.unwrap().answer(&sts).is_none()
        };
        groups.iter().map(is_plain).collect()
    }

    #[test]
    fn groups_with_the_same_rules_are_told_apart_by_who_admits_them() {
        let none = json!([]);
        let [a, b, c] = ["sg-0000000a", "sg-0000000b", "sg-0000000c"];
        let endpoint = [from_group(a), from_group(c)].map(|rules| rules[0].clone());
        let groups = [
            group(a, &none),
            group(b, &none),
            group(c, &none),
            group("sg-0000000e", &json!(endpoint)),
        ];
        assert_eq!(plain(&network(&groups), &[a, b, c]), [true, false, true]);
    }

    #[test]
    fn whoever_is_a_member_of_the_receivers_group_is_told_apart_from_those_that_are_not() {
        let [e, f] = ["sg-0000000e", "sg-0000000f"];
        let groups = [group(e, &from_group(e)), group(f, &from_group(f))];
        assert_eq!(plain(&network(&groups), &[e, f, e]), [true, false, true]);
        assert_eq!(plain(&network(&groups), &[f, e]), [false, true]);
    }
}
