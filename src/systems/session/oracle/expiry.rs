//! What nobody comes back for goes away by itself.

use std::time::Duration;

use super::checks::Check;
use super::lens::{Lens, Session};
use crate::harness::Findings;
use crate::oracle::Moment;
use crate::systems::session::record::Record;
use crate::systems::session::timeouts::TTL;

pub(super) const PLACEHOLDER_EXPIRES: Check = Check {
    name: "placeholder-expires",
    about: "a record is gone one time to live after the last operation on its session, above all a mere placeholder",
    judge: placeholder_expires,
};

/// A request may take effect, or a pod be busy with it, after its client has given up; and expiry itself takes a moment.
const SLACK: Duration = Duration::from_mins(3);

fn placeholder_expires(seen: &Lens, findings: &mut Findings) {
    // Storage counts by its own clock: with that tampered with, a record may outlive its time by as much.
    if seen.storage_clock_tampered {
        return;
    }
    for session in seen.sessions.values() {
        let Some((last, limit)) = left_alone(seen, session) else { continue };
        let due = last + TTL + SLACK;
        if due >= limit {
            continue;
        }
        if session.records.versions().iter().all(|version| !version.value.as_ref().is_some_and(Record::is_full)) {
            findings.exercised();
        }
        // Anything in the history at that time has a smaller index.
        let current = session.records.at(last_before(session, due));
        let Some(record) = current.and_then(|version| version.value.as_ref()) else { continue };
        let kind = if record.is_full() { "record" } else { "placeholder" };
        findings.violate(
            due,
            format!("{kind}: outlives its time"),
            format!(
                "{}: nobody has asked for it since {last:?}, and at {due:?} storage still holds its {kind} ({})",
                session.label(),
                record.revision()
            ),
        );
    }
}

/// Since when nobody has asked for a session, and until when nobody does: the looks at rest end that.
fn left_alone(seen: &Lens, session: &Session) -> Option<(Duration, Duration)> {
    // An id that was generated, but that no client ever learnt, is known by its commit alone.
    let mut last = session.records.versions().first()?.since.at.max(seen.healed);
    let mut limit = seen.ended;
    for op in seen.of(session) {
        if op.at_rest {
            limit = limit.min(op.invoked.at);
        } else {
            last = last.max(op.returned.at);
        }
    }
    Some((last, limit))
}

/// The last change of a record up to a time.
fn last_before(session: &Session, time: Duration) -> Moment {
    let versions = session.records.versions();
    let after = versions.partition_point(|version| version.since.at <= time);
    versions[..after].last().map_or(Moment::default(), |version| version.since)
}
