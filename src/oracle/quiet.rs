//! When nothing was disturbed: no fault, crash, pause or held task, nor what these leave behind for a while.

use std::time::Duration;

use crate::harness::{History, What};

/// Tells quiet times from disturbed ones.
///
/// A disturbance reaches from its event over a time that the caller knows to outlast the longest fault and the longest
/// timeout that waits on it. The first start of a host is none.
#[derive(Clone, Debug)]
pub struct Quiet {
    /// Disturbed times, in order, without overlaps.
    disturbed: Vec<(Duration, Duration)>,
}

impl Quiet {
    /// Reads the disturbances of a history, each of which reaches `reach` beyond its event.
    pub fn read(history: &History, reach: Duration) -> Self {
        Self::read_but(history, reach, &[])
    }

    /// The same, where faults of these kinds disturb nothing.
    pub fn read_but(history: &History, reach: Duration, harmless: &[&str]) -> Self {
        let mut disturbed: Vec<(Duration, Duration)> = Vec::new();
        let mut any = false;
        for event in history.events() {
            let (from, to) = match &event.what {
                What::Fault { kind, .. } if harmless.contains(&&**kind) => continue,
                What::Fault { .. } | What::Crashed | What::Exited | What::Paused | What::Resumed => {
                    (event.at, event.at)
                }
                What::Started if event.incarnation > 1 => (event.at, event.at),
                // A drawn hold is recorded when it begins, a scripted one when it ends.
                What::Point { since, held, .. } if !held.is_zero() => (*since, *since + *held),
                // Whatever was still in force ends here.
                What::Phase("heal") if any => (event.at, event.at),
                _ => continue,
            };
            any = true;
            let to = to + reach;
            // A scripted hold is known late, and may have begun before what is listed already.
            let mut from = from;
            let mut until = to;
            while let Some(last) = disturbed.pop_if(|last| last.1 >= from) {
                from = from.min(last.0);
                until = until.max(last.1);
            }
            disturbed.push((from, until));
        }
        Self { disturbed }
    }

    /// Whether no moment of a closed interval was disturbed.
    pub fn throughout(&self, from: Duration, to: Duration) -> bool {
        let next = self.disturbed.partition_point(|disturbed| disturbed.1 < from);
        self.disturbed.get(next).is_none_or(|disturbed| disturbed.0 > to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::story::{Story, seconds};

    #[test]
    fn a_fault_reaches_beyond_its_event_and_not_before() {
        let history = Story::new(&["redis"])
            .at(
                10_000,
                "redis",
                What::Fault { kind: "pause".into(), subject: "redis".into(), detail: "".into(), lasts: Duration::ZERO },
            )
            .at(
                60_000,
                "redis",
                What::Point {
                    name: "p",
                    subject: "".into(),
                    since: Duration::from_mins(1),
                    held: Duration::from_secs(20),
                },
            )
            .history();
        let quiet = Quiet::read(&history, Duration::from_secs(5));
        assert!(quiet.throughout(Duration::ZERO, seconds(9)), "hosts start for the first time");
        assert!(!quiet.throughout(Duration::ZERO, seconds(10)));
        assert!(!quiet.throughout(seconds(14), seconds(20)));
        assert!(quiet.throughout(seconds(16), seconds(59)));
        assert!(!quiet.throughout(seconds(16), seconds(60)));
        assert!(!quiet.throughout(seconds(84), seconds(90)));
        assert!(quiet.throughout(seconds(86), seconds(1000)));
    }
}
