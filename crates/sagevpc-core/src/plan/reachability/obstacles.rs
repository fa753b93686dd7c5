//! What is in the way of a profile's workloads, put together and told.
//!
//! Each cause is told once, with everyone whom it concerns and all that it
//! keeps out of reach; what one cause is, `roots` says.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    is_open,
    roots::{Root, endpoints, in_words, together, unseen_in_words},
};
use crate::{
    api::Reason,
    catalog::Symptom,
    demand::{Demand, DemandPeer, Strength},
    observed::VpcSnapshot,
    plan::{cost, draft::Draft, endpoints::services::is_offered, network_acls::RESERVED, resolved::ResolvedProfile},
    reach::{AclDenial, Answer, Cause, Destination, Hop, Means, Path, Unseen, Verdict, fix_of_all},
    report::{Concern, Finding, Lack, Weight},
    types::{Direction, NetworkAclId, SubnetId, listed},
};

/// The obstacles of one profile.
pub(super) struct Obstacles<'a, 'p> {
    draft: &'a Draft<'p>,
    projected: &'a VpcSnapshot,
    resolved: &'a ResolvedProfile<'p>,
    found: BTreeMap<Obstacle, Concerned>,
}

/// Something in the way. What is equal is told together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Obstacle {
    pub(super) weight: Weight,
    pub(super) concern: Concern,
    pub(super) reason: Reason,
    pub(super) what: What,
}

/// What an obstacle is, as far as it is told apart from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// What is at the root of causes.
    Root(Root),
    /// Rules that an ACL lacks for whoever uses other ports than Linux.
    OtherPorts(NetworkAclId),
    /// Rules that an ACL lacks for some addresses of a host that may have others.
    SomeAddresses(NetworkAclId),
    /// What cannot be seen, by its words.
    Unseen(String),
}

/// Whom an obstacle concerns, and by what.
#[derive(Default)]
pub(super) struct Concerned {
    pub(super) causes: Vec<Cause>,
    /// Where each of the causes is in the way to.
    to: Vec<BTreeSet<Destination>>,
    pub(super) unseen: Vec<Unseen>,
    /// The routes by which it is led to what cannot be seen.
    led_by: BTreeSet<String>,
    lacks: BTreeSet<Lack>,
    /// What each workload shows of it.
    workloads: BTreeMap<usize, BTreeSet<Symptom>>,
    subnets: BTreeSet<SubnetId>,
    pub(super) destinations: BTreeSet<Destination>,
}

impl Concerned {
    fn note(&mut self, cause: &Cause, destination: &Destination) {
        let place = self.causes.iter().position(|noted| noted == cause);
        let place = place.unwrap_or_else(|| {
            self.causes.push(cause.clone());
            self.to.push(BTreeSet::new());
            self.causes.len() - 1
        });
        self.to[place].insert(destination.clone());
    }

    /// Each cause, with each destination that it is in the way to.
    fn stopped(&self) -> impl Iterator<Item = (&Cause, &Destination)> {
        let all = self.causes.iter().zip(&self.to);
        all.flat_map(|(cause, to)| to.iter().map(move |destination| (cause, destination)))
    }

    /// Takes over another's causes, and all that they keep out of reach.
    pub(super) fn take(&mut self, other: &Self) {
        for (cause, destination) in other.stopped() {
            self.note(cause, destination);
        }
        for unseen in &other.unseen {
            if !self.unseen.contains(unseen) {
                self.unseen.push(unseen.clone());
            }
        }
        self.led_by.extend(other.led_by.iter().cloned());
        self.lacks.extend(other.lacks.iter().cloned());
        self.subnets.extend(other.subnets.iter().cloned());
        self.destinations.extend(other.destinations.iter().cloned());
    }

    /// Takes over whom another concerns as well.
    pub(super) fn take_with_workloads(&mut self, other: &Self) {
        self.take(other);
        for (place, symptoms) in &other.workloads {
            self.workloads.entry(*place).or_default().extend(symptoms);
        }
    }

    /// What some workload shows of it.
    fn symptom(&self) -> Option<Symptom> {
        self.workloads.values().flatten().min().copied()
    }
}

/// Where a way begins and ends, and for whom.
struct FollowedWay<'w> {
    demand: &'w Demand,
    place: usize,
    subnet: &'w SubnetId,
    destination: &'w Destination,
}

impl<'a, 'p> Obstacles<'a, 'p> {
    pub(super) fn of(draft: &'a Draft<'p>, projected: &'a VpcSnapshot, resolved: &'a ResolvedProfile<'p>) -> Self {
        Self {
            draft,
            projected,
            resolved,
            found: BTreeMap::new(),
        }
    }

    /// Notes what is in a workload's way from a subnet to a destination.
    pub(super) fn note(
        &mut self,
        answer: &Answer,
        demand: &Demand,
        place: usize,
        subnet: &SubnetId,
        destination: &Destination,
    ) {
        if self.is_of_no_region(demand) {
            return;
        }
        let way = FollowedWay {
            demand,
            place,
            subnet,
            destination,
        };
        match &answer.verdict {
            Verdict::Reachable(_) | Verdict::Unknown(..) => {}
            Verdict::Stopped(..) => {
                let weight = match demand.strength {
                    Strength::Required | Strength::LetOut => Weight::Blocks,
                    Strength::Usual | Strength::RuleOnly => Weight::Advice,
                };
                let counts = |cause: &&Cause| demand.strength != Strength::LetOut || !cause.missing_rules().is_empty();
                for cause in answer.causes.iter().filter(counts) {
                    self.note_cause(cause, weight, &way, What::Root(Root::of(cause)));
                }
            }
        }
        self.note_unseen(answer, &way);
        for remark in &answer.remarks {
            if let Some(AclDenial { acl, .. }) = remark.acl_denial() {
                self.note_cause(remark, Weight::Advice, &way, What::OtherPorts(acl.clone()));
            }
        }
    }

    /// Whether it is a service that workloads call as a rule and that AWS does not
    /// offer here: nobody can have it.
    fn is_of_no_region(&self, demand: &Demand) -> bool {
        let DemandPeer::Service(name) = &demand.peer else {
            return false;
        };
        demand.strength == Strength::Usual && !is_offered(self.draft.snapshot, &self.draft.network.vpc.region, name)
    }

    fn note_cause(&mut self, cause: &Cause, weight: Weight, way: &FollowedWay<'_>, what: What) {
        let concerned = self.entry(
            Obstacle {
                weight,
                concern: cause.concern(way.destination),
                reason: cause.reason(way.destination),
                what,
            },
            way,
        );
        concerned.lacks.insert(cause.lack(way.destination));
        concerned.note(cause, way.destination);
    }

    /// Each thing that cannot be seen is told by itself; what is accepted is
    /// still worth knowing.
    fn note_unseen(&mut self, answer: &Answer, way: &FollowedWay<'_>) {
        // What DNS servers answer cannot be seen either, and is told once.
        if way.demand.strength == Strength::LetOut || way.demand.peer == DemandPeer::Resolver {
            return;
        }
        // Who denies some addresses in an ACL means to.
        let is_unknown = matches!(answer.verdict, Verdict::Unknown(..));
        let causes = answer.causes.iter().filter(|_| is_unknown);
        let by_acls = causes.clone().count() > 0 && causes.clone().all(|cause| cause.acl_denial().is_some());
        let is_shared = self.draft.snapshot.foreign_owner().is_some();
        for one in answer.unseen.iter().filter(|one| **one != Unseen::NetworkAcls) {
            if by_acls && matches!(one, Unseen::Addresses { .. }) {
                for (cause, denial) in causes.clone().filter_map(|cause| Some((cause, cause.acl_denial()?))) {
                    self.note_cause(cause, Weight::Advice, way, What::SomeAddresses(denial.acl.clone()));
                }
                continue;
            }
            let leads_out = way.destination.concern() == Concern::Internet;
            if !is_open(self.draft, one) && !leads_out {
                continue;
            }
            // What answers inside the VPC is its owners' affair.
            let matters =
                is_open(self.draft, one) && !matches!(one, Unseen::Receiver { .. } | Unseen::NameInside { .. });
            let weight = match way.demand.strength {
                Strength::Required if matters => Weight::Unknown,
                Strength::Required | Strength::Usual | Strength::LetOut | Strength::RuleOnly => Weight::Advice,
            };
            let led_by = match one.acceptance(is_shared) {
                Some(_) if leads_out => led_by(answer.verdict.path()),
                Some(_) | None => Vec::new(),
            };
            let concerned = self.entry(
                Obstacle {
                    weight,
                    concern: one.concern(way.destination),
                    reason: one.reason(is_shared),
                    what: What::Unseen(one.to_string()),
                },
                way,
            );
            concerned.lacks.insert(one.lack());
            if !concerned.unseen.contains(one) {
                concerned.unseen.push(one.clone());
            }
            concerned.led_by.extend(led_by);
        }
    }

    fn entry(&mut self, obstacle: Obstacle, way: &FollowedWay<'_>) -> &mut Concerned {
        let concerned = self.found.entry(obstacle).or_default();
        concerned.subnets.insert(way.subnet.clone());
        concerned.destinations.insert(way.destination.clone());
        let symptoms = concerned.workloads.entry(way.place).or_default();
        symptoms.extend(way.demand.symptom());
        concerned
    }

    /// What is to be told: not what whoever plans tells of the same lack to the
    /// same workloads.
    pub(super) fn findings(mut self) -> Vec<Finding> {
        if self.found.is_empty() {
            return Vec::new();
        }
        let means = self.means();
        let mut found = std::mem::take(&mut self.found);
        for (obstacle, concerned) in &mut found {
            let lacks = &concerned.lacks;
            concerned
                .workloads
                .retain(|place, _| !self.is_told(obstacle, lacks, *place));
        }
        found.retain(|_, concerned| !concerned.workloads.is_empty());
        // Whoever opens an ACL opens it to all ports that answers may go to.
        let closed: BTreeSet<NetworkAclId> = found
            .keys()
            .filter_map(|obstacle| obstacle.what.acl())
            .cloned()
            .collect();
        found.retain(|obstacle, _| match &obstacle.what {
            What::OtherPorts(acl) => !closed.contains(acl),
            What::Root(_) | What::SomeAddresses(_) | What::Unseen(_) => true,
        });
        let found = together(found);
        let without_way_out: BTreeSet<SubnetId> = found
            .iter()
            .filter(|(obstacle, concerned)| {
                obstacle.weight == Weight::Blocks && concerned.symptom() == Some(Symptom::NoWayOut)
            })
            .flat_map(|(_, concerned)| concerned.subnets.iter().cloned())
            .collect();
        let is_everywhere = without_way_out.len() >= self.resolved.subnets.len();
        let findings = found.iter();
        findings
            .map(|(obstacle, concerned)| self.finding(obstacle, concerned, &means, is_everywhere))
            .collect()
    }

    fn is_told(&self, obstacle: &Obstacle, lacks: &BTreeSet<Lack>, place: usize) -> bool {
        let key = self.resolved.key();
        let name = &self.resolved.profile().workloads[place].name;
        let telling: Vec<&Finding> = self
            .draft
            .findings()
            .iter()
            .filter(|finding| !finding.lacks.is_empty() && finding.weight <= obstacle.weight)
            .filter(|finding| {
                let names = finding.concerns(key);
                names.is_some_and(|names| names.is_none_or(|names| names.contains(name)))
            })
            .collect();
        lacks.iter().all(|lack| {
            let mut told = telling.iter().flat_map(|finding| &finding.lacks);
            told.any(|told| told.covers(lack))
        })
    }

    fn finding(&self, obstacle: &Obstacle, concerned: &Concerned, means: &Means<'_>, is_everywhere: bool) -> Finding {
        let shown = |symptom| match symptom {
            Symptom::NoWayOut if !is_everywhere => Symptom::NoWayOutSometimes,
            other => other,
        };
        let symptom = concerned.symptom().filter(|_| obstacle.weight == Weight::Blocks);
        let shows_otherwise = concerned.workloads.iter().filter_map(|(place, symptoms)| {
            let own = symptoms.first().copied();
            let name = self.resolved.profile().workloads[*place].name.clone();
            (symptom.is_some() && own != symptom).then(|| (name, own.map(shown)))
        });
        Finding {
            weight: obstacle.weight,
            symptom: symptom.map(shown),
            shows_otherwise: shows_otherwise.collect(),
            resource: obstacle.what.root().and_then(|root| root.resource(&concerned.causes)),
            fix: self.fix(obstacle, concerned, means),
            ..Finding::new(
                obstacle.concern,
                self.resolved.scope_of(&concerned.workloads.keys().copied().collect()),
                obstacle.reason,
                self.message(obstacle, concerned),
            )
        }
    }

    /// What mends it, where anything must.
    fn fix(&self, obstacle: &Obstacle, concerned: &Concerned, means: &Means<'_>) -> Option<String> {
        match &obstacle.what {
            What::Root(_) => Some(fix_of_all(concerned.stopped(), means)),
            What::Unseen(_) => {
                let is_shared = self.draft.snapshot.foreign_owner().is_some();
                let fixes: BTreeSet<String> = concerned
                    .unseen
                    .iter()
                    .map(|unseen| unseen.fix(means, is_shared))
                    .collect();
                (!fixes.is_empty()).then(|| fixes.into_iter().collect::<Vec<_>>().join(" "))
            }
            What::OtherPorts(_) | What::SomeAddresses(_) => None,
        }
    }

    fn message(&self, obstacle: &Obstacle, concerned: &Concerned) -> String {
        let mut causes = concerned.causes.clone();
        causes.sort_by_key(direction_of);
        let verb = match obstacle.weight {
            Weight::Blocks => "cannot be reached",
            Weight::Unknown | Weight::Unmet | Weight::Aside | Weight::Advice => "may not be reached",
        };
        let from = listed(&concerned.subnets);
        let to = listed(&concerned.destinations);
        let Some(first) = causes.first() else {
            let mut words = unseen_in_words(&concerned.unseen);
            if !concerned.led_by.is_empty() {
                words.push_str(&format!(", where it is led by {}", listed(&concerned.led_by)));
            }
            return format!("From {from}, {to} {verb}: it cannot be seen {words}.");
        };
        let rules: BTreeSet<String> = causes.iter().flat_map(Cause::missing_rules).collect();
        if let Some(AclDenial { acl, .. }) = first.acl_denial() {
            let users = self.users_of(acl);
            let rules = listed(&rules);
            return match obstacle.what {
                What::OtherPorts(_) => format!(
                    "Network ACL {acl} of {users} stops a part of {rules}. It matters only to a client that was told to \
                     use other ports than Linux does."
                ),
                What::SomeAddresses(_) => format!(
                    "Network ACL {acl} of {users} stops a part of {rules}. It matters only to a host that has such an \
                     address."
                ),
                What::Root(_) | What::Unseen(_) => {
                    format!("Network ACL {acl} of {users} stops traffic that is needed: {rules}.")
                }
            };
        }
        if let Cause::NotAdmitted { groups, endpoint, .. } = first {
            let endpoints = endpoints(&causes);
            let whose = match (endpoint, endpoints.len()) {
                (None, _) => String::new(),
                (Some(endpoint), 1) => format!("endpoint {endpoint} does not let the workloads in, for "),
                (Some(_), _) => format!("endpoints {} do not let the workloads in, for ", listed(&endpoints)),
            };
            return format!(
                "From {from}, {to} {verb}: {whose}security group {} does not admit {}.",
                listed(groups),
                listed(&rules)
            );
        }
        format!("From {from}, {to} {verb}: {}.", in_words(&causes))
    }

    /// The subnets of an ACL.
    fn users_of(&self, acl: &NetworkAclId) -> String {
        let found = self.projected.network_acls.get(acl);
        let associations = found.into_iter().flat_map(|acl| &acl.associations);
        let users: BTreeSet<&SubnetId> = associations.filter_map(|one| one.subnet_id.as_ref()).collect();
        listed(users)
    }

    fn means(&self) -> Means<'a> {
        let vpc = &self.draft.network.vpc;
        let first = vpc.first_rule_number;
        Means {
            sagemaker_vpc: Some(&vpc.ownership.vpc),
            internet: vpc.internet,
            network_acls: vpc.network_acls,
            prices: cost::prices(self.draft),
            rule_numbers: (first, first.saturating_add(RESERVED - 1)),
            ours: self.draft.claims.ours().keys().map(String::as_str).collect(),
            acls: Some(&self.projected.network_acls),
            vpc: None,
        }
    }
}

impl What {
    /// The network ACL whose rules keep it closed.
    fn acl(&self) -> Option<&NetworkAclId> {
        match self {
            Self::Root(Root::Acl(acl)) => Some(acl),
            Self::Root(_) | Self::OtherPorts(_) | Self::SomeAddresses(_) | Self::Unseen(_) => None,
        }
    }

    /// What is at its root, where it is something that can be seen.
    fn root(&self) -> Option<Root> {
        match self {
            Self::Root(root) => Some(root.clone()),
            Self::OtherPorts(acl) | Self::SomeAddresses(acl) => Some(Root::Acl(acl.clone())),
            Self::Unseen(_) => None,
        }
    }
}

fn direction_of(cause: &Cause) -> Option<Direction> {
    if let Cause::AclDenies(AclDenial { direction, .. }) | Cause::NotAdmitted { direction, .. } = cause {
        Some(*direction)
    } else {
        None
    }
}

/// The routes by which a packet goes out of the VPC, to follow what lies behind.
fn led_by(path: &Path) -> Vec<String> {
    let routes = path.0.iter().filter_map(|hop| match hop {
        Hop::Route { table, destination, to } => Some(format!("route {destination} of {table} to {to}")),
        Hop::PublicName { .. }
        | Hop::PrivateName { .. }
        | Hop::InterfaceName { .. }
        | Hop::LinkLocal { .. }
        | Hop::SecurityGroup { .. }
        | Hop::NetworkAcl { .. }
        | Hop::SameSubnet { .. }
        | Hop::Subnet { .. }
        | Hop::GatewayEndpoint { .. }
        | Hop::InterfaceEndpoint { .. }
        | Hop::NatGateway { .. }
        | Hop::InternetGateway { .. }
        | Hop::FromInternet { .. }
        | Hop::Transit { .. }
        | Hop::Entered { .. }
        | Hop::Unseen(_) => None,
    });
    routes.collect()
}
