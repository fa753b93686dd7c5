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

use std::{collections::BTreeSet, fs};

use expected::Expected;
use sagevpc::observed::files;

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
    let problems = expected.compare(&pass);
    assert!(
        problems.is_empty(),
        "{name}:\n- {}\n\nThe plan was:\n\n{}",
        problems.join("\n- "),
        pass.text
    );

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
    addresses_of_running_workloads_count,
    admitting_profiles_only_is_held,
    adopt_endpoint,
    adopt_group,
    adopt_interface_endpoint,
    adopted_endpoint_is_kept_as_declared,
    adopted_interface_endpoint_gives_our_group_back,
    adopted_interface_endpoint_is_released,
    approval_all,
    approval_covers_nothing_that_came_later,
    approval_none,
    approval_of_another_digest_runs_nothing,
    approved_digest_runs,
    aws_is_unreachable,
    aws_refuses_an_action,
    bucket_no_longer_granted,
    bucket_not_granted,
    buckets_policy,
    buckets_policy_with_repositories,
    cannot_adopt,
    cost_goes_beyond_the_limit,
    cost_of_deleted_endpoints_does_not_count,
    cost_of_what_is_there_is_not_cut,
    custom_policy,
    custom_policy_blocks,
    custom_policy_only_denies,
    custom_policy_unreadable,
    custom_resolver_accepted,
    custom_resolver_is_unknown,
    dedicated_tenancy,
    deletion,
    deletion_finished,
    deletion_in_observe,
    deletion_names_what_holds_the_group,
    deletion_releases_what_was_adopted,
    deletion_retains,
    deletion_that_cuts_others_is_held,
    dhcp_options_incomplete,
    dhcp_options_missing,
    disruption_is_held,
    dns_is_only_verified,
    drift_dns_hostnames_off,
    drift_elastic_inference,
    drift_endpoint_deleted,
    drift_endpoint_group_changed,
    drift_group_deleted,
    drift_interface_endpoint_changed,
    drift_interface_endpoint_deleted,
    drift_interface_endpoint_tags,
    drift_is_told_while_a_deletion_waits,
    drift_policy_replaced,
    drift_route_table_added,
    drift_route_table_taken_off,
    drift_rule_revoked,
    drift_surplus_rule_opened,
    drift_tags_changed,
    dualstack_where_it_cannot_be,
    elastic_inference_converged,
    elastic_inference_endpoint_of_others,
    elastic_inference_from_nothing,
    elastic_inference_in_one_zone,
    elastic_inference_is_still_used,
    elastic_inference_no_longer_used,
    elastic_inference_retired,
    elastic_inference_with_five_groups,
    endpoint_is_being_deleted,
    endpoint_is_pending,
    endpoint_stays_in_its_subnet,
    endpoints_admit_a_group_that_is_made_with_them,
    endpoints_stay_while_subnets_are_gone,
    fips_endpoint_only_when_named,
    foreign_endpoint_denies_a_principal_elsewhere,
    foreign_endpoint_lets_repositories_through,
    foreign_endpoint_may_let_repositories_through,
    foreign_endpoint_policy_blocks,
    foreign_endpoint_policy_names_principals,
    foreign_endpoint_serves_all_tables,
    foreign_endpoint_serves_some_tables,
    foreign_interface_endpoint_is_pending,
    foreign_interface_endpoint_refuses,
    foreign_interface_endpoint_serves,
    foreign_interface_endpoint_without_private_dns,
    frozen_denial_stays,
    frozen_profile_keeps_its_endpoints,
    full_group_is_emptied_first,
    group_name_taken,
    group_not_granted,
    groups_per_workload,
    groups_per_workload_converged,
    interface_endpoint_cannot_be_adopted,
    interface_endpoint_failed,
    interface_endpoint_is_being_deleted,
    interface_endpoint_is_pending,
    interface_endpoint_policy_for_nothing,
    interface_endpoint_policy_is_held,
    interface_endpoint_quota,
    namespace_no_longer_allowed,
    namespace_not_allowed,
    new_endpoint_takes_the_subnet_with_most_room,
    new_endpoints_that_admit_everyone_hit_nobody,
    new_endpoints_that_admit_profiles_are_held,
    no_credentials,
    no_disruption_without_another_road_to_s3,
    no_profiles,
    no_subnet_matches,
    no_subnets_offered,
    notebook_with_its_own_way_needs_no_endpoint,
    observe_shows_what_enforce_would_do,
    offered_subnet_deleted_later,
    offered_subnet_missing,
    older_profile_has_the_addresses,
    one_zone_with_hosting,
    own_group_elsewhere_or_missing,
    own_group_keeps_workloads_from_endpoints,
    own_group_lacks_rules,
    own_group_missing_from_nothing,
    own_group_that_names_the_endpoints_group,
    own_groups,
    paused,
    private_dns_name_is_taken,
    private_dns_needs_dns,
    private_dns_waits_for_dns,
    profile_deleted,
    public_subnet_with_processing,
    quickstart_converged,
    quickstart_from_nothing,
    refused_edit_cuts_nothing_off,
    repositories_conflict,
    repositories_denial_in_force_stays,
    resolver_of_aws_by_its_address,
    route_table_not_offered,
    s3_interface_endpoint_takes_no_name,
    second_object_for_the_vpc,
    service_in_none_of_the_zones,
    service_is_in_some_zones,
    service_name_is_ambiguous,
    service_named_in_vain,
    service_not_granted,
    service_of_another_account_by_its_full_name,
    services_converged,
    services_from_nothing,
    services_in_china,
    services_no_longer_called,
    services_no_longer_called_by_us_alone,
    spare_endpoint_goes,
    spare_interface_endpoint_goes,
    studio_lacks_usual_services,
    subnet_in_other_vpc,
    subnet_missing,
    subnet_not_offered,
    subnets_of_an_established_profile_are_gone,
    table_that_is_no_longer_needed,
    tighter_policy_is_held,
    too_few_addresses,
    too_few_addresses_later,
    too_many_subnets,
    vpc_not_found,
    what_has_no_effect_takes_no_addresses,
    wider_policy_is_not_held,
    zone_that_is_no_longer_used,
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
