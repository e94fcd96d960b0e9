//! What an answer promises.

use super::case::{Case, content, failed, printed, refused};
use crate::systems::sandbox::errors::Code;
use crate::systems::sandbox::outcome::{Outcome, Ran, StepOutcome};

const DURABLE: &str = "acknowledged-is-durable";
const REFUSED: &str = "refused-is-not-applied";
const LOOK: &str = "look-is-no-error";
const PUBLISHED: &str = "writes-are-published";

#[test]
fn what_is_acknowledged_is_in_postgres_by_then() {
    let write = |outcome| Case::created().asked(2_000, 3_000, "write sb1 /f1 a", outcome);
    let about = "sandbox: write acknowledged and not in Postgres";
    write(Outcome::Written).breaks(DURABLE, about);
    write(Outcome::Written).file(3_500, "op 1", "f1", "a").breaks(DURABLE, about);
    write(Outcome::Written).file(2_500, "op 1", "f1", "a").holds(DURABLE);
    write(refused(Code::Ecoherence)).breaks(DURABLE, about);
    write(refused(Code::ElocklostApplied)).file(2_500, "op 1", "f1", "a").holds(DURABLE);
    // The creation alone.
    write(refused(Code::Eio)).holds(DURABLE);
}

#[test]
fn of_a_script_only_what_it_leaves_need_be_there() {
    let done = || {
        let steps = vec![StepOutcome::Done; 2];
        Outcome::Ran(Ran { exit: 0, steps })
    };
    let script = |steps: &str| Case::created().asked(2_000, 3_000, &format!("exec sb1 {steps}"), done());
    script("write /f1 a; write /f1 b").file(2_500, "op 1", "f1", "b").holds(DURABLE);
    script("write /f1 a; append /f1 b").file(2_500, "op 1", "f1", "a+b").holds(DURABLE);
    script("write /f1 a; append /f1 b")
        .file(2_500, "op 1", "f1", "a")
        .breaks(DURABLE, "sandbox: append acknowledged and not in Postgres");
    let removed =
        Case::created().file(1_200, "op 0", "f1", "a").asked(2_000, 3_000, "remove sb1 /f1", Outcome::Written);
    removed.breaks(DURABLE, "sandbox: remove acknowledged and not in Postgres");
}

#[test]
fn a_sandbox_that_is_acknowledged_is_there_and_one_that_is_destroyed_is_not() {
    let about = "sandbox: create acknowledged and not in Postgres";
    Case::new().asked(500, 1_500, "create sb1", Outcome::Created).insert(2_000, "op 0").breaks(DURABLE, about);
    let about = "sandbox: destroy acknowledged and not in Postgres";
    let destroy = || Case::created().asked(2_000, 3_000, "destroy sb1", Outcome::Destroyed);
    destroy().breaks(DURABLE, about);
    destroy().delete(2_500, "op 1").holds(DURABLE);
}

#[test]
fn what_is_refused_is_not_applied_then_or_later() {
    let write = |code| Case::created().asked(2_000, 3_000, "write sb1 /f1 a", refused(code));
    let about = "sandbox: write is refused with ESTALE, and applied";
    write(Code::Estale).file(2_500, "op 1", "f1", "a").breaks(REFUSED, about);
    write(Code::Estale).file(9_500, "op 1", "f1", "a").breaks(REFUSED, about);
    write(Code::Estale).holds(REFUSED);
    write(Code::Eio).file(2_500, "op 1", "f1", "a").passes_over(REFUSED);
    let about = "sandbox: destroy is refused with ELOCKLOST, and applied";
    let destroy = Case::created().asked(2_000, 3_000, "destroy sb1", refused(Code::Elocklost));
    destroy.delete(2_500, "op 1").breaks(REFUSED, about);
}

#[test]
fn who_only_looks_is_not_left_in_doubt() {
    let look = |operation, outcome| Case::created().asked(2_000, 3_000, operation, outcome);
    let about = "sandbox: exec fails as if it had done anything";
    look("exec sb1 read /f1", refused(Code::Eio)).breaks(LOOK, about);
    look("exec sb1 read /f1", failed("EIO: the pool is closed")).breaks(LOOK, about);
    look("exec sb1 read /f1", failed("ENOENT: /f1")).holds(LOOK);
    look("exec sb1 read /f1; write /f1 a", refused(Code::Eio)).passes_over(LOOK);
    look("read sb1 /f1", content("a")).holds(LOOK);
    look("exec sb1 list /", printed(&[""])).holds(LOOK);
}

#[test]
fn with_nothing_disturbed_every_write_is_published() {
    let write = |case: Case| case.asked(2_000, 3_000, "write sb1 /f1 a", refused(Code::Ecoherence));
    let about = "sandbox: write is not published with nothing disturbed";
    write(Case::created()).breaks(PUBLISHED, about);
    write(Case::created().fault(1_900, "partition", "redis")).passes_over(PUBLISHED);
    Case::created().asked(2_000, 3_000, "write sb1 /f1 a", Outcome::Written).holds(PUBLISHED);
}
