//! Statements that are prepared, and portals: a statement with its parameters, and how far its result has been sent.

use std::sync::{Arc, LazyLock};
use std::vec;

use bytes::Bytes;

use super::command::Command;
use super::engine::{Answer, Column, Statement};
use super::refusal::Refusal;
use super::value::{Type, Value};
use super::wire::{Format, Replies, decode};

/// A statement that can be carried out.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) text: Arc<str>,
    pub(super) command: Command,
    /// What the engine makes of it; `None` where the host sees to it alone, or where there is nothing to do.
    pub(super) statement: Option<Statement>,
}

impl Prepared {
    pub(super) fn parameters(&self) -> &[Type] {
        self.statement.as_ref().map_or(&[], Statement::parameters)
    }

    /// The columns of its result, if it has one.
    pub(super) fn columns(&self) -> Option<&[Column]> {
        match (&self.statement, &self.command) {
            (Some(statement), _) => statement.columns(),
            (None, Command::Show(_)) => Some(&SHOWN[..]),
            (None, _) => None,
        }
    }

    /// Its columns, each with the format in which it is sent.
    fn formats(&self, codes: &[i16]) -> Result<Vec<Format>, Refusal> {
        (0..self.columns().map_or(0, <[Column]>::len)).map(|place| Format::of(codes, place)).collect()
    }
}

/// The result of `SHOW`.
static SHOWN: LazyLock<[Column; 1]> = LazyLock::new(|| [Column { name: "setting".to_owned(), kind: Type::Text }]);

/// A statement with its parameters.
#[derive(Debug)]
pub(super) struct Portal {
    pub(super) prepared: Prepared,
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
    /// A portal as a client binds it.
    pub(super) fn bind(
        prepared: &Prepared,
        name: &str,
        formats: &[i16],
        values: &[Option<Bytes>],
        results: &[i16],
    ) -> Result<Self, Refusal> {
        let violation = |what: String| Refusal::new("08P01", what);
        let types = prepared.parameters();
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
        let columns = prepared.columns().map_or(0, <[Column]>::len);
        if results.len() > 1 && results.len() != columns {
            let results = results.len();
            return Err(violation(format!(
                "bind message has {results} result formats but query has {columns} columns"
            )));
        }
        let values = values.iter().zip(types).enumerate().map(|(place, (value, kind))| match value {
            Some(value) => decode(*kind, Format::of(formats, place)?, value),
            None => Ok(Value::Null),
        });
        let values = values.collect::<Result<_, _>>()?;
        Ok(Self { formats: prepared.formats(results)?, prepared: prepared.clone(), progress: Progress::Bound(values) })
    }

    /// A portal of the simple protocol: no parameters, and all of its result as text.
    pub(super) fn plain(prepared: Prepared) -> Result<Self, Refusal> {
        let required = prepared.parameters().len();
        if required > 0 {
            return Err(Refusal::new("42P02", format!("there is no parameter ${required}")));
        }
        Ok(Self { formats: prepared.formats(&[])?, prepared, progress: Progress::Bound(Vec::new()) })
    }

    pub(super) fn describe(&self, replies: &mut Replies) {
        replies.columns(self.prepared.columns(), |place| self.formats[place]);
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
        let Some(columns) = self.prepared.columns() else {
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
