//! What the process tells of itself: logs, metrics, health.

mod health;
mod label_values;
mod logs;
mod metrics;
mod server;
mod vpc_gauges;

pub use health::{Health, Role};
pub use label_values::{LeaseChange, PassResult, ProfileState, Written};
pub use logs::{LogFormat, LogsError, chain, start as start_logs};
pub use metrics::{Described, Metrics, TABLE};
pub use server::{BindError, bind, serve};
pub use vpc_gauges::VpcGauges;
