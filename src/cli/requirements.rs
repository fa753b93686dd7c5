//! Every requirement on a VPC: the condition that tells of it, the calls that
//! repair it, and the golden cases that show it. One table, of which the
//! reference page shows what users need.

use sagevpc_core::{api::ConditionType, catalog::calls::Call};

/// Something that a VPC must offer, or that must hold of it.
#[derive(Debug)]
pub(super) struct Requirement {
    /// What it is, in a few words.
    pub(super) name: &'static str,
    /// The condition that tells of it.
    pub(super) condition: ConditionType,
    /// The calls that bring it about and repair it; none where it is only told.
    pub(super) repaired_by: &'static [Call],
    /// Folders of `crates/sagevpc-core/tests/golden/cases` in which it is met.
    pub(super) met: &'static [&'static str],
    /// Those in which it was met and is no longer.
    pub(super) drifted: Drifted,
    /// Those in which it is refused: by the spec, by AWS, or for want of a
    /// repair of ours.
    pub(super) refused: &'static [&'static str],
}

/// How a requirement ceases to be met.
#[derive(Debug)]
pub(super) enum Drifted {
    /// As these cases show.
    Cases(&'static [&'static str]),
    /// Never, for this reason.
    Never(&'static str),
}

/// All requirements, in the order of their conditions.
pub(super) const TABLE: &[Requirement] = &[
    Requirement {
        name: "A profile is allowed, granted what it names, and contradicts nobody",
        condition: ConditionType::Accepted,
        repaired_by: &[],
        met: &["quickstart_converged"],
        drifted: Drifted::Cases(&[
            "namespace_no_longer_allowed",
            "bucket_no_longer_granted",
            "refused_edit_cuts_nothing_off",
        ]),
        refused: &[
            "namespace_not_allowed",
            "bucket_not_granted",
            "group_not_granted",
            "grants_by_namespace",
            "repositories_not_granted",
            "instances_beyond_the_grant",
            "repositories_conflict",
            "second_object_for_the_vpc",
            "options_that_a_kind_does_not_take",
        ],
    },
    Requirement {
        name: "What is ours carries our tags, and what is adopted is managed",
        condition: ConditionType::Accepted,
        repaired_by: &[Call::CreateTags, Call::DeleteTags],
        met: &["adopt_endpoint", "adopt_group"],
        drifted: Drifted::Cases(&["drift_tags_changed"]),
        refused: &["cannot_adopt"],
    },
    Requirement {
        name: "AWS answers, and the VPC is there",
        condition: ConditionType::AwsReachable,
        repaired_by: &[],
        met: &["quickstart_converged"],
        drifted: Drifted::Cases(&["aws_is_unreachable"]),
        refused: &["no_credentials", "vpc_not_found"],
    },
    Requirement {
        name: "The subnets exist, belong to the VPC and are offered, as many as SageMaker takes",
        condition: ConditionType::SubnetsReady,
        repaired_by: &[],
        met: &["quickstart_converged", "notebook_met"],
        drifted: Drifted::Cases(&[
            "offered_subnet_deleted_later",
            "subnets_of_an_established_profile_are_gone",
        ]),
        refused: &[
            "subnet_missing",
            "subnet_in_other_vpc",
            "subnet_not_offered",
            "no_subnets_offered",
            "too_many_subnets",
        ],
    },
    Requirement {
        name: "The subnets span the zones needed",
        condition: ConditionType::SubnetsReady,
        repaired_by: &[],
        met: &["hosting_met"],
        drifted: Drifted::Cases(&["hosting_loses_a_zone"]),
        refused: &["one_zone_with_hosting"],
    },
    Requirement {
        name: "The subnets are private",
        condition: ConditionType::SubnetsReady,
        repaired_by: &[],
        met: &["processing_met"],
        drifted: Drifted::Cases(&["processing_subnet_turns_public"]),
        refused: &["public_subnet_with_processing"],
    },
    Requirement {
        name: "The VPC has default instance tenancy",
        condition: ConditionType::SubnetsReady,
        repaired_by: &[],
        met: &["compilation_met", "training_met"],
        drifted: Drifted::Never("EC2 changes a VPC's tenancy to default only, never from it"),
        refused: &["dedicated_tenancy", "tuning_refused"],
    },
    Requirement {
        name: "The subnets have free addresses enough",
        condition: ConditionType::CapacityReady,
        repaired_by: &[],
        met: &["addresses_of_running_workloads_count", "training_efa_met"],
        drifted: Drifted::Cases(&["too_few_addresses_later"]),
        refused: &["too_few_addresses", "older_profile_has_the_addresses"],
    },
    Requirement {
        name: "DNS support and DNS host names are on",
        condition: ConditionType::DnsReady,
        repaired_by: &[Call::ModifyVpcAttribute],
        met: &["quickstart_converged"],
        drifted: Drifted::Cases(&["drift_dns_hostnames_off"]),
        refused: &["dns_is_only_verified"],
    },
    Requirement {
        name: "The DHCP options have domain-name-servers and domain-name, and AWS's names resolve",
        condition: ConditionType::DnsReady,
        repaired_by: &[],
        met: &["resolver_of_aws_by_its_address", "custom_resolver_accepted"],
        drifted: Drifted::Cases(&["dhcp_options_replaced_later"]),
        refused: &[
            "dhcp_options_incomplete",
            "dhcp_options_missing",
            "custom_resolver_is_unknown",
        ],
    },
    Requirement {
        name: "The S3 gateway endpoint is on the route tables of the subnets",
        condition: ConditionType::S3Ready,
        repaired_by: &[
            Call::CreateVpcEndpoint,
            Call::ModifyVpcEndpoint,
            Call::DeleteVpcEndpoints,
        ],
        met: &["quickstart_converged", "foreign_endpoint_serves_all_tables"],
        drifted: Drifted::Cases(&["drift_endpoint_deleted", "drift_route_table_taken_off"]),
        refused: &["route_table_not_offered", "aws_refuses_an_action"],
    },
    Requirement {
        name: "The S3 endpoint's policy lets the profiles' buckets through",
        condition: ConditionType::S3Ready,
        repaired_by: &[Call::ModifyVpcEndpoint],
        met: &["buckets_policy", "custom_policy"],
        drifted: Drifted::Cases(&["drift_policy_replaced"]),
        refused: &[
            "custom_policy_blocks",
            "custom_policy_only_denies",
            "foreign_endpoint_policy_blocks",
        ],
    },
    Requirement {
        name: "The package repositories are in or out of reach, as asked for",
        condition: ConditionType::S3Ready,
        repaired_by: &[Call::ModifyVpcEndpoint],
        met: &["buckets_policy_with_repositories"],
        drifted: Drifted::Cases(&["drift_policy_replaced"]),
        refused: &["foreign_endpoint_lets_repositories_through", "repositories_conflict"],
    },
    Requirement {
        name: "In a shared VPC, the owner has what only the owner can change",
        condition: ConditionType::S3Ready,
        repaired_by: &[],
        met: &["shared_vpc_accepted"],
        drifted: Drifted::Never("what the owner changes is seen as what is there, as in any VPC"),
        refused: &["shared_vpc_is_left_to_its_owner", "shared_vpc_with_an_endpoint_unseen"],
    },
    Requirement {
        name: "Managed security groups hold the rules needed, and no others",
        condition: ConditionType::SecurityGroupsReady,
        repaired_by: &[
            Call::CreateSecurityGroup,
            Call::AuthorizeSecurityGroupIngress,
            Call::AuthorizeSecurityGroupEgress,
            Call::RevokeSecurityGroupIngress,
            Call::RevokeSecurityGroupEgress,
            Call::DeleteSecurityGroup,
        ],
        met: &["groups_per_workload_converged", "training_met", "transform_met"],
        drifted: Drifted::Cases(&["drift_group_deleted", "drift_rule_revoked", "drift_surplus_rule_opened"]),
        refused: &["group_name_taken"],
    },
    Requirement {
        name: "A team's own security groups admit what is needed, as many as the kind takes",
        condition: ConditionType::SecurityGroupsReady,
        repaired_by: &[],
        met: &["own_groups", "studio_met"],
        drifted: Drifted::Cases(&["studio_drifts"]),
        refused: &[
            "own_group_lacks_rules",
            "own_group_elsewhere_or_missing",
            "studio_refused",
        ],
    },
    Requirement {
        name: "The services that workloads call have interface endpoints that serve",
        condition: ConditionType::EndpointsReady,
        repaired_by: &[
            Call::CreateVpcEndpoint,
            Call::ModifyVpcEndpoint,
            Call::DeleteVpcEndpoints,
        ],
        met: &["services_converged", "foreign_interface_endpoint_serves"],
        drifted: Drifted::Cases(&["drift_interface_endpoint_deleted", "drift_interface_endpoint_changed"]),
        refused: &[
            "service_not_granted",
            "service_of_another_account_by_a_pattern",
            "service_in_none_of_the_zones",
            "interface_endpoint_quota",
            "foreign_interface_endpoint_policy_blocks",
            "interface_endpoint_policy_blocks",
        ],
    },
    Requirement {
        name: "What is made costs no more than declared",
        condition: ConditionType::EndpointsReady,
        repaired_by: &[],
        met: &["services_converged"],
        drifted: Drifted::Never("what is there is never cut for its cost"),
        refused: &["cost_goes_beyond_the_limit"],
    },
    Requirement {
        name: "Elastic Inference has its endpoint and its two groups, where a region offers it",
        condition: ConditionType::ElasticInferenceReady,
        repaired_by: &[Call::CreateVpcEndpoint, Call::CreateSecurityGroup],
        met: &["elastic_inference_converged", "elastic_inference_endpoint_of_others"],
        drifted: Drifted::Cases(&["drift_elastic_inference"]),
        refused: &["elastic_inference_retired", "elastic_inference_in_one_zone"],
    },
    Requirement {
        name: "The way out of the VPC serves every subnet that needs it",
        condition: ConditionType::InternetReady,
        repaired_by: &[
            Call::AllocateAddress,
            Call::ReleaseAddress,
            Call::CreateNatGateway,
            Call::DeleteNatGateway,
            Call::CreateRoute,
            Call::ReplaceRoute,
            Call::DeleteRoute,
        ],
        met: &["managed_nat_converged", "existing_nat"],
        drifted: Drifted::Cases(&["managed_nat_deleted", "managed_nat_route_removed"]),
        refused: &[
            "destination_not_granted",
            "cidr_beyond_its_grant",
            "managed_nat_no_public_subnet",
            "existing_nat_for_some_subnets",
        ],
    },
    Requirement {
        name: "The network ACLs let the traffic out and the answers back in",
        condition: ConditionType::NetworkAclsReady,
        repaired_by: &[
            Call::CreateNetworkAclEntry,
            Call::ReplaceNetworkAclEntry,
            Call::DeleteNetworkAclEntry,
        ],
        met: &["network_acl_converged", "network_acl_rules_that_others_have_suffice"],
        drifted: Drifted::Cases(&["drift_network_acl_rule_deleted", "drift_network_acl_rule_denies"]),
        refused: &["network_acl_stops_s3", "network_acl_is_full"],
    },
    Requirement {
        name: "The flow logs record what is declared",
        condition: ConditionType::FlowLogsReady,
        repaired_by: &[Call::CreateFlowLogs, Call::DeleteFlowLogs],
        met: &["flow_log_converged", "flow_log_of_someone_else_serves"],
        drifted: Drifted::Cases(&["drift_flow_log_deleted"]),
        refused: &["flow_log_of_someone_else_is_in_the_way", "flow_log_is_not_delivered"],
    },
    Requirement {
        name: "A bucket lets only the VPC's endpoint in, where that is asked for",
        condition: ConditionType::BucketPoliciesReady,
        repaired_by: &[Call::PutBucketPolicy, Call::DeleteBucketPolicy],
        met: &["bucket_closed", "bucket_closed_by_its_owners"],
        drifted: Drifted::Cases(&["drift_bucket_statement_removed", "drift_bucket_statement_widened"]),
        refused: &[
            "bucket_open_is_only_reported",
            "bucket_policy_blocks",
            "bucket_introduction_is_held",
            "bucket_exemption_not_granted",
        ],
    },
    Requirement {
        name: "An execution role may do what SageMaker does with its permissions",
        condition: ConditionType::RolesReady,
        repaired_by: &[Call::PutRolePolicy, Call::DeleteRolePolicy],
        met: &["role_met_by_its_policies", "role_policy_converged"],
        drifted: Drifted::Cases(&["drift_role_policy_removed", "drift_role_policy_changed"]),
        refused: &["role_lacks_actions", "role_not_granted", "role_boundary_denies"],
    },
    Requirement {
        name: "What SageMaker runs in the VPC belongs to a profile",
        condition: ConditionType::ConsumersKnown,
        repaired_by: &[],
        met: &["consumers_belong_to_a_profile"],
        drifted: Drifted::Cases(&["consumers_outside_any_profile"]),
        refused: &["discovery_is_not_allowed", "discovery_switched_off"],
    },
    Requirement {
        name: "The profiles in force are there, or were seen to be deleted",
        condition: ConditionType::ProfilesPresent,
        repaired_by: &[],
        met: &["quickstart_converged", "profile_deleted"],
        drifted: Drifted::Cases(&["absent_profile_is_waited_for"]),
        refused: &["rebuilt_cluster_waits_for_its_profiles"],
    },
    Requirement {
        name: "The SageMakerVpc offers every profile what it needs of it",
        condition: ConditionType::ProfilesReady,
        repaired_by: &[],
        met: &["quickstart_converged"],
        drifted: Drifted::Cases(&["part_of_s3_in_a_blackhole", "too_few_addresses_later"]),
        refused: &["route_table_not_offered", "many_profiles_lack_grants"],
    },
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;
    use sagevpc_core::report::Concern;

    /// Every case that the requirement names.
    fn cases(requirement: &Requirement) -> impl Iterator<Item = &'static str> {
        let drifted: &[&str] = match &requirement.drifted {
            Drifted::Cases(cases) => cases,
            Drifted::Never(_) => &[],
        };
        requirement
            .met
            .iter()
            .chain(drifted)
            .chain(requirement.refused)
            .copied()
    }

    #[test]
    fn every_case_is_there() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/sagevpc-core/tests/golden/cases");
        for requirement in TABLE {
            for case in cases(requirement) {
                assert!(
                    folder.join(case).join("expected.yaml").is_file(),
                    "{case}, of {:?}, is not there",
                    requirement.name
                );
            }
        }
    }

    #[test]
    fn every_requirement_is_shown_met_drifted_and_refused() {
        for requirement in TABLE {
            let drifts = match &requirement.drifted {
                Drifted::Cases(cases) => !cases.is_empty(),
                Drifted::Never(why) => !why.is_empty(),
            };
            assert!(
                !requirement.met.is_empty() && drifts && !requirement.refused.is_empty(),
                "{:?}",
                requirement.name
            );
        }
    }

    #[test]
    fn only_what_changes_something_repairs() {
        for requirement in TABLE {
            for call in requirement.repaired_by {
                assert!(call.facts().mutates, "{call} of {:?}", requirement.name);
            }
        }
    }

    #[test]
    fn requirements_are_in_the_order_of_their_conditions_and_named_once() {
        assert!(TABLE.is_sorted_by_key(|requirement| requirement.condition));
        let names: BTreeSet<_> = TABLE.iter().map(|requirement| requirement.name).collect();
        assert_eq!(names.len(), TABLE.len());
    }

    #[test]
    fn every_concern_is_that_of_some_requirement() {
        for concern in Concern::ALL {
            assert!(
                TABLE
                    .iter()
                    .any(|requirement| requirement.condition == concern.condition()),
                "{concern:?}"
            );
        }
    }

    #[test]
    fn every_change_repairs_something() {
        for call in Call::ALL.iter().filter(|call| call.facts().mutates) {
            assert!(
                TABLE.iter().any(|requirement| requirement.repaired_by.contains(call)),
                "{call}"
            );
        }
    }
}
