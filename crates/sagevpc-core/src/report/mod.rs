//! What is told of a VPC and its workloads, wherever it is found out.
//!
//! | File | Knows |
//! |---|---|
//! | `finding` | what stands in a workload's way, or should be known: about what, of whom, how much it weighs |
//! | `lack` | what is missing, so that one cause is told once |
//! | `failure` | what AWS refused, and what to do about it |

mod failure;
mod finding;
mod lack;

pub use failure::{Failure, FailureKind};
pub(crate) use finding::shown;
pub use finding::{Concern, Finding, Scope, Weight};
pub use lack::Lack;
