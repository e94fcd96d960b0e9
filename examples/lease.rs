//! A service that sexton does not know: a lease over Redis, taken by check-then-act.
//!
//! `cargo run --release --example lease` finds the hole; `cargo test --example lease` pins it, and with
//! `SEXTON_SEED=17` runs that seed alone and tells its story.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use sexton::harness::{
    CLIENT, Deployment, Draw, Findings, Host, Invariant, Load, Observed, Plan, RunOptions, System, What, run,
};
use sexton::http;
use sexton::report::Story;
use sexton::runtime::net::TcpListener;
use sexton::runtime::{activity, point};
use sexton::servers::redis::{self, Redis};
use sexton::storage::{self, KeyValue};

const TERM: Duration = Duration::from_secs(30);

/// The service: whoever asks for the lease gets it, if nobody has it.
async fn pod(careful: bool) {
    let store = KeyValue::new(storage::Options { address: "redis:6379".into(), ..storage::Options::default() });
    let acquire = move |body: String| {
        let store = store.clone();
        activity(format!("acquire for {body}"), async move {
            let granted = if careful {
                store.create("lease", &body, TERM).await
            } else {
                match store.get("lease").await {
                    Ok(None) => {
                        point("lease.checked", &body).await;
                        store.upsert("lease", &body, TERM).await.map(|()| true)
                    }
                    other => other.map(|_| false),
                }
            };
            granted.map_or_else(|error| format!("failed: {error}"), |granted| granted.to_string())
        })
    };
    let listener = TcpListener::bind("0.0.0.0:80").await.expect("the port is free");
    http::serve(listener, axum::Router::new().route("/acquire", axum::routing::post(acquire))).await;
}

/// The system as sexton sees it; `careful` takes the lease in one step.
#[derive(Clone)]
struct Lease {
    careful: bool,
}

#[derive(Clone, Debug)]
struct Acquire {
    pod: &'static str,
}

impl fmt::Display for Acquire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "acquire via {}", self.pod)
    }
}

impl System for Lease {
    type Operation = Acquire;
    type Outcome = String;
    type Client = (String, http::Client);

    fn name(&self) -> &'static str {
        "lease"
    }
    fn load(&self) -> Load {
        Load { clients: 3, operations: 30 }
    }
    fn deploy(&self, plan: &mut Deployment) {
        let server = Redis::new(redis::Options::default());
        plan.host(Host::new("redis", "redis", move || {
            let server = server.clone();
            async move {
                let listener = TcpListener::bind("0.0.0.0:6379").await.expect("the port is free");
                server.serve(listener).await.expect("a simulated listener accepts");
            }
        }));
        let careful = self.careful;
        plan.host(Host::new("pod-a", "pod", move || pod(careful)));
        plan.host(Host::new("pod-b", "pod", move || pod(careful)));
        plan.link(CLIENT, "pod");
        plan.link("pod", "redis");
    }
    fn client(&self, name: &str) -> Self::Client {
        (name.to_owned(), http::Client::new())
    }
    fn next(&self, draw: &mut Draw<'_>) -> Option<Acquire> {
        draw.weighted("pod", &[1, 1]).map(|pod| Acquire { pod: ["pod-a:80", "pod-b:80"][pod] })
    }
    async fn perform(&self, (me, http): Self::Client, operation: Acquire) -> String {
        let deadline = Duration::from_secs(10);
        let reply = http.call(operation.pod, http::Method::POST, "/acquire", &[], me.into(), deadline).await;
        reply.map_or_else(|error| error.to_string(), |reply| reply.text())
    }
    fn invariants(&self) -> Vec<Box<dyn Invariant<Self>>> {
        vec![Box::new(NoTwoHolders)]
    }
}

/// While one holds the lease, nobody else gets it.
struct NoTwoHolders;

impl Invariant<Lease> for NoTwoHolders {
    fn name(&self) -> &'static str {
        "no-two-holders"
    }
    fn about(&self) -> &'static str {
        "a lease that somebody holds is not given to another"
    }
    fn check(&self, run: &Observed<'_, Lease>, findings: &mut Findings) {
        let mut holder: Option<Arc<str>> = None;
        for event in run.history.events() {
            if let What::Commit { value, .. } = &event.what {
                if let (Some(now), Some(before)) = (value, &holder) {
                    findings.violate(event.at, "lease between get and set", format!("{now} took it from {before}"));
                }
                findings.exercised();
                holder.clone_from(value);
            }
        }
    }
}

fn plan() -> Plan {
    let faults = [("restart", 1.0), ("lost_reply", 1.0), ("stall", 5.0)];
    Plan { faults: faults.map(|(kind, rate)| (kind.to_owned(), rate)).into(), ..Plan::default() }
}

#[expect(clippy::print_stdout, reason = "an example shows what it found")]
fn main() {
    let keep = RunOptions { keep_history: true, ..RunOptions::default() };
    for seed in 1..=500 {
        let run = run(&Lease { careful: false }, &plan(), seed, &keep);
        if let Some(violation) = run.violations.first() {
            print!("{}", Story::of(&run, false));
            println!("seed {seed} breaks {}: {}", violation.invariant, violation.message);
            println!("again: SEXTON_SEED={seed} cargo test --example lease taken_by_check_then_act -- --nocapture");
            return;
        }
    }
    println!("no seed found the hole");
}

#[cfg(test)]
mod tests {
    use super::*;
    use sexton::testing::Campaign;

    #[test]
    fn a_lease_taken_by_check_then_act_has_two_holders() {
        Campaign::of(Lease { careful: false }).plan(plan()).seeds(500).violates("no-two-holders").check();
    }

    #[test]
    fn a_lease_taken_in_one_step_has_one() {
        Campaign::of(Lease { careful: true }).plan(plan()).seeds(200).check();
    }
}
