//! What the process tells of itself: logs, metrics, health.

mod health;
mod logs;
mod metrics;
mod server;
mod vpc_gauges;

pub use health::{Health, Role};
pub use logs::{LogFormat, LogsError, chain, start as start_logs};
pub use metrics::{Described, LeaseChange, Metrics, PassResult, TABLE, Written};
pub use server::{BindError, bind, serve};
pub use vpc_gauges::{ProfileState, VpcGauges};
