//! What was run, as a picture's heading says it.

use serde::Serialize;

use crate::scenario::{Expect, Experiment, Signature};

/// What was run, and what for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimelineHead {
    /// The scenario's name.
    pub scenario: String,
    /// What it is about.
    pub about: String,
    /// Its system.
    pub system: String,
    /// The defect it re-introduces.
    pub defect: Option<String>,
    /// What was expected, in words.
    pub expected: String,
    /// What else was chosen, a line per table.
    pub settings: Vec<String>,
    /// The line that runs it again.
    pub again: String,
    /// The version of sexton.
    pub version: &'static str,
    /// What the run is shown for; the scenario's expectation says it where this is empty.
    #[serde(skip)]
    pub signature: Option<Signature>,
    #[serde(skip)]
    pub(super) expect: Expect,
    #[serde(skip)]
    pub(super) promises: Vec<(&'static str, &'static str)>,
}

impl TimelineHead {
    /// The heading of a run of this experiment; `again` is the line that runs it again.
    pub fn of(experiment: &dyn Experiment, again: impl Into<String>) -> Self {
        Self {
            scenario: experiment.name().into(),
            about: experiment.about().into(),
            system: experiment.system().into(),
            defect: experiment.defect().map(str::to_owned),
            expected: experiment.expect().to_string(),
            settings: experiment.settings().to_vec(),
            again: again.into(),
            version: env!("CARGO_PKG_VERSION"),
            signature: None,
            expect: experiment.expect().clone(),
            promises: experiment.invariants(),
        }
    }

    /// The same for a run that is shown for this failure.
    #[must_use]
    pub fn shown_for(self, signature: &Signature) -> Self {
        Self { signature: Some(signature.clone()), ..self }
    }

    /// Whether this failure is what the run is shown for.
    pub(super) fn wants(&self, signature: &Signature) -> bool {
        match &self.signature {
            Some(wanted) => wanted == signature,
            None => self.expect.wants(signature),
        }
    }
}
