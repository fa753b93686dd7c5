//! A VPC's DNS attributes.

use aws_sdk_ec2::types::AttributeBooleanValue;

use super::work::{Performed, Work};
use sagevpc_core::{
    catalog::calls::Call,
    plan::{DnsAttribute, VpcChange},
    types::VpcId,
};

/// Changes a VPC.
pub(super) async fn change(work: &Work<'_>, change: &VpcChange) -> Performed {
    match change {
        VpcChange::ModifyAttribute { vpc, attribute } => modify_attribute(work, vpc, *attribute).await,
    }
}

/// Turns an attribute on.
async fn modify_attribute(work: &Work<'_>, vpc: &VpcId, attribute: DnsAttribute) -> Performed {
    let on = AttributeBooleanValue::builder().value(true).build();
    let request = work.client().modify_vpc_attribute().vpc_id(vpc.as_str());
    let request = match attribute {
        DnsAttribute::EnableDnsSupport => request.enable_dns_support(on),
        DnsAttribute::EnableDnsHostnames => request.enable_dns_hostnames(on),
    };
    let result = work.call(Call::ModifyVpcAttribute, request.send()).await;
    // Whatever the answer: it may have been done and the answer lost.
    work.ec2.forget_attribute(vpc, attribute);
    match result {
        Ok(_) => Ok(None),
        Err(setback) => Err(setback.vanished(vpc.as_str())),
    }
}
