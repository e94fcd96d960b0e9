//! Who is let in.

use std::time::Duration;

use super::case::{CALL, Case, GET, id, listed, live};
use crate::systems::session::outcome::Answer;
use crate::systems::session::workload::Verb;

const IDENTITY: &str = "caller-identity";

fn created() -> Case {
    Case::new().stored(1_000, "s1", &live("create"))
}

fn called(caller: &str) -> Case {
    created().fact(
        4_000,
        "b1",
        "",
        "backend.called",
        [("connection", "a/1".into()), ("session", id("s1").into()), ("owner", "c1".into()), ("caller", caller.into())],
    )
}

#[test]
fn a_stranger_gets_nothing() {
    let call = Verb::Call { backend: 1, takes: Duration::ZERO, stranger: true };
    created()
        .asked(3_000, 5_000, 1, "s1", Verb::Get { stranger: true }, listed(&["b1"], &[]))
        .breaks(IDENTITY, "session: get served to a stranger");
    created()
        .asked(3_000, 5_000, 1, "s1", call.clone(), Answer::Done)
        .breaks(IDENTITY, "session: call served to a stranger");
    created()
        .asked(3_000, 5_000, 1, "s1", call.clone(), Answer::Forbidden)
        .asked(3_000, 5_000, 1, "s1", call, Answer::Unavailable)
        .holds(IDENTITY);
}

#[test]
fn the_owner_is_let_in() {
    created()
        .asked(3_000, 5_000, 1, "s1", CALL, Answer::Forbidden)
        .breaks(IDENTITY, "session: call refused to its owner");
    created()
        .asked(3_000, 5_000, 1, "s1", GET, listed(&["b1"], &[]))
        .asked(3_000, 5_000, 1, "s1", CALL, Answer::Backend)
        .passes_over(IDENTITY);
}

#[test]
fn backends_hear_from_owners_only() {
    called("stranger").breaks(IDENTITY, "call: reaches a backend for a stranger");
    called("c1").passes_over(IDENTITY);
}
