//! Connections to the API server.

use std::time::Duration;

use kube::{Client, Config, config::InferConfigError};

/// How long the API server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a watch may be silent: it is ended by the API server sooner, so
/// that one which is silent for longer is cut off, and nothing tells so.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 15);
/// How long it may take to answer a call. A pass has several calls to make and
/// must still end in time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long the API server lets a watch run. It is resumed where it ended.
pub(crate) const WATCH_SECONDS: u32 = 60;

/// Clients for the API server.
#[derive(Clone)]
pub struct Clients {
    /// For watches, which are silent for a while when nothing changes.
    pub watch: Client,
    /// For calls, which must answer soon.
    pub call: Client,
}

/// Why there is no connection to Kubernetes.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Neither a kubeconfig nor a service account was found.
    #[error(
        "no way to reach Kubernetes was found: set KUBECONFIG, or run in a pod with a service account whose token is \
         mounted"
    )]
    NoConfiguration(#[source] InferConfigError),
    /// What was found cannot be used.
    #[error("the configuration for reaching Kubernetes cannot be used")]
    Unusable(#[source] kube::Error),
}

/// Connects as the environment says: `KUBECONFIG`, `~/.kube/config`, or the
/// service account of the pod. Nothing is sent yet.
///
/// # Errors
///
/// When there is no configuration, or it cannot be used.
pub async fn connect() -> Result<Clients, ConnectError> {
    let mut config = Config::infer().await.map_err(ConnectError::NoConfiguration)?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // The client's own retries go on for a quarter of an hour and more. Passes
    // are repeated and watches resumed by their own back-off, which is shown.
    config.default_retry = false;
    // Else a connection that idled would have used its time up already.
    config.reset_reader_on_write = true;
    config.read_timeout = Some(SILENCE_TIMEOUT);
    let watch = Client::try_from(config.clone()).map_err(ConnectError::Unusable)?;
    config.read_timeout = Some(ANSWER_TIMEOUT);
    config.write_timeout = Some(ANSWER_TIMEOUT);
    let call = Client::try_from(config).map_err(ConnectError::Unusable)?;
    Ok(Clients { watch, call })
}
