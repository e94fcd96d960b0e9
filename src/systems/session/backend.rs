//! The backend server: gives out sessions, answers tool calls, and keeps count of its open connections.
//!
//! Its protocol is lines of words: `open TOKEN BOOT SESSION OWNER HINT` is answered by `opened ID` or `refused WHY`,
//! `call NUMBER MILLISECONDS CALLER` by `done NUMBER` once that time has passed; calls overlap. `count` on a connection of
//! its own lists what is open. What it reports as facts is ground truth about connections.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, WriteHalf};

use super::outcome::ConnectionView;
use super::workload::Hints;
use crate::runtime::net::{TcpListener, TcpStream};
use crate::runtime::time::{self, Instant};
use crate::runtime::{fact, task};

/// The port that backends listen on.
pub(crate) const PORT: u16 = 7000;

/// A bad hour of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Initialisation takes this long.
    Slow(Duration),
    /// Initialisation is refused.
    Refusing,
}

/// One backend: what outlives its process is here, what does not is in each start of [`Backend::run`].
#[derive(Debug)]
pub(crate) struct Backend {
    name: String,
    hints: Hints,
    /// Session ids given out; kept across restarts so that none is ever given twice.
    given: AtomicU64,
    trouble: Mutex<Option<(Trouble, Instant)>>,
}

/// The connections that one start of a backend has open.
type Open = Arc<Mutex<BTreeMap<String, ConnectionView>>>;

impl Backend {
    /// A backend that has not started.
    pub(crate) fn new(name: &str, hints: Hints) -> Arc<Self> {
        Arc::new(Self { name: name.to_owned(), hints, given: AtomicU64::new(0), trouble: Mutex::new(None) })
    }

    /// Sends trouble for some time.
    pub(crate) fn trouble(&self, trouble: Trouble, lasts: Duration) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some((trouble, Instant::now() + lasts));
    }

    /// Serves until dropped.
    ///
    /// # Errors
    /// When the port is taken.
    pub(crate) async fn run(self: Arc<Self>, address: (&str, u16)) -> io::Result<()> {
        self.serve(TcpListener::bind(address).await?).await
    }

    /// Serves on a listener until dropped.
    ///
    /// # Errors
    /// When it can accept no more.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) -> io::Result<()> {
        let open = Open::default();
        loop {
            let (stream, _) = listener.accept().await?;
            let backend = self.clone();
            let open = open.clone();
            // A connection that breaks is its pod's to notice.
            drop(task::spawn(async move { backend.connection(stream, open).await }));
        }
    }

    async fn connection(&self, stream: TcpStream, open: Open) -> io::Result<()> {
        let (reader, mut writer) = tokio::io::split(stream);
        let mut lines = BufReader::with_capacity(256, reader).lines();
        let Some(line) = lines.next_line().await? else { return Ok(()) };
        let words: Vec<&str> = line.split(' ').collect();
        let &["open", token, boot, session, owner, hint] = words.as_slice() else {
            let reply = if line == "count" { count(&open) } else { "refused unknown request\n".to_owned() };
            return writer.write_all(reply.as_bytes()).await;
        };
        match self.current_trouble() {
            Some(Trouble::Refusing) => return writer.write_all(b"refused not now\n").await,
            Some(Trouble::Slow(delay)) => time::sleep(delay).await,
            None => {}
        }
        let id = match self.hints {
            Hints::Honoured if hint != "-" => hint.to_owned(),
            _ => format!("{}.{}", self.name, self.given.fetch_add(1, Ordering::Relaxed) + 1),
        };
        let view = ConnectionView { token: token.to_owned(), boot: boot.to_owned(), session: session.to_owned() };
        let _open = OpenConnection::new(&self.name, open, view, owner);
        writer.write_all(format!("opened {id}\n").as_bytes()).await?;
        let writer = Arc::new(tokio::sync::Mutex::new(writer));
        while let Some(line) = lines.next_line().await? {
            let words: Vec<&str> = line.split(' ').collect();
            let &["call", number, millis, caller] = words.as_slice() else { return Ok(()) };
            fact(
                "backend.called",
                [
                    ("connection", token.into()),
                    ("session", session.into()),
                    ("owner", owner.into()),
                    ("caller", caller.into()),
                ],
            );
            let takes = Duration::from_millis(millis.parse().unwrap_or_default());
            drop(task::spawn(answer(writer.clone(), number.to_owned(), takes)));
        }
        Ok(())
    }

    fn current_trouble(&self) -> Option<Trouble> {
        let trouble = *self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.filter(|(_, until)| Instant::now() < *until).map(|(trouble, _)| trouble)
    }
}

async fn answer(writer: Arc<tokio::sync::Mutex<WriteHalf<TcpStream>>>, number: String, takes: Duration) {
    time::sleep(takes).await;
    // Nobody to tell: the connection has gone in the meantime.
    let _ = writer.lock().await.write_all(format!("done {number}\n").as_bytes()).await;
}

fn count(open: &Open) -> String {
    let open = open.lock().unwrap_or_else(PoisonError::into_inner);
    open.values().fold(String::new(), |text, view| text + &view.token + " " + &view.boot + " " + &view.session + "\n")
}

/// Asks a backend what it has open.
///
/// # Errors
/// When it cannot be reached, or answers what makes no sense.
pub(crate) async fn ask(address: (&str, u16)) -> io::Result<Vec<ConnectionView>> {
    let (reader, mut writer) = tokio::io::split(TcpStream::connect(address).await?);
    writer.write_all(b"count\n").await?;
    let mut lines = BufReader::new(reader).lines();
    let mut open = Vec::new();
    while let Some(line) = lines.next_line().await? {
        let words: Vec<&str> = line.split(' ').collect();
        let &[token, boot, session] = words.as_slice() else { return Err(io::ErrorKind::InvalidData.into()) };
        open.push(ConnectionView { token: token.to_owned(), boot: boot.to_owned(), session: session.to_owned() });
    }
    Ok(open)
}

/// A connection, for as long as it is open.
struct OpenConnection<'a> {
    backend: &'a str,
    open: Open,
    view: ConnectionView,
}

impl<'a> OpenConnection<'a> {
    fn new(backend: &'a str, open: Open, view: ConnectionView, owner: &str) -> Self {
        fact(
            "backend.opened",
            [
                ("backend", backend.into()),
                ("connection", view.token.as_str().into()),
                ("boot", view.boot.as_str().into()),
                ("session", view.session.as_str().into()),
                ("owner", owner.into()),
            ],
        );
        open.lock().unwrap_or_else(PoisonError::into_inner).insert(view.token.clone(), view.clone());
        Self { backend, open, view }
    }
}

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.view.token);
        fact(
            "backend.closed",
            [
                ("backend", self.backend.into()),
                ("connection", self.view.token.as_str().into()),
                ("session", self.view.session.as_str().into()),
            ],
        );
    }
}
