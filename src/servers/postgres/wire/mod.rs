//! The protocol, version 3.0, apart from what it is about: messages, and values in their two formats.

mod binary;
mod format;
mod reply;
mod request;
mod text;
mod types;

#[cfg(test)]
pub(super) use format::encode;
pub(super) use format::{Format, decode};
pub(super) use reply::Replies;
pub(super) use request::{Malformed, Opening, Request, Requests, Target};
pub(super) use types::named;
