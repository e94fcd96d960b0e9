//! The model of a register: one text, or none, that is read, written, appended to, and compared and swapped.

use std::fmt;
use std::sync::Arc;

use super::Model;

/// A register. It holds nothing at first, unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// What it holds at first.
    pub initial: Content,
    /// What goes between what it holds and what is appended.
    pub separator: &'static str,
}

/// What a register holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content(pub Option<Arc<str>>);

/// What may be asked of a register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// What does it hold?
    Read,
    /// It holds this from now on.
    Write(Arc<str>),
    /// It holds this behind what it holds, if it holds anything.
    Append(Arc<str>),
    /// It holds nothing from now on.
    Clear,
    /// It holds `to` from now on if it holds `from`.
    Swap {
        /// What it must hold.
        from: Content,
        /// What it then holds.
        to: Content,
    },
}

/// What a register answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A read: it holds this.
    Held(Option<Arc<str>>),
    /// It is done.
    Done,
    /// A clearing: whether it held anything.
    Cleared(bool),
    /// A swap: whether it took place.
    Swapped(bool),
}

impl Model for Register {
    type State = Content;
    type Operation = Operation;
    type Answer = Answer;

    fn initial(&self) -> Content {
        self.initial.clone()
    }

    fn step(&self, state: &Content, operation: &Operation, answer: Option<&Answer>) -> Option<Content> {
        let (next, due) = match operation {
            Operation::Read => (state.clone(), Answer::Held(state.0.clone())),
            Operation::Write(text) => (Content(Some(text.clone())), Answer::Done),
            Operation::Append(text) => {
                let text = match &state.0 {
                    None => text.clone(),
                    Some(held) => format!("{held}{}{text}", self.separator).into(),
                };
                (Content(Some(text)), Answer::Done)
            }
            Operation::Clear => (Content(None), Answer::Cleared(state.0.is_some())),
            Operation::Swap { from, to } if from == state => (to.clone(), Answer::Swapped(true)),
            Operation::Swap { .. } => (state.clone(), Answer::Swapped(false)),
        };
        answer.is_none_or(|answer| *answer == due).then_some(next)
    }

    fn observes(&self, operation: &Operation) -> bool {
        matches!(operation, Operation::Read)
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, "`{text}`"),
            None => f.write_str("nothing"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("read"),
            Self::Write(text) => write!(f, "write `{text}`"),
            Self::Append(text) => write!(f, "append `{text}`"),
            Self::Clear => f.write_str("clear"),
            Self::Swap { from, to } => write!(f, "swap {from} for {to}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(text) => Content(text.clone()).fmt(f),
            Self::Done => f.write_str("done"),
            Self::Cleared(true) => f.write_str("cleared"),
            Self::Cleared(false) => f.write_str("nothing to clear"),
            Self::Swapped(true) => f.write_str("swapped"),
            Self::Swapped(false) => f.write_str("not swapped"),
        }
    }
}
