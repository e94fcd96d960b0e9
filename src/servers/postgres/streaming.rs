//! What the server says to consumers of its slots, and when: a protocol of our own, in lines of JSON.
//!
//! | the consumer | the server |
//! |---|---|
//! | `{"create": "slot"}` | `{"created": lsn}` |
//! | `{"drop": "slot"}` | `{"dropped": "slot"}` |
//! | `{"start": "slot", "after": null}` | `{"started": lsn}`, and then each transaction after that: |
//! | | `{"lsn": …, "xid": …, "changes": [{"table": …, "op": "insert", "key": ["id"], "old": null, "new": {…}}]}` |
//! | | `{"keepalive": lsn}` every ten seconds: there was nothing else up to here |
//! | `{"flushed": lsn}` | |
//!
//! What is refused is answered by `{"error": "42704", "message": …}`. After what makes no sense the connection is closed, and
//! so it is when the consumer has said nothing for a minute: it should confirm, by `flushed`, what it has been told.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::runtime::time::{self, Instant};
use crate::runtime::{activity, task};

use super::super::Listener;
use super::host::Postgres;
use super::refusal::Refusal;
use super::slots::Consumer;

/// How often a consumer hears that there is nothing new.
const KEEPALIVE: Duration = Duration::from_secs(10);
/// How long a consumer may be silent: `wal_sender_timeout`.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many transactions are taken from the log at once.
const BATCH: usize = 64;
/// The longest line of a consumer.
const LONGEST_LINE: usize = 4096;

/// What a consumer says.
#[derive(Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Request {
    Create { create: String },
    Drop { drop: String },
    Start { start: String, after: Option<u64> },
    Flushed { flushed: u64 },
}

/// How a line was met.
enum Met {
    /// The conversation goes on.
    Well,
    /// It is over, after these words.
    Badly(Refusal),
}

impl Postgres {
    /// Accepts consumers of its replication slots for as long as the listener does. To be called beside
    /// [`Postgres::serve`], on another port of the same host; `storage::Slot` is the client.
    ///
    /// # Errors
    /// The listener's.
    pub async fn serve_slots<L: Listener>(&self, listener: L) -> io::Result<()> {
        loop {
            let stream = listener.accept().await?;
            let generation = self.lock().generation;
            task::spawn(self.clone().stream(stream, generation));
        }
    }

    /// Makes a replication slot that gives what is committed from now on. Consumers can do so too; this is for use before
    /// the server serves.
    ///
    /// # Errors
    /// `42710` where there is one of this name, `42602` where that is no name for a slot, `55000` where the server was set
    /// up without [`logical`](super::Options::logical).
    pub fn create_slot(&self, name: &str) -> Result<u64, Refusal> {
        let mut state = self.lock();
        if !self.options().logical {
            return Err(Refusal::new("55000", "logical decoding requires \"wal_level\" >= \"logical\""));
        }
        let lsn = state.database.lsn();
        state.slots.create(name, lsn)?;
        state.database.keep_decoded(true);
        Ok(lsn)
    }

    /// The `n`-th replication slot, counted round and round, is lost with all that it kept, as in a fail-over to a server
    /// that has none. Returns what happened, in words.
    pub fn drop_slot(&self, n: u64) -> String {
        let mut state = self.lock();
        let Some(name) = state.slots.lose(n) else { return "no slot to lose".to_owned() };
        let any = !state.slots.is_empty();
        state.database.keep_decoded(any);
        format!("slot {name} is lost")
    }

    fn drop_idle_slot(&self, name: &str) -> Result<(), Refusal> {
        let mut state = self.lock();
        state.slots.drop_idle(name)?;
        let any = !state.slots.is_empty();
        state.database.keep_decoded(any);
        Ok(())
    }

    /// Serves one consumer until either side ends it.
    async fn stream<S: AsyncRead + AsyncWrite + Unpin>(self, stream: S, generation: u64) {
        let postgres = self.clone();
        let now = Instant::now();
        let mut talk = Talk {
            postgres: self,
            generation,
            stream,
            heard: BytesMut::new(),
            consumer: None,
            last_heard: now,
            last_kept: now,
        };
        // Either side hanging up is how a conversation ends.
        if let Ok(Met::Badly(refusal)) = talk.go_on().await {
            let _ = talk.refuse(&refusal).await;
            let _ = time::timeout(PATIENCE, talk.stream.shutdown()).await;
        }
        if let Some(consumer) = talk.consumer {
            postgres.lock().slots.detach(&consumer);
        }
    }
}

/// A conversation with a consumer.
struct Talk<S> {
    postgres: Postgres,
    generation: u64,
    stream: S,
    heard: BytesMut,
    consumer: Option<Consumer>,
    last_heard: Instant,
    last_kept: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    async fn go_on(&mut self) -> io::Result<Met> {
        loop {
            if let Met::Badly(refusal) = self.send_due().await? {
                return Ok(Met::Badly(refusal));
            }
            self.heard.reserve(LONGEST_LINE);
            let wake = self.consumer.as_ref().map(|consumer| consumer.wake.clone());
            let woken = async {
                match &wake {
                    Some(wake) => wake.notified().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                arrived = self.stream.read_buf(&mut self.heard) => {
                    if arrived? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    self.last_heard = Instant::now();
                    if let Met::Badly(refusal) = self.answer().await? {
                        return Ok(Met::Badly(refusal));
                    }
                }
                () = woken => {}
                () = time::sleep_until(self.last_kept + KEEPALIVE), if wake.is_some() => {
                    self.last_kept = Instant::now();
                    let lsn = self.postgres.lock().database.lsn();
                    self.say(&json!({ "keepalive": lsn })).await?;
                }
                () = time::sleep_until(self.last_heard + PATIENCE) => {
                    return Ok(Met::Badly(Refusal::new("57P05", "terminating connection due to replication timeout")));
                }
            }
        }
    }

    /// Sends all that has been committed and not sent yet.
    async fn send_due(&mut self) -> io::Result<Met> {
        loop {
            let due = {
                let mut state = self.postgres.lock();
                if state.generation != self.generation {
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                let Some(consumer) = &self.consumer else { return Ok(Met::Well) };
                match state.slots.due(consumer, BATCH) {
                    Ok(due) => due,
                    Err(refusal) => return Ok(Met::Badly(refusal)),
                }
            };
            if due.is_empty() {
                return Ok(Met::Well);
            }
            for logged in due {
                // For the one that committed it, so that what comes of it is known to be for that one too.
                logged.doing.within(self.say(&logged.transaction)).await?;
                if let Some(consumer) = &mut self.consumer {
                    consumer.sent = logged.transaction.lsn;
                }
            }
        }
    }

    /// Answers each whole line that has been heard.
    async fn answer(&mut self) -> io::Result<Met> {
        while let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
            let line = self.heard.split_to(end + 1);
            let Ok(request) = serde_json::from_slice(&line) else { return Ok(Met::Badly(nonsense("not a request"))) };
            // Work of its own, for whoever sent what has just been read.
            let name = self.postgres.activity();
            if let Met::Badly(refusal) = activity(name, self.serve(request)).await? {
                return Ok(Met::Badly(refusal));
            }
        }
        if self.heard.len() >= LONGEST_LINE {
            return Ok(Met::Badly(nonsense("a line is too long")));
        }
        Ok(Met::Well)
    }

    async fn serve(&mut self, request: Request) -> io::Result<Met> {
        let now = Instant::now();
        if self.postgres.lock().is_recovering(now) {
            return Ok(Met::Badly(Refusal::new("57P03", "the database system is starting up")));
        }
        let answer = match request {
            Request::Create { create } => self.postgres.create_slot(&create).map(|lsn| json!({ "created": lsn })),
            Request::Drop { drop } => self.postgres.drop_idle_slot(&drop).map(|()| json!({ "dropped": drop })),
            Request::Start { .. } if self.consumer.is_some() => {
                return Ok(Met::Badly(nonsense("a slot is being consumed on this connection already")));
            }
            Request::Start { start, after } => {
                let attached = self.postgres.lock().slots.attach(&start, after);
                self.last_kept = now;
                attached.map(|consumer| json!({ "started": self.consumer.insert(consumer).sent }))
            }
            Request::Flushed { flushed } => return Ok(self.confirm(flushed)),
        };
        match answer {
            Ok(answer) => self.say(&answer).await?,
            Err(refusal) => self.refuse(&refusal).await?,
        }
        Ok(Met::Well)
    }

    fn confirm(&mut self, flushed: u64) -> Met {
        let mut state = self.postgres.lock();
        let Some(consumer) = &self.consumer else { return Met::Badly(nonsense("no slot is being consumed")) };
        if flushed > state.database.lsn() {
            return Met::Badly(nonsense("the log has not come so far"));
        }
        match state.slots.confirm(consumer, flushed) {
            Ok(()) => Met::Well,
            Err(refusal) => Met::Badly(refusal),
        }
    }

    async fn refuse(&mut self, refusal: &Refusal) -> io::Result<()> {
        self.say(&json!({ "error": refusal.state, "message": refusal.message })).await
    }

    async fn say(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        let told = async {
            self.stream.write_all(&line).await?;
            self.stream.flush().await
        };
        time::timeout(PATIENCE, told).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn nonsense(why: &'static str) -> Refusal {
    Refusal::new("08P01", why)
}
