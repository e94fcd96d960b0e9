//! Statements in, rows and refusals out.

mod hostile;
mod locking;
mod statements;
mod transactions;

use std::fmt::Write as _;

use super::super::refusal::Refusal;
use super::super::value::{Type, Value};
use super::{Answer, Database, Progress, SessionId};

/// A database, a session that is open from the start, and a clock that goes on by a second with each statement.
struct Bench {
    database: Database,
    now: i64,
}

impl Bench {
    fn new(schema: &str) -> (Self, SessionId) {
        let mut bench = Self { database: Database::new(), now: 1_700_000_000_000_000 };
        let session = bench.database.connect();
        for statement in bench.database.split(schema).expect("the schema can be split") {
            bench.done(session, &statement);
        }
        bench.database.take_commits();
        (bench, session)
    }

    fn progress(&mut self, session: SessionId, sql: &str, parameters: Vec<Value>) -> Progress {
        self.now += 1_000_000;
        match self.database.prepare(sql, &[]) {
            Ok(statement) => self.database.execute(session, &statement, parameters, self.now),
            Err(refusal) => {
                self.database.fail(session);
                Progress::Done(Err(refusal))
            }
        }
    }

    fn answer(&mut self, session: SessionId, sql: &str, parameters: Vec<Value>) -> Result<Answer, Refusal> {
        match self.progress(session, sql, parameters) {
            Progress::Done(outcome) => outcome,
            Progress::Blocked => panic!("{sql} waits"),
        }
    }

    /// Carries out what has to work.
    #[track_caller]
    fn done(&mut self, session: SessionId, sql: &str) -> Answer {
        match self.answer(session, sql, Vec::new()) {
            Ok(answer) => answer,
            Err(refusal) => panic!("{sql}: {refusal:?}"),
        }
    }

    /// The rows, as text: cells apart by `|`, rows by lines.
    #[track_caller]
    fn rows(&mut self, session: SessionId, sql: &str) -> String {
        told(&self.done(session, sql))
    }

    /// The SQLSTATE of what is refused.
    #[track_caller]
    fn refused(&mut self, session: SessionId, sql: &str) -> Refusal {
        match self.answer(session, sql, Vec::new()) {
            Ok(answer) => panic!("{sql} is not refused: {answer:?}"),
            Err(refusal) => refusal,
        }
    }

    /// A statement that has to wait.
    #[track_caller]
    fn waits(&mut self, session: SessionId, sql: &str) {
        let progress = self.progress(session, sql, Vec::new());
        assert_eq!(progress, Progress::Blocked, "{sql} has to wait");
    }

    /// What the statements that waited have come to.
    fn finished(&mut self) -> Vec<(SessionId, Result<String, &'static str>)> {
        let finished = self.database.finished();
        let tell = |outcome: Result<Answer, Refusal>| match outcome {
            Ok(answer) if answer.rows.is_empty() => Ok(answer.tag),
            Ok(answer) => Ok(told(&answer)),
            Err(refusal) => Err(refusal.state),
        };
        finished.into_iter().map(|(session, outcome)| (session, tell(outcome))).collect()
    }

    /// What has been committed, as `cause key`.
    fn commits(&mut self) -> Vec<String> {
        let commits = self.database.take_commits();
        commits.iter().map(|commit| format!("{} {}", commit.cause, commit.key)).collect()
    }
}

fn told(answer: &Answer) -> String {
    let lines: Vec<String> =
        answer.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<String>>().join("|")).collect();
    lines.join("\n")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}"),
        Value::Text(text) => text.to_string(),
        Value::Bytes(bytes) => bytes.iter().fold(String::new(), |mut told, byte| {
            let _ = write!(told, "{byte:02x}");
            told
        }),
        Value::Uuid(id) => uuid::Uuid::from_u128(*id).to_string(),
        Value::Time(moment) => format!("@{}", moment - 1_700_000_000_000_000),
        Value::Interval { months, days, micros } => format!("{months}m{days}d{micros}us"),
        Value::Array(items) => format!("[{}]", items.iter().map(cell).collect::<Vec<String>>().join(",")),
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn kinds(bench: &mut Bench, sql: &str) -> Vec<Type> {
    bench.database.prepare(sql, &[]).unwrap_or_else(|refusal| panic!("{sql}: {refusal:?}")).parameters().to_vec()
}
