//! AWS's services by the short names of their endpoints.

/// Those that endpoints are offered for, in order, for where the region's own list
/// was not read.
///
/// See <https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html>.
#[rustfmt::skip]
const NAMES: [&str; 303] = [
    "access-analyzer", "account", "acm", "acm-pca", "airflow.api", "airflow.env", "airflow.ops", "amplify",
    "app-integrations", "appconfig", "appconfigdata", "application-autoscaling", "application-signals", "appmesh",
    "appmesh-envoy-management", "apprunner", "apprunner.requests", "appstream.api", "appstream.streaming",
    "appsync-api", "apptest", "aps", "aps-workspaces", "athena", "auditmanager", "autoscaling", "autoscaling-plans",
    "awsconnector", "b2bi", "backup", "backup-gateway", "batch", "bedrock", "bedrock-agent", "bedrock-agent-runtime",
    "bedrock-agentcore", "bedrock-data-automation", "bedrock-data-automation-runtime", "bedrock-mantle",
    "bedrock-runtime", "billing", "billingconductor", "braket", "budgets", "cases", "cassandra", "ce", "cleanrooms",
    "cleanrooms-ml", "cloudcontrolapi", "clouddirectory", "cloudformation", "cloudfront", "cloudhsmv2", "cloudtrail",
    "codeartifact.api", "codeartifact.repositories", "codebuild", "codecommit", "codeconnections.api", "codedeploy",
    "codedeploy-commands-secure", "codeguru-profiler", "codeguru-reviewer", "codepipeline",
    "codestar-connections.api", "codewhisperer", "cognito-idp", "comprehend", "comprehendmedical",
    "compute-optimizer", "config", "connect-campaigns", "console", "control-catalog", "controltower",
    "data-servicediscovery", "databrew", "dataexchange", "datasync", "datazone", "deadline.management",
    "deadline.scheduling", "devicefarm", "devops-guru", "directory-service", "discovery", "dms", "drs", "ds-data",
    "dynamodb", "dynamodb-streams", "ebs", "ec2", "ec2messages", "ecr.api", "ecr.dkr", "ecs", "ecs-agent",
    "ecs-telemetry", "eks", "eks-auth", "elastic-inference.runtime", "elasticache", "elasticbeanstalk",
    "elasticbeanstalk-health", "elasticfilesystem", "elasticloadbalancing", "elasticmapreduce", "email-smtp",
    "emr-containers", "emr-serverless", "emrwal.prod", "entityresolution", "events", "evidently", "execute-api",
    "firehose", "fis", "forecast", "forecastquery", "frauddetector", "freetier", "fsx", "git-codecommit", "glue",
    "glue.dashboard", "grafana", "grafana-workspace", "greengrass", "groundstation", "guardduty", "guardduty-data",
    "healthlake", "iam", "identitystore", "imagebuilder", "inspector-scan", "inspector2", "invoicing",
    "iot.credentials", "iot.data", "iot.fleethub.api", "iotfleetwise", "iotroborunner", "iotsitewise.api",
    "iotsitewise.data", "iottwinmaker.api", "iottwinmaker.data", "iotwireless.api", "ivs", "kafka", "kendra",
    "kendra-ranking", "kinesis-firehose", "kinesis-streams", "kms", "lakeformation", "lambda", "launchwizard",
    "lex-models-v2", "lex-runtime-v2", "license-manager", "license-manager-user-subscriptions", "logs",
    "lookoutequipment", "lookoutmetrics", "lookoutvision", "m2", "macie2", "managedblockchain-query",
    "marketplacemetering", "mediaconnect", "medialive", "mediapackagev2", "medical-imaging", "memory-db", "mgn",
    "migrationhub-orchestrator", "models-v2-lex", "monitoring", "monitoringmetrics", "mwaa", "neptune-graph",
    "neptune-graph-data", "network-firewall", "networkflowmonitor", "networkmonitor", "nimble", "notebook", "omics",
    "organizations", "osis", "outposts", "panorama", "partnercentral-selling", "payment-cryptography.controlplane",
    "payment-cryptography.dataplane", "pca-connector-ad", "pca-connector-scep", "personalize", "personalize-events",
    "personalize-runtime", "pi", "pinpoint", "pinpoint-sms-voice-v2", "pipes", "polly", "pricing.api",
    "private-networks", "profile", "proton", "q", "qapps", "qbusiness", "qldb.session", "quicksight",
    "quicksight-website", "ram", "rbin", "rds", "rds-data", "redshift", "redshift-data", "redshift-serverless",
    "refactor-spaces", "rekognition", "repostspace", "resiliencehub", "resource-explorer-2", "resource-groups",
    "robomaker", "rolesanywhere", "route53resolver", "rum", "rum-dataplane", "s3", "s3-global.accesspoint",
    "s3-outposts", "s3express", "s3tables", "s3vectors", "sagemaker.api", "sagemaker.featurestore-runtime",
    "sagemaker.metrics", "sagemaker.runtime", "savingsplans", "scheduler", "schemas", "secretsmanager",
    "securityhub", "securitylake", "serverlessrepo", "servicecatalog", "servicecatalog-appregistry",
    "servicediscovery", "servicequotas", "ses", "signer", "signin", "simspaceweaver", "snow-device-management",
    "sns", "sqs", "ssm", "ssm-contacts", "ssm-incidents", "ssm-quicksetup", "ssmmessages", "states",
    "storagegateway", "streaming-rekognition", "sts", "studio", "swf", "sync-states", "synthetics", "tagging", "tax",
    "textract", "timestream-influxdb", "timestream.ingest", "timestream.query", "tnb", "transcribe",
    "transcribestreaming", "transfer", "transfer.server", "translate", "trustedadvisor", "user-subscriptions",
    "verifiedpermissions", "voiceid", "vpc-lattice", "wafv2", "wellarchitected", "wisdom", "wisdom.domain",
    "workmail", "workspaces", "workspaces-instances", "workspaces-web", "xray",
];

/// Whether AWS is known to have a service of this short name.
pub fn is_known_service(short: &str) -> bool {
    NAMES
        .binary_search(&short.strip_suffix("-fips").unwrap_or(short))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::WorkloadKind;

    #[test]
    fn they_are_in_order_and_a_hosts_name_is_none() {
        assert!(NAMES.is_sorted());
        assert!(is_known_service("sts") && is_known_service("sagemaker.api-fips"));
        assert!(!is_known_service("pypi.org") && !is_known_service("com"));
    }

    #[test]
    fn what_workloads_call_is_among_them() {
        for kind in WorkloadKind::ALL {
            let requirements = kind.requirements();
            for service in requirements.services.iter().chain(requirements.usual_services) {
                assert!(is_known_service(service), "{service}");
            }
        }
    }
}
