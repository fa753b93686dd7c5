//! What sagevpc decides: pure functions on plain values.
//!
//! Nothing here knows a client, a runtime or a clock: objects and what AWS
//! shows come in as values, `now` is an argument, and what is to be done and
//! said comes out. The program around it (package `sagevpc`) fetches, applies
//! and writes. `cargo test -p sagevpc-core` needs no AWS SDK.
//!
//! | Module | Answers |
//! |---|---|
//! | [`types`] | the values that all of it speaks in |
//! | [`catalog`] | what each kind of SageMaker workload requires, as data |
//! | [`api`] | what users write and read: the custom resources |
//! | [`observed`] | what AWS shows of a VPC, and what is to be looked at |
//! | [`report`] | what is told: findings, whom they concern and how much they weigh |
//! | [`validate`] | what of the objects may be acted on, and why not the rest |
//! | [`demand`] | whom each workload must reach or be reached by, and what its users see otherwise |
//! | [`desired`] | the one network that all accepted profiles of a VPC ask for |
//! | [`reach`] | whether packets get there, and what stops them |
//! | [`plan`] | what is to be done, in which order, and what nothing of ours repairs |
//! | [`status`] | what every object's status says of a pass |
//! | [`guard`] | what keeps SageMaker in what is declared, and whether a policy does |
//! | [`objects`], [`render`] | objects out of YAML, plans and explanations as text |

pub mod api;
pub mod catalog;
pub mod demand;
pub mod desired;
pub mod guard;
pub mod objects;
pub mod observed;
pub mod plan;
pub mod reach;
pub mod render;
pub mod report;
pub mod status;
pub mod types;
pub mod validate;
