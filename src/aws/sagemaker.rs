//! What runs in a VPC, asked of SageMaker's API.
//!
//! SageMaker cannot be asked what uses a VPC: it can be asked what is active,
//! and each thing by itself what VPC configuration it was given. So the VPC's
//! network interfaces come first. Without one of SageMaker's there is nothing to
//! ask about; as long as they are the same, what was learned still holds. What
//! is over (finished jobs, models that nothing serves) is never listed, and what
//! was once described is described again only after it changed: so a restart
//! among thousands of old jobs and models costs a list of each kind and one
//! call for each thing that runs.

mod listing;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use self::listing::{Active, Network};
use super::{
    clients::{Connect, ConnectionMeans, configured},
    errors::Refusal,
    quotas::Share,
};
use sagevpc_core::{
    catalog::calls::Service,
    observed::{Consumer, Discovered},
    plan::Priority,
    report::{Failure, FailureKind},
    types::NetworkInterfaceId,
};

/// How long an answer holds while the interfaces are the same.
const ANSWER_AGE: Duration = Duration::from_secs(300);

/// How long an answer holds though interfaces have come that it knows nothing
/// of: many VPCs of an account share one answer.
const SHORTEST_AGE: Duration = Duration::from_secs(30);

/// How long not to ask again after a refusal.
const REFUSAL_AGE: Duration = Duration::from_secs(600);

/// How long a pass waits for an answer. What was learned till then is kept.
const PATIENCE: Duration = Duration::from_secs(4);

/// Things described in one round; the others follow in the next.
const DESCRIBED_AT_ONCE: usize = 40;

/// SageMaker in one region, as one role. Cheap to clone.
#[derive(Clone)]
pub struct SageMaker {
    connection: Arc<SageMakerConnection>,
}

pub(super) struct SageMakerConnection {
    client: aws_sdk_sagemaker::Client,
    share: Share,
    known: Mutex<Learned>,
}

/// What was learned so far.
#[derive(Default)]
struct Learned {
    /// When what is active was last listed.
    at: Option<Instant>,
    /// The interfaces that were there then.
    interfaces: BTreeSet<NetworkInterfaceId>,
    consumers: Vec<Consumer>,
    /// Whether all that was listed is described.
    complete: bool,
    /// By what it is, and when it last changed.
    networks: HashMap<Active, Network>,
    refusal: Option<Failure>,
}

impl fmt::Debug for SageMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SageMaker")
            .field("region", &self.connection.share.region)
            .finish_non_exhaustive()
    }
}

impl Connect for SageMaker {
    fn connect(means: ConnectionMeans) -> Self {
        Self {
            connection: Arc::new(SageMakerConnection {
                client: aws_sdk_sagemaker::Client::from_conf(
                    configured!(aws_sdk_sagemaker, means, Service::SageMaker).build(),
                ),
                share: Share::new(&means, Priority::Growth),
                known: Mutex::default(),
            }),
        }
    }
}

impl SageMaker {
    /// What is active in the account and region, given SageMaker's network
    /// interfaces in one VPC. Comes back within seconds, with as much as is
    /// known by then; never changes anything.
    pub async fn discover(&self, interfaces: &BTreeSet<NetworkInterfaceId>) -> Discovered {
        if interfaces.is_empty() {
            return Discovered::Seen {
                consumers: Vec::new(),
                complete: true,
            };
        }
        match timeout(PATIENCE, self.connection.look(interfaces)).await {
            Ok(discovered) => discovered,
            // Somebody else asks just now, or there is very much to ask: what is
            // learned is kept, and the next pass finds it.
            Err(_) => match self.connection.known.try_lock() {
                Ok(known) => known.answer(false),
                Err(_) => Discovered::NotAsked,
            },
        }
    }
}

impl SageMakerConnection {
    async fn look(&self, interfaces: &BTreeSet<NetworkInterfaceId>) -> Discovered {
        let mut known = self.known.lock().await;
        if !known.is_due(interfaces) {
            return known.answer(known.complete);
        }
        match self.refresh(&mut known).await {
            Ok(()) => {
                known.refusal = None;
                known.interfaces.extend(interfaces.iter().cloned());
            }
            Err(refusal) => known.refusal = Some(refusal.failure),
        }
        known.at = Some(Instant::now());
        known.answer(known.complete)
    }

    /// Lists what is active and describes what is not known yet, or has changed.
    async fn refresh(&self, known: &mut Learned) -> Result<(), Refusal> {
        let active = self.active().await?;
        known.networks.retain(|thing, _| active.contains(thing));
        let unknown: Vec<&Active> = active
            .iter()
            .filter(|thing| !known.networks.contains_key(thing))
            .collect();
        for thing in unknown.iter().take(DESCRIBED_AT_ONCE) {
            if let Some(network) = self.network_of(thing).await? {
                known.networks.insert((*thing).clone(), network);
            }
        }
        known.complete = unknown.len() <= DESCRIBED_AT_ONCE;
        known.consumers = active
            .iter()
            .filter_map(|thing| Some(known.networks.get(thing)?.consumer(thing)))
            .filter(|consumer| !consumer.subnets.is_empty())
            .collect();
        known.consumers.sort();
        Ok(())
    }
}

impl Learned {
    fn is_due(&self, interfaces: &BTreeSet<NetworkInterfaceId>) -> bool {
        let Some(at) = self.at else { return true };
        let age = at.elapsed();
        if self.refusal.is_some() {
            return age >= REFUSAL_AGE;
        }
        let knows_all = self.complete && interfaces.is_subset(&self.interfaces);
        age >= ANSWER_AGE || (age >= SHORTEST_AGE && !knows_all)
    }

    fn answer(&self, complete: bool) -> Discovered {
        match &self.refusal {
            Some(failure) => Discovered::Refused {
                message: failure.explained(),
                denied: failure.kind == FailureKind::AccessDenied,
            },
            None if self.at.is_none() => Discovered::NotAsked,
            None => Discovered::Seen {
                consumers: self.consumers.clone(),
                complete,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interfaces(numbers: impl IntoIterator<Item = u8>) -> BTreeSet<NetworkInterfaceId> {
        numbers
            .into_iter()
            .map(|number| NetworkInterfaceId::new(format!("eni-{number:017x}")))
            .collect()
    }

    fn asked(ago: Duration, complete: bool) -> Learned {
        Learned {
            at: Instant::now().checked_sub(ago),
            interfaces: interfaces([1, 2]),
            complete,
            ..Learned::default()
        }
    }

    #[test]
    fn the_same_interfaces_are_asked_about_once_in_five_minutes() {
        assert!(Learned::default().is_due(&interfaces([1])));
        assert!(!asked(Duration::from_secs(299), true).is_due(&interfaces([1])));
        assert!(asked(Duration::from_secs(300), true).is_due(&interfaces([1])));
    }

    #[test]
    fn new_interfaces_are_asked_about_after_half_a_minute() {
        assert!(!asked(Duration::from_secs(29), true).is_due(&interfaces([3])));
        assert!(asked(Duration::from_secs(30), true).is_due(&interfaces([3])));
        assert!(asked(Duration::from_secs(30), false).is_due(&interfaces([1])));
    }

    #[test]
    fn a_refusal_is_taken_for_ten_minutes() {
        let mut known = asked(Duration::from_secs(599), true);
        known.refusal = Some(Failure {
            kind: FailureKind::AccessDenied,
            action: "sagemaker:ListEndpoints".into(),
            code: None,
            message: "no".into(),
        });
        assert!(!known.is_due(&interfaces([3])));
        assert!(matches!(known.answer(true), Discovered::Refused { denied: true, .. }));
        known.at = Instant::now().checked_sub(REFUSAL_AGE);
        assert!(known.is_due(&interfaces([3])));
    }
}
