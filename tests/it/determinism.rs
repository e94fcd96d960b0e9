//! The check that runs are pure. Whatever is known to leak into one is either without effect inside a world, or caught
//! with its first event and its source named.

use std::fmt;
use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sexton::harness::{Configured, Deployment, Draw, Invariant, Load, RunOptions, System, Verdict};
use sexton::report::Line;
use sexton::scenario::{Experiment, Systems};
use sexton::search::{Check, Determinism, Elsewhere, Fate, Parting, Source, Way, account};

/// A system whose fifth operation answers with something that is not the seed's.
#[derive(Clone)]
struct Leaky {
    leak: Leak,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Leak {
    Nothing,
    HashOrder,
    Instant,
    SystemTime,
    Getrandom,
    Rand,
    FastRand,
    Select,
    Static,
    ThreadId,
    Address,
    TokioSpawn,
    SpawnBlocking,
    Panic,
}

/// An answer with this in it.
#[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "this is what leaks")]
async fn leaked(leak: Leak) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    match leak {
        Leak::Nothing => "nothing".into(),
        Leak::HashOrder => {
            let keys: std::collections::HashSet<u32> = (0..32).collect();
            format!("{keys:?}")
        }
        Leak::Instant => format!("{:?}", std::time::Instant::now()),
        Leak::SystemTime => format!("{:?}", std::time::SystemTime::now()),
        Leak::Getrandom => uuid::Uuid::new_v4().to_string(),
        Leak::Rand => {
            format!("{} {}", rand_08::random::<u64>(), rand_08::Rng::r#gen::<u64>(&mut rand_08::thread_rng()))
        }
        Leak::FastRand => fastrand::u64(..).to_string(),
        Leak::Select => {
            let mut taken = String::new();
            for _ in 0..32 {
                tokio::select! {
                    () = async {} => taken.push('a'),
                    () = async {} => taken.push('b'),
                }
            }
            taken
        }
        Leak::Static => COUNT.fetch_add(1, Ordering::Relaxed).to_string(),
        Leak::ThreadId => format!("{:?}", std::thread::current().id()),
        Leak::Address => format!("{:p}", &raw const COUNT),
        Leak::TokioSpawn => format!("{:?}", tokio::spawn(async { 7 }).await.ok()),
        Leak::SpawnBlocking => format!("{:?}", tokio::task::spawn_blocking(|| 7).await.ok()),
        Leak::Panic => panic!("as every time"),
    }
}

#[derive(Clone, Debug)]
struct Ask(u32);

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ask {}", self.0)
    }
}

impl System for Leaky {
    type Operation = Ask;
    type Outcome = String;
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
    async fn perform(&self, (): (), ask: Ask) -> String {
        sexton::runtime::time::sleep(Duration::from_millis(10)).await;
        if ask.0 == 5 { leaked(self.leak).await } else { "as always".into() }
    }
    fn invariants(&self) -> Vec<Box<dyn Invariant<Self>>> {
        Vec::new()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    leak: Leak,
}

impl Default for Policy {
    fn default() -> Self {
        Self { leak: Leak::Nothing }
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Configured for Leaky {
    type Policy = Policy;
    type Topology = Nothing;
    type Workload = Nothing;
    fn configure(policy: Policy, _: Nothing, _: Nothing) -> Result<Self, String> {
        Ok(Self { leak: policy.leak })
    }
}

fn experiment(leak: &str) -> Arc<dyn Experiment> {
    let text = format!("about = \"x\"\nsystem = \"leaky\"\nexpect = \"holds\"\n[policy]\nleak = \"{leak}\"\n");
    let systems = Systems::none().with::<Leaky>("leaky");
    systems.parse(&text, Path::new("leaky.toml"), "leaky/it").expect("it is good")
}

/// A fresh process of these tests, which answers by [`answers_for_another_process`].
struct Fresh(String);

impl Fresh {
    fn ask(&self, what: &str, seeds: impl Iterator<Item = u64>) -> Vec<String> {
        let tests = std::env::current_exe().expect("the tests have a binary");
        let mut child = Command::new(tests)
            .args(["determinism::answers_for_another_process", "--exact", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let seeds: Vec<String> = seeds.map(|seed| seed.to_string()).collect();
        let asked = format!("{what} {} {}", self.0, seeds.join(" "));
        child.stdin.take().expect("it reads").write_all(asked.as_bytes()).expect("it is asked");
        let answer = child.wait_with_output().expect("it ends");
        let answer = String::from_utf8(answer.stdout).expect("text");
        answer.lines().filter_map(|line| Some(line.split_once("answer: ")?.1.to_owned())).collect()
    }
}

impl Elsewhere for Fresh {
    fn fates(&self, runs: &[(String, u64)]) -> Result<Vec<Fate>, String> {
        self.ask("fates", runs.iter().map(|(_, seed)| *seed)).iter().map(|line| line.parse()).collect()
    }
    fn account(&self, _: &str, seed: u64) -> Result<Vec<Line>, String> {
        let answer = self.ask("account", std::iter::once(seed));
        answer.iter().map(|line| serde_json::from_str(line).map_err(|error| error.to_string())).collect()
    }
}

#[test]
#[ignore = "it answers for a fresh process of the other tests"]
fn answers_for_another_process() {
    let mut asked = String::new();
    std::io::stdin().read_to_string(&mut asked).expect("it is asked");
    let mut words = asked.split(' ');
    let (what, leak) = (words.next().expect("what"), words.next().expect("which leak"));
    let experiment = experiment(leak);
    let mut answers = Vec::new();
    for seed in words.map(|seed| seed.parse().expect("a seed")) {
        if what == "fates" {
            answers.push(Fate::of(&experiment.run(seed, &RunOptions::default())).to_string());
        } else {
            let told = account(&*experiment, seed);
            answers.extend(told.iter().map(|line| serde_json::to_string(line).expect("a line is data")));
        }
    }
    let mut out = std::io::stdout().lock();
    for answer in answers {
        writeln!(out, "answer: {answer}").expect("somebody listens");
    }
}

fn check(leak: &str) -> Determinism {
    let experiment = experiment(leak);
    let check = Check {
        experiments: &[experiment],
        from: 1,
        runs: 12,
        jobs: NonZeroUsize::new(2).expect("two are some"),
        stop: &AtomicBool::new(false),
        elsewhere: &[(Way::Fresh, &Fresh(leak.into()))],
        progress: &|_| {},
    };
    check.run().expect("the other side answers")
}

#[test]
fn what_a_world_answers_for_itself_leaks_nothing() {
    for leak in ["nothing", "hash-order", "instant", "system-time", "getrandom", "rand", "select", "panic"] {
        let Determinism { runs, equal, ways, first_difference } = check(leak);
        assert_eq!((runs, equal, first_difference), (12, 12, None), "{leak}");
        assert_eq!(ways, [Way::Again, Way::After, Way::Beside, Way::Fresh].map(|way| (way, 12)), "{leak}");
    }
}

#[test]
fn seeds_differ_in_what_a_world_answers() {
    for leak in ["hash-order", "getrandom", "rand", "select"] {
        let experiment = experiment(leak);
        let [one, other] = [1, 2].map(|seed| account(&*experiment, seed));
        let answer = |told: &[Line]| told.iter().find(|line| line.text.contains("ask 5 →")).cloned();
        let (one, other) = (answer(&one).expect("an answer"), answer(&other).expect("an answer"));
        assert_ne!(one.text, other.text, "{leak} would be the same from every seed");
    }
}

#[test]
fn what_leaks_is_caught_and_its_first_event_and_source_named() {
    let expected = [
        ("static", Way::Again, Source::Count),
        ("thread-id", Way::Again, Source::Thread),
        ("fast-rand", Way::Again, Source::Value),
        ("address", Way::Fresh, Source::Address),
    ];
    for (leak, way, source) in expected {
        let checked = check(leak);
        let found = checked.first_difference.unwrap_or_else(|| panic!("{leak} is not caught"));
        assert_eq!((found.scenario.as_str(), found.seed, found.way), ("leaky/it", 1, way), "{leak}");
        assert_eq!(checked.equal, 0, "{leak}");
        let Parting { event, this, other, source: named } = found.parting.expect("it differs again");
        assert_eq!(named, source, "{leak}");
        let (this, other) = (this.expect("an event"), other.expect("an event"));
        assert_eq!(
            (this.host.as_str(), this.activity.as_str(), this.task.as_str()),
            ("c1", "ask 5", "c1#1/2"),
            "{leak}"
        );
        assert!(this.text.starts_with("#5 ask 5 → ") && this.text != other.text, "{leak}: {this} and {other}");
        assert!(event > 10, "{leak}: all before it is equal");
    }
}

#[test]
fn what_leaves_the_world_breaks_the_run_and_is_named() {
    for (leak, call) in [("tokio-spawn", "tokio::spawn"), ("spawn-blocking", "tokio::task::spawn_blocking")] {
        let run = experiment(leak).run(1, &RunOptions::default());
        assert_eq!(run.verdict, Verdict::Violated, "{leak}");
        let broken = run.violations.iter().find(|broken| broken.invariant == "no-escape");
        let broken = broken.unwrap_or_else(|| panic!("{leak} is not named: {:?}", run.violations));
        assert!(broken.message.contains(call) && broken.message.contains("c1"), "{}", broken.message);
    }
}
