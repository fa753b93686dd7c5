//! What is active, of each kind, and the network of each.

use std::collections::BTreeSet;

use aws_sdk_sagemaker::types::{
    AppNetworkAccessType, CompilationJobStatus, EndpointStatus, NotebookInstanceStatus, ProcessingJobStatus,
    TrainingJobStatus, TrainingJobSummary, TransformJobStatus, VpcConfig, WarmPoolResourceStatus,
};
use aws_smithy_types::DateTime;

use super::SageMakerConnection;
use crate::aws::errors::{Meaning, Refusal};
use sagevpc_core::{
    catalog::calls::Call,
    observed::{Consumer, ConsumerKind},
    types::{SecurityGroupId, SubnetId},
};

/// The largest page that SageMaker gives.
const PAGE: i32 = 100;

/// States in which an endpoint has instances, some of them old or new beside
/// those that serve.
const ENDPOINTS_WITH_INTERFACES: [EndpointStatus; 6] = [
    EndpointStatus::Creating,
    EndpointStatus::InService,
    EndpointStatus::RollingBack,
    EndpointStatus::SystemUpdating,
    EndpointStatus::UpdateRollbackFailed,
    EndpointStatus::Updating,
];

/// Something that runs, and when it last changed: what was learned of it holds
/// until then.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Active {
    kind: ConsumerKind,
    name: String,
    changed: Option<i64>,
}

/// The network that something was started with.
#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    subnets: BTreeSet<SubnetId>,
    groups: BTreeSet<SecurityGroupId>,
    instances: u32,
}

impl Network {
    fn new(subnets: &[String], groups: &[String], instances: i32) -> Self {
        Self {
            subnets: subnets.iter().map(SubnetId::new).collect(),
            groups: groups.iter().map(SecurityGroupId::new).collect(),
            instances: u32::try_from(instances).unwrap_or(0),
        }
    }

    /// Without a VPC configuration something runs outside any VPC of ours.
    fn of(config: Option<&VpcConfig>, instances: i32) -> Self {
        config.map_or_else(Self::default, |config| {
            Self::new(config.subnets(), config.security_group_ids(), instances)
        })
    }

    pub(super) fn consumer(&self, thing: &Active) -> Consumer {
        Consumer {
            kind: thing.kind,
            name: thing.name.clone(),
            subnets: self.subnets.clone(),
            security_group_ids: self.groups.clone(),
            instances: self.instances,
        }
    }
}

fn seconds(time: Option<&DateTime>) -> Option<i64> {
    time.map(DateTime::secs)
}

/// Makes a list call until there are no more pages. A macro, since each
/// operation of the SDK has types of its own.
macro_rules! every_page {
    ($connection:expr, $call:ident, $request:expr, $items:ident, $kind:ident, $name:ident, $changed:ident, $active:expr) => {
        every_page!(
            $connection,
            $call,
            $request,
            $items,
            $kind,
            $name,
            $changed,
            $active,
            |_| true
        )
    };
    ($connection:expr, $call:ident, $request:expr, $items:ident, $kind:ident, $name:ident, $changed:ident, $active:expr, $counts:expr) => {{
        let mut next_page: Option<String> = None;
        loop {
            let request = $request.max_results(PAGE).set_next_token(next_page);
            let answer = $connection.share.read(Call::$call, request.send()).await?;
            $active.extend(answer.$items().iter().filter($counts).filter_map(|item| {
                Some(Active {
                    kind: ConsumerKind::$kind,
                    name: item.$name()?.to_owned(),
                    changed: seconds(item.$changed()),
                })
            }));
            next_page = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if next_page.is_none() {
                break;
            }
        }
    }};
}

/// Whether the job's instances are kept for the next one.
fn is_kept_warm(job: &TrainingJobSummary) -> bool {
    let status = job.warm_pool_status().and_then(|pool| pool.status());
    status == Some(&WarmPoolResourceStatus::Available)
}

impl SageMakerConnection {
    /// Everything that runs now and may hold interfaces in a VPC.
    pub(super) async fn active(&self) -> Result<BTreeSet<Active>, Refusal> {
        let mut active = BTreeSet::new();
        for status in ENDPOINTS_WITH_INTERFACES {
            let request = || self.client.list_endpoints().status_equals(status.clone());
            every_page!(
                self,
                ListEndpoints,
                request(),
                endpoints,
                Endpoint,
                endpoint_name,
                last_modified_time,
                active
            );
        }
        let request = || {
            self.client
                .list_training_jobs()
                .status_equals(TrainingJobStatus::InProgress)
        };
        every_page!(
            self,
            ListTrainingJobs,
            request(),
            training_job_summaries,
            TrainingJob,
            training_job_name,
            creation_time,
            active
        );
        // Instances that are kept for the next job hold their interfaces.
        let request = || {
            self.client
                .list_training_jobs()
                .warm_pool_status_equals(WarmPoolResourceStatus::Available)
        };
        every_page!(
            self,
            ListTrainingJobs,
            request(),
            training_job_summaries,
            TrainingJob,
            training_job_name,
            creation_time,
            active,
            |job| is_kept_warm(job)
        );
        let request = || {
            self.client
                .list_processing_jobs()
                .status_equals(ProcessingJobStatus::InProgress)
        };
        every_page!(
            self,
            ListProcessingJobs,
            request(),
            processing_job_summaries,
            ProcessingJob,
            processing_job_name,
            creation_time,
            active
        );
        let request = || {
            self.client
                .list_compilation_jobs()
                .status_equals(CompilationJobStatus::Inprogress)
        };
        every_page!(
            self,
            ListCompilationJobs,
            request(),
            compilation_job_summaries,
            CompilationJob,
            compilation_job_name,
            creation_time,
            active
        );
        let request = || {
            self.client
                .list_transform_jobs()
                .status_equals(TransformJobStatus::InProgress)
        };
        every_page!(
            self,
            ListTransformJobs,
            request(),
            transform_job_summaries,
            TransformJob,
            transform_job_name,
            creation_time,
            active
        );
        let request = || {
            self.client
                .list_notebook_instances()
                .status_equals(NotebookInstanceStatus::InService)
        };
        every_page!(
            self,
            ListNotebookInstances,
            request(),
            notebook_instances,
            NotebookInstance,
            notebook_instance_name,
            last_modified_time,
            active
        );
        let request = || self.client.list_domains();
        every_page!(
            self,
            ListDomains,
            request(),
            domains,
            Domain,
            domain_id,
            last_modified_time,
            active
        );
        let request = || self.client.list_clusters();
        every_page!(
            self,
            ListClusters,
            request(),
            cluster_summaries,
            Cluster,
            cluster_name,
            creation_time,
            active
        );
        Ok(active)
    }

    /// The network of one thing; `None` if it is gone meanwhile.
    pub(super) async fn network_of(&self, thing: &Active) -> Result<Option<Network>, Refusal> {
        let found = match thing.kind {
            ConsumerKind::Endpoint => self.endpoint(&thing.name).await,
            ConsumerKind::TrainingJob => self.training_job(&thing.name).await,
            ConsumerKind::ProcessingJob => self.processing_job(&thing.name).await,
            ConsumerKind::CompilationJob => self.compilation_job(&thing.name).await,
            ConsumerKind::TransformJob => self.transform_job(&thing.name).await,
            ConsumerKind::NotebookInstance => self.notebook_instance(&thing.name).await,
            ConsumerKind::Domain => self.domain(&thing.name).await,
            ConsumerKind::Cluster => self.cluster(&thing.name).await,
        };
        match found {
            Ok(network) => Ok(Some(network)),
            Err(refusal) if matches!(refusal.meaning, Meaning::NotThere(_)) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// An endpoint's network is its configuration's, or else its models'.
    async fn endpoint(&self, name: &str) -> Result<Network, Refusal> {
        let request = self.client.describe_endpoint().endpoint_name(name);
        let endpoint = self.share.read(Call::DescribeEndpoint, request.send()).await?;
        let instances = endpoint
            .production_variants()
            .iter()
            .chain(endpoint.shadow_production_variants())
            .filter_map(|variant| variant.current_instance_count())
            .sum();
        let Some(config) = endpoint.endpoint_config_name() else {
            return Ok(Network::default());
        };
        let request = self.client.describe_endpoint_config().endpoint_config_name(config);
        let config = self.share.read(Call::DescribeEndpointConfig, request.send()).await?;
        if let Some(network) = config.vpc_config() {
            return Ok(Network::of(Some(network), instances));
        }
        let mut all = Network::default();
        let models: BTreeSet<&str> = config
            .production_variants()
            .iter()
            .chain(config.shadow_production_variants())
            .filter_map(|variant| variant.model_name())
            .collect();
        for model in models {
            let network = self.model(model, instances).await?;
            all.subnets.extend(network.subnets);
            all.groups.extend(network.groups);
        }
        all.instances = u32::try_from(instances).unwrap_or(0);
        Ok(all)
    }

    async fn model(&self, name: &str, instances: i32) -> Result<Network, Refusal> {
        let request = self.client.describe_model().model_name(name);
        let model = self.share.read(Call::DescribeModel, request.send()).await?;
        Ok(Network::of(model.vpc_config(), instances))
    }

    async fn training_job(&self, name: &str) -> Result<Network, Refusal> {
        let request = self.client.describe_training_job().training_job_name(name);
        let job = self.share.read(Call::DescribeTrainingJob, request.send()).await?;
        let instances = job.resource_config().and_then(|config| config.instance_count());
        Ok(Network::of(job.vpc_config(), instances.unwrap_or(1)))
    }

    async fn processing_job(&self, name: &str) -> Result<Network, Refusal> {
        let request = self.client.describe_processing_job().processing_job_name(name);
        let job = self.share.read(Call::DescribeProcessingJob, request.send()).await?;
        let cluster = job
            .processing_resources()
            .and_then(|resources| resources.cluster_config());
        let instances = cluster.and_then(|config| config.instance_count()).unwrap_or(1);
        let config = job.network_config().and_then(|config| config.vpc_config());
        Ok(Network::of(config, instances))
    }

    async fn compilation_job(&self, name: &str) -> Result<Network, Refusal> {
        let request = self.client.describe_compilation_job().compilation_job_name(name);
        let job = self.share.read(Call::DescribeCompilationJob, request.send()).await?;
        Ok(job.vpc_config().map_or_else(Network::default, |config| {
            Network::new(config.subnets(), config.security_group_ids(), 1)
        }))
    }

    /// A transform job's network is its model's.
    async fn transform_job(&self, name: &str) -> Result<Network, Refusal> {
        let request = self.client.describe_transform_job().transform_job_name(name);
        let job = self.share.read(Call::DescribeTransformJob, request.send()).await?;
        let instances = job
            .transform_resources()
            .and_then(|resources| resources.instance_count());
        match job.model_name() {
            Some(model) => self.model(model, instances.unwrap_or(1)).await,
            None => Ok(Network::default()),
        }
    }

    async fn notebook_instance(&self, name: &str) -> Result<Network, Refusal> {
        let request = self.client.describe_notebook_instance().notebook_instance_name(name);
        let notebook = self.share.read(Call::DescribeNotebookInstance, request.send()).await?;
        let subnets: Vec<String> = notebook.subnet_id().map(str::to_owned).into_iter().collect();
        Ok(Network::new(&subnets, notebook.security_groups(), 1))
    }

    /// A cluster's network is its own, or that of instance groups which have one
    /// of their own.
    async fn cluster(&self, name: &str) -> Result<Network, Refusal> {
        let request = self.client.describe_cluster().cluster_name(name);
        let cluster = self.share.read(Call::DescribeCluster, request.send()).await?;
        let groups = cluster.instance_groups();
        let instances = groups.iter().filter_map(|group| group.current_count()).sum();
        let mut all = Network::of(cluster.vpc_config(), instances);
        for group in groups {
            let network = Network::of(group.override_vpc_config(), instances);
            all.subnets.extend(network.subnets);
            all.groups.extend(network.groups);
        }
        all.instances = u32::try_from(instances).unwrap_or(0);
        Ok(all)
    }

    /// A domain that lets its apps out by SageMaker's own network holds only its
    /// file system's interfaces in the VPC, which are not SageMaker's.
    async fn domain(&self, id: &str) -> Result<Network, Refusal> {
        let request = self.client.describe_domain().domain_id(id);
        let domain = self.share.read(Call::DescribeDomain, request.send()).await?;
        if domain.app_network_access_type() != Some(&AppNetworkAccessType::VpcOnly) {
            return Ok(Network::default());
        }
        let of_users = domain
            .default_user_settings()
            .map(|settings| settings.security_groups());
        let of_domain = domain.domain_settings().map(|settings| settings.security_group_ids());
        let groups: Vec<String> = of_users.into_iter().chain(of_domain).flatten().cloned().collect();
        Ok(Network::new(domain.subnet_ids(), &groups, 0))
    }
}
