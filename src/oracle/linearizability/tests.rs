//! The search against one that tries every order, histories whose verdict is known, and its bounds.

use std::cell::Cell;
use std::time::Duration;

use proptest::prelude::*;

use super::register::{Answer, Content, Operation};
use super::*;
use crate::oracle::Moment;

type Asked = Entry<Operation, Answer>;

fn moment(at: usize) -> Moment {
    Moment { index: at, at: Duration::from_secs(at as u64) }
}

fn content(text: Option<&str>) -> Content {
    Content(text.map(Into::into))
}

fn write(from: usize, to: usize, value: &str) -> Asked {
    Entry::new("writer", Operation::Write(value.into()), moment(from), moment(to), Some(Answer::Done))
}

fn lost_write(from: usize, value: &str) -> Asked {
    Entry::pending("writer", Operation::Write(value.into()), moment(from))
}

fn append(from: usize, to: usize, value: &str) -> Asked {
    Entry::new("appender", Operation::Append(value.into()), moment(from), moment(to), Some(Answer::Done))
}

fn read(from: usize, to: usize, value: Option<&str>) -> Asked {
    Entry::new("reader", Operation::Read, moment(from), moment(to), Some(Answer::Held(content(value).0)))
}

fn swap(from: usize, to: usize, old: Option<&str>, new: &str, took_place: bool) -> Asked {
    let operation = Operation::Swap { from: content(old), to: content(Some(new)) };
    Entry::new("swapper", operation, moment(from), moment(to), Some(Answer::Swapped(took_place)))
}

fn ruling(entries: &[Asked]) -> Ruling {
    decide(&Register::default(), entries, &Limits::default())
}

#[track_caller]
fn holds(entries: &[Asked]) {
    assert_eq!(ruling(entries), Ruling::Linearizable);
}

/// There is no order, and these operations alone show it.
#[track_caller]
fn contradicts(entries: &[Asked], operations: &[usize]) -> String {
    match ruling(entries) {
        Ruling::Contradiction(found) => {
            assert_eq!(found.operations, operations, "{}", found.tell(entries));
            found.tell(entries)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_overlaps_may_come_in_either_order() {
    // Two overlapping writes, and readers that agree on which came last.
    holds(&[write(0, 5, "a"), write(1, 4, "b"), read(6, 7, Some("a")), read(8, 9, Some("a"))]);
    holds(&[write(0, 5, "a"), write(1, 4, "b"), read(6, 7, Some("b")), read(8, 9, Some("b"))]);
    // A read that overlaps a write sees either side of it.
    holds(&[write(0, 1, "a"), write(2, 9, "b"), read(3, 4, Some("a")), read(5, 6, Some("b"))]);
    // A write that takes effect before its writer is told, between two reads by others.
    holds(&[write(0, 8, "a"), read(1, 2, None), read(3, 4, Some("a")), read(5, 6, Some("a"))]);
}

#[test]
fn readers_may_not_disagree_on_the_order_of_two_writes() {
    // Regular, as Lamport calls it, but not atomic: new, then old.
    let inverted = [write(0, 1, "a"), write(2, 9, "b"), read(3, 4, Some("b")), read(5, 6, Some("a"))];
    let told = contradicts(&inverted, &[0, 2, 3]);
    assert!(
        told.contains("reader: read, from 5s to 6s, was answered `a`; but during the one answered at 6s"),
        "{told}"
    );
    let split = [write(0, 5, "a"), write(1, 4, "b"), read(6, 7, Some("a")), read(8, 9, Some("b"))];
    // Whenever the other write took place, if it did.
    contradicts(&split, &[1, 2, 3]);
}

#[test]
fn what_is_done_before_something_begins_comes_first() {
    // Sequentially consistent, but each process sees its own write late.
    contradicts(&[write(0, 1, "a"), read(2, 3, None)], &[0, 1]);
    let stale = [write(0, 1, "a"), write(2, 3, "b"), read(4, 5, Some("a"))];
    let told = contradicts(&stale, &[0, 1, 2]);
    assert!(told.ends_with("only `b` can have been held"), "{told}");
    contradicts(&[write(0, 1, "a"), read(2, 3, Some("x"))], &[1]);
}

#[test]
fn a_lost_update_shows_in_what_was_appended() {
    holds(&[append(0, 5, "x"), append(1, 4, "y"), read(6, 7, Some("yx"))]);
    contradicts(&[append(0, 5, "x"), append(1, 4, "y"), read(6, 7, Some("x"))], &[1, 2]);
}

#[test]
fn of_two_swaps_from_the_same_value_one_takes_place() {
    let both =
        |first, second| [write(0, 1, "a"), swap(2, 6, Some("a"), "b", first), swap(3, 5, Some("a"), "c", second)];
    holds(&both(true, false));
    holds(&both(false, true));
    contradicts(&both(true, true), &[1, 2]);
    contradicts(&both(false, false), &[0, 1, 2]);
}

#[test]
fn what_nobody_saw_the_end_of_may_take_effect_late_or_never_and_once() {
    holds(&[write(0, 1, "a"), lost_write(2, "b"), read(3, 4, Some("a")), read(5, 6, Some("b"))]);
    holds(&[write(0, 1, "a"), lost_write(2, "b"), read(3, 4, Some("a")), read(5, 6, Some("a"))]);
    // Not before it was asked for.
    contradicts(&[read(0, 1, Some("b")), lost_write(2, "b")], &[0]);
    // Not twice.
    contradicts(
        &[lost_write(0, "b"), read(1, 2, Some("b")), write(3, 4, "a"), read(5, 6, Some("a")), read(7, 8, Some("b"))],
        &[1, 2, 4],
    );
    // Its own doing, done by its return although nobody knows the answer.
    let told = Entry { answer: None, ..write(0, 1, "a") };
    contradicts(&[told, read(2, 3, None)], &[0, 1]);
}

#[test]
fn a_long_history_is_told_by_its_end() {
    let mut entries: Vec<Asked> = (0..40).map(|turn| write(turn * 2, turn * 2 + 1, &format!("v{turn}"))).collect();
    entries.push(read(90, 91, Some("v38")));
    let Ruling::Contradiction(found) = ruling(&entries) else { panic!("a stale read") };
    assert_eq!(found.operations, [38, 39, 40]);
    let (since, held) = found.since.clone().expect("what came long before is summed up");
    let about = 40 - (since.index - 1) / 2;
    assert!((4..=16).contains(&about), "{since:?}");
    assert_eq!(held, [format!("`v{}`", 40 - about)]);
}

#[test]
fn what_is_too_much_is_not_passed() {
    let mut entries: Vec<Asked> = (0..4).map(|turn| lost_write(turn, &format!("v{turn}"))).collect();
    entries.push(read(10, 11, None));
    let bound = |pending, steps| decide(&Register::default(), &entries, &Limits { pending, steps });
    assert_eq!(bound(4, 100), Ruling::Linearizable);
    assert_eq!(bound(3, 100), Ruling::Undecided { reason: Undecided::Pending, from: moment(3) });
    assert_eq!(bound(4, 3), Ruling::Undecided { reason: Undecided::Steps, from: moment(11) });
    let crowd: Vec<Asked> = (0..129).map(|turn| write(turn, 1_000, "v")).collect();
    assert_eq!(ruling(&crowd), Ruling::Undecided { reason: Undecided::Crowded, from: moment(128) });
    // What is wrong before it became too much is wrong all the same.
    entries.insert(0, read(0, 1, Some("x")));
    let found = decide(&Register::default(), &entries, &Limits { pending: 2, steps: 100 });
    assert!(matches!(found, Ruling::Contradiction(_)), "{found:?}");
}

#[test]
fn objects_are_judged_by_themselves() {
    let mut partitions = Partitions::default();
    partitions.push("x", write(0, 1, "a"));
    partitions.push("y", read(2, 3, None));
    partitions.push("x", read(2, 3, None));
    let rulings = partitions.rulings(&Register::default(), &Limits::default());
    assert_eq!(partitions.iter().map(|(key, entries)| (*key, entries.len())).collect::<Vec<_>>(), [("x", 2), ("y", 1)]);
    assert!(matches!(&rulings[..], [(_, _, Ruling::Contradiction(_)), (_, _, Ruling::Linearizable)]), "{rulings:?}");
}

/// Eight clients, one operation after another each, over a register that is atomic in the middle of each operation.
fn long(operations: usize) -> Vec<Asked> {
    let mut held = Content(None);
    let mut entries = Vec::new();
    for number in 0..operations {
        let (begin, end) = (number * 10, number * 10 + 5 + number * 7 % 70);
        let effect = match number % 5 {
            0 => Operation::Write(format!("w{number}").into()),
            1 if number % 3 == 0 => Operation::Append("+".into()),
            2 => Operation::Swap { from: held.clone(), to: content(Some(&format!("s{number}"))) },
            _ => Operation::Read,
        };
        let model = Register::default();
        let answer = match &effect {
            Operation::Read => Answer::Held(held.0.clone()),
            Operation::Swap { .. } => Answer::Swapped(true),
            _ => Answer::Done,
        };
        held = model.step(&held, &effect, Some(&answer)).expect("the answer that the model gives");
        entries.push(Entry::new(&format!("c{}", number % 8), effect, moment(begin), moment(end), Some(answer)));
    }
    entries
}

#[test]
fn a_thousand_operations_take_few_steps() {
    let entries = long(1_000);
    let found = decide(&Register::default(), &entries, &Limits { steps: 60_000, ..Limits::default() });
    assert_eq!(found, Ruling::Linearizable);
}

/// Tries every order of what has returned and of any of what has not.
fn brute_force(entries: &[Asked]) -> bool {
    fn from(entries: &[Asked], done: u32, state: &Content) -> bool {
        let left = |place: &usize| done & (1 << place) == 0;
        let mut rest = (0..entries.len()).filter(left);
        if rest.all(|place| entries[place].returned == Moment::NEVER) {
            return true;
        }
        (0..entries.len()).filter(left).any(|place| {
            let entry = &entries[place];
            let overtaken = (0..entries.len()).filter(left).any(|other| entries[other].returned < entry.invoked);
            let after = Register::default().step(state, &entry.operation, entry.answer.as_ref());
            !overtaken && after.is_some_and(|after| from(entries, done | 1 << place, &after))
        })
    }
    from(entries, 0, &Content(None))
}

fn any_entry() -> impl Strategy<Value = Asked> {
    let value = || prop::sample::select(vec!["a", "b"]);
    let held = || prop::sample::select(vec![None, Some("a"), Some("b"), Some("aa"), Some("ab"), Some("ba")]);
    let what = prop_oneof![
        3 => held().prop_map(|held| (Operation::Read, Answer::Held(content(held).0))),
        2 => value().prop_map(|value| (Operation::Write(value.into()), Answer::Done)),
        1 => value().prop_map(|value| (Operation::Append(value.into()), Answer::Done)),
        1 => any::<bool>().prop_map(|held| (Operation::Clear, Answer::Cleared(held))),
        1 => (held(), value(), any::<bool>()).prop_map(|(from, to, took_place)| {
            let operation = Operation::Swap { from: content(from), to: content(Some(to)) };
            (operation, Answer::Swapped(took_place))
        }),
    ];
    (what, 0_usize..14, 1_usize..8, 0_u32..10).prop_map(|((operation, answer), begin, takes, luck)| match luck {
        0 => Entry::pending("c", operation, moment(begin)),
        1 => Entry::new("c", operation, moment(begin), moment(begin + takes), None),
        _ => Entry::new("c", operation, moment(begin), moment(begin + takes), Some(answer)),
    })
}

#[test]
fn it_agrees_with_trying_every_order() {
    let seen = Cell::new((0_u32, 0_u32));
    let config = ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let agrees = |entries: Vec<Asked>| {
        let ruling = ruling(&entries);
        let (good, bad) = seen.get();
        match &ruling {
            Ruling::Linearizable => {
                seen.set((good + 1, bad));
                prop_assert!(brute_force(&entries));
            }
            Ruling::Contradiction(found) => {
                seen.set((good, bad + 1));
                prop_assert!(!brute_force(&entries));
                // What is told has no order whatever the rest did.
                let weakened: Vec<Asked> = entries
                    .iter()
                    .enumerate()
                    .map(|(place, entry)| match found.operations.contains(&place) {
                        true => entry.clone(),
                        false => Entry { answer: None, returned: Moment::NEVER, ..entry.clone() },
                    })
                    .collect();
                prop_assert!(!brute_force(&weakened));
            }
            Ruling::Undecided { .. } => prop_assert!(false, "seven operations are not too many"),
        }
        Ok(())
    };
    runner.run(&prop::collection::vec(any_entry(), 1..7), agrees).unwrap();
    let (good, bad) = seen.get();
    assert!(good > 500 && bad > 500, "{good} with an order, {bad} without");
}
