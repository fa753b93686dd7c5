//! `sagevpc reach`: whether packets get there, step by step.

mod bucket;
mod place;
mod question;

use std::{collections::BTreeSet, io, path::PathBuf, process::ExitCode};

use ipnet::IpNet;
use serde_json::{Value, json};

use self::{
    bucket::Refused,
    place::Beginning,
    question::{Far, Origin},
};
use super::{
    Output, exit,
    folder::{self, FolderError},
    output,
};
use sagevpc_core::{
    observed::VpcSnapshot,
    reach::{Answer, Cause, Destination, Inbound, Means, Path, Reach, Unseen, Verdict},
    types::{PortRange, Protocol, SecurityGroupId},
};

/// Follows a packet to a destination, and the answer back, through what a snapshot
/// shows.
#[derive(clap::Args, Debug)]
#[command(after_help = exit::REACH)]
pub struct ReachArgs {
    /// Folder of JSON as `aws ec2 describe-…` prints it; `sagevpc snapshot`
    /// makes one. Several accounts and regions lie in accounts/ID/REGION/.
    #[arg(long, value_name = "DIR")]
    snapshot: PathBuf,
    /// Where packets begin: a subnet's id, and the ids of the security groups
    /// on the interface, without any, the VPC's default group; or a network
    /// interface's id, or the address of one; or `internet`, or an address or
    /// block of it.
    #[arg(long, value_name = "SUBNET[,GROUP]...|INTERFACE|ADDRESS|internet", value_parser = question::origin)]
    from: Origin,
    /// Where they are to get: s3, s3:BUCKET, an AWS service such as sts; or a
    /// host's name or address, a network interface, a security group or a block
    /// of addresses, with a port or a range of them, such as 10.1.0.0/16:5432
    /// or 10.0.0.9:8000-8100.
    #[arg(long, value_name = "DESTINATION", value_parser = question::far)]
    to: Far,
    /// The protocol: tcp, udp, icmp, icmpv6, and for addresses and blocks a
    /// number or all. Those but tcp and udp have no ports.
    #[arg(long, value_name = "PROTOCOL", default_value = "tcp", value_parser = question::protocol)]
    protocol: Protocol,
    /// The type of ICMP, and maybe the code, such as 8 for an echo request or 3/4.
    #[arg(long, value_name = "TYPE[/CODE]", value_parser = question::icmp)]
    icmp: Option<PortRange>,
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

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// The snapshot cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// What is asked does not go together with what the snapshot has.
    #[error("{0}")]
    Usage(String),
    /// No VPC of the snapshot has the subnet, interface or address.
    #[error("{from} is not in the snapshot{where_}: {found}")]
    NotThere {
        /// The subnet, interface or address.
        from: String,
        /// The account and region that were asked for.
        where_: String,
        /// What is there instead.
        found: String,
    },
    /// Several accounts or regions have it.
    #[error(
        "{from} is in several accounts or regions of the snapshot, {places}: choose with --account and --region, or \
         name one of these folders as --snapshot"
    )]
    Several {
        /// The subnet, interface or address.
        from: String,
        /// Those that have it.
        places: String,
    },
    /// Several VPCs of one account and region have the address.
    #[error("{what} is an address in several VPCs, {vpcs}: name the network interface (eni-…) in its place")]
    SeveralVpcs {
        /// The address.
        what: String,
        /// The VPCs.
        vpcs: String,
    },
    /// The interface is a gateway's or a load balancer's.
    #[error(
        "{interface} has no security groups: it is one of AWS's own, such as a NAT gateway's, and what it sends is not \
         known; name the subnet, or an interface with groups, as --from"
    )]
    NoSender {
        /// The interface.
        interface: String,
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

/// What came out, to be printed.
struct Told<'t> {
    from: String,
    groups: BTreeSet<SecurityGroupId>,
    to: &'t Destination,
    verdict: Verdict,
    /// What the bucket's policy denies where packets reach it.
    refused: Option<Refused>,
    /// All that stops the packets, the first first.
    causes: Vec<Cause>,
    /// From where alone, of what is asked from the internet.
    only: Vec<IpNet>,
    /// Whether it is asked from anywhere on the internet.
    is_from_anywhere: bool,
}

/// Prints the way and what it comes to.
///
/// # Errors
///
/// [`ReachError`].
pub fn run(args: &ReachArgs) -> Result<ExitCode, ReachError> {
    match answer(args) {
        Err(ReachError::Usage(problem)) => {
            output::complain(&format!("sagevpc: {problem}\n"));
            Ok(ExitCode::from(exit::USAGE))
        }
        other => other,
    }
}

fn answer(args: &ReachArgs) -> Result<ExitCode, ReachError> {
    let snapshots = folder::load(&args.snapshot)?;
    let (vpc, beginning) = place::find(&snapshots, args)?;
    let to = question::destination(&args.to, args.protocol, args.icmp, &vpc, &snapshots).map_err(ReachError::Usage)?;
    let told = judged(&vpc, beginning, &to, args)?;
    let means = Means {
        acls: Some(&vpc.network_acls),
        vpc: Some(&vpc),
        ..Means::default()
    };
    let text = match args.output {
        Output::Text => text(&told, &means),
        Output::Json => format!("{:#}\n", value(&told, &means)),
    };
    output::print(&text)?;
    let is_denied = told.refused.as_ref().map(|refused| refused.is_sure);
    Ok(match (&told.verdict, is_denied) {
        (Verdict::Reachable(_), None) => ExitCode::SUCCESS,
        (Verdict::Stopped(..), _) | (Verdict::Reachable(_), Some(true)) => ExitCode::from(exit::NO),
        (Verdict::Unknown(..), _) | (Verdict::Reachable(_), Some(false)) => ExitCode::from(exit::NOT_TOLD),
    })
}

fn judged<'t>(
    vpc: &VpcSnapshot,
    beginning: Beginning,
    to: &'t Destination,
    args: &ReachArgs,
) -> Result<Told<'t>, ReachError> {
    let reach = Reach::new(vpc);
    let no_subnet = |subnet: &dyn std::fmt::Display| ReachError::NotThere {
        from: subnet.to_string(),
        where_: String::new(),
        found: "add Subnets.json, as `aws ec2 describe-subnets` prints it".to_owned(),
    };
    let (start, from, groups, subnet) = match beginning {
        Beginning::Subnet(subnet, groups) => {
            let start = reach.from(&subnet, &groups).ok_or_else(|| no_subnet(&subnet))?;
            (start, subnet.to_string(), groups, subnet)
        }
        Beginning::Interface(interface) => {
            let start = reach.from_interface(&interface);
            let start = start.ok_or_else(|| no_subnet(&interface.subnet_id))?;
            let groups = interface.groups.into_iter().map(|group| group.group_id).collect();
            (start, args.from.to_string(), groups, interface.subnet_id)
        }
        Beginning::Internet {
            sources,
            interface,
            address,
        } => {
            let traffic = question::traffic(&args.to, args.protocol, args.icmp).map_err(ReachError::Usage)?;
            let inbound = reach.from_internet(&interface, address, sources, traffic);
            let Inbound { answer, only } = inbound.ok_or_else(|| no_subnet(&interface.subnet_id))?;
            let Answer { verdict, causes, .. } = answer;
            return Ok(Told {
                from: sources.map_or_else(|| "the internet".to_owned(), |_| args.from.to_string()),
                groups: BTreeSet::new(),
                to,
                verdict,
                refused: None,
                causes,
                only,
                is_from_anywhere: sources.is_none(),
            });
        }
    };
    let Answer { verdict, causes, .. } = start.answer_alone(to);
    Ok(Told {
        refused: bucket::refused(vpc, &subnet, to, &verdict),
        verdict,
        causes,
        from,
        groups,
        to,
        only: Vec::new(),
        is_from_anywhere: false,
    })
}

impl Told<'_> {
    /// Blocks from which a connection can be opened, the first of many.
    fn only(&self) -> Option<String> {
        const MOST: usize = 8;
        let first: Vec<String> = self.only.iter().take(MOST).map(ToString::to_string).collect();
        let more = self.only.len().saturating_sub(MOST);
        let rest = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        (!first.is_empty()).then(|| first.join(", ") + &rest)
    }

    /// How a fix that names everybody is to be narrowed.
    fn advice(&self) -> Option<&'static str> {
        self.is_from_anywhere
            .then_some("Where it says 0.0.0.0/0 or ::/0, name the addresses alone that are to connect.")
    }
}

fn text(told: &Told<'_>, means: &Means<'_>) -> String {
    let to = told.to;
    let mut lines = vec![format!("From {} to {to}:", told.from)];
    let Path(hops) = told.verdict.path();
    let hops = hops.iter().enumerate();
    lines.extend(hops.map(|(place, hop)| format!("  {}. {hop}", place + 1)));
    match &told.verdict {
        Verdict::Reachable(_) => match &told.refused {
            Some(refused) => lines.extend(refused.lines()),
            None => lines.push(match told.only() {
                Some(only) => format!("Reachable from {only} alone."),
                None => "Reachable.".to_owned(),
            }),
        },
        Verdict::Stopped(_, stop) => {
            let part = stop.part.map(|part| format!(" for {part}")).unwrap_or_default();
            lines.push(format!("Stopped{part}: {}.", stop.cause));
            lines.push(format!("Fix: {}", stop.cause.fix(to, means)));
            for cause in told.causes.iter().skip(1) {
                lines.push(format!("Closed as well: {cause}."));
                lines.push(format!("Fix: {}", cause.fix(to, means)));
            }
            lines.extend(told.advice().map(str::to_owned));
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

fn value(told: &Told<'_>, means: &Means<'_>) -> Value {
    let to = told.to;
    let hops: Vec<String> = told.verdict.path().0.iter().map(ToString::to_string).collect();
    let mut value = json!({ "from": told.from, "securityGroups": told.groups, "to": to.to_string(), "path": hops });
    if !told.only.is_empty() {
        value["onlyFrom"] = json!(told.only);
    }
    let verdict = match &told.verdict {
        Verdict::Reachable(_) => match &told.refused {
            None => json!("Reachable"),
            Some(refused) if refused.is_sure => {
                value["stop"] = json!({ "resource": refused.arn, "cause": refused.causes.join(" "), "fix": bucket::FIX, "part": null });
                json!("Stopped")
            }
            Some(refused) => {
                value["unseen"] = json!(refused.causes);
                value["files"] = json!([]);
                json!("Unknown")
            }
        },
        Verdict::Stopped(_, stop) => {
            value["stop"] = json!({
                "resource": stop.cause.resource(),
                "cause": stop.cause.to_string(),
                "fix": stop.cause.fix(to, means),
                "part": stop.part,
            });
            let also = told.causes.iter().skip(1).map(|cause| {
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
