//! The comparisons themselves.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::time::SystemTime;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use super::commands::{Step, sequence};
use super::peers::{Peers, pause};
use super::wire::{Connection, Raw, Reply};

const SEED: u64 = 20_240_607;
const SEQUENCES: u32 = 2_000;
const LENGTH: usize = 50;

/// By how much the clocks of two servers may differ in a reply, in milliseconds.
const TOLERANCE: i64 = 1_500;

fn runner(cases: u32) -> TestRunner {
    announce(cases);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&SEED.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 3_000, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

#[expect(clippy::print_stderr, reason = "a test tells its seed")]
fn announce(cases: u32) {
    eprintln!("{cases} cases from seed {SEED}");
}

#[expect(clippy::disallowed_methods, reason = "deadlines are agreed with a real server")]
fn seconds_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Both servers, with two connections to each; how often each command was served and refused.
struct Bench {
    peers: Peers,
    connections: Option<[[Connection; 2]; 2]>,
    tally: BTreeMap<String, (u64, u64)>,
}

impl Bench {
    fn connect(&mut self) -> io::Result<[[Connection; 2]; 2]> {
        let open = |address| Ok::<_, io::Error>([Connection::open(address)?, Connection::open(address)?]);
        match self.connections.take() {
            Some(connections) => Ok(connections),
            None => Ok([open(self.peers.real)?, open(self.peers.simulated)?]),
        }
    }

    /// Plays a sequence on both servers and compares reply by reply.
    fn play(&mut self, steps: &[Step], resp3: [bool; 2]) -> Result<(), String> {
        let mut connections = self.connect().map_err(|error| error.to_string())?;
        let script = script(steps, resp3);
        let mut queues = [Vec::new(), Vec::new()];
        let mut at = 0;
        while at < script.len() {
            let second = script[at].0;
            let batch: Vec<&[Vec<u8>]> =
                script[at..].iter().take_while(|line| line.0 == second).map(|line| &line.1[..]).collect();
            let channel = usize::from(second);
            for server in &mut connections {
                server[channel].send(&batch).map_err(|error| error.to_string())?;
            }
            for words in &batch {
                let [real, simulated] = connections.each_mut().map(|server| server[channel].reply());
                let [real, simulated] = [
                    real.map_err(|error| format!("{}: the real server: {error}", show(words)))?,
                    simulated.map_err(|error| format!("{}: the simulated server: {error}", show(words)))?,
                ];
                let context =
                    || format!("{}> {}: real {real:?}, simulated {simulated:?}", ["a", "b"][channel], show(words));
                if !same(words, &mut queues[channel], &real, &simulated) {
                    return Err(context());
                }
                self.count(words, &real);
            }
            at += batch.len();
        }
        self.connections = Some(connections);
        Ok(())
    }

    fn count(&mut self, words: &[Vec<u8>], reply: &Reply) {
        let counts = self.tally.entry(name(words)).or_default();
        match reply {
            Reply::Error(_) => counts.1 += 1,
            Reply::Simple(text) if text == "QUEUED" => {}
            _ => counts.0 += 1,
        }
    }
}

/// The words to send: first what makes both servers and connections alike, then the steps.
fn script(steps: &[Step], resp3: [bool; 2]) -> Vec<(bool, Vec<Vec<u8>>)> {
    let words = |line: &str| line.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
    let hello = |resp3: bool| words(if resp3 { "HELLO 3" } else { "HELLO 2" });
    let mut script = vec![
        (false, words("RESET")),
        (false, words("FLUSHALL")),
        (false, hello(resp3[0])),
        (true, words("RESET")),
        (true, hello(resp3[1])),
    ];
    let start = seconds_now();
    let mut expired = false;
    for (number, step) in steps.iter().enumerate() {
        expired |= step.leaves_expired();
        let mut words = step.words(number as u64, start);
        // Whether an expired key still counts depends on when a server looks.
        if expired && name(&words) == "dbsize" {
            words = vec![b"KEYS".to_vec(), b"*".to_vec()];
        }
        script.push((step.second, words));
    }
    script
}

fn name(words: &[Vec<u8>]) -> String {
    let word = |at: usize| words.get(at).map(|word| String::from_utf8_lossy(word).to_ascii_lowercase());
    let name = word(0).unwrap_or_default();
    match name.as_str() {
        "client" => format!("client {}", word(1).unwrap_or_default()),
        // Where any other cursor leads is a server's own affair.
        "scan" if word(1).is_some_and(|cursor| cursor != "0" && !cursor.is_empty()) => "scan on".to_owned(),
        _ => name,
    }
}

fn show(words: &[Vec<u8>]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("'{}'", word.escape_ascii())).collect();
    words.join(" ")
}

/// Whether two replies to one command are equal, as far as Redis promises it. `queue` is the open transaction.
fn same(words: &[Vec<u8>], queue: &mut Vec<String>, real: &Reply, simulated: &Reply) -> bool {
    let command = name(words);
    match (command.as_str(), real, simulated) {
        ("exec", Reply::Array(real), Reply::Array(simulated)) => {
            let queued = std::mem::take(queue);
            queued.len() == real.len()
                && real.len() == simulated.len()
                && queued.iter().zip(real.iter().zip(simulated)).all(|(command, (a, b))| alike(command, a, b))
        }
        ("multi", Reply::Simple(_), _) => {
            queue.clear();
            real == simulated
        }
        (_, Reply::Simple(text), _) if text == "QUEUED" => {
            queue.push(command);
            real == simulated
        }
        _ => alike(&command, real, simulated),
    }
}

fn alike(command: &str, real: &Reply, simulated: &Reply) -> bool {
    match (command, real, simulated) {
        (_, Reply::Error(_), _) | (_, _, Reply::Error(_)) => real == simulated,
        ("ttl" | "expiretime", Reply::Integer(a), Reply::Integer(b)) if *a >= 0 => *b >= 0 && (a - b).abs() <= 1,
        ("pttl" | "pexpiretime", Reply::Integer(a), Reply::Integer(b)) if *a >= 0 => {
            *b >= 0 && (a - b).abs() <= TOLERANCE
        }
        ("client id" | "time" | "info", ..) => shape(real) == shape(simulated),
        ("hello", ..) => greeting(real) == greeting(simulated),
        ("keys" | "hkeys" | "hvals", Reply::Array(_), Reply::Array(_)) => sorted(real) == sorted(simulated),
        ("scan", Reply::Array(a), Reply::Array(b)) => match (&a[..], &b[..]) {
            ([a_cursor, a_keys], [b_cursor, b_keys]) => a_cursor == b_cursor && sorted(a_keys) == sorted(b_keys),
            _ => false,
        },
        ("scan on", Reply::Array(a), Reply::Array(b)) => a.len() == b.len(),
        ("hgetall", ..) => pairs(real) == pairs(simulated),
        _ => real == simulated,
    }
}

/// A reply with its types only.
fn shape(reply: &Reply) -> Reply {
    match reply {
        Reply::Integer(_) => Reply::Integer(0),
        Reply::Bulk(_) => Reply::Bulk(String::new()),
        Reply::Verbatim(text) => Reply::Verbatim(text.chars().take(4).collect()),
        Reply::Array(elements) => Reply::Array(elements.iter().map(shape).collect()),
        other => other.clone(),
    }
}

/// What `HELLO` says, but for the connection's number.
fn greeting(reply: &Reply) -> (bool, Vec<(Reply, Reply)>) {
    let mut fields = pairs(reply);
    for (name, value) in &mut fields.1 {
        if *name == Reply::Bulk("id".to_owned()) {
            *value = shape(value);
        }
    }
    fields
}

/// Names and values in order of names, and whether they came as a map.
fn pairs(reply: &Reply) -> (bool, Vec<(Reply, Reply)>) {
    let (map, mut pairs) = match reply {
        Reply::Map(pairs) => (true, pairs.clone()),
        Reply::Array(flat) => (false, flat.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()),
        other => (false, vec![(other.clone(), Reply::Null)]),
    };
    pairs.sort();
    (map, pairs)
}

fn sorted(reply: &Reply) -> Vec<Reply> {
    let mut elements = match reply {
        Reply::Array(elements) => elements.clone(),
        other => vec![other.clone()],
    };
    elements.sort();
    elements
}

#[test]
fn random_sequences_are_answered_alike() {
    let Some(peers) = Peers::start() else { return };
    let bench = RefCell::new(Bench { peers, connections: None, tally: BTreeMap::new() });
    let result = runner(SEQUENCES)
        .run(&sequence(LENGTH), |(steps, resp3)| bench.borrow_mut().play(&steps, resp3).map_err(TestCaseError::fail));
    if let Err(failure) = result {
        panic!("{failure}");
    }
    // The comparison is worth something only if every command was both served and, where it can be, refused.
    let tally = bench.into_inner().tally;
    let total: u64 = tally.values().map(|(served, refused)| served + refused).sum();
    assert!(
        total > u64::from(SEQUENCES) * LENGTH as u64 / 2,
        "only {total} commands were compared outside transactions"
    );
    for (command, (served, refused)) in &tally {
        let nonsense = command == "nosuch" || (command.starts_with("client") && *served == 0);
        assert!(*served > 20 || nonsense, "{command} was served {served} times only");
        assert!(*refused > 0 || command == "client getname" || command == "client id", "{command} was never refused");
    }
    assert!(tally.len() > 70, "only {} commands took part", tally.len());
}

#[test]
fn the_table_of_commands_is_that_of_redis() {
    let Some(peers) = Peers::start() else { return };
    let [mut real, mut simulated] =
        [peers.real, peers.simulated].map(|address| Connection::open(address).expect("open"));
    let Reply::Array(commands) = simulated.ask(&["COMMAND"]) else { panic!("COMMAND lists commands") };
    assert_eq!(simulated.ask(&["COMMAND", "COUNT"]), Reply::Integer(commands.len() as i64));
    let mut compared = 0;
    for command in &commands {
        let Reply::Array(fields) = command else { panic!("a command is described by fields") };
        let Reply::Bulk(name) = &fields[0] else { panic!("the first field is the name") };
        let Reply::Array(found) = real.ask(&["COMMAND", "INFO", name]) else { panic!("Redis describes {name}") };
        compared += compare_description(&found[0], command);
    }
    assert!(compared > 70, "only {compared} descriptions were compared");
}

/// Compares names, arities, flags that we know of, and keys, part by part. Returns how many were compared.
fn compare_description(real: &Reply, simulated: &Reply) -> usize {
    let (Reply::Array(a), Reply::Array(b)) = (real, simulated) else {
        panic!("not two descriptions: {real:?}, {simulated:?}");
    };
    let flags = |reply: &Reply| {
        let known = ["readonly", "write", "loading"].map(|flag| Reply::Simple(flag.to_owned()));
        sorted(reply).into_iter().filter(|flag| known.contains(flag)).collect::<Vec<_>>()
    };
    assert_eq!(a[..2], b[..2], "name and arity");
    assert_eq!(flags(&a[2]), flags(&b[2]), "flags of {:?}", a[0]);
    assert_eq!(a[3..6], b[3..6], "keys of {:?}", a[0]);
    let (Reply::Array(theirs), Reply::Array(ours)) = (&a[9], &b[9]) else { panic!("the last field is the parts") };
    let mut compared = 1;
    for part in ours {
        let Reply::Array(fields) = part else { panic!("a part is described by fields") };
        match theirs.iter().find(|other| matches!(other, Reply::Array(other) if other[0] == fields[0])) {
            Some(other) => compared += compare_description(other, part),
            None => assert_eq!(fields[0], Reply::Bulk("client|setinfo".to_owned()), "a part that Redis has not"),
        }
    }
    compared
}

#[test]
fn cursors_lead_to_every_key() {
    let Some(peers) = Peers::start() else { return };
    for address in [peers.real, peers.simulated] {
        let mut connection = Connection::open(address).expect("open");
        for number in 0..200 {
            connection.ask(&["SET", &format!("key:{number}"), "v"]);
        }
        let (mut cursor, mut seen, mut rounds) = ("0".to_owned(), Vec::new(), 0);
        loop {
            let reply = connection.ask(&["SCAN", &cursor, "COUNT", "10"]);
            let Reply::Array(parts) = &reply else { panic!("{reply:?}") };
            let Reply::Bulk(next) = &parts[0] else { panic!("{reply:?}") };
            seen.extend(sorted(&parts[1]));
            rounds += 1;
            cursor.clone_from(next);
            if cursor == "0" {
                break;
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 200);
        assert!(rounds > 5, "{rounds} rounds are no iteration");
    }
}

#[test]
fn keys_expire_alike() {
    let Some(peers) = Peers::start() else { return };
    let mut connections = [peers.real, peers.simulated].map(|address| Connection::open(address).expect("open"));
    let before = ["SET k v PX 40", "SET w v PX 40", "WATCH w", "SET gone v PX 1"];
    let after = [
        "GET k",
        "TTL k",
        "PTTL k",
        "TYPE k",
        "EXISTS k",
        "SETNX k 1",
        "DBSIZE",
        "MULTI",
        "PING",
        "EXEC",
        "DEL gone",
        "KEYS *",
    ];
    let play = |connections: &mut [Connection; 2], lines: &[&str]| {
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let [real, simulated] = connections.each_mut().map(|connection| connection.ask(&words));
            assert_eq!(real, simulated, "{line}");
        }
    };
    play(&mut connections, &before);
    // Long enough for the real server's own round of expiry, too.
    pause(std::time::Duration::from_millis(400));
    play(&mut connections, &after);
}

/// Requests that are not the protocol, or nearly so.
const MALFORMED: &[&[u8]] = &[
    b"*2\r\n$3\r\nget\r\nx\r\n",
    b"*2\r\n$3\r\nget\r\nx",
    b"*a\r\n",
    b"*\r\n",
    b"*-1\r\nPING\r\n",
    b"*0\r\nPING\r\n",
    b"*1048577\r\n",
    b"*2147483648\r\n",
    b"*+1\r\n$4\r\nPING\r\n",
    b"*1 \r\n",
    b"*1\rX$4\r\nPING\r\n",
    b"*1\n$4\nPING\n",
    b"*1\r\n$-1\r\n",
    b"*1\r\n$a\r\n",
    b"*1\r\n$04\r\nPING\r\n",
    b"*1\r\n$600000000\r\n",
    b"*1\r\n\r\n",
    b"*1\r\n\0\r\n",
    b"*1\r\n:4\r\n",
    b"*1\r\n\xff\r\n",
    b"*1\r\n$0\r\n\r\n",
    b"*2\r\n$4\r\nPING\r\n$x\r\n",
    b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n",
    b"*1\r\n$4\r\nPING\r\n*1\r\n*1\r\n",
    b"PING 'a\r\n",
    b"PING 'a'b\r\n",
    b"PING \"a\\x41\\n\\\"\"\r\n",
    b"PING '\\'\\n'\r\n",
    b"PING a\"b\"\r\n",
    b"PING \"\\xZZ\"\r\n",
    b"''\r\n",
    b"\r\n\r\nPING\r\n",
    b"\n \t \nPING\n",
    b"PING\nPING\r\n",
    b"PING \0a\r\n",
    b"PING \xff\xfe\r\n",
    b"POST / HTTP/1.1\r\n",
    b"PING\r\nHost: x\r\nPING\r\n",
    b"NOSUCH a\r\n",
    b"QUIT\r\nPING\r\n",
    b"QUIT now and here\r\n",
    b"MULTI\r\nPING\r\nQUIT\r\n",
];

#[test]
fn malformed_requests_get_the_same_error_and_the_same_end() {
    let Some(peers) = Peers::start() else { return };
    let long = |prefix: &[u8], byte: u8| [prefix, &vec![byte; 70_000]].concat();
    let long = [long(b"", b'x'), long(b"*", b'1'), long(b"*1\r\n$", b'1')];
    let mut closed = 0;
    for input in MALFORMED.iter().copied().chain(long.iter().map(Vec::as_slice)) {
        let mut answers = [peers.real, peers.simulated].map(|address| Raw::send(address, input));
        // Whether a server says no more shows only by waiting: longer when it seems that the two differ.
        for _ in 0..30 {
            answers.iter_mut().for_each(Raw::drain);
            if answers[0].outcome() == answers[1].outcome() {
                break;
            }
        }
        let shown = input[..input.len().min(60)].escape_ascii();
        assert_eq!(answers[0].outcome(), answers[1].outcome(), "`{shown}`: real on the left, simulated on the right");
        closed += usize::from(answers[0].closed);
    }
    assert!(closed > 20, "only {closed} of the requests ended a connection");
}

#[test]
fn any_stream_of_bytes_is_answered_alike() {
    const PIECES: &[&[u8]] = &[
        b"*1\r\n",
        b"*2\r\n",
        b"$4\r\n",
        b"PING",
        b"ECHO",
        b"\r\n",
        b"\r\n",
        b"$1\r\n",
        b"x",
        b"*0\r\n",
        b"*-1\r\n",
        b"$-1\r\n",
        b"'",
        b"\"",
        b" ",
        b"\\x41",
        b"\\",
        b"\0",
        b"*1\r\n$4\r\nPING\r\n",
        b"PING\r\n",
        b"\n",
        b"*",
        b"$",
        b"*2\r\n$4\r\nECHO\r\n$2\r\n",
        b"\xc3\xa9",
    ];
    let Some(peers) = Peers::start() else { return };
    let soup = prop::collection::vec(prop::sample::select(PIECES), 0..12);
    let result = runner(1_000).run(&soup, |pieces| {
        let input = pieces.concat();
        let mut answers = [peers.real, peers.simulated].map(|address| Raw::send(address, &input));
        answers.iter().for_each(Raw::finish);
        for answer in &mut answers {
            for _ in 0..50 {
                answer.drain();
            }
        }
        let [real, simulated] = answers.map(|answer| answer.outcome());
        prop_assert_eq!(real, simulated, "`{}`", input.escape_ascii());
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
