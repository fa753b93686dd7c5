//! One round of looking: everything that planning for some VPCs of one account
//! and region needs. Never changes anything.
//!
//! What a round costs, however many VPCs take part (up to 200 of them in a
//! call, and up to 1000 of what is described in a page):
//!
//! | Call | When |
//! |---|---|
//! | DescribeVpcs, -Subnets, -RouteTables, -SecurityGroups, -VpcEndpoints, -NetworkInterfaces | always, side by side |
//! | DescribeDhcpOptions | where a VPC has a set of its own |
//! | DescribeSubnets, -SecurityGroups by id | where a spec names ids that are in none of the VPCs |
//! | DescribePrefixLists, -VpcEndpointServices | once an hour |
//! | DescribeVpcAttribute | twice for each VPC in five minutes: AWS lets nobody batch it |

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::time::Instant;

use super::{calls::Call, describe, ec2::Connection, errors::Refusal};
use crate::{
    observed::{DhcpOptions, EndpointService, PrefixList, SecurityGroup, Snapshot, Subnet, Vpc, VpcAttributes},
    plan::{Failure, FailureKind, Interest},
    types::{DhcpOptionsId, SecurityGroupId, SubnetId, VpcId},
};

/// How long a round may take. Whoever asked has to write a status afterwards.
const DEADLINE: Duration = Duration::from_secs(25);

/// How long facts of the region are taken to hold.
const FACTS_AGE: Duration = Duration::from_secs(3_600);

/// How long a VPC's DNS attributes are taken to hold.
const ATTRIBUTES_AGE: Duration = Duration::from_secs(300);

/// How many VPCs' attributes are refreshed in one round for their age alone,
/// the oldest first: two calls each must leave room in AWS's bucket of 100 for
/// those that are seen for the first time.
const REFRESHED_AT_ONCE: usize = 40;

/// How many calls for attributes are under way at once.
const ATTRIBUTE_CALLS: usize = 16;

/// What a round is to look at.
#[derive(Default)]
struct Asked {
    vpcs: BTreeSet<VpcId>,
    fresh: BTreeSet<VpcId>,
    subnets: BTreeSet<SubnetId>,
    security_groups: BTreeSet<SecurityGroupId>,
}

impl Asked {
    fn merge(interests: Vec<Interest>) -> Self {
        let mut asked = Self::default();
        for Interest {
            vpc,
            subnets,
            security_groups,
            fresh,
            aspects: _,
            roles: _,
        } in interests
        {
            if fresh {
                asked.fresh.extend(vpc.clone());
            }
            asked.vpcs.extend(vpc);
            asked.subnets.extend(subnets);
            asked.security_groups.extend(security_groups);
        }
        asked
    }
}

/// Facts of a region: what AWS offers there.
#[derive(Clone, Default)]
struct Facts {
    prefix_lists: Vec<PrefixList>,
    endpoint_services: Vec<EndpointService>,
}

/// What is remembered from earlier rounds.
#[derive(Default)]
pub(super) struct Known {
    facts: Mutex<Option<(Instant, Facts)>>,
    attributes: Mutex<HashMap<VpcId, (Instant, VpcAttributes)>>,
}

impl Known {
    pub(super) fn forget_attributes(&self, vpc: &VpcId) {
        self.attributes().remove(vpc);
    }

    fn attributes(&self) -> MutexGuard<'_, HashMap<VpcId, (Instant, VpcAttributes)>> {
        self.attributes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn facts(&self) -> MutexGuard<'_, Option<(Instant, Facts)>> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The VPCs whose attributes are to be read: those never seen, those asked
    /// for, and the oldest of those that are due.
    fn attributes_due(&self, vpcs: &[Vpc], fresh: &BTreeSet<VpcId>) -> Vec<VpcId> {
        let known = self.attributes();
        let mut wanted = Vec::new();
        let mut aged = BTreeMap::new();
        for Vpc { vpc_id, .. } in vpcs {
            match known.get(vpc_id) {
                Some((at, _)) if !fresh.contains(vpc_id) => {
                    if at.elapsed() >= ATTRIBUTES_AGE {
                        aged.insert((*at, vpc_id), vpc_id.clone());
                    }
                }
                Some(_) | None => wanted.push(vpc_id.clone()),
            }
        }
        wanted.extend(aged.into_values().take(REFRESHED_AT_ONCE));
        wanted
    }
}

/// Looks at everything that was asked for.
pub(super) async fn round(connection: &Connection, interests: Vec<Interest>) -> Result<Arc<Snapshot>, Failure> {
    match tokio::time::timeout(DEADLINE, look(connection, Asked::merge(interests))).await {
        Ok(Ok(snapshot)) => Ok(Arc::new(snapshot)),
        Ok(Err(refusal)) => Err(refusal.failure),
        Err(_) => Err(unreachable(&format!(
            "EC2 in {} did not answer all questions within {} seconds",
            connection.region,
            DEADLINE.as_secs()
        ))),
    }
}

/// The answer to those whose round ended without one.
pub(super) fn interrupted() -> Failure {
    unreachable("looking at the VPC was interrupted before EC2 had answered")
}

fn unreachable(message: &str) -> Failure {
    Refusal::without_code(Call::DescribeVpcs, FailureKind::Unreachable, message).failure
}

async fn look(connection: &Connection, asked: Asked) -> Result<Snapshot, Refusal> {
    let Asked {
        vpcs,
        fresh,
        subnets,
        security_groups,
    } = asked;
    let vpcs: Vec<String> = vpcs.iter().map(ToString::to_string).collect();
    // The calls do not need each other; whichever fails first ends the round.
    let network = async {
        tokio::try_join!(
            vpcs_with_settings(connection, &vpcs, &fresh),
            subnets_of(connection, &vpcs, &subnets),
            describe::route_tables(connection, &vpcs),
            security_groups_of(connection, &vpcs, &security_groups),
            describe::vpc_endpoints(connection, &vpcs),
            describe::network_interfaces(connection, &vpcs),
            facts(connection),
        )
    };
    let (network, account) = tokio::join!(network, connection.account_if_known());
    let (
        VpcsWithSettings {
            vpcs,
            vpc_attributes,
            dhcp_options,
        },
        subnets,
        route_tables,
        security_groups,
        vpc_endpoints,
        network_interfaces,
        Facts {
            prefix_lists,
            endpoint_services,
        },
    ) = network?;
    Ok(Snapshot {
        account,
        region: Some(connection.region.clone()),
        vpcs,
        vpc_attributes,
        subnets,
        route_tables,
        security_groups,
        vpc_endpoints,
        network_interfaces,
        dhcp_options,
        prefix_lists,
        endpoint_services,
        ..Snapshot::default()
    })
}

struct VpcsWithSettings {
    vpcs: Vec<Vpc>,
    vpc_attributes: Vec<VpcAttributes>,
    dhcp_options: Vec<DhcpOptions>,
}

/// The VPCs that exist, and what only their ids lead to.
async fn vpcs_with_settings(
    connection: &Connection,
    ids: &[String],
    fresh: &BTreeSet<VpcId>,
) -> Result<VpcsWithSettings, Refusal> {
    let vpcs = describe::vpcs(connection, ids).await?;
    let (vpc_attributes, dhcp_options) = tokio::try_join!(
        attributes_of(connection, &vpcs, fresh),
        dhcp_options_of(connection, &vpcs)
    )?;
    Ok(VpcsWithSettings {
        vpcs,
        vpc_attributes,
        dhcp_options,
    })
}

/// The DNS attributes of VPCs, remembered or read.
async fn attributes_of(
    connection: &Connection,
    vpcs: &[Vpc],
    fresh: &BTreeSet<VpcId>,
) -> Result<Vec<VpcAttributes>, Refusal> {
    let due = connection.known.attributes_due(vpcs, fresh);
    stream::iter(due)
        .map(Ok)
        .try_for_each_concurrent(ATTRIBUTE_CALLS, |vpc| async move {
            let asked_at = Instant::now();
            let attributes = describe::vpc_attributes(connection, &vpc).await?;
            // A VPC that has just been deleted has none.
            if let Some(attributes) = attributes {
                connection.known.attributes().insert(vpc, (asked_at, attributes));
            }
            Ok(())
        })
        .await?;
    let known = connection.known.attributes();
    Ok(vpcs
        .iter()
        .filter_map(|vpc| known.get(&vpc.vpc_id))
        .map(|(_, attributes)| attributes.clone())
        .collect())
}

/// The DHCP options of those VPCs that have some.
async fn dhcp_options_of(connection: &Connection, vpcs: &[Vpc]) -> Result<Vec<DhcpOptions>, Refusal> {
    // EC2 writes `default` where a VPC has no DHCP options at all.
    let none = DhcpOptionsId::new("default");
    let ids: BTreeSet<&DhcpOptionsId> = vpcs
        .iter()
        .filter_map(|vpc| vpc.dhcp_options_id.as_ref())
        .filter(|id| **id != none)
        .collect();
    describe::dhcp_options(connection, &strings(ids)).await
}

/// The subnets of the VPCs, and those named that are in none of them.
async fn subnets_of(
    connection: &Connection,
    vpcs: &[String],
    named: &BTreeSet<SubnetId>,
) -> Result<Vec<Subnet>, Refusal> {
    let mut found = describe::subnets(connection, describe::VPC, vpcs).await?;
    let seen: BTreeSet<&SubnetId> = found.iter().map(|subnet| &subnet.subnet_id).collect();
    let missing = strings(named.iter().filter(|id| !seen.contains(id)));
    found.extend(describe::subnets(connection, describe::SUBNET, &missing).await?);
    Ok(found)
}

/// The security groups of the VPCs, and those named that are in none of them.
async fn security_groups_of(
    connection: &Connection,
    vpcs: &[String],
    named: &BTreeSet<SecurityGroupId>,
) -> Result<Vec<SecurityGroup>, Refusal> {
    let mut found = describe::security_groups(connection, describe::VPC, vpcs).await?;
    let seen: BTreeSet<&SecurityGroupId> = found.iter().map(|group| &group.group_id).collect();
    let missing = strings(named.iter().filter(|id| !seen.contains(id)));
    found.extend(describe::security_groups(connection, describe::SECURITY_GROUP, &missing).await?);
    Ok(found)
}

/// What AWS offers in the region, remembered or read.
async fn facts(connection: &Connection) -> Result<Facts, Refusal> {
    let remembered = connection
        .known
        .facts()
        .clone()
        .filter(|(at, _)| at.elapsed() < FACTS_AGE);
    if let Some((_, facts)) = remembered {
        return Ok(facts);
    }
    let (prefix_lists, endpoint_services) = tokio::try_join!(
        describe::prefix_lists(connection),
        describe::gateway_services(connection)
    )?;
    let facts = Facts {
        prefix_lists,
        endpoint_services,
    };
    *connection.known.facts() = Some((Instant::now(), facts.clone()));
    Ok(facts)
}

fn strings<T: ToString>(ids: impl IntoIterator<Item = T>) -> Vec<String> {
    ids.into_iter().map(|id| id.to_string()).collect()
}
