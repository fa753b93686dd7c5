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
pub(super) struct SideBySide<'a>(Vec<BoxFuture<'a, Result<(), PatchError>>>);

impl<'a> SideBySide<'a> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn push(&mut self, write: impl Future<Output = Result<(), PatchError>> + Send + 'a) {
        self.0.push(write.boxed());
    }

    /// Tries all of them.
    ///
    /// # Errors
    ///
    /// The first refusal.
    pub(super) async fn all(self) -> Result<(), PatchError> {
        let results: Vec<_> = stream::iter(self.0).buffer_unordered(UNDER_WAY).collect().await;
        results.into_iter().collect()
    }
}

/// Takes it for success that there is nothing left to write to.
pub(super) fn unless_gone<K>(patched: Patched<K>) -> Result<(), PatchError> {
    match patched {
        Ok(_) | Err(PatchError::Gone(_)) => Ok(()),
        Err(error @ (PatchError::Superseded(_) | PatchError::TermOver(_) | PatchError::Failed { .. })) => Err(error),
    }
}
