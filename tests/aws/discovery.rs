//! What SageMaker runs in a VPC is found by its network, and asking costs calls
//! by what runs, never by what once ran.

use std::collections::BTreeSet;

use aws_sdk_sagemaker::types::{
    AlgorithmSpecification, AppNetworkAccessType, AuthMode, InstanceType, OutputDataConfig, ProductionVariant,
    ProductionVariantInstanceType, ResourceConfig, StoppingCondition, TrainingInputMode, TrainingInstanceType,
    UserSettings, VpcConfig,
};
use sagevpc::aws::{CallOutcome, Connections};
use sagevpc_core::{
    observed::{Consumer, ConsumerKind, Discovered},
    report::FailureKind,
    types::{NetworkInterfaceId, Region, SecurityGroupId, SubnetId},
};

use crate::support::{
    moto::{Account, Moto, REGION, loader},
    network::Network,
    road::{Fault, Road},
    tally::Tally,
};

const ROLE: &str = "arn:aws:iam::123456789012:role/execution";

/// A client with which a team starts its workloads.
async fn team(account: &Account) -> aws_sdk_sagemaker::Client {
    aws_sdk_sagemaker::Client::new(&account.config().await)
}

fn network_config(network: &Network, group: &SecurityGroupId) -> VpcConfig {
    VpcConfig::builder()
        .set_subnets(Some(network.subnets.iter().map(ToString::to_string).collect()))
        .security_group_ids(group.as_str())
        .build()
}

async fn serve(client: &aws_sdk_sagemaker::Client, name: &str, network: &VpcConfig, instances: i32) {
    let model = client.create_model().model_name(name).execution_role_arn(ROLE);
    model.vpc_config(network.clone()).send().await.unwrap();
    let variant = ProductionVariant::builder()
        .variant_name("all")
        .model_name(name)
        .initial_instance_count(instances)
        .instance_type(ProductionVariantInstanceType::MlC5Large)
        .build();
    let config = client.create_endpoint_config().endpoint_config_name(name);
    config.production_variants(variant).send().await.unwrap();
    let endpoint = client.create_endpoint().endpoint_name(name).endpoint_config_name(name);
    endpoint.send().await.unwrap();
}

/// A job that is over at once, as every job is on this server.
async fn train(client: &aws_sdk_sagemaker::Client, name: &str, network: &VpcConfig) {
    let algorithm = AlgorithmSpecification::builder()
        .training_image("image")
        .training_input_mode(TrainingInputMode::File);
    let resources = ResourceConfig::builder()
        .instance_type(TrainingInstanceType::MlM5Large)
        .instance_count(1)
        .volume_size_in_gb(1);
    client
        .create_training_job()
        .training_job_name(name)
        .role_arn(ROLE)
        .algorithm_specification(algorithm.build())
        .output_data_config(OutputDataConfig::builder().s3_output_path("s3://out").build())
        .resource_config(resources.build())
        .stopping_condition(StoppingCondition::builder().max_runtime_in_seconds(60).build())
        .vpc_config(network.clone())
        .send()
        .await
        .unwrap();
}

fn some_interface() -> BTreeSet<NetworkInterfaceId> {
    BTreeSet::from([NetworkInterfaceId::new("eni-0123456789abcdef0")])
}

#[tokio::test]
async fn what_runs_is_found_by_its_network_and_what_is_over_is_not_asked_about() {
    let account = Moto::shared().account();
    let network = Network::new(&account).await;
    let group = network.group("workloads").await;
    let config = network_config(&network, &group);
    let client = team(&account).await;
    serve(&client, "scores", &config, 2).await;
    for number in 0..30 {
        train(&client, &format!("done-{number}"), &config).await;
        let old = client.create_model().model_name(format!("old-{number}"));
        let old = old.execution_role_arn(ROLE).vpc_config(config.clone());
        old.send().await.unwrap();
    }
    let notebook = client.create_notebook_instance().notebook_instance_name("look");
    let notebook = notebook.instance_type(InstanceType::MlT3Medium).role_arn(ROLE);
    let subnet = &network.subnets[1];
    let notebook = notebook.subnet_id(subnet.as_str()).security_group_ids(group.as_str());
    notebook.send().await.unwrap();
    let settings = UserSettings::builder()
        .execution_role(ROLE)
        .security_groups(group.as_str());
    let domain = client
        .create_domain()
        .domain_name("studio")
        .auth_mode(AuthMode::Iam)
        .default_user_settings(settings.build())
        .set_subnet_ids(Some(network.subnets.iter().map(ToString::to_string).collect()))
        .vpc_id(network.vpc.as_str())
        .app_network_access_type(AppNetworkAccessType::VpcOnly);
    domain.send().await.unwrap();

    let tally = Tally::new();
    let sagemaker = account.sagemaker(tally.clone()).await;
    let discovered = sagemaker.discover(&some_interface()).await;

    let all: BTreeSet<SubnetId> = network.subnets.iter().cloned().collect();
    let groups = BTreeSet::from([group]);
    let (consumers, complete) = match &discovered {
        Discovered::Seen { consumers, complete } => (consumers, *complete),
        Discovered::NotAsked | Discovered::Refused { .. } => panic!("{discovered:?}"),
    };
    assert!(complete);
    let of = |kind| -> Vec<&Consumer> { consumers.iter().filter(|consumer| consumer.kind == kind).collect() };
    let [endpoint] = of(ConsumerKind::Endpoint)[..] else {
        panic!("{consumers:?}")
    };
    assert_eq!((endpoint.name.as_str(), endpoint.instances), ("scores", 2));
    assert_eq!((&endpoint.subnets, &endpoint.security_group_ids), (&all, &groups));
    let [notebook] = of(ConsumerKind::NotebookInstance)[..] else {
        panic!("{consumers:?}")
    };
    assert_eq!(notebook.subnets, BTreeSet::from([subnet.clone()]));
    let [domain] = of(ConsumerKind::Domain)[..] else {
        panic!("{consumers:?}")
    };
    assert_eq!((&domain.subnets, &domain.security_group_ids), (&all, &groups));
    assert_eq!(consumers.len(), 3);

    let calls = tally.take();
    assert_eq!(calls.get("DescribeTrainingJob"), None, "{calls:?}");
    assert_eq!(calls.get("ListModels"), None, "{calls:?}");
    assert_eq!(calls.get("DescribeModel"), Some(&1), "{calls:?}");
    // Once for those that run, and once for those whose instances are kept warm.
    assert_eq!(calls.get("ListTrainingJobs"), Some(&2), "{calls:?}");
    assert_eq!(calls.get("ListClusters"), Some(&1), "{calls:?}");

    assert_eq!(sagemaker.discover(&some_interface()).await, discovered);
    let again = tally.take();
    assert!(again.is_empty(), "the same interfaces are asked about again: {again:?}");
}

#[tokio::test]
async fn without_interfaces_nothing_is_asked() {
    let account = Moto::shared().account();
    let tally = Tally::new();
    let sagemaker = account.sagemaker(tally.clone()).await;
    let discovered = sagemaker.discover(&BTreeSet::new()).await;
    assert_eq!(
        discovered,
        Discovered::Seen {
            consumers: Vec::new(),
            complete: true
        }
    );
    assert!(tally.take().is_empty());
}

#[tokio::test]
async fn a_missing_permission_is_an_answer_and_is_not_asked_for_again() {
    let account = Moto::shared().account();
    let road = Road::to(Moto::shared().url()).await;
    let refusal = Fault::Refuse {
        status: 400,
        code: "AccessDeniedException",
        message: "not authorized to perform sagemaker:ListEndpoints".to_owned(),
    };
    road.next("ListEndpoints", refusal);
    let tally = Tally::new();
    let connections = Connections::from_loader(loader(road.url()), tally.clone()).await;
    let sagemaker = connections.sagemaker(&Region::new(REGION), Some(&account.role())).await;
    for attempts in [1, 0] {
        match sagemaker.discover(&some_interface()).await {
            Discovered::Refused { message, denied: true } => {
                assert!(message.contains("sagemaker:ListEndpoints"), "{message}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(tally.take().get("ListEndpoints").copied().unwrap_or(0), attempts);
    }
}

#[tokio::test]
async fn a_throttled_list_is_counted_as_throttled() {
    let account = Moto::shared().account();
    let road = Road::to(Moto::shared().url()).await;
    for code in [
        "ThrottlingException",
        "com.amazon.coral.availability#ThrottlingException",
    ] {
        let message = "Rate exceeded".to_owned();
        let status = 400;
        road.next("ListEndpoints", Fault::Refuse { status, code, message });
    }
    let tally = Tally::new();
    let connections = Connections::from_loader(loader(road.url()), tally.clone()).await;
    let sagemaker = connections.sagemaker(&Region::new(REGION), Some(&account.role())).await;
    sagemaker.discover(&some_interface()).await;
    assert_eq!(
        tally.outcomes("ListEndpoints")[..2],
        [CallOutcome::Failed(FailureKind::Throttled); 2]
    );
}
