//! Portals: a statement with its parameters, and how far its result has been sent.

use std::vec;

use bytes::Bytes;

use super::engine::{Answer, Column, Statement};
use super::refusal::Refusal;
use super::value::Value;
use super::wire::{Format, Replies, decode};

/// A statement with its parameters.
#[derive(Debug)]
pub(super) struct Portal {
    pub(super) statement: Statement,
    formats: Vec<Format>,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    /// Not carried out yet.
    Bound(Vec<Value>),
    /// Carried out; these rows have not been sent.
    Rows { rest: vec::IntoIter<Vec<Value>>, tag: String, begun: bool },
}

impl Portal {
    /// A portal as a client binds it; `name` is what it calls the statement.
    pub(super) fn bind(
        statement: &Statement,
        name: &str,
        formats: &[i16],
        values: &[Option<Bytes>],
        results: &[i16],
        now: i64,
    ) -> Result<Self, Refusal> {
        let violation = |what: String| Refusal::new("08P01", what);
        let types = statement.parameters();
        if formats.len() > 1 && formats.len() != values.len() {
            let (formats, values) = (formats.len(), values.len());
            return Err(violation(format!("bind message has {formats} parameter formats but {values} parameters")));
        }
        if values.len() != types.len() {
            let (values, types) = (values.len(), types.len());
            return Err(violation(format!(
                "bind message supplies {values} parameters, but prepared statement \"{name}\" requires {types}"
            )));
        }
        let columns = statement.columns().map_or(0, <[Column]>::len);
        if results.len() > 1 && results.len() != columns {
            let results = results.len();
            return Err(violation(format!(
                "bind message has {results} result formats but query has {columns} columns"
            )));
        }
        let values = values.iter().zip(types).enumerate().map(|(place, (value, kind))| match value {
            Some(value) => decode(*kind, Format::of(formats, place)?, value, now),
            None => Ok(Value::Null),
        });
        let values = values.collect::<Result<_, _>>()?;
        Ok(Self {
            formats: of_columns(columns, results)?,
            statement: statement.clone(),
            progress: Progress::Bound(values),
        })
    }

    /// A portal of the simple protocol: no parameters, and all of its result as text.
    pub(super) fn plain(statement: Statement) -> Result<Self, Refusal> {
        let required = statement.parameters().len();
        if required > 0 {
            return Err(Refusal::new("42P02", format!("there is no parameter ${required}")));
        }
        let columns = statement.columns().map_or(0, <[Column]>::len);
        Ok(Self { formats: of_columns(columns, &[])?, statement, progress: Progress::Bound(Vec::new()) })
    }

    pub(super) fn describe(&self, replies: &mut Replies) {
        replies.columns(self.statement.columns(), |place| self.formats[place]);
    }

    /// The parameters, the first time that it is carried out.
    pub(super) fn begin(&mut self) -> Option<Vec<Value>> {
        match &mut self.progress {
            Progress::Bound(values) => Some(std::mem::take(values)),
            Progress::Rows { .. } => None,
        }
    }

    /// It has been carried out.
    pub(super) fn done(&mut self, answer: Answer) {
        self.progress = Progress::Rows { rest: answer.rows.into_iter(), tag: answer.tag, begun: false };
    }

    /// Sends so many rows of the result, or all of them, and what comes after them.
    pub(super) fn send(&mut self, most: Option<usize>, replies: &mut Replies) -> Result<(), Refusal> {
        let Progress::Rows { rest, tag, begun } = &mut self.progress else { return Ok(()) };
        let Some(columns) = self.statement.columns() else {
            if *begun {
                return Err(Refusal::new("55000", "portal cannot be run"));
            }
            *begun = true;
            replies.done(tag.clone());
            return Ok(());
        };
        let mut sent = 0;
        while most.is_none_or(|most| sent < most)
            && let Some(row) = rest.next()
        {
            replies.row(columns, &row, |place| self.formats[place])?;
            sent += 1;
        }
        // Only who asks for more learns that there is no more.
        if most.is_some_and(|most| sent == most) {
            *begun = true;
            replies.suspended();
        } else if *begun && tag.starts_with("SELECT") {
            replies.done(format!("SELECT {sent}"));
        } else {
            *begun = true;
            replies.done(tag.clone());
        }
        Ok(())
    }
}

/// The formats of so many columns.
fn of_columns(columns: usize, codes: &[i16]) -> Result<Vec<Format>, Refusal> {
    (0..columns).map(|place| Format::of(codes, place)).collect()
}
