//! A run made by hand: commits, facts and operations at given seconds, and what the invariants make of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::harness::{
    ActivityId, Deployment, Draw, EPOCH, Findings, Invariant, Load, Observed, Record as Performed, System, What,
};
use crate::oracle::story::{Story, seconds};
use crate::systems::sweeper::oracle::all;
use crate::systems::sweeper::outcome::{Outcome, View};
use crate::systems::sweeper::row::Status;
use crate::systems::sweeper::workload::{Identity, Operation, Verb, slug};

/// A system that has the operations and outcomes of stacks, and nothing else: all that an oracle may know of one.
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
pub(super) struct Case {
    story: Story,
    operations: Vec<Performed<Nothing>>,
    healed: Duration,
    ended: Duration,
    allowed: Vec<String>,
}

impl Case {
    /// Nothing is there yet.
    pub(super) fn empty() -> Self {
        let story = Story::new(&["postgres", "cluster", "worker-a", "c1"]);
        Self { story, operations: Vec::new(), healed: Duration::ZERO, ended: seconds(20_000), allowed: Vec::new() }
    }

    /// `s1` is healthy, for good, in a namespace of its own.
    pub(super) fn new() -> Self {
        Self::empty().row(0, "", Some((Status::Healthy, None))).namespace(0, "", &WELL, "created")
    }

    fn told(mut self, tell: impl FnOnce(Story) -> Story) -> Self {
        self.story = tell(self.story);
        self
    }

    fn committed(self, at: u64, store: &str, by: &str, key: &str, value: Option<&str>, cause: &'static str) -> Self {
        let what = What::Commit { store: store.into(), key: key.into(), value: value.map(Arc::from), cause };
        self.told(|story| story.within(at * 1_000, store, by, what))
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
        let what =
            What::Fault { kind: "jam".into(), subject: "cluster".into(), detail: "".into(), lasts: Duration::ZERO };
        self.told(|story| story.at(at * 1_000, "world", what))
    }

    /// A client asks for something of `s1`, under the name of the operation, and gets this. To be told in order, and before
    /// what comes of it.
    pub(super) fn operated(mut self, at: u64, back: u64, verb: Verb, outcome: Outcome) -> Self {
        let operation = Operation::of(verb, 1);
        let number = self.operations.len() as u32;
        let text: Arc<str> = operation.to_string().into();
        self.story = self
            .story
            .within(at * 1_000, "c1", &text, What::Invoked { operation: number, text: text.clone() })
            .within(back * 1_000, "c1", &text, What::Returned { operation: number, text: text.clone() });
        self.operations.push(Performed {
            id: number,
            client: "c1".into(),
            activity: ActivityId(0),
            operation,
            invoked: seconds(at),
            returned: Some(seconds(back)),
            outcome: Some(outcome),
            at_rest: false,
        });
        self
    }

    /// A client asks how `s1` is.
    pub(super) fn shown(self, at: u64, status: &str) -> Self {
        let view = View { slug: slug(1, Identity::Apart), status: status.to_owned() };
        self.operated(at, at + 1, Verb::Status, Outcome::Shown(view))
    }

    pub(super) fn healed(mut self, at: u64) -> Self {
        self.healed = seconds(at);
        self
    }

    pub(super) fn ended(mut self, at: u64) -> Self {
        self.ended = seconds(at);
        self
    }

    pub(super) fn allowed(mut self, allowance: &str) -> Self {
        self.allowed.push(allowance.to_owned());
        self
    }

    /// How often an invariant applied, and about what it was broken.
    fn judge(mut self, name: &str) -> (u64, Vec<String>) {
        let history = self.story.lasting(self.ended.as_millis() as u64).history();
        for operation in &mut self.operations {
            let begun = history.events().iter().find(
                |event| matches!(&event.what, What::Invoked { operation: number, .. } if *number == operation.id),
            );
            operation.activity = begun.expect("it was told").activity;
        }
        let run = Observed::<Nothing> {
            history: &history,
            operations: &self.operations,
            healed: self.healed,
            ended: self.ended,
            allowed: &self.allowed,
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
