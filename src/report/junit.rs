//! A campaign as `JUnit` XML, for those who show test results.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Again;
use crate::search::Summary;

/// A campaign as `JUnit` XML: a suite for each system, a case for each scenario.
///
/// # Errors
/// When a text in it cannot be written as XML.
pub fn junit(summaries: &[Summary], again: &Again) -> Result<String, String> {
    let mut report = Report::new("sexton");
    let mut systems: Vec<&str> = summaries.iter().map(|summary| summary.system.as_str()).collect();
    systems.sort_unstable();
    systems.dedup();
    for system in systems {
        let mut suite = TestSuite::new(system);
        for summary in summaries.iter().filter(|summary| summary.system == system) {
            suite.add_test_case(case(summary, again));
        }
        report.add_test_suite(suite);
    }
    report.to_string().map_err(|error| format!("cannot be written as XML: {error}"))
}

fn case(summary: &Summary, again: &Again) -> TestCase {
    let status = match summary.as_expected() {
        Ok(()) => TestCaseStatus::success(),
        Err(why) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let told: Vec<String> = (summary.signatures.values())
                .map(|seen| {
                    let failure = &seen.first;
                    let again = again.run(&summary.name, failure.seed);
                    format!("{}: {}\n{again}", failure.signature.invariant, failure.message)
                })
                .collect();
            status.set_message(why).set_description(told.join("\n\n"));
            status
        }
    };
    let mut case = TestCase::new(summary.name.as_str(), status);
    case.set_classname(summary.system.as_str()).set_time(summary.elapsed);
    case
}
