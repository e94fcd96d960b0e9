//! A run made by hand: rows, counters, facts and operations at given milliseconds, and what the invariants make of them.

use std::collections::BTreeMap;

use serde_json::json;

use crate::oracle::case::{self, Performed};
use crate::runtime::Field;
use crate::systems::sandbox::errors::Code;
use crate::systems::sandbox::oracle::all;
use crate::systems::sandbox::outcome::{Outcome, Ran, Refused, StepOutcome};
use crate::systems::sandbox::workload::{Operation, Topology};

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
pub(super) type Case = case::Case<Operation, Outcome, Files>;

/// What there is of files.
pub(super) struct Files {
    /// The inode of each file that there is.
    inodes: BTreeMap<String, i64>,
    next_inode: i64,
    epoch: i64,
}

impl Case {
    pub(super) fn new() -> Self {
        let files = Files { inodes: BTreeMap::new(), next_inode: 100, epoch: 0 };
        let case = Self::of(&["redis", "postgres", "replica-a", "replica-b", "c1", "c2"], all(), files);
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

    /// A host says something.
    pub(super) fn fact<const N: usize>(self, at: u64, host: &str, name: &'static str, fields: [Field; N]) -> Self {
        self.told(|story| story.fact(at, host, "", name, fields))
    }

    /// Postgres commits a row on behalf of an activity: `op 0` is the first operation.
    fn row(self, at: u64, by: &str, key: &str, row: Option<&serde_json::Value>, cause: &'static str) -> Self {
        let value = row.map(ToString::to_string);
        self.told(|story| story.committed(at, "postgres", by, key, value.as_deref(), cause))
    }

    /// The next incarnation begins.
    pub(super) fn insert(mut self, at: u64, by: &str) -> Self {
        self.known.epoch += 1;
        let row = json!({ "id": "sb1", "owner": "t1", "root_inode": self.known.epoch, "epoch": self.known.epoch, "version": 0 });
        self.row(at, by, "sandboxes:sb1", Some(&row), "insert")
    }

    /// The incarnation ends.
    pub(super) fn delete(mut self, at: u64, by: &str) -> Self {
        self.known.inodes.clear();
        self.row(at, by, "sandboxes:sb1", None, "delete")
    }

    /// The file `f1` or another holds this from now on.
    pub(super) fn file(mut self, at: u64, by: &str, name: &str, content: &str) -> Self {
        let blob = json!({ "sha256": content, "content": content });
        let known = self.known.inodes.get(name).copied();
        let inode = known.unwrap_or(self.known.next_inode);
        let row = json!({ "ino": inode, "sandbox_id": "sb1", "kind": "file", "sha256": content });
        let dirent = json!({ "sandbox_id": "sb1", "parent": self.known.epoch, "name": name, "ino": inode });
        let key = format!("dirents:sb1/{}/{name}", self.known.epoch);
        self.known.next_inode += 1;
        self.known.inodes.insert(name.to_owned(), inode);
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
        self.told(|story| story.fault(at, kind, subject))
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

    fn performed(self, at: u64, operation: &str, outcome: Option<(u64, Outcome)>) -> Self {
        let activity = format!("op {}", self.operations());
        let operation = Operation::parse(operation, &Topology::default()).expect("an operation in words");
        self.client(Performed { client: "c1", activity: &activity, operation, at, outcome, at_rest: false })
    }
}

fn session(replica: &str, number: u32) -> String {
    format!("{replica}/{number}")
}
