//! Replication slots in a world: each commit comes once and in order, whoever reconnects and whatever crashes.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use sexton::runtime::net::{TcpListener, TcpStream};
use sexton::runtime::{activity, time};
use sexton::servers::postgres::{Options, Postgres};
use sexton::storage::{
    Rows, RowsOptions, Slot, SlotChange, SlotError, SlotEvent, SlotOp, SlotTransaction, Transaction,
};
use sexton::world::history::What;
use sexton::world::{Config, HostId, Outcome, Program, World, simulate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TABLE: &str = "CREATE TABLE t (id text PRIMARY KEY, n bigint NOT NULL)";
const SNAPSHOT: &str = "SELECT p.lsn, t.id, t.n FROM \
    (SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS lsn) p LEFT JOIN t ON true ORDER BY t.id";
const SECOND: Duration = Duration::from_secs(1);

/// A server with a slot, `s`, on a host of its own.
#[derive(Clone)]
struct Served {
    world: Rc<World>,
    postgres: Postgres,
    host: HostId,
}

impl Served {
    async fn slot(&self) -> Slot {
        Slot::connect("postgres:5433", SECOND).await.expect("the server listens")
    }

    /// The slot, consumed after `after`; and where that is.
    async fn started(&self, after: Option<u64>) -> (Slot, u64) {
        let mut slot = self.slot().await;
        let from = slot.start("s", after).await.expect("nobody else consumes it");
        (slot, from)
    }

    async fn restart(&self) {
        self.world.crash(self.host);
        self.world.start(self.host);
        // As long as recovery takes at most.
        time::sleep(SECOND * 11).await;
    }
}

fn rows() -> Rows {
    Rows::new(RowsOptions { address: "postgres:5432".to_owned(), ..RowsOptions::default() })
}

fn simulated<T, F>(options: Options, main: impl FnOnce(Served) -> F + Send) -> Outcome<T>
where
    T: Send + 'static,
    F: Future<Output = T> + 'static,
{
    simulate(Config::default(), move || {
        let world = World::current().expect("inside");
        let postgres = Postgres::new(options);
        postgres.prepare(TABLE).expect("a table");
        let server = postgres.clone();
        let program: Program = Rc::new(move || {
            let server = server.clone();
            Box::pin(async move {
                let rows = TcpListener::bind("0.0.0.0:5432").await.expect("the port is free");
                let slots = TcpListener::bind("0.0.0.0:5433").await.expect("the port is free");
                let served = tokio::join!(server.serve(rows), server.serve_slots(slots));
                panic!("a simulated listener accepts: {served:?}");
            })
        });
        let host = world.add_host("postgres", program);
        world.start(host);
        main(Served { world, postgres, host })
    })
}

/// The same, where the slot is made at first.
fn served<T, F>(main: impl FnOnce(Served) -> F + Send) -> T
where
    T: Send + 'static,
    F: Future<Output = T> + 'static,
{
    let options = Options { logical: true, ..Options::default() };
    let outcome = simulated(options, |served| {
        served.postgres.create_slot("s").expect("there is no other");
        main(served)
    });
    outcome.value.unwrap_or_else(|| panic!("{:?}", outcome.stuck))
}

async fn insert(rows: &Rows, id: &str) {
    rows.execute(&[], &format!("INSERT INTO t VALUES ('{id}', 0)"), &[]).await.expect("a new row");
}

/// The next transactions, until none comes for a while.
async fn taken(slot: &mut Slot) -> Vec<SlotTransaction> {
    let mut taken = Vec::new();
    while let Ok(event) = time::timeout(SECOND, slot.next()).await {
        if let SlotEvent::Transaction(transaction) = event.expect("the slot is there") {
            taken.push(transaction);
        }
    }
    taken
}

fn ids(transactions: &[SlotTransaction]) -> Vec<&str> {
    let rows = transactions.iter().flat_map(|transaction| &transaction.changes);
    rows.map(|change| change.new.as_ref().or(change.old.as_ref()).expect("a row")["id"].as_str().expect("text"))
        .collect()
}

fn state(outcome: Result<impl std::fmt::Debug, SlotError>) -> String {
    match outcome {
        Err(SlotError::Refused { sqlstate, .. }) => sqlstate,
        other => format!("{other:?}"),
    }
}

#[test]
fn a_transaction_is_told_change_by_change() {
    let told = served(|served| async move {
        let (mut slot, from) = served.started(None).await;
        rows()
            .batch("BEGIN; INSERT INTO t VALUES ('a', 1); UPDATE t SET n = 2; DELETE FROM t; COMMIT")
            .await
            .expect("rows");
        let SlotEvent::Transaction(first) = slot.next().await.expect("the slot is there") else {
            panic!("a transaction")
        };
        assert!(first.lsn > from);
        assert_eq!(slot.next().await, Ok(SlotEvent::Keepalive(first.lsn)));
        first
    });
    assert_eq!(told.xid, 1);
    let row = |n: i64| Some(BTreeMap::from([("id", "a".into()), ("n", serde_json::Value::from(n))]));
    let as_map = |row: &Option<serde_json::Map<String, serde_json::Value>>| {
        row.as_ref()
            .map(|row| row.iter().map(|(name, value)| (name.clone(), value.clone())).collect::<BTreeMap<_, _>>())
    };
    let wanted = |row: Option<BTreeMap<&str, serde_json::Value>>| {
        row.map(|row| row.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>())
    };
    let changes = [(SlotOp::Insert, None, row(1)), (SlotOp::Update, row(1), row(2)), (SlotOp::Delete, row(2), None)];
    assert_eq!(told.changes.len(), changes.len());
    for (change, (op, old, new)) in told.changes.iter().zip(changes) {
        assert_eq!((change.table.as_str(), change.op, change.key.as_slice()), ("t", op, &["id".to_owned()][..]));
        assert_eq!((as_map(&change.old), as_map(&change.new)), (wanted(old), wanted(new)));
    }
}

#[test]
fn what_was_not_confirmed_comes_again() {
    served(|served| async move {
        let rows = self::rows();
        let (mut slot, from) = served.started(None).await;
        for id in ["a", "b", "c"] {
            insert(&rows, id).await;
        }
        let first = taken(&mut slot).await;
        assert_eq!(ids(&first), ["a", "b", "c"]);
        slot.flushed(first[0].lsn).await.expect("the server listens");
        time::sleep(SECOND).await;
        drop(slot);
        let (mut slot, again) = served.started(None).await;
        assert_eq!(again, first[0].lsn);
        assert_eq!(taken(&mut slot).await, first[1..]);
        // A consumer that knows more than it has confirmed says so; one that knows less is told from where it goes on.
        drop(slot);
        assert_eq!(served.started(Some(first[1].lsn)).await.1, first[1].lsn);
        assert_eq!(served.started(Some(from)).await.1, first[0].lsn);
    });
}

#[test]
fn a_crash_forgets_what_was_confirmed_since_the_checkpoint() {
    served(|served| async move {
        let rows = self::rows();
        let (mut slot, from) = served.started(None).await;
        insert(&rows, "a").await;
        let first = taken(&mut slot).await;
        slot.flushed(first[0].lsn).await.expect("the server listens");
        time::sleep(SECOND).await;
        served.restart().await;
        assert!(matches!(slot.next().await, Err(SlotError::Unavailable(_))));
        let (mut slot, again) = served.started(None).await;
        assert_eq!(again, from, "nothing was written down yet");
        assert_eq!(taken(&mut slot).await, first);
        slot.flushed(first[0].lsn).await.expect("the server listens");
        time::sleep(SECOND * 31).await;
        served.restart().await;
        assert_eq!(served.started(None).await.1, first[0].lsn);
    });
}

#[test]
fn a_slot_has_one_consumer_at_a_time() {
    served(|served| async move {
        let (first, _) = served.started(None).await;
        let mut second = served.slot().await;
        let refused = second.start("s", None).await;
        assert!(matches!(&refused, Err(error) if error.is_active()), "{refused:?}");
        assert_eq!(state(second.create("s").await), "42710");
        assert_eq!(state(second.create("S").await), "42602");
        assert_eq!(state(second.start("other", None).await), "42704");
        drop(first);
        time::sleep(SECOND).await;
        second.start("s", None).await.expect("the first has gone");
    });
}

#[test]
fn a_consumer_that_says_nothing_is_cut_off_and_one_that_asks_for_more_is_not() {
    served(|served| async move {
        let (silent, _) = served.started(None).await;
        time::sleep(SECOND * 70).await;
        let (mut slot, _) = served.started(None).await;
        for _ in 0..20 {
            assert!(matches!(slot.next().await, Ok(SlotEvent::Keepalive(_))));
        }
        drop(silent);
    });
}

#[test]
fn a_lost_slot_is_gone_with_all_that_it_kept() {
    served(|served| async move {
        let rows = self::rows();
        let (mut slot, _) = served.started(None).await;
        assert_eq!(served.postgres.drop_slot(7), "slot s is lost");
        assert_eq!(served.postgres.drop_slot(7), "no slot to lose");
        assert!(slot.next().await.is_err_and(|error| error.is_missing()));
        insert(&rows, "a").await;
        let mut slot = served.slot().await;
        assert_eq!(state(slot.start("s", None).await), "42704");
        let lsn = slot.create("s").await.expect("there is none");
        assert_eq!(slot.start("s", None).await, Ok(lsn));
        insert(&rows, "b").await;
        assert_eq!(ids(&taken(&mut slot).await), ["b"]);
    });
}

#[test]
fn a_server_without_logical_log_has_no_slots_and_tells_of_none() {
    let outcome = simulated(Options::default(), |served| async move {
        assert_eq!(served.postgres.create_slot("s").expect_err("none can be made").state, "55000");
        assert_eq!(state(served.slot().await.create("s").await), "55000");
        insert(&rows(), "a").await;
    });
    assert!(outcome.value.is_some());
    assert!(!outcome.history.events().iter().any(|event| matches!(event.what, What::Fact { .. })));
}

#[test]
fn nonsense_ends_the_conversation() {
    served(|served| async move {
        let far = format!("{{\"start\":\"s\",\"after\":null}}\n{{\"flushed\":{}}}\n", u64::MAX);
        let long = "x".repeat(5_000);
        for line in ["\n", "{}\n", "{\"flushed\":1}\n", "{\"start\":\"s\",\"create\":\"s\"}\n", "\u{0}\n", &far, &long]
        {
            let mut stream = TcpStream::connect("postgres:5433").await.expect("the server listens");
            stream.write_all(line.as_bytes()).await.expect("the server reads");
            let mut told = String::new();
            // The rest of what is too long may meet a closed door.
            let _ = stream.read_to_string(&mut told).await;
            assert!(told.lines().last().is_some_and(|last| last.contains("\"error\":\"08P01\"")), "{line:?}: {told}");
        }
        served.started(None).await;
    });
}

#[test]
fn what_comes_of_a_transaction_is_for_whom_it_was_committed() {
    let outcome = simulated(Options { logical: true, ..Options::default() }, |served| async move {
        served.postgres.create_slot("s").expect("there is no other");
        let writer = served.world.add_host(
            "writer",
            Rc::new(|| {
                Box::pin(activity("order", async {
                    insert(&rows(), "a").await;
                }))
            }),
        );
        let (mut slot, _) = served.started(None).await;
        served.world.start(writer);
        slot.next().await.expect("the slot is there");
        activity("materialise", async { sexton::runtime::fact("row.seen", []) }).await;
    });
    let seen = |event: &&sexton::world::history::Event| matches!(event.what, What::Fact { name: "row.seen", .. });
    let event = outcome.history.events().iter().find(seen).expect("it was told");
    let root = outcome.history.root(event.activity);
    assert_eq!(&*outcome.history.activities()[root.0 as usize].name, "order");
}

#[derive(Clone, Debug)]
enum Act {
    Begin(usize),
    Write(usize, u8, i64),
    Remove(usize, u8),
    End(usize, bool),
    Snapshot,
    Take,
    Confirm,
    Reconnect,
    Crash,
    Wait(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => (0..2_usize).prop_map(Act::Begin),
        6 => (0..2_usize, 0..3_u8, 0..100_i64).prop_map(|(writer, key, n)| Act::Write(writer, key, n)),
        2 => (0..2_usize, 0..3_u8).prop_map(|(writer, key)| Act::Remove(writer, key)),
        2 => (0..2_usize, prop::bool::weighted(0.8)).prop_map(|(writer, commits)| Act::End(writer, commits)),
        1 => Just(Act::Snapshot),
        3 => Just(Act::Take),
        2 => Just(Act::Confirm),
        1 => Just(Act::Reconnect),
        1 => Just(Act::Crash),
        1 => (1..40_u64).prop_map(Act::Wait),
    ]
}

/// Rows by their keys.
type State = BTreeMap<String, serde_json::Value>;

/// What a consumer has seen.
#[derive(Clone, Debug, Default)]
struct Seen {
    /// Each transaction, the first time that it came.
    transactions: Vec<SlotTransaction>,
    /// The rows at these positions.
    snapshots: Vec<(u64, State)>,
}

/// Two writers and a consumer, one step after the other.
struct Scene {
    served: Served,
    rows: Rows,
    writers: [Option<Transaction>; 2],
    slot: Slot,
    /// What the server may not send any more, unless it crashes.
    confirmed: u64,
    came: u64,
    seen: Seen,
}

impl Scene {
    async fn begin(served: Served) -> Self {
        let (rows, (slot, confirmed)) = (rows(), served.started(None).await);
        Self { served, rows, writers: [None, None], slot, confirmed, came: confirmed, seen: Seen::default() }
    }

    async fn step(&mut self, act: Act) {
        match act {
            Act::Begin(writer) => {
                if self.writers[writer].is_none() {
                    self.writers[writer] = Some(self.rows.transaction().await.expect("a transaction"));
                }
            }
            Act::Write(writer, key, n) => {
                let set = "ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n";
                self.execute(writer, &format!("INSERT INTO t VALUES ('w{writer}-{key}', {n}) {set}")).await;
            }
            Act::Remove(writer, key) => {
                self.execute(writer, &format!("DELETE FROM t WHERE id = 'w{writer}-{key}'")).await;
            }
            Act::End(writer, commits) => match self.writers[writer].take() {
                Some(transaction) if commits => transaction.commit().await.expect("a commit"),
                Some(transaction) => transaction.rollback().await.expect("a rollback"),
                None => {}
            },
            Act::Snapshot => self.snapshot().await,
            Act::Take => self.take().await,
            Act::Confirm => {
                self.slot.flushed(self.came).await.expect("the server listens");
                self.confirmed = self.came;
                // It has to arrive before anything else is expected of it.
                time::sleep(SECOND).await;
            }
            Act::Reconnect => self.reconnect().await,
            Act::Crash => {
                self.writers = [None, None];
                self.served.restart().await;
                self.rows = rows();
                self.confirmed = 0;
                self.reconnect().await;
            }
            Act::Wait(seconds) => {
                // Somebody has to say that the consumer is still there.
                for _ in 0..seconds {
                    time::sleep(SECOND).await;
                }
                self.take().await;
            }
        }
    }

    async fn execute(&mut self, writer: usize, sql: &str) {
        let done = match &mut self.writers[writer] {
            Some(transaction) => transaction.execute(&[], sql, &[]).await,
            None => self.rows.execute(&[], sql, &[]).await,
        };
        done.expect("nobody else writes these rows");
    }

    async fn snapshot(&mut self) {
        let found = self.rows.query(&[], SNAPSHOT, &[]).await.expect("a snapshot");
        let lsn: i64 = found[0].get(0);
        let row = |row: &sexton::storage::Row| {
            let id: String = row.get::<_, Option<String>>(1)?;
            let n: i64 = row.get(2);
            Some((format!("t:{id}"), serde_json::json!({ "id": id, "n": n })))
        };
        self.seen.snapshots.push((lsn as u64, found.iter().filter_map(row).collect()));
    }

    async fn take(&mut self) {
        for transaction in taken(&mut self.slot).await {
            assert!(transaction.lsn > self.came, "within a connection positions rise");
            self.came = transaction.lsn;
            if self.seen.transactions.last().is_none_or(|last| last.lsn < transaction.lsn) {
                self.seen.transactions.push(transaction);
            } else {
                let first = self.seen.transactions.iter().find(|before| before.lsn == transaction.lsn);
                assert_eq!(first, Some(&transaction), "what comes again is what came");
            }
        }
    }

    async fn reconnect(&mut self) {
        drop(std::mem::replace(&mut self.slot, self.served.slot().await));
        time::sleep(SECOND).await;
        self.came = self.slot.start("s", None).await.expect("nobody else consumes it");
        assert!(self.came >= self.confirmed, "what was confirmed does not come again");
    }
}

/// Does to rows what a change says; the row has to be as it says that it was.
fn apply(rows: &mut State, change: &SlotChange) -> String {
    let value = |row: &Option<serde_json::Map<_, _>>| row.clone().map(serde_json::Value::Object);
    let (old, new) = (value(&change.old), value(&change.new));
    let id = new.as_ref().or(old.as_ref()).expect("a row")["id"].as_str().expect("text").to_owned();
    let key = format!("t:{id}");
    let before = match new {
        Some(new) => rows.insert(key.clone(), new),
        None => rows.remove(&key),
    };
    assert_eq!(before, old, "{key}");
    key
}

/// The commits of a history by position: for each row what it is then.
fn commits(outcome: &Outcome<Seen>) -> BTreeMap<u64, BTreeMap<String, Option<serde_json::Value>>> {
    let (mut all, mut rows) = (BTreeMap::new(), BTreeMap::new());
    for event in outcome.history.events() {
        match &event.what {
            What::Commit { key, value, .. } => {
                let value = value.as_ref().map(|value| serde_json::from_str(value).expect("a row is told as JSON"));
                rows.insert(key.to_string(), value);
            }
            What::Fact { name: "postgres.commit", fields } => {
                let Some((_, sexton::runtime::Value::Int(lsn))) = fields.iter().find(|(name, _)| *name == "lsn") else {
                    panic!("a position");
                };
                assert!(all.insert(*lsn as u64, std::mem::take(&mut rows)).is_none(), "each position is told once");
            }
            _ => {}
        }
    }
    assert!(rows.is_empty(), "each row belongs to a transaction");
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_commit_comes_once_and_in_order(acts in prop::collection::vec(act(), 1..40)) {
        let options = Options { logical: true, ..Options::default() };
        let outcome = simulated(options, move |served| async move {
            served.postgres.create_slot("s").expect("there is no other");
            let mut scene = Scene::begin(served).await;
            for act in acts {
                scene.step(act).await;
            }
            scene.snapshot().await;
            scene.take().await;
            scene.seen
        });
        let commits = commits(&outcome);
        let seen = outcome.value.unwrap_or_else(|| panic!("{:?}", outcome.stuck));
        let mut rows = State::new();
        let mut at: BTreeMap<u64, State> = BTreeMap::from([(0, State::new())]);
        let mut told = 0;
        for transaction in &seen.transactions {
            let before = rows.clone();
            let keys: Vec<String> = transaction.changes.iter().map(|change| apply(&mut rows, change)).collect();
            let net: BTreeMap<String, Option<serde_json::Value>> = keys
                .into_iter()
                .filter(|key| before.contains_key(key) || rows.contains_key(key))
                .map(|key| { let row = rows.get(&key).cloned(); (key, row) })
                .collect();
            prop_assert_eq!(commits.get(&transaction.lsn).cloned().unwrap_or_default(), net.clone());
            told += usize::from(!net.is_empty());
            at.insert(transaction.lsn, rows.clone());
        }
        prop_assert_eq!(told, commits.len());
        for (lsn, snapshot) in seen.snapshots {
            prop_assert_eq!(at.range(..=lsn).next_back().map(|(_, rows)| rows), Some(&snapshot));
        }
    }
}
