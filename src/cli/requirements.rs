//! Every requirement on a VPC: the condition that tells of it, the calls that
//! repair it, and the golden cases that show it. One table, of which the
//! reference page shows what users need.

use crate::{api::ConditionType, aws::calls::Call};

/// Something that a VPC must offer, or that must hold of it.
#[derive(Debug)]
pub(super) struct Requirement {
    /// What it is, in a few words.
    pub(super) name: &'static str,
    /// The condition that tells of it.
    pub(super) condition: ConditionType,
    /// The calls that bring it about and repair it; none where it is only told.
    pub(super) repaired_by: &'static [Call],
    /// Folders of `tests/golden/cases` in which it is met.
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
];

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::*;

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
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cases");
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
}
