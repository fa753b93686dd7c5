//! What a kind's security groups must admit, as data.

use std::fmt;

use crate::types::{Direction, NFS, PortRange, Protocol, write_rule};

/// When a rule is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// For each workload of the kind.
    Always,
    /// For a job whose instances talk to each other.
    Distributed,
    /// For a job whose instances encrypt what they say to each other.
    Encrypted,
    /// For a job with an Elastic Fabric Adapter.
    Efa,
}

impl When {
    /// Whether a workload with these options needs it.
    pub const fn holds(self, options: Options) -> bool {
        match self {
            Self::Always => true,
            Self::Distributed => options.distributed,
            Self::Encrypted => options.encrypted && options.distributed,
            Self::Efa => options.efa,
        }
    }

    /// The words to follow a rule, none where it is always needed.
    const fn phrase(self) -> &'static str {
        match self {
            Self::Always => "",
            Self::Distributed => " when distributed",
            Self::Encrypted => " when encrypted",
            Self::Efa => " with EFA",
        }
    }
}

/// What of a workload's options bears on its rules and addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Its instances talk to each other.
    pub distributed: bool,
    /// They encrypt what they say.
    pub encrypted: bool,
    /// They have Elastic Fabric Adapters.
    pub efa: bool,
    /// Their containers have no network.
    pub isolated: bool,
    /// It gets predictions from a shadow endpoint.
    pub shadow_endpoint: bool,
    /// It is a cluster that Amazon EKS manages, and not Slurm.
    pub eks: bool,
}

/// The other end of a needed rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerNeed {
    /// S3 in the region, by its prefix list.
    S3,
    /// S3's directory buckets in the region, by the prefix list that those have.
    DirectoryBuckets,
    /// The addresses of the workload's own subnets.
    SubnetCidrs,
    /// All addresses of the VPC: where its interface endpoints are.
    VpcCidrs,
    /// The other instances of the same job.
    Members,
}

impl fmt::Display for PeerNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S3 => "S3's prefix list",
            Self::DirectoryBuckets => "the prefix list of S3 Express One Zone",
            Self::SubnetCidrs => "the subnets' addresses",
            Self::VpcCidrs => "the VPC's addresses",
            Self::Members => "the group itself",
        })
    }
}

/// A rule that the workload's security groups must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleNeed {
    /// When it is needed.
    pub when: When,
    /// Which way.
    pub direction: Direction,
    /// Which protocol.
    pub protocol: Protocol,
    /// Which ports; `None` for all.
    pub ports: Option<PortRange>,
    /// From or to whom.
    pub peer: PeerNeed,
}

impl fmt::Display for RuleNeed {
    /// As a rule reads, with when it is needed: `ingress all traffic from the
    /// group itself when distributed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rule(f, self.direction, self.protocol, self.ports.as_ref(), &self.peer)?;
        f.write_str(self.when.phrase())
    }
}

impl RuleNeed {
    /// What is always needed to call something by HTTPS.
    const fn https_to(peer: PeerNeed) -> Self {
        Self::always_to(peer, Protocol::TCP, Some(PortRange::only(443)))
    }

    const fn always_to(peer: PeerNeed, protocol: Protocol, ports: Option<PortRange>) -> Self {
        Self {
            when: When::Always,
            direction: Direction::Egress,
            protocol,
            ports,
            peer,
        }
    }

    /// What members hear from each other.
    const fn from_members(when: When, protocol: Protocol, ports: Option<PortRange>) -> Self {
        Self {
            when,
            direction: Direction::Ingress,
            protocol,
            ports,
            peer: PeerNeed::Members,
        }
    }

    /// The same, said by them: what goes both ways is stated once.
    const fn said(self) -> Self {
        Self {
            direction: Direction::Egress,
            ..self
        }
    }
}

pub(super) const HTTPS_TO_S3: RuleNeed = RuleNeed::https_to(PeerNeed::S3);

/// What whoever calls a service through its interface endpoint needs.
pub const HTTPS_TO_ENDPOINTS: RuleNeed = RuleNeed::https_to(PeerNeed::VpcCidrs);

// AWS's page names neither protocol nor port for the subnets' addresses, so
// nothing narrower than all of them is known to suffice.
pub(super) const TO_OWN_SUBNETS: RuleNeed = RuleNeed::always_to(PeerNeed::SubnetCidrs, Protocol::All, None);

/// The domain's home directories: its EFS mount targets are in its own subnets,
/// with a group that SageMaker makes only with the domain.
pub(super) const NFS_TO_OWN_SUBNETS: RuleNeed = RuleNeed::always_to(PeerNeed::SubnetCidrs, NFS.protocol, NFS.ports);

pub(super) const FROM_MEMBERS: RuleNeed = RuleNeed::from_members(When::Distributed, Protocol::All, None);
pub(super) const TO_MEMBERS: RuleNeed = FROM_MEMBERS.said();

pub(super) const ALWAYS_FROM_MEMBERS: RuleNeed = RuleNeed::from_members(When::Always, Protocol::All, None);
pub(super) const ALWAYS_TO_MEMBERS: RuleNeed = ALWAYS_FROM_MEMBERS.said();

pub(super) const EFA_FROM_MEMBERS: RuleNeed = RuleNeed::from_members(When::Efa, Protocol::All, None);
pub(super) const EFA_TO_MEMBERS: RuleNeed = EFA_FROM_MEMBERS.said();

/// IPsec's key exchange.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/train-encrypt.html>.
const IKE_FROM_MEMBERS: RuleNeed = RuleNeed::from_members(When::Encrypted, Protocol::UDP, Some(PortRange::only(500)));
const IKE_TO_MEMBERS: RuleNeed = IKE_FROM_MEMBERS.said();

/// IPsec's encrypted payload, protocol 50.
const ESP_FROM_MEMBERS: RuleNeed = RuleNeed::from_members(When::Encrypted, Protocol::Number(50), None);
const ESP_TO_MEMBERS: RuleNeed = ESP_FROM_MEMBERS.said();

/// Studio's apps talk to each other on these ports.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html>.
pub(super) const APPS_FROM_MEMBERS: RuleNeed =
    RuleNeed::from_members(When::Always, Protocol::TCP, Some(PortRange { from: 8192, to: 65_535 }));
pub(super) const APPS_TO_MEMBERS: RuleNeed = APPS_FROM_MEMBERS.said();

pub(super) const DISTRIBUTED_JOB: &[RuleNeed] = &[
    HTTPS_TO_S3,
    FROM_MEMBERS,
    TO_MEMBERS,
    IKE_FROM_MEMBERS,
    IKE_TO_MEMBERS,
    ESP_FROM_MEMBERS,
    ESP_TO_MEMBERS,
];

/// The same, for jobs that may have Elastic Fabric Adapters.
pub(super) const TRAINING_JOB: &[RuleNeed] = &[
    HTTPS_TO_S3,
    FROM_MEMBERS,
    TO_MEMBERS,
    EFA_FROM_MEMBERS,
    EFA_TO_MEMBERS,
    IKE_FROM_MEMBERS,
    IKE_TO_MEMBERS,
    ESP_FROM_MEMBERS,
    ESP_TO_MEMBERS,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needed_rules_read_as_phrases() {
        assert_eq!(HTTPS_TO_S3.to_string(), "egress tcp 443 to S3's prefix list");
        assert_eq!(
            FROM_MEMBERS.to_string(),
            "ingress all traffic from the group itself when distributed"
        );
        assert_eq!(
            ESP_TO_MEMBERS.to_string(),
            "egress protocol 50 to the group itself when encrypted"
        );
    }

    #[test]
    fn what_members_say_to_each_other_goes_both_ways() {
        let pairs = [
            (FROM_MEMBERS, TO_MEMBERS),
            (ALWAYS_FROM_MEMBERS, ALWAYS_TO_MEMBERS),
            (EFA_FROM_MEMBERS, EFA_TO_MEMBERS),
            (IKE_FROM_MEMBERS, IKE_TO_MEMBERS),
            (ESP_FROM_MEMBERS, ESP_TO_MEMBERS),
            (APPS_FROM_MEMBERS, APPS_TO_MEMBERS),
        ];
        for (ingress, egress) in pairs {
            assert_eq!(ingress.direction, Direction::Ingress);
            assert_eq!(
                egress,
                RuleNeed {
                    direction: Direction::Egress,
                    ..ingress
                }
            );
        }
    }

    #[test]
    fn encryption_asks_for_nothing_where_nobody_talks() {
        let options = Options {
            encrypted: true,
            ..Options::default()
        };
        assert!(!When::Encrypted.holds(options));
        assert!(When::Encrypted.holds(Options {
            distributed: true,
            ..options
        }));
    }
}
