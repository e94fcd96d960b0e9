//! The consumer as an actor: it is told of transactions one by one, writes its log now and then, and ends in good order.

mod apply;
mod ending;

use std::collections::VecDeque;
use std::sync::Arc;

pub(crate) use self::ending::removes;
use super::holding::{Dependency, Event, Holding, Tx};
use super::materializer::ToMaterializer;
use super::starter::{Beginning, Starter};
use crate::runtime::{fact, point, time};
use crate::systems::shapes::actors::{Address, Context, Mail, Pid, Reason, Reply, Start};
use crate::systems::shapes::policy::Advanced;
use crate::systems::shapes::query::Query;
use crate::systems::shapes::stack::{Kept, Route, Stack, ToCleanup, ToCollector};
use crate::systems::shapes::store::{Handle, Log, Stored, Transaction, line};
use crate::systems::shapes::timeouts::FLUSH;
use crate::systems::shapes::{points, stack};

/// What a consumer is told.
pub(crate) enum ToConsumer {
    /// A transaction.
    Apply(Arc<Tx>, Reply<Applied>),
    /// All transactions up to here have come, as far as they ever will.
    Advance(u64, Reply<()>),
    /// What has become of the values of a shape that it depends on.
    Event(Event),
    /// A shape that it depends on is no more.
    Invalidated(Handle),
    /// It can begin.
    Begin(Beginning),
    /// Somebody waits until it has.
    Ready(Reply<()>),
    /// Somebody reads its log from here on, and is told of all that comes: answered once it has begun.
    Follow(Address<ToMaterializer>, Reply<Followed>),
    /// Whether it is there.
    Ping(Reply<()>),
}

/// A log, and from where on whoever follows it is told.
pub(crate) type Followed = (u64, Arc<Log>);

/// What came of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    /// Whether there is something of it that is not on disk.
    pub(crate) unflushed: bool,
}

/// What a consumer is started with.
pub(crate) struct Birth {
    pub(crate) stack: Arc<Stack>,
    pub(crate) handle: Handle,
    pub(crate) query: Query,
    pub(crate) dependencies: Vec<Dependency>,
}

struct Consumer {
    stack: Arc<Stack>,
    handle: Handle,
    collector: Address<ToCollector>,
    holding: Holding,
    log: Arc<Log>,
    _kept: Kept,
    /// Up to where transactions are in the log.
    position: u64,
    /// The latest position that a row is as of.
    ahead: u64,
    /// The position at which it must look for rows that come in: a dependency was ahead until there, and has not told of what
    /// was so in between.
    look_at: Option<u64>,
    /// Transactions that came before it could begin.
    early: VecDeque<Arc<Tx>>,
    /// Up to where all had come before it could begin.
    advanced: u64,
    /// What is known of dependencies, of transactions that have not come yet.
    events: Vec<Event>,
    /// For each dependency: the position that its values were as of to begin with.
    seeds: Vec<u64>,
    begun: bool,
    waiting: Vec<Reply<()>>,
    followers: Vec<(Address<ToMaterializer>, Reply<Followed>)>,
    materializer: Option<Address<ToMaterializer>>,
    starter: Option<Pid>,
    /// Lines of the log that are not on disk.
    unwritten: Vec<u8>,
    /// Whether the collector waits to hear that something is on disk.
    owes: bool,
    flush_at: Option<time::Instant>,
    /// The shape that it depended on, and that is no more.
    lost: Option<Handle>,
}

/// Runs a consumer to its end, and has the shape removed where that is what its end means.
pub(crate) async fn run(mut context: Context<ToConsumer>, birth: Birth) -> Reason {
    let (stack, handle) = (birth.stack.clone(), birth.handle.clone());
    stack.tell("shapes.consumer", &handle, "started", "");
    let (reason, of) = match Consumer::start(&mut context, birth).await {
        Ok(mut consumer) => {
            let reason = consumer.live(&mut context).await;
            point(points::ENDING, &handle).await;
            if let Err(error) = consumer.flush(false).await {
                tracing::warn!(%handle, %error, "the log could not be written to its end");
            }
            (reason, consumer.lost)
        }
        Err(reason) => (reason, None),
    };
    stack.tell("shapes.consumer", &handle, "stopped", &reason.to_string());
    if removes(&stack.policy, &reason)
        && let Some(cleanup) = stack.names().cleanup()
    {
        let why = match (&reason, &of) {
            (_, Some(_)) => "dependency",
            (Reason::Tagged("cleanup"), None) => "cleanup",
            _ => "ended",
        };
        cleanup.send(ToCleanup::Remove { handle, why, of, begun: None });
    }
    reason
}

impl Consumer {
    /// Reads what is stored, and makes itself known to those who are to tell it of changes.
    async fn start(context: &mut Context<ToConsumer>, birth: Birth) -> Result<Self, Reason> {
        let Birth { stack, handle, query, dependencies } = birth;
        stack.end_starter(&handle).await;
        let stored = stack.files.restore(&handle).await.map_err(Reason::failed)?;
        let mut holding = Holding::new(query, dependencies);
        holding.restore(&stored);
        let known = stored.snapshot.is_some().then(|| stored.position());
        let (position, ahead) = (stored.position(), stored.ahead());
        let log = Arc::new(Log::new(stored));
        let kept = stack.logs.keep(&handle, &log);
        let collector = stack.names().collector().ok_or(Reason::Absent)?;
        let route = Route {
            handle: handle.clone(),
            table: holding.query().table,
            dependencies: holding.dependencies().iter().map(|dependency| dependency.handle.clone()).collect(),
            consumer: context.address().clone(),
        };
        collector.call(|reply| ToCollector::Add(route, reply)).await.map_err(Reason::in_call)?;
        let mut sources = Vec::new();
        for dependency in holding.dependencies() {
            let source = stack::materializer(&stack, &dependency.handle).await.map_err(Reason::in_call)?;
            point(points::FOUND, &handle).await;
            context.monitor(source.pid());
            sources.push((source, dependency.subquery.select));
        }
        let mut this = Self {
            stack: stack.clone(),
            handle: handle.clone(),
            collector,
            holding,
            log,
            _kept: kept,
            position,
            ahead,
            look_at: None,
            early: VecDeque::new(),
            advanced: 0,
            events: Vec::new(),
            seeds: Vec::new(),
            begun: false,
            waiting: Vec::new(),
            followers: Vec::new(),
            materializer: None,
            starter: None,
            unwritten: Vec::new(),
            owes: false,
            flush_at: None,
            lost: None,
        };
        if known.is_some() && sources.is_empty() {
            this.begin();
        } else {
            let query = this.holding.query().clone();
            let consumer = context.address().clone();
            let name = format!("starter {handle}").into();
            let starter = Starter { stack, handle, query, consumer, sources, position: known };
            let begin = Start { name, parent: Some(context.pid()), traps: false };
            let handle = starter.handle.clone();
            let started: Address<()> = context.actors().spawn(begin, |_| starter.run());
            this.stack.names().starters.insert(handle, started.pid());
            this.starter = Some(started.pid());
        }
        Ok(this)
    }

    async fn live(&mut self, context: &mut Context<ToConsumer>) -> Reason {
        loop {
            let mail = match self.flush_at {
                Some(at) => time::timeout_at(at, context.next()).await.ok(),
                None => Some(context.next().await),
            };
            let done = match mail {
                None => self.flush(true).await,
                Some(Mail::Letter(letter)) => self.hear(context, letter).await,
                Some(Mail::Exit(from, reason)) if context.is_parent(from) => Err(reason),
                Some(Mail::Exit(from, reason)) => self.on_exit(from, reason),
                Some(Mail::Down(_, reason)) => Err(self.on_down(reason)),
            };
            if let Err(reason) = done {
                return reason;
            }
        }
    }

    async fn hear(&mut self, context: &mut Context<ToConsumer>, letter: ToConsumer) -> Result<(), Reason> {
        match letter {
            ToConsumer::Apply(transaction, reply) => {
                let unflushed = if self.begun {
                    self.apply(context, &transaction).await?;
                    !self.unwritten.is_empty()
                } else {
                    self.early.push_back(transaction);
                    true
                };
                self.owes |= unflushed;
                reply.send(Applied { unflushed });
            }
            ToConsumer::Advance(lsn, reply) => {
                if self.begun {
                    self.advance(context, lsn).await?;
                } else {
                    self.advanced = lsn;
                }
                reply.send(());
            }
            ToConsumer::Event(event) => self.events.push(event),
            ToConsumer::Invalidated(of) => {
                self.lost = Some(of);
                return Err(Reason::Tagged("cleanup"));
            }
            ToConsumer::Begin(beginning) => self.begin_with(context, beginning).await?,
            ToConsumer::Ready(reply) if self.begun => reply.send(()),
            ToConsumer::Ready(reply) => self.waiting.push(reply),
            ToConsumer::Follow(who, reply) if self.begun => self.follow(context, who, reply),
            ToConsumer::Follow(who, reply) => self.followers.push((who, reply)),
            ToConsumer::Ping(reply) => reply.send(()),
        }
        Ok(())
    }

    async fn begin_with(&mut self, context: &mut Context<ToConsumer>, beginning: Beginning) -> Result<(), Reason> {
        if let Some(snapshot) = beginning.snapshot {
            fact("shapes.snapshot", [("handle", self.handle.clone().into()), ("lsn", snapshot.lsn.into())]);
            let stored = Stored::begun(snapshot);
            self.position = stored.position();
            self.holding.restore(&stored);
            self.log.replace(stored);
        }
        let before = self.ahead;
        for (place, seed) in beginning.seeds.into_iter().enumerate() {
            self.seeds.push(seed.position);
            self.follow_ahead(seed.ahead, self.position);
            self.holding.seed(place, seed.values);
            self.events.extend(seed.later);
        }
        if self.ahead > before {
            self.tell_ahead();
        }
        self.begun = true;
        while let Some(transaction) = self.early.pop_front() {
            self.apply(context, &transaction).await?;
            // What it has put on disk on the way may not have been all.
            self.owes = true;
        }
        if self.advanced > self.position && self.stack.policy.advanced == Advanced::Kept {
            self.advance(context, self.advanced).await?;
        }
        for (who, reply) in std::mem::take(&mut self.followers) {
            self.follow(context, who, reply);
        }
        self.begin();
        // What came early may have left nothing to write.
        if self.owes && self.unwritten.is_empty() {
            self.flush(true).await?;
        }
        Ok(())
    }

    fn begin(&mut self) {
        self.begun = true;
        self.log.begin();
        self.stack.tell("shapes.consumer", &self.handle, "ready", "");
        for reply in std::mem::take(&mut self.waiting) {
            reply.send(());
        }
        self.stack.bells.ring(&self.handle);
    }

    fn follow(&mut self, context: &Context<ToConsumer>, who: Address<ToMaterializer>, reply: Reply<Followed>) {
        context.monitor(who.pid());
        self.materializer = Some(who);
        reply.send((self.position, self.log.clone()));
    }

    fn write(&mut self, transaction: &Transaction) -> Result<(), Reason> {
        self.unwritten.extend(line(transaction).map_err(Reason::failed)?);
        self.flush_at.get_or_insert_with(|| time::Instant::now() + FLUSH);
        Ok(())
    }

    /// Puts on disk what is not, and lets the collector know.
    async fn flush(&mut self, tells: bool) -> Result<(), Reason> {
        self.flush_at = None;
        if !self.unwritten.is_empty() {
            // If it fails, the file may hold a part of it, and nothing may come behind that.
            let lines = std::mem::take(&mut self.unwritten);
            self.stack.files.append(&self.handle, &lines).await.map_err(Reason::failed)?;
            fact("shapes.flushed", [("handle", self.handle.clone().into()), ("lsn", self.position.into())]);
        }
        if tells && std::mem::take(&mut self.owes) {
            self.collector.send(ToCollector::Flushed(self.handle.clone(), self.position));
        }
        Ok(())
    }
}
