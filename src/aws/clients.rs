//! Credentials, time-outs and retries: one connection for each role and region.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_config::{AppName, BehaviorVersion, ConfigLoader, SdkConfig, sts::AssumeRoleProvider, timeout::TimeoutConfig};
use aws_sdk_ec2::config::{
    IdentityCache, SharedCredentialsProvider,
    retry::{RetryConfig, RetryPartition},
};
use parking_lot::Mutex;

use super::{
    deadline::NotTooLate,
    ec2::Ec2,
    iam::Iam,
    quotas::Quotas,
    s3::{S3, Turns},
    sagemaker::SageMaker,
    telemetry::{CallObserver, CountedAssumeRole, Telltale},
};
use crate::lease::Authority;
use sagevpc_core::{
    api::{AssumedRole, Credentials},
    catalog::calls::Service,
    report::Failure,
    types::{AccountId, Accounts, Region},
};

/// How we sign our calls in CloudTrail and in the user agent.
const NAME: &str = "sagevpc";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Attempts at one call, the first included. Few, since the controller comes
/// back by itself, and knows more by then.
const ATTEMPTS: u32 = 3;

/// How long to wait for credentials, within one attempt at a call.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(8);

/// Who acts, and where.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    role: Option<(String, Option<String>)>,
    region: Region,
}

impl Key {
    fn new(region: &Region, role: Option<&AssumedRole>) -> Self {
        Self {
            role: role.map(|role| (role.role_arn.clone(), role.external_id.clone())),
            region: region.clone(),
        }
    }
}

/// The ways into AWS that one VPC needs: to its network, and to what is the
/// workloads'.
#[derive(Clone, Debug)]
pub struct Clients {
    /// To the VPC.
    pub ec2: Ec2,
    /// To what the workloads' account has in the VPC, where that is another
    /// account than [`ec2`](Self::ec2)'s and the VPC is shared with it.
    pub workloads: Option<Ec2>,
    /// To the workloads' buckets.
    pub s3: S3,
    /// To the execution roles.
    pub iam: Iam,
    /// To what SageMaker runs.
    pub sagemaker: SageMaker,
}

impl Clients {
    /// The accounts that they lead to, as far as that can be learned without
    /// delay.
    pub async fn accounts_if_known(&self) -> Accounts {
        let network = self.ec2.account_if_known().await;
        let workloads = match &self.workloads {
            Some(workloads) => workloads.account_if_known().await,
            None => network.clone(),
        };
        Accounts { network, workloads }
    }

    /// The accounts that they lead to at this moment.
    ///
    /// # Errors
    ///
    /// When AWS STS refuses or does not answer.
    pub async fn accounts_now(&self) -> Result<Accounts, Failure> {
        let network = self.ec2.account_now().await?;
        let workloads = match &self.workloads {
            Some(workloads) => workloads.account_now().await?,
            None => network.clone(),
        };
        Ok(Accounts {
            network: Some(network),
            workloads: Some(workloads),
        })
    }
}

/// All connections to AWS, opened when first used and kept.
///
/// Credentials come from the SDK's default chain, and where a role is named,
/// that role is assumed with them. They are renewed before they expire. As
/// with any AWS tool, `AWS_ENDPOINT_URL`, `AWS_PROFILE` and the others apply.
pub struct Connections {
    base: SdkConfig,
    observer: Arc<dyn CallObserver>,
    quotas: Arc<Quotas>,
    turns: Arc<Turns>,
    authority: Authority,
    ec2: Kept<Ec2>,
    s3: Kept<S3>,
    iam: Kept<Iam>,
    sagemaker: Kept<SageMaker>,
}

/// The connections to one service that are open.
struct Kept<C>(Mutex<HashMap<Key, C>>);

impl<C> Default for Kept<C> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// A connection to a service. Clones share it.
pub(super) trait Connect: Clone {
    /// Opens it. Nothing is asked of AWS yet.
    fn connect(means: ConnectionMeans) -> Self;
}

/// What a connection is made of.
#[derive(Clone)]
pub(super) struct ConnectionMeans {
    /// What all clients of a region and role share.
    pub(super) config: SdkConfig,
    /// The region.
    pub(super) region: Region,
    /// The account of the role, where one is assumed.
    pub(super) account: Option<AccountId>,
    /// Whoever counts calls.
    observer: Arc<dyn CallObserver>,
    /// AWS's quotas.
    pub(super) quotas: Arc<Quotas>,
    /// Whose turn it is to work on a bucket.
    pub(super) turns: Arc<Turns>,
    /// For how long anything may be sent.
    pub(super) not_too_late: NotTooLate,
}

impl ConnectionMeans {
    /// The same in another region.
    pub(super) fn in_region(&self, region: &Region) -> Self {
        Self {
            config: in_region(&self.config, region),
            region: region.clone(),
            ..self.clone()
        }
    }

    /// What tells of the attempts at calls of a service.
    pub(super) fn telltale(&self, service: Service) -> Telltale {
        Telltale {
            service,
            observer: Arc::clone(&self.observer),
        }
    }

    /// Who shares what is left for retries when a service fails: EC2 and AWS STS
    /// of a region do.
    pub(super) fn retries(&self, service: Service) -> RetryPartition {
        let region = &self.region;
        let name = match service {
            Service::Ec2 | Service::Sts => format!("{NAME} {region}"),
            Service::SageMaker | Service::S3 | Service::Iam => format!("{NAME} {} {region}", service.as_str()),
        };
        RetryPartition::custom(name).build()
    }
}

fn in_region(config: &SdkConfig, region: &Region) -> SdkConfig {
    let region = aws_config::Region::new(region.as_str().to_owned());
    config.to_builder().region(region).build()
}

/// The configuration of a client, as all of ours have it. A macro, since each
/// service's SDK has types of its own.
macro_rules! configured {
    ($sdk:ident, $means:expr, $service:expr) => {
        $sdk::config::Builder::from(&$means.config)
            .retry_partition($means.retries($service))
            .interceptor($means.not_too_late.clone())
            .interceptor($means.telltale($service))
    };
}
pub(super) use configured;

impl Connections {
    /// Reads the environment's configuration. Nothing is asked of AWS yet, and
    /// credentials that are missing show only when they are needed.
    pub async fn load(observer: Arc<dyn CallObserver>) -> Self {
        Self::from_loader(aws_config::defaults(BehaviorVersion::latest()), observer).await
    }

    /// Like [`load`](Self::load), from a loader that says in part itself what
    /// the environment would: an endpoint, credentials.
    pub async fn from_loader(loader: ConfigLoader, observer: Arc<dyn CallObserver>) -> Self {
        let mut loader = loader
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(OPERATION_TIMEOUT)
                    .build(),
            )
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            // One for all connections, so that they share credentials too.
            .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS_TIMEOUT).build());
        if let Ok(name) = AppName::new(NAME) {
            loader = loader.app_name(name);
        }
        Self {
            base: loader.load().await,
            observer,
            quotas: Arc::default(),
            turns: Arc::default(),
            authority: Authority::unlimited(),
            ec2: Kept::default(),
            s3: Kept::default(),
            iam: Kept::default(),
            sagemaker: Kept::default(),
        }
    }

    /// The same for as long as `authority` lasts: no attempt at a call starts
    /// after it. To be said before the first connection is opened.
    #[must_use]
    pub fn under(mut self, authority: Authority) -> Self {
        self.authority = authority;
        self
    }

    /// The connections that serve a VPC in `region` with these credentials.
    pub async fn clients(&self, region: &Region, credentials: Option<&Credentials>) -> Clients {
        let network = credentials.and_then(|credentials| credentials.network.as_ref());
        let workloads = credentials.and_then(|credentials| credentials.workloads.as_ref());
        let ec2 = self.ec2(region, network).await;
        Clients {
            workloads: match workloads {
                Some(role) => self.elsewhere(&ec2, role).await,
                None => None,
            },
            ec2,
            iam: self.iam(region, workloads.or(network)).await,
            s3: self.s3(region, workloads.or(network)).await,
            sagemaker: self.sagemaker(region, workloads.or(network)).await,
        }
    }

    /// The connection to EC2 as `role`, if that is another account's.
    async fn elsewhere(&self, ec2: &Ec2, role: &AssumedRole) -> Option<Ec2> {
        let here = ec2.connection().account_if_known().await;
        if here.is_some() && here == account_of(role) {
            return None;
        }
        Some(self.ec2(ec2.region(), Some(role)).await)
    }

    /// The connection to EC2 in `region`, as `role` or, without one, with the
    /// controller's own credentials.
    pub async fn ec2(&self, region: &Region, role: Option<&AssumedRole>) -> Ec2 {
        self.open(&self.ec2, region, role).await
    }

    /// The connection to S3, beginning in `region`, likewise.
    pub async fn s3(&self, region: &Region, role: Option<&AssumedRole>) -> S3 {
        self.open(&self.s3, region, role).await
    }

    /// The connection to SageMaker in `region`, likewise.
    pub async fn sagemaker(&self, region: &Region, role: Option<&AssumedRole>) -> SageMaker {
        self.open(&self.sagemaker, region, role).await
    }

    /// The connection to IAM in the partition of `region`, likewise. IAM is one
    /// for all regions of a partition.
    pub async fn iam(&self, region: &Region, role: Option<&AssumedRole>) -> Iam {
        self.open(&self.iam, &home(region), role).await
    }

    async fn open<C: Connect>(&self, kept: &Kept<C>, region: &Region, role: Option<&AssumedRole>) -> C {
        let key = Key::new(region, role);
        if let Some(open) = kept.0.lock().get(&key) {
            return open.clone();
        }
        let opened = C::connect(self.means(region, role).await);
        // Whoever was first keeps its connection: what is cached and gathered
        // on it is not to be split in two.
        kept.0.lock().entry(key).or_insert(opened).clone()
    }

    async fn means(&self, region: &Region, role: Option<&AssumedRole>) -> ConnectionMeans {
        let mut config = in_region(&self.base, region);
        if let Some(role) = role {
            let credentials = SharedCredentialsProvider::new(self.assume(role, &config).await);
            config = config.to_builder().credentials_provider(credentials).build();
        }
        ConnectionMeans {
            config,
            region: region.clone(),
            account: role.and_then(account_of),
            observer: Arc::clone(&self.observer),
            quotas: Arc::clone(&self.quotas),
            turns: Arc::clone(&self.turns),
            not_too_late: self.not_too_late(),
        }
    }

    fn not_too_late(&self) -> NotTooLate {
        NotTooLate {
            authority: self.authority.clone(),
        }
    }

    async fn assume(&self, role: &AssumedRole, config: &SdkConfig) -> CountedAssumeRole<AssumeRoleProvider> {
        let mut provider = AssumeRoleProvider::builder(role.role_arn.clone())
            .session_name(NAME)
            .configure(config);
        if let Some(external_id) = &role.external_id {
            provider = provider.external_id(external_id.clone());
        }
        CountedAssumeRole {
            provider: provider.build().await,
            observer: Arc::clone(&self.observer),
            not_too_late: self.not_too_late(),
        }
    }
}

/// The region of a partition in which IAM takes requests.
///
/// See <https://docs.aws.amazon.com/general/latest/gr/iam-service.html>.
fn home(region: &Region) -> Region {
    match region.partition() {
        "aws" => Region::new("us-east-1"),
        "aws-cn" => Region::new("cn-north-1"),
        "aws-us-gov" => Region::new("us-gov-west-1"),
        _ => region.clone(),
    }
}

/// The account that a role belongs to, and so the one that we act in with it.
fn account_of(role: &AssumedRole) -> Option<AccountId> {
    let account = role.role_arn.split(':').nth(4)?;
    (!account.is_empty()).then(|| AccountId::new(account))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roles_arn_names_its_account() {
        let role = |arn: &str| AssumedRole {
            role_arn: arn.into(),
            external_id: None,
        };
        assert_eq!(
            account_of(&role("arn:aws-cn:iam::111122223333:role/path/sagevpc")),
            Some(AccountId::new("111122223333"))
        );
        assert_eq!(account_of(&role("not an ARN")), None);
    }
}
