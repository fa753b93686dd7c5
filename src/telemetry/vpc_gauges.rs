//! How each VPC stands, gathered when metrics are asked for, so that nothing is
//! said of one whose object is gone.

use std::{collections::BTreeMap, fmt, sync::Arc};

use parking_lot::Mutex;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder},
    metrics::MetricType,
};

use super::{
    label_values::ProfileState,
    metrics::{DRIFT_OPEN, Described, HELD, PROFILES, READY, SUBNET_ADDRESSES, WORKLOADS},
};
use sagevpc_core::api::Verdict;

/// How one VPC stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VpcGauges {
    /// Whether its object is Ready.
    pub ready: bool,
    /// Workloads by whether they can run.
    pub workloads: BTreeMap<Verdict, u32>,
    /// Profiles by their state.
    pub profiles: BTreeMap<ProfileState, u32>,
    /// Differences made behind our back that are there now.
    pub drift_open: u32,
    /// Changes that wait to be approved.
    pub held: u32,
    /// Addresses of each subnet in use: free, and needed.
    pub addresses: BTreeMap<String, (u32, u32)>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct GaugesByVpc(Arc<Mutex<BTreeMap<String, VpcGauges>>>);

impl GaugesByVpc {
    pub(super) fn set(&self, vpc: &str, gauges: VpcGauges) {
        self.0.lock().insert(vpc.to_owned(), gauges);
    }

    pub(super) fn remove(&self, vpc: &str) {
        self.0.lock().remove(vpc);
    }

    pub(super) fn clear(&self) {
        self.0.lock().clear();
    }
}

impl Collector for GaugesByVpc {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let vpcs = self.0.lock();
        gauge(&mut encoder, READY, &vpcs, |vpc, gauges, out| {
            out.one(&[("vpc", vpc)], u32::from(gauges.ready))
        })?;
        gauge(&mut encoder, WORKLOADS, &vpcs, |vpc, gauges, out| {
            gauges
                .workloads
                .iter()
                .try_for_each(|(verdict, count)| out.one(&[("vpc", vpc), ("verdict", verdict.as_str())], *count))
        })?;
        gauge(&mut encoder, PROFILES, &vpcs, |vpc, gauges, out| {
            gauges
                .profiles
                .iter()
                .try_for_each(|(state, count)| out.one(&[("vpc", vpc), ("state", state.as_str())], *count))
        })?;
        gauge(&mut encoder, DRIFT_OPEN, &vpcs, |vpc, gauges, out| {
            out.one(&[("vpc", vpc)], gauges.drift_open)
        })?;
        gauge(&mut encoder, HELD, &vpcs, |vpc, gauges, out| {
            out.one(&[("vpc", vpc)], gauges.held)
        })?;
        gauge(&mut encoder, SUBNET_ADDRESSES, &vpcs, |vpc, gauges, out| {
            gauges.addresses.iter().try_for_each(|(subnet, (free, needed))| {
                let labels = |state| [("vpc", vpc), ("subnet", subnet.as_str()), ("state", state)];
                out.one(&labels("free"), *free)?;
                out.one(&labels("needed"), *needed)
            })
        })
    }
}

struct Out<'a>(MetricEncoder<'a>);

impl Out<'_> {
    fn one(&mut self, labels: &[(&str, &str)], value: u32) -> fmt::Result {
        self.0.encode_family(&labels)?.encode_gauge(&value)
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    metric: Described,
    vpcs: &BTreeMap<String, VpcGauges>,
    mut each: impl FnMut(&str, &VpcGauges, &mut Out<'_>) -> fmt::Result,
) -> fmt::Result {
    let mut out = Out(encoder.encode_descriptor(metric.name, metric.help, None, MetricType::Gauge)?);
    vpcs.iter().try_for_each(|(vpc, gauges)| each(vpc, gauges, &mut out))
}
