//! HTTP/1.1 over runtime streams: serve a router, call a peer.
//!
//! Here: connections, keep-alive, deadlines, and what a failure says about whether the request was taken. Not here:
//! routes, retries of requests, and what a status means; they are each system's own.

mod client;
mod connection;
mod error;
mod serve;
#[cfg(test)]
mod tests;

pub use bytes::Bytes;
pub use hyper::{HeaderMap, Method};

pub use client::{Client, Response};
pub use error::HttpError;
pub use serve::serve;
