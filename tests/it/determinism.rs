//! The check that runs are pure: it passes what is, and names the event where something leaks into a run.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;
use sexton::harness::{Configured, Deployment, Draw, Fingerprint, Invariant, Load, RunOptions, System};
use sexton::report::Line;
use sexton::scenario::{Experiment, Systems};
use sexton::search::{Check, Determinism, Elsewhere, events};

/// A system with a leak: the fifth operation of each run answers what a counter of the whole process says.
#[derive(Clone)]
struct Leaky {
    leaks: bool,
}

#[derive(Clone, Debug)]
struct Ask(u32);

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ask {}", self.0)
    }
}

static LEAK: AtomicU64 = AtomicU64::new(0);

impl System for Leaky {
    type Operation = Ask;
    type Outcome = u64;
    type Client = ();

    fn name(&self) -> &'static str {
        "leaky"
    }
    fn load(&self) -> Load {
        Load { clients: 1, operations: 10 }
    }
    fn deploy(&self, _: &mut Deployment) {}
    fn client(&self, _: &str) {}
    fn next(&self, draw: &mut Draw<'_>) -> Option<Ask> {
        Some(Ask(draw.ordinal()))
    }
    async fn perform(&self, (): (), ask: Ask) -> u64 {
        sexton::runtime::time::sleep(Duration::from_millis(10)).await;
        if self.leaks && ask.0 == 5 { LEAK.fetch_add(1, Ordering::Relaxed) } else { 0 }
    }
    fn invariants(&self) -> Vec<Box<dyn Invariant<Self>>> {
        Vec::new()
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    leaks: bool,
}

#[derive(Default, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Configured for Leaky {
    type Policy = Policy;
    type Topology = Nothing;
    type Workload = Nothing;
    fn configure(policy: Policy, _: Nothing, _: Nothing) -> Result<Self, String> {
        Ok(Self { leaks: policy.leaks })
    }
}

/// The other process is this one.
struct Here(Arc<dyn Experiment>);

impl Elsewhere for Here {
    fn fingerprints(&self, runs: &[(String, u64)]) -> Result<Vec<Fingerprint>, String> {
        Ok(runs.iter().map(|(_, seed)| self.0.run(*seed, &RunOptions::default()).fingerprint).collect())
    }
    fn events(&self, _: &str, seed: u64) -> Result<Vec<Line>, String> {
        Ok(events(&*self.0, seed))
    }
}

fn check(leaks: bool) -> Determinism {
    let text = format!("about = \"x\"\nsystem = \"leaky\"\nexpect = \"holds\"\n[policy]\nleaks = {leaks}\n");
    let systems = Systems::none().with::<Leaky>("leaky");
    let experiment = systems.parse(&text, Path::new("leaky.toml"), "leaky/it").expect("it is good");
    let check = Check {
        experiments: &[Arc::clone(&experiment)],
        from: 1,
        runs: 12,
        jobs: NonZeroUsize::MIN,
        stop: &AtomicBool::new(false),
        elsewhere: &Here(experiment),
        progress: &|_| {},
    };
    check.run().expect("the other side answers")
}

#[test]
fn what_is_pure_is_equal() {
    assert_eq!(check(false), Determinism { runs: 12, equal: 12, first_difference: None });
}

#[test]
fn a_leak_is_caught_and_its_first_event_named() {
    let checked = check(true);
    assert_eq!((checked.runs, checked.equal), (12, 0));
    let found = checked.first_difference.expect("there is a leak");
    assert_eq!((found.scenario.as_str(), found.seed, found.between), ("leaky/it", 1, "two runs in one process"));
    let (this, other) = (found.this.expect("an event"), found.other.expect("an event"));
    assert_eq!((this.host.as_str(), this.activity.as_str()), ("c1", "ask 5"));
    assert!(this.text.starts_with("#5 ask 5 → ") && this.text != other.text, "{this} and {other}");
    assert!(found.event.is_some_and(|event| event > 10), "all before it is equal");
}
