//! The engine of a Postgres and any text that may reach it as SQL.
//!
//! Each line is a query string. One that begins with a digit is for the session of that number, of three.

use std::sync::Arc;

#[expect(clippy::duplicate_mod, reason = "the fuzz targets have no other way to these tables")]
#[expect(dead_code, reason = "how tables are emptied is of use only beside a real server")]
#[path = "../../tests/it/postgres_conformance/schema.rs"]
mod schema;

use sexton::servers::postgres::engine::{Answer, Database, Progress, SessionId, Status};
use sexton::servers::postgres::{Refusal, Type, Value};

/// The most statements of a line that are carried out, and the most lines: one alone may take a second.
const MOST: usize = 4;
/// 2023-11-14, in microseconds.
const BEGIN: i64 = 1_700_000_000_000_000;

/// Each statement is answered, refused or waits for others; when all have gone, nobody waits, and the database still works.
///
/// # Panics
/// Where it is not so.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut play = Play::new();
    for line in text.lines().take(4 * MOST) {
        let (session, line) = match line.as_bytes().first() {
            Some(digit @ b'0'..=b'9') => (usize::from(digit - b'0') % play.sessions.len(), &line[1..]),
            _ => (0, line),
        };
        play.query(play.sessions[session], line);
    }
    play.end();
}

struct Play {
    database: Database,
    sessions: Vec<SessionId>,
    now: i64,
}

impl Play {
    fn new() -> Self {
        let mut database = Database::new();
        let first = database.connect();
        let rows = database.split(schema::ROWS).expect("SQL");
        for statement in schema::TABLES.iter().copied().chain(rows.iter().map(String::as_str)) {
            let prepared = database.prepare(statement, &[]).expect("SQL that the engine knows");
            let progress = database.execute(first, &prepared, Vec::new(), BEGIN);
            assert!(matches!(progress, Progress::Done(Ok(_))), "{statement}: {progress:?}");
        }
        let sessions = vec![first, database.connect(), database.connect()];
        Self { database, sessions, now: BEGIN }
    }

    fn end(mut self) {
        for session in std::mem::take(&mut self.sessions) {
            self.database.disconnect(session);
        }
        self.outcomes();
        let last = self.database.connect();
        let prepared = self.database.prepare("SELECT 1 + 1", &[]).expect("SQL");
        let progress = self.database.execute(last, &prepared, Vec::new(), self.now);
        let two = matches!(&progress, Progress::Done(Ok(Answer { rows, .. })) if rows == &[[Value::Int(2)]]);
        assert!(two, "the next session: {progress:?}");
    }

    fn query(&mut self, session: SessionId, text: &str) {
        if !self.database.waits_for(session).is_empty() {
            return;
        }
        let texts = match self.database.split(text) {
            Ok(texts) => texts,
            Err(refusal) => return self.refused(session, &refusal),
        };
        for text in texts.into_iter().take(MOST) {
            assert!(!text.is_empty(), "an empty statement");
            self.now += 1_000_000;
            let statement = match self.database.prepare_in(session, &text, &[]) {
                Ok(statement) => statement,
                Err(refusal) => return self.refused(session, &refusal),
            };
            let parameters = statement.parameters().iter().enumerate().map(|(place, kind)| value(*kind, place));
            let parameters = parameters.collect();
            match self.database.execute(session, &statement, parameters, self.now) {
                Progress::Done(Ok(answer)) => {
                    let columns = statement.columns().map(<[_]>::len);
                    // DISCARD and the like forget columns; what has none returns no rows.
                    let fits = answer.rows.iter().all(|row| Some(row.len()) == columns);
                    assert!(fits, "{text}: {columns:?} columns, and {:?}", answer.rows);
                }
                Progress::Done(Err(refusal)) => self.refused(session, &refusal),
                Progress::Blocked => {
                    let others = self.database.waits_for(session);
                    assert!(!others.is_empty() && !others.contains(&session), "{text} waits for {others:?}");
                    if self.database.is_deadlocked(session) {
                        self.database.cancel(session, Refusal::new("40P01", "deadlock detected"));
                    }
                }
            }
            self.outcomes();
            if !self.database.waits_for(session).is_empty() {
                return;
            }
        }
    }

    fn refused(&mut self, session: SessionId, refusal: &Refusal) {
        let state = refusal.state.as_bytes();
        assert!(state.len() == 5 && state.iter().all(u8::is_ascii_alphanumeric), "{refusal:?}");
        assert!(refusal.state != "XX000", "an internal error: {refusal:?}");
        assert!(!refusal.message.is_empty() && !refusal.message.contains('\0'), "{refusal:?}");
        self.database.fail(session);
        assert_ne!(self.database.status(session), Status::Open, "after {refusal:?}");
    }

    /// What those have come to who have waited.
    fn outcomes(&mut self) {
        for (session, outcome) in self.database.finished() {
            assert_eq!(self.database.waits_for(session), [], "{outcome:?}");
        }
    }
}

/// A value of this type.
fn value(kind: Type, place: usize) -> Value {
    let list = |value: Value| Value::Array(Arc::from([value.clone(), Value::Null, value]));
    match kind {
        Type::Bool => Value::Bool(place.is_multiple_of(2)),
        Type::Int2 | Type::Int4 | Type::Int8 => Value::Int(place as i64),
        Type::Float8 => Value::Float(0.5),
        Type::Text | Type::Varchar => Value::Text("two".into()),
        Type::Bytea => Value::Bytes(Arc::from([0, 255])),
        Type::Uuid => Value::Uuid(place as u128),
        Type::Timestamptz => Value::Time(BEGIN),
        Type::Interval => Value::Interval { months: 1, days: 1, micros: 1 },
        Type::Jsonb => Value::Text(r#"{"a":[1]}"#.into()),
        Type::BoolArray => list(Value::Bool(true)),
        Type::Int4Array | Type::Int8Array => list(Value::Int(1)),
        Type::TextArray => list(Value::Text("x".into())),
        Type::UuidArray => list(Value::Uuid(1)),
        Type::Void => Value::Null,
    }
}
