//! Persistence, fail-over, eviction and expiry, as clients and the ground truth see them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncCommands, AsyncConnectionConfig, ProtocolVersion, RedisConnectionInfo};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

use crate::runtime::task;
use crate::runtime::time::sleep;

use super::Listener;
use super::dispatch;
use super::host::{Options, Persistence, Redis};
use super::journal::{Journal, REACH};
use super::keyspace::{Cause, Keyspace};
use super::session::Session;

/// The keyspace with one session and a clock that the test sets.
struct Engine {
    keyspace: Keyspace,
    session: Session,
    now: i64,
}

impl Engine {
    fn new() -> Self {
        let mut keyspace = Keyspace::default();
        let session = Session::open(&mut keyspace);
        Self { keyspace, session, now: 1_000_000 }
    }

    /// Executes a command of words and returns the encoded reply.
    fn run(&mut self, command: &str) -> String {
        let args = command.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
        dispatch::execute(&mut self.keyspace, &mut self.session, self.now, args);
        String::from_utf8_lossy(&self.session.replies.bytes().split()).into_owned()
    }

    /// The effects so far in words.
    fn effects(&mut self) -> Vec<String> {
        let effects = self.keyspace.take_effects();
        let shown = effects.into_iter().map(|effect| {
            let value = effect.after.as_ref().map(|entry| entry.value.render().into_owned());
            format!("{:?} {} {}", effect.cause, String::from_utf8_lossy(&effect.place.1), value.unwrap_or_default())
        });
        shown.collect()
    }
}

#[test]
fn a_key_lives_through_its_deadline_and_not_beyond() {
    let mut engine = Engine::new();
    engine.run("SET k v PX 10");
    engine.now += 10;
    assert_eq!(engine.run("GET k"), "$1\r\nv\r\n");
    assert_eq!(engine.run("PTTL k"), ":0\r\n");
    engine.now += 1;
    assert_eq!(engine.run("GET k"), "$-1\r\n");
    assert_eq!(engine.effects(), ["Set k v", "Expired k "]);
}

#[test]
fn expiry_takes_what_is_due_and_leaves_the_rest() {
    let mut engine = Engine::new();
    for command in ["SET a 1 PX 10", "SET b 1 PX 20", "SET c 1", "SET d 1 PX 10", "PERSIST d", "EXPIRE c 1"] {
        engine.run(command);
    }
    engine.effects();
    engine.keyspace.expire(engine.now + 11);
    assert_eq!(engine.effects(), ["Expired a "]);
    assert_eq!(engine.keyspace.next_deadline(), Some(engine.now + 20));
    engine.keyspace.expire(engine.now + 1001);
    assert_eq!(engine.effects(), ["Expired b ", "Expired c "]);
    assert_eq!(engine.keyspace.next_deadline(), None);
}

#[test]
fn a_watched_key_that_expires_undoes_the_transaction() {
    let mut engine = Engine::new();
    engine.run("SET k v PX 10");
    engine.run("WATCH k");
    engine.now += 11;
    engine.run("MULTI");
    engine.run("SET k w");
    assert_eq!(engine.run("EXEC"), "*-1\r\n");
    assert_eq!(engine.run("EXISTS k"), ":0\r\n");
}

#[test]
fn a_key_that_had_expired_when_it_was_watched_does_not() {
    let mut engine = Engine::new();
    engine.run("SET k v PX 10");
    engine.now += 11;
    engine.run("WATCH k");
    engine.run("MULTI");
    engine.run("SET k w");
    assert_eq!(engine.run("EXEC"), "*1\r\n+OK\r\n");
}

#[test]
fn effects_are_rendered_and_say_why() {
    let mut engine = Engine::new();
    for command in [
        "HSET h b 2 a 1",
        "HDEL h a",
        "HDEL h b",
        "ZADD z 2.5 m 1 n",
        "SET k v EX 5",
        "EXPIRE k 9",
        "GETEX k PERSIST",
        "DEL k none",
        "FLUSHALL",
    ] {
        engine.run(command);
    }
    let expected = [
        "Set h {a: 1, b: 2}",
        "Set h {b: 2}",
        "Del h ",
        "Set z {n: 1, m: 2.5}",
        "Set k v",
        "Retimed k v",
        "Retimed k v",
        "Del k ",
        "Flushed z ",
    ];
    assert_eq!(engine.effects(), expected);
    assert_eq!(Cause::Retimed.word(), None);
}

#[test]
fn loading_refuses_before_any_effect_and_breaks_a_transaction() {
    let mut engine = Engine::new();
    engine.keyspace.loading = 2;
    assert_eq!(engine.run("SET k v"), "-LOADING Redis is loading the dataset in memory\r\n");
    assert!(engine.run("HELLO 3").starts_with('%'));
    engine.run("MULTI");
    assert!(engine.run("SET k v").starts_with("-LOADING"));
    assert_eq!(engine.run("SET k v"), "+QUEUED\r\n");
    assert!(engine.run("EXEC").starts_with("-EXECABORT"));
    assert_eq!(engine.run("EXISTS k"), ":0\r\n");
}

#[test]
fn scan_returns_every_key_that_stays_while_others_come_and_go() {
    let mut engine = Engine::new();
    for number in 0..100 {
        engine.run(&format!("SET stays:{number} v"));
        engine.run(&format!("SET goes:{number} v"));
    }
    let (mut cursor, mut seen, mut step) = ("0".to_owned(), Vec::new(), 0);
    loop {
        let reply = engine.run(&format!("SCAN {cursor} COUNT 7 MATCH stays:*"));
        let words: Vec<&str> = reply.split("\r\n").filter(|line| !line.starts_with(['$', '*'])).collect();
        cursor = words[0].to_owned();
        seen.extend(words[1..].iter().filter(|word| !word.is_empty()).map(|word| (*word).to_owned()));
        if cursor == "0" {
            break;
        }
        engine.run(&format!("DEL goes:{step}"));
        engine.run(&format!("SET comes:{step} v"));
        step += 1;
    }
    assert!(step > 10, "{step} steps are too few for a test of cursors");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn the_journal_is_bounded() {
    let (mut journal, mut engine) = (Journal::default(), Engine::new());
    for _ in 0..100 {
        engine.run("INCR n");
        for effect in engine.keyspace.take_effects() {
            journal.note(tokio::time::Instant::now(), &effect);
        }
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(journal.len() as u64, REACH.as_secs() + 1);
}

type Log = Arc<Mutex<Vec<String>>>;

/// In-memory connections.
struct Pipes(tokio::sync::Mutex<mpsc::UnboundedReceiver<DuplexStream>>);

impl Listener for Pipes {
    type Stream = DuplexStream;

    async fn accept(&self) -> std::io::Result<DuplexStream> {
        self.0.lock().await.recv().await.ok_or_else(|| std::io::ErrorKind::NotConnected.into())
    }
}

/// A server on a paused clock, with the ground truth that it reports.
struct Served {
    redis: Redis,
    log: Log,
    connect: mpsc::UnboundedSender<DuplexStream>,
    serving: task::JoinHandle<std::io::Result<()>>,
}

impl Served {
    fn start(persistence: Persistence) -> Self {
        let log = Log::default();
        let written = Arc::clone(&log);
        let observer = move |store: &str, key: &str, value: Option<&str>, cause: &'static str| {
            let line = format!("{store} {key} {} {cause}", value.unwrap_or("-"));
            written.lock().expect("no panic while logging").push(line);
        };
        let redis = Redis::observed(Options { persistence, ..Options::default() }, Box::new(observer));
        let (connect, serving) = Self::incarnation(&redis);
        Self { redis, log, connect, serving }
    }

    fn incarnation(redis: &Redis) -> (mpsc::UnboundedSender<DuplexStream>, task::JoinHandle<std::io::Result<()>>) {
        let (connect, accept) = mpsc::unbounded_channel();
        let redis = redis.clone();
        (connect, task::spawn(async move { redis.serve(Pipes(accept.into())).await }))
    }

    /// Crashes the host and starts it again after a minute.
    async fn restart(&mut self) {
        self.serving.abort();
        sleep(Duration::from_mins(1)).await;
        (self.connect, self.serving) = Self::incarnation(&self.redis);
        sleep(Duration::from_millis(1)).await;
    }

    fn client(&self) -> Client {
        let (near, far) = tokio::io::duplex(1 << 16);
        self.connect.send(far).expect("the server accepts");
        Client(near)
    }

    fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().expect("no panic while logging"))
    }
}

struct Client(DuplexStream);

impl Client {
    /// Sends lines and returns what is answered; nothing when the server has hung up.
    async fn send(&mut self, lines: &str) -> String {
        let mut reply = BytesMut::new();
        if self.0.write_all(format!("{lines}\r\n").as_bytes()).await.is_ok() {
            // A hang-up reads as nothing.
            let _ = self.0.read_buf(&mut reply).await;
        }
        String::from_utf8_lossy(&reply).into_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_is_answered_with_one_write() {
    let served = Served::start(Persistence::Always);
    let mut client = served.client();
    assert_eq!(client.send("SET k v\r\nGET k\r\nPING").await, "+OK\r\n$1\r\nv\r\n+PONG\r\n");
}

#[tokio::test(start_paused = true)]
async fn the_redis_crate_is_at_home_here() {
    let served = Served::start(Persistence::Always);
    for protocol in [ProtocolVersion::RESP2, ProtocolVersion::RESP3] {
        let (near, far) = tokio::io::duplex(1 << 16);
        served.connect.send(far).expect("the server accepts");
        let settings = RedisConnectionInfo::default().set_protocol(protocol);
        let connecting = MultiplexedConnection::new_with_config(&settings, near, AsyncConnectionConfig::new());
        let (mut connection, driver) = connecting.await.expect("a connection with its set-up commands");
        task::spawn(driver);
        let (): () = connection.set_ex("k", 7, 100).await.expect("SETEX");
        let sum: i64 = connection.incr("k", 3).await.expect("INCRBY");
        let fields: BTreeMap<String, i64> = {
            let (): () = connection.hset_multiple("h", &[("a", 1), ("b", 2)]).await.expect("HMSET");
            connection.hgetall("h").await.expect("HGETALL")
        };
        let mut transaction = ::redis::pipe();
        transaction.atomic().zadd("z", "m", 1.5).ignore().zscore("z", "m").del("z").ignore();
        let scores: (f64,) = transaction.query_async(&mut connection).await.expect("MULTI to EXEC");
        assert_eq!((sum, fields.len(), scores), (10, 2, (1.5,)));
    }
}

#[tokio::test(start_paused = true)]
async fn without_persistence_a_restart_starts_empty() {
    let mut served = Served::start(Persistence::None);
    served.client().send("SET a 1\r\nSELECT 3\r\nSET b 2").await;
    served.restart().await;
    assert_eq!(served.take_log(), ["redis a 1 set", "redis/3 b 2 set", "redis a - lost", "redis/3 b - lost"]);
    assert_eq!(served.client().send("EXISTS a").await, ":0\r\n");
    // What the restart forgot is nothing that a replica could bring back.
    served.redis.fail_over(REACH);
    assert_eq!(served.take_log(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_restart_loses_the_last_second() {
    let mut served = Served::start(Persistence::LastSecondLost);
    let mut client = served.client();
    client.send("SET old 1\r\nSET kept 1\r\nSET timed 1").await;
    sleep(Duration::from_millis(1500)).await;
    client.send("SET new 1\r\nSET old 2\r\nSET old 3\r\nDEL kept\r\nEXPIRE timed 100").await;
    sleep(Duration::from_millis(900)).await;
    served.take_log();
    served.restart().await;
    assert_eq!(served.take_log(), ["redis kept 1 lost", "redis new - lost", "redis old 1 lost"]);
    let mut client = served.client();
    assert_eq!(client.send("MGET kept new old\r\nTTL timed").await, "*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n1\r\n:-1\r\n");
    // A second restart has nothing left to lose.
    sleep(Duration::from_millis(1500)).await;
    served.restart().await;
    assert_eq!(served.take_log(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_always_synced_survives() {
    let mut served = Served::start(Persistence::Always);
    let mut client = served.client();
    client.send("SET k v").await;
    served.restart().await;
    assert_eq!(served.take_log(), ["redis k v set"]);
    assert_eq!(client.send("GET k").await, "", "a connection to the dead incarnation answers");
    assert_eq!(served.client().send("GET k").await, "$1\r\nv\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_fail_over_takes_back_what_had_not_reached_the_replica() {
    let served = Served::start(Persistence::Always);
    let mut client = served.client();
    client.send("SET a 1").await;
    sleep(Duration::from_millis(300)).await;
    client.send("SET a 2\r\nHSET h f 1\r\nWATCH a").await;
    served.take_log();
    let told = served.redis.fail_over(Duration::from_millis(200));
    assert_eq!(told, "a replica 200ms behind took over, 2 keys went back");
    assert_eq!(served.take_log(), ["redis a 1 lost", "redis h - lost"]);
    assert_eq!(client.send("GET a").await, "", "connections outlive the master");
    let mut client = served.client();
    assert_eq!(client.send("GET a").await, "$1\r\n1\r\n");
    // What is lost does not come back with the next fail-over.
    served.redis.fail_over(Duration::from_millis(200));
    assert_eq!(served.take_log(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn eviction_drops_the_key_that_the_number_names() {
    let served = Served::start(Persistence::Always);
    assert_eq!(served.redis.evict(1), "no key to evict");
    served.client().send("MSET a 1 b 2\r\nSELECT 1\r\nSET c 3").await;
    served.take_log();
    assert_eq!(served.redis.evict(4), "evicted b");
    assert_eq!(served.redis.evict(1), "evicted c of database 1");
    assert_eq!(served.take_log(), ["redis b - evicted", "redis/1 c - evicted"]);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_is_lost_with_its_connection_and_watches_go_with_it() {
    let served = Served::start(Persistence::Always);
    let mut first = served.client();
    assert_eq!(first.send("WATCH k\r\nMULTI\r\nSET k 1").await, "+OK\r\n+OK\r\n+QUEUED\r\n");
    drop(first);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(served.client().send("SET k 2").await, "+OK\r\n");
    assert_eq!(served.take_log(), ["redis k 2 set"]);
}

#[tokio::test(start_paused = true)]
async fn connections_are_served_side_by_side() {
    let served = Served::start(Persistence::Always);
    let (mut first, mut second) = (served.client(), served.client());
    first.send("WATCH k\r\nMULTI\r\nGET k").await;
    second.send("SET k 2").await;
    assert_eq!(first.send("EXEC").await, "*-1\r\n");
}

#[tokio::test(start_paused = true)]
async fn fail_next_refuses_so_many_commands() {
    let served = Served::start(Persistence::Always);
    served.redis.fail_next(1);
    let reply = served.client().send("SET k 1\r\nSET k 2").await;
    assert_eq!(reply, "-LOADING Redis is loading the dataset in memory\r\n+OK\r\n");
    assert_eq!(served.take_log(), ["redis k 2 set"]);
}

#[tokio::test(start_paused = true)]
async fn keys_expire_by_the_wall_clock_alone() {
    let served = Served::start(Persistence::Always);
    served.client().send("SET k v EX 604800").await;
    // Only the monotonic clock is paused and skips the week.
    sleep(Duration::from_hours(7 * 24)).await;
    assert_eq!(served.take_log(), ["redis k v set"]);
}

#[tokio::test]
async fn a_key_expires_though_nobody_asks_for_it() {
    let served = Served::start(Persistence::Always);
    served.client().send("SET late v EX 100\r\nSET k v PX 20").await;
    served.take_log();
    for _ in 0..500 {
        sleep(Duration::from_millis(10)).await;
        let log = served.take_log();
        if !log.is_empty() {
            assert_eq!(log, ["redis k - expired"]);
            return;
        }
    }
    panic!("the key is still there after 5 seconds");
}
