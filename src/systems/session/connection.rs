//! One connection of a pod to a backend: opened for one session, used by many calls at a time, closed by name.
//!
//! A connection is held open by its own reader, not by those who use it: one that everybody has forgotten stays open, as
//! it would in any service where a session's goroutine, thread or task reads from it.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use tokio::sync::oneshot;

use crate::runtime::net::TcpStream;
use crate::runtime::{task, time};

/// How long saying goodbye may take; what is stuck by then is dropped.
const GOODBYE: Duration = Duration::from_secs(5);

/// What a pod says of itself and the session when it opens a connection.
#[derive(Clone, Debug)]
pub(crate) struct Hello<'a> {
    /// The pod's name for the connection, unique for ever.
    pub(crate) token: &'a str,
    /// Which start of the pod.
    pub(crate) boot: &'a str,
    /// The session.
    pub(crate) session: &'a str,
    /// Whose session.
    pub(crate) owner: &'a str,
    /// The backend's own session id, where the pod is returning to it.
    pub(crate) hint: &'a str,
}

/// Calls that await their answer.
#[derive(Debug, Default)]
struct Waiting {
    broken: bool,
    calls: BTreeMap<u64, oneshot::Sender<()>>,
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    token: String,
    hint: String,
    next: AtomicU64,
    waiting: Arc<Mutex<Waiting>>,
    writer: tokio::sync::Mutex<WriteHalf<TcpStream>>,
    reader: task::JoinHandle<()>,
}

impl Connection {
    /// Connects and initialises the session at the backend. Dropping the future gives the connection up.
    ///
    /// # Errors
    /// When the backend cannot be reached, refuses, or answers what makes no sense.
    pub(crate) async fn open(address: &str, hello: Hello<'_>) -> io::Result<Self> {
        let Hello { token, boot, session, owner, hint } = hello;
        let stream = TcpStream::connect(address).await?;
        let (reader, mut writer) = tokio::io::split(stream);
        let mut reader = BufReader::with_capacity(256, reader);
        let hint = if hint.is_empty() { "-" } else { hint };
        writer.write_all(format!("open {token} {boot} {session} {owner} {hint}\n").as_bytes()).await?;
        let mut line = String::new();
        reader.read_line(&mut line).await?;
        let hint = match line.trim_end().split_once(' ') {
            Some(("opened", hint)) => hint.to_owned(),
            Some(("refused", why)) => return Err(io::Error::other(format!("refused: {why}"))),
            _ if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, format!("unexpected greeting `{line}`"))),
        };
        let waiting = Arc::<Mutex<Waiting>>::default();
        let reader = task::spawn(read(reader, waiting.clone()));
        Ok(Self {
            token: token.to_owned(),
            hint,
            next: AtomicU64::new(1),
            waiting,
            writer: tokio::sync::Mutex::new(writer),
            reader,
        })
    }

    /// The pod's name for it.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The backend's id for the session.
    pub(crate) fn hint(&self) -> &str {
        &self.hint
    }

    /// Whether the other end is gone.
    pub(crate) fn is_broken(&self) -> bool {
        lock(&self.waiting).broken
    }

    /// Calls the backend's tool and awaits its answer.
    ///
    /// # Errors
    /// When the connection breaks first.
    pub(crate) async fn call(&self, takes: Duration, caller: &str) -> io::Result<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        {
            let mut waiting = lock(&self.waiting);
            if waiting.broken {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            waiting.calls.insert(number, sender);
        }
        let _forget = Forget { waiting: &self.waiting, number };
        let request = format!("call {number} {} {caller}\n", takes.as_millis());
        self.writer.lock().await.write_all(request.as_bytes()).await?;
        answer.await.map_err(|_| io::ErrorKind::ConnectionReset.into())
    }

    /// Closes it; calls under way fail.
    pub(crate) async fn close(&self) {
        let goodbye = async { self.writer.lock().await.shutdown().await };
        // Whether the other end hears of it is its own affair: the stream is dropped either way.
        let _ = time::timeout(GOODBYE, goodbye).await;
        self.reader.abort();
        break_off(&self.waiting);
    }
}

/// Withdraws a call whose caller no longer waits.
struct Forget<'a> {
    waiting: &'a Mutex<Waiting>,
    number: u64,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        lock(self.waiting).calls.remove(&self.number);
    }
}

async fn read(mut reader: BufReader<ReadHalf<TcpStream>>, waiting: Arc<Mutex<Waiting>>) {
    let mut line = String::new();
    loop {
        line.clear();
        match reader.read_line(&mut line).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let number = line.trim_end().strip_prefix("done ").and_then(|number| number.parse().ok());
        let call = number.and_then(|number: u64| lock(&waiting).calls.remove(&number));
        if let Some(call) = call {
            // Whoever gave up meanwhile has withdrawn the call already.
            let _ = call.send(());
        }
    }
    break_off(&waiting);
}

fn break_off(waiting: &Mutex<Waiting>) {
    let mut waiting = lock(waiting);
    waiting.broken = true;
    waiting.calls.clear();
}

fn lock(waiting: &Mutex<Waiting>) -> std::sync::MutexGuard<'_, Waiting> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}
