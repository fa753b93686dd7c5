//! Proves, on a real API server with etcd and an AWS server, that users see
//! what they were promised: the controller runs as a process under the RBAC of
//! the chart, and tests do what people do, by kubectl and in AWS, and wait for
//! what people would wait for.
//!
//! One stack and one controller serve all tests of this process. Each test has
//! a namespace, objects, a VPC and an AWS account of its own. Tests that stop
//! the controller, or run it in another environment, have a stack of their own.

mod accounts;
mod alone;
mod approval;
mod bad_input;
mod conflict;
mod deletion;
mod drift;
mod edges;
mod environment;
mod fixture;
mod half_sent;
mod handover;
mod lease;
mod limits;
mod pinned;
mod quickstart;
mod rebuilt;
mod removals;
mod several;
mod tenants;
mod workloads;
