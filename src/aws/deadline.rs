//! No attempt starts after its time.
//!
//! Two things end the time: a pass has a deadline, which travels with the task,
//! and the process may act only while its [`Authority`] lasts, which every
//! client carries. The SDK's own retries, with their pauses, know of neither. So
//! an interceptor of every client asks before each attempt: once before
//! credentials are got and the request is signed, for that takes time and calls
//! of its own, and once when the request is about to go out. What was sent
//! before may still be answered.

use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::interceptors::{
        context::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef},
        dyn_dispatch_hint,
    },
};
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use tokio::time::Instant;

use crate::lease::{Attempt, Authority};

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
#[derive(Clone, Debug)]
pub(super) struct NotTooLate {
    pub(super) authority: Authority,
}

impl NotTooLate {
    /// # Errors
    ///
    /// When nothing may be sent any more.
    pub(super) fn check(&self) -> Result<(), TimeIsOver> {
        let in_time = DEADLINE.try_get().map_or(true, |deadline| Instant::now() < deadline);
        if in_time && self.authority.may_ask_aws() {
            Ok(())
        } else {
            Err(TimeIsOver)
        }
    }
}

/// An attempt that is under way, noted for as long as the call keeps this.
#[derive(Debug)]
struct UnderWay {
    _attempt: Attempt,
}

impl Storable for UnderWay {
    type Storer = StoreReplace<Self>;
}

#[dyn_dispatch_hint]
impl Intercept for NotTooLate {
    fn name(&self) -> &'static str {
        "sagevpc deadline"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Noted first: whoever ends the authority and then finds nothing under
        // way may be sure that nothing goes out any more.
        let attempt = self.authority.attempt();
        config.interceptor_state().store_put(UnderWay { _attempt: attempt });
        Ok(self.check()?)
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        Ok(self.check()?)
    }

    fn read_after_attempt(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().unset::<UnderWay>();
        Ok(())
    }
}
