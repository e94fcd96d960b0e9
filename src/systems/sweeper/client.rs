//! The client's side: the requests that an operation makes, and accidents that it stages.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use super::http::PORT;
use super::outcome::Outcome;
use super::row::namespace_of;
use super::service::CLUSTER;
use super::timeouts::{CLIENT, INTERVAL};
use super::workload::{Identity, Operation, Verb, namespace_elsewhere, server_name, slug};
use crate::http::{self, Method, Response};
use crate::runtime::time::{self, Instant};

/// A client of the service.
#[derive(Clone)]
pub struct Client {
    http: http::Client,
    identity: Identity,
    /// When all began: quarters of an hour count from here, as they do for who starts then.
    begun: Instant,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Client {
    pub(super) fn new(identity: Identity) -> Self {
        Self { http: http::Client::new(), identity, begun: Instant::now() }
    }

    pub(super) async fn perform(&self, operation: Operation) -> Outcome {
        match operation {
            Operation::Wait(time) => {
                time::sleep(time).await;
                Outcome::Done
            }
            Operation::Quarter(lead) => {
                let quarters = (self.begun.elapsed() + lead).as_millis() / INTERVAL.as_millis() + 1;
                time::sleep_until(self.begun + INTERVAL * quarters as u32 - lead).await;
                Outcome::Done
            }
            Operation::List(via) => match self.ask(via, Method::GET, "/stacks", String::new()).await {
                Ok(response) => response.json().map_or(Outcome::Lost, Outcome::Listed),
                Err(outcome) => outcome,
            },
            Operation::Stack { verb, stack, via, anonymous } => self.with_stack(verb, stack, via, anonymous).await,
        }
    }

    async fn with_stack(&self, verb: Verb, stack: u32, via: u32, anonymous: bool) -> Outcome {
        let slug = slug(stack, self.identity);
        let path = format!("/stacks/{slug}");
        let asked = match verb {
            Verb::Create | Verb::Import => {
                let mut wanted = json!({ "tier": if anonymous { "anonymous" } else { "paid" } });
                if self.identity == Identity::Alike {
                    wanted["id"] = Value::from(slug);
                }
                if verb == Verb::Import {
                    wanted["namespace"] = Value::from(namespace_elsewhere(stack, self.identity));
                }
                self.ask(via, Method::POST, &path, wanted.to_string()).await
            }
            Verb::Delete => self.ask(via, Method::DELETE, &path, String::new()).await,
            Verb::Status => {
                return match self.ask(via, Method::GET, &path, String::new()).await {
                    Ok(response) => response.json().map_or(Outcome::Lost, Outcome::Shown),
                    Err(outcome) => outcome,
                };
            }
            Verb::Extend | Verb::Claim => {
                self.ask(via, Method::POST, &format!("{path}/{}", verb.word()), String::new()).await
            }
            Verb::Lose => {
                // Whichever of its namespaces is there.
                let lose = |name: String| format!("/operator/lose?name={name}");
                match self.send(CLUSTER, Method::POST, &lose(namespace_of(&slug)), String::new()).await {
                    Err(Outcome::NotFound) => {
                        let elsewhere = namespace_elsewhere(stack, self.identity);
                        self.send(CLUSTER, Method::POST, &lose(elsewhere), String::new()).await
                    }
                    asked => asked,
                }
            }
        };
        asked.map_or_else(|outcome| outcome, |_| Outcome::Done)
    }

    async fn ask(&self, via: u32, method: Method, path: &str, body: String) -> Result<Response, Outcome> {
        self.send(&format!("{}:{PORT}", server_name(via)), method, path, body).await
    }

    async fn send(&self, authority: &str, method: Method, path: &str, body: String) -> Result<Response, Outcome> {
        let answer = self.http.call(authority, method, path, &[], body.into(), CLIENT).await;
        match answer {
            Ok(response) if response.is_success() => Ok(response),
            Ok(response) => Err(match response.status {
                404 => Outcome::NotFound,
                409 => Outcome::Conflict,
                503 => Outcome::Unavailable,
                _ => Outcome::Lost,
            }),
            Err(_) => Err(Outcome::Lost),
        }
    }
}

/// How long a client waits for an operation's outcome.
pub(super) fn patience(operation: &Operation) -> Duration {
    const MARGIN: Duration = Duration::from_secs(5);
    match operation {
        Operation::Wait(time) => *time + MARGIN,
        Operation::Quarter(_) => INTERVAL + MARGIN,
        Operation::List(_) => CLIENT + MARGIN,
        // An accident may have to be staged twice.
        Operation::Stack { .. } => CLIENT * 2 + MARGIN,
    }
}
