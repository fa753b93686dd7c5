//! One writer, and never none: the lease under which a process may act.
//!
//! ```text
//! Lease ←─ Elector: reads, writes ─→ Election: who may take it, and when   (pure)
//!               └─→ Authority: the right to act, until …  ←─ asked before every attempt at AWS
//!                                                        ←─ asked before every write to Kubernetes
//! ```
//!
//! | File | What it holds |
//! |---|---|
//! | `moment`, `clock` | time that runs on while the machine is suspended |
//! | `record` | what a Lease says |
//! | `election` | client-go's rules: pure |
//! | `elector` | the reads and writes |
//! | `authority` | the right to act, for one term |
//! | `contact` | whether the API server answers |
//!
//! Invariants: the right to act ends a renew deadline after the last renewal
//! that succeeded was *begun*, and so before anybody else may take the lease;
//! a term that has ended never comes back; clocks of other machines are never
//! compared with ours.

mod authority;
pub mod clock;
mod contact;
mod election;
mod elector;
mod moment;
mod record;

pub use authority::{Attempt, Authority};
pub use contact::Contact;
pub use election::{Decision, Election, Timing, TimingError};
pub use elector::{Elector, Lost};
pub use moment::Moment;
pub use record::{LONGEST, Record, Version};
