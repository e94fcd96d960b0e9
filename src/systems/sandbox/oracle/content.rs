//! What files hold: a look shows what Postgres held meanwhile, all looks of a script show the same state, and an append adds
//! to what was there.

use std::collections::BTreeMap;

use super::checks::Check;
use super::lens::{Lens, Node, Op, Sandbox, Seen, values};
use crate::harness::Findings;
use crate::oracle::{Moment, Version};
use crate::systems::sandbox::workload::Step;

pub(super) const CONTENT_IS_CURRENT: Check = Check {
    name: "content-is-current",
    about: "what a look shows is what Postgres held there at some moment since it was asked for",
    judge: content_is_current,
};

pub(super) const ONE_SNAPSHOT: Check = Check {
    name: "one-snapshot",
    about: "all that a script looks at before it writes is as it was at one moment",
    judge: one_snapshot,
};

pub(super) const APPEND_KEEPS: Check = Check {
    name: "append-keeps",
    about: "an append leaves in Postgres what was there, and its own value behind it",
    judge: append_keeps,
};

fn content_is_current(seen: &Lens, findings: &mut Findings) {
    for (op, sandbox) in seen.on_sandboxes() {
        if sandbox.gone_throughout(op) {
            continue;
        }
        for (step, shown) in op.looks() {
            findings.exercised();
            if sandbox.states_during(op).any(|moment| sandbox.shows(step, &shown, moment)) {
                continue;
            }
            let held = Node::words(sandbox.node_at(step.path(), op.invoked));
            findings.violate(
                op.returned.at,
                format!("file: a look shows {}", origin(sandbox, op, step, &shown)),
                format!(
                    "{}: {} via {} was shown {} at {}, but from {:?} to {:?} it held {held} or what came after",
                    sandbox.id,
                    op.story(),
                    op.replica,
                    shown.words(),
                    step.path(),
                    op.invoked.at,
                    op.returned.at
                ),
            );
        }
    }
}

/// Where something comes from that was not there when it was shown.
fn origin(sandbox: &Sandbox, op: &Op, step: &Step, shown: &Seen) -> &'static str {
    let now = sandbox.incarnations_during(op.invoked, op.returned).first();
    let earlier = |moment: &&Moment| **moment <= op.invoked;
    let mut matching = sandbox.changes.iter().filter(earlier).filter(|moment| sandbox.shows(step, shown, **moment));
    match (shown, matching.next_back()) {
        (Seen::Nothing, _) => "nothing where there was something",
        (_, Some(moment)) if now.is_none_or(|now| *moment >= now.from) => "what was there before",
        (_, Some(_)) => "what another incarnation held",
        (_, None) => "what was never there",
    }
}

fn one_snapshot(seen: &Lens, findings: &mut Findings) {
    for (op, sandbox) in seen.on_sandboxes() {
        let looks = op.looks();
        if looks.len() < 2 || sandbox.gone_throughout(op) {
            continue;
        }
        findings.exercised();
        let shown = |look: &(&Step, Seen), moment| sandbox.shows(look.0, &look.1, moment);
        let each = looks.iter().all(|look| sandbox.states_during(op).any(|moment| shown(look, moment)));
        let all = sandbox.states_during(op).any(|moment| looks.iter().all(|look| shown(look, moment)));
        if each && !all {
            let shown: Vec<String> =
                looks.iter().map(|(step, shown)| format!("{} at {}", shown.words(), step.path())).collect();
            findings.violate(
                op.returned.at,
                "script: what it looks at is of different moments",
                format!(
                    "{}: {} via {} was shown {}, which were there one by one, but never together",
                    sandbox.id,
                    op.story(),
                    op.replica,
                    shown.join(", ")
                ),
            );
        }
    }
}

fn append_keeps(seen: &Lens, findings: &mut Findings) {
    for sandbox in seen.sandboxes.values() {
        let mut writers: BTreeMap<&str, &Op> = BTreeMap::new();
        for op in sandbox.operations.iter().map(|place| &seen.operations[*place]) {
            for step in op.steps() {
                if let Step::Write(_, value) | Step::Append(_, value) = step {
                    writers.insert(value, op);
                }
            }
        }
        for (path, timeline) in &sandbox.paths {
            let mut before = None;
            for version in timeline.versions() {
                if let Some(Node::File(content)) = &version.value {
                    let last = values(content).next_back().and_then(|value| writers.get(value));
                    if let Some(op) = last.filter(|op| only_appends(op, path)) {
                        judge_append(sandbox, path, (before, content), (op, version), findings);
                    }
                }
                before = version.value.as_ref();
            }
        }
    }
}

/// Whether nothing that an operation does at a path is anything but an append.
fn only_appends(op: &Op, path: &str) -> bool {
    let mut there = op.steps().iter().filter(|step| step.is_write() && **step.path() == *path);
    there.all(|step| matches!(step, Step::Append(..)))
}

fn judge_append(
    sandbox: &Sandbox,
    path: &str,
    (before, content): (Option<&Node>, &str),
    (op, version): (&Op, &Version<Node>),
    findings: &mut Findings,
) {
    let own = |value: &&str| {
        op.steps().iter().any(|step| matches!(step, Step::Append(at, own) if **at == *path && **own == **value))
    };
    // A script that appends twice may be seen half done.
    let others = |content: &str| {
        let mut all: Vec<String> = values(content).map(str::to_owned).collect();
        while all.last().is_some_and(|value| own(&value.as_str())) {
            all.pop();
        }
        all
    };
    let (kept, due) = (
        others(content),
        match before {
            Some(Node::File(before)) => others(before),
            _ => Vec::new(),
        },
    );
    if kept.is_empty() && due.is_empty() {
        return;
    }
    findings.exercised();
    if kept != due {
        let lost = due.iter().any(|value| !kept.contains(value));
        let what = if lost { "loses what was there" } else { "brings back what was gone" };
        findings.violate(
            version.since.at,
            format!("file: an append {what}"),
            format!(
                "{}: {} via {} made `{content}` of {} at {path}",
                sandbox.id,
                op.story(),
                op.replica,
                Node::words(before)
            ),
        );
    }
}
