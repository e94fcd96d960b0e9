//! The client's side: the requests that an operation makes, and what a client keeps of each of its shapes, whatever becomes
//! of the service meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex as Plain, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;

use super::outcome::{Answer, Asked, Body, Exchange, Outcome};
use super::protocol::{Ask, PORT, RESTART, SERVER, SHAPE, STACK};
use super::query::{Mutation, Query};
use super::timeouts::{CLIENT, RETRY_AFTER, STATEMENT};
use super::view::{Next, View};
use super::workload::{Operation, Restart};
use crate::harness::{Record, System};
use crate::http::{self, Method, Response};
use crate::runtime::time;
use crate::storage::{Rows, RowsOptions};

/// The most requests that one operation makes.
const REQUESTS: u32 = 8;
/// The most that reading to the end makes.
const SETTLING: u32 = 16;

/// What the clients of one run have of their shapes: by client and number.
#[derive(Default)]
pub(super) struct Directory(Plain<BTreeMap<(Arc<str>, u32), Place>>);

/// Where a client keeps what it has of a shape: whoever reads on for it waits for who does already.
type Place = Arc<Mutex<Held>>;

/// What a client has of one of its shapes.
struct Held {
    query: Arc<str>,
    /// Which of its views this is.
    number: u32,
    view: View,
}

impl Held {
    /// All is to be fetched again, of the shape of this handle where it is known.
    fn anew(&mut self, query: Arc<str>, handle: Option<Arc<str>>) {
        *self = Self { query, number: self.number + 1, view: View::of(handle) };
    }
}

impl Directory {
    fn get(&self, client: &Arc<str>, slot: u32) -> Option<Place> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(client.clone(), slot)).cloned()
    }

    /// The place for a client's shape, where there is nothing yet of a query.
    fn place(&self, client: &Arc<str>, slot: u32, query: &Arc<str>) -> Place {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = || Arc::new(Mutex::new(Held { query: query.clone(), number: 0, view: View::default() }));
        known.entry((client.clone(), slot)).or_insert_with(nothing).clone()
    }

    /// All of a client's.
    fn of(&self, client: &Arc<str>) -> Vec<Place> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().filter(|((of, _), _)| of == client).map(|(_, held)| held.clone()).collect()
    }
}

/// A client of the service.
#[derive(Clone)]
pub struct Client {
    name: Arc<str>,
    http: http::Client,
    source: Rows,
    directory: Arc<Directory>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of this name, which changes the rows of the database at `source`.
    pub(super) fn new(name: &str, source: &str, directory: Arc<Directory>) -> Self {
        let options =
            RowsOptions { address: source.to_owned(), statement_timeout: Some(STATEMENT), ..RowsOptions::default() };
        Self { name: name.into(), http: http::Client::new(), source: Rows::new(options), directory }
    }

    pub(super) async fn perform(&self, operation: Operation) -> Outcome {
        match operation {
            Operation::Wait(time) => {
                time::sleep(time).await;
                Outcome::Done
            }
            Operation::Define(slot, query) => self.define(slot, &query).await,
            Operation::Poll(slot) => self.read(&self.name, slot, Reading::ToTheEnd).await,
            Operation::Live(slot) => self.read(&self.name, slot, Reading::AndWait).await,
            Operation::Settle { client, slot } => {
                self.read(&format!("c{client}").into(), slot, Reading::HoweverOften).await
            }
            Operation::Delete(slot) => self.delete(slot).await,
            Operation::Mutate(mutations) => self.mutate(&mutations).await,
            Operation::Restart(how) => self.restart(how).await,
            Operation::Recreate => {
                for held in self.directory.of(&self.name) {
                    let mut held = held.lock().await;
                    let query = held.query.clone();
                    held.anew(query, None);
                }
                Outcome::Done
            }
            Operation::Inspect => match self.send(Method::GET, STACK, Vec::new()).await {
                Some(response) if response.is_success() => response.json().map_or(Outcome::Lost, Outcome::Stack),
                _ => Outcome::Lost,
            },
        }
    }

    async fn define(&self, slot: u32, query: &Query) -> Outcome {
        let query: Arc<str> = query.to_string().into();
        let held = self.directory.place(&self.name, slot, &query);
        held.lock().await.anew(query, None);
        self.read(&self.name, slot, Reading::ToTheEnd).await
    }

    async fn read(&self, client: &Arc<str>, slot: u32, reading: Reading) -> Outcome {
        let Some(held) = self.directory.get(client, slot) else { return Outcome::Undefined };
        // One request after another: an answer goes on from where the one before ended.
        let mut held = held.lock().await;
        let mut exchanges = Vec::new();
        for _ in 0..reading.requests() {
            let asked = held.view.ask(reading == Reading::AndWait);
            let waits = matches!(asked, Asked::Live { .. });
            let answer = self.ask(&held.query, &asked).await;
            let (query, view) = (held.query.clone(), held.number);
            exchanges.push(Exchange { client: client.clone(), slot, view, query, asked, answer: answer.clone() });
            let next = answer.map_or(Next::Nothing, |answer| held.view.take(&answer));
            match next {
                // What was held is answered, whatever with.
                Next::More if waits => break,
                Next::UpToDate if waits || reading != Reading::AndWait => break,
                Next::More | Next::UpToDate => {}
                Next::Anew => {
                    let (query, handle) = (held.query.clone(), held.view.handle().cloned());
                    held.anew(query, handle);
                }
                Next::Nothing if reading != Reading::HoweverOften => break,
                Next::Later | Next::Nothing => time::sleep(RETRY_AFTER).await,
            }
        }
        Outcome::Answered(exchanges)
    }

    async fn delete(&self, slot: u32) -> Outcome {
        let Some(held) = self.directory.get(&self.name, slot) else { return Outcome::Undefined };
        let held = held.lock().await;
        let Some(handle) = held.view.handle().cloned() else { return Outcome::Undefined };
        let path = format!("{SHAPE}/{handle}");
        let answer = self.send(Method::DELETE, &path, Vec::new()).await.as_ref().and_then(answered);
        Outcome::Answered(vec![Exchange {
            client: self.name.clone(),
            slot,
            view: held.number,
            query: held.query.clone(),
            asked: Asked::Delete { handle },
            answer,
        }])
    }

    /// Changes rows, all or none.
    async fn mutate(&self, mutations: &[Mutation]) -> Outcome {
        let statements: Vec<String> = mutations.iter().map(Mutation::sql).collect();
        match self.source.batch(&statements.join(";")).await {
            Ok(()) => Outcome::Committed,
            Err(error) if error.is_ambiguous() => Outcome::Lost,
            Err(_) => Outcome::Refused,
        }
    }

    async fn restart(&self, how: Restart) -> Outcome {
        match self.send(Method::POST, &format!("{RESTART}/{}", how.word()), Vec::new()).await {
            Some(response) if response.is_success() => Outcome::Done,
            Some(_) => Outcome::Refused,
            None => Outcome::Lost,
        }
    }

    async fn ask(&self, query: &Arc<str>, asked: &Asked) -> Option<Answer> {
        let (handle, offset, live) = match asked {
            Asked::Read { handle, offset } => (handle.clone(), *offset, false),
            Asked::Live { handle, offset } => (Some(handle.clone()), Some(*offset), true),
            Asked::Delete { .. } => return None,
        };
        let ask = Ask { query: query.clone(), handle, offset, live };
        let body = serde_json::to_vec(&ask).ok()?;
        answered(&self.send(Method::POST, SHAPE, body).await?)
    }

    async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Option<Response> {
        self.http.call(&format!("{SERVER}:{PORT}"), method, path, &[], body.into(), CLIENT).await.ok()
    }
}

/// How a client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Until there is nothing more.
    ToTheEnd,
    /// And then waits for what comes.
    AndWait,
    /// Until there is nothing more, however often it takes.
    HoweverOften,
}

impl Reading {
    const fn requests(self) -> u32 {
        match self {
            Self::ToTheEnd | Self::AndWait => REQUESTS,
            Self::HoweverOften => SETTLING,
        }
    }
}

/// An answer as it came; `None`: it makes no sense.
fn answered(response: &Response) -> Option<Answer> {
    let body = match response.json::<Body>() {
        Ok(body) => body,
        Err(_) if response.status == 200 => return None,
        Err(_) => Body::default(),
    };
    let retry_after = response.headers.contains_key("retry-after");
    Some(Answer { status: response.status, retry_after, body })
}

/// What shows how all has ended: each client reads each of its shapes to the end, and the service says what it holds.
pub(super) fn looks<S: System<Operation = Operation>>(done: &[Record<S>]) -> Vec<Operation> {
    let defined = done.iter().filter_map(|record| match record.operation {
        Operation::Define(slot, _) => Some((record.client.strip_prefix('c')?.parse().ok()?, slot)),
        _ => None,
    });
    let defined: BTreeSet<(u32, u32)> = defined.collect();
    let settled = defined.into_iter().map(|(client, slot)| Operation::Settle { client, slot });
    settled.chain([Operation::Inspect]).collect()
}

/// How long a client waits for an operation's outcome.
pub(super) fn patience(operation: &Operation) -> Duration {
    const MARGIN: Duration = Duration::from_secs(5);
    let request = CLIENT + RETRY_AFTER;
    match operation {
        Operation::Wait(time) => *time + MARGIN,
        Operation::Recreate => request * REQUESTS + MARGIN,
        // Another operation may be reading on for the same shape.
        Operation::Define(..) | Operation::Poll(_) | Operation::Live(_) | Operation::Delete(_) => {
            request * REQUESTS * 2 + MARGIN
        }
        Operation::Settle { .. } => request * (SETTLING + REQUESTS) + MARGIN,
        Operation::Mutate(_) | Operation::Restart(_) | Operation::Inspect => CLIENT + MARGIN,
    }
}
