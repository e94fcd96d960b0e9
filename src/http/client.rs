//! The client's side: calls with a deadline over connections that are kept for the next call.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{HeaderMap, Method, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::HttpError;
use super::connection::{Body, Connection, Failure};
use crate::runtime::net::TcpStream;
use crate::runtime::time;

/// How many idle connections are kept for each authority.
const IDLE: usize = 16;

/// What a peer answered.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code, for example 404.
    pub status: u16,
    /// The headers, in the order in which they came.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Response {
    /// Whether the status is one of success, 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON, whatever the status.
    ///
    /// # Errors
    /// [`HttpError::Body`] when it is not JSON of that shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body).map_err(|error| HttpError::Body(error.to_string()))
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn success<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        if self.is_success() { self.json() } else { Err(HttpError::Status { status: self.status, body: self.text() }) }
    }
}

/// An HTTP/1.1 client for any number of authorities, shared by its clones.
///
/// A connection carries one request at a time and is kept for the next once its response is complete; concurrent calls
/// open as many as they need. One that failed, timed out, or was left by a dropped call is closed. A kept connection
/// that turns out to be closed is replaced unseen as long as nothing of the request has been written to it; after that
/// nothing is sent twice, and the error tells so (see [`HttpError::is_unsent`]).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use axum::{Json, Router, routing::get};
/// use sexton::http::{Client, serve};
/// use sexton::runtime::{net::TcpListener, task};
///
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let authority = listener.local_addr()?.to_string();
/// task::spawn(serve(listener, Router::new().route("/answer", get(|| async { Json(42) }))));
/// let answer: u32 = Client::new().get_json(&authority, "/answer", Duration::from_secs(5)).await?;
/// assert_eq!(answer, 42);
/// # Ok(())
/// # }
/// ```
///
/// # Cancellation
/// A call may be dropped at any await. That closes its connection, and the peer may have acted on the request.
#[derive(Clone, Default)]
pub struct Client {
    idle: Arc<Mutex<BTreeMap<Box<str>, Vec<Connection>>>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    /// A client without connections.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends a request to `authority` (host and port, for example `pod-a:8080`) and waits for the whole response, in
    /// `deadline` from now. `path` may hold a query.
    ///
    /// # Errors
    /// See [`HttpError`]. A status is no error, whatever it is.
    pub async fn call(
        &self,
        authority: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
        deadline: Duration,
    ) -> Result<Response, HttpError> {
        self.send(authority, request(authority, method, path, headers, body)?, deadline).await
    }

    /// Gets JSON.
    ///
    /// # Errors
    /// See [`HttpError`]; any status but success is one.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        authority: &str,
        path: &str,
        deadline: Duration,
    ) -> Result<T, HttpError> {
        self.call(authority, Method::GET, path, &[], Bytes::new(), deadline).await?.success()
    }

    /// Posts `body` as JSON and reads the answer as JSON.
    ///
    /// # Errors
    /// See [`HttpError`]; any status but success is one.
    pub async fn post_json<B: Serialize + ?Sized, T: DeserializeOwned>(
        &self,
        authority: &str,
        path: &str,
        body: &B,
        deadline: Duration,
    ) -> Result<T, HttpError> {
        let body = serde_json::to_vec(body).map_err(|error| HttpError::Invalid(error.to_string()))?;
        let mut request = request(authority, Method::POST, path, &[], body.into())?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(authority, request, deadline).await?.success()
    }

    async fn send(&self, authority: &str, request: Request<Body>, limit: Duration) -> Result<Response, HttpError> {
        let deadline = time::Instant::now() + limit;
        let mut request = request;
        if let Some(connection) = self.reuse(authority) {
            match self.exchange(authority, connection, request, deadline).await? {
                Ok(response) => return Ok(response),
                Err(unsent) => request = *unsent,
            }
        }
        let connection = connect(authority, deadline).await?;
        match self.exchange(authority, connection, request, deadline).await? {
            Ok(response) => Ok(response),
            Err(_) => Err(HttpError::Closed(authority.to_owned())),
        }
    }

    /// One request on one connection; `Ok(Err(..))` is the request again, unsent.
    async fn exchange(
        &self,
        authority: &str,
        mut connection: Connection,
        request: Request<Body>,
        deadline: time::Instant,
    ) -> Result<Result<Response, Box<Request<Body>>>, HttpError> {
        match time::timeout_at(deadline, connection.call(request)).await {
            Ok(Ok(response)) => {
                self.keep(authority, connection);
                Ok(Ok(response))
            }
            Ok(Err(Failure::Unsent(request))) => Ok(Err(request)),
            Ok(Err(Failure::Ambiguous(error))) => Err(HttpError::Broken(error)),
            Err(_) => Err(HttpError::TimedOut(authority.to_owned())),
        }
    }

    /// The idle connection that was used last: the likeliest to be still open.
    fn reuse(&self, authority: &str) -> Option<Connection> {
        let mut idle = self.idle();
        let connections = idle.get_mut(authority)?;
        std::iter::from_fn(|| connections.pop()).find_map(|mut connection| connection.is_usable().then_some(connection))
    }

    fn keep(&self, authority: &str, mut connection: Connection) {
        if !connection.is_usable() {
            return;
        }
        let mut idle = self.idle();
        match idle.get_mut(authority) {
            Some(connections) if connections.len() < IDLE => connections.push(connection),
            Some(_) => {}
            None => {
                idle.insert(authority.into(), vec![connection]);
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Vec<Connection>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn request(
    authority: &str,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Result<Request<Body>, HttpError> {
    let mut builder = Request::builder().method(method).uri(path).header(HOST, authority);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Full::new(body)).map_err(|error| HttpError::Invalid(format!("{path} on {authority}: {error}")))
}

async fn connect(authority: &str, deadline: time::Instant) -> Result<Connection, HttpError> {
    let failed = |source| HttpError::Connect { authority: authority.to_owned(), source: Arc::new(source) };
    let stream = time::timeout_at(deadline, TcpStream::connect(authority))
        .await
        .map_err(|_| failed(io::Error::new(io::ErrorKind::TimedOut, "no answer within the deadline")))?
        .map_err(failed)?;
    // Best effort: without it a request goes out later, not wrong.
    let _ = stream.set_nodelay(true);
    Connection::open(stream).await.map_err(|error| failed(io::Error::other(error)))
}
