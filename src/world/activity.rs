//! Activities: which client operation or background cycle a task works for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll};

use super::history::{Activity, ActivityId};
use super::simulation::World;

/// Runs a future as an activity of its own; what it spawns inherits it.
pub(crate) fn activity<F: Future>(name: impl Into<Arc<str>>, future: F) -> impl Future<Output = F::Output> {
    Within { name: name.into(), id: None, heard: None, future: Box::pin(future) }
}

/// Runs a future as part of an activity that has begun already.
pub(crate) fn resume_activity<F: Future>(id: ActivityId, future: F) -> impl Future<Output = F::Output> {
    Within { name: "".into(), id: Some(id), heard: None, future: Box::pin(future) }
}

struct Within<F> {
    name: Arc<str>,
    id: Option<ActivityId>,
    /// What the task had heard when this began: what follows it is caused by that, and not by what was read within.
    heard: Option<ActivityId>,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(world) = World::current() else { return this.future.as_mut().poll(cx) };
        let (before, heard) = {
            let context = world.context.borrow();
            (context.activity, context.heard)
        };
        let heard = *this.heard.get_or_insert(heard);
        let id = *this.id.get_or_insert_with(|| world.start_activity(this.name.clone(), true));
        world.context.borrow_mut().activity = id;
        let poll = this.future.as_mut().poll(cx);
        let mut context = world.context.borrow_mut();
        context.activity = before;
        if poll.is_ready() {
            context.heard = heard;
        }
        drop(context);
        poll
    }
}

impl World {
    /// Begins an activity below the current one, on the current host. With `answers`, one that has no parent is taken to
    /// be caused by whoever sent what the task has just read.
    pub(crate) fn start_activity(&self, name: Arc<str>, answers: bool) -> ActivityId {
        let (parent, heard) = {
            let context = self.context.borrow();
            (context.activity, context.heard)
        };
        let none = ActivityId(0);
        let cause = if answers && parent == none { heard } else { none };
        let host = self.host_name();
        self.history.borrow_mut().start_activity(Activity { name, parent, cause, host })
    }
}
