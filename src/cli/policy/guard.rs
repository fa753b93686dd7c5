//! `sagevpc policy guard`: a policy that keeps SageMaker in what is declared, and
//! whether one does.

use std::{fmt::Write as _, path::PathBuf};

use kube::ResourceExt;
use serde_json::{Value, json};

use super::{Output, PolicyCommandError, read};
use crate::cli::{
    exit,
    folder::Located,
    plan::{self, PlanError},
};
use iam_policy::PolicyDocument;
use sagevpc_core::{
    api::VpcConfig,
    desired::Network,
    guard::{Attempt, Guard, Held, MANAGED_POLICY_MAX_CHARS, Outcome, SCP_MAX_CHARS, Trial},
    observed::{PoliciesOfRole, RoleDetail, Snapshot},
    types::{ProfileKey, SecurityGroupId, SubnetId, listed},
    validate::{self, Choice, References, SecurityGroups, ValidProfile, ValidVpc},
};

/// Print a policy that denies SageMaker outside the declared subnets and security
/// groups, or verify one.
#[derive(clap::Args, Debug)]
#[command(after_help = exit::GUARD)]
pub(super) struct GuardArgs {
    /// File with SageMakerVpc, SageMakerVpcProfile and Namespace objects, as
    /// `sagevpc plan` takes them. Subnets and groups come from their status, or
    /// from ids in their specs.
    #[arg(short, long = "filename", required = true, value_name = "FILE")]
    filenames: Vec<String>,
    /// Folder of JSON as `aws ec2 describe-…` prints it: subnets and groups are
    /// looked for in it, and roles.
    #[arg(long, value_name = "DIR")]
    snapshot: Option<PathBuf>,
    /// The account, where several of the snapshot have the VPC.
    #[arg(long, value_name = "ID", requires = "snapshot")]
    account: Option<String>,
    /// The cluster's stable id, by which security groups of ours are told in a
    /// snapshot.
    #[arg(long, env = "SAGEVPC_CLUSTER_ID", value_name = "ID", value_parser = crate::cli::cluster_id)]
    cluster_id: Option<String>,
    /// Print a service control policy: compact where it would be too long
    /// otherwise. Attach it where no other VPC's SageMaker is below.
    #[arg(long, conflicts_with = "verify")]
    scp: bool,
    /// Print nothing of the kind, and verify this: a policy's file, or the name or
    /// ARN of a role in the snapshot.
    #[arg(long, value_name = "FILE|ROLE")]
    verify: Option<String>,
    /// How to print what was verified.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Why there is no guard.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The objects or the snapshot cannot be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A SageMakerVpc is refused.
    #[error("SageMakerVpc {vpc} is refused: `sagevpc plan` says why")]
    Refused {
        /// Which.
        vpc: String,
    },
    /// A profile is refused.
    #[error("profile {profile} is refused: `sagevpc plan` says why. A guard without it would deny what it declares")]
    RefusedProfile {
        /// Which.
        profile: ProfileKey,
    },
    /// The VPC is not in the snapshot.
    #[error("{vpc} of SageMakerVpc {name} is not in the snapshot")]
    NoVpc {
        /// The object.
        name: String,
        /// The VPC.
        vpc: String,
    },
    /// Subnets or security groups of a profile have no ids yet.
    #[error(
        "the {what} of profile {profile} are not known: give --snapshot of the VPC, or objects with their status (kubectl \
         get smvpc,smvp,ns -A -o yaml); what sagevpc has not made yet has no id"
    )]
    Unresolved {
        /// The profile.
        profile: ProfileKey,
        /// Subnets or security groups.
        what: &'static str,
    },
    /// The files declare no workload.
    #[error("the files hold no profile: there is nothing to keep SageMaker in")]
    Nothing,
    /// The policy is too long for its place.
    #[error(
        "the policy has {length} characters, and {place} takes {most}: split the profiles over several files, and the \
         policies over the accounts or roles that run them"
    )]
    TooLong {
        /// What takes it.
        place: &'static str,
        /// How many it has.
        length: usize,
        /// How many that takes.
        most: usize,
    },
    /// Several roles of the snapshot have the name.
    #[error("several roles of the snapshot are named {name}: give the ARN of one of {arns}")]
    SeveralRoles {
        /// The name.
        name: String,
        /// Their ARNs.
        arns: String,
    },
}

/// Prints the guard, or verifies one.
pub(super) fn run(args: &GuardArgs) -> Result<(String, u8), PolicyCommandError> {
    let objects = plan::objects(&args.filenames).map_err(GuardError::from)?;
    let snapshots = plan::snapshots(args.snapshot.as_deref()).map_err(GuardError::from)?;
    let cluster = plan::cluster(
        args.cluster_id.as_deref(),
        &objects,
        snapshots.as_deref().unwrap_or_default(),
    );
    let mut guard = Guard::default();
    let mut region = None;
    for references in objects
        .references(&cluster)
        .map_err(PlanError::from)
        .map_err(GuardError::from)?
    {
        let vpc = add(&mut guard, &references, snapshots.as_deref(), args.account.as_deref())?;
        region.get_or_insert(vpc.region);
    }
    let Some(region) = region.filter(|_| !guard.subnets.is_empty()) else {
        return Err(GuardError::Nothing.into());
    };
    match &args.verify {
        None => Ok((written(&guard.document(), args.scp)?, 0)),
        Some(what) => {
            let all = snapshots.iter().flatten().map(|located| &located.snapshot);
            let all: Vec<&Snapshot> = all.collect();
            let account = args.account.as_deref().or_else(|| {
                all.iter()
                    .find_map(|snapshot| Some(snapshot.account.as_ref()?.as_str()))
            });
            let held = held(what, &all)?;
            let trials = guard.try_on(&held, &region, account.unwrap_or("111122223333"));
            Ok((described(what, &trials, args.output), exit_of(&trials)))
        }
    }
}

/// The document as it is attached.
fn written(document: &PolicyDocument, is_scp: bool) -> Result<String, GuardError> {
    let (pretty, compact) = (format!("{:#}", document.to_value()), document.to_string());
    // White space counts in a service control policy, and not in a managed one.
    let (place, most) = if is_scp {
        ("a service control policy", SCP_MAX_CHARS)
    } else {
        ("a managed policy", MANAGED_POLICY_MAX_CHARS)
    };
    let length = compact.chars().count();
    if length > most {
        return Err(GuardError::TooLong { place, length, most });
    }
    let text = if is_scp && pretty.chars().count() > most {
        compact
    } else {
        pretty
    };
    Ok(text + "\n")
}

/// Adds what a VPC's profiles declare.
fn add(
    guard: &mut Guard,
    references: &References,
    snapshots: Option<&[Located]>,
    account: Option<&str>,
) -> Result<ValidVpc, GuardError> {
    let name = references.vpc.name_any();
    let validated = validate::validate(references).map_err(|_| GuardError::Refused { vpc: name.clone() })?;
    let keys = references.profiles.iter().map(validate::ProfileReference::key);
    let is_accepted = |key: &ProfileKey| validated.profiles.iter().any(|profile| profile.key == *key);
    if let Some(profile) = keys.into_iter().find(|key| !is_accepted(key)) {
        return Err(GuardError::RefusedProfile { profile });
    }
    let network = Network::new(&validated);
    let seen = match snapshots {
        None => None,
        Some(snapshots) => {
            let all: Vec<&Snapshot> = snapshots.iter().map(|located| &located.snapshot).collect();
            let found = plan::find(snapshots, &network, account)?;
            let plan = found.and_then(|snapshot| plan::plan_against(&network, snapshot, &all));
            Some(plan.ok_or_else(|| GuardError::NoVpc {
                name: name.clone(),
                vpc: network.vpc.vpc_id.to_string(),
            })?)
        }
    };
    for profile in &validated.profiles {
        let configs: Vec<VpcConfig> = match &seen {
            Some(plan) => plan.vpc_configs.get(&profile.key).cloned().unwrap_or_default(),
            None => without_snapshot(references, profile, &validated.vpc),
        };
        let unresolved = |what| GuardError::Unresolved {
            profile: profile.key.clone(),
            what,
        };
        if configs.is_empty() || configs.iter().any(|config| config.subnets.is_empty()) {
            return Err(unresolved("subnets"));
        }
        if configs.iter().any(|config| config.security_group_ids.is_empty()) {
            return Err(unresolved("security groups"));
        }
        for config in configs {
            guard.subnets.extend(config.subnets);
            guard.groups.extend(config.security_group_ids);
        }
    }
    Ok(validated.vpc)
}

/// What status says of a profile, or else what ids stand in the specs.
fn without_snapshot(references: &References, profile: &ValidProfile, vpc: &ValidVpc) -> Vec<VpcConfig> {
    let reference = references.profiles.iter().find(|one| one.key() == profile.key);
    let status = reference.and_then(|reference| reference.profile.status.as_ref());
    let told = status.into_iter().flat_map(|status| {
        let workloads = status
            .workloads
            .iter()
            .filter_map(|workload| workload.vpc_config.clone());
        status.vpc_config.clone().into_iter().chain(workloads)
    });
    let told: Vec<VpcConfig> = told.collect();
    if !told.is_empty() {
        return told;
    }
    let subnets = match profile.subnets.as_ref().or(vpc.subnets.as_ref()) {
        Some(Choice::Ids(ids)) => ids.iter().cloned().collect::<Vec<SubnetId>>(),
        Some(Choice::Tags(_)) | None => Vec::new(),
    };
    let security_group_ids: Vec<SecurityGroupId> = match &profile.security_groups {
        SecurityGroups::Own(ids) => ids.iter().cloned().collect(),
        SecurityGroups::PerProfile | SecurityGroups::PerWorkload => Vec::new(),
    };
    vec![VpcConfig {
        subnets,
        security_group_ids,
    }]
}

/// The policies of a role in the snapshot, or a file's.
fn held(what: &str, all: &[&Snapshot]) -> Result<Held, PolicyCommandError> {
    let roles = all
        .iter()
        .flat_map(|snapshot| snapshot.roles.iter().map(move |role| (*snapshot, role)));
    let mut named: Vec<(&Snapshot, &RoleDetail)> = roles
        .filter(|(_, role)| role.arn == what || role.role_name == what)
        .collect();
    // What several regions of one account show is one role.
    named.dedup_by(|one, other| one.1.arn == other.1.arn);
    match named.as_slice() {
        [] => Ok(Held::document(what, read(what)?)),
        [(snapshot, role)] => Ok(of_role(snapshot, role)),
        [..] => Err(GuardError::SeveralRoles {
            name: what.to_owned(),
            arns: listed(named.iter().map(|(_, role)| &role.arn)),
        }
        .into()),
    }
}

fn of_role(snapshot: &Snapshot, role: &RoleDetail) -> Held {
    let PoliciesOfRole { own, unread, boundary } = snapshot.roles().policies_of(role, |_| true);
    let mut held = Held {
        policies: own.into_iter().map(|policy| (policy.name, policy.document)).collect(),
        unread,
        ..Held::default()
    };
    let arn = role.permissions_boundary.as_ref();
    let arn = arn.map(|boundary| &boundary.permissions_boundary_arn);
    if let (Some(arn), Some(boundary)) = (arn, boundary) {
        let name = format!("permissions boundary {arn}");
        match boundary {
            Ok(policy) => held.boundary = Some((name, policy.document)),
            Err(_) => held.unread.push(name),
        }
    }
    held
}

fn exit_of(trials: &[Trial]) -> u8 {
    let is = |right: Option<bool>| trials.iter().any(|trial| trial.is_right() == right);
    if is(Some(false)) {
        exit::NO
    } else if is(None) {
        exit::NOT_TOLD
    } else {
        0
    }
}

/// What was found: each way of asking once, with the actions that fare wrongly.
fn described(what: &str, trials: &[Trial], output: Output) -> String {
    match output {
        Output::Json => {
            let trials: Vec<Value> = trials
                .iter()
                .map(|trial| {
                    let mut value = json!(trial);
                    value["right"] = json!(trial.is_right());
                    value
                })
                .collect();
            format!("{:#}\n", json!({ "trials": trials, "verified": what }))
        }
        Output::Text => {
            let mut attempts: Vec<Attempt> = trials.iter().map(|trial| trial.attempt).collect();
            attempts.sort_unstable();
            attempts.dedup();
            let mut text = String::new();
            for attempt in attempts {
                let of_it = || trials.iter().filter(move |trial| trial.attempt == attempt);
                let to_be = if attempt.is_declared() { "allowed" } else { "denied" };
                let wrong: Vec<&Trial> = of_it().filter(|trial| trial.is_right() != Some(true)).collect();
                if wrong.is_empty() {
                    let _ = writeln!(text, "ok    {attempt}: all {} actions are {to_be}", of_it().count());
                    continue;
                }
                let _ = writeln!(text, "WRONG {attempt}: not {to_be} are");
                for trial in wrong {
                    let why = match &trial.outcome {
                        Outcome::Allowed(by) => format!("allowed by {by}"),
                        Outcome::Denied(by) => format!("denied by {by}"),
                        Outcome::Unknown(on) => format!("not known, for it hangs on {on}"),
                    };
                    let _ = writeln!(text, "        {}: {why}", trial.action);
                }
            }
            let verdict = match exit_of(trials) {
                0 => {
                    "keeps SageMaker in the declared subnets and security groups, and denies nothing that is declared."
                }
                exit::NOT_TOLD => {
                    "may keep SageMaker in the declared subnets and security groups: what it hangs on is above."
                }
                _ => {
                    "does not do as a guard does: print one with `sagevpc policy guard` without --verify, and attach its \
                     statements."
                }
            };
            text + &format!("\n{what} {verdict}\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use sagevpc_core::types::Region;

    use super::*;

    #[test]
    fn a_policy_that_is_too_long_is_refused_with_its_bound() {
        let guard = |count: usize| Guard {
            subnets: (0..count)
                .map(|number| SubnetId::new(format!("subnet-{number:017x}")))
                .collect(),
            groups: [SecurityGroupId::new("sg-0a")].into(),
        };
        assert!(written(&guard(16).document(), true).is_ok());
        assert!(matches!(
            written(&guard(200).document(), true),
            Err(GuardError::TooLong {
                most: SCP_MAX_CHARS,
                ..
            })
        ));
        let trials = guard(2).try_on(
            &Held::document("g", guard(2).document()),
            &Region::new("eu-west-1"),
            "111122223333",
        );
        assert_eq!(exit_of(&trials), 0);
    }
}
