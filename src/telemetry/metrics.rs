//! Metrics: one table, and the means to count.
//!
//! Labels are bounded: by words of fixed lists, by AWS's names of the calls
//! that are made, by the number of SageMakerVpc objects, and by the subnets that
//! each of them offers.

use std::{fmt, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::Registry,
};

use super::{
    label_values::{LeaseChange, PassResult, Written},
    vpc_gauges::{GaugesByVpc, VpcGauges},
};
use crate::aws::{CallObserver, CallOutcome};
use sagevpc_core::api::ActionState;

/// One metric, for people to read.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

/// Every metric.
pub const TABLE: &[Described] = &[
    BUILD,
    PASSES,
    PASS_SECONDS,
    AWS_CALLS,
    AWS_CALL_SECONDS,
    ACTIONS,
    DRIFT_FOUND,
    DRIFT_REPAIRED,
    WRITES,
    PANICS,
    LEADER,
    LEASE_CHANGES,
    READY,
    WORKLOADS,
    PROFILES,
    DRIFT_OPEN,
    HELD,
    SUBNET_ADDRESSES,
];

const BUILD: Described = Described {
    name: "sagevpc_build",
    labels: &["version"],
    help: "The version that runs",
};
const PASSES: Described = Described {
    name: "sagevpc_passes_total",
    labels: &["result"],
    help: "Passes over a SageMakerVpc, by how they ended",
};
const PASS_SECONDS: Described = Described {
    name: "sagevpc_pass_duration_seconds",
    labels: &["result"],
    help: "How long passes over a SageMakerVpc took",
};
const AWS_CALLS: Described = Described {
    name: "sagevpc_aws_calls_total",
    labels: &["service", "action", "outcome"],
    help: "Attempts at calls to AWS, retries included",
};
const AWS_CALL_SECONDS: Described = Described {
    name: "sagevpc_aws_call_duration_seconds",
    labels: &["service", "action"],
    help: "How long attempts at calls to AWS took",
};
const ACTIONS: Described = Described {
    name: "sagevpc_actions_total",
    labels: &["action", "state"],
    help: "Changes to AWS that were tried, by what became of them",
};
const DRIFT_FOUND: Described = Described {
    name: "sagevpc_drift_found_total",
    labels: &["action"],
    help: "Differences found that were made behind our back, by the action that repairs them",
};
const DRIFT_REPAIRED: Described = Described {
    name: "sagevpc_drift_repaired_total",
    labels: &["action"],
    help: "Differences repaired that were made behind our back, by the action that repaired them",
};
const WRITES: Described = Described {
    name: "sagevpc_kubernetes_writes_total",
    labels: &["kind", "part", "outcome"],
    help: "Writes to our objects in Kubernetes; none in a steady state",
};
const PANICS: Described = Described {
    name: "sagevpc_panics_total",
    labels: &["kind"],
    help: "Passes that broke off by a bug of ours, by the kind of the object",
};
const LEADER: Described = Described {
    name: "sagevpc_leader",
    labels: &[],
    help: "1 where this process leads, 0 where it stands by",
};
const LEASE_CHANGES: Described = Described {
    name: "sagevpc_lease_changes_total",
    labels: &["change"],
    help: "How often this process took the lease, lost it, or gave it back",
};
pub(super) const READY: Described = Described {
    name: "sagevpc_vpc_ready",
    labels: &["vpc"],
    help: "1 where the SageMakerVpc is Ready, else 0",
};
pub(super) const WORKLOADS: Described = Described {
    name: "sagevpc_workloads",
    labels: &["vpc", "verdict"],
    help: "Workloads by whether they can run",
};
pub(super) const PROFILES: Described = Described {
    name: "sagevpc_profiles",
    labels: &["vpc", "state"],
    help: "Profiles by their state",
};
pub(super) const DRIFT_OPEN: Described = Described {
    name: "sagevpc_drift_open",
    labels: &["vpc"],
    help: "Differences from what is declared that are there now, made behind our back",
};
pub(super) const HELD: Described = Described {
    name: "sagevpc_held_actions",
    labels: &["vpc"],
    help: "Changes that wait to be approved",
};
pub(super) const SUBNET_ADDRESSES: Described = Described {
    name: "sagevpc_subnet_addresses",
    labels: &["vpc", "subnet", "state"],
    help: "Addresses of the subnets in use: free ones, and those needed besides what is held, by all that may use the \
           subnet together",
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PassLabels {
    result: PassResult,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    service: &'static str,
    action: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallDurationLabels {
    service: &'static str,
    action: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    action: &'static str,
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DriftLabels {
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LeaseLabels {
    change: LeaseChange,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PanicLabels {
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriteLabels {
    kind: String,
    part: Written,
    outcome: &'static str,
}

/// Histograms from 5 ms to 80 s.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(0.005, 2.0, 15))
}

type Durations<Labels> = Family<Labels, Histogram, fn() -> Histogram>;

/// The means to count.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    passes: Family<PassLabels, Counter>,
    pass_seconds: Durations<PassLabels>,
    aws_calls: Family<CallLabels, Counter>,
    aws_call_seconds: Durations<CallDurationLabels>,
    actions: Family<ActionLabels, Counter>,
    drift_found: Family<DriftLabels, Counter>,
    drift_repaired: Family<DriftLabels, Counter>,
    writes: Family<WriteLabels, Counter>,
    panics: Family<PanicLabels, Counter>,
    leader: Gauge,
    lease_changes: Family<LeaseLabels, Counter>,
    vpcs: GaugesByVpc,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            passes: Family::default(),
            pass_seconds: Family::new_with_constructor(durations),
            aws_calls: Family::default(),
            aws_call_seconds: Family::new_with_constructor(durations),
            actions: Family::default(),
            drift_found: Family::default(),
            drift_repaired: Family::default(),
            writes: Family::default(),
            panics: Family::default(),
            leader: Gauge::default(),
            lease_changes: Family::default(),
            vpcs: GaugesByVpc::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        register(&mut self.registry, BUILD, version);
        register(&mut self.registry, PASSES, self.passes.clone());
        register(&mut self.registry, PASS_SECONDS, self.pass_seconds.clone());
        register(&mut self.registry, AWS_CALLS, self.aws_calls.clone());
        register(&mut self.registry, AWS_CALL_SECONDS, self.aws_call_seconds.clone());
        register(&mut self.registry, ACTIONS, self.actions.clone());
        register(&mut self.registry, DRIFT_FOUND, self.drift_found.clone());
        register(&mut self.registry, DRIFT_REPAIRED, self.drift_repaired.clone());
        register(&mut self.registry, WRITES, self.writes.clone());
        register(&mut self.registry, PANICS, self.panics.clone());
        register(&mut self.registry, LEADER, self.leader.clone());
        register(&mut self.registry, LEASE_CHANGES, self.lease_changes.clone());
        self.registry.register_collector(Box::new(self.vpcs.clone()));
    }

    /// A pass ended.
    pub fn passed(&self, result: PassResult, took: Duration) {
        let labels = PassLabels { result };
        self.passes.get_or_create(&labels).inc();
        self.pass_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A change to AWS was tried.
    pub fn acted(&self, action: &'static str, state: ActionState) {
        self.actions
            .get_or_create(&ActionLabels {
                action,
                state: state.as_str(),
            })
            .inc();
    }

    /// A difference was found that was made behind our back.
    pub fn drift_found(&self, action: &'static str) {
        self.drift_found.get_or_create(&DriftLabels { action }).inc();
    }

    /// Such a difference was repaired.
    pub fn drift_repaired(&self, action: &'static str) {
        self.drift_repaired.get_or_create(&DriftLabels { action }).inc();
    }

    /// Something was written to Kubernetes, or refused by it.
    pub fn written(&self, kind: &str, part: Written, accepted: bool) {
        let outcome = if accepted { "Ok" } else { "Failed" };
        self.writes
            .get_or_create(&WriteLabels {
                kind: kind.to_owned(),
                part,
                outcome,
            })
            .inc();
    }

    /// A pass over an object of this kind broke off by a bug of ours.
    pub fn panicked(&self, kind: &str) {
        self.panics.get_or_create(&PanicLabels { kind: kind.to_owned() }).inc();
    }

    /// From now on, whether this process leads.
    pub fn leads(&self, does: bool) {
        self.leader.set(i64::from(does));
    }

    /// The lease was taken, lost, or given back.
    pub fn lease_changed(&self, change: LeaseChange) {
        self.lease_changes.get_or_create(&LeaseLabels { change }).inc();
    }

    /// Nothing is said of any VPC: another process looks after them.
    pub fn forget_all(&self) {
        self.vpcs.clear();
    }

    /// How a VPC stands now.
    pub fn stands(&self, vpc: &str, gauges: VpcGauges) {
        self.vpcs.set(vpc, gauges);
    }

    /// A VPC's object is gone, and so is what is said of it.
    pub fn forget(&self, vpc: &str) {
        self.vpcs.remove(vpc);
    }

    /// All metrics in the OpenMetrics text format.
    ///
    /// # Errors
    ///
    /// When a metric cannot be written, which its type rules out.
    pub fn render(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl CallObserver for Metrics {
    fn on_call(&self, service: &'static str, action: &str, outcome: CallOutcome, duration: Duration) {
        let action = action.to_owned();
        self.aws_calls
            .get_or_create(&CallLabels {
                service,
                action: action.clone(),
                outcome: outcome.as_str(),
            })
            .inc();
        self.aws_call_seconds
            .get_or_create(&CallDurationLabels { service, action })
            .observe(duration.as_secs_f64());
    }
}

/// The library adds the suffixes of counters and infos, and the full stop.
fn register(registry: &mut Registry, metric: Described, values: impl prometheus_client::registry::Metric) {
    registry.register(metric.name.trim_end_matches("_total"), metric.help, values);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::telemetry::ProfileState;
    use sagevpc_core::{api::Verdict, report::FailureKind};

    fn used() -> Metrics {
        let metrics = Metrics::default();
        metrics.passed(PassResult::Settled, Duration::from_millis(7));
        metrics.acted("CreateVpcEndpoint", ActionState::Done);
        metrics.drift_found("ModifyVpcEndpoint");
        metrics.drift_repaired("ModifyVpcEndpoint");
        metrics.written("SageMakerVpc", Written::Status, true);
        metrics.leads(true);
        metrics.panicked("SageMakerVpc");
        metrics.lease_changed(LeaseChange::Acquired);
        metrics.on_call(
            "ec2",
            "DescribeVpcs",
            CallOutcome::Failed(FailureKind::Throttled),
            Duration::from_secs(1),
        );
        metrics.stands(
            "research",
            VpcGauges {
                ready: true,
                workloads: [(Verdict::Yes, 3), (Verdict::No, 1)].into(),
                profiles: [(ProfileState::Ready, 2)].into(),
                drift_open: 4,
                held: 5,
                addresses: [("subnet-1".to_owned(), (251, 14))].into(),
            },
        );
        metrics
    }

    /// Names with labels, as in the exposition; the library's suffixes are part of names.
    fn exposed(text: &str) -> BTreeSet<(String, Vec<String>)> {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once('{').or_else(|| Some((line.split_once(' ')?.0, "}"))))
            .map(|(name, rest)| {
                let labels = rest.split_once('}').unwrap().0;
                let labels = labels
                    .split(',')
                    .filter(|label| !label.is_empty())
                    .map(|label| label.split_once('=').unwrap().0.to_owned());
                (name.to_owned(), labels.filter(|label| label != "le").collect())
            })
            .collect()
    }

    #[test]
    fn the_table_is_what_is_exposed() {
        let exposed = exposed(&used().render().unwrap());
        let base = |name: &str| {
            let suffixes = ["_info", "_bucket", "_sum", "_count"];
            suffixes
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix))
                .unwrap_or(name)
                .to_owned()
        };
        let exposed: BTreeSet<_> = exposed
            .into_iter()
            .map(|(name, labels)| (base(&name), labels))
            .collect();
        let told = TABLE
            .iter()
            .map(|metric| {
                (
                    metric.name.to_owned(),
                    metric.labels.iter().map(|label| (*label).to_owned()).collect(),
                )
            })
            .collect();
        assert_eq!(exposed, told);
    }

    #[test]
    fn values_come_out_as_they_were_counted() {
        let text = used().render().unwrap();
        for line in [
            r#"sagevpc_aws_calls_total{service="ec2",action="DescribeVpcs",outcome="Throttled"} 1"#,
            r#"sagevpc_workloads{vpc="research",verdict="Yes"} 3"#,
            r#"sagevpc_profiles{vpc="research",state="Ready"} 2"#,
            r#"sagevpc_drift_open{vpc="research"} 4"#,
            r#"sagevpc_held_actions{vpc="research"} 5"#,
            r#"sagevpc_subnet_addresses{vpc="research",subnet="subnet-1",state="free"} 251"#,
            r#"sagevpc_subnet_addresses{vpc="research",subnet="subnet-1",state="needed"} 14"#,
            r#"sagevpc_vpc_ready{vpc="research"} 1"#,
            "sagevpc_leader 1",
            r#"sagevpc_lease_changes_total{change="Acquired"} 1"#,
            r#"sagevpc_actions_total{action="CreateVpcEndpoint",state="Done"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn nothing_is_said_of_a_vpc_that_is_gone() {
        let metrics = used();
        metrics.forget("research");
        assert!(!metrics.render().unwrap().contains("research"));
        let metrics = used();
        metrics.forget_all();
        assert!(!metrics.render().unwrap().contains("research"));
    }
}
