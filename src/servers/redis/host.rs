//! The server as a host runs it: connections, the clocks, expiry that nobody asks for, crashes and faults.

use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

use crate::runtime::time::{self, Instant};
use crate::runtime::{self, task};

use super::super::Listener;
use super::dispatch;
use super::journal::{Journal, REACH};
use super::keyspace::{Cause, DATABASES, Effect, Keyspace};
use super::reply::Refusal;
use super::request::{Malformed, Requests};
use super::session::Session;
use super::value::{Entry, Value};

/// How long at most until the wall clock is looked at again while a key waits to expire: it may have jumped.
const RECHECK: Duration = Duration::from_mins(1);
/// Further off than this nothing expires meanwhile, however far the clock jumps and drifts.
const FAR: Duration = Duration::from_hours(8);
/// What a crash may lose where data reach the disk once a second.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// Room for what arrives next, in bytes.
const READ_SIZE: usize = 4096;

/// What of the data outlives a crash of the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Persistence {
    /// Everything that was acknowledged, as with `appendfsync always`.
    #[default]
    Always,
    /// All but what was written in the last second, as with `appendfsync everysec`.
    LastSecondLost,
    /// Nothing: it starts empty, as with neither snapshots nor an append-only file.
    None,
}

/// How a server is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What the ground truth calls this store. Databases other than 0 add their number: `redis/3`.
    pub name: String,
    /// What outlives a crash.
    pub persistence: Persistence,
}

impl Default for Options {
    /// `redis`, and nothing is lost.
    fn default() -> Self {
        Self { name: "redis".to_owned(), persistence: Persistence::default() }
    }
}

/// Told of each effect: store, key, value from now on, cause.
type Observer = Box<dyn Fn(&str, &str, Option<&str>, &'static str) + Send + Sync>;

struct State {
    keyspace: Keyspace,
    journal: Journal,
    /// When the server went down, until it has recovered.
    crashed: Option<Instant>,
    /// Counts crashes and fail-overs; a connection of an earlier one is dead.
    generation: u64,
    /// The deadline that the expiry is waiting for.
    awaited: Option<i64>,
}

struct Shared {
    state: Mutex<State>,
    observer: Observer,
    persistence: Persistence,
    /// The ground truth's name for each database.
    stores: Vec<String>,
    /// A key expires earlier than the expiry is waiting for.
    sooner: Notify,
    /// Connections are to be closed.
    closing: Notify,
}

/// A Redis server. Clones are handles of the same one.
///
/// The value is also its disk: it outlives a crash of the host that serves it, and [`serve`](Self::serve), when it is
/// called anew, recovers from it what the [`Persistence`] says.
#[derive(Clone)]
pub struct Redis(Arc<Shared>);

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("store", &self.0.stores[0])
            .field("persistence", &self.0.persistence)
            .finish_non_exhaustive()
    }
}

impl Redis {
    /// An empty server.
    pub fn new(options: Options) -> Self {
        Self::observed(options, Box::new(runtime::commit))
    }

    /// An empty server that reports its effects to `observer` alone.
    pub(super) fn observed(options: Options, observer: Observer) -> Self {
        let Options { name, persistence } = options;
        let stores = (0..DATABASES).map(|number| if number == 0 { name.clone() } else { format!("{name}/{number}") });
        let stores = stores.collect();
        let state = State {
            keyspace: Keyspace::default(),
            journal: Journal::default(),
            crashed: None,
            generation: 0,
            awaited: None,
        };
        let (sooner, closing) = (Notify::new(), Notify::new());
        Self(Arc::new(Shared { state: Mutex::new(state), observer, persistence, stores, sooner, closing }))
    }

    /// Recovers what outlived the last crash, then accepts connections for as long as the listener does.
    ///
    /// Dropping the future is a crash.
    ///
    /// # Errors
    /// The listener's.
    pub async fn serve<L: Listener>(&self, listener: L) -> io::Result<()> {
        self.recover();
        let _incarnation = Incarnation(self);
        loop {
            let wake = self.next_expiry();
            tokio::select! {
                biased;
                stream = listener.accept() => {
                    task::spawn(self.clone().converse(stream?, self.generation()));
                }
                () = self.0.sooner.notified() => {}
                () = sleep(wake) => self.act(|state, now| state.keyspace.expire(now)),
            }
        }
    }

    /// The host has crashed: what is not safe by now is lost. [`serve`](Self::serve) notices by itself when it is
    /// dropped; a second crash before the next start changes nothing.
    pub fn crashed(&self) {
        let mut state = self.lock();
        state.crashed.get_or_insert_with(Instant::now);
        state.generation += 1;
    }

    /// A replica that lags by `lag` (at most 10 seconds) becomes the master: what was written and acknowledged within
    /// it is taken back, and every connection is closed. Returns what happened, in words.
    pub fn fail_over(&self, lag: Duration) -> String {
        let lag = lag.min(REACH);
        let lost = self.act(|state, now| {
            state.generation += 1;
            state.keyspace.forget_sessions();
            state.keyspace.expire(now);
            state.journal.roll_back(&mut state.keyspace, Instant::now(), lag, now)
        });
        self.0.closing.notify_waiters();
        let keys = if lost == 1 { "1 key".to_owned() } else { format!("{lost} keys") };
        format!("a replica {lag:?} behind took over, {keys} went back")
    }

    /// Drops the `n`-th key in order, counted round and round, as memory pressure would. Returns which, in words.
    pub fn evict(&self, n: u64) -> String {
        let evicted = self.act(|state, now| {
            state.keyspace.expire(now);
            let (database, key) = state.keyspace.nth(n)?;
            state.keyspace.put(database, &key, None, Cause::Evicted);
            Some((database, key))
        });
        match evicted {
            Some((0, key)) => format!("evicted {}", String::from_utf8_lossy(&key)),
            Some((database, key)) => format!("evicted {} of database {database}", String::from_utf8_lossy(&key)),
            None => "no key to evict".to_owned(),
        }
    }

    /// Of the keys that have `part` in their names and hold a text, makes the `n`-th in order, counted round and round,
    /// hold `garbled`, as a mistaken hand would. Returns which, in words.
    pub fn garble(&self, part: &str, n: u64) -> String {
        let garbled = self.act(|state, now| {
            state.keyspace.expire(now);
            let (database, key, entry) = state.keyspace.nth_text(part, n)?;
            let value = Value::Text("garbled".into());
            state.keyspace.put(database, &key, Some(Entry { value, ..entry }), Cause::Garbled);
            Some(key)
        });
        match garbled {
            Some(key) => format!("garbled {}", String::from_utf8_lossy(&key)),
            None => "no text to garble".to_owned(),
        }
    }

    /// The next `n` commands find the server loading its data and have no effect; those about the connection itself
    /// are served, and do not count. Returns what will happen, in words.
    pub fn fail_next(&self, n: u64) -> String {
        self.lock().keyspace.loading = n;
        format!("loading for {n} commands")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in a command is reported by whoever polls its task; the state is as whole as it was.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Does something to the data and reports its effects. `act` is given the wall clock in milliseconds.
    fn act<T>(&self, act: impl FnOnce(&mut State, i64) -> T) -> T {
        let mut state = self.lock();
        let result = act(&mut state, wall());
        let effects = state.keyspace.take_effects();
        if effects.is_empty() {
            return result;
        }
        let at = Instant::now();
        for effect in &effects {
            state.journal.note(at, effect);
        }
        let (next, awaited) = (state.keyspace.next_deadline(), state.awaited);
        // Whoever is told may strike the host at once, which needs the lock.
        drop(state);
        if next.is_some_and(|next| awaited.is_none_or(|awaited| next < awaited)) {
            self.0.sooner.notify_one();
        }
        for effect in &effects {
            self.report(effect);
        }
        result
    }

    fn report(&self, effect: &Effect) {
        let Some(cause) = effect.cause.word().filter(|_| effect.is_seen()) else { return };
        let (database, key) = &effect.place;
        let value = effect.after.as_ref().map(|entry| entry.value.render());
        let store = &self.0.stores[usize::from(*database)];
        (self.0.observer)(store, &String::from_utf8_lossy(key), value.as_deref(), cause);
    }

    /// Takes back what the last crash has lost.
    fn recover(&self) {
        self.act(|state, now| {
            state.awaited = None;
            if let Some(crashed) = state.crashed.take() {
                state.keyspace.forget_sessions();
                state.keyspace.loading = 0;
                match self.0.persistence {
                    Persistence::Always => {}
                    Persistence::LastSecondLost => {
                        state.keyspace.expire(now);
                        state.journal.roll_back(&mut state.keyspace, crashed, SYNC_INTERVAL, now);
                    }
                    Persistence::None => {
                        state.journal = Journal::default();
                        for database in 0..DATABASES {
                            state.keyspace.clear(database, Cause::Lost);
                        }
                    }
                }
            }
            state.keyspace.expire(now);
        });
    }

    /// How long to wait before the next key expires; `None`: none will.
    fn next_expiry(&self) -> Option<Duration> {
        let mut state = self.lock();
        state.awaited = state.keyspace.next_deadline();
        let deadline = state.awaited?;
        // A key lives through the millisecond of its deadline.
        let wait = deadline.saturating_sub(wall()).saturating_add(1).max(1);
        let wait = Duration::from_millis(wait as u64);
        Some(if wait > FAR { wait.saturating_sub(FAR) } else { wait.min(RECHECK) })
    }

    /// Serves one connection until either side ends it.
    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(self, mut stream: S, generation: u64) {
        let mut session = Session::open(&mut self.lock().keyspace);
        let mut closed = pin!(self.0.closing.notified());
        closed.as_mut().enable();
        tokio::select! {
            biased;
            () = closed => {}
            // Either side hanging up is how a conversation ends.
            _ = self.talk(&mut stream, &mut session, generation) => {}
        }
        session.discard(&mut self.lock().keyspace);
    }

    async fn talk<S>(&self, stream: &mut S, session: &mut Session, generation: u64) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let (mut requests, mut input) = (Requests::default(), BytesMut::new());
        while !session.closing {
            input.reserve(READ_SIZE);
            if stream.read_buf(&mut input).await? == 0 || !self.answer(session, &mut requests, &mut input, generation) {
                return Ok(());
            }
            let replies = session.replies.bytes();
            if !replies.is_empty() {
                stream.write_all(replies).await?;
                stream.flush().await?;
                replies.clear();
            }
        }
        stream.shutdown().await
    }

    /// Executes all requests that have arrived. False: the server is no longer the one that the client connected to.
    fn answer(&self, session: &mut Session, requests: &mut Requests, input: &mut BytesMut, generation: u64) -> bool {
        self.act(|state, now| {
            if state.generation != generation {
                return false;
            }
            while !session.closing {
                match requests.next(input) {
                    Ok(Some(args)) => dispatch::execute(&mut state.keyspace, session, now, args),
                    Ok(None) => break,
                    Err(Malformed(text)) => {
                        session.replies.refuse(&Refusal::Composed([b"ERR Protocol error: ", &text[..]].concat()));
                        session.closing = true;
                    }
                }
            }
            true
        })
    }
}

/// One call of [`Redis::serve`]; its end, however it comes, is a crash.
struct Incarnation<'a>(&'a Redis);

impl Drop for Incarnation<'_> {
    fn drop(&mut self) {
        self.0.crashed();
    }
}

/// The wall clock in milliseconds since the epoch.
fn wall() -> i64 {
    let since = time::wall().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or_else(|before| -(before.duration().as_millis() as i64), |after| after.as_millis() as i64)
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => time::sleep(wait).await,
        None => std::future::pending().await,
    }
}
