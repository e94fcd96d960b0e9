//! What is remembered of a connection that has begun, and what each of its messages does.

use std::collections::BTreeMap;
use std::time::Duration;

use super::backends::{Badge, End};
use super::engine::Status;
use super::host::Postgres;
use super::portal::{Portal, Prepared};
use super::refusal::Refusal;
use super::settings::Settings;
use super::value::Type;
use super::waiting::Stopped;
use super::wire::{Malformed, Replies, Request, Requests, Target, named};

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
    pub(super) settings: Settings,
    /// What the client was last told of the settings, once they have changed.
    pub(super) told: Option<Settings>,
    pub(super) statements: BTreeMap<String, Prepared>,
    pub(super) portals: BTreeMap<String, Portal>,
    pub(super) replies: Replies,
    /// What has been answered is due.
    flush: bool,
    /// After an error, until the client takes a breath.
    skipping: bool,
    /// The open transaction is one that the client has not asked for: it ends with the series of its requests.
    pub(super) implicit: bool,
}

/// What a statement that is no longer named leaves to those it has begun.
const UNNAMED: &str = "";

impl Session {
    pub(super) fn new(server: Postgres, badge: Badge, settings: Settings, replies: Replies) -> Self {
        Self {
            server,
            badge,
            settings,
            told: None,
            statements: BTreeMap::new(),
            portals: BTreeMap::new(),
            replies,
            flush: false,
            skipping: false,
            implicit: false,
        }
    }

    pub(super) fn replies(&mut self) -> &mut Replies {
        &mut self.replies
    }

    /// Whether what has been answered is to be written now.
    pub(super) fn flushes(&mut self) -> bool {
        std::mem::take(&mut self.flush)
    }

    /// How long the client may do nothing.
    pub(super) fn idle_limit(&self) -> Option<Duration> {
        let limit = self.settings.time("idle_in_transaction_session_timeout")?;
        (!self.implicit && self.status() != Status::Idle).then_some(limit)
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
                let bound = Portal::bind(prepared, &statement, &formats, &values, &results)?;
                self.portals.insert(portal, bound);
                self.replies.bound();
            }
            Request::Describe(Target::Statement(name)) => {
                let prepared = self.statement(&name)?.clone();
                self.replies.parameters(prepared.parameters());
                self.replies.columns(prepared.columns(), |_| super::wire::Format::Text);
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
            Request::Flush => self.flush = true,
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

    fn statement(&self, name: &str) -> Result<&Prepared, Refusal> {
        self.statements.get(name).ok_or_else(|| match name {
            UNNAMED => Refusal::new("26000", "unnamed prepared statement does not exist"),
            name => Refusal::new("26000", format!("prepared statement \"{name}\" does not exist")),
        })
    }

    /// Says no, and spoils the transaction that this was part of.
    fn refuse(&mut self, refusal: &Refusal) {
        self.replies.refuse(refusal);
        self.server.lock().database.fail(self.badge.session);
        self.flush = true;
    }

    /// The end of a series of requests: a transaction that was only theirs is over.
    fn rest(&mut self) {
        if let Err(refusal) = self.finish() {
            self.replies.refuse(&refusal);
        }
        if let Some(told) = self.told.take() {
            for (name, value) in self.settings.changed_since(&told) {
                self.replies.setting(name, value);
            }
        }
        let status = self.status();
        if status == Status::Idle {
            self.portals.clear();
        }
        self.replies.ready(status);
        self.flush = true;
    }

    pub(super) fn status(&self) -> Status {
        self.server.lock().database.status(self.badge.session)
    }
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
