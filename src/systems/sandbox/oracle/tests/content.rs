//! What files hold.

use super::case::{Case, absent, content, failed, printed};
use crate::systems::sandbox::outcome::{Outcome, Ran, StepOutcome};

const CURRENT: &str = "content-is-current";
const SNAPSHOT: &str = "one-snapshot";
const APPEND: &str = "append-keeps";
const FILES: &str = "linearizable-files";

/// `/f1` holds `a` from 2 s on, and `b` from 4 s on.
fn written() -> Case {
    Case::created()
        .asked(1_600, 2_500, "write sb1 /f1 a", Outcome::Written)
        .file(2_000, "op 1", "f1", "a")
        .asked(3_500, 4_500, "write sb1 /f1 b", Outcome::Written)
        .file(4_000, "op 2", "f1", "b")
}

/// Destroyed at 6 s, created again at 8 s.
fn again() -> Case {
    written()
        .asked(5_500, 6_500, "destroy sb1", Outcome::Destroyed)
        .delete(6_000, "op 3")
        .asked(7_500, 8_500, "create sb1", Outcome::Created)
        .insert(8_000, "op 4")
}

#[test]
fn a_look_shows_what_was_there_at_some_moment_of_it() {
    written().asked(5_000, 5_500, "read sb1 /f1", content("b")).holds(CURRENT);
    written().asked(3_900, 5_500, "read sb1 /f1", content("a")).holds(CURRENT);
    let about = "file: a look shows what was there before";
    written().asked(5_000, 5_500, "read sb1 /f1", content("a")).breaks(CURRENT, about);
    let about = "file: a look shows what was never there";
    written().asked(5_000, 5_500, "read sb1 /f1", content("z")).breaks(CURRENT, about);
    let about = "file: a look shows nothing where there was something";
    written().asked(5_000, 5_500, "exec sb1 read /f1", failed("ENOENT: /f1")).breaks(CURRENT, about);
    written().asked(5_000, 5_500, "exec sb1 list /", printed(&["f1"])).holds(CURRENT);
    written()
        .asked(5_000, 5_500, "exec sb1 list /", printed(&["f1\nf2"]))
        .breaks(CURRENT, "file: a look shows what was never there");
}

#[test]
fn a_look_never_shows_another_incarnation() {
    again().asked(9_000, 9_500, "read sb1 /f1", absent()).holds(CURRENT);
    let about = "file: a look shows what another incarnation held";
    again().asked(9_000, 9_500, "read sb1 /f1", content("b")).breaks(CURRENT, about);
}

#[test]
fn what_a_script_has_written_itself_is_not_held_against_its_looks() {
    let own = || {
        let steps = vec![StepOutcome::Done, StepOutcome::Output("c".into()), StepOutcome::Done];
        Outcome::Ran(Ran { exit: 0, steps })
    };
    let script = "exec sb1 write /f1 c; read /f1; write /f1 d";
    let run = |case: Case| case.asked(5_000, 5_500, script, own()).file(5_200, "op 3", "f1", "d");
    run(written()).passes_over(CURRENT);
    run(written()).passes_over(SNAPSHOT);
}

#[test]
fn all_looks_of_a_script_are_of_one_moment() {
    let both = || written().asked(4_600, 5_000, "write sb1 /f3 x", Outcome::Written).file(4_800, "op 3", "f3", "x");
    let look = |first, second| {
        let script = "exec sb1 read /f1; read /f3";
        let during = both().asked(5_100, 6_500, script, printed(&[first, second]));
        let during = during.asked(5_200, 5_900, "write sb1 /f1 c", Outcome::Written).file(5_500, "op 5", "f1", "c");
        during.asked(5_950, 6_400, "write sb1 /f3 y", Outcome::Written).file(6_000, "op 6", "f3", "y")
    };
    look("b", "x").holds(SNAPSHOT);
    look("c", "x").holds(SNAPSHOT);
    look("c", "y").holds(SNAPSHOT);
    look("b", "y").breaks(SNAPSHOT, "script: what it looks at is of different moments");
    // That one of them was never there at all is told elsewhere.
    look("a", "y").holds(SNAPSHOT);
}

#[test]
fn an_append_adds_to_what_was_there() {
    let append = |case: Case, made| {
        case.asked(9_000, 9_500, "append sb1 /f1 c", Outcome::Written).file(9_200, "op 3", "f1", made)
    };
    append(written(), "b+c").holds(APPEND);
    append(written(), "a+c").breaks(APPEND, "file: an append loses what was there");
    append(written(), "c").breaks(APPEND, "file: an append loses what was there");
    let new = again().asked(9_000, 9_500, "append sb1 /f1 c", Outcome::Written);
    new.file(9_200, "op 5", "f1", "b+c").breaks(APPEND, "file: an append brings back what was gone");
    let new = again().asked(9_000, 9_500, "append sb1 /f1 c", Outcome::Written);
    new.file(9_200, "op 5", "f1", "c").passes_over(APPEND);
    let script = written().asked(9_000, 9_500, "exec sb1 append /f1 c; append /f1 d", printed(&[]));
    script.file(9_200, "op 3", "f1", "b+c").file(9_200, "op 3", "f1", "b+c+d").holds(APPEND);
    written()
        .asked(9_000, 9_500, "write sb1 /f1 c", Outcome::Written)
        .file(9_200, "op 3", "f1", "c")
        .passes_over(APPEND);
}

#[test]
fn what_clients_see_of_a_file_has_an_order() {
    let read = |case: Case, at, value| case.asked(at, at + 400, "read sb1 /f1", content(value));
    read(written(), 5_000, "b").holds(FILES);
    read(read(written(), 3_600, "b"), 4_600, "b").holds(FILES);
    let about = "file: what clients see of it has no order";
    read(written(), 5_000, "a").breaks(FILES, about);
    // Each is right by what was there meanwhile, yet not both.
    let long = written().asked(3_400, 3_900, "read sb1 /f1", content("b"));
    long.asked(3_950, 4_600, "read sb1 /f1", content("a")).breaks(FILES, about);
    again().asked(9_000, 9_500, "read sb1 /f1", content("b")).breaks(FILES, about);
    again().asked(9_000, 9_500, "read sb1 /f1", absent()).passes_over(FILES);
}

#[test]
fn a_write_that_nobody_knows_of_may_come_late_or_never() {
    let lost = || written().unanswered(5_000, "append sb1 /f1 c");
    let read = |case: Case, at, value| case.asked(at, at + 400, "read sb1 /f1", content(value));
    read(lost(), 6_000, "b").holds(FILES);
    read(read(lost(), 6_000, "b"), 7_000, "b+c").holds(FILES);
    let about = "file: what clients see of it has no order";
    read(read(lost(), 6_000, "b+c"), 7_000, "b").breaks(FILES, about);
}
