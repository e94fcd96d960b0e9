//! The client's side: which session a slot stands for, and the requests that an operation makes.
//!
//! Clients of a run share what they know of sessions, as people do who work on the same thing; each acts with the
//! credentials of the session's owner unless it is told to pose as a stranger.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::outcome::{Answer, Outcome};
use super::workload::{Operation, Target, Verb, pod_name};
use super::{backend, pod, timeouts};
use crate::http::{self, Bytes, Method};
use crate::runtime::time;

/// How long looking around and draining may take.
const ADMIN: Duration = Duration::from_mins(2);
/// Whose credentials a stranger carries.
const STRANGER: &str = "stranger";

/// One generation of a slot.
#[derive(Clone, Debug)]
struct Generation {
    id: Arc<str>,
    owner: String,
}

#[derive(Debug, Default)]
struct Slot {
    /// Generations by number, from 1. One that got no id has none.
    generations: BTreeMap<u32, Generation>,
    latest: u32,
    /// The latest generation has ended, or never was: the next may begin.
    free: bool,
}

/// What all clients of a run know of sessions.
#[derive(Debug, Default)]
pub(super) struct Directory(Mutex<BTreeMap<u32, Slot>>);

impl Directory {
    fn slots(&self) -> MutexGuard<'_, BTreeMap<u32, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the next generation of a slot; `None`: the current one is alive.
    fn begin(&self, slot: u32) -> Option<u32> {
        let mut slots = self.slots();
        let slot = slots.entry(slot).or_insert_with(|| Slot { free: true, ..Slot::default() });
        if !slot.free {
            return None;
        }
        slot.free = false;
        slot.latest += 1;
        Some(slot.latest)
    }

    fn name(&self, slot: u32, number: u32, id: &Arc<str>, owner: &str) {
        let generation = Generation { id: id.clone(), owner: owner.to_owned() };
        self.slots().entry(slot).or_default().generations.insert(number, generation);
    }

    /// A generation has ended, or is not worth waiting for.
    fn end(&self, slot: u32, number: u32) {
        if let Some(slot) = self.slots().get_mut(&slot)
            && slot.latest == number
        {
            slot.free = true;
        }
    }

    /// All sessions that ever had an id: slot and generation.
    pub(super) fn all(&self) -> Vec<(u32, u32)> {
        let slots = self.slots();
        slots.iter().flat_map(|(slot, entry)| entry.generations.keys().map(|number| (*slot, *number))).collect()
    }

    fn find(&self, target: Target) -> Option<(u32, Generation)> {
        let slots = self.slots();
        let generations = &slots.get(&target.slot)?.generations;
        let found = match target.generation {
            Some(number) => generations.get_key_value(&number),
            None => generations.last_key_value(),
        };
        found.map(|(number, generation)| (*number, generation.clone()))
    }
}

/// A client of the service.
#[derive(Clone)]
pub struct Client {
    name: Arc<str>,
    http: http::Client,
    directory: Arc<Directory>,
    decorations: Arc<AtomicU32>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn new(name: &str, directory: Arc<Directory>) -> Self {
        Self { name: name.into(), http: http::Client::new(), directory, decorations: Arc::default() }
    }

    pub(super) async fn perform(&self, operation: Operation) -> Outcome {
        match operation {
            Operation::InspectPod(index) => self.inspect_pod(&pod_name(index)).await,
            Operation::InspectBackend(index) => inspect_backend(&format!("b{index}")).await,
            Operation::Wait(time) => {
                time::sleep(time).await;
                plain(None, Ok(()))
            }
            Operation::Drain(index) => {
                let answer = self.ask(&pod_name(index), Method::POST, "/drain", "", ADMIN).await;
                plain(None, answer.map(drop))
            }
            Operation::Session { verb, target, via } => self.with_session(&verb, target, &pod_name(via)).await,
        }
    }

    async fn with_session(&self, verb: &Verb, target: Target, pod: &str) -> Outcome {
        match verb {
            Verb::Create => return self.create(target.slot, pod).await,
            Verb::Abandon => return self.abandon(pod).await,
            _ => {}
        }
        let Some((number, Generation { id, owner })) = self.directory.find(target) else {
            return Outcome { session: None, answer: Answer::Skipped };
        };
        let path = format!("/sessions/{id}");
        let caller = match verb {
            Verb::Call { stranger: true, .. } | Verb::Get { stranger: true } => STRANGER,
            _ => &owner,
        };
        let ask = async |method, path: &str| self.ask(pod, method, path, caller, timeouts::CLIENT).await;
        let answer = match verb {
            Verb::Create | Verb::Abandon => unreachable!("both have no session to find"),
            Verb::Call { backend, takes, .. } => {
                let path = format!("{path}/calls/b{backend}/{}", takes.as_millis());
                ask(Method::POST, &path).await.map(|_| Answer::Done)
            }
            Verb::Get { .. } => ask(Method::GET, &format!("{path}/tools"))
                .await
                .map(|body| serde_json::from_slice(&body).map_or(Answer::Lost, Answer::Listed)),
            Verb::Decorate => {
                let label = format!("{}.{}", self.name, self.decorations.fetch_add(1, Ordering::Relaxed) + 1);
                let path = format!("{path}/decorations/{label}");
                ask(Method::POST, &path).await.map(|_| Answer::Decorated(label.into()))
            }
            Verb::Terminate => {
                let answer = ask(Method::DELETE, &path).await;
                if answer.is_ok() {
                    self.directory.end(target.slot, number);
                }
                answer.map(|_| Answer::Done)
            }
            Verb::Notify { backend } => {
                ask(Method::DELETE, &format!("{path}/backends/b{backend}")).await.map(|_| Answer::Done)
            }
            Verb::Validate => ask(Method::GET, &path).await.map(|_| Answer::Done),
        };
        Outcome { session: Some(id), answer: answer.unwrap_or_else(|answer| answer) }
    }

    async fn create(&self, slot: u32, pod: &str) -> Outcome {
        let Some(number) = self.directory.begin(slot) else {
            return Outcome { session: None, answer: Answer::Skipped };
        };
        let label = if number == 1 { format!("s{slot}") } else { format!("s{slot}.{number}") };
        let id = match self.generate(pod, &label).await {
            Ok(id) => id,
            Err(answer) => {
                self.directory.end(slot, number);
                return Outcome { session: None, answer };
            }
        };
        self.directory.name(slot, number, &id, &self.name);
        let path = format!("/sessions/{id}/register");
        let answer = self.ask(pod, Method::POST, &path, &self.name, timeouts::CLIENT).await;
        if answer.is_err() {
            self.directory.end(slot, number);
        }
        plain(Some(id), answer.map(drop))
    }

    async fn abandon(&self, pod: &str) -> Outcome {
        match self.generate(pod, "abandoned").await {
            Ok(id) => Outcome { session: Some(id), answer: Answer::Done },
            Err(answer) => Outcome { session: None, answer },
        }
    }

    async fn generate(&self, pod: &str, label: &str) -> Result<Arc<str>, Answer> {
        let body = Bytes::copy_from_slice(label.as_bytes());
        let body = self.send(pod, Method::POST, "/sessions", &self.name, body, timeouts::CLIENT).await?;
        String::from_utf8(body.into()).map(Arc::from).map_err(|_| Answer::Lost)
    }

    async fn inspect_pod(&self, pod: &str) -> Outcome {
        let view = self.ask(pod, Method::GET, "/debug", "", ADMIN).await;
        let view = view.and_then(|body| serde_json::from_slice(&body).map_err(|_| Answer::Lost));
        Outcome { session: None, answer: view.map_or_else(|answer| answer, Answer::Pod) }
    }

    async fn ask(
        &self,
        pod: &str,
        method: Method,
        path: &str,
        caller: &str,
        deadline: Duration,
    ) -> Result<Bytes, Answer> {
        self.send(pod, method, path, caller, Bytes::new(), deadline).await
    }

    async fn send(
        &self,
        pod: &str,
        method: Method,
        path: &str,
        caller: &str,
        body: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, Answer> {
        let authority = format!("{pod}:{}", pod::PORT);
        let headers = [("authorization", caller)];
        match self.http.call(&authority, method, path, &headers, body, deadline).await {
            Err(_) => Err(Answer::Lost),
            Ok(response) if response.is_success() => Ok(response.body),
            Ok(response) => Err(refused(&response.text())),
        }
    }
}

async fn inspect_backend(name: &str) -> Outcome {
    let open = time::timeout(ADMIN, backend::ask((name, backend::PORT))).await;
    let answer = open.ok().and_then(Result::ok).map_or(Answer::Lost, Answer::Backends);
    Outcome { session: None, answer }
}

fn plain(session: Option<Arc<str>>, answer: Result<(), Answer>) -> Outcome {
    Outcome { session, answer: answer.map_or_else(|answer| answer, |()| Answer::Done) }
}

/// The refusal that a body's word stands for.
fn refused(word: &str) -> Answer {
    match word {
        "not-found" => Answer::NotFound,
        "no-tool" => Answer::NoTool,
        "forbidden" => Answer::Forbidden,
        "conflict" => Answer::Conflict,
        "closed" => Answer::Closed,
        "backend" => Answer::Backend,
        "unavailable" => Answer::Unavailable,
        _ => Answer::Lost,
    }
}
