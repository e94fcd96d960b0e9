//! A run made by hand: rows, counters, facts and operations at given milliseconds, and what the invariants make of them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::harness::{
    ActivityId, Deployment, Draw, Findings, Invariant, Load, Observed, Record as Performed, System, What,
};
use crate::oracle::story::Story;
use crate::runtime::Field;
use crate::systems::sandbox::errors::Code;
use crate::systems::sandbox::oracle::all;
use crate::systems::sandbox::outcome::{Outcome, Ran, Refused, StepOutcome};
use crate::systems::sandbox::workload::{Operation, Topology};

/// A system that has the operations and outcomes of sandboxes, and nothing else: all that an oracle may know of one.
#[derive(Clone)]
pub(super) struct Nothing;

impl System for Nothing {
    type Operation = Operation;
    type Outcome = Outcome;
    type Client = ();

    fn name(&self) -> &'static str {
        "nothing"
    }
    fn load(&self) -> Load {
        Load { clients: 0, operations: 0 }
    }
    fn deploy(&self, _: &mut Deployment) {}
    fn client(&self, _: &str) {}
    fn next(&self, _: &mut Draw<'_>) -> Option<Operation> {
        None
    }
    async fn perform(&self, (): (), _: Operation) -> Outcome {
        std::future::pending().await
    }
    fn invariants(&self) -> Vec<Box<dyn Invariant<Self>>> {
        all()
    }
}

/// A refusal of the sandbox.
pub(super) fn refused(code: Code) -> Outcome {
    let (status, retryable) = (code.status(), code.is_retryable());
    Outcome::Refused(Refused { status, code, retryable, path: false })
}

/// A refusal of a path: there is nothing.
pub(super) fn absent() -> Outcome {
    Outcome::Refused(Refused { status: 404, code: Code::Enoent, retryable: false, path: true })
}

/// What a file holds.
pub(super) fn content(text: &str) -> Outcome {
    Outcome::Content(text.into())
}

/// A script whose looks printed these.
pub(super) fn printed(texts: &[&str]) -> Outcome {
    let steps = texts.iter().map(|text| StepOutcome::Output((*text).into())).collect();
    Outcome::Ran(Ran { exit: 0, steps })
}

/// A script whose only step failed.
pub(super) fn failed(complaint: &str) -> Outcome {
    Outcome::Ran(Ran { exit: 1, steps: vec![StepOutcome::Failed(complaint.into())] })
}

/// A run to be: of sandbox `sb1`, on two replicas.
pub(super) struct Case {
    story: Story,
    operations: Vec<Performed<Nothing>>,
    /// The inode of each file that there is.
    inodes: BTreeMap<String, i64>,
    next_inode: i64,
    epoch: i64,
    healed: Duration,
    ended: Duration,
}

impl Case {
    pub(super) fn new() -> Self {
        let case = Self {
            story: Story::new(&["redis", "postgres", "replica-a", "replica-b", "c1", "c2"]),
            operations: Vec::new(),
            inodes: BTreeMap::new(),
            next_inode: 100,
            epoch: 0,
            healed: Duration::ZERO,
            ended: Duration::from_secs(100),
        };
        let boot = |case: Self, name: &str| {
            let times = [
                ("boot", name.into()),
                ("idle_ms", 600_000_u64.into()),
                ("reap_ms", 60_000_u64.into()),
                ("drain_ms", 10_000_u64.into()),
                ("shutdown_ms", 30_000_u64.into()),
            ];
            case.fact(0, name, "sandbox.replica", times)
        };
        boot(boot(case, "replica-a"), "replica-b")
    }

    /// With `sb1` created at 1 s, as epoch 1.
    pub(super) fn created() -> Self {
        Self::new().asked(500, 1_500, "create sb1", Outcome::Created).insert(1_000, "op 0")
    }

    fn told(mut self, tell: impl FnOnce(Story) -> Story) -> Self {
        self.story = tell(self.story);
        self
    }

    /// A host says something.
    pub(super) fn fact<const N: usize>(self, at: u64, host: &str, name: &'static str, fields: [Field; N]) -> Self {
        self.told(|story| story.fact(at, host, "", name, fields))
    }

    /// Postgres commits a row on behalf of an activity: `op 0` is the first operation.
    fn row(self, at: u64, by: &str, key: &str, row: Option<&serde_json::Value>, cause: &'static str) -> Self {
        let value = row.map(|row| row.to_string().into());
        let what = What::Commit { store: "postgres".into(), key: key.into(), value, cause };
        self.told(|story| story.within(at, "postgres", by, what))
    }

    /// The next incarnation begins.
    pub(super) fn insert(mut self, at: u64, by: &str) -> Self {
        self.epoch += 1;
        let row = json!({ "id": "sb1", "owner": "t1", "root_inode": self.epoch, "epoch": self.epoch, "version": 0 });
        self.row(at, by, "sandboxes:sb1", Some(&row), "insert")
    }

    /// The incarnation ends.
    pub(super) fn delete(mut self, at: u64, by: &str) -> Self {
        self.inodes.clear();
        self.row(at, by, "sandboxes:sb1", None, "delete")
    }

    /// The file `f1` or another holds this from now on.
    pub(super) fn file(mut self, at: u64, by: &str, name: &str, content: &str) -> Self {
        let blob = json!({ "sha256": content, "content": content });
        let known = self.inodes.get(name).copied();
        let inode = known.unwrap_or(self.next_inode);
        let row = json!({ "ino": inode, "sandbox_id": "sb1", "kind": "file", "sha256": content });
        let dirent = json!({ "sandbox_id": "sb1", "parent": self.epoch, "name": name, "ino": inode });
        let key = format!("dirents:sb1/{}/{name}", self.epoch);
        self.next_inode += 1;
        self.inodes.insert(name.to_owned(), inode);
        let case = self.row(at, by, &format!("blobs:{content}"), Some(&blob), "insert");
        let cause = if known.is_some() { "update" } else { "insert" };
        let case = case.row(at, by, &format!("inodes:{inode}"), Some(&row), cause);
        if known.is_some() { case } else { case.row(at, by, &key, Some(&dirent), "insert") }
    }

    /// Redis holds this counter from now on.
    pub(super) fn counter(self, at: u64, value: Option<&str>) -> Self {
        let cause = if value.is_some() { "set" } else { "del" };
        self.told(|story| story.commit(at, "vfs:t1:ver:sb1", value, cause))
    }

    /// A replica registers a session of `sb1`, named by its number, with a tree of this stamp.
    pub(super) fn registered(self, at: u64, replica: &str, number: u32, stamp: &str) -> Self {
        let session = session(replica, number);
        let fields = [
            ("sandbox", "sb1".into()),
            ("session", session.as_str().into()),
            ("boot", replica.into()),
            ("stamp", stamp.into()),
        ];
        self.pool(at, replica, number, "sandbox.pool-opened").fact(at, replica, "sandbox.registered", fields)
    }

    /// The pool of a session is opened or closed.
    pub(super) fn pool(self, at: u64, replica: &str, number: u32, fact: &'static str) -> Self {
        let session = session(replica, number);
        self.fact(at, replica, fact, [("sandbox", "sb1".into()), ("session", session.into())])
    }

    /// A replica takes out one session where it means another.
    pub(super) fn removed(self, at: u64, replica: &str, meant: u32, removed: u32) -> Self {
        let (meant, removed) = (session(replica, meant), session(replica, removed));
        let fields = [
            ("sandbox", "sb1".into()),
            ("session", meant.as_str().into()),
            ("removed", removed.into()),
            ("why", "gone".into()),
        ];
        let closing = [("sandbox", "sb1".into()), ("session", meant.as_str().into()), ("why", "gone".into())];
        self.fact(at, replica, "sandbox.closing", closing).fact(at, replica, "sandbox.removed", fields)
    }

    /// A session holds the counter against what it has seen of it.
    pub(super) fn compared(self, at: u64, replica: &str, stamp: &str, counter: &str, equal: bool) -> Self {
        let fields = [
            ("sandbox", "sb1".into()),
            ("session", session(replica, 1).into()),
            ("stamp", stamp.into()),
            ("seen", counter.into()),
            ("counter", counter.into()),
            ("equal", equal.into()),
        ];
        self.fact(at, replica, "sandbox.compared", fields)
    }

    /// A write of the first session of `replica-a` was not told to others, or was after all.
    pub(super) fn publication(self, at: u64, fact: &'static str) -> Self {
        let session = session("replica-a", 1);
        self.fact(
            at,
            "replica-a",
            fact,
            [("sandbox", "sb1".into()), ("session", session.into()), ("stamp", "1:1".into())],
        )
    }

    pub(super) fn fault(self, at: u64, kind: &str, subject: &str) -> Self {
        let what = What::Fault { kind: kind.into(), subject: subject.into(), detail: "".into(), lasts: Duration::ZERO };
        self.told(|story| story.at(at, "world", what))
    }

    pub(super) fn restart(self, at: u64, host: &str, down: u64) -> Self {
        self.told(|story| story.restart(at, host, down))
    }

    /// A client asks for something and gets this outcome. To be told in the order of invocation.
    pub(super) fn asked(self, at: u64, back: u64, operation: &str, outcome: Outcome) -> Self {
        self.performed(at, operation, Some((back, outcome)))
    }

    /// The same, and there never is an outcome.
    pub(super) fn unanswered(self, at: u64, operation: &str) -> Self {
        self.performed(at, operation, None)
    }

    fn performed(mut self, at: u64, operation: &str, outcome: Option<(u64, Outcome)>) -> Self {
        let number = self.operations.len() as u32;
        let operation = Operation::parse(operation, &Topology::default()).expect("an operation in words");
        let mut performed = Performed::<Nothing> {
            id: number,
            client: "c1".into(),
            activity: ActivityId(0),
            invoked: Duration::from_millis(at),
            returned: None,
            outcome: None,
            at_rest: false,
            operation,
        };
        let text: std::sync::Arc<str> = performed.operation.to_string().into();
        let name = format!("op {number}");
        self.story = self.story.within(at, "c1", &name, What::Invoked { operation: number, text: text.clone() });
        if let Some((back, outcome)) = outcome {
            self.story = self.story.within(back, "c1", &name, What::Returned { operation: number, text });
            performed.returned = Some(Duration::from_millis(back));
            performed.outcome = Some(outcome);
        }
        self.operations.push(performed);
        self
    }

    pub(super) fn healed(mut self, seconds: u64) -> Self {
        self.healed = Duration::from_secs(seconds);
        self
    }

    pub(super) fn ended(mut self, seconds: u64) -> Self {
        self.ended = Duration::from_secs(seconds);
        self
    }

    /// How often an invariant applied, and about what it was broken.
    fn judge(mut self, name: &str) -> (u64, Vec<String>) {
        let history = self.story.lasting(self.ended.as_millis() as u64).history();
        for (number, operation) in self.operations.iter_mut().enumerate() {
            let name = format!("op {number}");
            let place = history.activities().iter().position(|activity| *activity.name == *name);
            operation.activity = ActivityId(place.expect("each operation is an activity") as u32);
        }
        let run = Observed::<Nothing> {
            history: &history,
            operations: &self.operations,
            healed: self.healed,
            ended: self.ended,
            allowed: &[],
        };
        let mut found = BTreeMap::new();
        for invariant in all::<Nothing>() {
            let mut findings = Findings { invariant: invariant.name(), ..Findings::default() };
            invariant.check(&run, &mut findings);
            let about = findings.violations.into_iter().map(|violation| violation.about).collect::<Vec<_>>();
            assert!(found.insert(invariant.name(), (findings.exercised, about)).is_none(), "names are given once");
        }
        found.remove(name).unwrap_or_else(|| panic!("there is no invariant `{name}`"))
    }

    /// The invariant is broken once, about this.
    #[track_caller]
    pub(super) fn breaks(self, name: &str, about: &str) {
        assert_eq!(self.judge(name).1, [about]);
    }

    /// The invariant applies, and holds.
    #[track_caller]
    pub(super) fn holds(self, name: &str) {
        let (exercised, broken) = self.judge(name);
        assert_eq!(broken, Vec::<String>::new());
        assert!(exercised > 0, "`{name}` does not apply to this case at all");
    }

    /// The invariant has nothing to say here.
    #[track_caller]
    pub(super) fn passes_over(self, name: &str) {
        assert_eq!(self.judge(name), (0, Vec::new()));
    }
}

fn session(replica: &str, number: u32) -> String {
    format!("{replica}/{number}")
}
