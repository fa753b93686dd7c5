//! Objects and what AWS shows in, plan and status out, as files that a person
//! reads: one folder of `cases/` for each.
//!
//! | File of a case | Holds |
//! |---|---|
//! | `objects.yaml` | what differs from the objects in `quickstart.yaml` |
//! | `aws.yaml` | what differs from the VPC in `base.yaml`, and which of `layers/` lie on it |
//! | `before/` | the same for an earlier pass, whose status the case begins with |
//! | `answers.yaml` | what AWS refuses |
//! | `expected.yaml` | the plan, the findings and the statuses |
//!
//! Expectations are written by hand from what SageMaker needs and what a user
//! is promised, never from what the code gave.

mod expected;
mod fixture;
mod pass;
mod told;

use std::{collections::BTreeSet, fs};

use expected::Expected;
use sagevpc_core::{
    catalog::{Need, WorkloadKind},
    observed::files,
    plan::Deed,
};

/// Where the cases are, in the package.
const GOLDEN: &str = "tests/golden";

fn check(name: &str) {
    let folder = fixture::root().join("cases").join(name);
    let before = folder.join("before");
    let objects = folder.join("objects.yaml");
    let mut references = fixture::references(std::slice::from_ref(&objects));
    let mut now = pass::start();
    if before.exists() {
        let mut earlier = fixture::references(&[objects, before.join("objects.yaml")]);
        let snapshot = fixture::snapshot(&before.join("aws.yaml"));
        let first = pass::run(&earlier, &snapshot, &pass::Answers::default(), now);
        pass::remember(&mut earlier, &first.statuses);
        references.vpc.status = earlier.vpc.status;
        for reference in &mut references.profiles {
            let there = earlier.profiles.iter().find(|other| other.key() == reference.key());
            reference.profile.status = there.and_then(|other| other.profile.status.clone());
        }
        if references.vpc.spec.approved_plan.as_deref() == Some("HELD") {
            let held = first
                .plan
                .and_then(|plan| plan.held)
                .expect("the pass before holds something");
            references.vpc.spec.approved_plan = Some(held.digest);
        }
        now = pass::next(now);
    }
    let snapshot = fixture::snapshot(&folder.join("aws.yaml"));
    let answers = fixture::read(&folder.join("answers.yaml")).unwrap_or_default();
    let pass = pass::run(&references, &snapshot, &answers, now);

    let expected: Expected = fixture::read(&folder.join("expected.yaml")).expect("a case expects something");
    let mut problems = expected.compare(&pass);
    problems.extend(told::problems(&pass.statuses));
    assert!(
        problems.is_empty(),
        "{name}:\n- {}\n\nThe plan was:\n\n{}",
        problems.join("\n- "),
        pass.text
    );

    // What goes, or gives way to something else, is told as it was.
    for planned in pass.plan.iter().flat_map(|plan| &plan.actions) {
        let replaced = planned.replaced.as_ref();
        let words = planned.action.change();
        if planned.action.deed() == Deed::Deletes || words.contains("replace") || words.contains("turn route") {
            let before = replaced.map(|replaced| &replaced.before);
            assert!(before.is_some_and(|before| !before.is_null()), "{name}: {planned}");
        }
        if words.contains("replace the policy") {
            let after = replaced.and_then(|replaced| replaced.after.as_ref());
            assert!(
                after.is_some() && after != replaced.map(|replaced| &replaced.before),
                "{name}: {planned}"
            );
        }
    }

    // Finding nothing new, the next pass writes no status.
    pass::remember(&mut references, &pass.statuses);
    let again = pass::run(&references, &snapshot, &answers, pass::next(now));
    assert_eq!(
        again.statuses, pass.statuses,
        "{name}: the status changes though nothing did"
    );

    // What was saved is what was seen.
    let saved = files::write(&snapshot);
    let read = files::read(|file| saved.get(file).cloned()).expect("what we write can be read");
    assert_eq!(read, snapshot, "{name}: a snapshot changes by being saved");
}

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { check(stringify!($name)); })*
        const CASES: &[&str] = &[$(stringify!($name)),*];
    };
}

cases! {
    absent_profile_does_not_come_back,
    absent_profile_is_waited_for,
    addresses_in_one_zone_only,
    addresses_nearly_used_up,
    addresses_of_no_subnet_suffice_for_an_instance,
    addresses_of_running_workloads_count,
    admitting_profiles_only_is_held,
    adopt_endpoint,
    adopt_group,
    adopt_interface_endpoint,
    adopted_endpoint_is_kept_as_declared,
    adopted_endpoint_that_its_owners_delete_is_no_drift,
    adopted_interface_endpoint_gives_our_group_back,
    adopted_interface_endpoint_is_released,
    adopted_interface_endpoint_policy_is_held_for_a_list_that_is_not_known,
    approval_all,
    approval_covers_nothing_that_came_later,
    approval_none,
    approval_of_another_digest_runs_nothing,
    approved_digest_runs,
    aws_is_unreachable,
    aws_refuses_an_action,
    bucket_admits_the_endpoint_before_the_old_one_goes,
    bucket_asked_for_by_two_profiles,
    bucket_closed,
    bucket_closed_by_another_vpc,
    bucket_closed_by_its_owners,
    bucket_closed_from_nothing,
    bucket_declared_in_other_region,
    bucket_named_admits_a_role_only,
    bucket_named_admits_an_endpoint_that_is_gone,
    bucket_named_admits_the_vpc,
    bucket_named_asks_for_a_public_address,
    bucket_named_asks_for_the_address_of_one_subnet,
    buckets_of_aws_are_only_read,
    bucket_exemption_not_granted,
    bucket_exemption_of_another_vpc_stays,
    bucket_exemption_withdrawn_is_held,
    bucket_in_other_region,
    bucket_introduction_approved,
    bucket_introduction_is_held,
    bucket_is_let_through_at_once_while_another_waits,
    bucket_malformed,
    bucket_no_longer_asked_for,
    bucket_no_longer_granted,
    bucket_not_granted,
    bucket_not_seen,
    bucket_open_is_only_reported,
    bucket_policy_blocks,
    bucket_policy_may_block,
    bucket_policy_may_block_accepted,
    bucket_policy_unreadable,
    bucket_read_by_one_and_written_by_another,
    bucket_read_only_needs_no_writing,
    bucket_still_read_keeps_its_endpoint,
    buckets_policy,
    buckets_policy_read_only,
    buckets_policy_with_repositories,
    cannot_adopt,
    central_way_out_lacks_the_way_back,
    central_way_out_of_some_zones,
    cidr_beyond_its_grant,
    clarify_by_nat_alone,
    clarify_by_nat_from_some_subnets,
    clarify_by_neither,
    clarify_drifts,
    clarify_met,
    clarify_refused,
    clarify_shadow_endpoint_takes_addresses,
    clarify_without_predictions,
    closing_a_bucket_that_others_read_waits,
    cluster_id_taken,
    cluster_id_taken_over,
    cluster_id_taken_under_another_name,
    cluster_id_without_a_mark,
    compilation_drifts,
    compilation_met,
    compilation_refused,
    consumers_belong_to_a_profile,
    consumers_outside_any_profile,
    copied_tags_are_told_and_left_alone,
    copied_tags_on_interface_endpoints,
    copied_tags_while_an_answer_is_lost,
    cost_by_prices_of_the_spec,
    cost_goes_beyond_the_limit,
    cost_of_deleted_endpoints_does_not_count,
    cost_of_what_is_there_is_not_cut,
    cost_that_is_not_known,
    custom_policy,
    custom_policy_blocks,
    custom_policy_only_denies,
    custom_policy_unreadable,
    custom_resolver_accepted,
    custom_resolver_behind_a_network_acl,
    custom_resolver_besides_that_of_aws,
    custom_resolver_closed_to_own_groups,
    custom_resolver_does_not_let_in,
    custom_resolver_gets_rules,
    custom_resolver_is_unknown,
    custom_resolver_none_answers,
    custom_resolver_one_answers,
    dedicated_tenancy,
    deletion,
    deletion_finished,
    deletion_in_observe,
    deletion_leaves_what_has_copied_tags,
    deletion_names_what_holds_the_group,
    deletion_names_what_runs,
    deletion_of_a_role_that_is_gone,
    deletion_releases_what_was_adopted,
    deletion_retains,
    deletion_retains_role_policies,
    deletion_retains_the_bucket_statement,
    deletion_takes_role_policies_off,
    deletion_takes_the_bucket_statement_along,
    deletion_that_cuts_others_is_held,
    deletion_waits_for_a_bucket_that_cannot_be_read,
    deletion_waits_for_a_profile_in_force,
    deletion_waits_for_a_role_out_of_sight,
    destination_private_by_nat_is_stopped,
    destinations_inside_by_name,
    destination_address_in_a_block_of_pods,
    destination_address_that_nothing_has,
    destination_lustre_calls_back,
    destination_lustre_gets_rules_both_ways,
    destination_inside_by_name_needs_no_way_out,
    destination_group_that_nothing_has,
    destination_refused_by_a_databases_group,
    destination_not_granted,
    destinations_malformed,
    destinations_need_a_way_out,
    dhcp_options_incomplete,
    dhcp_options_missing,
    dhcp_options_replaced_later,
    dhcp_options_without_domain_name,
    directory_bucket_among_named_buckets,
    directory_bucket_behind_a_policy,
    directory_bucket_converged,
    directory_bucket_from_nothing,
    directory_bucket_no_longer_named,
    directory_bucket_not_offered,
    directory_bucket_on_one_table_only,
    directory_bucket_where_s3_is_of_others,
    discovery_is_not_allowed,
    discovery_switched_off,
    disruption_behind_a_firewall_is_held,
    disruption_is_held,
    dns_is_only_verified,
    drift_bucket_endpoint_replaced,
    drift_bucket_statement_removed,
    drift_bucket_statement_widened,
    drift_dns_hostnames_off,
    drift_elastic_inference,
    drift_endpoint_deleted,
    drift_endpoint_group_changed,
    drift_flow_log_deleted,
    drift_group_deleted,
    drift_interface_endpoint_changed,
    drift_interface_endpoint_deleted,
    drift_interface_endpoint_tags,
    drift_is_told_while_a_deletion_waits,
    drift_network_acl_rule_deleted,
    drift_network_acl_rule_denies,
    drift_network_acl_rule_opened,
    drift_policy_replaced,
    drift_role_policy_changed,
    drift_role_policy_removed,
    drift_route_table_added,
    drift_route_table_taken_off,
    drift_rule_revoked,
    drift_surplus_rule_opened,
    drift_tags_changed,
    dualstack_where_it_cannot_be,
    efa_asks_each_group_for_itself,
    elastic_inference_converged,
    elastic_inference_endpoint_of_others,
    elastic_inference_from_nothing,
    elastic_inference_in_one_zone,
    elastic_inference_is_still_used,
    elastic_inference_no_longer_used,
    elastic_inference_retired,
    elastic_inference_with_five_groups,
    endpoint_deleted_just_after_it_was_made,
    endpoint_is_being_deleted,
    endpoint_is_pending,
    endpoint_of_others_that_its_owners_delete_is_no_drift,
    endpoint_stays_in_its_subnet,
    endpoints_admit_a_group_that_is_made_with_them,
    endpoints_stay_while_subnets_are_gone,
    existing_firewall_behind_the_nat,
    existing_internet_gateway_is_detached,
    existing_route_to_an_internet_gateway_that_was_replaced,
    existing_nat,
    existing_nat_behind_block_public_access,
    existing_nat_for_some_subnets,
    existing_nat_gateways_that_do_not_serve,
    existing_nat_gone_from_several_tables,
    existing_nat_in_a_subnet_that_is_excluded,
    existing_nat_regional,
    existing_nat_regional_whose_table_leads_nowhere,
    existing_nat_regional_whose_table_leads_out,
    existing_nat_under_block_ingress,
    existing_route_that_aws_filters_out,
    existing_routes_of_the_longest_prefix,
    existing_routes_that_lead_nowhere,
    existing_way_out_beyond_the_vpc,
    existing_way_out_beyond_the_vpc_accepted,
    fips_endpoint_only_when_named,
    flow_log_converged,
    flow_log_from_nothing,
    flow_log_is_not_delivered,
    flow_log_moves,
    flow_log_no_longer_declared,
    flow_log_of_others_that_its_owners_delete_is_no_drift,
    flow_log_of_someone_else_is_in_the_way,
    flow_log_of_someone_else_serves,
    flow_log_settings_change,
    flow_logs_of_each_subnet,
    foreign_endpoint_allows_the_own_account_only,
    foreign_endpoint_denies_a_principal_elsewhere,
    foreign_endpoint_denies_other_organizations,
    foreign_endpoint_lets_repositories_through,
    foreign_endpoint_may_let_repositories_through,
    foreign_endpoint_policy_blocks,
    foreign_endpoint_policy_names_principals,
    foreign_endpoint_serves_all_tables,
    foreign_endpoint_serves_some_tables,
    foreign_interface_endpoint_is_pending,
    foreign_interface_endpoint_policy_blocks,
    foreign_interface_endpoint_refuses,
    foreign_interface_endpoint_serves,
    foreign_interface_endpoint_without_private_dns,
    frozen_denial_stays,
    frozen_profile_keeps_its_endpoints,
    full_group_is_emptied_first,
    grants_by_namespace,
    group_name_taken,
    group_not_granted,
    groups_per_workload,
    groups_per_workload_converged,
    hosting_drifts,
    hosting_loses_a_zone,
    hosting_met,
    hosting_refused,
    hyper_pod_drifts,
    hyper_pod_met,
    hyper_pod_refused,
    instance_type_in_one_zone_only,
    instance_type_not_looked_at,
    instance_type_takes_addresses_of_its_zones,
    instances_beyond_the_grant,
    interface_endpoint_cannot_be_adopted,
    interface_endpoint_failed,
    interface_endpoint_of_others_in_no_subnet,
    interface_endpoint_is_being_deleted,
    interface_endpoint_is_pending,
    interface_endpoint_policy_blocks,
    interface_endpoint_policy_for_nothing,
    interface_endpoint_policy_is_held,
    interface_endpoint_quota,
    interface_permissions_are_listed,
    interfaces_with_a_shared_group_count_once,
    managed_nat_address_is_not_shown_yet,
    managed_nat_address_is_released_last,
    managed_nat_address_may_yet_appear,
    managed_nat_after_the_mode_changed,
    managed_nat_becomes_regional,
    managed_nat_becomes_regional_once_it_serves,
    managed_nat_beside_a_foreign_route,
    managed_nat_converged,
    managed_nat_deleted,
    managed_nat_deleted_long_ago,
    managed_nat_deletion_retains,
    managed_nat_failed,
    managed_nat_fails_again_and_again,
    managed_nat_foreign_route_leads_nowhere,
    managed_nat_from_nothing,
    managed_nat_is_being_deleted,
    managed_nat_is_pending,
    managed_nat_keeps_its_place,
    managed_nat_moves_where_asked,
    managed_nat_no_internet_gateway,
    managed_nat_no_longer_needed,
    managed_nat_no_public_subnet,
    managed_nat_not_behind_block_public_access,
    managed_nat_not_where_two_halves_lead_out,
    managed_nat_others_go_out_by_it,
    managed_nat_per_zone,
    managed_nat_public_subnet_is_blocked,
    managed_nat_public_subnets_are_not,
    managed_nat_regional_becomes_single,
    managed_nat_regional_converged,
    managed_nat_regional_from_nothing,
    managed_nat_regional_goes_beyond_the_limit,
    managed_nat_regional_is_pending,
    managed_nat_regional_no_internet_gateway,
    managed_nat_regional_no_longer_needed,
    managed_nat_regional_whose_price_is_not_known,
    managed_nat_regional_whose_table_leads_nowhere,
    managed_nat_route_removed,
    managed_nat_spare_address_goes,
    managed_nat_stays_when_public_access_is_blocked,
    managed_nat_stays_while_a_profile_is_frozen,
    managed_nat_table_not_offered,
    managed_nat_table_of_two_zones,
    managed_nat_that_was_retained,
    many_profiles_lack_grants,
    members_behind_an_appliance,
    members_behind_an_appliance_accepted,
    model_monitor_drifts,
    model_monitor_met,
    model_monitor_refused,
    narrowing_a_bucket_to_reading_waits,
    namespace_no_longer_allowed,
    namespace_not_allowed,
    network_acl_converged,
    network_acl_denial_of_others_under_our_numbers,
    network_acl_denial_that_stops_nothing_stays,
    network_acl_denies_behind_our_rules,
    network_acl_denies_first,
    network_acl_denies_first_in_verify,
    network_acl_denies_some_addresses_of_hosts,
    network_acl_has_little_room,
    network_acl_has_room_for_s3_alone,
    network_acl_is_full,
    network_acl_is_opened,
    network_acl_lets_answers_to_linux_alone_back,
    network_acl_lets_answers_to_linux_back,
    network_acl_lets_some_answers_back,
    network_acl_of_a_nat_gateway_by_a_route_of_its_own,
    network_acl_that_lets_answers_to_linux_back_stays,
    network_acl_of_an_endpoints_subnet,
    network_acl_of_the_nat_gateways_subnet,
    network_acl_rule_gives_its_place,
    network_acl_rules_are_retained,
    network_acl_rules_go_in_the_end,
    network_acl_rules_of_a_frozen_profile_stay,
    network_acl_rules_of_others_under_our_numbers,
    network_acl_rules_stay_in_verify,
    network_acl_rules_that_others_have_suffice,
    network_acl_stops_members,
    network_acl_stops_s3,
    network_acl_that_no_profile_uses_is_left_alone,
    network_acls_unseen,
    network_isolation_calls_nothing,
    network_isolation_of_a_kind_without,
    new_endpoint_takes_the_subnet_with_most_room,
    new_endpoints_that_admit_everyone_hit_nobody,
    new_endpoints_that_admit_profiles_are_held,
    no_credentials,
    no_disruption_without_another_road_to_s3,
    no_profiles,
    no_subnet_matches,
    no_subnets_offered,
    notebook_among_many_subnets,
    notebook_among_others,
    notebook_by_nat_alone,
    notebook_by_nat_from_some_subnets,
    notebook_by_neither,
    notebook_drifts,
    notebook_keeps_its_subnet,
    notebook_leaves_a_full_subnet,
    notebook_met,
    notebook_gets_no_way_out_that_it_does_not_use,
    notebook_past_the_vpc,
    notebook_refused,
    notebook_with_a_way_out_of_its_own,
    notebook_with_its_own_way_needs_no_endpoint,
    observe_shows_what_enforce_would_do,
    offered_subnet_deleted_later,
    offered_subnet_missing,
    older_profile_has_the_addresses,
    one_zone_with_hosting,
    options_that_a_kind_does_not_take,
    outage_keeps_the_last_verdict,
    own_group_elsewhere_or_missing,
    own_group_keeps_workloads_from_endpoints,
    own_group_lacks_rules,
    own_group_missing_from_nothing,
    own_group_that_names_the_endpoints_group,
    own_groups,
    own_groups_admit_destinations,
    part_of_s3_behind_a_transit_gateway,
    part_of_s3_in_a_blackhole,
    paused,
    private_dns_name_is_taken,
    private_dns_needs_dns,
    private_dns_waits_for_dns,
    processing_drifts,
    processing_met,
    processing_refused,
    processing_subnet_turns_public,
    profile_deleted,
    public_subnet_with_processing,
    quickstart_converged,
    quickstart_from_nothing,
    raised_instances_come_after_those_that_run,
    rebuilt_cluster_waited_in_vain,
    rebuilt_cluster_waits_for_its_profiles,
    refused_edit_cuts_nothing_off,
    refused_edit_keeps_the_bucket_closed,
    refused_profile_keeps_its_own_only,
    removal_of_a_bucket_no_longer_granted_waits,
    removal_of_an_endpoint_from_a_bucket_waits,
    removal_of_rules_waits_after_an_edit,
    removal_that_is_approved,
    removal_waits_for_what_runs,
    removals_harmless_alone_and_not_together,
    repositories_behind_a_network_acl,
    repositories_closed_to_own_groups,
    repositories_conflict,
    repositories_denial_in_force_stays,
    repositories_not_granted,
    repositories_open_to_own_groups,
    resolver_of_aws_by_its_address,
    resolver_of_aws_by_its_ipv6_address,
    restored_cluster_lacks_a_newer_profile,
    role_allowed_in_part,
    role_allowed_under_a_condition,
    role_assumable_under_a_condition,
    role_boundary_denies,
    role_denied,
    role_enforced_for_another_namespace,
    role_given_only_what_it_lacks,
    role_given_what_it_lacks,
    role_lacks_actions,
    role_lacks_actions_says_aws,
    role_lacks_an_advised_action,
    role_met_by_its_policies,
    role_met_by_simulation,
    role_missing,
    role_no_longer_enforced,
    role_no_longer_used,
    role_not_assumable,
    role_not_granted,
    role_not_looked_at,
    role_not_seen,
    role_of_a_retired_workload_is_given_nothing,
    role_policy_converged,
    role_policy_of_frozen_profile_stays,
    role_policy_stays_while_another_is_out_of_sight,
    role_policy_waits_after_an_edit,
    role_policy_waits_for_what_a_deleted_profile_left,
    role_policy_waits_though_its_owner_allows_more,
    role_policy_waits_though_no_longer_granted,
    route_table_not_offered,
    s3_endpoint_of_others_that_its_owners_delete_is_no_drift,
    s3_interface_endpoint_takes_no_name,
    second_object_for_the_vpc,
    service_in_none_of_the_zones,
    service_is_in_some_zones,
    service_name_is_ambiguous,
    service_named_in_vain,
    service_not_granted,
    service_of_another_account_by_a_pattern,
    service_of_another_account_by_its_full_name,
    service_of_another_account_is_not_behind_a_nat,
    services_converged,
    services_from_nothing,
    services_in_china,
    services_no_longer_called,
    services_no_longer_called_by_us_alone,
    shared_vpc_accepted,
    shared_vpc_is_left_to_its_owner,
    shared_vpc_services_accepted,
    shared_vpc_services_may_have_endpoints,
    shared_vpc_with_an_endpoint_unseen,
    spare_endpoint_goes,
    spare_interface_endpoint_goes,
    studio_by_nat_alone,
    studio_by_nat_from_some_subnets,
    studio_by_neither,
    studio_drifts,
    studio_has_fewer_addresses_than_advised,
    studio_lacks_usual_services,
    studio_met,
    studio_refused,
    studio_users_with_groups_of_their_own,
    subnet_in_other_vpc,
    subnet_missing,
    subnet_not_offered,
    subnets_of_an_established_profile_are_gone,
    table_that_is_no_longer_needed,
    tighter_policy_is_held,
    too_few_addresses,
    too_few_addresses_later,
    too_many_subnets,
    training_drifts,
    training_efa_met,
    training_encrypted_met,
    training_met,
    training_refused,
    transform_alone,
    transform_drifts,
    transform_met,
    transform_refused,
    tuning_drifts,
    tuning_met,
    tuning_refused,
    two_addresses_with_our_tags,
    two_endpoints_with_our_tags,
    two_endpoints_with_our_tags_of_which_none_serves,
    vpc_not_found,
    way_out_and_endpoints_of_others,
    way_out_closed_to_what_runs_keeps_endpoints,
    way_out_from_some_subnets_only,
    way_out_is_let_out_to_by_managed_groups,
    way_out_leaves_what_spec_services_names,
    way_out_serves_clarify,
    way_out_serves_notebook,
    way_out_serves_studio,
    way_out_takes_the_place_of_endpoints,
    way_out_that_a_teams_group_closes,
    way_out_that_is_to_be_made,
    what_has_no_effect_takes_no_addresses,
    wider_policy_is_not_held,
    zone_that_is_no_longer_used,
}

#[test]
fn every_kind_is_shown_met_drifted_and_refused() {
    // What the accelerator needs is a part of the network of its own, with cases of that name.
    let kinds = WorkloadKind::ALL
        .into_iter()
        .filter(|kind| !kind.requirements().needs.contains(&Need::ElasticInference));
    for kind in kinds {
        let mut name = String::new();
        for letter in kind.to_string().chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        }
        for how in ["met", "drifts", "refused"] {
            let case = format!("{name}_{how}");
            assert!(CASES.contains(&case.as_str()), "{case} is not there");
        }
    }
}

#[test]
fn every_folder_is_a_case() {
    let folders: BTreeSet<String> = fs::read_dir(fixture::root().join("cases"))
        .expect("there are cases")
        .map(|entry| entry.expect("a folder").file_name().into_string().expect("a name"))
        .collect();
    let known: BTreeSet<String> = CASES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(folders, known);
}
