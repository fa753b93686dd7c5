//! Which VPC of a snapshot is asked of, and what in it.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;

use super::{
    ReachArgs, ReachError,
    question::{Far, Origin},
};
use crate::cli::folder::{self, Located};
use sagevpc_core::{
    observed::{NetworkInterface, Snapshot, VpcSnapshot, files::FileKind},
    types::{NetworkInterfaceId, SecurityGroupId, SubnetId, VpcId, is_private},
};

/// Where packets begin, as the snapshot has it.
#[derive(Debug)]
pub(super) enum Beginning {
    /// In a subnet, with these groups.
    Subnet(SubnetId, BTreeSet<SecurityGroupId>),
    /// At an interface.
    Interface(NetworkInterface),
    /// On the internet, at these addresses alone or anywhere, towards an address of an
    /// interface.
    Internet {
        /// From where.
        sources: Option<IpNet>,
        /// The interface that is asked.
        interface: NetworkInterface,
        /// Its address in the VPC.
        address: IpAddr,
    },
}

/// What tells the VPC.
#[derive(Clone, Debug)]
enum Mark {
    Subnet(SubnetId),
    Interface(NetworkInterfaceId),
    Address(IpAddr),
}

/// The option that names it.
#[derive(Clone, Copy, Debug)]
enum Named {
    From,
    To,
}

/// The VPC and where in it, or towards what in it, packets begin.
///
/// # Errors
///
/// When the snapshot does not have it, or has it more than once.
pub(super) fn find(snapshots: &[Located], args: &ReachArgs) -> Result<(VpcSnapshot, Beginning), ReachError> {
    match &args.from {
        Origin::Subnet(subnet, groups) => {
            let vpc = holder(snapshots, args, &Mark::Subnet(subnet.clone()), Named::From)?;
            let groups = chosen(&vpc, groups)?;
            Ok((vpc, Beginning::Subnet(subnet.clone(), groups)))
        }
        Origin::Interface(id) => at_interface(snapshots, args, &Mark::Interface(id.clone())),
        Origin::Address(address) if is_outside(snapshots, *address) => {
            towards(snapshots, args, Some(IpNet::from(*address)))
        }
        Origin::Address(address) => at_interface(snapshots, args, &Mark::Address(*address)),
        Origin::Internet(sources) => towards(snapshots, args, *sources),
    }
}

/// Whether an address is the internet's and of nothing in the snapshot.
fn is_outside(snapshots: &[Located], address: IpAddr) -> bool {
    let mut vpcs = snapshots.iter().flat_map(|located| &located.snapshot.vpcs);
    let mut interfaces = snapshots
        .iter()
        .flat_map(|located| &located.snapshot.network_interfaces);
    !is_private(&IpNet::from(address))
        && !vpcs.any(|vpc| vpc.cidrs().any(|net| net.contains(&address)))
        && !interfaces.any(|interface| has(interface, address).is_some())
}

/// The address in the VPC that one of an interface stands for.
fn has(interface: &NetworkInterface, address: IpAddr) -> Option<IpAddr> {
    let public = interface.public_addresses().find(|(public, _)| *public == address);
    let own = interface.has_address(address).then_some(address);
    own.or(public.map(|(_, own)| own))
}

fn at_interface(snapshots: &[Located], args: &ReachArgs, mark: &Mark) -> Result<(VpcSnapshot, Beginning), ReachError> {
    let vpc = holder(snapshots, args, mark, Named::From)?;
    let interface = mark.interface(vpc.network_interfaces.values()).cloned();
    let interface = interface.ok_or_else(|| not_there(snapshots, args, mark, Named::From))?;
    if interface.groups.is_empty() {
        return Err(ReachError::NoSender {
            interface: interface.network_interface_id.to_string(),
        });
    }
    Ok((vpc, Beginning::Interface(interface)))
}

/// From the internet to an interface.
fn towards(
    snapshots: &[Located],
    args: &ReachArgs,
    sources: Option<IpNet>,
) -> Result<(VpcSnapshot, Beginning), ReachError> {
    let not_one = || {
        ReachError::Usage(
            "from the internet, --to takes a network interface or an address of the VPC with a port, such as \
             eni-0123abcd:22 or 10.0.1.5:443"
                .to_owned(),
        )
    };
    let Far::At(host, _) = &args.to else {
        return Err(not_one());
    };
    let mark = if NetworkInterfaceId::is_kind_of(host) {
        Mark::Interface(NetworkInterfaceId::new(host))
    } else {
        Mark::Address(host.parse().map_err(|_| not_one())?)
    };
    let vpc = holder(snapshots, args, &mark, Named::To)?;
    let found = mark.interface(vpc.network_interfaces.values()).cloned();
    let of_family = |address: &IpAddr| sources.is_none_or(|net| net.addr().is_ipv6() == address.is_ipv6());
    let address = found.as_ref().and_then(|interface| match &mark {
        Mark::Address(address) => has(interface, *address),
        Mark::Subnet(_) | Mark::Interface(_) => {
            let public = interface.public_addresses().map(|(_, own)| own).find(of_family);
            public.or_else(|| interface.addresses().find(of_family))
        }
    });
    match (found, address) {
        (Some(interface), Some(address)) => {
            let beginning = Beginning::Internet {
                sources,
                interface,
                address,
            };
            Ok((vpc, beginning))
        }
        (Some(_), None) => Err(ReachError::Usage(format!(
            "{host} has no address of the family that is asked from"
        ))),
        (None, _) => Err(not_there(snapshots, args, &mark, Named::To)),
    }
}

impl Mark {
    /// The interface that it tells.
    fn interface<'i>(
        &self,
        interfaces: impl IntoIterator<Item = &'i NetworkInterface>,
    ) -> Option<&'i NetworkInterface> {
        interfaces.into_iter().find(|interface| match self {
            Self::Subnet(_) => false,
            Self::Interface(id) => interface.network_interface_id == *id,
            Self::Address(address) => has(interface, *address).is_some(),
        })
    }

    /// The VPCs of one snapshot that have it.
    fn vpcs(&self, located: &Located) -> BTreeSet<VpcId> {
        let subnets = located.snapshot.subnets.iter();
        let interfaces = located.snapshot.network_interfaces.iter();
        match self {
            Self::Subnet(id) => {
                let of_it = subnets.filter(|subnet| subnet.subnet_id == *id);
                of_it.map(|subnet| subnet.vpc_id.clone()).collect()
            }
            Self::Interface(_) | Self::Address(_) => {
                let of_it = interfaces.filter(|interface| self.interface([*interface]).is_some());
                of_it.map(|interface| interface.vpc_id.clone()).collect()
            }
        }
    }

    fn kind(&self) -> FileKind {
        match self {
            Self::Subnet(_) => FileKind::Subnets,
            Self::Interface(_) | Self::Address(_) => FileKind::NetworkInterfaces,
        }
    }

    /// What there is in its place.
    fn others(&self, snapshots: &[Located]) -> BTreeSet<String> {
        let snapshots = snapshots.iter().map(|located| &located.snapshot);
        match self {
            Self::Subnet(_) => snapshots
                .flat_map(|snapshot| &snapshot.subnets)
                .map(|subnet| subnet.subnet_id.to_string())
                .collect(),
            Self::Interface(_) => snapshots
                .flat_map(|snapshot| &snapshot.network_interfaces)
                .map(|interface| interface.network_interface_id.to_string())
                .collect(),
            Self::Address(_) => snapshots
                .flat_map(|snapshot| &snapshot.network_interfaces)
                .flat_map(NetworkInterface::addresses)
                .map(|address| address.to_string())
                .collect(),
        }
    }
}

impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Subnet(subnet) => subnet.fmt(f),
            Self::Interface(interface) => interface.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// The one VPC that has it.
fn holder(snapshots: &[Located], args: &ReachArgs, mark: &Mark, named: Named) -> Result<VpcSnapshot, ReachError> {
    let asked = snapshots
        .iter()
        .filter(|located| located.is_of(args.account.as_deref(), args.region.as_deref()));
    let all: Vec<&Snapshot> = snapshots.iter().map(|located| &located.snapshot).collect();
    let vpcs = |located: &'_ Located| {
        let vpcs = mark.vpcs(located).into_iter();
        // What it is joined to may be in other accounts and regions.
        let read = vpcs.filter_map(|id| Some(located.snapshot.vpc(&id)?.joined_to(&all)));
        read.collect::<Vec<_>>()
    };
    let mut found = asked.flat_map(|located| vpcs(located).into_iter().map(move |vpc| (located, vpc)));
    let (first, vpc) = found.next().ok_or_else(|| not_there(snapshots, args, mark, named))?;
    let others: Vec<(&Located, VpcSnapshot)> = found.collect();
    if others.is_empty() {
        return Ok(vpc);
    }
    if others.iter().all(|(located, _)| located.folder == first.folder) {
        let ids: Vec<String> = std::iter::once(&vpc)
            .chain(others.iter().map(|(_, vpc)| vpc))
            .map(|vpc| vpc.vpc.vpc_id.to_string())
            .collect();
        return Err(ReachError::SeveralVpcs {
            what: mark.to_string(),
            vpcs: ids.join(", "),
        });
    }
    // A shared subnet is seen by several accounts; the verdict may differ.
    Err(ReachError::Several {
        from: mark.to_string(),
        places: folder::places(std::iter::once(first).chain(others.into_iter().map(|(located, _)| located))),
    })
}

/// Says what there is instead, or why what is there does not count.
fn not_there(snapshots: &[Located], args: &ReachArgs, mark: &Mark, named: Named) -> ReachError {
    let asked = [("account", &args.account), ("region", &args.region)];
    let asked = asked
        .into_iter()
        .filter_map(|(what, asked)| Some(format!(", {what} {}", asked.as_ref()?)));
    let what = mark.to_string();
    let option = match named {
        Named::From => "--from",
        Named::To => "--to",
    };
    let mut with_it = snapshots.iter().filter(|located| !mark.vpcs(located).is_empty());
    let unread = snapshots.iter().flat_map(|located| &located.snapshot.unread);
    let mut unread = unread.filter(|unread| unread.id.as_deref() == Some(what.as_str()));
    let all = mark.others(snapshots);
    let (file, command) = (mark.kind().file(), mark.kind().command());
    let found = if let Some(unread) = unread.next() {
        format!("it cannot be read ({unread})")
    } else if let Some(located) = with_it.next() {
        let folder = &located.folder;
        if located.is_of(args.account.as_deref(), args.region.as_deref()) {
            format!("{file} has it, and Vpcs.json in {folder} not its VPC: add what `aws ec2 describe-vpcs` prints")
        } else {
            format!("it is in {}", folder::places([located]))
        }
    } else if all.is_empty() {
        format!("there is nothing in {file}: add it, as `aws ec2 {command}` prints it")
    } else {
        format!("{file} has {}; correct {option}", shortened(&all))
    };
    ReachError::NotThere {
        from: what,
        where_: asked.collect(),
        found,
    }
}

/// The first of many names.
fn shortened(names: &BTreeSet<String>) -> String {
    const MOST: usize = 10;
    let first: Vec<&str> = names.iter().take(MOST).map(String::as_str).collect();
    let more = names.len().saturating_sub(MOST);
    let first = first.join(", ");
    if more > 0 {
        format!("{first} and {more} more")
    } else {
        first
    }
}

/// The groups asked for, or the one that EC2 gives where none is.
fn chosen(vpc: &VpcSnapshot, asked: &BTreeSet<SecurityGroupId>) -> Result<BTreeSet<SecurityGroupId>, ReachError> {
    let no_group = |group: &str| ReachError::NoGroup {
        vpc: vpc.vpc.vpc_id.to_string(),
        group: group.to_owned(),
    };
    if asked.is_empty() {
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
    let unknown = asked
        .iter()
        .find(|group| !vpc.security_groups.contains_key(*group) && !is_unread(group));
    unknown.map_or_else(|| Ok(asked.clone()), |group| Err(no_group(group.as_str())))
}
