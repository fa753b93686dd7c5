//! sagevpc keeps a private VPC ready for Amazon SageMaker.
//!
//! Its custom resources declare which SageMaker workloads run in a VPC. It
//! works out what the network must offer, compares that with AWS, repairs what
//! differs, and says for each workload whether it can run and, if not, what to
//! do.
//!
//! # One way through
//!
//! ```text
//! dereference → validate → desired ──┐
//!                      aws::observe ──┴→ plan → aws::apply → outcome → status → patch
//! ```
//!
//! | Step | Module | Pure | In → out |
//! |---|---|---|---|
//! | dereference | [`cluster`] | reads local copies | a VPC object's name → the objects that bear on it |
//! | validate | [`validate`](sagevpc_core::validate) | yes | objects → what may be acted on, and why not the rest |
//! | desired | [`desired`](sagevpc_core::desired) | yes | validated specs → one network for the VPC |
//! | observe | [`aws`] | reads AWS | what to look at → a snapshot ([`observed`](sagevpc_core::observed)) |
//! | plan | [`plan`](sagevpc_core::plan) | yes | network, snapshot, history → actions and findings |
//! | apply | [`aws`] | changes AWS | a plan → what became of each action |
//! | status | [`status`](sagevpc_core::status) | yes | one pass, however far it came → the status of every object |
//! | patch | [`cluster`] | writes to Kubernetes | statuses that differ → nothing |
//!
//! [`controller`] drives the steps in a cluster, one pass per VPC; [`cli`] on
//! files. [`catalog`](sagevpc_core::catalog) holds what SageMaker requires, [`iam_policy`] what IAM
//! policies mean, [`demand`](sagevpc_core::demand) whom workloads must reach, [`reach`](sagevpc_core::reach)
//! whether packets get through, [`report`](sagevpc_core::report) what is told, [`api`](sagevpc_core::api) what users
//! write and read, [`types`](sagevpc_core::types) the values that all of it speaks in,
//! [`lease`] which of several processes may act, [`telemetry`] logs, metrics and
//! probes.
//!
//! What is pure is the crate [`sagevpc_core`], which depends on no client, no
//! runtime and no clock: `now` is an argument.
//!
//! # Invariants
//!
//! - What is not tagged as ours, or adopted, is never changed or deleted.
//! - Access is added before it is taken away.
//! - A steady state makes no mutating call and writes no status.
//! - A crash at any point leaves nothing twice and nothing orphaned.

pub mod aws;
pub mod cli;
pub mod cluster;
pub mod controller;
pub mod lease;
pub mod telemetry;
