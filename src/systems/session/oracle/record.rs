//! No update of a record is lost: its backends only ever get fewer, and only because somebody has reported one as expired;
//! what it was decorated with stays, in the record and in what every pod lists.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::Check;
use super::lens::{Lens, Op, Session, is, writer_of};
use crate::harness::Findings;
use crate::oracle::{Moment, Version};
use crate::systems::session::outcome::Answer;
use crate::systems::session::record::Record;
use crate::systems::session::workload::Verb;

pub(super) const MONOTONE_BACKENDS: Check = Check {
    name: "monotone-backends",
    about: "a backend leaves a session's record only by a notification of its own, and never comes back",
    judge: monotone_backends,
};

pub(super) const NOTIFY_EFFECTIVE: Check = Check {
    name: "notify-effective",
    about: "once a notification is acknowledged the backend is out of the record, and no pod offers it",
    judge: notify_effective,
};

fn monotone_backends(seen: &Lens, findings: &mut Findings) {
    for session in seen.sessions.values() {
        let mut known: Option<BTreeSet<&str>> = None;
        let mut gone: BTreeMap<&str, Moment> = BTreeMap::new();
        let mut told = BTreeSet::new();
        for version in session.records.versions() {
            if version.cause == "lost" && seen.storage_may_lose {
                (known, gone) = (None, BTreeMap::new());
            }
            let Some(record) = version.value.as_ref().filter(|record| record.is_live()) else { continue };
            let Some(now) = record.backends() else { continue };
            let (at, writer) = (version.since, writer_of(version));
            for backend in known.iter().flatten().filter(|backend| !now.contains(*backend)) {
                findings.exercised();
                gone.insert(backend, at);
                let by_right = writer == "notify" && reported(seen, session, backend, at);
                if !by_right && told.insert(("dropped", writer)) {
                    findings.violate(
                        at.at,
                        format!("backend: dropped by {writer} without its notification"),
                        format!(
                            "{}: {backend} left the record at {:?} ({})",
                            session.label(),
                            at.at,
                            record.revision()
                        ),
                    );
                }
            }
            for (backend, since) in now.iter().filter_map(|backend| gone.get_key_value(backend)) {
                if told.insert(("brought back", writer)) {
                    findings.violate(
                        at.at,
                        format!("backend: brought back by {writer}"),
                        format!(
                            "{}: {backend} left the record at {:?} and is in it again since {:?} ({})",
                            session.label(),
                            since.at,
                            at.at,
                            record.revision()
                        ),
                    );
                }
            }
            known = Some(now);
        }
    }
}

/// Whether somebody has reported this backend for this session before. One whose client never saw an outcome may have
/// been about any session, and may take effect at any later time.
fn reported(seen: &Lens, session: &Session, backend: &str, before: Moment) -> bool {
    seen.operations.iter().take_while(|op| op.invoked < before).any(|op| {
        matches!(op.verb(), Some(Verb::Notify { backend: number }) if is(backend, *number))
            && op.session.as_ref().is_none_or(|id| *id == session.id)
    })
}

fn notify_effective(seen: &Lens, findings: &mut Findings) {
    for (op, session) in seen.on_sessions() {
        let Some(Verb::Notify { backend: number }) = op.verb() else { continue };
        if !op.got(&Answer::Done) {
            continue;
        }
        let backend = format!("b{number}");
        let stands = |record: &Record| record.is_live() && record.has_backend(&backend);
        if session.live_throughout(op) {
            findings.exercised();
        }
        if session.records.held(op.invoked, op.returned, stands) {
            findings.violate(
                op.returned.at,
                "backend: notification acknowledged and not stored",
                format!(
                    "{}: {} was answered done at {:?}, but {backend} was in the record all the time",
                    session.label(),
                    op.story(),
                    op.returned.at
                ),
            );
            continue;
        }
        let offered = seen.of(session).find(|later| {
            later.invoked > op.returned
                && offers(later, *number, &backend)
                && seen.binds(session, op.invoked, later.returned)
                && session.records.lacked(later.invoked, later.returned, stands)
                // What has ended is another rule's affair.
                && session.live_throughout(later)
                && !seen.may_be_stale(session, later)
        });
        if let Some(later) = offered {
            findings.violate(
                later.returned.at,
                format!("backend: {} still has it after notify", later.word()),
                format!(
                    "{}: {} was answered done at {:?}, and {} via {} was given {backend} at {:?}",
                    session.label(),
                    op.story(),
                    op.returned.at,
                    later.story(),
                    later.pod,
                    later.returned.at
                ),
            );
        }
    }
}

/// Whether an operation was given something of a backend.
fn offers(op: &Op, number: u32, backend: &str) -> bool {
    match (op.verb(), &op.answer) {
        (Some(Verb::Call { backend, .. }), Some(Answer::Done)) => *backend == number,
        (Some(Verb::Get { .. }), Some(Answer::Listed(listing))) => listing.backends.iter().any(|id| id == backend),
        _ => false,
    }
}

pub(super) const DECORATION_KEPT: Check = Check {
    name: "decoration-kept",
    about: "an acknowledged decoration is in the record and in every later listing for as long as the session lives",
    judge: decoration_kept,
};

fn decoration_kept(seen: &Lens, findings: &mut Findings) {
    for (op, session) in seen.on_sessions() {
        let Some(Answer::Decorated(decoration)) = &op.answer else { continue };
        findings.exercised();
        let lost = session
            .records
            .during(op.returned, Moment::NEVER)
            .iter()
            .take_while(|version| seen.binds(session, op.invoked, version.since))
            .find_map(|version| {
                let record = version.value.as_ref()?;
                (record.is_live() && !has(record, decoration)).then_some(version.since)
            });
        if let Some(lost) = lost {
            let writer = dropped_by(session, op, decoration, lost);
            let about = match writer {
                Some(writer) => format!("decoration: overwritten by {writer}"),
                None => "decoration: acknowledged and not stored".to_owned(),
            };
            findings.violate(
                lost.at.max(op.returned.at),
                about,
                format!(
                    "{}: {} added {decoration} and was answered at {:?}, but the record did without it at {:?}",
                    session.label(),
                    op.story(),
                    op.returned.at,
                    lost.at.max(op.returned.at)
                ),
            );
            continue;
        }
        if let Some((listing, at)) = first_listing_without(seen, session, op, decoration) {
            findings.violate(
                at.at,
                "decoration: missing from a listing",
                format!(
                    "{}: {} added {decoration} and was answered at {:?}; {} via {} did not list it at {:?}, though it \
                     was in the record",
                    session.label(),
                    op.story(),
                    op.returned.at,
                    listing.story(),
                    listing.pod,
                    at.at
                ),
            );
        }
    }
}

fn has(record: &Record, decoration: &str) -> bool {
    record.decorations().contains(decoration)
}

/// Who wrote the first live record without a decoration after one with it; `None`: there was never one with it.
fn dropped_by<'a>(session: &'a Session, op: &Op, decoration: &str, by: Moment) -> Option<&'a str> {
    let lacks = |record: &Record| record.is_live() && !has(record, decoration);
    let holds = |version: &Version<Record>, test: &dyn Fn(&Record) -> bool| version.value.as_ref().is_some_and(test);
    let mut versions = session.records.during(op.invoked, by).iter();
    versions.find(|version| holds(version, &|record| has(record, decoration)))?;
    versions.find(|version| holds(version, &lacks)).map(writer_of)
}

fn first_listing_without<'a>(
    seen: &'a Lens,
    session: &'a Session,
    op: &Op,
    decoration: &str,
) -> Option<(&'a Op, Moment)> {
    let without = seen.of(session).find(|later| {
        let Some(Answer::Listed(listing)) = &later.answer else { return false };
        later.invoked > op.returned
            && !listing.decorations.iter().any(|listed| listed == decoration)
            && seen.binds(session, op.invoked, later.returned)
            && session.live_throughout(later)
            && !seen.may_be_stale(session, later)
    });
    without.map(|later| (later, later.returned))
}
