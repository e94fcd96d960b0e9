//! What is remembered of a connection that has begun, and what each of its messages does.

use std::collections::BTreeMap;
use std::time::Duration;

use super::backends::{Badge, End};
use super::engine::{Statement, Status};
use super::host::{Postgres, wall};
use super::portal::Portal;
use super::refusal::Refusal;
use super::value::Type;
use super::waiting::Stopped;
use super::wire::{Format, Malformed, Replies, Request, Requests, Target, named};

/// What follows when all that has arrived is answered.
#[derive(Debug)]
pub(super) enum Next {
    /// More may come.
    Read,
    /// The client has said goodbye.
    Goodbye,
    /// The server ends it.
    End(End),
}

/// A connection that has begun.
pub(super) struct Session {
    pub(super) server: Postgres,
    pub(super) badge: Badge,
    statements: BTreeMap<String, Statement>,
    portals: BTreeMap<String, Portal>,
    pub(super) replies: Replies,
    /// After an error, until the client takes a breath.
    skipping: bool,
    /// What the client was last told that it calls itself: the one thing it is told of that it can change.
    application: String,
}

/// The name of what has none.
const UNNAMED: &str = "";

impl Session {
    pub(super) fn new(server: Postgres, badge: Badge, replies: Replies) -> Self {
        let application = server.application(&badge);
        Self {
            server,
            badge,
            statements: BTreeMap::new(),
            portals: BTreeMap::new(),
            replies,
            skipping: false,
            application,
        }
    }

    pub(super) fn replies(&mut self) -> &mut Replies {
        &mut self.replies
    }

    /// How long the client may do nothing.
    pub(super) fn idle_limit(&self) -> Option<Duration> {
        let state = self.server.lock();
        let limit = match state.database.status(self.badge.session) {
            Status::Idle => "idle_session_timeout",
            Status::Open | Status::Failed => "idle_in_transaction_session_timeout",
        };
        state.database.timeout(self.badge.session, limit)
    }

    /// Why a client that does nothing is shown out.
    pub(super) fn idle_refusal(&self) -> Refusal {
        match self.status() {
            Status::Idle => Refusal::new("57P05", "terminating connection due to idle-session timeout"),
            _ => Refusal::new("25P03", "terminating connection due to idle-in-transaction timeout"),
        }
    }

    /// Answers all that has arrived.
    pub(super) async fn answer(&mut self, requests: &mut Requests, generation: u64) -> Next {
        loop {
            let request = match requests.next() {
                Ok(Some(request)) => request,
                Ok(None) => return Next::Read,
                Err(Malformed(why)) => return Next::End(End::Told(Refusal::new("08P01", why))),
            };
            if self.server.lock().generation != generation {
                return Next::End(End::Silent);
            }
            if matches!(request, Request::Terminate) {
                return Next::Goodbye;
            }
            if self.skipping && !matches!(request, Request::Sync) {
                continue;
            }
            match Box::pin(self.perform(request, requests)).await {
                Ok(()) => {}
                Err(Stopped::Refused(refusal)) => {
                    self.refuse(&refusal);
                    self.skipping = true;
                }
                Err(Stopped::Ended(end)) => return Next::End(end),
            }
        }
    }

    async fn perform(&mut self, request: Request, requests: &Requests) -> Result<(), Stopped> {
        match request {
            Request::Query(text) => {
                self.statements.remove(UNNAMED);
                self.portals.remove(UNNAMED);
                match self.simple(&text).await {
                    Err(Stopped::Refused(refusal)) => self.refuse(&refusal),
                    result => result?,
                }
                self.rest();
            }
            Request::Parse { name, text, hints } => {
                if !name.is_empty() && self.statements.contains_key(&name) {
                    return Err(Refusal::new("42P05", format!("prepared statement \"{name}\" already exists")).into());
                }
                let prepared = self.prepare(&text, &types(&hints)?)?;
                self.statements.insert(name, prepared);
                self.replies.parsed();
            }
            Request::Bind { portal, statement, formats, values, results } => {
                if !portal.is_empty() && self.portals.contains_key(&portal) {
                    return Err(Refusal::new("42P03", format!("cursor \"{portal}\" already exists")).into());
                }
                let prepared = self.statement(&statement)?;
                self.may_run(prepared)?;
                let bound = Portal::bind(prepared, &statement, &formats, &values, &results, wall())?;
                self.portals.insert(portal, bound);
                self.replies.bound();
            }
            Request::Describe(Target::Statement(name)) => {
                let statement = self.statement(&name)?.clone();
                self.replies.parameters(statement.parameters());
                self.replies.columns(statement.columns(), |_| Format::Text);
            }
            Request::Describe(Target::Portal(name)) => {
                let Some(portal) = self.portals.get(&name) else { return Err(no_portal(&name).into()) };
                portal.describe(&mut self.replies);
            }
            Request::Execute { portal: name, most } => {
                let Some(portal) = self.portals.remove(&name) else { return Err(no_portal(&name).into()) };
                let portal = self.advance(portal, most, requests.at_sync()).await?;
                self.portals.insert(name, portal);
            }
            Request::Close(target) => {
                match target {
                    Target::Statement(name) => drop(self.statements.remove(&name)),
                    Target::Portal(name) => drop(self.portals.remove(&name)),
                }
                self.replies.closed();
            }
            Request::Flush => self.replies.flush(),
            Request::Sync => {
                self.skipping = false;
                self.rest();
            }
            Request::Call => {
                self.refuse(&Refusal::unsupported("function calls without SQL"));
                self.rest();
            }
            Request::Copy | Request::Terminate => {}
        }
        Ok(())
    }

    fn statement(&self, name: &str) -> Result<&Statement, Refusal> {
        self.statements.get(name).ok_or_else(|| match name {
            UNNAMED => Refusal::new("26000", "unnamed prepared statement does not exist"),
            name => Refusal::new("26000", format!("prepared statement \"{name}\" does not exist")),
        })
    }

    /// Parses and checks one statement.
    pub(super) fn prepare(&self, text: &str, hints: &[Option<Type>]) -> Result<Statement, Refusal> {
        let statement = self.server.act(|state, _| state.database.prepare(text, hints)).map_err(|refusal| {
            // In a transaction that has failed, names and types are not looked at.
            if self.status() == Status::Failed && refusal.state != "42601" { aborted() } else { refusal }
        })?;
        self.may_run(&statement)?;
        Ok(statement)
    }

    /// Whether a statement is carried out at all: a transaction that has failed can only be ended.
    fn may_run(&self, statement: &Statement) -> Result<(), Refusal> {
        if self.status() == Status::Failed && !statement.ends_transaction() && !statement.is_empty() {
            return Err(aborted());
        }
        Ok(())
    }

    /// The end of a series of requests: a transaction that was only theirs is over.
    fn rest(&mut self) {
        let session = self.badge.session;
        self.server.act(|state, _| state.database.end_implicit(session));
        let application = self.server.application(&self.badge);
        if application != self.application {
            self.replies.setting("application_name", application.clone());
            self.application = application;
        }
        let status = self.status();
        if status == Status::Idle {
            self.portals.clear();
        }
        self.replies.ready(status);
    }

    pub(super) fn status(&self) -> Status {
        self.server.lock().database.status(self.badge.session)
    }
}

fn aborted() -> Refusal {
    Refusal::new("25P02", "current transaction is aborted, commands ignored until end of transaction block")
}

fn no_portal(name: &str) -> Refusal {
    Refusal::new("34000", format!("portal \"{name}\" does not exist"))
}

/// The types that a client gives for parameters; 0 and 705 (`unknown`) leave it to the server.
fn types(numbers: &[u32]) -> Result<Vec<Option<Type>>, Refusal> {
    let kind = |number: &u32| match number {
        0 | 705 => Ok(None),
        number => match named(*number) {
            Some(kind) => Ok(Some(kind)),
            None => Err(Refusal::unsupported(format_args!("parameters of the type with number {number}"))),
        },
    };
    numbers.iter().map(kind).collect()
}
