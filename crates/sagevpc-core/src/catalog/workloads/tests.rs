use std::collections::BTreeSet;

use super::*;
use crate::catalog::{MAX_SECURITY_GROUPS, MAX_SUBNETS, PeerNeed, Symptom, When};

/// Every combination of options that the kind takes.
fn options_of(kind: WorkloadKind) -> Vec<Options> {
    let requirements = kind.requirements();
    let choices = |may: bool| if may { vec![false, true] } else { vec![false] };
    let mut all = Vec::new();
    for distributed in choices(requirements.may_be_distributed) {
        for encrypted in choices(distributed && requirements.may_be_encrypted()) {
            for efa in choices(requirements.addresses_with_efa.is_some()) {
                all.push(Options {
                    distributed,
                    encrypted,
                    efa,
                    ..Options::default()
                });
            }
        }
    }
    all
}

#[test]
fn every_kind_is_described() {
    for kind in WorkloadKind::ALL {
        let requirements = kind.requirements();
        assert!(requirements.about.ends_with('.'), "{kind}");
        assert!(requirements.api.starts_with("Create"), "{kind}");
        assert!(
            requirements
                .doc
                .starts_with("https://docs.aws.amazon.com/sagemaker/latest/dg/"),
            "{kind}"
        );
    }
    let about: BTreeSet<_> = WorkloadKind::ALL.map(|kind| kind.requirements().about).into();
    assert_eq!(about.len(), WorkloadKind::ALL.len());
}

#[test]
fn every_kind_has_a_way_to_s3_and_names_that_resolve() {
    for kind in WorkloadKind::ALL {
        let requirements = kind.requirements();
        assert!(requirements.needs.contains(&Need::S3), "{kind}");
        assert!(requirements.needs.contains(&Need::Dns), "{kind}");
        for options in options_of(kind) {
            assert!(kind.rules(options).any(|rule| rule.peer == PeerNeed::S3), "{kind}");
        }
    }
}

#[test]
fn numbers_are_within_what_sagemaker_takes() {
    for kind in WorkloadKind::ALL {
        let requirements = kind.requirements();
        let (fewest, most) = requirements.subnets;
        assert!(1 <= fewest && fewest <= most && most <= MAX_SUBNETS, "{kind}");
        assert!(
            (1..=MAX_SECURITY_GROUPS).contains(&requirements.security_groups),
            "{kind}"
        );
        // A zone needs a subnet.
        assert!((1..=fewest).contains(&requirements.availability_zones), "{kind}");
        assert!(requirements.addresses_per_instance >= 1, "{kind}");
        assert!(
            requirements
                .addresses_advised
                .is_none_or(|advised| advised > requirements.addresses_per_instance),
            "{kind}"
        );
        if let Some(with_efa) = requirements.addresses_with_efa {
            assert!(with_efa > requirements.addresses_per_instance, "{kind}");
        }
    }
}

#[test]
fn rules_hang_only_on_options_that_the_kind_takes() {
    for kind in WorkloadKind::ALL {
        let requirements = kind.requirements();
        let asks = |when| requirements.rules.iter().any(|rule| rule.when == when);
        assert_eq!(asks(When::Efa), requirements.addresses_with_efa.is_some(), "{kind}");
        assert_eq!(asks(When::Distributed), requirements.may_be_distributed, "{kind}");
        assert!(!asks(When::Encrypted) || requirements.may_be_distributed, "{kind}");
    }
}

#[test]
fn whoever_hears_members_also_speaks_to_them() {
    for kind in WorkloadKind::ALL {
        for options in options_of(kind) {
            let members: Vec<_> = kind
                .rules(options)
                .filter(|rule| rule.peer == PeerNeed::Members)
                .collect();
            for rule in &members {
                let answered = members
                    .iter()
                    .any(|other| other.direction != rule.direction && other.protocol == rule.protocol);
                assert!(answered, "{kind} with {options:?}: {rule}");
            }
        }
    }
}

#[test]
fn only_a_distributed_job_opens_its_group_to_itself() {
    for (kind, always) in WorkloadKind::ALL.map(|kind| {
        let always = matches!(kind, WorkloadKind::Studio | WorkloadKind::HyperPod);
        (kind, always)
    }) {
        let alone = kind.rules(Options::default());
        assert_eq!(
            alone.filter(|rule| rule.peer == PeerNeed::Members).count() > 0,
            always,
            "{kind}"
        );
    }
}

#[test]
fn services_are_named_once() {
    for kind in WorkloadKind::ALL {
        let requirements = kind.requirements();
        let all: Vec<_> = requirements
            .services
            .iter()
            .chain(requirements.usual_services)
            .collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{kind}");
        assert!(all.iter().all(|name| !name.starts_with("com.amazonaws")), "{kind}");
    }
}

#[test]
fn only_jobs_with_a_role_of_their_own_have_it_checked() {
    for kind in WorkloadKind::ALL {
        let requirements = kind.requirements();
        assert!(
            !requirements.role_unconditioned || requirements.role_actions != RoleActions::None,
            "{kind}"
        );
        assert_eq!(
            requirements.role_actions != RoleActions::None,
            Symptom::RoleLacksActions.threatens(kind),
            "{kind}"
        );
    }
}

#[test]
fn what_is_only_advised_of_a_role_is_among_what_is_asked() {
    for kind in WorkloadKind::ALL {
        let requirements = kind.requirements();
        let actions = requirements.role_actions.actions();
        for advised in requirements.role_actions_advised {
            assert!(actions.contains(advised), "{kind}: {advised}");
        }
        assert!(
            actions.is_empty() || requirements.role_actions_advised.len() < actions.len(),
            "{kind}"
        );
    }
}
