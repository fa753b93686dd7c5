//! One connection: EC2 in one region, as one role.

use std::{fmt, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    clients::{Connect, ConnectionMeans, configured},
    coalesce::Gathering,
    errors::Refusal,
    observe::{self, Known, Round},
    quotas::Share,
};
use sagevpc_core::{
    catalog::calls::{Call, Service},
    observed::{Interest, Snapshot},
    plan::{DnsAttribute, Priority},
    report::Failure,
    types::{AccountId, Region, VpcId},
};

/// How long not to ask AWS STS again who we are, after it would not say.
const IDENTITY_RETRY: Duration = Duration::from_secs(600);

/// EC2 in one region, as one role. Cheap to clone; clones share the connection,
/// what is remembered of the region, and the rounds in which it is looked at.
#[derive(Clone)]
pub struct Ec2 {
    connection: Arc<Ec2Connection>,
    rounds: Gathering<Interest, Result<Round, Failure>>,
}

pub(super) struct Ec2Connection {
    pub(super) client: aws_sdk_ec2::Client,
    sts: aws_sdk_sts::Client,
    /// What AWS allows us, and where.
    pub(super) share: Share,
    /// Whether the role says which account it is.
    is_given: bool,
    /// When AWS STS last would not say who we are.
    nameless: Mutex<Option<Instant>>,
    /// What changes seldom or never, as it was last seen.
    pub(super) known: Known,
}

impl fmt::Debug for Ec2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ec2")
            .field("region", &self.connection.share.region)
            .finish_non_exhaustive()
    }
}

impl Connect for Ec2 {
    fn connect(means: ConnectionMeans) -> Self {
        let connection = Arc::new(Ec2Connection {
            client: aws_sdk_ec2::Client::from_conf(configured!(aws_sdk_ec2, means, Service::Ec2).build()),
            sts: aws_sdk_sts::Client::from_conf(configured!(aws_sdk_sts, means, Service::Sts).build()),
            is_given: means.account.is_some(),
            share: Share::new(&means, Priority::Repair),
            nameless: Mutex::default(),
            known: Known::default(),
        });
        let (knowing, looking) = (Arc::clone(&connection), Arc::clone(&connection));
        let rounds = Gathering::new(
            move |interests| observe::fitting(&knowing.known, interests),
            move |interests| {
                let connection = Arc::clone(&looking);
                async move { observe::round(&connection, interests).await }
            },
        );
        Self { connection, rounds }
    }
}

impl Ec2 {
    /// Looks at a VPC, together with whoever else asks in the same moment.
    ///
    /// Never changes anything, and never answers with what was read before the
    /// question, except what AWS lets nobody read in bulk or what does not
    /// change: a VPC's DNS attributes may be five minutes old (not after a
    /// change of ours, nor if [`Interest::fresh`]), the region's prefix lists
    /// and endpoint services an hour. A VPC that does not exist is absent from
    /// the snapshot. The answer comes within half a minute after the round that
    /// was under way, if one was.
    ///
    /// # Errors
    ///
    /// When AWS refuses one of the calls or does not answer. A call that only
    /// some of [`Interest::aspects`] need is denied to those alone who have
    /// them; network ACLs that the role may not see are absent.
    pub async fn observe(&self, interest: &Interest) -> Result<Arc<Snapshot>, Failure> {
        let answer = self.rounds.ask(interest.clone()).await;
        answer.unwrap_or_else(|| Err(observe::interrupted()))?.for_one(interest)
    }

    /// The region.
    pub fn region(&self) -> &Region {
        &self.connection.share.region
    }

    /// The account that we act in: the role's, or that of our own credentials.
    /// Asked of AWS once.
    ///
    /// # Errors
    ///
    /// When AWS STS refuses or does not answer.
    pub async fn account(&self) -> Result<AccountId, Failure> {
        self.connection.account().await.map_err(|refusal| refusal.failure)
    }

    /// Like [`account`](Self::account), if it can be learned without delay.
    pub async fn account_if_known(&self) -> Option<AccountId> {
        self.connection.account_if_known().await
    }

    /// The account that we act in at this moment: our own credentials may have
    /// become those of another account since it was asked.
    ///
    /// # Errors
    ///
    /// When AWS STS refuses or does not answer.
    pub async fn account_now(&self) -> Result<AccountId, Failure> {
        let now = if self.connection.is_given {
            self.connection.account().await
        } else {
            self.connection.caller().await
        };
        now.map_err(|refusal| refusal.failure)
    }

    pub(super) fn connection(&self) -> &Ec2Connection {
        &self.connection
    }

    /// Forgets a DNS attribute of a VPC, so that it is read anew.
    pub(super) fn forget_attribute(&self, vpc: &VpcId, attribute: DnsAttribute) {
        self.connection.known.forget_attribute(vpc, attribute);
    }
}

impl Ec2Connection {
    pub(super) async fn account(&self) -> Result<AccountId, Refusal> {
        self.share.account.get_or_try_init(|| self.caller()).await.cloned()
    }

    async fn caller(&self) -> Result<AccountId, Refusal> {
        let call = Call::GetCallerIdentity;
        let identity = self.share.read(call, self.sts.get_caller_identity().send()).await?;
        Ok(AccountId::new(identity.account().unwrap_or_default()))
    }

    /// The account, if it can be learned without delay: in networks without a
    /// way to AWS STS everything else still works.
    pub(super) async fn account_if_known(&self) -> Option<AccountId> {
        let remembered = || self.nameless.lock();
        let lately = remembered().is_some_and(|at| at.elapsed() < IDENTITY_RETRY);
        if lately && self.share.account.get().is_none() {
            return None;
        }
        let account = self.account().await;
        *remembered() = account.is_err().then(Instant::now);
        account.ok()
    }
}
