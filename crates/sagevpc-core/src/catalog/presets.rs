//! What workloads use besides what their kind needs, as sets of services and
//! buckets under one name.

use std::{collections::BTreeSet, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::repositories::code_artifact_bucket;
use crate::types::Region;

/// Something that workloads use.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[schemars(inline)]
pub enum Preset {
    /// SageMaker Canvas, an app of a Studio domain.
    Canvas,
    /// Models and solutions of SageMaker `JumpStart`.
    JumpStart,
    /// Records of SageMaker Feature Store.
    FeatureStore,
    /// A SageMaker tracking server of `MLflow`.
    MLflow,
    /// Images of Amazon ECR that code in the VPC pulls itself.
    #[serde(rename = "ECR")]
    Ecr,
    /// Packages of AWS `CodeArtifact`.
    CodeArtifact,
    /// Models of Amazon Bedrock.
    Bedrock,
}

/// What a preset stands for.
#[derive(Debug)]
pub struct PresetRow {
    /// The preset.
    pub preset: Preset,
    /// Services that it cannot do without.
    pub services: &'static [&'static str],
    /// Those that some of what it offers calls.
    pub usual_services: &'static [&'static str],
    /// Buckets of AWS's own that are read, where `REGION` stands for the VPC's.
    pub buckets: &'static [&'static str],
    /// Such that may be read, and which it does without.
    pub usual_buckets: &'static [&'static str],
    /// AWS's page that says so.
    pub doc: &'static str,
}

/// All of them.
pub const PRESETS: [PresetRow; 7] = [
    PresetRow {
        preset: Preset::Canvas,
        services: &[
            "sagemaker.api",
            "sagemaker.runtime",
            "sts",
            "logs",
            "monitoring",
            "ecr.api",
            "ecr.dkr",
            "ec2",
            "ssm",
            "secretsmanager",
            "athena",
            "redshift-data",
            "application-autoscaling",
        ],
        usual_services: &[
            "bedrock-runtime",
            "comprehend",
            "emr-serverless",
            "forecast",
            "forecastquery",
            "glue",
            "kendra",
            "rds",
            "rekognition",
            "textract",
        ],
        buckets: &[LAYERS],
        usual_buckets: &[JUMPSTART, SAMPLES],
        doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/canvas-vpc.html",
    },
    PresetRow {
        preset: Preset::JumpStart,
        services: &[],
        usual_services: &["sagemaker.api"],
        buckets: &[JUMPSTART],
        usual_buckets: &["jumpstart-private-cache-prod-REGION", SAMPLES],
        doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/studio-jumpstart.html",
    },
    PresetRow {
        preset: Preset::FeatureStore,
        services: &["sagemaker.featurestore-runtime"],
        usual_services: &["sagemaker.api", "glue", "athena"],
        buckets: &[],
        usual_buckets: &[],
        doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-security.html",
    },
    PresetRow {
        preset: Preset::MLflow,
        services: &["experiments"],
        usual_services: &["sagemaker.api"],
        buckets: &[],
        usual_buckets: &[],
        doc: "https://docs.aws.amazon.com/sagemaker/latest/dg/mlflow-private-link.html",
    },
    PresetRow {
        preset: Preset::Ecr,
        services: &["ecr.api", "ecr.dkr"],
        usual_services: &[],
        buckets: &[LAYERS],
        usual_buckets: &[],
        doc: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
    },
    PresetRow {
        preset: Preset::CodeArtifact,
        services: &["codeartifact.api", "codeartifact.repositories"],
        usual_services: &[],
        // Only some formats of packages come from it.
        buckets: &[],
        usual_buckets: &[ASSETS],
        doc: "https://docs.aws.amazon.com/codeartifact/latest/ug/vpc-endpoints.html",
    },
    PresetRow {
        preset: Preset::Bedrock,
        services: &["bedrock-runtime"],
        usual_services: &["bedrock", "bedrock-agent-runtime"],
        buckets: &[],
        usual_buckets: &[],
        doc: "https://docs.aws.amazon.com/bedrock/latest/userguide/vpc-interface-endpoints.html",
    },
];

const LAYERS: &str = "prod-REGION-starport-layer-bucket";
const JUMPSTART: &str = "jumpstart-cache-prod-REGION";
const SAMPLES: &str = "sagemaker-sample-files";
/// Stands for the bucket of `CodeArtifact` in a region.
const ASSETS: &str = "assets-ACCOUNT-REGION";

impl Preset {
    /// What it stands for.
    pub fn row(self) -> Option<&'static PresetRow> {
        PRESETS.iter().find(|row| row.preset == self)
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Canvas => "Canvas",
            Self::JumpStart => "JumpStart",
            Self::FeatureStore => "FeatureStore",
            Self::MLflow => "MLflow",
            Self::Ecr => "ECR",
            Self::CodeArtifact => "CodeArtifact",
            Self::Bedrock => "Bedrock",
        })
    }
}

/// What presets stand for together, in a region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresetNeeds {
    /// Services that are called for sure.
    pub services: BTreeSet<&'static str>,
    /// Services that are called as a rule.
    pub usual_services: BTreeSet<&'static str>,
    /// Buckets of AWS's own that are read.
    pub buckets: BTreeSet<String>,
    /// Such that may be read.
    pub usual_buckets: BTreeSet<String>,
}

impl PresetNeeds {
    /// Those of these presets.
    pub fn of(presets: &[Preset], region: &Region) -> Self {
        let mut needs = Self::default();
        let bucket = |name: &&str| {
            if *name == ASSETS {
                code_artifact_bucket(region).map(str::to_owned)
            } else {
                Some(name.replace("REGION", region.as_str()))
            }
        };
        for row in presets.iter().filter_map(|preset| preset.row()) {
            needs.services.extend(row.services);
            needs.usual_services.extend(row.usual_services);
            needs.buckets.extend(row.buckets.iter().filter_map(bucket));
            needs.usual_buckets.extend(row.usual_buckets.iter().filter_map(bucket));
        }
        needs.usual_services.retain(|name| !needs.services.contains(name));
        needs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{is_aws_service, is_bucket_of_aws};

    #[test]
    fn presets_name_services_and_buckets_of_awss_alone() {
        for row in &PRESETS {
            assert!(row.preset.row().is_some_and(|found| found.preset == row.preset));
            let needs = PresetNeeds::of(&[row.preset], &Region::new("eu-west-1"));
            assert!(
                needs
                    .services
                    .iter()
                    .chain(&needs.usual_services)
                    .all(|name| is_aws_service(name))
            );
            for bucket in needs.buckets.iter().chain(&needs.usual_buckets) {
                assert!(is_bucket_of_aws(bucket) && !bucket.contains("REGION"), "{bucket}");
            }
            assert!(row.doc.starts_with("https://docs.aws.amazon.com/"));
            let written = serde_json::to_value(row.preset).unwrap();
            assert_eq!(written, serde_json::json!(row.preset.to_string()));
        }
    }

    #[test]
    fn presets_add_up() {
        let needs = PresetNeeds::of(&[Preset::JumpStart, Preset::Canvas], &Region::new("eu-west-1"));
        assert!(needs.services.contains("sagemaker.api") && !needs.usual_services.contains("sagemaker.api"));
        assert!(needs.buckets.contains("jumpstart-cache-prod-eu-west-1"));
        let nowhere = PresetNeeds::of(&[Preset::CodeArtifact], &Region::new("xx-nowhere-1"));
        assert!(nowhere.usual_buckets.is_empty() && !nowhere.services.is_empty());
    }
}
