//! One connection: IAM of one account, as one role of it.
//!
//! Execution roles change seldom and cost several calls each, so what was read
//! is taken to hold for five minutes, by all VPCs alike, unless someone asks
//! for a fresh look or we changed the role a moment ago. A role that AWS would
//! not let us see is an answer, not an error: everything else goes on.
//!
//! What a look at a role costs:
//!
//! | Call | When |
//! |---|---|
//! | GetRole, ListRolePolicies, ListAttachedRolePolicies, SimulatePrincipalPolicy | once, each further page once more |
//! | GetRolePolicy | for each inline policy |
//! | GetPolicy, GetPolicyVersion | for each managed policy, once for all roles |

mod read;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    hash::Hash,
    sync::Arc,
    time::Duration,
};

use futures::stream::{self, StreamExt};
use parking_lot::Mutex;
use tokio::time::{Instant, error::Elapsed, timeout};

use super::{
    clients::{Connect, ConnectionMeans, configured},
    errors::{Meaning, Refusal},
    quotas::Share,
};
use sagevpc_core::{
    catalog::calls::Service,
    observed::{ManagedPolicy, RoleDetail, RoleSimulation, Roles, UnseenCause, UnseenRole},
    plan::Priority,
    report::FailureKind,
    types::Region,
};

/// How long what was read is taken to hold.
const AGE: Duration = Duration::from_secs(300);

/// How long not to ask again after no answer: where IAM is out of reach, that
/// must not slow everything else down.
const RETRY: Duration = Duration::from_secs(60);

/// How long one look may take.
const DEADLINE: Duration = Duration::from_secs(8);

/// How long AWS may take to show a change of ours everywhere.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html>.
const SETTLING: Duration = Duration::from_secs(60);

/// How many roles are looked at side by side.
const AT_ONCE: usize = 8;

/// IAM of one account, as one role of it. Cheap to clone; clones share the
/// connection and what is remembered.
#[derive(Clone)]
pub struct Iam {
    connection: Arc<IamConnection>,
}

struct IamConnection {
    client: aws_sdk_iam::Client,
    share: Share,
    roles: Remembered<String, Result<RoleDetail, UnseenRole>>,
    policies: Remembered<String, Option<ManagedPolicy>>,
    simulations: Remembered<(String, Region), Option<RoleSimulation>>,
    /// When we changed roles last, by their ARNs.
    changed: Mutex<HashMap<String, Instant>>,
}

/// What one look at a role found.
struct RoleLook {
    role: Result<RoleDetail, UnseenRole>,
    simulation: Option<RoleSimulation>,
    policies: Vec<ManagedPolicy>,
}

impl fmt::Debug for Iam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iam")
            .field("account", &self.connection.share.account_name())
            .finish_non_exhaustive()
    }
}

impl Connect for Iam {
    fn connect(means: ConnectionMeans) -> Self {
        Self {
            connection: Arc::new(IamConnection {
                client: aws_sdk_iam::Client::from_conf(configured!(aws_sdk_iam, means, Service::Iam).build()),
                share: Share::new(&means, Priority::Repair),
                roles: Remembered::default(),
                policies: Remembered::default(),
                simulations: Remembered::default(),
                changed: Mutex::default(),
            }),
        }
    }
}

impl Iam {
    /// Looks at roles, given by their ARNs, with the policies that they have
    /// and what AWS's simulation says of requests in `region`.
    ///
    /// Never changes anything, and never fails: what cannot be seen is told in
    /// [`Roles::unseen`], or, of a policy or simulation, left out. What is told
    /// may be five minutes old, unless `fresh`.
    pub async fn observe(&self, roles: &BTreeSet<String>, region: &Region, fresh: bool) -> Roles {
        let asked_at = Instant::now();
        let looks: Vec<_> = roles
            .iter()
            .map(|arn| self.look(arn, region, self.not_before(arn, asked_at, fresh)))
            .collect();
        let mut looks = stream::iter(looks).buffer_unordered(AT_ONCE);
        let mut seen = Roles::default();
        while let Some(look) = looks.next().await {
            let RoleLook {
                role,
                simulation,
                policies,
            } = look;
            match role {
                Ok(detail) => seen.details.extend([(detail.arn.clone(), detail)]),
                Err(unseen) => seen.unseen.extend([(unseen.arn.clone(), unseen)]),
            }
            let simulation = simulation.map(|simulation| (simulation.policy_source_arn.clone(), simulation));
            seen.simulations.extend(simulation);
            seen.managed_policies
                .extend(policies.into_iter().map(|policy| (policy.arn.clone(), policy)));
        }
        seen
    }

    async fn look(&self, arn: &str, region: &Region, since: Instant) -> RoleLook {
        let (role, simulation) = tokio::join!(self.role(arn, since), self.simulation(arn, region, since));
        let policies = match &role {
            Ok(detail) => self.managed_policies(detail, since).await,
            Err(_) => Vec::new(),
        };
        RoleLook {
            role,
            simulation,
            policies,
        }
    }

    /// From when on an answer about the role is new enough.
    fn not_before(&self, arn: &str, asked_at: Instant, fresh: bool) -> Instant {
        let changed = self.connection.changed.lock().get(arn).copied();
        let is_settling = changed.is_some_and(|at| at + SETTLING > asked_at);
        if fresh || is_settling {
            asked_at
        } else {
            asked_at.checked_sub(AGE).unwrap_or(asked_at)
        }
    }

    async fn role(&self, arn: &str, since: Instant) -> Result<RoleDetail, UnseenRole> {
        let read = async {
            let read = timeout(DEADLINE, read::role(&self.connection, arn)).await;
            let read = read.unwrap_or_else(|_| {
                Err(UnseenRole {
                    arn: arn.to_owned(),
                    cause: UnseenCause::Unreachable,
                    message: format!("IAM did not answer within {} seconds", DEADLINE.as_secs()),
                })
            });
            let answered = !matches!(&read, Err(unseen) if unseen.cause == UnseenCause::Unreachable);
            (read, answered)
        };
        self.connection.roles.get(arn.to_owned(), since, read).await
    }

    async fn simulation(&self, arn: &str, region: &Region, since: Instant) -> Option<RoleSimulation> {
        let read = async {
            let read = timeout(DEADLINE, read::simulation(&self.connection, arn, region)).await;
            answer(read)
        };
        let key = (arn.to_owned(), region.clone());
        self.connection.simulations.get(key, since, read).await
    }

    /// The managed policies that a role has, its boundary among them.
    async fn managed_policies(&self, role: &RoleDetail, since: Instant) -> Vec<ManagedPolicy> {
        let attached = role.attached_managed_policies.iter().map(|policy| &policy.policy_arn);
        let boundary = role
            .permissions_boundary
            .iter()
            .map(|boundary| &boundary.permissions_boundary_arn);
        let arns: BTreeSet<&String> = attached.chain(boundary).collect();
        let mut policies = Vec::new();
        for arn in arns {
            let read = async {
                let read = timeout(DEADLINE, read::managed_policy(&self.connection, arn)).await;
                answer(read)
            };
            policies.extend(self.connection.policies.get(arn.clone(), since, read).await);
        }
        policies
    }

    pub(super) fn client(&self) -> &aws_sdk_iam::Client {
        &self.connection.client
    }

    /// What AWS allows us.
    pub(super) fn share(&self) -> &Share {
        &self.connection.share
    }

    /// Notes that we are about to change a role, so that what was read of it
    /// before no longer counts.
    pub(super) fn note_change(&self, arn: &str) {
        self.connection.changed.lock().insert(arn.to_owned(), Instant::now());
    }
}

/// What was read, if anything, and whether AWS answered at all.
fn answer<T>(read: Result<Result<T, Refusal>, Elapsed>) -> (Option<T>, bool) {
    match read {
        Err(Elapsed { .. }) => (None, false),
        Ok(Err(refusal)) => (None, unseen_cause(&refusal) != UnseenCause::Unreachable),
        Ok(Ok(value)) => (Some(value), true),
    }
}

/// Why something was not seen, for what comes next.
fn unseen_cause(refusal: &Refusal) -> UnseenCause {
    match refusal.meaning {
        Meaning::NotThere(_) => UnseenCause::NoSuchEntity,
        Meaning::Refused(
            FailureKind::AccessDenied | FailureKind::NoCredentials | FailureKind::WrongAccount | FailureKind::Rejected,
        ) => UnseenCause::AccessDenied,
        Meaning::Refused(FailureKind::Throttled | FailureKind::Unreachable | FailureKind::QuotaExceeded)
        | Meaning::AlreadyThere
        | Meaning::StillInUse
        | Meaning::NameTaken
        | Meaning::DnsConflict
        | Meaning::NotReady
        | Meaning::TokenMismatch => UnseenCause::Unreachable,
    }
}

/// A place that one look at a time fills, while others wait for its answer.
type Slot<Value> = Arc<tokio::sync::Mutex<Option<(Instant, Value)>>>;

/// Answers, each with the time of its question.
struct Remembered<Key, Value> {
    slots: Mutex<HashMap<Key, Slot<Value>>>,
}

impl<Key, Value> Default for Remembered<Key, Value> {
    fn default() -> Self {
        Self {
            slots: Mutex::default(),
        }
    }
}

impl<Key: Eq + Hash, Value: Clone> Remembered<Key, Value> {
    /// What was answered to a question asked at `since` or later, or what `read`
    /// gives now, and whether that is an answer: where it is none, an older one
    /// stands, for a little while.
    async fn get(&self, key: Key, since: Instant, read: impl Future<Output = (Value, bool)>) -> Value {
        let slot = Arc::clone(self.slots.lock().entry(key).or_default());
        let mut held = slot.lock().await;
        if let Some((_, value)) = held.as_ref().filter(|(at, _)| *at >= since) {
            return value.clone();
        }
        let asked_at = Instant::now();
        let (value, answered) = read.await;
        let (at, value) = match held.take() {
            _ if answered => (asked_at, value),
            Some((_, earlier)) => (expiring(asked_at), earlier),
            None => (expiring(asked_at), value),
        };
        *held = Some((at, value.clone()));
        value
    }
}

/// The time of a question whose answer is good for [`RETRY`] only.
fn expiring(asked_at: Instant) -> Instant {
    asked_at.checked_sub(AGE.saturating_sub(RETRY)).unwrap_or(asked_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_read_once_for_all_who_ask_until_it_is_too_old() {
        let remembered = Remembered::default();
        let begun = Instant::now();
        let read = |value: u32, lasts| async move { (value, lasts) };
        let (first, second) = tokio::join!(
            remembered.get("role", begun, read(1, true)),
            remembered.get("role", begun, read(2, true))
        );
        assert_eq!((first, second), (1, 1));
        let later = Instant::now();
        assert_eq!(
            remembered.get("role", later, read(3, false)).await,
            1,
            "no answer leaves the one before"
        );
        assert_eq!(remembered.get("role", later, read(4, true)).await, 4);
        assert_eq!(remembered.get("other", later, read(5, false)).await, 5);
    }
}
