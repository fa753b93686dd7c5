//! The I/O side towards Kubernetes: what is read there, and what is written.
//!
//! ```text
//! watch ─ events ─→ Mirror (stores, and which changes mean something) ─→ dereference → References
//!                                                    patch: status, finalizers ←─ what a pass found
//!                                                   publish: events
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | `approver` | who wrote an approval |
//! | `client` | connections to the API server, with their time-outs |
//! | [`rbac`] | the table of every permission that is used |
//! | `guard` | objects that this version cannot read |
//! | `mirror` | local copies of what is watched, and which changes mean something |
//! | `slim` | what copies keep of metadata |
//! | `outsiders` | what copies keep of profiles that are not admitted |
//! | `dereference` | a VPC object with everything in the cluster that bears on it |
//! | `patch` | status and finalizers |
//! | `behind` | whether a copy shows yet what was written |
//! | `publish` | events |
//!
//! Invariants: reading asks the local copies, never the API server, so that a
//! steady state costs it nothing; a write that must not be based on stale data
//! carries the version that it is based on. Nothing here decides.

mod approver;
mod behind;
mod client;
mod dereference;
mod guard;
mod mirror;
mod outsiders;
mod patch;
mod publish;
pub mod rbac;
mod slim;

pub(crate) use approver::approver;
pub(crate) use client::WATCH_SECONDS;
pub use client::{Clients, ConnectError, connect};
pub use dereference::{Behind, dereference};
pub use guard::{Guard, Read, Unreadable};
pub(crate) use mirror::has_finalizer;
pub use mirror::{Change, Mirror, NamespaceMeta, Stores, Watched};
pub use outsiders::{lacks_spec, reduce};
pub use patch::{Based, PatchError, Patched, Patches};
pub(crate) use publish::reference;
pub use publish::{Notice, NoticeType, Publisher};

/// The name under which the controller writes fields and reports events.
pub const FIELD_MANAGER: &str = "sagevpc";

/// An annotation of either kind that asks for a fresh look at AWS whenever its
/// value changes, such as
/// `kubectl annotate smvpc research --overwrite sagevpc.dev/requested-at="$(date)"`.
pub const REQUESTED_AT: &str = "sagevpc.dev/requested-at";
