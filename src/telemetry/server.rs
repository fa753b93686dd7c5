//! The HTTP endpoint for probes and scrapers.
//!
//! Anybody who reaches the port can open connections and send nothing, or half a
//! request. So each connection has its time, one answers one request, and of
//! more than fit the one that was opened first goes: whoever sends a whole
//! request has its answer by then.

use std::{collections::VecDeque, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
};

use super::{Health, Metrics, chain};

/// What OpenMetrics calls itself.
///
/// See <https://prometheus.io/docs/specs/om/open_metrics_spec/#overall-structure>.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long to leave the listener alone after it gave an error: as a rule the
/// process has no file left to open.
const AFTER_ERROR: Duration = Duration::from_millis(200);

/// Why the endpoint cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: choose another address with --listen")]
pub struct BindError {
    address: SocketAddr,
    #[source]
    source: io::Error,
}

/// What clients may take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Connections that are open at the same time.
    connections: usize,
    /// How long the head of a request may take to come.
    head: Duration,
    /// How long all of a connection may take.
    whole: Duration,
}

const LIMITS: Limits = Limits {
    connections: 128,
    head: Duration::from_secs(3),
    whole: Duration::from_secs(10),
};

/// Bytes of a request's head that are kept.
const HEAD: usize = 8192;

/// Begins to listen.
///
/// # Errors
///
/// When the address is taken or not ours.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| BindError { address, source })
}

/// Serves `/healthz`, `/readyz` and `/metrics` until `stop` comes. Whoever is
/// connected by then is not waited for.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>, health: Health, stop: impl Future<Output = ()>) {
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz).with_state(health))
        .route("/metrics", get(render).with_state(metrics));
    tokio::select! {
        () = serve_within(LIMITS, listener, router) => {}
        () = stop => {}
    }
}

async fn serve_within(limits: Limits, listener: TcpListener, router: Router) {
    let mut open = Open::default();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => open.add(limits.connections, answer(limits, stream, router.clone())),
                Err(error) => {
                    tracing::warn!(error = chain(&error), "a connection for probes or metrics was not accepted");
                    tokio::time::sleep(AFTER_ERROR).await;
                }
            },
            Some(_) = open.tasks.join_next() => open.forget_ended(),
        }
    }
}

/// Answers one request.
async fn answer(limits: Limits, stream: TcpStream, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // Clients that break off, or take too long, are their own concern.
    let _ = tokio::time::timeout(limits.whole, connection).await;
}

/// Connections that are open. Dropped, they are closed.
#[derive(Default)]
struct Open {
    tasks: JoinSet<()>,
    /// In the order in which they were opened.
    handles: VecDeque<AbortHandle>,
}

impl Open {
    fn add(&mut self, most: usize, connection: impl Future<Output = ()> + Send + 'static) {
        if self.handles.len() >= most
            && let Some(oldest) = self.handles.pop_front()
        {
            oldest.abort();
        }
        self.handles.push_back(self.tasks.spawn(connection));
    }

    fn forget_ended(&mut self) {
        self.handles.retain(|handle| !handle.is_finished());
    }
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const FEW: Limits = Limits {
        connections: 8,
        head: Duration::from_secs(60),
        whole: Duration::from_secs(60),
    };

    async fn start(limits: Limits) -> (SocketAddr, JoinSet<()>) {
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/healthz", get(|| async { "ok\n" }));
        let mut serving = JoinSet::new();
        serving.spawn(serve_within(limits, listener, router));
        (address, serving)
    }

    async fn send(address: SocketAddr, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    const HALF: &str = "GET /healthz HTTP/1.1\r\nHost: con";
    const WHOLE: &str = "GET /healthz HTTP/1.1\r\nHost: controller\r\n\r\n";

    async fn rest(mut stream: TcpStream) -> String {
        let mut text = String::new();
        // A connection that is reset has nothing more to say.
        let _ = stream.read_to_string(&mut text).await;
        text
    }

    #[tokio::test]
    async fn half_sent_requests_make_room_for_whole_ones() {
        let (address, _serving) = start(FEW).await;
        let mut halves = Vec::new();
        for number in 0..100 {
            halves.push(send(address, HALF).await);
            if number % 10 == 0 {
                let answer = rest(send(address, WHOLE).await).await;
                assert!(answer.starts_with("HTTP/1.1 200"), "{number}: {answer}");
            }
        }
        let oldest = halves.remove(0);
        assert_eq!(rest(oldest).await, "", "it was closed to make room");
    }

    #[tokio::test]
    async fn who_sends_no_whole_head_in_time_is_not_waited_for() {
        let impatient = Limits {
            head: Duration::from_millis(50),
            ..FEW
        };
        let (address, _serving) = start(impatient).await;
        let silent = send(address, "").await;
        let half = send(address, HALF).await;
        // Both end, which without the limit would take a minute.
        let answers = tokio::time::timeout(Duration::from_secs(10), async {
            (rest(half).await, rest(silent).await)
        });
        let (half, _) = answers.await.unwrap();
        assert!(!half.starts_with("HTTP/1.1 200"), "{half}");
    }

    #[tokio::test]
    async fn who_reads_no_answer_is_not_waited_for() {
        let impatient = Limits {
            whole: Duration::from_millis(50),
            ..FEW
        };
        let (address, _serving) = start(impatient).await;
        let half = send(address, HALF).await;
        assert_eq!(
            tokio::time::timeout(Duration::from_secs(10), rest(half)).await.unwrap(),
            ""
        );
    }

    #[tokio::test]
    async fn an_end_waits_for_nobody() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(serve(listener, Arc::default(), Health::default(), async {
            let _ = stopped.await;
        }));
        let half = send(address, HALF).await;
        assert!(rest(send(address, WHOLE).await).await.starts_with("HTTP/1.1 200"));
        let begun = Instant::now();
        stop.send(()).unwrap();
        serving.await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert_eq!(rest(half).await, "");
    }
}
