//! The weakest liveness: every operation gets an outcome in time, whatever the world does.

use std::time::Duration;

use crate::harness::{Findings, Invariant, Observed, System};

/// How long an operation may take at most, from its invocation to its outcome.
type Bound<O> = fn(&O) -> Duration;

/// Every operation has an outcome within its bound, be the outcome good or bad.
///
/// The bound is what the client promises by its own timeouts, so no fault is an excuse.
#[derive(Clone, Copy, Debug)]
pub struct Answered<O> {
    bound: Bound<O>,
}

impl<O> Answered<O> {
    /// With this bound for each operation.
    pub fn within(bound: Bound<O>) -> Self {
        Self { bound }
    }
}

impl<S: System> Invariant<S> for Answered<S::Operation> {
    fn name(&self) -> &'static str {
        "answered"
    }

    fn about(&self) -> &'static str {
        "every operation has an outcome within its bound"
    }

    fn check(&self, run: &Observed<'_, S>, findings: &mut Findings) {
        for record in run.operations {
            let bound = (self.bound)(&record.operation);
            let due = record.invoked + bound;
            match record.returned {
                Some(returned) => {
                    findings.exercised();
                    if returned > due {
                        let took = returned.saturating_sub(record.invoked);
                        findings.violate(
                            due,
                            "operation: outcome after its bound",
                            format!(
                                "`{}` of {} took {took:?}, and may take {bound:?}",
                                record.operation, record.client
                            ),
                        );
                    }
                }
                None if run.ended > due => findings.violate(
                    due,
                    "operation: no outcome",
                    format!(
                        "`{}` of {} began at {:?} and never ended, though it may take only {bound:?}",
                        record.operation, record.client, record.invoked
                    ),
                ),
                None => {}
            }
        }
    }
}
