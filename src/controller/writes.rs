//! Writes to Kubernetes that belong to one pass.

use futures::{
    StreamExt,
    future::{BoxFuture, FutureExt},
    stream,
};

use crate::cluster::{PatchError, Patched};

/// Writes under way at the same time, for one VPC.
const UNDER_WAY: usize = 8;

/// Writes that do not need each other.
pub(super) struct SideBySide<'a, T>(Vec<BoxFuture<'a, T>>);

impl<'a, T> SideBySide<'a, T> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn push(&mut self, write: impl Future<Output = T> + Send + 'a) {
        self.0.push(write.boxed());
    }

    /// Carries all of them out, whatever becomes of one.
    pub(super) async fn all(self) -> Vec<T> {
        stream::iter(self.0).buffer_unordered(UNDER_WAY).collect().await
    }
}

/// Takes it for success that there is nothing left to write to.
pub(super) fn unless_gone<K>(patched: Patched<K>) -> Result<(), PatchError> {
    match patched {
        Ok(_) | Err(PatchError::Gone(_)) => Ok(()),
        Err(
            error @ (PatchError::Superseded(_)
            | PatchError::TooManyFinalizers(_)
            | PatchError::TermOver(_)
            | PatchError::Failed { .. }),
        ) => Err(error),
    }
}

/// Whether the API server answered and refused this one write, for what the
/// object is: others may go on without it.
pub(super) fn concerns_one_object(error: &PatchError) -> bool {
    match error {
        PatchError::Superseded(_) | PatchError::Gone(_) | PatchError::TooManyFinalizers(_) => true,
        PatchError::TermOver(_) => false,
        PatchError::Failed { source, .. } => match &**source {
            // 500 is what an object gets that is too large for etcd.
            kube::Error::Api(status) => matches!(status.code, 400 | 413 | 422 | 500),
            _ => false,
        },
    }
}

/// Why a write was refused, in words that do not change while the cause does
/// not.
pub(super) fn refusal(error: &PatchError) -> String {
    match error {
        PatchError::Superseded(_) => "it changes all the time".to_owned(),
        PatchError::Gone(_) => "it is gone".to_owned(),
        PatchError::TooManyFinalizers(_) | PatchError::TermOver(_) => error.to_string(),
        PatchError::Failed { source, .. } => match &**source {
            kube::Error::Api(status) => status.message.clone(),
            other => other.to_string(),
        },
    }
}
