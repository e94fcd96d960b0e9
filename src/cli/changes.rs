//! What becomes of saved seeds when the code under test changes.
//!
//! A yard in three ages: as it was; with a log, a point and a decision more; and with a decision renamed.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::entry::Status;
use super::tests::Bench;
use crate::harness::{Configured, Deployment, Draw, Findings, Host, Invariant, Load, Observed, System};
use crate::runtime::{point, time};
use crate::scenario::Systems;

const BEFORE: u8 = 0;
const HARMLESS: u8 = 1;
const RENAMED: u8 = 2;

/// Diggers who disturb one another where two dig the same grave.
#[derive(Default)]
struct Yard<const AGE: u8> {
    dug: Arc<Mutex<[u32; 4]>>,
}

impl<const AGE: u8> Clone for Yard<AGE> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

#[derive(Clone, Debug)]
struct Dig {
    grave: usize,
    takes: Duration,
}

impl fmt::Display for Dig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dig g{}", self.grave + 1)
    }
}

struct NobodyDisturbed;

impl<const AGE: u8> Invariant<Yard<AGE>> for NobodyDisturbed {
    fn name(&self) -> &'static str {
        "nobody-disturbed"
    }
    fn about(&self) -> &'static str {
        "a grave that is being dug is left alone"
    }
    fn check(&self, run: &Observed<'_, Yard<AGE>>, findings: &mut Findings) {
        for record in run.operations {
            findings.exercised();
            if record.outcome == Some(false) {
                findings.violate(record.invoked, "grave", format!("{} was disturbed", record.operation));
            }
        }
    }
}

impl<const AGE: u8> System for Yard<AGE> {
    type Operation = Dig;
    type Outcome = bool;
    type Client = Arc<Mutex<[u32; 4]>>;

    fn name(&self) -> &'static str {
        "yard"
    }
    fn load(&self) -> Load {
        Load { clients: 3, operations: 30 }
    }
    fn deploy(&self, plan: &mut Deployment) {
        plan.host(Host::new("chapel", "chapel", std::future::pending));
    }
    fn client(&self, _: &str) -> Self::Client {
        self.dug.clone()
    }
    fn next(&self, draw: &mut Draw<'_>) -> Option<Dig> {
        draw.weighted(if AGE == RENAMED { "task" } else { "what" }, &[1])?;
        let (grave, takes) = (draw.below("grave", 4) as usize, draw.duration("takes", Duration::from_secs(2)));
        if AGE == HARMLESS && draw.chance("lantern", 500) {
            tracing::info!("a lantern is lit");
        }
        Some(Dig { grave, takes })
    }
    async fn perform(&self, dug: Self::Client, dig: Dig) -> bool {
        let count = || dug.lock().expect("nobody panics while digging")[dig.grave];
        let before = count();
        if AGE == HARMLESS {
            tracing::info!("{dig} has begun");
            point("yard.dig.begun", "").await;
        }
        time::sleep(dig.takes).await;
        let alone = count() == before;
        dug.lock().expect("nobody panics while digging")[dig.grave] += 1;
        alone
    }
    fn invariants(&self) -> Vec<Box<dyn Invariant<Self>>> {
        vec![Box::new(NobodyDisturbed)]
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<const AGE: u8> Configured for Yard<AGE> {
    type Policy = Nothing;
    type Topology = Nothing;
    type Workload = Nothing;

    fn configure(_: Nothing, _: Nothing, _: Nothing) -> Result<Self, String> {
        Ok(Self::default())
    }
}

const SCENARIO: &str = r#"
about  = "Three dig four graves."
system = "yard"
expect = { violates = "nobody-disturbed" }
[faults]
pause = 2
stall = 2
restart = 1
"#;
const SEED: &str = "seeds/yard/haunted-nobody-disturbed-1.toml";

/// A yard as it was, with a failure saved in it.
fn yard() -> Bench {
    let mut bench = Bench::new();
    std::fs::write(bench.path("scenarios/yard/haunted.toml"), SCENARIO).expect("a file");
    bench.systems = Systems::none().with::<Yard<BEFORE>>("yard");
    let (status, text) = bench.sexton(&["fuzz", "yard/haunted", "--seeds", "1"]);
    assert_eq!(status, Status::AsExpected, "{text}");
    bench
}

/// What replay says of the saved seed.
fn replay(bench: &Bench, words: &[&str]) -> (Status, String) {
    bench.sexton(&[&["replay", &bench.path(SEED)], words].concat())
}

#[test]
fn a_harmless_change_leaves_a_failure_as_it_was() {
    for shrunk in [false, true] {
        let mut bench = yard();
        if shrunk {
            let (status, text) = bench.sexton(&["shrink", &bench.path(SEED), "--in-place"]);
            assert_eq!(status, Status::AsExpected, "{text}");
        }
        let (status, text) = replay(&bench, &["--exact"]);
        assert!(status == Status::AsExpected && text.ends_with(": nobody-disturbed as recorded\n"), "{text}");

        bench.systems = Systems::none().with::<Yard<HARMLESS>>("yard");
        let (status, text) = replay(&bench, &[]);
        assert_eq!(status, Status::AsExpected, "{text}");
        assert!(text.contains("nobody-disturbed as recorded, on another way: the code has changed since"), "{text}");
        assert!(!text.contains("never asked for"), "{text}");
        assert_eq!(replay(&bench, &["--exact"]).0, Status::NotAsExpected);
        let (status, text) = bench.sexton(&["shrink", &bench.path(SEED)]);
        assert_eq!(status, Status::AsExpected, "{text}");
    }
}

#[test]
fn a_decision_that_is_never_asked_for_is_named() {
    let mut bench = yard();
    bench.sexton(&["shrink", &bench.path(SEED), "--in-place"]);
    let file = bench.path(SEED);
    let small = std::fs::read_to_string(&file).expect("it was written");
    // As if it had been found by code in which clients carry lanterns.
    let more =
        "\n[[decision]]\nsite = \"operation lantern c1\"\nindex = 0\nvalue = 1\nmeaning = \"c1 has a lantern\"\n";
    std::fs::write(&file, small.clone() + more).expect("a file");
    let (status, text) = replay(&bench, &[]);
    assert_eq!(status, Status::AsExpected, "{text}");
    assert!(text.contains("as recorded\n  never asked for: operation lantern c1 0 (c1 has a lantern)"), "{text}");

    std::fs::write(&file, small).expect("a file");
    bench.systems = Systems::none().with::<Yard<RENAMED>>("yard");
    for command in ["replay", "shrink"] {
        let (status, text) = bench.sexton(&[command, &file]);
        assert_eq!(status, Status::NotAsExpected, "{text}");
        let named = text.lines().filter(|line| line.contains("never asked for: operation what c"));
        assert!(named.count() >= 2 && text.contains("(operation 1 of c"), "{text}");
    }
}
