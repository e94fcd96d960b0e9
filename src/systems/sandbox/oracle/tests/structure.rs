//! How replicas keep their sessions.

use super::case::Case;
use crate::systems::sandbox::outcome::Outcome;

const SESSION: &str = "one-session";
const POOLS: &str = "pools-closed";
const COUNTER: &str = "counter-within-incarnation";

#[test]
fn a_replica_has_one_session_for_a_sandbox() {
    let two = |case: Case| case.registered(5_000, "replica-a", 2, "1:0");
    let one = || Case::created().registered(2_000, "replica-a", 1, "1:0");
    two(one()).breaks(SESSION, "session: registered beside another");
    two(one().removed(4_000, "replica-a", 1, 1)).holds(SESSION);
    let crashed = one().restart(3_000, "replica-a", 1_000);
    two(crashed).holds(SESSION);
    let closing = [("sandbox", "sb1".into()), ("session", "replica-a/1".into()), ("why", "gone".into())];
    two(one().fact(4_000, "replica-a", "sandbox.closing", closing)).holds(SESSION);
    one().registered(5_000, "replica-b", 2, "1:0").passes_over(SESSION);
    let straggler = two(one().removed(4_000, "replica-a", 1, 1)).removed(6_000, "replica-a", 1, 2);
    straggler.breaks(SESSION, "session: taken out in place of another");
}

#[test]
fn the_pool_of_a_session_goes_with_it() {
    let closing = || Case::created().registered(2_000, "replica-a", 1, "1:0").removed(4_000, "replica-a", 1, 1);
    let about = "pool: kept open for a session that is closing";
    closing().ended(600).breaks(POOLS, about);
    closing().pool(30_000, "replica-a", 1, "sandbox.pool-closed").ended(600).holds(POOLS);
    closing().restart(60_000, "replica-a", 1_000).ended(600).passes_over(POOLS);
    closing().ended(200).passes_over(POOLS);
    let about = "pool: kept open for a session that never was registered";
    Case::created().pool(2_000, "replica-a", 1, "sandbox.pool-opened").ended(600).breaks(POOLS, about);
}

#[test]
fn a_counter_counts_for_one_incarnation() {
    let again = || {
        let gone = Case::created().asked(4_000, 6_000, "destroy sb1", Outcome::Destroyed).delete(5_000, "op 1");
        gone.asked(7_000, 9_000, "create sb1", Outcome::Created).insert(8_000, "op 2")
    };
    let about = "session: takes the counter of another incarnation for its own";
    again().compared(9_500, "replica-b", "1:0", "", true).breaks(COUNTER, about);
    again().counter(8_500, Some("3")).compared(9_500, "replica-b", "1:3", "3", true).breaks(COUNTER, about);
    again().counter(8_500, Some("3")).compared(9_500, "replica-b", "1:3", "3", false).holds(COUNTER);
    again().counter(8_500, Some("3")).compared(9_500, "replica-b", "2:3", "3", true).holds(COUNTER);
    // Out of date, and told to be so: whoever goes by it has to look further.
    again().counter(4_500, Some("1:3")).compared(9_500, "replica-b", "1:3", "1:3", true).holds(COUNTER);
}
