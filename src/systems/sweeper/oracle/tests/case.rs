//! A run made by hand: commits, facts and operations at given seconds, and what the invariants make of them.

use serde_json::json;

use crate::harness::EPOCH;
use crate::oracle::case::{self, Performed};
use crate::systems::sweeper::oracle::all;
use crate::systems::sweeper::outcome::{Outcome, View};
use crate::systems::sweeper::row::Status;
use crate::systems::sweeper::workload::{Identity, Operation, Verb, slug};

/// What the namespace of `s1` is called, unless a case has it otherwise.
pub(super) const NAMESPACE: &str = "instant-stack-stk-1";

/// A namespace as the cluster tells it, its age left out.
pub(super) struct Namespace<'a> {
    pub(super) uid: &'a str,
    pub(super) name: &'a str,
    pub(super) owner: &'a str,
    pub(super) phase: &'a str,
    pub(super) deployment: &'a str,
}

/// The namespace of `s1`, well and alive.
pub(super) const WELL: Namespace<'static> =
    Namespace { uid: "uid-1", name: NAMESPACE, owner: "id-1", phase: "Active", deployment: "running" };

/// A run to be.
pub(super) type Case = case::Case<Operation, Outcome>;

impl Case {
    /// Nothing is there yet.
    pub(super) fn empty() -> Self {
        Self::of(&["postgres", "cluster", "worker-a", "c1"], all(), ()).ended(20_000)
    }

    /// `s1` is healthy, for good, in a namespace of its own.
    pub(super) fn new() -> Self {
        Self::empty().row(0, "", Some((Status::Healthy, None))).namespace(0, "", &WELL, "created")
    }

    fn committed(self, at: u64, store: &str, by: &str, key: &str, value: Option<&str>, cause: &'static str) -> Self {
        self.told(|story| story.committed(at * 1_000, store, by, key, value, cause))
    }

    /// The row of `s1` from now on: its status, and in which second its time is over.
    pub(super) fn row(self, at: u64, by: &str, row: Option<(Status, Option<u64>)>) -> Self {
        self.row_of(at, by, ("id-1", NAMESPACE), row)
    }

    /// The same of a row with this id and namespace.
    pub(super) fn row_of(
        self,
        at: u64,
        by: &str,
        (id, namespace): (&str, &str),
        row: Option<(Status, Option<u64>)>,
    ) -> Self {
        let cause = if row.is_some() { "update" } else { "delete" };
        let value = row.map(|(status, expires)| {
            json!({
                "id": id, "slug": slug(1, Identity::Apart), "namespace": namespace, "status": status.word(),
                "tier": "paid", "expires_at": expires.map(|second| EPOCH / 1_000 + second * 1_000_000),
            })
            .to_string()
        });
        self.committed(at, "postgres", by, &format!("stacks:{id}"), value.as_deref(), cause)
    }

    /// A namespace is like this from now on.
    pub(super) fn namespace(self, at: u64, by: &str, it: &Namespace<'_>, cause: &'static str) -> Self {
        let value = json!({
            "name": it.name, "uid": it.uid, "labels": { "stack": it.owner }, "phase": it.phase,
            "creationTimestamp": "", "deployment": it.deployment, "deploymentSince": "",
        });
        self.committed(at, "cluster", by, it.name, Some(&value.to_string()), cause)
    }

    /// The namespace of `s1` is deleted.
    pub(super) fn deleted(self, at: u64, by: &str) -> Self {
        self.namespace(at, by, &Namespace { phase: "Terminating", ..WELL }, "deleted")
    }

    /// A pass begins, or ends.
    pub(super) fn pass(self, at: u64, by: &str, name: &'static str) -> Self {
        self.told(|story| story.fact(at * 1_000, "worker-a", by, name, []))
    }

    /// A pass has asked for something.
    pub(super) fn asked(self, at: u64, by: &str, what: &str, about: &str, answer: &str) -> Self {
        let fields = [("what", what.into()), ("about", about.into()), ("answer", answer.into())];
        self.told(|story| story.fact(at * 1_000, "worker-a", by, "sweeper.asked", fields))
    }

    /// A pass is sure of an orphan.
    pub(super) fn condemned(self, at: u64, by: &str, namespace: &str) -> Self {
        let fields = [("namespace", namespace.into()), ("uid", "uid-1".into())];
        self.told(|story| story.fact(at * 1_000, "worker-a", by, "sweeper.condemned", fields))
    }

    pub(super) fn fault(self, at: u64) -> Self {
        self.told(|story| story.fault(at * 1_000, "jam", "cluster"))
    }

    /// A client asks for something of `s1`, under the name of the operation, and gets this. To be told in order, and before
    /// what comes of it.
    pub(super) fn operated(self, at: u64, back: u64, verb: Verb, outcome: Outcome) -> Self {
        let operation = Operation::of(verb, 1);
        let activity = operation.to_string();
        self.client(Performed {
            client: "c1",
            activity: &activity,
            operation,
            at: at * 1_000,
            outcome: Some((back * 1_000, outcome)),
            at_rest: false,
        })
    }

    /// A client asks how `s1` is.
    pub(super) fn shown(self, at: u64, status: &str) -> Self {
        let view = View { slug: slug(1, Identity::Apart), status: status.to_owned() };
        self.operated(at, at + 1, Verb::Status, Outcome::Shown(view))
    }
}
