//! VPCs whose subnets another account shares with ours.
//!
//! A participant sees the VPC, the shared subnets and their route tables, and
//! has security groups and network interfaces of its own there, as it has
//! buckets and roles elsewhere; endpoints,
//! gateways and routes are the owner's, and EC2 lets nobody else change them. So
//! what would change something of the owner's is told instead of done, unless
//! the controller works with the owner's credentials.
//!
//! See <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-sharing.html>.

use super::{PlannedAction, Priority, Serves, draft::Draft};
use crate::{
    api::Reason,
    report::{Concern, Finding, Scope, Weight},
    types::{AccountId, ResourceKey},
};

/// Turns actions on what is the owner's into findings.
pub(super) fn leave_to_owner(draft: &mut Draft<'_>) {
    let Some(owner) = draft.snapshot.foreign_owner().cloned() else {
        report_unshared(draft);
        return;
    };
    let left: Vec<PlannedAction> = draft.graph.leave_out(|planned| !planned.is_the_workloads());
    let account = draft.snapshot.account.clone();
    for planned in left {
        for scope in scopes(&planned.serves) {
            let vpc = draft.snapshot.vpc.vpc_id.as_str();
            draft.push(told(&planned, scope, &owner, account.as_ref(), vpc));
        }
    }
}

/// Whom the lack of an action concerns.
pub(super) fn scopes(serves: &Serves) -> Vec<Scope> {
    match serves {
        Serves::Vpc => vec![Scope::Vpc],
        Serves::SageMakerVpc => vec![Scope::SageMakerVpc],
        Serves::Profile(key) => vec![Scope::Profile(key.clone())],
        Serves::Profiles(keys) => keys.iter().cloned().map(Scope::Profile).collect(),
    }
}

fn told(planned: &PlannedAction, scope: Scope, owner: &AccountId, account: Option<&AccountId>, vpc: &str) -> Finding {
    let here = account.map_or_else(String::new, |account| {
        format!(", and the controller works in {account}")
    });
    Finding {
        concern: planned.blocks.unwrap_or(Concern::Subnets),
        scope,
        weight: if planned.blocks.is_some() {
            Weight::Blocks
        } else {
            Weight::Unmet
        },
        reason: Reason::SharedVpc,
        resource: Some(planned.action.resource()),
        message: format!(
            "{planned} is needed, because {}. But {vpc} belongs to account {owner}{here}: ask its owners to do it, or set \
             spec.credentials.network to a role of their account.",
            planned.reason
        ),
        symptom: planned.symptom,
        fix: None,
        shows_otherwise: Vec::new(),
        lacks: planned.action.gives(),
    }
}

/// Workloads of another account run only where the subnets are shared with it.
fn report_unshared(draft: &mut Draft<'_>) {
    let Some(account) = &draft.snapshot.not_shared_with else {
        return;
    };
    let vpc = &draft.snapshot.vpc.vpc_id;
    let message = format!(
        "Account {account} of spec.credentials.workloads does not see {vpc}: share the subnets with it by AWS Resource \
         Access Manager, or remove spec.credentials.workloads if workloads run in the VPC's own account."
    );
    draft.find(Concern::Subnets, Scope::Vpc, Reason::SharedVpc, None, message);
    // EC2 would not know the VPC; what was made there before can still go.
    draft.graph.leave_out(|planned| {
        planned.priority != Priority::Deletion && planned.key.as_ref().is_some_and(is_participants_group)
    });
}

fn is_participants_group(key: &ResourceKey) -> bool {
    matches!(
        key,
        ResourceKey::WorkloadSecurityGroup { .. } | ResourceKey::ElasticInferenceClient
    )
}
