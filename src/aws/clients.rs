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
    quotas::{Quotas, Scope},
    s3::{Parts, S3, Turns},
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
    open: Mutex<HashMap<Key, Ec2>>,
    open_sagemaker: Mutex<HashMap<Key, SageMaker>>,
    open_s3: Mutex<HashMap<Key, S3>>,
    open_iam: Mutex<HashMap<Key, Iam>>,
}

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
            open: Mutex::default(),
            open_sagemaker: Mutex::default(),
            open_s3: Mutex::default(),
            open_iam: Mutex::default(),
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

    /// The connection to S3, beginning in `region`, as `role` or, without one,
    /// with the controller's own credentials.
    pub async fn s3(&self, region: &Region, role: Option<&AssumedRole>) -> S3 {
        let key = Key::new(region, role);
        if let Some(s3) = self.open_s3.lock().get(&key) {
            return s3.clone();
        }
        let s3 = S3::new(Parts {
            config: self.config(region, role).await,
            region: region.clone(),
            account: role.and_then(account_of),
            observer: Arc::clone(&self.observer),
            quotas: Arc::clone(&self.quotas),
            turns: Arc::clone(&self.turns),
            not_too_late: self.not_too_late(),
        });
        self.open_s3.lock().entry(key).or_insert(s3).clone()
    }

    /// The connection to EC2 in `region`, as `role` or, without one, with the
    /// controller's own credentials.
    pub async fn ec2(&self, region: &Region, role: Option<&AssumedRole>) -> Ec2 {
        let key = Key::new(region, role);
        if let Some(ec2) = self.open.lock().get(&key) {
            return ec2.clone();
        }
        let ec2 = self.connect(region, role).await;
        // Whoever was first keeps its connection: what is cached and gathered
        // on it is not to be split in two.
        self.open.lock().entry(key).or_insert(ec2).clone()
    }

    /// The connection to SageMaker in `region`, as `role` or, without one, with
    /// the controller's own credentials.
    pub async fn sagemaker(&self, region: &Region, role: Option<&AssumedRole>) -> SageMaker {
        let key = Key::new(region, role);
        if let Some(sagemaker) = self.open_sagemaker.lock().get(&key) {
            return sagemaker.clone();
        }
        let config = self.config(region, role).await;
        let client = aws_sdk_sagemaker::config::Builder::from(&config)
            .retry_partition(RetryPartition::custom(format!("{NAME} sagemaker {region}")).build())
            .interceptor(self.not_too_late())
            .interceptor(Telltale {
                service: Service::SageMaker,
                observer: Arc::clone(&self.observer),
            })
            .build();
        let account = role.and_then(account_of);
        let scope = Scope {
            account: account.map_or_else(|| "our own".to_owned(), |account| account.to_string()),
            region: region.clone(),
        };
        let sagemaker = SageMaker::new(
            aws_sdk_sagemaker::Client::from_conf(client),
            Arc::clone(&self.quotas),
            scope,
        );
        self.open_sagemaker.lock().entry(key).or_insert(sagemaker).clone()
    }

    /// What all clients of a region and role share.
    async fn config(&self, region: &Region, role: Option<&AssumedRole>) -> SdkConfig {
        let mut config = self
            .base
            .to_builder()
            .region(aws_config::Region::new(region.as_str().to_owned()))
            .build();
        if let Some(role) = role {
            let credentials = SharedCredentialsProvider::new(self.assume(role, &config).await);
            config = config.to_builder().credentials_provider(credentials).build();
        }
        config
    }

    /// The connection to IAM in the partition of `region`, likewise. IAM is one
    /// for all regions of a partition.
    pub async fn iam(&self, region: &Region, role: Option<&AssumedRole>) -> Iam {
        let home = home(region);
        let key = Key::new(&home, role);
        if let Some(iam) = self.open_iam.lock().get(&key) {
            return iam.clone();
        }
        let config = self.config(&home, role).await;
        let config = aws_sdk_iam::config::Builder::from(&config)
            .retry_partition(RetryPartition::custom(format!("{NAME} iam {home}")).build())
            .interceptor(self.not_too_late())
            .interceptor(Telltale {
                service: Service::Iam,
                observer: Arc::clone(&self.observer),
            })
            .build();
        // Until AWS tells, our own account has a name that no account has.
        let account = role
            .and_then(account_of)
            .map_or("our own".to_owned(), |id| id.to_string());
        let client = aws_sdk_iam::Client::from_conf(config);
        let iam = Iam::new(client, account, home, Arc::clone(&self.quotas));
        self.open_iam.lock().entry(key).or_insert(iam).clone()
    }

    async fn connect(&self, region: &Region, role: Option<&AssumedRole>) -> Ec2 {
        let config = self.config(region, role).await;
        let retries = RetryPartition::custom(format!("{NAME} {region}")).build();
        let ec2 = aws_sdk_ec2::config::Builder::from(&config)
            .retry_partition(retries.clone())
            .interceptor(self.not_too_late())
            .interceptor(Telltale {
                service: Service::Ec2,
                observer: Arc::clone(&self.observer),
            })
            .build();
        let sts = aws_sdk_sts::config::Builder::from(&config)
            .retry_partition(retries)
            .interceptor(self.not_too_late())
            .interceptor(Telltale {
                service: Service::Sts,
                observer: Arc::clone(&self.observer),
            })
            .build();
        Ec2::new(
            aws_sdk_ec2::Client::from_conf(ec2),
            aws_sdk_sts::Client::from_conf(sts),
            region.clone(),
            role.and_then(account_of),
            Arc::clone(&self.quotas),
        )
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
