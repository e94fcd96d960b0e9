//! The server as a host runs it: its data, which outlive a crash, its connections, and the faults that it has.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::runtime::time::{self, Instant};
use crate::runtime::{self, Doing, task};

use super::super::Listener;
use super::backends::{Backends, Badge, End};
use super::engine::{Commit, CommittedChanges, Database, Progress, SessionId, Statement};
use super::refusal::Refusal;
use super::replica::{Feed, Replica};
use super::settings;
use super::slots::{Logged, Slots};
use super::value::Value;

/// How a server is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What the ground truth calls this store.
    pub name: String,
    /// The most connections at once: `max_connections`.
    pub connections: usize,
    /// The longest time that recovery takes after a crash. It is shorter where less was committed since the last one.
    pub recovery: Duration,
    /// How long recovery takes for each row that was committed since the last one.
    pub replay: Duration,
    /// Whether there can be replication slots: `wal_level = logical`. The history then has, after the rows of each
    /// transaction, the fact `postgres.commit` with its `store` and `lsn`.
    pub logical: bool,
    /// How often replication slots write down how far they are: what was confirmed since comes again after a crash.
    pub checkpoint: Duration,
}

impl Default for Options {
    /// `postgres`, 100 connections, 10 ms a row and 10 seconds at most for recovery, no replication slots, and a checkpoint
    /// every 30 seconds.
    fn default() -> Self {
        Self {
            name: "postgres".to_owned(),
            connections: 100,
            recovery: Duration::from_secs(10),
            replay: Duration::from_millis(10),
            logical: false,
            checkpoint: Duration::from_secs(30),
        }
    }
}

/// Told of each row that is committed: for what, store, key, row from now on, cause.
type Observer = Box<dyn Fn(Doing, &str, &str, Option<&str>, &'static str) + Send + Sync>;

pub(super) struct State {
    pub(super) database: Database,
    pub(super) backends: Backends,
    /// Counts crashes; a connection of an earlier incarnation is dead.
    pub(super) generation: u64,
    crashed: bool,
    /// What was committed before it served for the first time, to be told when it does.
    untold: Option<Vec<Commit>>,
    /// The same, for replicas.
    beginnings: Vec<Arc<CommittedChanges>>,
    /// Who follows it.
    followers: Vec<Feed>,
    /// Whom it follows, if it is a replica.
    follows: Option<Feed>,
    /// Rows committed since the last start.
    logged: u32,
    /// Until when it replays what was committed before the crash.
    recovering: Option<Instant>,
    /// Until when writes are refused, and connections.
    read_only: Option<Instant>,
    full: Option<Instant>,
    pub(super) slots: Slots,
}

impl State {
    /// Ends what faults have begun.
    fn heal(&mut self) {
        self.writable();
        self.full = None;
    }

    /// Whether it still replays what was committed before a crash.
    pub(super) fn is_recovering(&self, now: Instant) -> bool {
        self.recovering.is_some_and(|until| now < until)
    }

    fn writable(&mut self) {
        self.read_only = None;
        self.database.set_read_only(self.follows.is_some());
    }

    /// Keeps for slots what has been committed.
    fn log(&mut self, mine: Doing) {
        let decoded = self.database.take_decoded();
        let doing = |by| self.backends.doing(by).unwrap_or(mine);
        let logged = decoded.into_iter().map(|transaction| Logged { doing: doing(transaction.by), transaction });
        self.slots.extend(logged);
    }

    /// Tells replicas what has been committed.
    fn pass_on(&mut self) {
        let changes = self.database.take_stream();
        if changes.is_empty() {
            return;
        }
        let at = self.untold.is_none().then(Instant::now);
        for feed in &self.followers {
            feed.push(at, &changes);
        }
        if at.is_none() {
            self.beginnings.extend(changes);
        }
    }
}

struct Shared {
    state: Mutex<State>,
    observer: Observer,
    options: Options,
    /// What work of the server is called in the history.
    activity: Arc<str>,
}

/// A Postgres server. Clones are handles of the same one.
///
/// The value is also its disk: it outlives a crash of the host that serves it, and [`serve`](Self::serve), when it is
/// called anew, finds everything that was committed, and nothing else.
#[derive(Clone)]
pub struct Postgres(Arc<Shared>);

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl Postgres {
    /// A server with an empty database.
    pub fn new(options: Options) -> Self {
        Self::observed(options, Box::new(Doing::commit))
    }

    /// An empty server that reports what is committed to `observer` alone.
    pub(super) fn observed(options: Options, observer: Observer) -> Self {
        let mut database = Database::new();
        database.keep_stream();
        let state = State {
            database,
            backends: Backends::default(),
            generation: 0,
            crashed: false,
            untold: Some(Vec::new()),
            beginnings: Vec::new(),
            followers: Vec::new(),
            follows: None,
            logged: 0,
            recovering: None,
            read_only: None,
            full: None,
            slots: Slots::new(options.checkpoint),
        };
        let activity = options.name.as_str().into();
        Self(Arc::new(Shared { state: Mutex::new(state), observer, options, activity }))
    }

    /// A replica that follows this server by so much. It is to be made before this server serves.
    ///
    /// # Panics
    /// When this server has served: what it committed since is known to nobody else.
    pub fn replica(&self, options: Options, lag: Duration) -> Replica {
        let feed = Feed::new(lag);
        let mut state = self.lock();
        assert!(state.untold.is_some(), "a replica has to be made before its primary serves");
        feed.push(None, &state.beginnings);
        state.followers.push(feed.clone());
        drop(state);
        // Ground truth is what the primary has.
        let server = Self::observed(options, Box::new(|_, _, _, _, _| {}));
        let mut state = server.lock();
        state.follows = Some(feed.clone());
        state.writable();
        drop(state);
        Replica::of(server, feed)
    }

    /// Recovers from the last crash, if there was one, and accepts connections for as long as the listener does.
    ///
    /// Until it has recovered, connections are refused with `57P03`. Dropping the future is a crash.
    ///
    /// # Errors
    /// The listener's.
    pub async fn serve<L: Listener>(&self, listener: L) -> io::Result<()> {
        self.recover();
        let _incarnation = Incarnation(self);
        loop {
            let stream = listener.accept().await?;
            task::spawn(self.clone().converse(stream, self.lock().generation));
        }
    }

    /// Carries out statements outside of any connection, all or none of them: a schema, or the rows that a run begins
    /// with. For use before the server serves; the ground truth has these rows from when it does.
    ///
    /// # Errors
    /// What the first statement that fails is refused with.
    ///
    /// # Panics
    /// When a statement has to wait for a lock, as it may beside connections that are open.
    pub fn prepare(&self, sql: &str) -> Result<(), Refusal> {
        self.act(|state, now| {
            let session = state.database.connect();
            let run = |database: &mut Database, text: &str| {
                let statement = database.prepare(text, &[])?;
                match database.execute(session, &statement, Vec::new(), now) {
                    Progress::Done(result) => result.map(drop),
                    Progress::Blocked => panic!("`{text}` waits for a lock: prepare the server before it serves"),
                }
            };
            let result = run(&mut state.database, "BEGIN").and_then(|()| {
                let texts = state.database.split(sql)?;
                texts.iter().try_for_each(|text| run(&mut state.database, text))?;
                run(&mut state.database, "COMMIT")
            });
            state.database.disconnect(session);
            result
        })
    }

    /// The host has crashed: what is not committed by now is lost. [`serve`](Self::serve) notices by itself when it is
    /// dropped; a second crash before the next start changes nothing.
    pub fn crashed(&self) {
        let mut state = self.lock();
        state.crashed = true;
        state.generation += 1;
        state.database.crash();
        state.slots.crash();
        state.backends.clear();
        state.heal();
        state.recovering = None;
    }

    /// An administrator ends every connection: `57P01` to each of them, and what they had open is rolled back. Returns
    /// what happened, in words.
    pub fn terminate_backends(&self) -> String {
        let refusal = || Refusal::new("57P01", "terminating connection due to administrator command");
        let count = self.act(|state, _| {
            let sessions = state.backends.sessions();
            // Nobody goes on because another has gone.
            for session in state.backends.waiting() {
                state.database.cancel(session, refusal());
            }
            for session in &sessions {
                state.backends.end(*session, End::Told(refusal()));
                state.database.disconnect(*session);
            }
            sessions.len()
        });
        format!("{} ended", connections(count))
    }

    /// The `n`-th connection, counted round and round, breaks without a word, and what it had open is rolled back. Returns
    /// what happened, in words.
    pub fn lose_connection(&self, n: u64) -> String {
        self.act(|state, _| {
            let sessions = state.backends.sessions();
            let Some(place) = n.checked_rem(sessions.len() as u64) else { return "no connection to lose".to_owned() };
            let session = sessions[place as usize];
            state.backends.end(session, End::Silent);
            state.database.disconnect(session);
            format!("connection {} of {} is lost", place + 1, sessions.len())
        })
    }

    /// For so long it only reads, as while a replica takes over: writes are refused with `25006`. Returns what will
    /// happen, in words.
    pub fn read_only(&self, lasts: Duration) -> String {
        let mut state = self.lock();
        state.database.set_read_only(true);
        state.read_only = Some(Instant::now() + lasts);
        format!("writes are refused for {lasts:?}")
    }

    /// For so long it grants no connection, as where others hold them all: `53300`. Returns what will happen, in words.
    pub fn too_many(&self, lasts: Duration) -> String {
        self.lock().full = Some(Instant::now() + lasts);
        format!("connections are refused for {lasts:?}")
    }

    /// Ends what [`read_only`](Self::read_only) and [`too_many`](Self::too_many) have begun.
    pub fn heal(&self) {
        self.lock().heal();
    }

    /// Which connections have a statement that waits for a lock, by their process ids, and whether they wait, over others,
    /// for themselves.
    pub fn waiting(&self) -> Vec<(i32, bool)> {
        let mut state = self.lock();
        let state = &mut *state;
        let sessions = state.backends.waiting().into_iter();
        let pid = |backends: &mut Backends, session| backends.get(session).map(|backend| backend.pid);
        sessions
            .filter_map(|session| Some((pid(&mut state.backends, session)?, state.database.is_deadlocked(session))))
            .collect()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in a statement is reported by whoever polls its task; the state is as whole as it was.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(super) fn activity(&self) -> Arc<str> {
        self.0.activity.clone()
    }

    /// Does something to the data, hands over what others have been waiting for, and reports what is committed. `act` is
    /// given the wall clock in microseconds.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut State, i64) -> T) -> T {
        let mut state = self.lock();
        if state.read_only.is_some_and(|until| until <= Instant::now()) {
            state.writable();
        }
        if let Some(feed) = state.follows.clone() {
            feed.arrive(&mut state.database);
        }
        let result = act(&mut state, wall());
        for (session, answer) in state.database.finished() {
            state.backends.finish(session, answer);
        }
        state.pass_on();
        let mine = runtime::doing();
        state.log(mine);
        let commits = state.database.take_commits();
        if let Some(untold) = &mut state.untold {
            untold.extend(commits);
            return result;
        }
        state.logged = state.logged.saturating_add(commits.len() as u32);
        let doing: Vec<Doing> = commits.iter().map(|commit| state.backends.doing(commit.by).unwrap_or(mine)).collect();
        // Whoever is told may strike the host at once, which needs the lock.
        drop(state);
        self.report(&commits, &doing);
        result
    }

    /// Tells of rows that are committed, and of each transaction once its rows are told.
    fn report(&self, commits: &[Commit], doing: &[Doing]) {
        let Options { name, logical, .. } = &self.0.options;
        for (place, (commit, doing)) in commits.iter().zip(doing).enumerate() {
            let Commit { key, row, cause, lsn, .. } = commit;
            (self.0.observer)(*doing, name, key, row.as_deref(), cause);
            if *logical && commits.get(place + 1).is_none_or(|next| next.lsn != *lsn) {
                doing.fact("postgres.commit", [("store", name.into()), ("lsn", (*lsn).into())]);
            }
        }
    }

    /// Carries out one statement; `None`: it waits.
    pub(super) fn execute(&self, session: SessionId, statement: &Statement, parameters: Vec<Value>) -> Progress {
        self.act(|state, now| {
            if let Some(feed) = &state.follows
                && let Err(refusal) = feed.conflicts()
            {
                state.database.fail(session);
                return Progress::Done(Err(refusal));
            }
            let progress = state.database.execute(session, statement, parameters, now);
            if progress == Progress::Blocked {
                state.backends.waits(session, runtime::doing());
            }
            progress
        })
    }

    /// Takes back a statement that waits.
    pub(super) fn cancel(&self, session: SessionId, refusal: &Refusal) {
        self.act(|state, _| {
            if state.backends.get(session).is_some_and(|backend| backend.waiting) {
                state.database.cancel(session, refusal.clone());
            }
        });
        // An engine that merely forgets it leaves the answer to the host.
        self.lock().backends.finish(session, Err(refusal.clone()));
    }

    /// Lets a client in that begins so.
    pub(super) fn admit(&self, parameters: &BTreeMap<String, String>) -> Result<Badge, Refusal> {
        let now = Instant::now();
        let Some(user) = parameters.get("user").filter(|user| !user.is_empty()) else {
            return Err(Refusal::new("28000", "no PostgreSQL user name specified in startup packet"));
        };
        let settings = settings::asked_for(parameters)?;
        let mut state = self.lock();
        if state.is_recovering(now) {
            return Err(Refusal::new("57P03", "the database system is starting up"));
        }
        let full = state.full.is_some_and(|until| now < until);
        if full || state.backends.len() >= self.0.options.connections {
            return Err(Refusal::new("53300", "sorry, too many clients already"));
        }
        let session = state.database.connect();
        state.database.identify(session, user, parameters.get("database").unwrap_or(user));
        for sql in settings {
            let done = state.database.prepare(&sql, &[]).and_then(|statement| {
                match state.database.execute(session, &statement, Vec::new(), wall()) {
                    Progress::Done(answer) => answer,
                    Progress::Blocked => Err(Refusal::new("XX000", format!("`{sql}` waits for a lock"))),
                }
            });
            if let Err(refusal) = done {
                state.database.disconnect(session);
                return Err(refusal);
            }
        }
        Ok(state.backends.add(session))
    }

    /// What clients are told of settings when they begin.
    pub(super) fn reported(&self, badge: &Badge) -> Vec<(&'static str, String)> {
        let state = self.lock();
        let value = |name| state.database.setting(badge.session, name).unwrap_or_default();
        settings::REPORTED.map(|name| (name, value(name))).into()
    }

    /// What a client calls itself.
    pub(super) fn application(&self, badge: &Badge) -> String {
        self.lock().database.setting(badge.session, "application_name").unwrap_or_default()
    }

    /// A client has gone: what it had open is rolled back.
    pub(super) fn dismiss(&self, session: SessionId, generation: u64) {
        self.act(|state, _| {
            if state.generation == generation && state.backends.remove(session).is_some() {
                state.database.disconnect(session);
            }
        });
    }

    /// Replays what was committed before the crash.
    fn recover(&self) {
        let mut state = self.lock();
        if std::mem::take(&mut state.crashed) {
            let takes = self.0.options.replay * state.logged;
            state.recovering = Some(Instant::now() + takes.min(self.0.options.recovery));
        }
        state.logged = 0;
        let untold = state.untold.take();
        state.beginnings = Vec::new();
        drop(state);
        let untold = untold.unwrap_or_default();
        self.report(&untold, &vec![runtime::doing(); untold.len()]);
    }
}

fn connections(count: usize) -> String {
    if count == 1 { "1 connection".to_owned() } else { format!("{count} connections") }
}

/// One call of [`Postgres::serve`]; its end, however it comes, is a crash.
struct Incarnation<'a>(&'a Postgres);

impl Drop for Incarnation<'_> {
    fn drop(&mut self) {
        self.0.crashed();
    }
}

/// The wall clock in microseconds since the epoch.
pub(super) fn wall() -> i64 {
    let since = time::wall().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or_else(|before| -(before.duration().as_micros() as i64), |after| after.as_micros() as i64)
}
