//! Proves, against an AWS server, that we see what is there, with every field
//! and at the cost of few calls, and that every action does what it says, once,
//! whatever goes wrong on the way.

#[path = "../support/mod.rs"]
mod support;

mod apply;
mod aspects;
mod authority;
mod beyond;
mod discovery;
mod each_alone;
mod edges;
mod failures;
mod iam;
mod interface_endpoints;
mod layer;
mod observe;
mod permissions;
mod plans;
mod races;
mod s3;
mod way_out;
