//! A run made by hand: commits, facts and answers at given milliseconds, and what the invariants make of them.

use std::sync::Arc;

use serde_json::json;

use crate::oracle::case::{self, Performed};
use crate::runtime::Field;
use crate::systems::shapes::oracle::all;
use crate::systems::shapes::outcome::{Answer, Asked, Body, Change, Exchange, Message, Outcome, ShapeView, StackView};
use crate::systems::shapes::query::{Column, Row};
use crate::systems::shapes::workload::Operation;

/// Leaves of some value, and those that belong to what is active.
pub(super) const PLAIN: &str = "level_4 WHERE value = 'v01'";
pub(super) const NESTED: &str = "level_4 WHERE level_3_id IN (SELECT id FROM level_3 WHERE active = true)";
pub(super) const INNER: &str = "level_3 WHERE active = true";

/// A leaf of this value.
pub(super) fn leaf(id: &str, value: &str) -> Row {
    Row::of([(Column::Id, id), (Column::Level3Id, "l3-1"), (Column::Value, value)])
}

/// A message about a leaf: `insert a v01` at an offset; `delete a` has no value.
pub(super) fn message(offset: &str, words: &str) -> Message {
    let words: Vec<&str> = words.split(' ').collect();
    let change = match words[0] {
        "insert" => Change::Insert,
        "update" => Change::Update,
        _ => Change::Delete,
    };
    let row = words.get(2).map(|value| leaf(words[1], value));
    Message { offset: offset.parse().expect("an offset"), change, key: words[1].into(), row }
}

/// An answer that ends at an offset, with nothing more to come as of a position.
pub(super) fn complete(handle: &str, offset: &str, lsn: u64, messages: Vec<Message>) -> Answer {
    let body = Body {
        handle: Some(handle.into()),
        offset: Some(offset.parse().expect("an offset")),
        up_to_date: true,
        lsn: Some(lsn),
        messages,
        error: None,
    };
    Answer { status: 200, retry_after: false, body }
}

/// An answer without a body but a handle.
pub(super) fn refused(status: u16, handle: Option<&str>) -> Answer {
    Answer { status, retry_after: false, body: Body { handle: handle.map(Arc::from), ..Body::default() } }
}

/// A request for what comes after an offset; empty: from the start.
pub(super) fn read(handle: &str, offset: &str) -> Asked {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Asked::Read {
        handle: given(handle).map(Arc::from),
        offset: given(offset).map(|text| text.parse().expect("an offset")),
    }
}

/// The same, held.
pub(super) fn held(handle: &str, offset: &str) -> Asked {
    Asked::Live { handle: handle.into(), offset: offset.parse().expect("an offset") }
}

pub(super) fn deletion(handle: &str) -> Asked {
    Asked::Delete { handle: handle.into() }
}

/// What an active service holds: these shapes, whole.
pub(super) fn stack(handles: &[&str]) -> StackView {
    let all: Vec<String> = handles.iter().map(|handle| (*handle).to_owned()).collect();
    let shape = |handle: &String| ShapeView { handle: handle.clone(), query: PLAIN.to_owned(), ..ShapeView::default() };
    StackView {
        phase: "active".to_owned(),
        shapes: all.iter().map(shape).collect(),
        stored: all.clone(),
        consumers: all.clone(),
        table: all,
        ..StackView::default()
    }
}

/// A run to be.
pub(super) type Case = case::Case<Operation, Outcome>;

impl Case {
    /// `level_3` has the active `l3-1`, `level_4` has `a` as `v01` and `b` as `v02`, at position 10; the stack is active.
    pub(super) fn new() -> Self {
        let case = Self::of(&["postgres", "server", "c1", "c2"], all(), ()).ended(60);
        let parent = json!({ "id": "l3-1", "level_2_id": "l2-1", "active": true }).to_string();
        case.row(0, "level_3:l3-1", Some(&parent))
            .leaf(0, "a", Some("v01"))
            .leaf(0, "b", Some("v02"))
            .committed(0, 10)
            .stack(1, "s1", "booting")
            .stack(5, "s1", "active")
    }

    fn fact<const N: usize>(self, at: u64, host: &str, name: &'static str, fields: [Field; N]) -> Self {
        self.told(|story| story.fact(at, host, "", name, fields))
    }

    fn row(self, at: u64, key: &str, value: Option<&str>) -> Self {
        self.told(|story| story.committed(at, "postgres", "", key, value, "update"))
    }

    /// A leaf has this value within the next transaction to be committed; `None`: it is gone.
    pub(super) fn leaf(self, at: u64, id: &str, value: Option<&str>) -> Self {
        let row = value.map(|value| serde_json::to_string(&leaf(id, value)).expect("a row"));
        self.row(at, &format!("level_4:{id}"), row.as_deref())
    }

    /// What `l3-1` is within the next transaction to be committed.
    pub(super) fn active(self, at: u64, active: bool) -> Self {
        let row = json!({ "id": "l3-1", "level_2_id": "l2-1", "active": active }).to_string();
        self.row(at, "level_3:l3-1", Some(&row))
    }

    /// A transaction is committed at this position.
    pub(super) fn committed(self, at: u64, lsn: u64) -> Self {
        self.fact(at, "postgres", "postgres.commit", [("store", "postgres".into()), ("lsn", lsn.into())])
    }

    /// What a stack is from now on.
    pub(super) fn stack(self, at: u64, boot: &str, phase: &str) -> Self {
        self.fact(at, "server", "shapes.stack", [("boot", boot.into()), ("phase", phase.into())])
    }

    /// The stack is to be restarted.
    pub(super) fn restart(self, at: u64) -> Self {
        self.fact(at, "server", "shapes.restart", [("mode", "graceful".into())])
    }

    /// A shape has a handle.
    pub(super) fn created(self, at: u64, handle: &str, query: &str, dependencies: &str) -> Self {
        let fields = [("handle", handle.into()), ("query", query.into()), ("dependencies", dependencies.into())];
        self.fact(at, "server", "shapes.created", fields)
    }

    /// It is to be removed.
    pub(super) fn removing(self, at: u64, handle: &str, why: &str, of: &str) -> Self {
        let fields = [("handle", handle.into()), ("why", why.into()), ("of", of.into())];
        self.fact(at, "server", "shapes.removing", fields)
    }

    /// A shape follows another from now on.
    pub(super) fn seeded(self, at: u64, view: u64, stored: u64) -> Self {
        let fields =
            [("handle", "outer".into()), ("of", "inner".into()), ("view", view.into()), ("stored", stored.into())];
        self.fact(at, "server", "shapes.seeded", fields)
    }

    /// The slot may forget what was before a position.
    pub(super) fn acknowledged(self, at: u64, lsn: u64) -> Self {
        self.fact(at, "server", "shapes.acknowledged", [("lsn", lsn.into())])
    }

    pub(super) fn fault(self, at: u64, kind: &str) -> Self {
        self.told(|story| story.fault(at, kind, "postgres"))
    }

    pub(super) fn crash(self, at: u64) -> Self {
        self.told(|story| story.restart(at, "server", 1_000))
    }

    /// A client's operation; to be told in order.
    pub(super) fn performed(self, at: u64, back: u64, operation: Operation, outcome: Outcome) -> Self {
        self.record(at, back, operation, outcome, false)
    }

    /// The same once all is at rest.
    pub(super) fn looked(self, at: u64, operation: Operation, outcome: Outcome) -> Self {
        self.record(at, at, operation, outcome, true)
    }

    fn record(self, at: u64, back: u64, operation: Operation, outcome: Outcome, at_rest: bool) -> Self {
        self.client(Performed { client: "c1", activity: "", operation, at, outcome: Some((back, outcome)), at_rest })
    }

    /// The first client asks about its first shape, and gets this.
    pub(super) fn asked(self, at: u64, query: &str, asked: Asked, answer: Answer) -> Self {
        let outcome = exchanged(query, 1, asked, answer);
        self.performed(at, at, Operation::Poll(1), outcome)
    }
}

/// One request of the first client about its first shape, in one of its views, with its answer.
pub(super) fn exchanged(query: &str, view: u32, asked: Asked, answer: Answer) -> Outcome {
    let exchange = Exchange { client: "c1".into(), slot: 1, view, query: query.into(), asked, answer: Some(answer) };
    Outcome::Answered(vec![exchange])
}
