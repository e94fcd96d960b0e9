//! One of the two servers with the sessions on it, and when all of them have come to rest.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::time::Duration;

use futures_util::future::select_all;

use super::session::Session;
use super::wire::{Connection, Part};

/// How long an answer may take before it is asked whether it waits for a lock.
const SOON: Duration = Duration::from_millis(1);
/// How often that is asked of a session that neither answers nor waits, or waits for itself, until it is an error.
const LOOKS: u32 = 20_000;
/// How often it is asked whether sessions still wait for one another, until that is taken for no deadlock: a lock may
/// also be waited for behind one who waits for it too, and that resolves itself.
const LOOKS_AT_CYCLE: u32 = 500;

/// Who waits for a lock, and for which others: numbers of processes.
pub(crate) type Waits = BTreeMap<i32, Vec<i32>>;

/// A server to be compared.
pub(crate) trait Peer {
    /// Opens a connection.
    fn connect(&self) -> impl Future<Output = io::Result<Connection>>;

    /// Ends connections, and what they had open.
    fn end(&mut self, processes: &[i32]) -> impl Future<Output = io::Result<()>>;

    /// Who waits for locks now.
    fn waits(&mut self) -> impl Future<Output = io::Result<Waits>>;
}

/// One server's side of a comparison.
pub(crate) struct Side<P> {
    pub(crate) sessions: Vec<Session>,
    peer: P,
    /// Who waits, since the last time that all had come to rest.
    waits: Waits,
}

impl<P: Peer> Side<P> {
    /// Opens as many sessions.
    pub(crate) async fn new(peer: P, sessions: usize) -> io::Result<Self> {
        let mut new = Self { sessions: Vec::new(), peer, waits: Waits::new() };
        for _ in 0..sessions {
            new.sessions.push(Session::new(new.peer.connect().await?));
        }
        Ok(new)
    }

    /// Has new sessions instead of those there are.
    pub(crate) async fn renew(&mut self) -> io::Result<()> {
        let processes: Vec<i32> = self.sessions.iter().map(|session| session.connection.process).collect();
        self.peer.end(&processes).await?;
        for session in &mut self.sessions {
            *session = Session::new(self.peer.connect().await?);
        }
        Ok(())
    }

    /// Whether two sessions wait for the same one, and neither for the other: nobody promises who goes first.
    pub(crate) fn is_a_race(&self) -> bool {
        let waits: Vec<_> = self.waits.iter().collect();
        waits.iter().enumerate().any(|(at, (one, others))| {
            waits[..at].iter().any(|(two, twos)| {
                !others.contains(two) && !twos.contains(one) && others.iter().any(|other| twos.contains(other))
            })
        })
    }

    /// Waits until each session has answered or waits for a lock that only another step can free, and returns what was
    /// answered. A deadlock is waited out.
    pub(crate) async fn settle(&mut self) -> io::Result<Vec<(usize, Vec<Part>)>> {
        let mut answers = Vec::new();
        let mut patience = SOON;
        let mut looks = 0;
        self.waits.clear();
        while self.sessions.iter().any(|session| session.busy) {
            if let Ok(answer) = tokio::time::timeout(patience, self.next()).await {
                answers.push(answer?);
                // Those that wait have been waiting already: only what they wait for is new.
                patience = Duration::ZERO;
                continue;
            }
            patience = SOON;
            let waits = self.peer.waits().await?;
            let mut busy =
                self.sessions.iter().filter(|session| session.busy).map(|session| session.connection.process);
            let at_rest = busy.clone().all(|process| waits.contains_key(&process));
            looks += 1;
            if at_rest && (looks > LOOKS_AT_CYCLE || !busy.any(|process| waits_for_itself(process, &waits))) {
                self.waits = waits;
                break;
            }
            if looks > LOOKS {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "a session neither answers nor waits"));
            }
        }
        Ok(answers)
    }

    async fn next(&mut self) -> io::Result<(usize, Vec<Part>)> {
        let busy = self.sessions.iter_mut().enumerate().filter(|(_, session)| session.busy);
        let answers = busy.map(|(at, session)| {
            Box::pin(async move {
                let answer = session.connection.answer().await;
                session.busy = answer.is_err();
                if let Ok([.., Part::Ready(status)]) = answer.as_deref() {
                    session.status = *status;
                }
                answer.map(|parts| (at, parts))
            })
        });
        select_all(answers).await.0
    }
}

fn waits_for_itself(process: i32, waits: &Waits) -> bool {
    let mut reached = Vec::new();
    let mut next = vec![process];
    while let Some(one) = next.pop() {
        for &other in waits.get(&one).into_iter().flatten() {
            if other == process {
                return true;
            }
            if !reached.contains(&other) {
                reached.push(other);
                next.push(other);
            }
        }
    }
    false
}
