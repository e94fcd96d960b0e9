//! How a task ends, and how that is waited for.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::panics::report_panic;
use crate::world::simulation::World;

/// A task's future, and whoever waits for its end.
///
/// The end is told only when the future is gone, as tokio does: what it held is free by then. A panic, also one in a
/// destructor, is a finding and not the end of the process.
pub(super) struct Body<T> {
    id: u64,
    future: Option<Pin<Box<dyn Future<Output = T>>>>,
    join: Arc<Mutex<Join<T>>>,
}

impl<T> Body<T> {
    /// For a task's future, with the handle of whoever waits.
    pub(super) fn new(id: u64, future: Pin<Box<dyn Future<Output = T>>>) -> (Self, JoinHandle<T>) {
        let join = Arc::new(Mutex::new(Join { result: None, waker: None }));
        let handle = JoinHandle { id, cell: join.clone() };
        (Self { id, future: Some(future), join }, handle)
    }

    fn end(&mut self, how: Result<T, Ended>) {
        let future = self.future.take();
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(future))) {
            report_panic(&*payload);
        }
        let handle = World::with(|world| world.executor.alive.borrow_mut().remove(&self.id));
        drop(handle);
        let waker = {
            let mut join = lock(&self.join);
            join.result = Some(how);
            join.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Body<T> {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let Some(future) = &mut this.future else { return Poll::Ready(()) };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(value)) => this.end(Ok(value)),
            Err(payload) => {
                report_panic(&*payload);
                this.end(Err(Ended::Panicked(payload)));
            }
        }
        Poll::Ready(())
    }
}

impl<T> Drop for Body<T> {
    fn drop(&mut self) {
        if self.future.is_some() {
            self.end(Err(Ended::Cancelled));
        }
    }
}

/// How a task ended, if not with its value.
pub(crate) enum Ended {
    /// It was aborted.
    Cancelled,
    /// It panicked.
    Panicked(Box<dyn Any + Send>),
}

struct Join<T> {
    result: Option<Result<T, Ended>>,
    waker: Option<Waker>,
}

// A mutex only so that handles are `Send`, as code under test expects; one thread uses it.
fn lock<T>(join: &Mutex<Join<T>>) -> MutexGuard<'_, Join<T>> {
    join.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a task, or aborts it. Dropping it lets the task run on.
pub(crate) struct JoinHandle<T> {
    pub(super) id: u64,
    cell: Arc<Mutex<Join<T>>>,
}

impl<T> JoinHandle<T> {
    /// Of a task that never began.
    pub(super) fn cancelled() -> Self {
        let join = Join { result: Some(Err(Ended::Cancelled)), waker: None };
        Self { id: u64::MAX, cell: Arc::new(Mutex::new(join)) }
    }

    pub(crate) fn abort(&self) {
        // Dropping the handle cancels the task: it is scheduled once more, and its future dropped there.
        let handle = World::with(|world| world.executor.alive.borrow_mut().remove(&self.id));
        drop(handle);
    }

    pub(crate) fn is_finished(&self) -> bool {
        lock(&self.cell).result.is_some()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, Ended>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut join = lock(&self.cell);
        if let Some(result) = join.result.take() {
            return Poll::Ready(result);
        }
        join.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}
