//! Who may use a session, and which object stands for it.

use super::lens::{Lens, name_of};
use crate::harness::{Findings, Observed};
use crate::systems::session::Session;
use crate::systems::session::record::Record;
use crate::systems::session::workload::{Answer, Verb};

pub(super) fn caller_identity(lens: &Lens, run: &Observed<'_, Session>, findings: &mut Findings) {
    for asked in &lens.answered {
        let (what, stranger) = match asked.verb {
            Verb::Call { stranger, .. } => ("call", stranger),
            Verb::Get { stranger } => ("listing", stranger),
            _ => ("request", false),
        };
        let (pod, name) = (&asked.pod, name_of(&asked.session));
        match (stranger, &asked.answer) {
            (true, Answer::Forbidden) => findings.exercised(),
            (true, Answer::Done | Answer::Listed(_)) => {
                findings.exercised();
                let message = format!("{pod} served a {what} of {name} to a stranger");
                findings.violate(asked.returned, format!("{what} by a stranger"), message);
            }
            (false, Answer::Forbidden) => {
                let message = format!("{pod} refused a {what} of {name} to its owner");
                findings.violate(asked.returned, format!("{what} by the owner"), message);
            }
            _ => {}
        }
    }
    for event in run.history.events() {
        let Some(fact) = event.fact("backend.called") else { continue };
        if fact.text("owner") != fact.text("caller") {
            let message = format!("{} was called for {} by a stranger", event.host, name_of(fact.text("session")));
            findings.violate(event.at, "backend called by a stranger", message);
        }
    }
}

pub(super) fn no_stale_handle(lens: &Lens, _: &Observed<'_, Session>, findings: &mut Findings) {
    for asked in lens.answered.iter().filter(|asked| matches!(asked.verb, Verb::Call { .. })) {
        let alive = || {
            let timeline = lens.timeline(&asked.session);
            timeline.always(asked.from, asked.to, |record| record.is_some_and(Record::is_live))
        };
        match asked.answer {
            Answer::Done => findings.exercised(),
            Answer::Closed if alive() => {
                findings.exercised();
                let name = name_of(&asked.session);
                let message = format!("{} called {name} through an object that it had closed", asked.pod);
                findings.violate(asked.returned, "call on a live session", message);
            }
            _ => {}
        }
    }
}
