//! Who leads: the rules of client-go's leader election. Pure: what was seen
//! and the time are arguments.
//!
//! A Lease is a small object that its holder rewrites every few seconds. Others
//! may take it once they have not seen it change for as long as it says. What
//! counts is *when they saw it* by their own clock: the times in it are of
//! another machine's, and are for people. A write is refused if the object has
//! changed since it was read, so that of two who try, one gets it.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    Moment,
    record::{LONGEST, Record, Version},
};

/// The three times of an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long others wait after the last renewal that they saw.
    pub lease: Duration,
    /// How long the holder acts after the last renewal that succeeded, counted
    /// from when that began. Shorter than the lease, by more than a call takes.
    pub renew_deadline: Duration,
    /// How long between two attempts.
    pub retry: Duration,
}

impl Default for Timing {
    /// Such that a standby works within 15 s after its leader was killed: 2 s
    /// until it sees the last renewal, 12 s until that is over.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(12),
            renew_deadline: Duration::from_secs(8),
            retry: Duration::from_secs(2),
        }
    }
}

/// Why times do not fit each other.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TimingError {
    /// The lease is too long, or not of whole seconds.
    #[error("the lease must last whole seconds, at most {}", LONGEST.as_secs())]
    Lease,
    /// Others would take over while the holder still acts.
    #[error("the renew deadline must be shorter than the lease")]
    RenewDeadline,
    /// One failed attempt would end the term.
    #[error("the retry period must be positive, and shorter than half the renew deadline")]
    Retry,
}

impl Timing {
    /// Checks that the times fit each other.
    ///
    /// # Errors
    ///
    /// When they do not.
    pub fn checked(self) -> Result<Self, TimingError> {
        if self.lease > LONGEST || self.lease.subsec_nanos() != 0 {
            return Err(TimingError::Lease);
        }
        if self.renew_deadline >= self.lease {
            return Err(TimingError::RenewDeadline);
        }
        if self.retry.is_zero() || self.retry * 2 >= self.renew_deadline {
            return Err(TimingError::Retry);
        }
        Ok(self)
    }
}

/// What a candidate knows of the Lease.
#[derive(Clone, Debug)]
struct Observed {
    record: Record,
    version: Version,
    /// When this record was first seen.
    at: Moment,
}

/// One candidate.
#[derive(Clone, Debug)]
pub struct Election {
    identity: String,
    timing: Timing,
    observed: Option<Observed>,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Write this, to have or to keep the lease: over the version given, or as
    /// a new object where there is none.
    Write(Record, Option<Version>),
    /// Somebody else has it: look again then.
    Wait(Moment),
}

impl Election {
    /// A candidate of this name, which no other may have.
    pub fn new(identity: String, timing: Timing) -> Self {
        Self {
            identity,
            timing,
            observed: None,
        }
    }

    /// The candidate's name.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The times.
    pub fn timing(&self) -> Timing {
        self.timing
    }

    /// Who has the lease, as far as is known; empty where nobody does.
    pub fn holder(&self) -> &str {
        self.observed
            .as_ref()
            .map(|observed| observed.record.holder.as_str())
            .unwrap_or_default()
    }

    /// Whether the lease was last seen in our hands.
    pub fn is_ours(&self) -> bool {
        self.holder() == self.identity
    }

    /// Takes in what the object says, seen `now`; `None` where there is none.
    /// A record that is the same as before is as old as it was.
    pub fn see(&mut self, found: Option<(Record, Version)>, now: Moment) {
        let before = self.observed.take();
        self.observed = found.map(|(record, version)| Observed {
            at: match before {
                Some(before) if before.record == record => before.at,
                Some(_) | None => now,
            },
            record,
            version,
        });
    }

    /// What to do `now`. `time` is the time of day, for people.
    pub fn decide(&self, now: Moment, time: Timestamp) -> Decision {
        let Some(Observed { record, version, at }) = &self.observed else {
            return Decision::Write(self.claim(None, time), None);
        };
        let over = *at + record.duration;
        let is_free = record.holder.is_empty() || record.holder == self.identity || now >= over;
        if is_free {
            Decision::Write(self.claim(Some(record), time), Some(version.clone()))
        } else {
            Decision::Wait(over.min(now + self.timing.retry))
        }
    }

    /// What a write that began at `begun` gives: the right to act until then.
    pub fn acts_until(&self, begun: Moment) -> Moment {
        begun + self.timing.renew_deadline
    }

    /// What to write so that others need not wait, if the lease is ours.
    pub fn release(&self, time: Timestamp) -> Option<(Record, Version)> {
        let observed = self.observed.as_ref().filter(|_| self.is_ours())?;
        let released = Record {
            holder: String::new(),
            // client-go writes this, and others may look at it before the holder.
            duration: Duration::from_secs(1),
            acquired: Some(time),
            renewed: Some(time),
            transitions: observed.record.transitions,
        };
        Some((released, observed.version.clone()))
    }

    fn claim(&self, before: Option<&Record>, time: Timestamp) -> Record {
        let kept = before.filter(|record| record.holder == self.identity);
        Record {
            holder: self.identity.clone(),
            duration: self.timing.lease,
            acquired: kept.and_then(|record| record.acquired).or(Some(time)),
            renewed: Some(time),
            transitions: match (kept, before) {
                (Some(record), _) => record.transitions,
                (None, Some(record)) => record.transitions.saturating_add(1),
                (None, None) => 0,
            },
        }
    }
}

#[cfg(test)]
mod tests;
