//! What is on disk, read back whatever became of the last write.

use std::sync::Arc;

use crate::runtime::fs;
use crate::systems::shapes::outcome::{Change, Message, Offset};
use crate::systems::shapes::query::{Column, Row};
use crate::systems::shapes::store::{Files, Journal, Logged, Record, Snapshot, Transaction, line};

fn record(handle: &str, dependencies: &[&str]) -> Record {
    let dependencies = dependencies.iter().map(|handle| (*handle).into()).collect();
    Record { handle: handle.into(), query: "level_4".into(), dependencies, removing: false }
}

fn transaction(lsn: u64, key: &str, change: Change) -> Transaction {
    let row = (change != Change::Delete).then(|| Row::of([(Column::Id, key)]));
    let message = Message { offset: Offset { lsn, number: 0 }, change, key: key.into(), row };
    Transaction { lsn, ahead: lsn, changes: vec![Logged { message, as_of: 0 }] }
}

#[tokio::test]
async fn shapes_are_known_again_up_to_the_last_whole_line() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().to_str().unwrap();
    let mut journal = Journal::open(directory).await.unwrap();
    journal.add(record("a", &[])).await.unwrap();
    journal.add(record("b", &["a"])).await.unwrap();
    journal.intend(vec!["b".into()]).await.unwrap();
    assert!(journal.remove(&"a".into()).await.unwrap());
    assert!(!journal.remove(&"a".into()).await.unwrap());
    let gone = Record { removing: true, ..record("b", &["a"]) };
    let path = format!("{directory}/shapes.journal");
    fs::append(&path, b"{\"add\":{\"hand").await.unwrap();
    let mut journal = Journal::open(directory).await.unwrap();
    assert_eq!(journal.records().values().collect::<Vec<_>>(), [&gone]);
    journal.add(record("c", &[])).await.unwrap();
    let journal = Journal::open(directory).await.unwrap();
    assert_eq!(journal.records().values().collect::<Vec<_>>(), [&gone, &record("c", &[])]);
}

#[tokio::test]
async fn a_log_ends_in_a_whole_line_before_anything_is_put_behind_it() {
    let directory = tempfile::tempdir().unwrap();
    let files = Files::new(directory.path().to_str().unwrap());
    let snapshot = Snapshot { lsn: 5, rows: vec![("x".into(), Row::of([(Column::Id, "x")]))] };
    files.append("a", b"left over").await.unwrap();
    assert_eq!(files.handles().await.unwrap(), ["a"]);
    assert!(files.restore("a").await.unwrap().snapshot.is_none());
    assert!(files.handles().await.unwrap().is_empty(), "a log without a snapshot is of no use");
    files.write_snapshot("a", &snapshot).await.unwrap();
    let (one, two) = (transaction(7, "y", Change::Insert), transaction(9, "x", Change::Delete));
    files.append("a", &line(&one).unwrap()).await.unwrap();
    files.append("a", b"{\"lsn\":8,").await.unwrap();
    let stored = files.restore("a").await.unwrap();
    assert_eq!((stored.position(), stored.transactions.len()), (7, 1));
    files.append("a", &line(&two).unwrap()).await.unwrap();
    let stored = files.load("a").await.unwrap();
    assert_eq!(stored.transactions, [Arc::new(one), Arc::new(two)]);
    let all = stored.read(None, 12);
    assert_eq!((all.messages.len(), all.end, all.lsn), (3, Offset { lsn: 9, number: 0 }, Some(12)));
    let rest = stored.read(Some(Offset { lsn: 7, number: 0 }), 12);
    assert_eq!(rest.messages.len(), 1);
    files.remove("a").await.unwrap();
    files.remove("a").await.unwrap();
}

#[test]
fn rows_that_are_later_than_others_are_not_called_up_to_date() {
    use crate::systems::shapes::store::Stored;
    let mut stored = Stored::begun(Snapshot { lsn: 5, rows: Vec::new() });
    stored.transactions.push(Arc::new(Transaction { ahead: 10, ..transaction(7, "y", Change::Insert) }));
    assert_eq!(stored.read(None, 9).lsn, None);
    assert_eq!(stored.read(None, 10).lsn, Some(10));
}
