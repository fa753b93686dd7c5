//! Which lease the controller works under, from flags and the pod's surroundings.

use std::{path::Path, time::Duration};

use anyhow::Context;

use crate::{cluster::rbac, controller::LeaseSettings, lease::Timing};

/// Where a pod finds the namespace that it is in.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Under which lease to work.
#[derive(clap::Args, Debug)]
pub struct LeaseArgs {
    /// Whether to work only while holding a lease, so that several processes
    /// can run and one works. Without it, see to it that no other runs.
    #[arg(long, env = "SAGEVPC_LEADER_ELECT", value_name = "BOOL", default_value_t = true,
          action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    leader_elect: bool,
    /// The namespace of the Lease. By default the pod's own.
    #[arg(long, env = "SAGEVPC_LEASE_NAMESPACE", value_name = "NAMESPACE")]
    lease_namespace: Option<String>,
    /// The name of the Lease.
    #[arg(long, env = "SAGEVPC_LEASE_NAME", value_name = "NAME", default_value = rbac::LEASE)]
    lease_name: String,
    /// The name under which this process holds the lease. No other process may
    /// have it. By default the pod's name and something random.
    #[arg(long, env = "SAGEVPC_LEASE_IDENTITY", value_name = "NAME")]
    lease_identity: Option<String>,
    /// How long others wait after the last renewal that they saw, in seconds.
    #[arg(long, env = "SAGEVPC_LEASE_DURATION", value_name = "SECONDS",
          default_value_t = Timing::default().lease.as_secs())]
    lease_duration: u64,
    /// How long the holder works on after it last renewed the lease, in seconds.
    #[arg(long, env = "SAGEVPC_RENEW_DEADLINE", value_name = "SECONDS",
          default_value_t = Timing::default().renew_deadline.as_secs_f64(), value_parser = seconds)]
    renew_deadline: f64,
    /// How long between two attempts to take or to renew it, in seconds.
    #[arg(long, env = "SAGEVPC_RETRY_PERIOD", value_name = "SECONDS",
          default_value_t = Timing::default().retry.as_secs_f64(), value_parser = seconds)]
    retry_period: f64,
}

impl LeaseArgs {
    /// The lease to work under, if any.
    ///
    /// # Errors
    ///
    /// When the namespace is not known, or the times do not fit each other.
    pub fn settings(self) -> anyhow::Result<Option<LeaseSettings>> {
        if !self.leader_elect {
            return Ok(None);
        }
        let timing = Timing {
            lease: Duration::from_secs(self.lease_duration),
            renew_deadline: Duration::from_secs_f64(self.renew_deadline),
            retry: Duration::from_secs_f64(self.retry_period),
        };
        Ok(Some(LeaseSettings {
            namespace: match self.lease_namespace {
                Some(namespace) => namespace,
                None => pods_namespace(Path::new(NAMESPACE_FILE))?,
            },
            name: self.lease_name,
            identity: self.lease_identity.unwrap_or_else(identity),
            timing: timing
                .checked()
                .context("see --lease-duration, --renew-deadline and --retry-period")?,
        }))
    }
}

fn pods_namespace(file: &Path) -> anyhow::Result<String> {
    let namespace = std::fs::read_to_string(file).context(
        "outside a pod, say with --lease-namespace which namespace the lease is in, or with --leader-elect=false that \
         no other sagevpc runs",
    )?;
    Ok(namespace.trim().to_owned())
}

/// The pod's name, for people, and something that no other process has, not even
/// the container before this one.
fn identity() -> String {
    let pod = ["POD_NAME", "HOSTNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    format!("{}_{:016x}", pod.as_deref().unwrap_or("sagevpc"), fastrand::u64(..))
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=600.0).contains(&seconds) => Ok(seconds),
        Ok(_) | Err(_) => Err("a number of seconds up to 600".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser, Debug)]
    struct Program {
        #[command(flatten)]
        lease: LeaseArgs,
    }

    fn settings(arguments: &[&str]) -> anyhow::Result<Option<LeaseSettings>> {
        Program::try_parse_from([&["sagevpc"], arguments].concat())?
            .lease
            .settings()
    }

    #[test]
    fn no_two_processes_have_one_name() {
        let identity = || settings(&["--lease-namespace=here"]).unwrap().unwrap().identity;
        assert_ne!(identity(), identity());
    }

    #[test]
    fn what_is_said_holds() {
        let said = settings(&[
            "--lease-namespace=here",
            "--lease-name=other",
            "--lease-identity=me",
            "--lease-duration=15",
            "--renew-deadline=10",
            "--retry-period=0.5",
        ]);
        let said = said.unwrap().unwrap();
        assert_eq!(
            (said.namespace.as_str(), said.name.as_str(), said.identity.as_str()),
            ("here", "other", "me")
        );
        assert_eq!(said.timing.lease, Duration::from_secs(15));
        assert_eq!(said.timing.renew_deadline, Duration::from_secs(10));
        assert_eq!(said.timing.retry, Duration::from_millis(500));
        assert!(settings(&["--leader-elect=false"]).unwrap().is_none());
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_flags_to_look_at() {
        let refused = |arguments: &[&str]| format!("{:#}", settings(arguments).unwrap_err());
        let times = refused(&["--lease-namespace=here", "--lease-duration=8"]);
        assert!(
            times.contains("--renew-deadline") && times.contains("shorter than the lease"),
            "{times}"
        );
        assert!(refused(&["--retry-period=soon"]).contains("number of seconds"));
        let nowhere = pods_namespace(Path::new("/nowhere/namespace")).unwrap_err();
        assert!(format!("{nowhere:#}").contains("--lease-namespace"), "{nowhere:#}");
    }
}
