//! A VPC's DNS attributes.

use aws_sdk_ec2::types::AttributeBooleanValue;

use super::work::{Performed, Work};
use sagevpc_core::{catalog::calls::Call, plan::DnsAttribute, types::VpcId};

/// Turns an attribute on.
pub(super) async fn modify_attribute(work: &Work<'_>, vpc: &VpcId, attribute: DnsAttribute) -> Performed {
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
