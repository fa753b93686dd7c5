//! `sagevpc print iam-policy`: the policy, narrowed as it is told.

use super::print::PrintError;
use sagevpc_core::{
    catalog::calls::{MANAGED_POLICY_MAX_CHARS, Narrowing, Part, Widening, iam_policy},
    types::VpcId,
};

/// How far to narrow the policy. Without any of it, the policy holds for every
/// cluster, VPC, bucket and tagged role.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct IamPolicyArgs {
    /// The cluster's id: only what carries it as tag sagevpc.dev/cluster can be
    /// changed.
    #[arg(long, value_name = "ID", value_parser = text_value)]
    cluster_id: Option<String>,
    /// The account that the execution roles are in.
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    account: Option<String>,
    /// The VPCs; may be repeated.
    #[arg(long = "vpc", value_name = "VPC-ID", value_delimiter = ',', value_parser = vpc)]
    vpcs: Vec<String>,
    /// The buckets whose policies are looked at or changed, such as fraud-*; may
    /// be repeated.
    #[arg(long = "bucket", value_name = "NAME", value_delimiter = ',', value_parser = text_value)]
    buckets: Vec<String>,
    /// The execution roles, by name or ARN, such as sagemaker-*; may be repeated.
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',', value_parser = text_value)]
    roles: Vec<String>,
    /// The permissions boundary that a role must have to be given anything.
    #[arg(long, value_name = "ARN", value_parser = boundary)]
    permissions_boundary: Option<String>,
    /// What to leave out, as it is not used: adopt, bucket-policies,
    /// role-policies, nat, network-acls, flow-logs, dns, discovery,
    /// other-accounts.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    without: Vec<Widening>,
    /// Print only what is looked at, or only what is changed: a role takes
    /// several policies. The first is all that managementPolicy: Observe needs.
    #[arg(long, value_enum)]
    part: Option<PartArg>,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug)]
enum PartArg {
    /// What is looked at.
    Reads,
    /// What is changed.
    Changes,
}

/// The policy, for people to read.
///
/// # Errors
///
/// When IAM would not take it.
pub(super) fn text(args: &IamPolicyArgs) -> Result<String, PrintError> {
    let policy = iam_policy(&Narrowing {
        cluster_id: args.cluster_id.clone(),
        account: args.account.clone(),
        vpcs: args.vpcs.clone(),
        buckets: args.buckets.clone(),
        roles: args.roles.clone(),
        permissions_boundary: args.permissions_boundary.clone(),
        without: args.without.iter().copied().collect(),
        part: args.part.map(|part| match part {
            PartArg::Reads => Part::Reads,
            PartArg::Changes => Part::Changes,
        }),
    });
    let length = policy.to_string().chars().filter(|c| !c.is_whitespace()).count();
    if length > MANAGED_POLICY_MAX_CHARS {
        return Err(PrintError::TooLong(length));
    }
    let mut text = serde_json::to_string_pretty(&policy)?;
    text.push('\n');
    Ok(text)
}

/// What IAM would take for one of its variables, or for nothing at all, narrows
/// nothing.
fn text_value(value: &str) -> Result<String, String> {
    let is_plain = !value.is_empty() && value.chars().all(|c| c.is_ascii_graphic() && !"${}\"".contains(c));
    if is_plain {
        Ok(value.to_owned())
    } else {
        Err("write printable characters, without spaces, quotes, $ and braces".to_owned())
    }
}

fn account(value: &str) -> Result<String, String> {
    let is_account = value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit());
    is_account
        .then(|| value.to_owned())
        .ok_or_else(|| "an account is 12 digits, such as 111122223333".to_owned())
}

fn vpc(value: &str) -> Result<String, String> {
    VpcId::new(value)
        .is_well_formed()
        .then(|| value.to_owned())
        .ok_or_else(|| "a VPC's id is such as vpc-0123456789abcdef0".to_owned())
}

fn boundary(value: &str) -> Result<String, String> {
    let value = text_value(value)?;
    let is_policy = value.starts_with("arn:") && value.contains(":policy/") && !value.contains(['*', '?']);
    is_policy.then_some(value).ok_or_else(|| {
        "a permissions boundary is a policy's ARN, such as arn:aws:iam::111122223333:policy/bounded".to_owned()
    })
}
