//! A run made by hand: commits, facts and operations at given milliseconds, and what the invariants make of them.

use serde_json::json;

use crate::harness::What;
use crate::oracle::case::{self, Performed};
use crate::systems::reconciler::oracle::all;
use crate::systems::reconciler::outcome::Outcome;
use crate::systems::reconciler::row::{Owed, Status, Workspace};
use crate::systems::reconciler::workload::{Operation, Verb};

/// `ws1` in a status, on an instance, in a generation.
pub(super) fn row(status: Status, instance: Option<&str>, generation: &str) -> Workspace {
    let owed = if status == Status::Provisioning { Owed::Create } else { Owed::Nothing };
    Workspace {
        id: "ws1".to_owned(),
        status,
        runtime: "cloud".to_owned(),
        instance: instance.map(str::to_owned),
        parked: None,
        generation: generation.to_owned(),
        owed,
    }
}

/// The same with something still to be done.
pub(super) fn owing(owed: Owed, row: Workspace) -> Workspace {
    Workspace { owed, ..row }
}

/// A row as the ground truth tells it.
fn text(row: &Workspace) -> String {
    json!({
        "id": row.id, "status": row.status.word(), "runtime": row.runtime, "instance_id": row.instance,
        "parked_id": row.parked, "generation": row.generation, "owed": row.owed.word(),
    })
    .to_string()
}

/// A run to be.
pub(super) type Case = case::Case<Operation, Outcome>;

impl Case {
    /// `ws1` is online on `i-1`, which runs, in the generation `g1`.
    pub(super) fn new() -> Self {
        let case = Self::of(&["postgres", "cloud", "server-a", "server-b", "c1", "c2"], all(), ());
        case.created(0, "i-1").turned(0, "", "i-1", "running", "booted").written(
            0,
            "",
            Some(&row(Status::Online, Some("i-1"), "g1")),
        )
    }

    /// The database holds this from now on, on behalf of an activity.
    pub(super) fn written(self, at: u64, by: &str, row: Option<&Workspace>) -> Self {
        let value = row.map(text);
        let cause = if row.is_some() { "update" } else { "delete" };
        self.committed(at, "postgres", by, "workspaces:ws1", value.as_deref(), cause)
    }

    /// The same of another workspace than `ws1`.
    pub(super) fn other_written(self, at: u64, row: &Workspace) -> Self {
        self.committed(at, "postgres", "", &format!("workspaces:{}", row.id), Some(&text(row)), "update")
    }

    /// The word is out that `ws1` is offline.
    pub(super) fn offline(self, at: u64, by: &str, instance: Option<&str>) -> Self {
        let value = json!({ "kind": "WORKSPACE_OFFLINE", "workspace_id": "ws1", "instance_id": instance }).to_string();
        self.committed(at, "postgres", by, &format!("events:e{at}"), Some(&value), "insert")
    }

    /// The cloud has a new instance for `ws1`, which boots.
    pub(super) fn created(self, at: u64, id: &str) -> Self {
        let fields = [("instance", id.into()), ("tag", "ws1".into()), ("token", "t".into())];
        self.told(|story| story.fact(at, "cloud", "", "cloud.created", fields)).turned(at, "", id, "pending", "created")
    }

    /// An instance is in this state from now on.
    pub(super) fn turned(self, at: u64, by: &str, id: &str, state: &str, cause: &'static str) -> Self {
        self.committed(at, "cloud", by, id, Some(state), cause)
    }

    fn committed(self, at: u64, store: &str, by: &str, key: &str, value: Option<&str>, cause: &'static str) -> Self {
        self.told(|story| story.committed(at, store, by, key, value, cause))
    }

    /// A status request is answered.
    pub(super) fn answered(self, at: u64, by: &str, instance: &str, answer: &str) -> Self {
        let fields = [
            ("workspace", "ws1".into()),
            ("instance", instance.into()),
            ("answer", answer.into()),
            ("consistent", false.into()),
        ];
        self.told(|story| story.fact(at, "server-a", by, "reconciler.answered", fields))
    }

    /// A cycle begins.
    pub(super) fn cycle(self, at: u64, by: &str) -> Self {
        self.told(|story| story.fact(at, "server-a", by, "reconciler.cycle", []))
    }

    /// A cycle ends.
    pub(super) fn cycled(self, at: u64, by: &str, selected: u64, checked: u64) -> Self {
        let fields = [("selected", selected.into()), ("checked", checked.into())];
        self.told(|story| story.fact(at, "server-a", by, "reconciler.cycled", fields))
    }

    /// Cycles every minute that look at `checked` of `selected`, from one second to another.
    pub(super) fn cycles(self, from: u64, to: u64, selected: u64, checked: u64) -> Self {
        (from..to).step_by(60).fold(self, |case, second| {
            let by = format!("reconcile {second}");
            case.cycle(second * 1_000, &by).cycled(second * 1_000 + 500, &by, selected, checked)
        })
    }

    /// Another event of the world.
    pub(super) fn world(self, at: u64, host: &str, what: What) -> Self {
        self.told(|story| story.at(at, host, what))
    }

    pub(super) fn fault(self, at: u64, kind: &str) -> Self {
        self.told(|story| story.fault(at, kind, "postgres"))
    }

    pub(super) fn pause(self, at: u64, host: &str, lasts: u64) -> Self {
        self.told(|story| story.pause(at, host, lasts))
    }

    pub(super) fn restart(self, at: u64, host: &str, down: u64) -> Self {
        self.told(|story| story.restart(at, host, down))
    }

    /// A client asks for something, under the name of the operation, and gets this. To be told in order, and before what
    /// comes of it.
    pub(super) fn asked(self, at: u64, back: u64, verb: Verb, outcome: Outcome) -> Self {
        let operation = Operation::of(verb, 1);
        let activity = operation.to_string();
        self.client(Performed {
            client: "c1",
            activity: &activity,
            operation,
            at,
            outcome: Some((back, outcome)),
            at_rest: false,
        })
    }
}
