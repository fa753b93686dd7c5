//! Interface endpoints.

use aws_sdk_ec2::types::{IpAddressType as SdkIpAddressType, VpcEndpointType};

use super::{New, some, strings};
use crate::aws::{
    apply::work::{Performed, Resolved, Setback, Work},
    describe,
    errors::{Meaning, Refusal},
};
use iam_policy::PolicyDocument;
use sagevpc_core::{
    catalog::calls::Call,
    observed::{Stage, VpcEndpoint},
    types::{IpAddressType, SecurityGroupId, SubnetId, VpcEndpointId, VpcId},
};

/// Where an endpoint is to be, and for whom.
pub(super) struct Place<'a> {
    pub(super) subnets: &'a [SubnetId],
    /// `None` if one of them has not been made.
    pub(super) groups: Option<Vec<Resolved>>,
    pub(super) private_dns: bool,
    pub(super) ip_address_type: Option<IpAddressType>,
}

pub(super) async fn create(work: &Work<'_>, endpoint: &New<'_>, place: Place<'_>) -> Performed {
    let Place {
        subnets,
        groups,
        private_dns,
        ip_address_type,
    } = place;
    let call = Call::CreateVpcEndpoint;
    let Groups { ids, new } = Groups::of(call, groups)?;
    let request = endpoint
        .request(work)
        .vpc_endpoint_type(VpcEndpointType::Interface)
        .set_subnet_ids(Some(strings(subnets)))
        .set_security_group_ids(Some(ids))
        .private_dns_enabled(private_dns)
        .set_ip_address_type(ip_address_type.map(to_ip_address_type));
    let send = || work.call(call, request.clone().send());
    let answer = if new {
        work.once_visible(send).await
    } else {
        send().await
    };
    match answer {
        Err(Setback::Refused(refusal)) if refusal.meaning == Meaning::DnsConflict => {
            Err(dns_conflict(work, endpoint.vpc, endpoint.service_name, None, refusal).await)
        }
        answer => endpoint.made(work, answer, "VPC, subnet or security group").await,
    }
}

/// Why the service's own name cannot lead to an endpoint yet, or ever.
///
/// An endpoint that had the name keeps it until its deletion has ended, and EC2
/// some time longer: that passes. One that serves, or a private zone of someone
/// else's, does not.
async fn dns_conflict(
    work: &Work<'_>,
    vpc: &VpcId,
    service_name: &str,
    except: Option<&VpcEndpointId>,
    mut refusal: Refusal,
) -> Setback {
    let in_vpc = match work
        .look(describe::vpc_endpoints(work.connection(), &[vpc.to_string()]))
        .await
    {
        Ok(endpoints) => endpoints,
        Err(setback) => return setback,
    };
    let mut with_name: Vec<&VpcEndpoint> = in_vpc
        .iter()
        .filter(|endpoint| !endpoint.is_gateway() && endpoint.service_name == service_name)
        .filter(|endpoint| endpoint.private_dns_enabled && Some(&endpoint.vpc_endpoint_id) != except)
        .collect();
    with_name.sort_by_key(|endpoint| match endpoint.stage() {
        Stage::Available | Stage::Pending => 0,
        Stage::Deleting | Stage::Deleted | Stage::Failed => 1,
    });
    let Some(first) = with_name.first() else {
        refusal.failure.message = format!(
            "{} No endpoint of {vpc} has the name, so a private hosted zone of Route 53 holds it: disassociate that \
             zone from the VPC, or turn private DNS off for this service",
            refusal.failure.message
        );
        return refusal.into();
    };
    let id = &first.vpc_endpoint_id;
    match first.stage() {
        Stage::Deleting | Stage::Deleted => Setback::Waiting(format!(
            "the private DNS name of {service_name} is still {id}'s, which is being deleted"
        )),
        Stage::Available | Stage::Pending | Stage::Failed => {
            refusal.failure.message = format!(
                "{id} has the private DNS name of {service_name} in {vpc}, and only one endpoint can: list it in \
                 spec.adopt of the SageMakerVpc, or turn its private DNS off"
            );
            refusal.into()
        }
    }
}

/// What changes on an endpoint.
pub(super) struct Changes<'a> {
    pub(super) policy: Option<&'a PolicyDocument>,
    pub(super) add_subnets: &'a [SubnetId],
    pub(super) remove_subnets: &'a [SubnetId],
    /// `None` if one of them has not been made.
    pub(super) add_groups: Option<Vec<Resolved>>,
    pub(super) remove_groups: &'a [SecurityGroupId],
    pub(super) private_dns: Option<bool>,
    pub(super) ip_address_type: Option<IpAddressType>,
}

/// What one call asks for.
#[derive(Clone, PartialEq)]
struct Sent {
    policy: Option<String>,
    add_subnets: Vec<String>,
    remove_subnets: Vec<String>,
    add_groups: Vec<String>,
    remove_groups: Vec<String>,
    private_dns: Option<bool>,
    ip_address_type: Option<IpAddressType>,
}

impl Sent {
    /// What of it is not so yet.
    fn still_missing(&self, endpoint: &VpcEndpoint) -> Self {
        let subnets = strings(&endpoint.subnet_ids);
        let groups: Vec<String> = endpoint.groups.iter().map(|group| group.group_id.to_string()).collect();
        let filtered = |ids: &[String], there: &[String], wanted: bool| -> Vec<String> {
            ids.iter().filter(|id| there.contains(id) != wanted).cloned().collect()
        };
        let Self {
            policy,
            add_subnets,
            remove_subnets,
            add_groups,
            remove_groups,
            private_dns,
            ip_address_type,
        } = self;
        Self {
            policy: policy.clone(),
            add_subnets: filtered(add_subnets, &subnets, true),
            remove_subnets: filtered(remove_subnets, &subnets, false),
            add_groups: filtered(add_groups, &groups, true),
            remove_groups: filtered(remove_groups, &groups, false),
            private_dns: private_dns.filter(|wanted| *wanted != endpoint.private_dns_enabled),
            ip_address_type: ip_address_type.filter(|wanted| endpoint.ip_address_type != Some(wanted.as_str().into())),
        }
    }

    fn is_nothing(&self) -> bool {
        let Self {
            policy,
            add_subnets,
            remove_subnets,
            add_groups,
            remove_groups,
            private_dns,
            ip_address_type,
        } = self;
        let lists = [add_subnets, remove_subnets, add_groups, remove_groups];
        policy.is_none()
            && lists.iter().all(|list| list.is_empty())
            && private_dns.is_none()
            && ip_address_type.is_none()
    }
}

/// Changes an endpoint, everything in one call.
pub(super) async fn modify(work: &Work<'_>, id: &VpcEndpointId, changes: Changes<'_>) -> Performed {
    let Changes {
        policy,
        add_subnets,
        remove_subnets,
        add_groups,
        remove_groups,
        private_dns,
        ip_address_type,
    } = changes;
    let call = Call::ModifyVpcEndpoint;
    let Groups { ids: add_groups, new } = Groups::of(call, add_groups)?;
    let all = Sent {
        policy: policy.map(ToString::to_string),
        add_subnets: strings(add_subnets),
        remove_subnets: strings(remove_subnets),
        add_groups,
        remove_groups: strings(remove_groups),
        private_dns,
        ip_address_type,
    };
    let sent = if new {
        work.once_visible(|| send(work, id, &all)).await
    } else {
        send(work, id, &all).await
    };
    let refusal = match sent {
        Ok(()) => return Ok(None),
        Err(Setback::Refused(refusal)) => refusal,
        Err(setback @ Setback::Waiting(_)) => return Err(setback),
    };
    match refusal.meaning {
        // Part of it is so already, after an answer that was lost or by someone
        // else's hand: only what is really missing is asked for again.
        Meaning::AlreadyThere | Meaning::NotThere(_) => {
            let Some(endpoint) = work.look(describe::vpc_endpoint(work.connection(), id)).await? else {
                return Err(Setback::from(refusal).vanished(id.as_str()));
            };
            let missing = all.still_missing(&endpoint);
            if missing.is_nothing() {
                return Ok(None);
            }
            if missing == all {
                return Err(Setback::from(refusal).vanished(&format!("subnet or security group that {id} is to have")));
            }
            send(work, id, &missing).await.map(|()| None)
        }
        Meaning::DnsConflict => {
            let Some(endpoint) = work.look(describe::vpc_endpoint(work.connection(), id)).await? else {
                return Err(refusal.into());
            };
            let (vpc, service) = (&endpoint.vpc_id, &endpoint.service_name);
            Err(dns_conflict(work, vpc, service, Some(id), refusal).await)
        }
        Meaning::NotReady => Err(Setback::Waiting(format!(
            "{id} is between two states: {}",
            refusal.failure.message
        ))),
        Meaning::StillInUse | Meaning::NameTaken | Meaning::TokenMismatch | Meaning::Refused(_) => Err(refusal.into()),
    }
}

async fn send(work: &Work<'_>, id: &VpcEndpointId, sent: &Sent) -> Result<(), Setback> {
    let Sent {
        policy,
        add_subnets,
        remove_subnets,
        add_groups,
        remove_groups,
        private_dns,
        ip_address_type,
    } = sent;
    let request = work
        .client()
        .modify_vpc_endpoint()
        .vpc_endpoint_id(id.as_str())
        .set_policy_document(policy.clone())
        .set_add_subnet_ids(some(add_subnets))
        .set_remove_subnet_ids(some(remove_subnets))
        .set_add_security_group_ids(some(add_groups))
        .set_remove_security_group_ids(some(remove_groups))
        .set_private_dns_enabled(*private_dns)
        .set_ip_address_type(ip_address_type.map(to_ip_address_type));
    work.call(Call::ModifyVpcEndpoint, request.send()).await?;
    Ok(())
}

/// Security groups by their ids.
struct Groups {
    ids: Vec<String>,
    /// Whether one of them was made a moment ago.
    new: bool,
}

impl Groups {
    fn of(call: Call, groups: Option<Vec<Resolved>>) -> Result<Self, Setback> {
        let Some(groups) = groups else {
            return Err(Work::refuse(
                call,
                "a security group of the endpoint was not made, so the endpoint was left as it is",
            ));
        };
        Ok(Self {
            new: groups.iter().any(|group| group.new),
            ids: groups.into_iter().map(|group| group.id).collect(),
        })
    }
}

fn to_ip_address_type(kind: IpAddressType) -> SdkIpAddressType {
    match kind {
        IpAddressType::Ipv4 => SdkIpAddressType::Ipv4,
        IpAddressType::Ipv6 => SdkIpAddressType::Ipv6,
        IpAddressType::Dualstack => SdkIpAddressType::Dualstack,
    }
}
