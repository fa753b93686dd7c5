//! `sagevpc plan`: what would be done, without a cluster.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    Output, cluster_id, exit,
    folder::{self, FolderError, Located},
    input, live, manifests, output,
};
use sagevpc_core::{
    desired::Network,
    objects::{Objects, ObjectsError, UnknownNamespace},
    observed::Snapshot,
    plan::{self, History, PlannedAction},
    render,
    report::Failure,
    status::verdicts,
    types::{TAG_CLUSTER, VpcId},
    validate::{self, References},
};

/// What would be done to AWS for the objects in files.
#[derive(clap::Args, Debug)]
#[command(after_help = exit::PLAN)]
pub struct PlanArgs {
    /// File with SageMakerVpc, SageMakerVpcProfile and Namespace objects, as YAML
    /// or JSON, also a List as `kubectl get -o yaml` prints it; a folder stands for
    /// all such files below it, and `-` for standard input. May be given several
    /// times.
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
    /// The cluster's stable id, by which resources of ours are told. By default
    /// the one that all tags sagevpc.dev/cluster of the snapshot agree on, or else
    /// the UID of a Namespace kube-system in the files.
    #[arg(long, env = "SAGEVPC_CLUSTER_ID", value_name = "ID", value_parser = cluster_id)]
    cluster_id: Option<String>,
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
    /// A folder has no manifests.
    #[error("{folder}: there is no .yaml, .yml or .json file in it or below it")]
    NoManifests {
        /// The folder.
        folder: String,
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
    let objects = objects(&args.filenames)?;
    let snapshots = snapshots(args.snapshot.as_deref())?;
    let mut json = Vec::new();
    let mut worst = Exit::NothingToDo;
    let cluster = cluster(
        args.cluster_id.as_deref(),
        &objects,
        snapshots.as_deref().unwrap_or_default(),
    );
    let unknown = objects.unknown_namespaces();
    for references in objects.references(&cluster)? {
        let (text, value, exit) = plan_one(args, &references, &unknown, snapshots.as_deref()).await?;
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

/// The objects in files and folders.
///
/// # Errors
///
/// When a file cannot be read, or what it holds cannot be used.
pub(super) fn objects(filenames: &[String]) -> Result<Objects, PlanError> {
    let mut objects = Objects::default();
    for file in manifests::files(filenames)? {
        objects.add(&file, &read(&file)?)?;
    }
    Ok(objects)
}

/// The snapshots in a folder, where one is given.
///
/// # Errors
///
/// When it cannot be read.
pub(super) fn snapshots(folder: Option<&Path>) -> Result<Option<Vec<Located>>, PlanError> {
    Ok(folder.map(folder::load).transpose()?)
}

/// Exit states, the worst last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    NothingToDo,
    Blocked,
    Changes,
    Error,
}

impl Exit {
    fn code(self) -> ExitCode {
        match self {
            Self::NothingToDo => ExitCode::SUCCESS,
            Self::Blocked => ExitCode::from(exit::NOT_TOLD),
            Self::Changes => ExitCode::from(exit::NO),
            Self::Error => ExitCode::FAILURE,
        }
    }
}

/// What stands for a cluster without an id.
const NO_CLUSTER: &str = "none";

/// The cluster's id, and on standard error where it comes from.
pub(super) fn cluster(given: Option<&str>, objects: &Objects, snapshots: &[Located]) -> String {
    if let Some(id) = given {
        return id.to_owned();
    }
    let tags = snapshots.iter().flat_map(|located| located.snapshot.clusters());
    let tags: BTreeSet<&str> = tags.collect();
    let ids: Vec<&str> = tags.into_iter().collect();
    let (id, note) = match (ids.as_slice(), objects.cluster_uid()) {
        ([one], _) => (*one, format!("--cluster-id is taken to be {one}, as all tags {TAG_CLUSTER} of the snapshot say")),
        ([], Some(uid)) => (uid, format!("--cluster-id is taken to be {uid}, the UID of Namespace kube-system")),
        ([], None) => (
            NO_CLUSTER,
            "without --cluster-id nothing can be told as made by sagevpc for this cluster: all is taken to be somebody \
             else's"
                .to_owned(),
        ),
        ([..], _) => (
            NO_CLUSTER,
            format!(
                "tags {TAG_CLUSTER} of the snapshot name several clusters, {}: without --cluster-id nothing can be told \
                 as this cluster's",
                ids.join(", ")
            ),
        ),
    };
    output::complain(&format!("sagevpc: {note}\n"));
    id.to_owned()
}

async fn plan_one(
    args: &PlanArgs,
    references: &References,
    unknown: &[UnknownNamespace],
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
            let unknown: Vec<&UnknownNamespace> = unknown.iter().filter(|unknown| unknown.vpc == name).collect();
            let verdicts = verdicts(references, &validated, &plan);
            let is_ready = verdicts.iter().all(|verdict| verdict.is_ready()) && unknown.is_empty();
            let exit = match (plan.actions.is_empty(), is_ready) {
                (false, _) => Exit::Changes,
                (true, true) => Exit::NothingToDo,
                (true, false) => Exit::Blocked,
            };
            let findings: Vec<_> = validated.findings.iter().chain(&plan.findings).collect();
            let undecided: Vec<String> = unknown.iter().map(ToString::to_string).collect();
            let mut value = json!({
                "name": name,
                "vpcId": network.vpc.vpc_id,
                "region": network.vpc.region,
                "actions": plan.actions.iter().map(described).collect::<Vec<_>>(),
                "findings": findings,
                "held": plan.held,
                "monthlyCost": plan.monthly_cost.after,
                "monthlyCostBefore": plan.monthly_cost.before,
                "unknownPrices": plan.monthly_cost.unknown,
                "workloads": verdicts,
            });
            if !undecided.is_empty() {
                value["undecided"] = json!(undecided);
            }
            let mut text: String = undecided.iter().map(|line| format!("{line}\n\n")).collect();
            text += &render::plan(&network.vpc, &plan, &validated.findings);
            text += &render::verdicts(&verdicts);
            (text, value, exit)
        }
    })
}

/// The snapshot that holds the VPC: of several, one with subnets of it, of its
/// region, and of the account that owns it.
pub(super) fn find<'l>(
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
pub(super) fn plan_against(network: &Network, snapshot: &Snapshot, all: &[&Snapshot]) -> Option<plan::Plan> {
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
