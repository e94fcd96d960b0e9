//! All actors that live: their links, monitors and ends.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::address::Address;
use super::context::{Context, Mail};
use super::reason::Reason;
use crate::runtime::{activity, point, task, time};

/// Which actor it is: no two have ever been the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pid(u64);

/// How an actor is started.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// What it is called in stories.
    pub(crate) name: Arc<str>,
    /// The actor that it is linked to from the start, and whose end is a notice of its own kind.
    pub(crate) parent: Option<Pid>,
    /// Whether it traps exits.
    pub(crate) traps: bool,
}

/// All actors that live. Clones are handles of the same ones.
#[derive(Clone)]
pub(crate) struct Actors {
    living: Arc<Mutex<Living>>,
    count: Arc<watch::Sender<usize>>,
    /// The point that a signal passes on its way.
    signal: &'static str,
}

#[derive(Default)]
struct Living {
    next: u64,
    processes: BTreeMap<Pid, Process>,
}

struct Process {
    name: Arc<str>,
    traps: bool,
    post: Box<dyn Fn(Notice) + Send>,
    /// Taken by whatever ends it from outside.
    doom: Option<oneshot::Sender<Reason>>,
    links: BTreeSet<Pid>,
    monitors: Vec<Pid>,
    watchers: Vec<oneshot::Sender<Reason>>,
}

/// What an actor finds in its mailbox of the end of another.
#[derive(Clone, Debug)]
pub(super) enum Notice {
    Exit(Pid, Reason),
    Down(Pid, Reason),
}

impl Actors {
    /// None yet. A signal passes the point `signal`, about the actor that it is for, before that hears of it.
    pub(crate) fn new(signal: &'static str) -> Self {
        Self { living: Arc::default(), count: Arc::new(watch::channel(0).0), signal }
    }

    /// Starts an actor. It ends with the reason that `body` returns, or sooner.
    pub(crate) fn spawn<M, F>(&self, start: Start, body: impl FnOnce(Context<M>) -> F) -> Address<M>
    where
        M: Send + 'static,
        F: Future<Output = Reason> + Send + 'static,
    {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (doom, mut doomed) = oneshot::channel();
        let posting = sender.clone();
        let post = Box::new(move |notice| {
            let _ = posting.send(match notice {
                Notice::Exit(from, reason) => Mail::Exit(from, reason),
                Notice::Down(of, reason) => Mail::Down(of, reason),
            });
        });
        let Start { name, parent, traps } = start;
        let orphan = {
            let mut living = self.lock();
            living.next += 1;
            let pid = Pid(living.next);
            let process = Process {
                name: name.clone(),
                traps,
                post,
                doom: Some(doom),
                links: parent.into_iter().collect(),
                monitors: Vec::new(),
                watchers: Vec::new(),
            };
            living.processes.insert(pid, process);
            let orphan = parent.filter(|parent| match living.processes.get_mut(parent) {
                Some(process) => !process.links.insert(pid),
                None => true,
            });
            self.tell(&living);
            (pid, orphan)
        };
        let (pid, orphan) = orphan;
        let address = Address::new(pid, sender, self.clone());
        let context = Context::new(address.clone(), parent, receiver);
        let body = body(context);
        let this = self.clone();
        drop(task::spawn(activity(name, async move {
            let mut body = Box::pin(body);
            let reason = tokio::select! {
                biased;
                Ok(reason) = &mut doomed => reason,
                reason = &mut body => reason,
            };
            // Whoever waits for an answer is to find out why there will be none.
            this.finish(pid, &reason);
            drop(body);
        })));
        if let Some(parent) = orphan {
            self.deliver(parent, pid, Reason::Absent);
        }
        address
    }

    /// The actor that was started last.
    pub(crate) fn latest(&self) -> Pid {
        Pid(self.lock().next)
    }

    /// Whether an actor lives.
    pub(crate) fn is_alive(&self, pid: Pid) -> bool {
        self.lock().processes.contains_key(&pid)
    }

    /// Sends an exit signal; it arrives a little later.
    pub(crate) fn signal(&self, from: Pid, to: Pid, reason: Reason) {
        let Some(name) = self.lock().processes.get(&to).map(|process| process.name.clone()) else { return };
        let this = self.clone();
        drop(task::spawn(async move {
            point(this.signal, &name).await;
            this.deliver(from, to, reason);
        }));
    }

    /// Ends an actor here and now, whatever it does.
    pub(crate) fn kill(&self, pid: Pid) {
        if let Some(process) = self.lock().processes.get_mut(&pid) {
            process.doom(Reason::Killed);
        }
    }

    /// Ends all actors here and now, but one if it is named.
    fn kill_all(&self, but: Option<Pid>) {
        for (pid, process) in &mut self.lock().processes {
            if Some(*pid) != but {
                process.doom(Reason::Killed);
            }
        }
    }

    /// The names of all that live.
    fn names(&self) -> Vec<Arc<str>> {
        self.lock().processes.values().map(|process| process.name.clone()).collect()
    }

    /// Waits until none is left but, if it is named, one; what does not end in time is killed. Returns the names of these.
    pub(crate) async fn all_gone(&self, but: Option<Pid>, limit: Duration) -> Vec<Arc<str>> {
        let mut count = self.count.subscribe();
        let least = usize::from(but.is_some());
        // The sender is this value's own.
        if time::timeout(limit, count.wait_for(|count| *count <= least)).await.is_ok() {
            return Vec::new();
        }
        let late = self.names();
        self.kill_all(but);
        let _ = count.wait_for(|count| *count <= least).await;
        late
    }

    /// Tells an actor to stop, waits for its end, and kills it if that does not come in time.
    pub(crate) async fn stop(&self, from: Pid, pid: Pid, reason: Reason, limit: Duration) -> Reason {
        let mut end = pin!(self.end_of(pid));
        self.signal(from, pid, reason);
        match time::timeout(limit, end.as_mut()).await {
            Ok(reason) => reason,
            Err(_) => {
                self.kill(pid);
                end.await
            }
        }
    }

    /// Waits for the end of an actor; `Absent` at once where it has ended before.
    pub(crate) fn end_of(&self, pid: Pid) -> impl Future<Output = Reason> + Send + use<> {
        let end = self.lock().processes.get_mut(&pid).map(|process| {
            let (sender, receiver) = oneshot::channel();
            process.watchers.push(sender);
            receiver
        });
        async move {
            match end {
                Some(end) => end.await.unwrap_or(Reason::Absent),
                None => Reason::Absent,
            }
        }
    }

    /// `by` finds a notice in its mailbox when `of` has ended; at once where it has ended before.
    pub(super) fn monitor(&self, by: Pid, of: Pid) {
        let mut living = self.lock();
        match living.processes.get_mut(&of) {
            Some(process) => process.monitors.push(by),
            None => {
                if let Some(process) = living.processes.get(&by) {
                    (process.post)(Notice::Down(of, Reason::Absent));
                }
            }
        }
    }

    fn deliver(&self, from: Pid, to: Pid, reason: Reason) {
        let mut living = self.lock();
        let Some(process) = living.processes.get_mut(&to) else { return };
        if process.traps {
            (process.post)(Notice::Exit(from, reason));
        } else if reason != Reason::Normal {
            process.doom(reason);
        }
    }

    fn finish(&self, pid: Pid, reason: &Reason) {
        let mut living = self.lock();
        let Some(process) = living.processes.remove(&pid) else { return };
        for by in process.monitors {
            if let Some(by) = living.processes.get(&by) {
                (by.post)(Notice::Down(pid, reason.clone()));
            }
        }
        for linked in &process.links {
            if let Some(linked) = living.processes.get_mut(linked) {
                linked.links.remove(&pid);
            }
        }
        self.tell(&living);
        drop(living);
        for watcher in process.watchers {
            let _ = watcher.send(reason.clone());
        }
        for linked in process.links {
            self.signal(pid, linked, reason.clone());
        }
    }

    fn tell(&self, living: &Living) {
        self.count.send_replace(living.processes.len());
    }

    fn lock(&self) -> MutexGuard<'_, Living> {
        // Nothing that can panic is done under the lock.
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Process {
    fn doom(&mut self, reason: Reason) {
        if let Some(doom) = self.doom.take() {
            let _ = doom.send(reason);
        }
    }
}
