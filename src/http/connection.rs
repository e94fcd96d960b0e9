//! One client connection, driven by whoever is calling on it.
//!
//! There is no task behind it: the caller polls the connection along with its own request. That spares a task per
//! connection and two switches per call, a dropped call drops everything it had, and a connection that lies idle takes
//! no turns.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::coop::unconstrained;

use super::Response;
use crate::runtime::net::TcpStream;

pub(super) type Body = Full<Bytes>;

/// A connection that carries one request at a time.
pub(super) struct Connection {
    sender: SendRequest<Body>,
    driver: Driver,
}

/// A call that got no response.
pub(super) enum Failure {
    /// The connection was closed before any of the request was written; here it is again.
    Unsent(Box<Request<Body>>),
    /// The peer may have acted on it.
    Ambiguous(String),
}

impl Connection {
    pub(super) async fn open(stream: TcpStream) -> Result<Self, hyper::Error> {
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        Ok(Self { sender, driver: Driver(Some(Box::new(driver))) })
    }

    /// Whether it can take a request: done with the one before, and not closed by the peer as far as has been heard.
    pub(super) fn is_usable(&mut self) -> bool {
        // Nobody is to be woken: what happens to an idle connection is looked at when it is next wanted. Nor is it to be
        // put off, as tokio does to a task that has done a lot: a closed connection would pass for an open one.
        let look = unconstrained(poll_fn(|cx| {
            self.driver.poll(cx);
            Poll::Ready(())
        }));
        let _ = pin!(look).poll(&mut Context::from_waker(Waker::noop()));
        self.driver.0.is_some() && self.sender.is_ready()
    }

    pub(super) async fn call(&mut self, request: Request<Body>) -> Result<Response, Failure> {
        let response = self.sender.try_send_request(request);
        let response = self.driver.along(response).await.map_err(|mut failure| match failure.take_message() {
            Some(request) => Failure::Unsent(Box::new(request)),
            None => Failure::Ambiguous(describe(&failure.into_error())),
        })?;
        let (head, body) = response.into_parts();
        let body = self.driver.along(body.collect()).await.map_err(|error| Failure::Ambiguous(describe(&error)))?;
        Ok(Response { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
    }
}

/// The protocol's state machine, and the stream. Dropped as soon as it has ended, for only that gives back a request
/// which it had not begun to write.
struct Driver(Option<Box<http1::Connection<TokioIo<TcpStream>, Body>>>);

impl Driver {
    fn poll(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.0
            && Pin::new(driver.as_mut()).poll(cx).is_ready()
        {
            self.0 = None;
        }
    }

    /// Awaits what only this driver can bring.
    async fn along<F: Future>(&mut self, work: F) -> F::Output {
        // Not put off either: the wake-up that comes with it would go to nobody.
        let mut work = pin!(unconstrained(work));
        poll_fn(|cx| {
            self.poll(cx);
            // Looked at after every poll of the driver, so it has nobody to wake: its own waker would only have the
            // caller polled once more after it is done.
            work.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        })
        .await
    }
}

/// An error with its causes: hyper's own text leaves out the I/O error beneath.
fn describe(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
