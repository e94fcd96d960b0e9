//! What a diagram is made of, before it is known where its lanes are.

use std::sync::Arc;
use std::time::Duration;

use crate::report::Ink;

/// A piece of a diagram at its place in time.
pub(super) struct Piece {
    pub(super) at: Duration,
    /// Where it stands among others of the same time: an index into the history.
    pub(super) place: usize,
    /// Whether it has to do with what the diagram is about.
    pub(super) wanted: bool,
    pub(super) what: Shape,
}

/// What a piece looks like.
pub(super) enum Shape {
    /// A row of its own.
    Row(Row),
    /// A lane looks different from here on.
    Turn(Arc<str>, Turn),
}

/// How a lane changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Begins,
    Ends,
    Down,
    Up,
    Paused,
    Resumed,
}

/// A row.
pub(super) struct Row {
    pub(super) form: Form,
    pub(super) ink: Ink,
    pub(super) text: String,
    /// It tells what befell a host or link, and needs no lane of its own.
    pub(super) trouble: bool,
    /// The row whose outcome this one only tells, if nothing comes between: where that stands.
    pub(super) answers: Option<usize>,
}

/// What a row shows.
pub(super) enum Form {
    /// From one lane to another.
    Arrow { from: Arc<str>, to: Arc<str>, line: Line },
    /// In a lane.
    Mark { host: Arc<str>, sign: char },
    /// Over all lanes.
    Across,
    /// A broken promise, over all lanes.
    Broken,
}

/// How an arrow is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A request.
    Asks,
    /// A write that took effect.
    Writes,
    /// A reply.
    Answers,
    /// A fault of the link.
    Fault,
}

impl Piece {
    /// The row that it is, if it is one.
    pub(super) fn row(&self) -> Option<&Row> {
        match &self.what {
            Shape::Row(row) => Some(row),
            Shape::Turn(..) => None,
        }
    }

    /// Whether it is a row of this sort.
    pub(super) fn is(&self, sort: impl Fn(&Row) -> bool) -> bool {
        self.row().is_some_and(sort)
    }
}

impl Row {
    /// The lanes that it needs.
    pub(super) fn hosts(&self) -> Vec<&Arc<str>> {
        match &self.form {
            Form::Arrow { from, to, .. } => vec![from, to],
            Form::Mark { host, .. } => vec![host],
            Form::Across | Form::Broken => Vec::new(),
        }
    }
}
