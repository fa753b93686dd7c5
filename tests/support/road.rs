//! A road to the AWS server on which things go wrong: answers that are lost,
//! refusals, silence.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    sync::{Arc, Mutex},
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, header::HOST, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is done, and the answer lost.
    LoseAnswer,
    /// It is not done, and AWS says why.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// The error's code.
        code: &'static str,
        /// The error's message.
        message: String,
    },
    /// It is not done, and AWS gives this answer.
    Answer(String),
    /// It is not done, and there is no answer.
    Silence,
}

type Parameters = BTreeMap<String, String>;

/// A road to an AWS server.
pub struct Road {
    url: String,
    state: Arc<State>,
}

struct State {
    server: String,
    faults: Mutex<HashMap<String, VecDeque<Fault>>>,
    closed: Mutex<Vec<(String, String, Fault)>>,
    calls: Mutex<Vec<Parameters>>,
}

impl Road {
    /// Builds a road to the server at `url`. It ends with the test.
    pub async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = Arc::new(State {
            server: url.strip_prefix("http://").unwrap().to_owned(),
            faults: Mutex::default(),
            closed: Mutex::default(),
            calls: Mutex::default(),
        });
        let road = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            state: Arc::clone(&state),
        };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&state);
                let service = service_fn(move |request| travel(Arc::clone(&state), request));
                tokio::spawn(async move {
                    // A lost answer ends the connection with an error.
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        road
    }

    /// Where it begins.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes the next call of an action go wrong. More faults for one action
    /// befall the calls after it, in order.
    pub fn next(&self, action: &str, fault: Fault) {
        self.state
            .faults
            .lock()
            .unwrap()
            .entry(action.to_owned())
            .or_default()
            .push_back(fault);
    }

    /// Makes every call of an action go wrong that gives any parameter this
    /// value.
    pub fn about(&self, action: &str, value: &str, fault: Fault) {
        let mut closed = self.state.closed.lock().unwrap();
        closed.push((action.to_owned(), value.to_owned(), fault));
    }

    /// The calls of an action that have come this way, with their parameters.
    pub fn calls(&self, action: &str) -> Vec<Parameters> {
        let calls = self.state.calls.lock().unwrap();
        calls
            .iter()
            .filter(|call| call.get("Action").is_some_and(|name| name == action))
            .cloned()
            .collect()
    }
}

async fn travel(state: Arc<State>, request: Request<hyper::body::Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let call: Parameters = form_urlencoded::parse(&body).into_owned().collect();
    // SageMaker's calls are JSON, with the action's name in a header.
    let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let target = target
        .and_then(|target| target.split_once('.'))
        .map(|(_, action)| action.to_owned());
    let is_json = target.is_some();
    let action = call.get("Action").cloned().or(target).unwrap_or_default();
    state.calls.lock().unwrap().push(call.clone());
    let fault = state
        .faults
        .lock()
        .unwrap()
        .get_mut(&action)
        .and_then(VecDeque::pop_front)
        .or_else(|| closed(&state, &action, &call));
    match fault {
        Some(Fault::Refuse { status, code, message }) => {
            let refusal = match (is_json, is_ec2(&call)) {
                (true, _) => json_refusal,
                (false, true) => refusal,
                (false, false) => query_refusal,
            };
            return Ok(refusal(status, code, &message).map(Full::from));
        }
        Some(Fault::Answer(text)) => return Ok(Response::new(Full::from(text))),
        Some(Fault::Silence) => return std::future::pending().await,
        Some(Fault::LoseAnswer) | None => {}
    }
    head.headers
        .insert(HOST, state.server.parse().map_err(io::Error::other)?);
    let answer = forward(&state.server, Request::from_parts(head, Full::from(body))).await?;
    match fault {
        Some(Fault::LoseAnswer) => Err(io::ErrorKind::ConnectionReset.into()),
        _ => Ok(answer.map(Full::from)),
    }
}

/// What goes wrong with every call of this kind.
fn closed(state: &State, action: &str, call: &Parameters) -> Option<Fault> {
    let closed = state.closed.lock().unwrap();
    let found = closed
        .iter()
        .find(|(name, value, _)| name == action && call.values().any(|given| given == value));
    found.map(|(_, _, fault)| fault.clone())
}

/// Sends a request to a server, and gives its answer.
pub(super) async fn forward(server: &str, request: Request<Full<Bytes>>) -> io::Result<Response<Bytes>> {
    let stream = TokioIo::new(TcpStream::connect(server).await?);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(io::Error::other)?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    Ok(Response::from_parts(head, body))
}

fn refusal(status: u16, code: &str, message: &str) -> Response<Bytes> {
    respond(
        status,
        format!(
            "<?xml version=\"1.0\"?><Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
         <RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
        ),
    )
}

/// Whether a call goes to EC2, which writes its refusals in its own way.
fn is_ec2(call: &Parameters) -> bool {
    call.get("Version").is_some_and(|version| version == "2016-11-15")
}

fn query_refusal(status: u16, code: &str, message: &str) -> Response<Bytes> {
    respond(
        status,
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
        ),
    )
}

fn json_refusal(status: u16, code: &str, message: &str) -> Response<Bytes> {
    respond(
        status,
        serde_json::json!({ "__type": code, "message": message }).to_string(),
    )
}

fn respond(status: u16, text: String) -> Response<Bytes> {
    let mut refusal = Response::new(Bytes::from(text));
    *refusal.status_mut() = status.try_into().unwrap();
    refusal
}
