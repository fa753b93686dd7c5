//! Whose what carries our tags is: the one place that decides it.
//!
//! Tags can be copied: by a console, a module that another resource was made
//! from, a tool that tags by rule. So a resource is ours when it carries our
//! tags, is of the kind and in the place that the tags speak of, and is the one
//! that we know of:
//!
//! | What is known | What is ours |
//! |---|---|
//! | the ledger names an id | that one, and none of the others |
//! | a security group | the one with the name that we give: names are unique in a VPC |
//! | nothing else, as where status was lost, and one fits | that one |
//! | nothing else, and several fit | none of them, until a person has said which |
//! | it is marked as adopted | only what `spec.adopt` lists, or what we noted when we adopted it |
//!
//! Whatever else carries our tags is somebody else's: it may serve, as anything
//! of others' may, and it is told, and never changed.

mod candidates;
mod told;

use std::collections::BTreeMap;

use self::candidates::{Candidate, CandidateKind, Fit, candidates};
pub(super) use self::told::tell;
use super::{History, result::HeldId};
use crate::{
    api::LedgerEntry,
    desired::Network,
    observed::VpcSnapshot,
    types::{ResourceKey, listed},
};

/// What carries our tags in a VPC, by whose it is.
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// What is ours, by its id.
    ours: BTreeMap<String, Ours>,
    /// What carries our tags and is not known to be ours, by its id.
    strangers: BTreeMap<String, Stranger>,
}

/// Something of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ours {
    /// What it is for.
    pub(super) key: ResourceKey,
    /// Whether it was there before us.
    pub(super) adopted: bool,
    /// Whether it serves, or may: the last of its purpose to be made.
    pub(super) lasting: bool,
}

/// Something that carries our tags and is not known to be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stranger {
    /// What its tags say that it is for.
    key: ResourceKey,
    kind: CandidateKind,
    why: Why,
}

/// Why something with our tags is not known to be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    /// It is of another kind, or has another name or place than ours would.
    Misfit,
    /// We made another.
    AnotherIsOurs(String),
    /// It was there when we began to make ours.
    OlderThanOurs,
    /// It is marked as adopted, and nothing says that we adopted it.
    NotAdopted,
    /// It fits, and so do others.
    Unclear,
    /// It is gone or going, and nothing says that it was ours.
    Gone,
}

impl Claims {
    /// Looks through everything that carries our tags.
    pub(super) fn look(network: &Network, snapshot: &VpcSnapshot, history: &History) -> Self {
        let mut by_key: BTreeMap<ResourceKey, Vec<Candidate<'_>>> = BTreeMap::new();
        for candidate in candidates(network, snapshot) {
            by_key.entry(candidate.key.clone()).or_default().push(candidate);
        }
        let mut claims = Self::default();
        for (key, candidates) in by_key {
            claims.settle(network, history, &key, candidates);
        }
        claims
    }

    /// Decides among all that carry the tags for one purpose.
    fn settle(&mut self, network: &Network, history: &History, key: &ResourceKey, candidates: Vec<Candidate<'_>>) {
        let entry = history.ledger.get(key);
        let mut open: Vec<Candidate<'_>> = Vec::new();
        for candidate in candidates {
            let adopted_by_us = is_adopted_by(entry, candidate.id);
            let noted = is_noted(history, entry, candidate.id);
            let listed = candidate.marked_adopted && network.vpc.adopts(candidate.id);
            match candidate.fit {
                Fit::Not => self.leave(&candidate, Why::Misfit),
                Fit::InPlace | Fit::Free | Fit::Elsewhere | Fit::Gone if noted || listed => {
                    self.take(&candidate, candidate.marked_adopted || adopted_by_us, entry);
                }
                Fit::Elsewhere => self.leave(&candidate, Why::Misfit),
                Fit::InPlace | Fit::Free | Fit::Gone => {
                    if candidate.marked_adopted {
                        self.leave(&candidate, Why::NotAdopted);
                    } else if candidate.named {
                        self.take(&candidate, false, entry);
                    } else if history.others.contains(candidate.id) {
                        self.leave(&candidate, Why::OlderThanOurs);
                    } else {
                        open.push(candidate);
                    }
                }
            }
        }
        let made = entry.and_then(|entry| entry.id.clone());
        match made.or_else(|| self.holder(key).map(str::to_owned)) {
            Some(other) => {
                for candidate in &open {
                    self.leave(candidate, why_beside(candidate, &other));
                }
            }
            None => self.choose(open),
        }
    }

    /// Decides among those that nothing is known of but what they are and where.
    fn choose(&mut self, open: Vec<Candidate<'_>>) {
        let (gone, live): (Vec<_>, Vec<_>) = open.into_iter().partition(|candidate| candidate.fit == Fit::Gone);
        // An address that is where it belongs is likelier than one that is free.
        let best = live.iter().map(|candidate| candidate.fit).min();
        let (best, rest): (Vec<_>, Vec<_>) = live.into_iter().partition(|candidate| Some(candidate.fit) == best);
        match best.as_slice() {
            [only] => {
                self.take(only, false, None);
                for candidate in &rest {
                    self.leave(candidate, Why::AnotherIsOurs(only.id.to_owned()));
                }
                gone.iter().for_each(|candidate| self.leave(candidate, Why::Gone));
            }
            [] => {
                if let [only] = gone.as_slice() {
                    self.take(only, false, None);
                } else {
                    gone.iter().for_each(|candidate| self.leave(candidate, Why::Gone));
                }
            }
            [_, ..] => {
                for candidate in best.iter().chain(&rest) {
                    self.leave(candidate, Why::Unclear);
                }
                gone.iter().for_each(|candidate| self.leave(candidate, Why::Gone));
            }
        }
    }

    fn take(&mut self, candidate: &Candidate<'_>, adopted: bool, entry: Option<&LedgerEntry>) {
        let made = entry.and_then(|entry| entry.id.as_deref());
        let lasting = candidate.fit != Fit::Gone && made.is_none_or(|id| id == candidate.id);
        let ours = Ours {
            key: candidate.key.clone(),
            adopted,
            lasting,
        };
        self.ours.insert(candidate.id.to_owned(), ours);
    }

    fn leave(&mut self, candidate: &Candidate<'_>, why: Why) {
        let stranger = Stranger {
            key: candidate.key.clone(),
            kind: candidate.kind,
            why,
        };
        self.strangers.insert(candidate.id.to_owned(), stranger);
    }

    /// What a resource is for, if it is ours.
    pub(super) fn key_of(&self, id: &str) -> Option<&ResourceKey> {
        self.ours.get(id).map(|ours| &ours.key)
    }

    /// Whether it is ours.
    pub(super) fn is_ours(&self, id: &str) -> bool {
        self.ours.contains_key(id)
    }

    /// Whether it is ours and was there before us: it is released in the end.
    pub(super) fn is_adopted(&self, id: &str) -> bool {
        self.ours.get(id).is_some_and(|ours| ours.adopted)
    }

    /// What is ours, by its id.
    pub(super) fn ours(&self) -> &BTreeMap<String, Ours> {
        &self.ours
    }

    /// The one of ours that has this purpose and is not gone.
    pub(super) fn holder(&self, key: &ResourceKey) -> Option<&str> {
        let mut ours = self.ours.iter();
        ours.find(|(_, ours)| ours.key == *key && ours.lasting)
            .map(|(id, _)| id.as_str())
    }

    /// The ids that only a ledger tells from others with the same tags.
    pub(super) fn held(&self) -> BTreeMap<ResourceKey, HeldId> {
        let lasting = self.ours.iter().filter(|(_, ours)| ours.lasting);
        lasting
            .filter(|(_, ours)| ours.adopted || !has_a_name(&ours.key))
            .map(|(id, ours)| {
                let held = HeldId {
                    id: id.clone(),
                    adopted: ours.adopted,
                };
                (ours.key.clone(), held)
            })
            .collect()
    }

    /// What carries our tags and is left alone, with what its tags say that it
    /// is for.
    pub(super) fn strangers(&self) -> BTreeMap<String, ResourceKey> {
        let all = self.strangers.iter();
        all.map(|(id, stranger)| (id.clone(), stranger.key.clone())).collect()
    }

    /// Why nothing can be made for this purpose yet: which of several is ours
    /// is not known.
    pub(super) fn unclear(&self, key: &ResourceKey) -> Option<String> {
        let among: Vec<&String> = self
            .strangers
            .iter()
            .filter(|(_, stranger)| stranger.key == *key && stranger.why == Why::Unclear)
            .map(|(id, _)| id)
            .collect();
        (!among.is_empty()).then(|| {
            format!(
                "{} carry sagevpc's tags for {key}, and which of them sagevpc made is not known any more: none is \
                 changed, and no other is made. {}",
                listed(among),
                told::fix("those that are not sagevpc's")
            )
        })
    }
}

/// Whether what has this purpose has a name that no other has in its VPC.
pub(super) fn has_a_name(key: &ResourceKey) -> bool {
    match key {
        ResourceKey::WorkloadSecurityGroup { .. }
        | ResourceKey::EndpointSecurityGroup
        | ResourceKey::ElasticInferenceClient
        | ResourceKey::ElasticInferenceEndpoint
        | ResourceKey::NetworkAclEntries { .. }
        | ResourceKey::DefaultRoute { .. }
        | ResourceKey::BucketPolicy { .. }
        | ResourceKey::RolePolicy { .. } => true,
        ResourceKey::S3GatewayEndpoint
        | ResourceKey::S3ExpressGatewayEndpoint
        | ResourceKey::InterfaceEndpoint { .. }
        | ResourceKey::NatGateway { .. }
        | ResourceKey::Address { .. }
        | ResourceKey::FlowLog { .. } => false,
    }
}

/// Why something is not ours where another is.
fn why_beside(candidate: &Candidate<'_>, other: &str) -> Why {
    match candidate.fit {
        Fit::Gone => Why::Gone,
        Fit::InPlace | Fit::Free | Fit::Elsewhere | Fit::Not => Why::AnotherIsOurs(other.to_owned()),
    }
}

/// Whether we were told of this id when we made or adopted it.
fn is_noted(history: &History, entry: Option<&LedgerEntry>, id: &str) -> bool {
    let is_current = entry.is_some_and(|entry| entry.id.as_deref() == Some(id));
    is_current || history.earlier.contains(id)
}

fn is_adopted_by(entry: Option<&LedgerEntry>, id: &str) -> bool {
    entry.is_some_and(|entry| entry.adopted && entry.id.as_deref() == Some(id))
}
