//! The HTTP endpoint for probes and scrapers.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use super::{Health, Metrics};

/// What OpenMetrics calls itself.
///
/// See <https://prometheus.io/docs/specs/om/open_metrics_spec/#overall-structure>.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Why the endpoint cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: choose another address with --listen")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Serving broke off.
    #[error("the endpoint for probes and metrics broke off")]
    Serve(#[source] io::Error),
}

/// Begins to listen.
///
/// # Errors
///
/// When the address is taken or not ours.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServerError::Bind { address, source })
}

/// Serves `/healthz`, `/readyz` and `/metrics` until `stop` comes.
///
/// # Errors
///
/// When the listener breaks.
pub async fn serve(
    listener: TcpListener,
    metrics: Arc<Metrics>,
    health: Health,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServerError> {
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz).with_state(health))
        .route("/metrics", get(render).with_state(metrics));
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await
        .map_err(ServerError::Serve)
}

async fn readyz(State(health): State<Health>) -> Response {
    match health.readiness() {
        Ok(role) => format!("ok: {role}\n").into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn render(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
