//! Each attempt at a call, told to whoever counts.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError, future};
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            context::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef},
            dyn_dispatch_hint,
        },
        orchestrator::Metadata,
    },
};
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use super::{
    deadline::NotTooLate,
    errors::{Refusal, code_of, meaning},
};
use sagevpc_core::{
    catalog::calls::{Call, Service},
    report::FailureKind,
};

/// How an attempt ended, in words that are few enough for a metric's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CallOutcome {
    /// AWS did it.
    Ok,
    /// AWS refused it, or gave no answer.
    Failed(FailureKind),
}

impl CallOutcome {
    /// The word for a metric's label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "Ok",
            Self::Failed(kind) => kind.as_str(),
        }
    }
}

/// Whoever counts calls. Called once for each attempt, retries included, from
/// within the call: it must not block.
pub trait CallObserver: Send + Sync {
    /// An attempt at `action` (such as `DescribeVpcs`) of `service` (such as
    /// `ec2`) has ended.
    fn on_call(&self, service: &'static str, action: &str, outcome: CallOutcome, duration: Duration);
}

/// Tells a [`CallObserver`] of the attempts that a client makes.
pub(super) struct Telltale {
    pub(super) service: Service,
    pub(super) observer: Arc<dyn CallObserver>,
}

impl fmt::Debug for Telltale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telltale")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

/// When an attempt was sent.
#[derive(Debug)]
struct Sent(Instant);

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

#[dyn_dispatch_hint]
impl Intercept for Telltale {
    fn name(&self) -> &'static str {
        "sagevpc call telemetry"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(Sent(Instant::now()));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // What never reached the network, for want of credentials, is no call.
        let Some(&Sent(at)) = config.load::<Sent>() else {
            return Ok(());
        };
        let duration = at.elapsed();
        config.interceptor_state().unset::<Sent>();
        let action = config.load::<Metadata>().map_or("", Metadata::name);
        let outcome = match context.output_or_error() {
            Some(Ok(_)) => CallOutcome::Ok,
            Some(Err(_)) | None => CallOutcome::Failed(failure(context)),
        };
        self.observer.on_call(self.service.as_str(), action, outcome, duration);
        Ok(())
    }
}

/// What kind of failure an attempt was, from the answer itself: the error is
/// not typed at this point.
fn failure(context: &FinalizerInterceptorContextRef<'_>) -> FailureKind {
    let Some(answer) = context.response() else {
        return FailureKind::Unreachable;
    };
    match (code_of(answer), answer.status().as_u16()) {
        (Some(code), _) => meaning(&code, "").kind(),
        // An answer to HEAD has no body.
        (None, 403) => FailureKind::AccessDenied,
        (None, 400..500) => FailureKind::Rejected,
        (None, _) => FailureKind::Unreachable,
    }
}

/// Counts what a provider of credentials asks of AWS STS: the SDK makes that
/// call with a client of its own, which takes no interceptor.
pub(super) struct CountedAssumeRole<P> {
    pub(super) provider: P,
    pub(super) observer: Arc<dyn CallObserver>,
    pub(super) not_too_late: NotTooLate,
}

impl<P> fmt::Debug for CountedAssumeRole<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CountedAssumeRole").finish_non_exhaustive()
    }
}

impl<P: ProvideCredentials> ProvideCredentials for CountedAssumeRole<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            self.not_too_late.check().map_err(CredentialsError::provider_error)?;
            let begun = Instant::now();
            let result = self.provider.provide_credentials().await;
            let call = Call::AssumeRole;
            let outcome = match &result {
                Ok(_) => CallOutcome::Ok,
                Err(error) => CallOutcome::Failed(Refusal::from_credentials(call, error).failure.kind),
            };
            self.observer
                .on_call(call.facts().service.as_str(), call.name(), outcome, begun.elapsed());
            result
        })
    }
}
