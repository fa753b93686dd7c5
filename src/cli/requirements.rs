//! Every requirement on a VPC: the condition that tells of it, the calls that
//! repair it, and the golden cases that show it. One table, of which the
//! reference page shows what users need.

mod table;

use sagevpc_core::{api::ConditionType, catalog::calls::Call};

pub(super) use table::TABLE;

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
