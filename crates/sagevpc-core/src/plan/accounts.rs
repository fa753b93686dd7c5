//! In whose accounts things were made: what is seen in another account says
//! nothing of them.
//!
//! The network and what is the workloads' can lie in two accounts. Each is
//! pinned in the status before the first thing is made there, and from then on
//! only a look under that account counts: a role of another account sees no VPC
//! either, and would make everything look gone.

use super::{Plan, PlannedAction};
use crate::{
    api::SageMakerVpcStatus,
    report::{Failure, FailureKind},
    types::{AccountId, Accounts, ResourceKey},
};

/// The accounts in which things were made.
pub fn pinned(status: Option<&SageMakerVpcStatus>) -> Accounts {
    let in_force = status.map(|status| &status.in_force);
    Accounts {
        network: in_force.and_then(|in_force| in_force.account.clone()),
        workloads: in_force.and_then(|in_force| in_force.workloads_account.clone()),
    }
}

/// Whether what is seen in the accounts that we act in now says anything of
/// what was made in the pinned ones. An account that nobody can name is not
/// refused here: who needs to know for sure asks AWS.
///
/// # Errors
///
/// A failure that names both accounts and what to do.
pub fn admit(pinned: &Accounts, acting: &Accounts) -> Result<(), Failure> {
    let sides = [
        (&pinned.network, &acting.network, "network"),
        (&pinned.workloads, &acting.workloads, "workloads"),
    ];
    for (pinned, acting, side) in sides {
        if let (Some(pinned), Some(acting)) = (pinned, acting)
            && pinned != acting
        {
            return Err(elsewhere(pinned, acting, side));
        }
    }
    Ok(())
}

/// The way out for those who want no more of what was made.
const GIVE_UP: &str = "If that account is no more, or what was made there is to stay, set spec.managementPolicy to \
                       Observe: then this object can be deleted, and an event names what stays.";

fn elsewhere(pinned: &AccountId, acting: &AccountId, side: &str) -> Failure {
    wrong(format!(
        "What was made for this VPC is in account {pinned}, and spec.credentials.{side} leads to account {acting} now, \
         so nothing that is seen there counts and nothing is changed: set it back to a role of account {pinned}. To move \
         to another account, delete this object first, with the role set back. {GIVE_UP}"
    ))
}

/// The VPC is not there, and nobody knows any more in which account it was.
pub fn unknown(acting: &Accounts) -> Failure {
    let account = acting.network.as_ref().map_or_else(
        || "the account that spec.credentials leads to".to_owned(),
        |id| format!("account {id}"),
    );
    wrong(format!(
        "The VPC does not exist in {account}, something was made for it, and the status that said in which account is \
         lost: correct spec.credentials if the VPC is in another account. {GIVE_UP}"
    ))
}

fn wrong(message: String) -> Failure {
    Failure {
        kind: FailureKind::WrongAccount,
        action: "sts:GetCallerIdentity".to_owned(),
        code: None,
        message,
    }
}

impl Plan {
    /// The accounts to pin: those pinned before, and those in which something of
    /// ours is, or where one of the actions that `counts` says works.
    pub fn pin(&self, before: Accounts, counts: impl Fn(&PlannedAction) -> bool) -> Accounts {
        let counted = self.actions.iter().filter(|planned| counts(planned));
        let acted_on = counted.map(|planned| planned.key.as_ref().is_some_and(ResourceKey::is_the_workloads));
        let sides: Vec<bool> = self
            .owned
            .values()
            .map(ResourceKey::is_the_workloads)
            .chain(acted_on)
            .collect();
        let pin = |before: Option<AccountId>, acting: &Option<AccountId>, of_workloads: bool| {
            before.or_else(|| acting.clone().filter(|_| sides.contains(&of_workloads)))
        };
        Accounts {
            network: pin(before.network, &self.accounts.network, false),
            workloads: pin(before.workloads, &self.accounts.workloads, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ResourceKey;

    fn accounts(network: Option<&str>, workloads: Option<&str>) -> Accounts {
        Accounts {
            network: network.map(AccountId::new),
            workloads: workloads.map(AccountId::new),
        }
    }

    #[test]
    fn what_is_seen_in_another_account_never_counts_and_both_are_named() {
        let pinned = accounts(Some("111111111111"), Some("222222222222"));
        assert_eq!(admit(&pinned, &pinned), Ok(()));
        for (acting, side) in [
            (
                accounts(Some("333333333333"), Some("222222222222")),
                "spec.credentials.network",
            ),
            (
                accounts(Some("111111111111"), Some("333333333333")),
                "spec.credentials.workloads",
            ),
        ] {
            let failure = admit(&pinned, &acting).unwrap_err();
            assert_eq!(failure.kind, FailureKind::WrongAccount);
            let told = failure.explained();
            assert!(told.contains("333333333333") && told.contains(side), "{told}");
        }
    }

    #[test]
    fn an_account_that_nothing_was_made_in_may_change() {
        let pinned = accounts(Some("111111111111"), None);
        assert_eq!(admit(&pinned, &accounts(Some("111111111111"), Some("9"))), Ok(()));
        assert_eq!(admit(&Accounts::default(), &accounts(Some("9"), Some("9"))), Ok(()));
    }

    #[test]
    fn each_side_is_pinned_once_something_of_it_is_there_and_then_stays() {
        let mut plan = Plan {
            accounts: accounts(Some("111111111111"), Some("222222222222")),
            ..Plan::default()
        };
        assert_eq!(plan.pin(Accounts::default(), |_| true), Accounts::default());
        plan.owned.insert("vpce-1".to_owned(), ResourceKey::S3GatewayEndpoint);
        let network_only = accounts(Some("111111111111"), None);
        assert_eq!(plan.pin(Accounts::default(), |_| true), network_only);
        let bucket = ResourceKey::BucketPolicy { bucket: "data".into() };
        plan.owned.insert("data".to_owned(), bucket);
        assert_eq!(plan.pin(Accounts::default(), |_| true), plan.accounts);
        let before = accounts(Some("333333333333"), None);
        assert_eq!(
            plan.pin(before, |_| true),
            accounts(Some("333333333333"), Some("222222222222"))
        );
    }
}
