//! Slots without a network: what they keep, for how long, and what a crash leaves of it.

use std::time::Duration;

use tokio::time::advance;

use super::super::engine::{Decoded, SessionId};
use super::super::slots::{Consumer, Logged, Slots};
use crate::runtime::Doing;

const CHECKPOINT: Duration = Duration::from_secs(30);

fn commit(slots: &mut Slots, lsns: impl IntoIterator<Item = u64>) {
    let transaction = |lsn| Decoded { lsn, xid: lsn, by: SessionId(1), changes: Vec::new() };
    let logged = |lsn| Logged { transaction: transaction(lsn), doing: Doing::default() };
    slots.extend(lsns.into_iter().map(logged));
}

fn due(slots: &mut Slots, consumer: &Consumer) -> Vec<u64> {
    slots.due(consumer, 3).expect("the slot is there").iter().map(|logged| logged.transaction.lsn).collect()
}

#[tokio::test(start_paused = true)]
async fn what_every_slot_has_confirmed_and_written_down_is_forgotten() {
    let mut slots = Slots::new(CHECKPOINT);
    slots.create("one", 0).expect("there is none");
    slots.create("two", 2).expect("there is none");
    commit(&mut slots, 3..=6);
    let one = slots.attach("one", None).expect("nobody consumes it");
    let two = slots.attach("two", None).expect("nobody consumes it");
    assert_eq!(due(&mut slots, &one), [3, 4, 5], "no more than was asked for");
    slots.confirm(&one, 6).expect("the slot is there");
    slots.confirm(&two, 4).expect("the slot is there");
    assert_eq!(slots.kept(), 4, "nothing is written down yet");
    advance(CHECKPOINT).await;
    slots.confirm(&one, 6).expect("the slot is there");
    assert_eq!(slots.kept(), 4, "the other slot is asked at its own next word");
    slots.confirm(&two, 4).expect("the slot is there");
    assert_eq!(slots.kept(), 2);
    assert_eq!(slots.lose(1).as_deref(), Some("two"));
    assert_eq!(slots.kept(), 0);
    assert!(slots.due(&two, 1).is_err_and(|refusal| refusal.state == "42704"));
}

#[tokio::test(start_paused = true)]
async fn a_crash_goes_back_to_the_last_checkpoint() {
    let mut slots = Slots::new(CHECKPOINT);
    slots.create("s", 0).expect("there is none");
    commit(&mut slots, 1..=3);
    let consumer = slots.attach("s", None).expect("nobody consumes it");
    slots.confirm(&consumer, 1).expect("the slot is there");
    advance(CHECKPOINT).await;
    slots.confirm(&consumer, 2).expect("the slot is there");
    slots.confirm(&consumer, 1).expect("the slot is there");
    slots.crash();
    let again = slots.attach("s", None).expect("nobody consumes it");
    assert_eq!((again.sent, due(&mut slots, &again)), (1, vec![2, 3]));
    // Whoever consumed it before the crash is nobody now.
    slots.detach(&consumer);
    assert!(slots.attach("s", None).is_err_and(|refusal| refusal.state == "55006"));
    slots.detach(&again);
    assert_eq!(slots.attach("s", Some(2)).expect("nobody consumes it").sent, 2);
}

#[tokio::test(start_paused = true)]
async fn without_time_between_checkpoints_nothing_confirmed_comes_again() {
    let mut slots = Slots::new(Duration::ZERO);
    slots.create("s", 0).expect("there is none");
    commit(&mut slots, 1..=3);
    let consumer = slots.attach("s", None).expect("nobody consumes it");
    slots.confirm(&consumer, 3).expect("the slot is there");
    assert_eq!(slots.kept(), 0);
    slots.crash();
    assert_eq!(slots.attach("s", None).expect("nobody consumes it").sent, 3);
}
