//! What a picture of a run is made of. Times are nanoseconds since the start of the run; lanes, items and what is served
//! are named by their place in the lists of [`Timeline`].

use serde::Serialize;

use super::TimelineHead;

/// A run as a picture over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timeline {
    /// What was run.
    pub head: TimelineHead,
    /// The seed.
    pub seed: u64,
    /// How it ended: `holds`, `violated`, `stuck`, `vacuous`.
    pub verdict: &'static str,
    /// The fingerprint.
    pub fingerprint: String,
    /// When the run ended.
    pub ended: u64,
    /// How many operations completed.
    pub completed: u32,
    /// How often each invariant had something to check.
    pub exercised: Vec<(&'static str, u64)>,
    /// What broke, one for each signature; the one that the run is about comes first.
    pub broken: Vec<Broken>,
    /// When the phases began.
    pub phases: Vec<PhaseStart>,
    /// Hosts: clients, then services, then stores.
    pub lanes: Vec<Lane>,
    /// Clients' operations and background cycles, in the order in which they began.
    pub served: Vec<Served>,
    /// Everything on the lanes, in the order in which it began.
    pub items: Vec<Item>,
    /// Windows on which somebody intruded.
    pub windows: Vec<WindowSpan>,
    /// Stretches in which nothing begins and nothing ends, long beside the rest.
    pub folds: Vec<(u64, u64)>,
    /// What keys are about, shortened.
    pub entities: Vec<String>,
}

/// Something that broke, with what led to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Broken {
    /// When.
    pub at: u64,
    /// The invariant.
    pub invariant: String,
    /// The kind of entity and the window involved.
    pub about: String,
    /// What was seen.
    pub message: String,
    /// What the invariant demands.
    pub promise: String,
    /// What led to it, in the order of time, and the breach itself at the end.
    pub story: Vec<Beat>,
}

/// One step of what led to a breach.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Beat {
    /// When.
    pub at: u64,
    /// Its part in it.
    pub part: Part,
    /// What happened, in words.
    pub text: String,
    /// The item that shows it.
    pub item: Option<usize>,
    /// The operation or cycle that did it.
    pub serves: Option<usize>,
}

/// The part that a step has in what led to a breach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// A fault, a crash, a task that was held.
    Fault,
    /// An operation of a client began.
    Operation,
    /// A copy was made that somebody went by later.
    Copies,
    /// Somebody looked.
    Looks,
    /// Somebody else changed what was looked at.
    Intrudes,
    /// Who had looked acted.
    Acts,
    /// The promise was broken.
    Breaks,
}

/// The start of a phase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseStart {
    /// When.
    pub at: u64,
    /// `chaos`, `heal`, `settle`, `rest`.
    pub name: &'static str,
}

/// A host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// What it is there for.
    pub kind: LaneKind,
}

/// What a host is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LaneKind {
    /// It begins operations.
    Client,
    /// It serves them.
    Service,
    /// It commits.
    Store,
    /// No host: what happens to the world itself.
    World,
}

/// A client's operation or a background cycle, for which everything else is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Served {
    /// It, in words.
    pub name: String,
    /// Where it began.
    pub lane: usize,
    /// Its number within the run, for an operation of a client.
    pub operation: Option<u32>,
    /// What the client saw of it in the end.
    pub outcome: Option<String>,
    /// When it began.
    pub at: u64,
    /// When it returned, or the last that was done for it.
    pub until: u64,
}

/// Something on a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What sort of thing.
    pub kind: ItemKind,
    /// Its lane; a message's sender.
    pub lane: usize,
    /// The other lane of a message, or of a fault that strikes a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<usize>,
    /// When it began; when a message was sent.
    pub at: u64,
    /// When it ended; when a message arrived.
    pub until: u64,
    /// What it was done for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serves: Option<usize>,
    /// It, in words, long identifiers shortened.
    pub text: String,
    /// The same in full, where that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full: Option<String>,
    /// What to write beside it: how a commit altered its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether it had not ended when the run did.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
}

/// What sort of thing an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// A client's operation.
    Operation,
    /// What a host did for one.
    Work,
    /// A task was held at a point.
    Held,
    /// A host was down.
    Down,
    /// A host stood still.
    Paused,
    /// A fault was in force.
    Fault,
    /// Data came over.
    Message,
    /// A connection was made or ended.
    Connection,
    /// A message was lost, held back or refused, or a stream broke.
    Trouble,
    /// A store committed.
    Commit,
    /// Shared state was read or written.
    Access,
    /// A log line at WARN or above.
    Warning,
    /// Another log line.
    Log,
    /// Something that is so.
    Fact,
    /// A task passed a point.
    Passed,
    /// A panic, an escape from the world, a broken invariant.
    Broken,
}

/// A window on which somebody intruded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WindowSpan {
    /// The store's lane; that of who acted where the store has none.
    pub lane: usize,
    /// The key.
    pub key: String,
    /// When it opened.
    pub at: u64,
    /// When somebody changed the key.
    pub intruded: u64,
    /// When it was acted upon.
    pub until: u64,
    /// Whose window it was.
    pub actor: Option<usize>,
    /// Who changed the key; `None`: the store itself.
    pub intruder: Option<usize>,
    /// Whether the act found out, and so changed nothing.
    pub noticed: bool,
    /// Whether it is about what broke.
    pub cause: bool,
    /// How it opened, who intruded, what was done.
    pub words: [String; 3],
}
