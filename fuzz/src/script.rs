//! A client that is only a script: it sends its bytes in pieces, each when the server next reads, and then hangs up.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use sexton::servers::Listener;
use sexton::world::history::{History, What};
use sexton::world::{Config, Outcome, simulate};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

/// How much room a server may keep for what has not arrived, in bytes, beside four times what has.
const ROOM: usize = 128 << 10;

/// How bytes are cut into pieces: into so many bytes at a time, or not at all.
pub(crate) fn pieces(bytes: &[u8], size: Option<usize>) -> Vec<Vec<u8>> {
    match size {
        Some(size) => bytes.chunks(size.max(1)).map(<[u8]>::to_vec).collect(),
        None => vec![bytes.to_vec()],
    }
}

/// What a client was told, and what became of it.
#[derive(Debug, Default)]
struct Told {
    replies: Vec<u8>,
    /// The most room that the server had for one read, beyond four times what had arrived.
    room: usize,
    ended: bool,
}

/// The server's end of the connection to a scripted client.
pub(crate) struct Peer {
    pieces: VecDeque<Vec<u8>>,
    arrived: usize,
    told: Arc<Mutex<Told>>,
    ended: Arc<Notify>,
}

impl Peer {
    fn tell<T>(&self, change: impl FnOnce(&mut Told) -> T) -> T {
        change(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AsyncRead for Peer {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let room = buf.remaining().saturating_sub(4 * self.arrived);
        self.tell(|told| told.room = told.room.max(room));
        while self.pieces.front().is_some_and(Vec::is_empty) {
            self.pieces.pop_front();
        }
        if let Some(piece) = self.pieces.front_mut() {
            let rest = piece.split_off(piece.len().min(buf.remaining()));
            buf.put_slice(piece);
            let read = std::mem::replace(piece, rest).len();
            self.arrived += read;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Peer {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.tell(|told| told.replies.extend_from_slice(data));
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.tell(|told| told.ended = true);
        self.ended.notify_one();
    }
}

/// Clients that come one after another, each when the one before has gone.
pub(crate) struct Queue {
    waiting: Mutex<VecDeque<Peer>>,
    ended: Arc<Notify>,
    over: Notify,
    begun: Mutex<bool>,
}

impl Listener for &Queue {
    type Stream = Peer;

    async fn accept(&self) -> io::Result<Peer> {
        loop {
            let first = !std::mem::replace(&mut *self.begun.lock().unwrap_or_else(PoisonError::into_inner), true);
            if !first {
                self.ended.notified().await;
            }
            if let Some(peer) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
                return Ok(peer);
            }
            self.over.notify_one();
        }
    }
}

/// Lets scripted clients talk to a server, one after another, and returns what each was told.
///
/// `serve` serves a listener for ever.
///
/// # Panics
/// Where a task panics, a conversation does not end, or the server keeps room for what has not arrived.
pub(crate) fn talk<S, F>(clients: Vec<Vec<Vec<u8>>>, serve: S) -> Vec<Vec<u8>>
where
    S: FnOnce(Rc<Queue>) -> F + Send,
    F: Future<Output = ()> + 'static,
{
    let ended = Arc::new(Notify::new());
    let told: Vec<Arc<Mutex<Told>>> = clients.iter().map(|_| Arc::default()).collect();
    let peer = |(pieces, told): (Vec<Vec<u8>>, &Arc<Mutex<Told>>)| Peer {
        pieces: pieces.into(),
        arrived: 0,
        told: told.clone(),
        ended: ended.clone(),
    };
    let waiting: VecDeque<Peer> = clients.into_iter().zip(&told).map(peer).collect();
    let ended = ended.clone();
    run(move || {
        let queue =
            Rc::new(Queue { waiting: Mutex::new(waiting), ended, over: Notify::new(), begun: Mutex::new(false) });
        let serving = serve(queue.clone());
        async move {
            tokio::select! {
                biased;
                () = serving => panic!("the server has ended"),
                () = queue.over.notified() => {}
            }
        }
    });
    let told = told.iter().map(|told| {
        let told = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
        assert!(told.ended, "the connection is still open");
        assert!(told.room <= ROOM, "room for {} bytes that nobody has sent", told.room);
        told.replies
    });
    told.collect()
}

/// Runs `main` in a world in which nothing goes wrong by itself.
///
/// # Panics
/// Where anything in it panics, leaves the world, or does not end.
pub(crate) fn run<T: Send + 'static, F: Future<Output = T> + 'static>(main: impl FnOnce() -> F + Send) -> T {
    let config =
        Config { benign: true, most_events: 1_000_000, most_time: Duration::from_hours(24), ..Config::default() };
    let Outcome { value, stuck, history, .. } = simulate(config, main);
    complain(&history);
    assert!(stuck.is_none(), "nobody goes on: {}", stuck.unwrap_or_default());
    value.expect("the main task has ended")
}

fn complain(history: &History) {
    for event in history.events() {
        match &event.what {
            What::Panicked { task, message } => panic!("{task} panicked: {message}"),
            What::Escaped(what) => panic!("{what}"),
            _ => {}
        }
    }
}
