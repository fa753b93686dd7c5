//! What a Lease says.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::core::ObjectMeta;

/// What candidates take for the duration of a lease at most: whoever writes a
/// longer one into the object could else keep all others out for ever.
pub const LONGEST: Duration = Duration::from_secs(600);

/// What a Lease says, as far as an election goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Who holds it; empty where nobody does.
    pub holder: String,
    /// How long others wait, counted from when they see it change.
    pub duration: Duration,
    /// When its holder got it, by the holder's clock: for people to read.
    pub acquired: Option<Timestamp>,
    /// When its holder renewed it last, likewise.
    pub renewed: Option<Timestamp>,
    /// How often it changed hands.
    pub transitions: i32,
}

/// The version of an object. A write that is based on another one is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub String);

impl Record {
    /// What an object says. Nothing where it has no version, which every stored
    /// one has: a write without a version would not be refused.
    pub fn read(lease: &Lease) -> Option<(Self, Version)> {
        let version = lease.metadata.resource_version.clone()?;
        let spec = lease.spec.clone().unwrap_or_default();
        let duration = u64::try_from(spec.lease_duration_seconds.unwrap_or_default()).unwrap_or_default();
        let record = Self {
            holder: spec.holder_identity.unwrap_or_default(),
            duration: Duration::from_secs(duration).min(LONGEST),
            acquired: spec.acquire_time.map(|time| time.0),
            renewed: spec.renew_time.map(|time| time.0),
            transitions: spec.lease_transitions.unwrap_or_default(),
        };
        Some((record, Version(version)))
    }

    /// The object that says it, based on `version`; a new one where that is
    /// `None`.
    pub fn write(&self, name: &str, namespace: &str, version: Option<&Version>) -> Lease {
        Lease {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some(namespace.to_owned()),
                resource_version: version.map(|version| version.0.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.holder.clone()),
                lease_duration_seconds: i32::try_from(self.duration.as_secs()).ok(),
                acquire_time: self.acquired.map(MicroTime),
                renew_time: self.renewed.map(MicroTime),
                lease_transitions: Some(self.transitions),
                ..LeaseSpec::default()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let record = Record {
            holder: "pod-1_ab".into(),
            duration: Duration::from_secs(12),
            acquired: Some("2026-01-01T12:00:00.25Z".parse().unwrap()),
            renewed: Some("2026-01-01T12:00:02Z".parse().unwrap()),
            transitions: 3,
        };
        let version = Version("7".into());
        let lease = record.write("sagevpc", "sagevpc-system", Some(&version));
        assert_eq!(Record::read(&lease), Some((record, version)));
    }

    fn lasting(seconds: Option<i32>) -> Record {
        let lease = Lease {
            metadata: ObjectMeta {
                resource_version: Some("7".into()),
                ..ObjectMeta::default()
            },
            spec: seconds.map(|seconds| LeaseSpec {
                lease_duration_seconds: Some(seconds),
                ..LeaseSpec::default()
            }),
        };
        Record::read(&lease).unwrap().0
    }

    #[test]
    fn what_others_wrote_is_read_with_care() {
        assert_eq!(lasting(None), Record::default());
        assert_eq!(lasting(Some(-1)), Record::default());
        assert_eq!(lasting(Some(i32::MAX)).duration, LONGEST);
        assert_eq!(Record::read(&Lease::default()), None);
    }
}
