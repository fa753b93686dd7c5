//! The services that a profile's workloads call, as they are named: which
//! service a name means is told only by what AWS offers.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    catalog::names_service,
    validate::{ValidProfile, ValidVpc, ValidWorkload},
};

/// The services that a profile's workloads call. Workloads are named by their
/// place in the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceCalls {
    /// What they cannot do without, and who calls it.
    pub called: BTreeMap<String, BTreeSet<usize>>,
    /// What they call as a rule, and who does.
    pub usual: BTreeMap<&'static str, BTreeSet<usize>>,
    /// Workloads that must reach interface endpoints.
    pub callers: BTreeSet<usize>,
}

impl ServiceCalls {
    pub(super) fn of(profile: &ValidProfile, vpc: &ValidVpc) -> Self {
        let mut calls = Self::default();
        for (place, workload) in profile.workloads.iter().enumerate() {
            for name in &profile.services {
                calls.called.entry(name.clone()).or_default().insert(place);
            }
            if has_another_way(workload) {
                continue;
            }
            let requirements = workload.kind.requirements();
            for name in requirements.services {
                calls.called.entry((*name).to_owned()).or_default().insert(place);
            }
            for name in requirements.usual_services {
                calls.usual.entry(name).or_default().insert(place);
            }
        }
        calls.callers = calls.called.values().flatten().copied().collect();
        // What a workload calls as a rule it can call only where there is an
        // endpoint for it.
        let offered = |short: &str| vpc.services.iter().any(|name| names_service(name, short));
        let by_rule = calls.usual.iter().filter(|(short, _)| offered(short));
        calls.callers.extend(by_rule.flat_map(|(_, places)| places.clone()));
        calls
    }
}

/// Whether the workload reaches AWS by a network of SageMaker's own.
fn has_another_way(workload: &ValidWorkload) -> bool {
    workload.direct_internet_access
}
