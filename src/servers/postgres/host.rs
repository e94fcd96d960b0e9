//! The server as a host runs it: its data, which outlive a crash, its connections, and the faults that it has.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::runtime::time::{self, Instant};
use crate::runtime::{self, task};

use super::super::Listener;
use super::backends::{Backends, Badge, End};
use super::engine::{Commit, Database, Progress, SessionId, Statement};
use super::refusal::Refusal;
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
}

impl Default for Options {
    /// `postgres`, 100 connections, 10 ms a row and 10 seconds at most for recovery.
    fn default() -> Self {
        Self {
            name: "postgres".to_owned(),
            connections: 100,
            recovery: Duration::from_secs(10),
            replay: Duration::from_millis(10),
        }
    }
}

/// Told of each row that is committed: store, key, row from now on, cause.
type Observer = Box<dyn Fn(&str, &str, Option<&str>, &'static str) + Send + Sync>;

pub(super) struct State {
    pub(super) database: Database,
    pub(super) backends: Backends,
    /// Counts crashes; a connection of an earlier incarnation is dead.
    pub(super) generation: u64,
    crashed: bool,
    /// What was committed before it served for the first time, to be told when it does.
    untold: Option<Vec<Commit>>,
    /// Rows committed since the last start.
    logged: u32,
    /// Until when it replays what was committed before the crash.
    recovering: Option<Instant>,
    /// Until when writes are refused, and connections.
    pub(super) read_only: Option<Instant>,
    full: Option<Instant>,
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
        Self::observed(options, Box::new(runtime::commit))
    }

    /// An empty server that reports what is committed to `observer` alone.
    pub(super) fn observed(options: Options, observer: Observer) -> Self {
        let state = State {
            database: Database::new(),
            backends: Backends::default(),
            generation: 0,
            crashed: false,
            untold: Some(Vec::new()),
            logged: 0,
            recovering: None,
            read_only: None,
            full: None,
        };
        let activity = options.name.as_str().into();
        Self(Arc::new(Shared { state: Mutex::new(state), observer, options, activity }))
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
        state.backends.clear();
        (state.recovering, state.read_only, state.full) = (None, None, None);
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
        self.lock().read_only = Some(Instant::now() + lasts);
        format!("writes are refused for {lasts:?}")
    }

    /// For so long it grants no connection, as where others hold them all: `53300`. Returns what will happen, in words.
    pub fn too_many(&self, lasts: Duration) -> String {
        self.lock().full = Some(Instant::now() + lasts);
        format!("connections are refused for {lasts:?}")
    }

    /// Ends what [`read_only`](Self::read_only) and [`too_many`](Self::too_many) have begun.
    pub fn heal(&self) {
        let mut state = self.lock();
        (state.read_only, state.full) = (None, None);
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in a statement is reported by whoever polls its task; the state is as whole as it was.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn activity(&self) -> Arc<str> {
        self.0.activity.clone()
    }

    /// Does something to the data, hands over what others have been waiting for, and reports what is committed. `act` is
    /// given the wall clock in microseconds.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut State, i64) -> T) -> T {
        let mut state = self.lock();
        let result = act(&mut state, wall());
        for (session, answer) in state.database.finished() {
            state.backends.finish(session, answer);
        }
        let commits = state.database.take_commits();
        if let Some(untold) = &mut state.untold {
            untold.extend(commits);
            return result;
        }
        state.logged = state.logged.saturating_add(commits.len() as u32);
        // Whoever is told may strike the host at once, which needs the lock.
        drop(state);
        self.report(commits);
        result
    }

    fn report(&self, commits: Vec<Commit>) {
        for Commit { key, row, cause } in commits {
            (self.0.observer)(&self.0.options.name, &key, row.as_deref(), cause);
        }
    }

    /// Carries out one statement; `None`: it waits.
    pub(super) fn execute(&self, session: SessionId, statement: &Statement, parameters: Vec<Value>) -> Progress {
        self.act(|state, now| {
            let progress = state.database.execute(session, statement, parameters, now);
            if progress == Progress::Blocked
                && let Some(backend) = state.backends.get(session)
            {
                (backend.waiting, backend.answer) = (true, None);
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

    /// Whether writes are refused now.
    pub(super) fn is_read_only(&self) -> bool {
        self.lock().read_only.is_some_and(|until| Instant::now() < until)
    }

    /// Lets a client in.
    pub(super) fn admit(&self) -> Result<Badge, Refusal> {
        let now = Instant::now();
        let mut state = self.lock();
        if state.recovering.is_some_and(|until| now < until) {
            return Err(Refusal::new("57P03", "the database system is starting up"));
        }
        let full = state.full.is_some_and(|until| now < until);
        if full || state.backends.len() >= self.0.options.connections {
            return Err(Refusal::new("53300", "sorry, too many clients already"));
        }
        let session = state.database.connect();
        Ok(state.backends.add(session))
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
        drop(state);
        self.report(untold.unwrap_or_default());
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
fn wall() -> i64 {
    let since = time::wall().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or_else(|before| -(before.duration().as_micros() as i64), |after| after.as_micros() as i64)
}
