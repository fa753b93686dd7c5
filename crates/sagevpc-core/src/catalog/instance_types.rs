//! What an instance type takes of a network.

/// What SageMaker puts before EC2's name of an instance type.
const PREFIX: &str = "ml.";

/// Addresses of the primary network card of an instance in an EKS cluster, whose
/// pods have addresses of their own.
///
/// See <https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-prerequisites.html>.
const PRIMARY_CARD_IN_EKS: u32 = 50;

/// Network cards that take an Elastic Fabric Adapter, of instance types with
/// several.
///
/// See <https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html#ac_network>.
const NETWORK_CARDS: [(&str, u32); 11] = [
    ("dl1.24xlarge", 4),
    ("p4d.24xlarge", 4),
    ("p4de.24xlarge", 4),
    ("p5.48xlarge", 32),
    ("p5e.48xlarge", 32),
    ("p5en.48xlarge", 16),
    ("p6-b200.48xlarge", 8),
    ("trn1.32xlarge", 8),
    ("trn1n.32xlarge", 16),
    ("trn2.48xlarge", 16),
    ("trn2u.48xlarge", 16),
];

/// EC2's name of an instance type of SageMaker's: `p5.48xlarge` of
/// `ml.p5.48xlarge`.
pub fn ec2_instance_type(instance_type: &str) -> &str {
    instance_type.strip_prefix(PREFIX).unwrap_or(instance_type)
}

/// How many network cards an instance of this type, by either name, has; `None`
/// where the table does not hold it.
pub fn network_cards(instance_type: &str) -> Option<u32> {
    let name = ec2_instance_type(instance_type);
    let known = NETWORK_CARDS.iter().find(|(known, _)| *known == name);
    known.map(|(_, cards)| *cards)
}

/// Addresses that an instance with so many network cards takes in a HyperPod
/// cluster: one for each, and in an EKS cluster those of pods on the primary one.
pub const fn addresses_in_a_cluster(cards: u32, eks: bool) -> u32 {
    if eks {
        PRIMARY_CARD_IN_EKS + cards.saturating_sub(1)
    } else {
        cards
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_either_name() {
        assert_eq!(network_cards("ml.p5.48xlarge"), Some(32));
        assert_eq!(network_cards("p4d.24xlarge"), Some(4));
        assert_eq!(network_cards("ml.m5.large"), None);
    }

    #[test]
    fn a_cluster_takes_what_the_page_says() {
        assert_eq!(addresses_in_a_cluster(32, false), 32);
        assert_eq!(addresses_in_a_cluster(32, true), 81);
    }
}
