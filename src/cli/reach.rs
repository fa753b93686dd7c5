//! `sagevpc reach`: whether packets get there, step by step.

use std::{collections::BTreeSet, io, path::PathBuf, process::ExitCode};

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{
    Output, exit,
    folder::{self, FolderError, Located},
    output,
};
use sagevpc_core::{
    observed::{Snapshot, VpcSnapshot, files::FileKind},
    reach::{Cause, Destination, Means, Reach, Unseen, Verdict},
    types::{BucketAccess, BucketUse, PrivatePeer, SecurityGroupId, SubnetId, Traffic},
};

/// Follows a packet from a subnet to a destination, and the answer back, through
/// what a snapshot shows.
#[derive(clap::Args, Debug)]
#[command(after_help = exit::REACH)]
pub struct ReachArgs {
    /// Folder of JSON as `aws ec2 describe-…` prints it; `sagevpc snapshot`
    /// makes one. Several accounts and regions lie in accounts/ID/REGION/.
    #[arg(long, value_name = "DIR")]
    snapshot: PathBuf,
    /// Where packets begin: a subnet's id, and the ids of the security groups
    /// on the interface; without any, the VPC's default group.
    #[arg(long, value_name = "SUBNET[,GROUP]...", value_parser = origin)]
    from: Origin,
    /// Where they are to get: s3, s3:BUCKET, an AWS service such as sts, a
    /// host's name or address with a port, or a block of addresses with a port,
    /// such as 10.1.0.0/16:5432.
    #[arg(long, value_name = "DESTINATION", value_parser = destination)]
    to: Destination,
    /// The account, where several have the subnet.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// The region, where several have the subnet.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// How to print the way.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Where packets begin.
#[derive(Clone, Debug)]
struct Origin {
    subnet: SubnetId,
    groups: BTreeSet<SecurityGroupId>,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// The snapshot cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// No VPC of the snapshot has the subnet.
    #[error("{subnet} is not in the snapshot{where_}: {found}")]
    NoSubnet {
        /// The subnet.
        subnet: SubnetId,
        /// The account and region that were asked for.
        where_: String,
        /// What is there instead.
        found: String,
    },
    /// Several accounts or regions have the subnet.
    #[error(
        "{subnet} is in several accounts or regions of the snapshot, {places}: choose with --account and --region, or \
         name one of these folders as --snapshot"
    )]
    SeveralSubnets {
        /// The subnet.
        subnet: SubnetId,
        /// Those that have it.
        places: String,
    },
    /// The VPC has no such security group.
    #[error("{vpc} has no security group {group} in the snapshot: correct --from, or add SecurityGroups.json")]
    NoGroup {
        /// The VPC.
        vpc: String,
        /// The group.
        group: String,
    },
    /// Standard output is closed.
    #[error("standard output cannot be written to")]
    Output(#[from] io::Error),
}

/// Prints the way and what it comes to.
///
/// # Errors
///
/// [`ReachError`].
pub fn run(args: &ReachArgs) -> Result<ExitCode, ReachError> {
    let snapshots = folder::load(&args.snapshot)?;
    let vpc = find(&snapshots, args)?;
    let groups = groups(&vpc, &args.from)?;
    let reach = Reach::new(&vpc);
    let start = reach.from(&args.from.subnet, &groups);
    let start = start.ok_or_else(|| no_subnet(&snapshots, args))?;
    let verdict = start.to(&args.to);
    let causes = start.answer(&args.to).map(|answer| answer.causes).unwrap_or_default();
    let means = Means {
        acls: Some(&vpc.network_acls),
        ..Means::default()
    };
    let text = match args.output {
        Output::Text => text(&args.from.subnet, &args.to, &verdict, &causes, &means),
        Output::Json => format!(
            "{:#}\n",
            value(&args.from.subnet, &groups, &args.to, &verdict, &causes, &means)
        ),
    };
    output::print(&text)?;
    Ok(match verdict {
        Verdict::Reachable(_) => ExitCode::SUCCESS,
        Verdict::Stopped(..) => ExitCode::from(exit::NO),
        Verdict::Unknown(..) => ExitCode::from(exit::NOT_TOLD),
    })
}

/// Says which subnets there are, or why the one that is there does not count.
fn no_subnet(snapshots: &[Located], args: &ReachArgs) -> ReachError {
    let asked = [("account", &args.account), ("region", &args.region)];
    let asked = asked
        .into_iter()
        .filter_map(|(what, asked)| Some(format!(", {what} {}", asked.as_ref()?)));
    let subnet = &args.from.subnet;
    let mut of_subnet = snapshots.iter().filter(|located| has(located, subnet));
    let unread = snapshots.iter().flat_map(|located| &located.snapshot.unread);
    let mut unread = unread.filter(|unread| unread.id.as_deref() == Some(subnet.as_str()));
    let all: BTreeSet<&str> = snapshots
        .iter()
        .flat_map(|located| &located.snapshot.subnets)
        .map(|subnet| subnet.subnet_id.as_str())
        .collect();
    let found = if let Some(unread) = unread.next() {
        format!("it cannot be read ({unread})")
    } else if let Some(located) = of_subnet.next() {
        let folder = &located.folder;
        if located.is_of(args.account.as_deref(), args.region.as_deref()) {
            format!(
                "Subnets.json has it, and Vpcs.json in {folder} not its VPC: add what `aws ec2 describe-vpcs` prints"
            )
        } else {
            format!("it is in {}", folder::places([located]))
        }
    } else if all.is_empty() {
        "no subnets were found: add Subnets.json, as `aws ec2 describe-subnets` prints it".to_owned()
    } else {
        format!("there are {}; correct --from", shortened(&all))
    };
    ReachError::NoSubnet {
        subnet: subnet.clone(),
        where_: asked.collect(),
        found,
    }
}

/// The first of many names.
fn shortened(names: &BTreeSet<&str>) -> String {
    const MOST: usize = 10;
    let first: Vec<&str> = names.iter().take(MOST).copied().collect();
    let more = names.len().saturating_sub(MOST);
    let first = first.join(", ");
    if more > 0 {
        format!("{first} and {more} more")
    } else {
        first
    }
}

fn has(located: &Located, subnet: &SubnetId) -> bool {
    located.snapshot.subnets.iter().any(|found| found.subnet_id == *subnet)
}

/// The VPC that holds the subnet.
fn find(snapshots: &[Located], args: &ReachArgs) -> Result<VpcSnapshot, ReachError> {
    let subnet = &args.from.subnet;
    let asked = snapshots
        .iter()
        .filter(|located| located.is_of(args.account.as_deref(), args.region.as_deref()));
    let all: Vec<&Snapshot> = snapshots.iter().map(|located| &located.snapshot).collect();
    let vpc = |located: &Located| {
        let mut subnets = located.snapshot.subnets.iter();
        let found = subnets.find(|found| found.subnet_id == *subnet)?;
        // What it is joined to may be in other accounts and regions.
        Some(located.snapshot.vpc(&found.vpc_id)?.joined_to(&all))
    };
    let mut found = asked.filter_map(|located| Some((located, vpc(located)?)));
    let (first, vpc) = found.next().ok_or_else(|| no_subnet(snapshots, args))?;
    let others: Vec<&Located> = found.map(|(located, _)| located).collect();
    if others.is_empty() {
        return Ok(vpc);
    }
    // A shared subnet is seen by several accounts; the verdict may differ.
    Err(ReachError::SeveralSubnets {
        subnet: subnet.clone(),
        places: folder::places(std::iter::once(first).chain(others)),
    })
}

/// The groups asked for, or the one that EC2 gives where none is.
fn groups(vpc: &VpcSnapshot, from: &Origin) -> Result<BTreeSet<SecurityGroupId>, ReachError> {
    let no_group = |group: &str| ReachError::NoGroup {
        vpc: vpc.vpc.vpc_id.to_string(),
        group: group.to_owned(),
    };
    if from.groups.is_empty() {
        let mut groups = vpc.security_groups.values();
        let default = groups.find(|group| group.group_name == "default");
        let default = default.ok_or_else(|| no_group("default"))?;
        return Ok(BTreeSet::from([default.group_id.clone()]));
    }
    // Of one that cannot be read, it is not known what it admits.
    let is_unread = |group: &SecurityGroupId| {
        let mut unread = vpc.unread(FileKind::SecurityGroups);
        unread.any(|unread| unread.id.as_deref() == Some(group.as_str()))
    };
    let unknown = from
        .groups
        .iter()
        .find(|group| !vpc.security_groups.contains_key(*group) && !is_unread(group));
    unknown.map_or_else(|| Ok(from.groups.clone()), |group| Err(no_group(group.as_str())))
}

fn origin(text: &str) -> Result<Origin, String> {
    let mut subnet = None;
    let mut groups = BTreeSet::new();
    for id in text.split(',') {
        if SubnetId::is_kind_of(id) && subnet.is_none() {
            subnet = Some(SubnetId::new(id));
        } else if SecurityGroupId::is_kind_of(id) {
            groups.insert(SecurityGroupId::new(id));
        } else {
            return Err(format!(
                "{id} is neither a security group (sg-…) nor the one subnet (subnet-…)"
            ));
        }
    }
    let subnet = subnet.ok_or("a subnet (subnet-…) is needed")?;
    Ok(Origin { subnet, groups })
}

fn destination(text: &str) -> Result<Destination, String> {
    if text == "s3" {
        return Ok(Destination::S3 { bucket: None });
    }
    if let Some(bucket) = text.strip_prefix("s3:") {
        return Ok(Destination::S3 {
            bucket: Some(BucketUse::new(bucket, BucketAccess::ReadWrite)),
        });
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return if text.contains('/') || text.is_empty() {
            Err("a block of addresses takes a port, such as 10.1.0.0/16:5432".to_owned())
        } else {
            Ok(Destination::Service(text.to_owned()))
        };
    };
    let traffic = Traffic::tcp(port.parse().map_err(|_| format!("{port} is no port"))?);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match host.parse::<IpNet>() {
        Ok(cidr) => Ok(Destination::Cidr { cidr, traffic }),
        Err(_) if host.contains('/') || host.is_empty() => Err(format!("{host:?} is no block of addresses")),
        Err(_) if SecurityGroupId::is_kind_of(host) => Ok(Destination::Inside {
            whom: PrivatePeer::Group(host.into()),
            traffic,
            calls_back: false,
        }),
        Err(_) => Ok(Destination::Host {
            name: host.to_owned(),
            traffic,
        }),
    }
}

/// `causes` is all that stops the packets, the first first.
fn text(from: &SubnetId, to: &Destination, verdict: &Verdict, causes: &[Cause], means: &Means<'_>) -> String {
    let mut lines = vec![format!("From {from} to {to}:")];
    let hops = verdict.path().0.iter().enumerate();
    lines.extend(hops.map(|(place, hop)| format!("  {}. {hop}", place + 1)));
    match verdict {
        Verdict::Reachable(_) => lines.push("Reachable.".to_owned()),
        Verdict::Stopped(_, stop) => {
            let part = stop.part.map(|part| format!(" for {part}")).unwrap_or_default();
            lines.push(format!("Stopped{part}: {}.", stop.cause));
            lines.push(format!("Fix: {}", stop.cause.fix(to, means)));
            for cause in causes.iter().skip(1) {
                lines.push(format!("Closed as well: {cause}."));
                lines.push(format!("Fix: {}", cause.fix(to, means)));
            }
        }
        Verdict::Unknown(_, unseen) => {
            lines.extend(unseen.iter().map(|unseen| format!("Unknown: {unseen}.")));
            lines.extend(files(unseen).map(|file| format!("To know, add {file} to the snapshot.")));
        }
    }
    lines.join("\n") + "\n"
}

/// The files that a snapshot lacks.
fn files(unseen: &[Unseen]) -> impl Iterator<Item = &'static str> {
    let files: BTreeSet<&str> = unseen.iter().filter_map(Unseen::file).collect();
    files.into_iter()
}

fn value(
    from: &SubnetId,
    groups: &BTreeSet<SecurityGroupId>,
    to: &Destination,
    verdict: &Verdict,
    causes: &[Cause],
    means: &Means<'_>,
) -> Value {
    let hops: Vec<String> = verdict.path().0.iter().map(ToString::to_string).collect();
    let mut value = json!({ "from": from, "securityGroups": groups, "to": to.to_string(), "path": hops });
    let verdict = match verdict {
        Verdict::Reachable(_) => json!("Reachable"),
        Verdict::Stopped(_, stop) => {
            value["stop"] = json!({
                "resource": stop.cause.resource(),
                "cause": stop.cause.to_string(),
                "fix": stop.cause.fix(to, means),
                "part": stop.part,
            });
            let also = causes.iter().skip(1).map(|cause| {
                json!({
                    "resource": cause.resource(),
                    "cause": cause.to_string(),
                    "fix": cause.fix(to, means),
                })
            });
            value["alsoClosed"] = also.collect();
            json!("Stopped")
        }
        Verdict::Unknown(_, unseen) => {
            value["unseen"] = json!(unseen.iter().map(ToString::to_string).collect::<Vec<_>>());
            value["files"] = json!(files(unseen).collect::<Vec<_>>());
            json!("Unknown")
        }
    };
    value["verdict"] = verdict;
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_told_apart_by_their_form() {
        let host = |name: &str, port| Destination::Host {
            name: name.to_owned(),
            traffic: Traffic::tcp(port),
        };
        let cidr = |cidr: &str, port| Destination::Cidr {
            cidr: cidr.parse().unwrap(),
            traffic: Traffic::tcp(port),
        };
        for (text, expected) in [
            ("s3", Destination::S3 { bucket: None }),
            (
                "s3:fraud-data",
                Destination::S3 {
                    bucket: Some(BucketUse::new("fraud-data", BucketAccess::ReadWrite)),
                },
            ),
            ("sagemaker.api", Destination::Service("sagemaker.api".to_owned())),
            ("pypi.org:443", host("pypi.org", 443)),
            ("10.0.0.9:5432", host("10.0.0.9", 5432)),
            ("[2001:db8::1]:443", host("2001:db8::1", 443)),
            ("10.1.0.0/16:5432", cidr("10.1.0.0/16", 5432)),
            ("2001:db8::/32:443", cidr("2001:db8::/32", 443)),
        ] {
            assert_eq!(destination(text), Ok(expected), "{text}");
        }
        for text in ["", "10.1.0.0/16", "pypi.org:https", "10.1.0.0/99:443", ":443"] {
            assert!(destination(text).is_err(), "{text}");
        }
    }

    #[test]
    fn packets_begin_in_one_subnet() {
        let from = origin("subnet-0000000a,sg-00000002,sg-00000001").unwrap();
        assert_eq!(from.subnet.as_str(), "subnet-0000000a");
        assert_eq!(from.groups.len(), 2);
        for text in ["sg-00000001", "subnet-0000000a,subnet-0000000b", "vpc-0000aaaa", ""] {
            assert!(origin(text).is_err(), "{text}");
        }
    }
}
