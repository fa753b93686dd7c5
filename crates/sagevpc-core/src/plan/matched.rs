//! What AWS is to match, in a form that is hashed and kept in status: the
//! network, and what of AWS it comes down to. As for a network's form, its names
//! are its own.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    desired::fingerprint::hashed,
    plan::resolved::{ResolvedProfile, Standing},
    types::{Holdings, ProfileKey, RouteTableId, SubnetId},
};

/// What AWS is to match.
pub(super) struct Matched<'a> {
    /// The network's own fingerprint.
    pub(super) network: String,
    /// Whether the VPC is another account's: what its owner must do was never in
    /// force through us.
    pub(super) shared: bool,
    /// Whether all stays that nobody remembers. What goes when a grace period is
    /// over was put there by no one; when it is over does not matter.
    pub(super) everything_stays: bool,
    /// Profiles without a say, with what stays for them.
    pub(super) holders: &'a [(ProfileKey, Holdings)],
    /// The profiles of the network.
    pub(super) profiles: Vec<Part<'a>>,
    /// What others serve: what they take away of theirs was never ours to put
    /// back.
    pub(super) served_by_others: BTreeSet<String>,
}

/// A profile's part in it.
pub(super) struct Part<'a> {
    key: &'a ProfileKey,
    standing: Standing,
    tables: &'a BTreeMap<RouteTableId, Vec<&'a SubnetId>>,
}

impl<'a> Part<'a> {
    pub(super) fn of(resolved: &'a ResolvedProfile<'_>) -> Self {
        Self {
            key: resolved.key(),
            standing: resolved.standing,
            tables: &resolved.tables,
        }
    }

    fn form(&self) -> PartForm<'_> {
        let Self { key, standing, tables } = self;
        PartForm {
            profile: key.to_string(),
            standing: match standing {
                Standing::TakesPart => "TakesPart",
                Standing::Kept => "Kept",
                Standing::Out => "Out",
            },
            tables,
        }
    }
}

/// What is hashed, in the order of the names.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Form<'a> {
    everything_stays: bool,
    holders: Vec<HolderForm>,
    network: &'a str,
    profiles: Vec<PartForm<'a>>,
    served_by_others: &'a BTreeSet<String>,
    shared_vpc: bool,
}

#[derive(Serialize)]
struct HolderForm {
    holdings: String,
    profile: String,
}

#[derive(Serialize)]
struct PartForm<'a> {
    profile: String,
    standing: &'static str,
    tables: &'a BTreeMap<RouteTableId, Vec<&'a SubnetId>>,
}

impl Matched<'_> {
    pub(super) fn fingerprint(&self) -> String {
        hashed(&self.form())
    }

    fn form(&self) -> Form<'_> {
        let Self {
            network,
            shared,
            everything_stays,
            holders,
            profiles,
            served_by_others,
        } = self;
        let holders = holders.iter().map(|(key, holdings)| HolderForm {
            holdings: holdings.to_string(),
            profile: key.to_string(),
        });
        Form {
            everything_stays: *everything_stays,
            holders: holders.collect(),
            network,
            profiles: profiles.iter().map(Part::form).collect(),
            served_by_others,
            shared_vpc: *shared,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_aws_matched_stays_known_and_each_part_of_it_matters() {
        let [fraud, risk, loans] = ["fraud", "risk", "loans"].map(|name| ProfileKey::new("ml", name));
        let subnet = SubnetId::new("subnet-1");
        let tables = BTreeMap::from([(RouteTableId::new("rtb-1"), vec![&subnet])]);
        let no_tables = BTreeMap::new();
        let holdings: Holdings = "AQ".parse().unwrap();
        let holders = [(risk, holdings)];
        let part = |standing, tables| {
            vec![Part {
                key: &fraud,
                standing,
                tables,
            }]
        };
        let whole = || Matched {
            network: "0123456789abcdef0123456789abcdef".to_owned(),
            shared: true,
            everything_stays: true,
            holders: &holders,
            profiles: part(Standing::TakesPart, &tables),
            served_by_others: BTreeSet::from(["S3 from rtb-1".to_owned()]),
        };
        let expected = json!({
            "network": "0123456789abcdef0123456789abcdef",
            "sharedVpc": true,
            "everythingStays": true,
            "holders": [{ "profile": "ml/risk", "holdings": "AQ" }],
            "profiles": [{ "profile": "ml/fraud", "standing": "TakesPart", "tables": { "rtb-1": ["subnet-1"] } }],
            "servedByOthers": ["S3 from rtb-1"],
        });
        assert_eq!(serde_json::to_value(whole().form()).unwrap(), expected);
        // To change this is to have no cluster know what was in force, so that
        // each asks for approval of repairs again: see the module's head.
        assert_eq!(whole().fingerprint(), "3de162690eb2f6f8180b6bcc63ac146e");

        let others = [
            Matched {
                network: String::new(),
                ..whole()
            },
            Matched {
                shared: false,
                ..whole()
            },
            Matched {
                everything_stays: false,
                ..whole()
            },
            Matched {
                holders: &[],
                ..whole()
            },
            Matched {
                holders: &[(loans, holdings)],
                ..whole()
            },
            Matched {
                profiles: Vec::new(),
                ..whole()
            },
            Matched {
                profiles: part(Standing::Kept, &tables),
                ..whole()
            },
            Matched {
                profiles: part(Standing::Out, &tables),
                ..whole()
            },
            Matched {
                profiles: part(Standing::TakesPart, &no_tables),
                ..whole()
            },
            Matched {
                served_by_others: BTreeSet::new(),
                ..whole()
            },
        ];
        let mut all: BTreeSet<String> = others.iter().map(Matched::fingerprint).collect();
        all.insert(whole().fingerprint());
        assert_eq!(all.len(), others.len() + 1);
    }
}
