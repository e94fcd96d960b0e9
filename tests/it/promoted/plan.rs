//! Promoted from seed 12 of session/d2-decorate-upsert.
//!
//! `your_system` makes your service in the form that has the defect.

use std::time::Duration;

use sexton::harness::{Hold, Limits, Plan, Step};
use sexton::testing::Campaign;

use super::your_system;

/// `decorate s1` is held at session.get.checked until `terminate s1` returns: decorate writes after terminate, where nothing was left.
fn script() -> Plan {
    Plan {
        limits: Limits { chaos: Duration::from_secs(10), settle: Duration::from_mins(1), ..Limits::default() },
        steps: vec![
            Step { at: Duration::from_secs(1), client: "c1".into(), operation: "create s1".into() },
            Step { at: Duration::from_secs(2), client: "c2".into(), operation: "decorate s1".into() },
            Step { at: Duration::from_secs(3), client: "c1".into(), operation: "terminate s1".into() },
        ],
        holds: vec![Hold { point: "session.get.checked s1".into(), until: "terminate s1 returns".into() }],
        ..Plan::default()
    }
}

#[test]
fn a_decoration_raises_the_dead() {
    Campaign::of(your_system()).plan(script()).violates("no-resurrection").seeds(5).check();
}
