//! What decisions belong together, told by their addresses alone.
//!
//! The one place in the search that knows how the world names its sites. A site it does not know goes with others of
//! the same name, and with others about the same subject.

use crate::harness::Decision;

/// Puts a decision into a group.
pub(super) type Key = fn(&Decision) -> String;

/// From large groups to single decisions.
pub(super) const LEVELS: &[Key] = &[family, kind, first_party, whole_subject, operation, site, single];

/// The sites of client operations; their decisions are numbered by the operation.
const OPERATION: &str = "operation";
/// The pause before a client's operation.
const THINK: &str = "think";
/// The prefix of all faults that are drawn per slot of time.
const FAULT: &str = "fault.";

/// The parts of a decision's address.
pub(super) struct Address<'a> {
    /// The name: `net.latency`, `fault.restart`.
    pub(super) kind: &'a str,
    /// What it is about.
    pub(super) subject: &'a str,
}

impl<'a> Address<'a> {
    pub(super) fn of(decision: &'a Decision) -> Self {
        let (kind, subject) = decision.site.split_once(' ').unwrap_or((&decision.site, ""));
        Self { kind, subject }
    }

    /// The hosts it is about: `a` and `b` of `a>b`, `pod-a` of a task `pod-a#1/2.3` or of `some.point pod-a`.
    fn parties(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        // What more there is about it stands in front: the field of an operation, the point, the fault's own name.
        let last = self.subject.rsplit(' ').next();
        last.unwrap_or_default().split('>').map(|party| party.split('#').next().unwrap_or(party))
    }

    /// Whether it is a fault that strikes in a slot of time.
    pub(super) fn is_fault(&self) -> bool {
        self.kind.starts_with(FAULT)
    }

    /// Whether it is a pause of a client.
    pub(super) fn is_think(&self) -> bool {
        self.kind == THINK
    }

    /// Whether it decides what a client does, rather than when.
    pub(super) fn is_operation(&self) -> bool {
        self.kind == OPERATION
    }

    /// Whether its decisions are numbered by how many there were before, rather than by operation or time.
    pub(super) fn is_counted(&self) -> bool {
        !(self.client().is_some() || self.is_fault() || matches!(self.kind, "swarm" | "style"))
    }

    /// The client whose operation it decides.
    fn client(&self) -> Option<&'a str> {
        (self.kind == OPERATION || self.kind == THINK).then(|| self.parties().next().unwrap_or_default())
    }
}

/// All faults, all latencies, all operations.
pub(super) fn family(decision: &Decision) -> String {
    let kind = Address::of(decision).kind;
    kind.split('.').next().unwrap_or(kind).into()
}

/// One kind of fault.
pub(super) fn kind(decision: &Decision) -> String {
    Address::of(decision).kind.into()
}

/// One host or client, for links the one that sends.
fn first_party(decision: &Decision) -> String {
    Address::of(decision).parties().next().unwrap_or_default().into()
}

/// One host, client or link.
pub(super) fn whole_subject(decision: &Decision) -> String {
    Address::of(decision).parties().collect::<Vec<_>>().join(">")
}

/// One operation of a client with all that decides it; whatever else, by its site.
pub(super) fn operation(decision: &Decision) -> String {
    match Address::of(decision).client() {
        Some(client) => format!("{OPERATION} {client} {}", decision.index),
        None => decision.site.to_string(),
    }
}

/// One site.
fn site(decision: &Decision) -> String {
    decision.site.to_string()
}

/// One decision.
pub(super) fn single(decision: &Decision) -> String {
    format!("{} {}", decision.site, decision.index)
}

/// The client and the number of the operation that this decides.
pub(super) fn client_operation(decision: &Decision) -> Option<(String, u64)> {
    Address::of(decision).client().map(|client| (client.to_owned(), decision.index))
}

/// The site of a client's pauses.
pub(super) fn think_site(client: &str) -> String {
    format!("{THINK} {client}")
}
