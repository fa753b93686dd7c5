//! `sagevpc run`: the controller.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{cluster_id, lease::LeaseArgs};
use crate::{
    cluster,
    controller::{self, Settings},
    telemetry::{self, Health, LogFormat, Metrics},
};

/// How the controller runs. Without any flag it works from the environment.
#[derive(clap::Args, Debug)]
pub struct RunArgs {
    /// A stable id of this cluster, which goes into the tags of everything made
    /// in AWS. A rebuilt cluster with the same id owns it again. By default the
    /// UID of the namespace kube-system.
    #[arg(long, env = "SAGEVPC_CLUSTER_ID", value_name = "ID", value_parser = cluster_id)]
    cluster_id: Option<String>,
    /// Where /healthz, /readyz and /metrics are served.
    #[arg(long, env = "SAGEVPC_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// How log lines are written.
    #[arg(long, env = "SAGEVPC_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// What is logged: a level, or levels by module as in info,sagevpc=debug.
    #[arg(long, env = "SAGEVPC_LOG", value_name = "FILTER", default_value = "info")]
    log: String,
    /// How many VPCs are worked on at the same time. Those of one account and
    /// region that are looked at in the same moment share their calls.
    #[arg(long, env = "SAGEVPC_WORKERS", value_name = "COUNT", default_value_t = 64,
          value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,
    #[command(flatten)]
    lease: LeaseArgs,
}

/// Runs the controller until SIGTERM or SIGINT.
///
/// # Errors
///
/// When it cannot start, or ends by itself.
pub async fn run(args: RunArgs) -> anyhow::Result<()> {
    let settings = Settings {
        cluster_id: args.cluster_id,
        workers: args.workers,
        lease: args.lease.settings()?,
    };
    telemetry::start_logs(args.log_format, &args.log)?;
    let stop = stop_on_signal()?;
    let metrics = Arc::new(Metrics::default());
    let health = Health::default();
    let listener = telemetry::bind(args.listen).await?;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), listen = %listener.local_addr()?, "starting");
    let clients = cluster::connect().await?;
    let (end, ended) = watch::channel(false);
    let server = tokio::spawn(telemetry::serve(
        listener,
        metrics.clone(),
        health.clone(),
        until(ended),
    ));
    let result = controller::run(settings, clients, metrics, health, stop).await;
    // Probes and scrapers are answered until the last pass has ended.
    end.send_replace(true);
    server.await?;
    result?;
    tracing::info!("stopped");
    Ok(())
}

/// Becomes true with the first SIGTERM or SIGINT.
fn stop_on_signal() -> std::io::Result<watch::Receiver<bool>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM: stopping"),
            _ = interrupt.recv() => tracing::info!("SIGINT: stopping"),
        }
        stop.send_replace(true);
        // Receivers take a closed channel for a stop, which it is by now.
    });
    Ok(stopped)
}

async fn until(mut condition: watch::Receiver<bool>) {
    // A closed channel says the same.
    let _ = condition.wait_for(|holds| *holds).await;
}
