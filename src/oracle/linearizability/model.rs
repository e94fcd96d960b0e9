//! What an object does when asked one thing at a time, and what was asked of it side by side.

use std::fmt;
use std::sync::Arc;

use crate::oracle::Moment;

/// An object as it would be if operations came one after another.
pub trait Model {
    /// What the object holds. In words, for people.
    type State: Clone + Ord + fmt::Display;
    /// What is asked of it. In words, for people.
    type Operation: fmt::Display;
    /// What it answers. In words, for people.
    type Answer: fmt::Display;

    /// What it holds at first.
    fn initial(&self) -> Self::State;

    /// What it holds after an operation. `None`: in this state it would not give this answer. An operation that has taken
    /// effect, and whose answer nobody knows, has the answer `None`.
    fn step(
        &self,
        state: &Self::State,
        operation: &Self::Operation,
        answer: Option<&Self::Answer>,
    ) -> Option<Self::State>;

    /// Whether an operation changes nothing in any state. If nobody saw its answer either, it need not be looked at.
    fn observes(&self, operation: &Self::Operation) -> bool {
        let _ = operation;
        false
    }
}

/// One operation of a history.
#[derive(Clone, Debug)]
pub struct Entry<O, A> {
    /// Who asked, for people.
    pub by: Arc<str>,
    /// What was asked.
    pub operation: O,
    /// When. Nothing that it does is before this.
    pub invoked: Moment,
    /// By when it had taken effect. [`Moment::NEVER`]: nobody knows whether it ever has.
    pub returned: Moment,
    /// What was answered; `None`: nobody knows.
    pub answer: Option<A>,
}

impl<O, A> Entry<O, A> {
    /// An operation that has taken effect by some moment.
    pub fn new(by: &str, operation: O, invoked: Moment, returned: Moment, answer: Option<A>) -> Self {
        Self { by: by.into(), operation, invoked, returned, answer }
    }

    /// An operation of which nobody knows whether it has taken effect, or ever will.
    pub fn pending(by: &str, operation: O, invoked: Moment) -> Self {
        Self { by: by.into(), operation, invoked, returned: Moment::NEVER, answer: None }
    }
}

/// The entries of a model.
pub(super) type EntryOf<M> = Entry<<M as Model>::Operation, <M as Model>::Answer>;

/// What a search knows of an entry.
pub(super) struct Asked<'a, O, A> {
    pub(super) operation: &'a O,
    pub(super) answer: Option<&'a A>,
    pub(super) invoked: Moment,
    pub(super) returned: Moment,
}

impl<'a, O, A> Asked<'a, O, A> {
    /// All that is known.
    pub(super) fn of(entry: &'a Entry<O, A>) -> Self {
        let Entry { operation, answer, invoked, returned, .. } = entry;
        Self { operation, answer: answer.as_ref(), invoked: *invoked, returned: *returned }
    }

    /// What is known at some moment, but for the answer that came later.
    pub(super) fn by(self, moment: Moment) -> Self {
        if self.returned > moment { Self { returned: Moment::NEVER, ..self } } else { self }
    }

    /// As if nobody knew whether it has taken effect.
    pub(super) fn weakened(self) -> Self {
        Self { answer: None, returned: Moment::NEVER, ..self }
    }

    /// Whether nobody knows if it has taken effect.
    pub(super) fn is_pending(&self) -> bool {
        self.returned == Moment::NEVER
    }
}

impl<O, A> Clone for Asked<'_, O, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O, A> Copy for Asked<'_, O, A> {}
