//! The client's side: one operation is one request, and what came back of it is told as it was seen.

use std::fmt;
use std::time::Duration;

use super::errors::Body;
use super::outcome::{Outcome, Ran, Refused, StepOutcome};
use super::replica::{self, Printed};
use super::timeouts;
use super::workload::{Operation, Step, Verb, replica_name, sandbox_name};
use crate::http::{self, Bytes, Method, Response};
use crate::runtime::time;

/// How long looking around and draining may take.
const ADMIN: Duration = Duration::from_mins(2);

/// A client of the service.
#[derive(Clone)]
pub struct Client {
    http: http::Client,
    /// How many tenants there are: which one a sandbox belongs to goes by its number.
    tenants: u32,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// A request in parts.
struct Request<'a> {
    via: u32,
    method: Method,
    path: String,
    tenant: &'a str,
    body: String,
    deadline: Duration,
}

impl Client {
    pub(super) fn new(tenants: u32) -> Self {
        Self { http: http::Client::new(), tenants }
    }

    pub(super) async fn perform(&self, operation: Operation) -> Outcome {
        match operation {
            Operation::Wait(time) => {
                time::sleep(time).await;
                Outcome::Waited
            }
            Operation::Inspect(via) => self.admin(via, Method::GET, "/debug").await,
            Operation::Drain(via) => self.admin(via, Method::POST, "/drain").await,
            Operation::Index { tenant, via } => {
                let tenant = format!("t{tenant}");
                self.ask(via, Method::GET, "/v1/sandboxes".to_owned(), &tenant, String::new(), listed).await
            }
            Operation::Sandbox { verb, sandbox, via } => {
                let tenant = format!("t{}", (sandbox - 1) % self.tenants + 1);
                self.with_sandbox(verb, &sandbox_name(sandbox), &tenant, via).await
            }
        }
    }

    async fn with_sandbox(&self, verb: Verb, id: &str, tenant: &str, via: u32) -> Outcome {
        let root = format!("/v1/sandboxes/{id}");
        match verb {
            Verb::Create => self.ask(via, Method::PUT, root, tenant, String::new(), |_| Outcome::Created).await,
            Verb::Destroy => self.ask(via, Method::DELETE, root, tenant, String::new(), |_| Outcome::Destroyed).await,
            Verb::Get => self.ask(via, Method::GET, root, tenant, String::new(), |_| Outcome::Shown).await,
            Verb::Exec(steps) => {
                let script = steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
                let path = format!("{root}/exec");
                self.ask(via, Method::POST, path, tenant, script, |response| ran(&steps, response)).await
            }
            Verb::File(step) => {
                let path = |kind: &str| format!("{root}/{kind}{}", step.path());
                let written = |_: &Response| Outcome::Written;
                match &step {
                    Step::Read(_) => {
                        self.ask(via, Method::GET, path("files"), tenant, String::new(), |response| {
                            Outcome::Content(response.text().into())
                        })
                        .await
                    }
                    Step::List(_) => self.ask(via, Method::GET, path("list"), tenant, String::new(), listed).await,
                    Step::Write(_, value) => {
                        self.ask(via, Method::PUT, path("files"), tenant, value.to_string(), written).await
                    }
                    Step::Append(_, value) => {
                        self.ask(via, Method::POST, path("files"), tenant, value.to_string(), written).await
                    }
                    Step::Remove(_) => {
                        self.ask(via, Method::DELETE, path("files"), tenant, String::new(), written).await
                    }
                }
            }
        }
    }

    async fn admin(&self, via: u32, method: Method, path: &str) -> Outcome {
        let drains = method == Method::POST;
        let request = Request { via, method, path: path.to_owned(), tenant: "", body: String::new(), deadline: ADMIN };
        self.send(request, |response| {
            if drains { Outcome::Drained } else { response.json().map_or(Outcome::Lost, Outcome::Replica) }
        })
        .await
    }

    async fn ask(
        &self,
        via: u32,
        method: Method,
        path: String,
        tenant: &str,
        body: String,
        read: impl FnOnce(&Response) -> Outcome,
    ) -> Outcome {
        self.send(Request { via, method, path, tenant, body, deadline: timeouts::CLIENT }, read).await
    }

    async fn send(&self, request: Request<'_>, read: impl FnOnce(&Response) -> Outcome) -> Outcome {
        let Request { via, method, path, tenant, body, deadline } = request;
        let authority = format!("{}:{}", replica_name(via), replica::PORT);
        let headers = [("authorization", tenant)];
        match self.http.call(&authority, method, &path, &headers, Bytes::from(body), deadline).await {
            Err(_) => Outcome::Lost,
            Ok(response) if response.is_success() => read(&response),
            Ok(response) => response.json::<Body>().map_or(Outcome::Lost, |body| {
                let Body { code, retryable, path, .. } = body;
                Outcome::Refused(Refused { status: response.status, code, retryable, path })
            }),
        }
    }
}

fn listed(response: &Response) -> Outcome {
    response.json().map_or(Outcome::Lost, Outcome::Listed)
}

/// What each step came to: those that failed are named in what was printed as errors, the others that print did so in
/// their order.
fn ran(steps: &[Step], response: &Response) -> Outcome {
    let Ok(Printed { exit, stdout, stderr }) = response.json::<Printed>() else { return Outcome::Lost };
    let mut printed = stdout.split_terminator('\u{0}');
    let mut outcomes = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let prefix = format!("line {}: ", number + 1);
        outcomes.push(match stderr.lines().find_map(|line| line.strip_prefix(&prefix)) {
            Some(complaint) => StepOutcome::Failed(complaint.into()),
            None if step.is_write() => StepOutcome::Done,
            None => match printed.next() {
                Some(text) => StepOutcome::Output(text.into()),
                None => return Outcome::Lost,
            },
        });
    }
    Outcome::Ran(Ran { exit, steps: outcomes })
}
