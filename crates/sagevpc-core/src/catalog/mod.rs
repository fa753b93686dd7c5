//! What each kind of SageMaker workload requires of a VPC, as data.
//!
//! Each fact stands here once. Planning, verdicts, messages and the reference
//! page read it; none of them repeats it.

pub mod calls;
mod guarded;
mod instance_types;
mod presets;
mod price_list;
mod prices;
mod private_names;
mod repositories;
mod role_actions;
mod rules;
mod service_names;
mod services;
mod symptoms;
mod takers;
mod workloads;

pub use guarded::{GROUPS_KEY, GUARDED_ACTIONS, GuardedAction, NamesVpc, SUBNETS_KEY};
pub use instance_types::ec2_instance_type;
pub use presets::{PRESETS, Preset, PresetNeeds, PresetRow};
pub use price_list::{PriceList, PriceListError};
pub use prices::{Cost, Priced, Prices, Usd, together};
pub use private_names::is_private_name;
pub use repositories::{
    BucketActions, SESSION_OF_DIRECTORY_BUCKETS, bucket_actions, directory_bucket_arn, ecr_layer_bucket,
    is_bucket_of_aws, is_directory_bucket, package_repositories,
};
pub use role_actions::{RoleCondition, RoleNeed, RolePart, SAGEMAKER_PRINCIPAL};
pub use rules::{HTTPS_TO_ENDPOINTS, Options, PeerNeed, RuleNeed, When};
pub use service_names::is_known_service;
pub use services::{
    ELASTIC_INFERENCE, MAX_INTERFACE_ENDPOINTS, S3_EXPRESS, STUDIO_UI, action_prefix, is_aws_service, names_service,
    short_service_name, symptom_without_service,
};
pub use symptoms::Symptom;
pub use takers::{TAKERS, Taker, taker};
pub use workloads::{Need, Requirements, RoleActions, ShadowEndpointNeeds, WorkloadKind};

/// Security groups that one network interface may carry, and so the most that
/// SageMaker takes in a `VpcConfig`.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VpcConfig.html>.
pub const MAX_SECURITY_GROUPS: usize = 5;

/// Subnets that SageMaker takes in a `VpcConfig`.
pub const MAX_SUBNETS: usize = 16;

/// Rules that a security group takes in each direction, by default.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>.
pub const MAX_RULES_PER_DIRECTION: usize = 60;

/// Rules that a network ACL takes in each direction and IP version, by default
/// and at most. The rule at the end, which denies, is one of them.
///
/// See <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>.
pub const MAX_ACL_RULES: (usize, usize) = (20, 40);
