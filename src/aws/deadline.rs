//! No attempt starts after its time.
//!
//! Whoever acts under a lease may act only while it holds, and the SDK's own
//! retries, with their pauses, do not know of it. So the deadline travels with
//! the task, and an interceptor of every client refuses to send anything once
//! it has passed. What was sent before may still be answered.

use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::interceptors::{context::BeforeTransmitInterceptorContextRef, dyn_dispatch_hint},
};
use tokio::time::Instant;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Runs `work`, in which no call is sent from `deadline` on.
pub(super) async fn until<T>(deadline: Instant, work: impl Future<Output = T>) -> T {
    DEADLINE.scope(deadline, work).await
}

/// Why a call was not sent.
#[derive(Debug, thiserror::Error)]
#[error("the time for this pass is over")]
pub(super) struct TimeIsOver;

/// Refuses to send what comes too late.
#[derive(Debug)]
pub(super) struct NotTooLate;

#[dyn_dispatch_hint]
impl Intercept for NotTooLate {
    fn name(&self) -> &'static str {
        "sagevpc deadline"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match DEADLINE.try_get() {
            Ok(deadline) if Instant::now() >= deadline => Err(TimeIsOver.into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}
