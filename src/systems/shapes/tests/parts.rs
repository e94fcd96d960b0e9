//! Words, tables and policies.

use std::time::Duration;

use crate::harness::{Configured, System};
use crate::systems::shapes::Shapes;
use crate::systems::shapes::policy::{Down, Ending, Notify, Policy, Preset, Subqueries};
use crate::systems::shapes::workload::{Mix, Operation, Restart, Topology, Workload};

#[test]
fn every_operation_reads_back_as_it_is_written() {
    let system = Shapes::default();
    let nested = "level_4 WHERE level_3_id IN (SELECT id FROM level_3 WHERE active = true) AND value LIKE 'v0%'";
    let mut operations = vec![
        Operation::Define(2, nested.parse().unwrap()),
        Operation::Poll(1),
        Operation::Live(2),
        Operation::Delete(1),
        Operation::Mutate(vec!["toggle l2-1".parse().unwrap(), "set l4-3 v07".parse().unwrap()]),
        Operation::Recreate,
        Operation::Wait(Duration::from_millis(1_500)),
        Operation::Settle { client: 3, slot: 2 },
        Operation::Inspect,
    ];
    operations.extend(Restart::ALL.map(Operation::Restart));
    for operation in operations {
        assert_eq!(system.parse(&operation.to_string()), Ok(operation));
    }
}

#[test]
fn what_is_no_operation_is_refused_with_what_would_be_one() {
    let refused = |text: &str| Shapes::default().parse(text).unwrap_err();
    assert!(refused("fetch s1").starts_with("`fetch` is not an operation: write define, poll, live,"));
    assert_eq!(refused("poll x1"), "`x1` in `poll x1` is no shape: write s1, s2, …");
    assert_eq!(refused("poll s0"), "`s0` in `poll s0` is no shape: write s1, s2, …");
    assert!(refused("define s1").starts_with("`define s1` ends where a shape and a query are due"));
    assert!(refused("define s1 level_9").starts_with("`level_9` is no query"));
    assert!(refused("mutate ;").starts_with("`mutate ;` changes nothing"));
    assert_eq!(refused("restart soon"), "`soon` is no way to restart: write graceful, brutal, rolling or consumers");
    assert_eq!(refused("settle c9 s1"), "there is no client `c9` in `settle c9 s1`: they are c1 to c3");
    assert_eq!(refused("inspect all"), "`all` in `inspect all` is too much");
    assert!(refused("wait long").starts_with("no duration in `wait long`"));
}

#[test]
fn tables_that_do_not_fit_are_refused() {
    let refused =
        |topology: Topology, workload: Workload| Shapes::configure(Policy::default(), topology, workload).unwrap_err();
    let none = Topology { leaves: 0, ..Topology::default() };
    assert_eq!(refused(none, Workload::default()), "`leaves` is 0: give 1 to 1000");
    let mix: Mix = toml::from_str(
        "define = 0\npoll = 0\nlive = 0\ndelete = 0\nmutate = 0\ngraceful = 0\nbrutal = 0\nrolling = 0\nconsumers = 0\nrecreate = 0\nwait = 0",
    )
    .unwrap();
    assert!(refused(Topology::default(), Workload { mix, ..Workload::default() }).starts_with("every weight in `mix`"));
}

#[test]
fn a_policy_is_hardened_but_for_what_it_names() {
    let policy: Policy = toml::from_str("notify = 'crashes'\ndown_killed = 'cleans'").unwrap();
    assert_eq!(policy, Policy { notify: Notify::Crashes, down_killed: Down::Cleans, ..Policy::default() });
    assert!(toml::from_str::<Policy>("notify = 'loudly'").is_err());
    assert!(toml::from_str::<Policy>("rescued = 'all'").is_err());
}

#[test]
fn each_preset_changes_what_it_says_of_the_one_before() {
    let before = Policy::preset(Preset::Before);
    assert_eq!(Policy::preset(Preset::Merged), Policy { notify: Notify::Swallowed, ..before.clone() });
    assert_eq!(Policy::preset(Preset::Graced).ending, Ending::BareShutdown);
    let dropping = Policy { subqueries: Subqueries::Dropped, ..Policy::preset(Preset::Graced) };
    assert_eq!(Policy::preset(Preset::Dropping), dropping);
    assert_eq!(Policy::preset(Preset::Hardened), Policy::default());
}
