//! What the end of a session means: it stays ended in storage and on the pod that ended it, is of no use to anybody, and is
//! told to whoever asks.

use std::collections::BTreeSet;

use super::checks::Check;
use super::lens::{Ending, Lens, Op, Session, Shelved, writer_of};
use crate::harness::Findings;
use crate::oracle::{Moment, Version};
use crate::systems::session::outcome::Answer;
use crate::systems::session::record::Record;
use crate::systems::session::workload::{Operation, Verb};

/// Storage alone is asked: a restore that succeeds after a termination has loaded a live record after it.
pub(super) const NO_RESURRECTION: Check = Check {
    name: "no-resurrection",
    about: "once a termination is done, storage holds no live record of the session again",
    judge: no_resurrection,
};

pub(super) const TERMINATION_ABSORBING: Check = Check {
    name: "termination-absorbing",
    about: "a record that is marked as terminated may go away, but is never without the mark again",
    judge: termination_absorbing,
};

pub(super) const NO_DEAD_ENTRY: Check = Check {
    name: "no-dead-entry",
    about: "a pod that has terminated a session never caches a live object of it again",
    judge: no_dead_entry,
};

fn no_resurrection(seen: &Lens, findings: &mut Findings) {
    for session in seen.sessions.values() {
        let mut risen = None;
        for ending in &session.endings {
            findings.exercised();
            risen = risen.or_else(|| {
                let after = session.records.during(ending.done, Moment::NEVER).iter();
                let mut bound = after.take_while(|version| seen.binds(session, ending.begun, version.since));
                bound.find_map(|version| live(version).map(|record| (ending, version, record)))
            });
        }
        if let Some((ending, version, record)) = risen {
            tell_resurrection(session, ending, version, record, findings);
        }
    }
}

fn live(version: &Version<Record>) -> Option<&Record> {
    version.value.as_ref().filter(|record| record.is_live())
}

fn tell_resurrection(
    session: &Session,
    ending: &Ending,
    version: &Version<Record>,
    record: &Record,
    findings: &mut Findings,
) {
    let at = version.since.at.max(ending.done.at);
    let (name, writer, wrote) = (session.label(), writer_of(version), version.since.at);
    if version.since < ending.begun {
        findings.violate(
            at,
            "session: termination acknowledged and not done",
            format!("{name}: {}, but the live record that {writer} wrote at {wrote:?} was still there", ending.story()),
        );
    } else {
        let over = what_was_left(session, version);
        findings.violate(
            at,
            format!("session: {writer} writes after terminate, {over}"),
            format!(
                "{name}: {}, and storage holds the live record that {writer} wrote at {wrote:?}, {over} ({})",
                ending.story(),
                record.revision()
            ),
        );
    }
}

/// What a record was written over: a write that asks whether there is one is blind to a mark alone.
fn what_was_left(session: &Session, version: &Version<Record>) -> &'static str {
    let versions = session.records.versions();
    let before = versions.partition_point(|earlier| earlier.since < version.since);
    match versions[..before].last().and_then(|earlier| earlier.value.as_ref()) {
        None => "where nothing was left",
        Some(record) if record.is_terminated() => "over its mark",
        Some(_) => "over what terminate had not seen",
    }
}

fn termination_absorbing(seen: &Lens, findings: &mut Findings) {
    for session in seen.sessions.values() {
        let mut marked = None;
        for version in session.records.versions() {
            if version.cause == "lost" && seen.storage_may_lose {
                marked = None;
            }
            let Some(record) = &version.value else { continue };
            match marked {
                None if record.is_terminated() => {
                    findings.exercised();
                    marked = Some((version.since.at, record.writer()));
                }
                Some((since, by)) if !record.is_terminated() => {
                    findings.violate(
                        version.since.at,
                        format!("session: {} wipes the mark of termination", writer_of(version)),
                        format!(
                            "{}: {by} marked the record as terminated at {since:?}; {} wrote it without the mark ({})",
                            session.label(),
                            writer_of(version),
                            record.revision()
                        ),
                    );
                    break;
                }
                _ => {}
            }
        }
    }
}

fn no_dead_entry(seen: &Lens, findings: &mut Findings) {
    for session in seen.sessions.values() {
        let mut returned = None;
        for ending in &session.endings {
            findings.exercised();
            let back = session.shelved.iter().find(|shelved| {
                shelved.live
                    && shelved.moment > ending.done
                    && shelved.pod == ending.pod
                    // A pod that has restarted meanwhile remembers nothing.
                    && ending.incarnation.is_none_or(|incarnation| shelved.incarnation == incarnation)
                    && session.records.binds(ending.begun, shelved.moment)
            });
            returned = returned.or(back.map(|back| (ending, back)));
        }
        if let Some((ending, back)) = returned {
            findings.violate(
                back.moment.at,
                format!("session: cached again after terminate, {}", by_what(back)),
                format!(
                    "{}: {}, and there a live object of it was cached again at {:?}, {}",
                    session.label(),
                    ending.story(),
                    back.moment.at,
                    by_what(back)
                ),
            );
        }
    }
}

/// What has cached an object: the only thing that a termination ever puts into the cache is what it took out before.
fn by_what(shelved: &Shelved) -> String {
    match &*shelved.operation {
        "terminate" => "by the rollback of another".to_owned(),
        operation => format!("by {operation}"),
    }
}

pub(super) const NO_USE_AFTER_TERMINATE: Check = Check {
    name: "no-use-after-terminate",
    about: "what is asked of a session after its termination was done is refused, on every pod",
    judge: no_use_after_terminate,
};

pub(super) const TERMINATION_IS_TOLD: Check = Check {
    name: "termination-is-told",
    about: "while storage can be reached, who asks for a session that has gone is told that there is none",
    judge: termination_is_told,
};

fn no_use_after_terminate(seen: &Lens, findings: &mut Findings) {
    for session in seen.sessions.values() {
        for op in seen.of(session) {
            // Notifications say nothing of use: what is not there has expired well enough.
            if !matches!(op.verb(), Some(Verb::Call { .. } | Verb::Get { .. } | Verb::Decorate | Verb::Validate)) {
                continue;
            }
            let Some(ending) = ended_before(seen, session, op) else { continue };
            findings.exercised();
            if !op.served() || seen.may_be_stale(session, op) {
                continue;
            }
            let cut_off = session.cut_off(op);
            findings.violate(
                op.returned.at,
                format!(
                    "session: {} served after terminate{}",
                    op.word(),
                    if cut_off { ", storage out of reach" } else { "" }
                ),
                format!(
                    "{}: {}; {} via {} was served at {:?} all the same",
                    session.label(),
                    ending.story(),
                    op.story(),
                    op.pod,
                    op.returned.at
                ),
            );
        }
    }
}

/// A termination that was done before an operation was invoked, and that still binds.
fn ended_before<'a>(seen: &Lens, session: &'a Session, op: &Op) -> Option<&'a Ending> {
    let mut before = session.endings.iter().take_while(|ending| ending.done < op.invoked);
    before.find(|ending| seen.binds(session, ending.begun, op.returned))
}

fn termination_is_told(seen: &Lens, findings: &mut Findings) {
    let mut draining = BTreeSet::new();
    for op in &seen.operations {
        if matches!(op.operation, Operation::Drain(_)) {
            draining.insert(&*op.pod);
        }
        let Some(session) = op.session.as_ref().and_then(|id| seen.sessions.get(id)) else { continue };
        // A pod that drains answers everybody the same.
        let told = matches!(op.verb(), Some(Verb::Validate | Verb::Get { stranger: false }))
            && !draining.contains(&*op.pod)
            && gone_and_known(session, op);
        if !told {
            continue;
        }
        findings.exercised();
        if op.got(&Answer::NotFound) {
            continue;
        }
        let (asked, answer) = (op.word(), op.answer_word());
        findings.violate(
            op.returned.at,
            format!("session: {asked} answers {answer} when there is none"),
            format!(
                "{}: {} was answered {answer} at {:?}, though the session had gone and storage said so",
                session.label(),
                op.story(),
                op.returned.at
            ),
        );
    }
}

/// Whether a session had gone before an operation that was answered, and storage told the pod so: one that has not asked,
/// or got no answer, may well not know.
fn gone_and_known(session: &Session, op: &Op) -> bool {
    op.answered()
        && session.records.at(op.invoked).is_some()
        && session.records.lacked(op.invoked, op.returned, |record| !record.is_terminated())
        && session.looked_at(op)
        && !session.cut_off(op)
}
