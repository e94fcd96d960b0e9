//! How statements run on a connection: one by one or several together, and the transactions that they are in.

use std::sync::Arc;

use super::command::{Command, written};
use super::engine::{Answer, Progress, Statement, Status};
use super::portal::{Portal, Prepared};
use super::refusal::Refusal;
use super::session::Session;
use super::settings::Reach;
use super::value::{Type, Value};
use super::waiting::Stopped;

impl Session {
    /// Parses and checks one statement.
    pub(super) fn prepare(&self, text: &str, hints: &[Option<Type>]) -> Result<Prepared, Refusal> {
        // A semicolon at the end is none between two statements.
        let alone = text.trim_end().trim_end_matches(';').trim();
        if alone.contains(';') || alone.is_empty() || alone.starts_with(['-', '/']) {
            match self.server.lock().database.split(text)?.len() {
                0 => return Ok(Prepared { text: text.into(), command: Command::Other, statement: None }),
                1 => {}
                _ => {
                    return Err(Refusal::new("42601", "cannot insert multiple commands into a prepared statement"));
                }
            }
        }
        let command = Command::of(text)?;
        let mut prepared = Prepared { text: text.into(), command, statement: None };
        self.may_run(&prepared)?;
        let own = matches!(
            prepared.command,
            Command::Set { .. } | Command::Show(_) | Command::ResetAll | Command::DiscardAll
        );
        if !own {
            prepared.statement = Some(self.server.lock().database.prepare(text, hints)?);
        }
        Ok(prepared)
    }

    /// Whether a statement is carried out at all: a transaction that has failed can only be ended.
    pub(super) fn may_run(&self, prepared: &Prepared) -> Result<(), Refusal> {
        let ends = matches!(prepared.command, Command::Commit | Command::Rollback | Command::RollbackTo);
        if !ends && self.status() == Status::Failed {
            let message = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(Refusal::new("25P02", message));
        }
        Ok(())
    }

    /// Carries out the statements of one query string: several are one transaction, unless they say otherwise.
    pub(super) async fn simple(&mut self, text: &str) -> Result<(), Stopped> {
        let texts = self.server.lock().database.split(text)?;
        if texts.is_empty() {
            self.replies.done(String::new());
        }
        for text in &texts {
            let mut portal = Portal::plain(self.prepare(text, &[])?)?;
            if portal.prepared.columns().is_some() {
                portal.describe(&mut self.replies);
            }
            self.carry_out(&mut portal, texts.len() == 1).await?;
            portal.send(None, &mut self.replies)?;
        }
        Ok(())
    }

    /// Carries out a portal, or goes on with it. `alone`: nothing else is part of its transaction.
    pub(super) async fn advance(&mut self, mut portal: Portal, most: i32, alone: bool) -> Result<Portal, Stopped> {
        self.carry_out(&mut portal, alone).await?;
        let most = usize::try_from(most).ok().filter(|most| *most > 0);
        portal.send(most, &mut self.replies)?;
        Ok(portal)
    }

    async fn carry_out(&mut self, portal: &mut Portal, alone: bool) -> Result<(), Stopped> {
        let Some(parameters) = portal.begin() else { return Ok(()) };
        if !alone && portal.prepared.command == Command::Other && self.status() == Status::Idle {
            self.control("BEGIN")?;
            self.implicit = true;
            self.settings.begin();
        }
        let answer = self.run(&portal.prepared, parameters).await?;
        portal.done(answer);
        Ok(())
    }

    async fn run(&mut self, prepared: &Prepared, parameters: Vec<Value>) -> Result<Answer, Stopped> {
        self.may_run(prepared)?;
        let status = self.status();
        let tag = |tag: &str| Ok(Answer { rows: Vec::new(), tag: tag.to_owned() });
        match &prepared.command {
            Command::Set { name, value, reach } => {
                if *reach == Reach::Transaction && status == Status::Idle {
                    self.warn("25P01", "SET LOCAL can only be used in transaction blocks");
                    return tag("SET");
                }
                self.told.get_or_insert_with(|| self.settings.clone());
                self.settings.set(name, value.as_deref(), *reach)?;
                return tag(if value.is_none() && prepared.text.trim_start().starts_with(['R', 'r']) {
                    "RESET"
                } else {
                    "SET"
                });
            }
            Command::Show(name) => {
                let value = Value::Text(Arc::from(self.settings.get(name)?));
                return Ok(Answer { rows: vec![vec![value]], tag: "SHOW".to_owned() });
            }
            Command::ResetAll => {
                self.told.get_or_insert_with(|| self.settings.clone());
                self.settings.reset_all();
                return tag("RESET");
            }
            Command::DiscardAll => {
                if status != Status::Idle {
                    let message = "DISCARD ALL cannot run inside a transaction block";
                    return Err(Refusal::new("25001", message).into());
                }
                self.told.get_or_insert_with(|| self.settings.clone());
                self.settings.reset_all();
                self.statements.clear();
                self.portals.clear();
                return tag("DISCARD ALL");
            }
            // What the statements before it have begun is now what the client has asked for.
            Command::Begin if self.implicit => {
                self.implicit = false;
                return tag("BEGIN");
            }
            Command::Begin if status == Status::Open => {
                self.warn("25001", "there is already a transaction in progress");
                return tag("BEGIN");
            }
            Command::Commit | Command::Rollback if status == Status::Idle => {
                self.warn("25P01", "there is no transaction in progress");
                return tag(if prepared.command == Command::Commit { "COMMIT" } else { "ROLLBACK" });
            }
            Command::Commit | Command::Rollback => {
                if std::mem::take(&mut self.implicit) {
                    self.warn("25P01", "there is no transaction in progress");
                }
            }
            Command::Begin | Command::RollbackTo | Command::Other => {}
        }
        let Some(statement) = &prepared.statement else { return tag("") };
        if self.server.is_read_only()
            && let Some(verb) = written(&prepared.text)
        {
            let message = format!("cannot execute {verb} in a read-only transaction");
            return Err(Refusal::new("25006", message).into());
        }
        self.execute(statement, parameters, status).await
    }

    async fn execute(
        &mut self,
        statement: &Statement,
        parameters: Vec<Value>,
        before: Status,
    ) -> Result<Answer, Stopped> {
        let answer = match self.server.execute(self.badge.session, statement, parameters) {
            Progress::Done(answer) => answer.map_err(Stopped::Refused),
            Progress::Blocked => self.server.blocked(&self.badge, &self.settings).await,
        };
        match (before, self.status()) {
            (Status::Idle, Status::Open) => self.settings.begin(),
            (Status::Open | Status::Failed, Status::Idle) => {
                self.ended(answer.as_ref().is_ok_and(|answer| answer.tag != "ROLLBACK"));
            }
            _ => {}
        }
        answer
    }

    /// Ends the transaction that the client has not asked for, if one is open.
    pub(super) fn finish(&mut self) -> Result<(), Refusal> {
        if !std::mem::take(&mut self.implicit) {
            return Ok(());
        }
        let committed = match self.status() {
            Status::Idle => return Ok(()),
            Status::Open => self.control("COMMIT").map(|()| true),
            Status::Failed => self.control("ROLLBACK").map(|()| false),
        };
        self.ended(committed == Ok(true));
        committed.map(drop)
    }

    /// A transaction is over.
    fn ended(&mut self, committed: bool) {
        if !committed && self.settings.is_changed() {
            self.told.get_or_insert_with(|| self.settings.clone());
        }
        self.settings.end(committed);
        self.portals.clear();
    }

    /// Begins or ends a transaction on the host's own account.
    fn control(&self, text: &'static str) -> Result<(), Refusal> {
        let statement = self.server.lock().database.prepare(text, &[])?;
        match self.server.execute(self.badge.session, &statement, Vec::new()) {
            Progress::Done(answer) => answer.map(drop),
            Progress::Blocked => Err(Refusal::new("XX000", format!("the simulated Postgres has made {text} wait"))),
        }
    }

    fn warn(&mut self, state: &'static str, message: &'static str) {
        self.replies.warn(&Refusal::new(state, message));
    }
}
