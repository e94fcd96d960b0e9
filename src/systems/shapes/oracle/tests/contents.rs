//! What clients are told, and what they have of it.

use super::case::{Case, NESTED, PLAIN, complete, exchanged, held, message, read, refused};
use crate::systems::shapes::outcome::{Asked, Outcome};
use crate::systems::shapes::workload::Operation;

const STREAM: &str = "valid-stream";
const CURRENT: &str = "content-is-current";
const CONVERGES: &str = "converges";
const BOUNDS: &str = "no-false-out-of-bounds";
const ERRORS: &str = "no-server-error";

/// The first client has `a`, as of position 10.
fn snapshot() -> Case {
    Case::new().asked(100, PLAIN, read("", ""), complete("h", "0_0", 10, vec![message("0_0", "insert a v01")]))
}

fn then(case: Case, at: u64, end: &str, lsn: u64, words: &str) -> Case {
    let messages = if words.is_empty() { Vec::new() } else { vec![message(end, words)] };
    case.asked(at, PLAIN, read("h", "0_0"), complete("h", end, lsn, messages))
}

#[test]
fn a_stream_follows_from_what_came_before() {
    snapshot().holds(STREAM);
    then(snapshot(), 200, "20_0", 20, "update a v01").holds(STREAM);
    then(snapshot(), 200, "20_0", 20, "insert a v01").breaks(STREAM, "shape: insert of a row that is there");
    then(snapshot(), 200, "20_0", 20, "update c v01").breaks(STREAM, "shape: update of a row that is not there");
    then(snapshot(), 200, "20_0", 20, "delete c").breaks(STREAM, "shape: delete of a row that is not there");
    let twice = then(then(snapshot(), 200, "20_0", 20, "update a v01"), 300, "20_0", 20, "update a v01");
    twice.breaks(STREAM, "shape: a change that comes again");
    let other = snapshot().asked(200, PLAIN, read("h", "0_0"), complete("h2", "20_0", 20, Vec::new()));
    other.breaks(STREAM, "shape: an answer about another shape");
    // Another view begins with nothing.
    let again = complete("h", "0_0", 10, vec![message("0_0", "insert a v01")]);
    snapshot()
        .performed(200, 200, Operation::Recreate, Outcome::Done)
        .performed(300, 300, Operation::Poll(1), exchanged(PLAIN, 2, read("", ""), again))
        .holds(STREAM);
    Case::new().asked(100, PLAIN, read("", ""), refused(503, None)).passes_over(STREAM);
}

#[test]
fn who_has_all_has_what_the_database_had_since_then() {
    snapshot().holds(CURRENT);
    let changed = || snapshot().leaf(150, "a", Some("v03")).leaf(150, "b", Some("v01")).committed(150, 20);
    // Not told of yet, where nothing later is claimed.
    then(changed(), 200, "0_0", 10, "").holds(CURRENT);
    then(changed(), 200, "0_0", 20, "").breaks(CURRENT, "shape: rows as they were before that");
    then(changed(), 200, "20_0", 20, "delete a").breaks(CURRENT, "shape: rows as they never were");
    then(changed(), 200, "20_0", 10, "delete a").breaks(CURRENT, "shape: rows as they never were");
    let whole = vec![message("20_0", "delete a"), message("20_1", "insert b v01")];
    changed().asked(200, PLAIN, read("h", "0_0"), complete("h", "20_1", 20, whole)).holds(CURRENT);
    // A client may be ahead of what it is told.
    let early = vec![message("20_0", "delete a"), message("20_1", "insert b v01")];
    changed().asked(200, PLAIN, read("h", "0_0"), complete("h", "20_1", 10, early)).holds(CURRENT);
    // But not of the database.
    then(snapshot(), 140, "20_0", 20, "delete a")
        .leaf(150, "a", None)
        .committed(150, 20)
        .breaks(CURRENT, "shape: rows as they never were");
}

#[test]
fn subqueries_are_seen_through() {
    let both = || vec![message("0_0", "insert a v01"), message("0_0", "insert b v02")];
    let case = || Case::new().asked(100, NESTED, read("", ""), complete("h", "0_0", 10, both()));
    case().holds(CURRENT);
    let off = || case().active(150, false).committed(150, 20);
    off()
        .asked(200, NESTED, held("h", "0_0"), complete("h", "0_0", 20, Vec::new()))
        .breaks(CURRENT, "shape: rows as they were before that");
    let gone = vec![message("20_0", "delete a"), message("20_1", "delete b")];
    off().asked(200, NESTED, held("h", "0_0"), complete("h", "20_1", 20, gone)).holds(CURRENT);
}

#[test]
fn in_the_end_a_client_has_all() {
    let settle = |case: Case, asked: Asked, answer| {
        case.leaf(150, "a", None).committed(150, 20).looked(
            40_000,
            Operation::Settle { client: 1, slot: 1 },
            exchanged(PLAIN, 1, asked, answer),
        )
    };
    let end = |words: &str| complete("h", "20_0", 10, vec![message("20_0", words)]);
    settle(snapshot(), read("h", "0_0"), end("delete a")).holds(CONVERGES);
    settle(snapshot(), read("h", "0_0"), end("update a v01")).breaks(CONVERGES, "shape: other rows in the end");
    settle(snapshot(), read("h", "0_0"), refused(503, None)).breaks(CONVERGES, "shape: not to be had in the end");
    snapshot().looked(40_000, Operation::Settle { client: 1, slot: 2 }, Outcome::Undefined).passes_over(CONVERGES);
    snapshot().passes_over(CONVERGES);
}

#[test]
fn an_offset_that_was_given_is_not_refused() {
    snapshot()
        .asked(200, PLAIN, read("h", "0_0"), refused(400, None))
        .breaks(BOUNDS, "offset: refused to a read though it was given");
    snapshot()
        .asked(200, PLAIN, held("h", "0_0"), refused(400, None))
        .breaks(BOUNDS, "offset: refused to a held read though it was given");
    snapshot().asked(200, PLAIN, read("h", "7_0"), refused(400, None)).passes_over(BOUNDS);
    snapshot().asked(200, PLAIN, read("h2", "0_0"), refused(400, None)).passes_over(BOUNDS);
    then(snapshot(), 200, "0_0", 10, "").holds(BOUNDS);
}

#[test]
fn there_is_no_error_but_that_it_is_not_ready() {
    let answered = |status, retry_after| {
        let mut answer = refused(status, None);
        answer.retry_after = retry_after;
        Case::new().asked(100, PLAIN, held("h", "0_0"), answer)
    };
    answered(409, false).holds(ERRORS);
    answered(503, true).holds(ERRORS);
    answered(503, false).breaks(ERRORS, "answer: 503, and no word when to come back, to a held read");
    answered(500, true).breaks(ERRORS, "answer: an error to a held read");
    Case::new().passes_over(ERRORS);
}
