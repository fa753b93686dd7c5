//! What was changed in AWS in a pass, and on whose account. Pure, but for
//! [`log`], which tells each change in one line.

use std::collections::BTreeSet;

use kube::ResourceExt;

use crate::cluster::approver;
use sagevpc_core::{
    api::{ProfileInForce, is_deleting},
    plan::{Outcome, Plan, PlannedAction, Priority, Serves, Step},
    types::{ProfileKey, listed},
    validate::References,
};

/// A change that AWS made.
pub(super) struct Change<'a> {
    /// What was planned.
    pub(super) planned: &'a PlannedAction,
    /// The id that AWS gave to what was made.
    pub(super) id: Option<&'a str>,
    /// On whose account.
    pub(super) account: Account,
    /// Who let it through, where that was asked for.
    pub(super) approval: Option<Approval>,
}

/// On whose account something was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// Somebody changed it behind our back.
    Drift,
    /// The SageMakerVpc is being deleted.
    Deletion {
        /// Its name.
        vpc: String,
    },
    /// A profile was deleted.
    ProfileDeleted(ProfileKey),
    /// Profiles were absent for longer than they are waited for.
    GracePeriodOver(BTreeSet<ProfileKey>),
    /// Nobody asks for it any more: a spec was edited.
    NotAskedFor {
        /// The SageMakerVpc, with its generation.
        vpc: String,
    },
    /// The spec of an object.
    Spec {
        /// Which, with its generation where it is one.
        of: String,
    },
}

impl Account {
    /// In a word, for whoever filters logs.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Drift => "Drift",
            Self::Deletion { .. } | Self::ProfileDeleted(_) => "Deletion",
            Self::GracePeriodOver(_) => "GracePeriodOver",
            Self::NotAskedFor { .. } | Self::Spec { .. } => "Spec",
        }
    }

    fn told(&self) -> String {
        match self {
            Self::Drift => "it was changed behind sagevpc's back".to_owned(),
            Self::Deletion { vpc } => format!("SageMakerVpc {vpc} is being deleted"),
            Self::ProfileDeleted(key) => format!("profile {key} was deleted"),
            Self::GracePeriodOver(keys) => format!("{} was waited for long enough", listed(keys)),
            Self::NotAskedFor { vpc } => format!("asked for neither by {vpc} nor by its profiles"),
            Self::Spec { of } => format!("asked for by {of}"),
        }
    }
}

/// That a change was approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Approval {
    /// The digest.
    pub(super) digest: String,
    /// The field manager that wrote it.
    pub(super) by: Option<String>,
}

impl Approval {
    fn told(&self) -> String {
        let by = self.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        format!("approved{by} as {}", self.digest)
    }
}

impl Change<'_> {
    /// Why it was made, and who let it through.
    pub(super) fn accounted_for(&self) -> String {
        let approval = self.approval.as_ref().map(Approval::told);
        let parts: Vec<String> = approval.into_iter().chain([self.account.told()]).collect();
        parts.join("; ")
    }
}

/// Everything that AWS changed in this pass, in the order of the plan.
pub(super) fn changes<'a>(references: &References, plan: &'a Plan, outcome: &'a Outcome) -> Vec<Change<'a>> {
    let approval = plan.approved.as_ref().map(|approved| Approval {
        digest: approved.digest.clone(),
        by: approver(&references.vpc),
    });
    let done = plan
        .actions
        .iter()
        .filter(|planned| outcome.steps.get(&planned.id) == Some(&Step::Done));
    done.map(|planned| Change {
        planned,
        id: planned
            .action
            .makes()
            .and_then(|key| outcome.made.get(key))
            .map(String::as_str),
        account: account(references, plan, planned),
        approval: approval.clone().filter(|_| planned.approved),
    })
    .collect()
}

fn account(references: &References, plan: &Plan, planned: &PlannedAction) -> Account {
    let vpc = &references.vpc;
    if planned.drift {
        return Account::Drift;
    }
    if is_deleting(vpc) {
        return Account::Deletion { vpc: vpc.name_any() };
    }
    if planned.priority == Priority::Deletion
        && let Some(account) = account_of_removal(references, plan, planned)
    {
        return account;
    }
    let of_vpc = || of("SageMakerVpc", &vpc.name_any(), vpc.metadata.generation);
    let of = match &planned.serves {
        Serves::Profile(key) => {
            let mut profiles = references.profiles.iter();
            let generation = profiles
                .find(|reference| reference.key() == *key)
                .and_then(|reference| reference.profile.metadata.generation);
            of("profile", &key.to_string(), generation)
        }
        Serves::Profiles(keys) if keys.len() > 1 => format!("profiles {}", listed(keys)),
        Serves::Profiles(keys) => keys
            .first()
            .map_or_else(of_vpc, |key| of("profile", &key.to_string(), None)),
        Serves::Vpc if planned.priority == Priority::Deletion => return Account::NotAskedFor { vpc: of_vpc() },
        Serves::Vpc => format!("{} and its profiles", of_vpc()),
        Serves::SageMakerVpc => of_vpc(),
    };
    Account::Spec { of }
}

fn of(kind: &str, name: &str, generation: Option<i64>) -> String {
    let generation = generation.map(|generation| format!(" (generation {generation})"));
    format!("{kind} {name}{}", generation.unwrap_or_default())
}

/// What has something go that nobody asks for any more, if it is that a profile
/// went.
fn account_of_removal(references: &References, plan: &Plan, planned: &PlannedAction) -> Option<Account> {
    let leaving = references
        .profiles
        .iter()
        .filter(|reference| is_deleting(&reference.profile))
        .map(|reference| reference.key());
    let leaving: BTreeSet<ProfileKey> = leaving.collect();
    let waited_for = waited_for_in_vain(references, plan);
    match planned.key.as_ref().and_then(|key| key.profile()) {
        Some(key) if waited_for.contains(key) => Some(Account::GracePeriodOver([key.clone()].into())),
        Some(key) if leaving.contains(key) || !references.profiles.iter().any(|other| other.key() == *key) => {
            Some(Account::ProfileDeleted(key.clone()))
        }
        Some(_) => None,
        None if !waited_for.is_empty() => Some(Account::GracePeriodOver(waited_for)),
        None => leaving.into_iter().next().map(Account::ProfileDeleted),
    }
}

/// Profiles that were noted as absent, and are noted no longer.
fn waited_for_in_vain(references: &References, plan: &Plan) -> BTreeSet<ProfileKey> {
    let before = references
        .vpc
        .status
        .iter()
        .flat_map(|status| &status.in_force.profiles);
    let absent = before.filter(|noted| noted.absent_since.is_some());
    let still: BTreeSet<ProfileKey> = plan.in_force.profiles.iter().map(ProfileInForce::key).collect();
    absent
        .map(ProfileInForce::key)
        .filter(|key| !still.contains(key))
        .collect()
}

/// The profiles that a change concerns: those that it serves, and the one whose
/// resource it takes away.
pub(super) fn concerned(planned: &PlannedAction, plan: &Plan) -> BTreeSet<ProfileKey> {
    let mut keys: BTreeSet<ProfileKey> = match &planned.serves {
        Serves::Profile(key) => [key.clone()].into(),
        Serves::Profiles(keys) => keys.clone(),
        // What goes serves nobody any more.
        Serves::Vpc if planned.priority == Priority::Deletion => BTreeSet::new(),
        Serves::Vpc => plan.contributing.clone(),
        Serves::SageMakerVpc => BTreeSet::new(),
    };
    keys.extend(planned.key.as_ref().and_then(|key| key.profile()).cloned());
    keys
}

/// Tells a change in one line of the log.
pub(super) fn log(vpc: &str, change: &Change<'_>, plan: &Plan) {
    let Change {
        planned,
        id,
        account,
        approval,
    } = change;
    let profiles = concerned(planned, plan);
    let replaced = planned.replaced.as_ref();
    tracing::info!(
        vpc,
        service = planned.action.service(),
        action = planned.action.name(),
        resource = planned.action.resource(),
        id,
        change = planned.action.change(),
        before = replaced.map(|replaced| replaced.before.to_string()),
        after = replaced
            .and_then(|replaced| replaced.after.as_ref())
            .map(ToString::to_string),
        reason = planned.reason,
        account = account.as_str(),
        on_account_of = account.told(),
        approved = approval.as_ref().map(|approval| approval.digest.as_str()),
        approved_by = approval.as_ref().and_then(|approval| approval.by.as_deref()),
        profiles = (!profiles.is_empty()).then(|| listed(&profiles)),
        "AWS was changed"
    );
}

#[cfg(test)]
mod tests;
