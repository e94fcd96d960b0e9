//! A connection from its first byte to its last: how it begins, when the server reads and writes, and how it ends.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::runtime;
use crate::runtime::time::{self, Instant};

use super::backends::{Badge, End};
use super::engine::Status;
use super::host::Postgres;
use super::refusal::Refusal;
use super::session::{Next, Session};
use super::waiting::{AUTHENTICATION, sleep_until};
use super::wire::{Malformed, Opening, Replies, Requests};

/// Room for what arrives next, in bytes.
const READ_SIZE: usize = 4096;

impl Postgres {
    /// Serves one connection until either side ends it.
    pub(super) async fn converse<S: AsyncRead + AsyncWrite + Unpin>(self, mut stream: S, generation: u64) {
        let mut requests = Requests::default();
        // Either side hanging up is how a conversation ends.
        let opened = time::timeout(AUTHENTICATION, self.open(&mut stream, &mut requests)).await;
        let Ok(Ok(Some((badge, welcome)))) = opened else { return };
        let mut session = Session::new(self.clone(), badge.clone(), welcome);
        let _ = self.talk(&mut stream, &mut requests, &mut session, &badge, generation).await;
        self.dismiss(badge.session, generation);
    }

    /// The start of a connection, with what is to be said first; `None`: it was none.
    async fn open<S>(&self, stream: &mut S, requests: &mut Requests) -> io::Result<Option<(Badge, Replies)>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut replies = Replies::default();
        loop {
            let refusal = match requests.opening() {
                Ok(None) => {
                    if read(stream, requests).await? == 0 {
                        return Ok(None);
                    }
                    continue;
                }
                Ok(Some(Opening::Encryption)) => {
                    replies.not_encrypted();
                    write(stream, &mut replies).await?;
                    continue;
                }
                Ok(Some(Opening::Cancel { secret, pid })) => {
                    let found = self.lock().backends.with_secret(secret).filter(|_| pid > 0);
                    if let Some(session) = found {
                        self.cancel(session, &Refusal::new("57014", "canceling statement due to user request"));
                    }
                    return Ok(None);
                }
                Ok(Some(Opening::Version { major, minor })) => Refusal::new(
                    "0A000",
                    format!("unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0"),
                ),
                Ok(Some(Opening::Start { minor, parameters })) => {
                    let options: Vec<String> =
                        parameters.keys().filter(|name| name.starts_with("_pq_.")).cloned().collect();
                    if minor > 0 || !options.is_empty() {
                        replies.negotiate(options);
                    }
                    match self.admit(&parameters) {
                        Ok(badge) => {
                            replies.welcome(badge.pid, badge.secret, self.reported(&badge));
                            replies.ready(Status::Idle);
                            return Ok(Some((badge, replies)));
                        }
                        Err(refusal) => refusal,
                    }
                }
                Err(Malformed(why)) => Refusal::new("08P01", why),
            };
            replies.fatal(&refusal);
            write(stream, &mut replies).await?;
            stream.shutdown().await?;
            return Ok(None);
        }
    }

    async fn talk<S>(
        &self,
        stream: &mut S,
        requests: &mut Requests,
        session: &mut Session,
        badge: &Badge,
        generation: u64,
    ) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        write(stream, session.replies()).await?;
        // Some clients go on before they have been welcomed.
        let mut next = match requests.is_empty() {
            true => Next::Read,
            false => runtime::activity(self.activity(), self.work(stream, requests, session, generation)).await?,
        };
        loop {
            match next {
                Next::Read => {}
                Next::Goodbye | Next::End(End::Silent) => return Ok(()),
                Next::End(End::Told(refusal)) => {
                    session.replies().fatal(&refusal);
                    write(stream, session.replies()).await?;
                    return stream.shutdown().await;
                }
            }
            let idle = session.idle_limit().map(|limit| Instant::now() + limit);
            next = tokio::select! {
                biased;
                () = badge.wake.notified() => self.called(badge, generation).map_or(Next::Read, Next::End),
                arrived = read(stream, requests) => {
                    if arrived? == 0 {
                        if requests.is_empty() {
                            return Ok(());
                        }
                        session.replies().fatal(&Refusal::new("08P01", "unexpected EOF on client connection"));
                        return write(stream, session.replies()).await;
                    }
                    // Work of its own, for whoever sent what has just been read.
                    runtime::activity(self.activity(), self.work(stream, requests, session, generation)).await?
                }
                () = sleep_until(idle) => Next::End(End::Told(session.idle_refusal())),
            };
        }
    }

    /// Answers what has arrived.
    async fn work<S: AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        requests: &mut Requests,
        session: &mut Session,
        generation: u64,
    ) -> io::Result<Next> {
        let next = session.answer(requests, generation).await;
        write(stream, session.replies()).await?;
        Ok(next)
    }

    /// Somebody woke a connection that waits for its client: is it to end?
    fn called(&self, badge: &Badge, generation: u64) -> Option<End> {
        let mut state = self.lock();
        if state.generation != generation {
            return Some(End::Silent);
        }
        match state.backends.get(badge.session) {
            Some(backend) => backend.end.clone(),
            None => Some(End::Silent),
        }
    }
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S, requests: &mut Requests) -> io::Result<usize> {
    requests.buffer().reserve(READ_SIZE);
    stream.read_buf(requests.buffer()).await
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, replies: &mut Replies) -> io::Result<()> {
    let due = replies.take_due();
    if !due.is_empty() {
        stream.write_all(&due).await?;
        stream.flush().await?;
    }
    Ok(())
}
