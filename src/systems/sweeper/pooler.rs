//! What workers reach their rows through, and what leads them to an empty database for a while: as a wrong search path, a
//! wrong name or a restore that has only begun does.

use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex as Turn, Notify};

use crate::runtime::net::{TcpListener, TcpStream};
use crate::runtime::time::{self, Instant};
use crate::servers::Listener;
use crate::servers::postgres::Postgres;

/// A pooler before one database, which may lead to another. Clones are handles of the same one.
#[derive(Clone)]
pub(super) struct Pooler {
    right: Postgres,
    wrong: Postgres,
    /// Until when it leads to the wrong one.
    astray: Arc<Mutex<Option<Instant>>>,
    changed: Arc<Notify>,
}

impl Pooler {
    pub(super) fn new(right: Postgres, wrong: Postgres) -> Self {
        Self { right, wrong, astray: Arc::default(), changed: Arc::default() }
    }

    /// For so long it leads to the wrong database. Returns what will happen, in words.
    pub(super) fn go_astray(&self, lasts: Duration) -> String {
        *self.astray() = Some(Instant::now() + lasts);
        // Connections that are open would lead to the right one still.
        self.right.terminate_backends();
        self.changed.notify_waiters();
        format!("workers find an empty database for {lasts:?}")
    }

    /// It leads to the right one again.
    pub(super) fn heal(&self) {
        if self.astray().take().is_some() {
            self.wrong.terminate_backends();
            self.changed.notify_waiters();
        }
    }

    /// Leads connections on, for ever.
    pub(super) async fn serve(&self, listener: TcpListener) {
        let ((to_right, right), (to_wrong, wrong)) = (line(), line());
        let served = async { tokio::join!(self.right.serve(right), self.wrong.serve(wrong)) };
        let lead = self.lead(listener, &to_right, &to_wrong);
        tokio::select! {
            _ = served => {}
            () = lead => {}
        }
    }

    async fn lead(
        &self,
        listener: TcpListener,
        right: &UnboundedSender<TcpStream>,
        wrong: &UnboundedSender<TcpStream>,
    ) {
        loop {
            let until = *self.astray();
            let ending = async {
                match until {
                    Some(until) => time::sleep_until(until).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = ending => self.heal(),
                () = self.changed.notified() => {}
                accepted = listener.accept() => {
                    if let Ok((stream, _)) = accepted {
                        let astray = self.astray().is_some();
                        // Whoever serves these goes when this does, so nobody has hung up.
                        let _ = if astray { wrong.send(stream) } else { right.send(stream) };
                    }
                }
            }
        }
    }

    fn astray(&self) -> MutexGuard<'_, Option<Instant>> {
        // A panic elsewhere leaves nothing half-done under this lock.
        self.astray.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connections that were accepted elsewhere.
struct Line(Turn<UnboundedReceiver<TcpStream>>);

fn line() -> (UnboundedSender<TcpStream>, Line) {
    let (sender, receiver) = unbounded_channel();
    (sender, Line(Turn::new(receiver)))
}

impl Listener for Line {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        let stream = self.0.lock().await.recv().await;
        stream.ok_or_else(|| io::Error::new(io::ErrorKind::BrokenPipe, "nobody leads connections on any more"))
    }
}
