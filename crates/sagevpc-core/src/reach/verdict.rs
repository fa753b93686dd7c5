//! What the parts of a way come to.

use std::collections::BTreeSet;

use super::{
    cause::{Cause, Stop},
    hop::Hop,
    names::Resolution,
    parts::{Part, path},
    space::{Space, take},
    start::Start,
    unseen::Unseen,
};

/// The steps of a way, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(pub Vec<Hop>);

/// Whether packets get there, and answers back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They do.
    Reachable(Path),
    /// They do not: the way up to the first stop.
    Stopped(Path, Stop),
    /// It hangs on what cannot be seen.
    Unknown(Path, Vec<Unseen>),
}

impl Verdict {
    /// The way, as far as it goes.
    pub const fn path(&self) -> &Path {
        match self {
            Self::Reachable(path) | Self::Stopped(path, _) | Self::Unknown(path, _) => path,
        }
    }
}

/// A verdict on what is not plainly reached, with all that is in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether packets get there.
    pub verdict: Verdict,
    /// Everything that stops them, the first first, as far as that can be found
    /// out before the first is mended; where it is not known whether they are
    /// stopped, what stops them on the way to some of the addresses.
    pub causes: Vec<Cause>,
    /// What cannot be seen, also past what stops them.
    pub unseen: Vec<Unseen>,
    /// What stops only those that were told to use other ports than SageMaker's
    /// instances do.
    pub remarks: Vec<Cause>,
}

/// The addresses of a destination that packets get to, on the ports that are
/// asked for.
#[derive(Clone, Debug, Default)]
pub struct Extent(pub(super) Space);

impl Extent {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of the other's are among them.
    pub fn covers(&self, other: &Self) -> bool {
        let mut rest = other.0.clone();
        for cell in &self.0 {
            take(&mut rest, &cell.net, cell.ports);
        }
        rest.is_empty()
    }
}

impl From<Verdict> for Extent {
    /// What is clear from the start is that they get nowhere.
    fn from(_: Verdict) -> Self {
        Self::default()
    }
}

impl From<Verdict> for Option<Answer> {
    /// What is clear from the start has one cause.
    fn from(verdict: Verdict) -> Self {
        let causes = match &verdict {
            Verdict::Stopped(_, stop) => vec![stop.cause.clone()],
            Verdict::Reachable(_) | Verdict::Unknown(..) => Vec::new(),
        };
        Some(Answer {
            verdict,
            causes,
            unseen: Vec::new(),
            remarks: Vec::new(),
        })
    }
}

impl Start<'_, '_> {
    /// Everything that stops any part, each cause once, the first first.
    pub(super) fn causes(&self, resolution: &Resolution, parts: &[Part<'_>], first: &Cause) -> Vec<Cause> {
        // Behind a detour nothing is to be mended.
        if resolution.detour.is_some() {
            let detour = parts.iter().find_map(|part| part.stops.first());
            let detour = detour.map(|(_, cause)| self.explained(resolution, cause.clone()));
            return distinct(std::iter::once(first.clone()).chain(detour));
        }
        let all = stops_of(parts);
        distinct(std::iter::once(first.clone()).chain(all))
    }

    /// The cause, or that of the detour that led to it.
    fn explained(&self, resolution: &Resolution, cause: Cause) -> Cause {
        let vpc = self.reach.snapshot.vpc.vpc_id.as_str();
        match &resolution.detour {
            Some(detour) => detour.explain(vpc, cause),
            None => cause,
        }
    }

    /// What it comes to.
    pub(super) fn conclude(&self, resolution: &Resolution, parts: &[Part<'_>]) -> Verdict {
        if let Some(cause) = &resolution.unresolved {
            let cause = cause.clone();
            return Verdict::Stopped(Path::default(), Stop { cause, part: None });
        }
        let stopped = parts
            .iter()
            .find_map(|part| part.stops.first().map(|(_, cause)| (part, cause)));
        let open = parts.iter().find(|part| part.stops.is_empty());
        let mut unseen = resolution.unseen.clone();
        let is_stopped = match (&resolution.somewhere_in, &stopped, open) {
            (_, None, _) => false,
            (Some(name), Some(_), Some(_)) => {
                unseen.push(Unseen::Addresses { name: name.clone() });
                false
            }
            (None, Some(_), _) | (Some(_), Some(_), None) => true,
        };
        if let (true, Some((part, cause))) = (is_stopped, stopped) {
            let fares_alike = |other: &Part<'_>| other.stops.first().is_some_and(|(_, first)| first == cause);
            let is_a_part = !parts.iter().all(fares_alike) && resolution.targets.len() == 1;
            let first_cell = || part.leg.space.first().map(|cell| cell.net);
            let stop = Stop {
                cause: self.explained(resolution, cause.clone()),
                part: part.only.or_else(|| first_cell().filter(|_| is_a_part)),
            };
            return Verdict::Stopped(path(resolution, part), stop);
        }
        for part in parts.iter().filter(|part| part.stops.is_empty()) {
            unseen.extend(part.unseen.iter().cloned());
        }
        unseen.sort();
        unseen.dedup();
        let shown = parts
            .iter()
            .filter(|part| part.stops.is_empty())
            .max_by_key(|part| !part.unseen.is_empty());
        let path = shown.map_or_else(|| Path(resolution.hops.clone()), |part| path(resolution, part));
        if unseen.is_empty() {
            Verdict::Reachable(path)
        } else {
            Verdict::Unknown(path, unseen)
        }
    }
}

/// What cannot be seen of the way, also past what stops it.
pub(super) fn unseen_of(resolution: &Resolution, parts: &[Part<'_>]) -> Vec<Unseen> {
    let of_parts = parts.iter().flat_map(|part| &part.unseen);
    let unseen: BTreeSet<&Unseen> = resolution.unseen.iter().chain(of_parts).collect();
    unseen.into_iter().cloned().collect()
}

/// What stops any part.
pub(super) fn stops_of<'p>(parts: &'p [Part<'_>]) -> impl Iterator<Item = Cause> + 'p {
    parts
        .iter()
        .flat_map(|part| part.stops.iter().map(|(_, cause)| cause.clone()))
}

/// Each once, in the order in which they come.
pub(super) fn distinct<T: PartialEq>(causes: impl Iterator<Item = T>) -> Vec<T> {
    causes.fold(Vec::new(), |mut all, cause| {
        if !all.contains(&cause) {
            all.push(cause);
        }
        all
    })
}
