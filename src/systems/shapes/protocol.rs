//! What goes between clients and the service: where it listens, its paths, and what is sent.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /v1/shape` | [`Ask`] | a [`Body`](super::outcome::Body): 200, 400 for an offset that there never was, 409 for a handle that is no more, 503 with `retry-after` while it is not ready |
//! | `DELETE /v1/shape/{handle}` | | 202, 404, or 503 with `retry-after` |
//! | `POST /operator/restart/{mode}` | | 204 once the stack is started again or was told to start, 409 while another restart is under way |
//! | `GET /operator/stack` | | a [`StackView`](super::outcome::StackView) |

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::outcome::Offset;

/// The host that serves shapes.
pub(crate) const SERVER: &str = "server";
/// The port that it listens on.
pub(crate) const PORT: u16 = 8080;
/// Where shapes are read.
pub(crate) const SHAPE: &str = "/v1/shape";
/// Where the stack is restarted: a mode follows.
pub(crate) const RESTART: &str = "/operator/restart";
/// Where it says what it holds.
pub(crate) const STACK: &str = "/operator/stack";

/// What a client asks of a shape.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    /// The query, as written.
    pub(crate) query: Arc<str>,
    /// The handle that the client has.
    #[serde(default)]
    pub(crate) handle: Option<Arc<str>>,
    /// What it has read; `None`: nothing.
    #[serde(default)]
    pub(crate) offset: Option<Offset>,
    /// Whether to wait for what comes; only with a handle and an offset.
    #[serde(default)]
    pub(crate) live: bool,
}
