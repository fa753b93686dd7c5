//! `sagevpc snapshot`: what was seen in AWS, as a folder of JSON.

use std::{fs, path::PathBuf, process::ExitCode};

use super::{live, output};
use sagevpc_core::{
    api::{AssumedRole, Credentials},
    observed::{Interest, files},
    report::Failure,
    types::{Region, VpcId},
};

/// Saves what planning needs of a VPC: one JSON file for each kind of thing,
/// as the AWS CLI's describe commands print them.
#[derive(clap::Args, Debug)]
pub struct SnapshotArgs {
    /// Folder to write to; it is made where it is missing.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The VPC's id.
    #[arg(long, value_name = "ID")]
    vpc_id: String,
    /// The region, such as us-east-1.
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    region: String,
    /// A bucket whose policy is saved as well. May be given several times.
    #[arg(long = "bucket", value_name = "NAME")]
    buckets: Vec<String>,
    /// Role to assume for looking.
    #[arg(long, value_name = "ARN")]
    role_arn: Option<String>,
    /// External id that the role asks for.
    #[arg(long, value_name = "ID", requires = "role_arn")]
    external_id: Option<String>,
    /// Execution role of workloads to look at as well. May be given several
    /// times.
    #[arg(long = "execution-role", value_name = "ARN")]
    execution_roles: Vec<String>,
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// AWS refused, or gave no answer.
    #[error("{}", .0.explained())]
    Aws(Failure),
    /// AWS answered, and the VPC does not exist.
    #[error("{vpc} does not exist in {region} of this account: correct --vpc-id, --region or --role-arn")]
    NoVpc {
        /// The VPC.
        vpc: VpcId,
        /// The region.
        region: Region,
    },
    /// A file cannot be written.
    #[error("{path}: {error}")]
    File {
        /// The file or folder.
        path: String,
        /// Why.
        error: std::io::Error,
    },
}

/// Saves the snapshot.
///
/// # Errors
///
/// When AWS cannot be looked at, the VPC does not exist, or a file cannot be
/// written.
pub async fn run(args: &SnapshotArgs) -> Result<ExitCode, SnapshotError> {
    let region = Region::new(&args.region);
    let vpc = VpcId::new(&args.vpc_id);
    let role = args.role_arn.clone().map(|role_arn| AssumedRole {
        role_arn,
        external_id: args.external_id.clone(),
    });
    let credentials = Credentials {
        network: role,
        workloads: None,
    };
    let interest = Interest {
        vpc: Some(vpc.clone()),
        buckets: args.buckets.iter().cloned().collect(),
        fresh: true,
        roles: args.execution_roles.iter().cloned().collect(),
        ..Interest::default()
    };
    let snapshot = live::observe_interest(&region, Some(&credentials), &interest)
        .await
        .map_err(SnapshotError::Aws)?;
    if snapshot.vpc(&vpc).is_none() {
        return Err(SnapshotError::NoVpc { vpc, region });
    }
    let failed = |path: &std::path::Path, error| SnapshotError::File {
        path: path.display().to_string(),
        error,
    };
    fs::create_dir_all(&args.folder).map_err(|error| failed(&args.folder, error))?;
    for (name, text) in files::write(&snapshot) {
        let path = args.folder.join(name);
        fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    let saved = args.folder.display();
    output::print(&format!("Saved {vpc} to {saved}.\n")).map_err(|error| SnapshotError::File {
        path: "standard output".to_owned(),
        error,
    })?;
    Ok(ExitCode::SUCCESS)
}
