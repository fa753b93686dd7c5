//! What every pass works with.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::memory::Memories;
use crate::{
    aws::Connections,
    cluster::{Patches, Publisher, Stores},
    lease::Authority,
    telemetry::{Health, Metrics},
};

/// What every pass of one term works with; shared by all of them.
pub(super) struct Context {
    /// The cluster's stable id, which goes into the tags of everything made.
    pub(super) cluster: String,
    /// What is declared, and what bears on it.
    pub(super) stores: Stores,
    /// Writes to the objects.
    pub(super) patches: Patches,
    /// Events.
    pub(super) publisher: Publisher,
    /// Ways into AWS accounts.
    pub(super) aws: Connections,
    /// How many passes may work at the same time. Those that wait for AWS to be
    /// looked at need no turn, so that all who are due share that look.
    pub(super) turns: Semaphore,
    /// For how long passes may act.
    pub(super) authority: Authority,
    /// Whether the local copies can be relied on.
    pub(super) health: Health,
    /// What is counted.
    pub(super) metrics: Arc<Metrics>,
    /// What is remembered between passes.
    pub(super) memories: Arc<Memories>,
}
