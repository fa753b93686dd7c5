//! The I/O side towards AWS: look at it, and do what a plan says.
//!
//! ```text
//! Connections ─┬─ Ec2 (one role, one region) ── observe(Interest) → Snapshot   never changes anything
//!              ├─ S3  (one role)             ── observe(buckets)  → Buckets    never changes anything
//!              ├─ Iam (one role)             ── observe(roles)    → Roles      never changes anything
//!              └─ Clients (all)             ── apply(Plan)       → Outcome    never decides anything
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | [`errors`] | the table of AWS's error codes and what each means for us |
//! | `quotas` | token buckets in front of every call, shared by all who work, by priority |
//! | `telemetry` | each attempt at a call, told to whoever counts |
//! | `clients` | credentials, time-outs and retries: all connections |
//! | `ec2` | one connection: one role, one region |
//! | `s3` | buckets: one role, the regions of its buckets |
//! | `iam` | IAM of one account: execution roles, remembered |
//! | `deadline` | nothing is sent after its time |
//! | `coalesce` | many requests to look become one round |
//! | `observe`, `describe` | one round: the describe calls, paged and batched, and who may see what |
//! | `sagemaker` | what runs in a VPC, asked of SageMaker |
//! | `convert` | types of the SDK to ours and back, field by field |
//! | `apply` | the walk through a plan, and each action's call |
//!
//! Which calls there are, and what each needs and costs, is a table in
//! [`catalog`](sagevpc_core::catalog::calls).
//!
//! Invariants: every call goes through a bucket; a mutating call is made by
//! `apply` alone; no type of the SDK leaves this module; no wait here is for a
//! state of AWS's: what is not ready is an answer, and the next look decides.

mod apply;
mod clients;
mod coalesce;
mod convert;
mod deadline;
mod describe;
mod ec2;
pub mod errors;
mod iam;
mod observe;
mod quotas;
mod s3;
mod sagemaker;
mod telemetry;

pub use apply::apply;
pub use clients::{Clients, Connections};
pub use ec2::Ec2;
pub use iam::Iam;
pub use s3::S3;
pub use sagemaker::SageMaker;
pub use telemetry::{CallObserver, CallOutcome};
