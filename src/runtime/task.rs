//! Tasks: of the current host inside a world, tokio's outside.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(feature = "sim")]
use crate::world::{self, World};

/// Starts a task on the current host. Dropping the handle lets it run on.
///
/// # Panics
/// Outside a tokio runtime and outside a world.
#[expect(clippy::disallowed_methods, reason = "this is the replacement that the ban names")]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[cfg(feature = "sim")]
    if let Some(world) = World::current() {
        return JoinHandle(Inner::Simulated(world.spawn(future)));
    }
    JoinHandle(Inner::Tokio(tokio::spawn(future)))
}

/// The handle of a task started by [`spawn`].
pub struct JoinHandle<T>(Inner<T>);

enum Inner<T> {
    Tokio(tokio::task::JoinHandle<T>),
    #[cfg(feature = "sim")]
    Simulated(world::JoinHandle<T>),
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish()
    }
}

impl<T> JoinHandle<T> {
    /// Stops the task at its next await.
    pub fn abort(&self) {
        match &self.0 {
            Inner::Tokio(handle) => handle.abort(),
            #[cfg(feature = "sim")]
            Inner::Simulated(handle) => handle.abort(),
        }
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Inner::Tokio(handle) => handle.is_finished(),
            #[cfg(feature = "sim")]
            Inner::Simulated(handle) => handle.is_finished(),
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Inner::Tokio(handle) => Pin::new(handle).poll(cx).map_err(|error| {
                if error.is_cancelled() { JoinError::Cancelled } else { JoinError::Panicked(error.into_panic()) }
            }),
            #[cfg(feature = "sim")]
            Inner::Simulated(handle) => Pin::new(handle).poll(cx).map_err(|ended| match ended {
                world::Ended::Cancelled => JoinError::Cancelled,
                world::Ended::Panicked(payload) => JoinError::Panicked(payload),
            }),
        }
    }
}

/// Why a task gave no result.
pub enum JoinError {
    /// It was aborted.
    Cancelled,
    /// It panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "the task was cancelled",
            Self::Panicked(_) => "the task panicked",
        })
    }
}

impl std::error::Error for JoinError {}
