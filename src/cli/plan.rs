//! `sagevpc plan`: what would be done, without a cluster.

use std::{path::PathBuf, process::ExitCode};

use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    Output, cluster_id,
    folder::{self, FolderError, Located},
    input, live, output,
};
use sagevpc_core::{
    desired::Network,
    objects::{Objects, ObjectsError},
    observed::Snapshot,
    plan::{self, History, PlannedAction},
    render,
    report::Failure,
    types::VpcId,
    validate::{self, References},
};

/// What would be done to AWS for the objects in files.
#[derive(clap::Args, Debug)]
#[command(after_help = "Exit status: 0 when nothing is to be done, 2 when there are changes, 1 on an error.")]
pub struct PlanArgs {
    /// File with SageMakerVpc, SageMakerVpcProfile and Namespace objects; `-`
    /// reads standard input. May be given several times.
    #[arg(short, long = "filename", required = true, value_name = "FILE")]
    filenames: Vec<String>,
    /// Folder of JSON as `aws ec2 describe-…` prints it, to plan against
    /// instead of live AWS; `sagevpc snapshot` makes one. Several accounts and
    /// regions lie in accounts/ID/REGION/.
    #[arg(long, value_name = "DIR")]
    snapshot: Option<PathBuf>,
    /// The account, where several of the snapshot have the VPC.
    #[arg(long, value_name = "ID", requires = "snapshot")]
    account: Option<String>,
    /// How to print the plan.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// The cluster's stable id, by which resources of ours are told.
    #[arg(long, env = "SAGEVPC_CLUSTER_ID", default_value = "none", value_name = "ID", value_parser = cluster_id)]
    cluster_id: String,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A file cannot be opened.
    #[error("{file}: {error}")]
    File {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
    /// A file's objects cannot be used.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// A snapshot cannot be read.
    #[error(transparent)]
    Snapshot(#[from] FolderError),
    /// Several accounts or regions of the snapshot have the VPC.
    #[error(
        "{vpc} is in several accounts or regions of the snapshot, {places}: choose with --account, correct spec.region, \
         or name one of these folders as --snapshot"
    )]
    Several {
        /// The VPC.
        vpc: VpcId,
        /// Those that have it.
        places: String,
    },
    /// AWS refused, or gave no answer.
    #[error("{}", .0.explained())]
    Aws(Failure),
}

/// Prints the plan.
///
/// # Errors
///
/// When a file, the snapshot or AWS cannot be read.
pub async fn run(args: &PlanArgs) -> Result<ExitCode, PlanError> {
    let mut objects = Objects::default();
    for file in &args.filenames {
        objects.add(file, &read(file)?)?;
    }
    let snapshots = match &args.snapshot {
        Some(folder) => Some(folder::load(folder)?),
        None => None,
    };
    let mut json = Vec::new();
    let mut worst = Exit::NothingToDo;
    for references in objects.references(&args.cluster_id)? {
        let (text, value, exit) = plan_one(args, &references, snapshots.as_deref()).await?;
        worst = worst.max(exit);
        match args.output {
            Output::Text => print(&text)?,
            Output::Json => json.push(value),
        }
    }
    if let Output::Json = args.output {
        print(&format!("{:#}\n", json!({ "vpcs": json })))?;
    }
    Ok(worst.code())
}

/// Exit states, the worst last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    NothingToDo,
    Changes,
    Error,
}

impl Exit {
    fn code(self) -> ExitCode {
        match self {
            Self::NothingToDo => ExitCode::SUCCESS,
            Self::Changes => ExitCode::from(2),
            Self::Error => ExitCode::FAILURE,
        }
    }
}

async fn plan_one(
    args: &PlanArgs,
    references: &References,
    snapshots: Option<&[Located]>,
) -> Result<(String, Value, Exit), PlanError> {
    let name = references.vpc.name_any();
    let validated = match validate::validate(references) {
        Ok(validated) => validated,
        Err(refused) => {
            let value = json!({ "name": name, "refused": refused.findings });
            return Ok((render::refused(&name, &refused), value, Exit::Error));
        }
    };
    let network = Network::new(&validated);
    let planned = match snapshots {
        Some(snapshots) => {
            let account = args.account.as_deref();
            let all: Vec<&Snapshot> = snapshots.iter().map(|located| &located.snapshot).collect();
            find(snapshots, &network, account)?.and_then(|snapshot| plan_against(&network, snapshot, &all))
        }
        None => {
            let credentials = references.vpc.spec.credentials.as_ref();
            let seen = live::observe(&network, credentials).await.map_err(PlanError::Aws)?;
            plan_against(&network, &seen, &[&seen])
        }
    };
    Ok(match planned {
        None => (
            render::missing(&network.vpc),
            json!({ "name": name, "missing": network.vpc.vpc_id }),
            Exit::Error,
        ),
        Some(plan) => {
            let exit = if plan.actions.is_empty() {
                Exit::NothingToDo
            } else {
                Exit::Changes
            };
            let findings: Vec<_> = validated.findings.iter().chain(&plan.findings).collect();
            let value = json!({
                "name": name,
                "vpcId": network.vpc.vpc_id,
                "region": network.vpc.region,
                "actions": plan.actions.iter().map(described).collect::<Vec<_>>(),
                "findings": findings,
                "held": plan.held,
                "monthlyCost": plan.monthly_cost,
            });
            (render::plan(&network.vpc, &plan, &validated.findings), value, exit)
        }
    })
}

/// The snapshot that holds the VPC: of several, one with subnets of it, of its
/// region, and of the account that owns it.
fn find<'l>(
    snapshots: &'l [Located],
    network: &Network,
    account: Option<&str>,
) -> Result<Option<&'l Snapshot>, PlanError> {
    let vpc = &network.vpc.vpc_id;
    let described = |located: &'l Located| {
        let mut vpcs = located.snapshot.vpcs.iter();
        vpcs.find(|found| found.vpc_id == *vpc)
    };
    let has_subnets = |located: &Located| located.snapshot.subnets.iter().any(|subnet| subnet.vpc_id == *vpc);
    let is_owner = |located: &'l Located| {
        let owner = described(located).and_then(|vpc| vpc.owner_id.as_ref());
        owner.is_some() && owner == located.snapshot.account.as_ref()
    };
    let is_of_region = |located: &Located| located.snapshot.region.as_ref() == Some(&network.vpc.region);
    let mut found: Vec<&Located> = snapshots
        .iter()
        .filter(|located| located.is_of(account, None) && described(located).is_some())
        .collect();
    for is_better in [&has_subnets as &dyn Fn(&'l Located) -> bool, &is_of_region, &is_owner] {
        let better: Vec<&Located> = found.iter().copied().filter(|located| is_better(located)).collect();
        if !better.is_empty() {
            found = better;
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(&one.snapshot)),
        [..] => Err(PlanError::Several {
            vpc: vpc.clone(),
            places: folder::places(found),
        }),
    }
}

/// An action with all its fields, and the words that the text output has for it.
fn described(planned: &PlannedAction) -> Value {
    let mut value = json!(planned);
    value["name"] = json!(planned.action.name());
    value["resource"] = json!(planned.action.resource());
    value["change"] = json!(planned.action.full_change());
    value
}

/// `all` is what was seen of other accounts and regions as well.
fn plan_against(network: &Network, snapshot: &Snapshot, all: &[&Snapshot]) -> Option<plan::Plan> {
    let seen = snapshot.vpc(&network.vpc.vpc_id)?.joined_to(all);
    Some(plan::plan(network, &seen, &History::none(Timestamp::UNIX_EPOCH)))
}

fn print(text: &str) -> Result<(), PlanError> {
    output::print(text).map_err(|error| PlanError::File {
        file: "standard output".to_owned(),
        error,
    })
}

fn read(file: &str) -> Result<String, PlanError> {
    input::read(file).map_err(|error| PlanError::File {
        file: file.to_owned(),
        error,
    })
}
