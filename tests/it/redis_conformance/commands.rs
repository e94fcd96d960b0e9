//! Random commands: templates whose blanks are filled from small sets, so that they conflict, and some spoilt on purpose.

use std::fmt;

use proptest::prelude::*;

/// How likely, and what. `{x}` is a blank; see [`blank`].
const TEMPLATES: &[(u32, &str)] = &[
    (6, "SET {s} {v}"),
    (2, "SET {k} {v} {setopt}"),
    (2, "SET {s} {v} {setopt} {setopt}"),
    (2, "SET {s} {v} EX {ttl}"),
    (1, "SET {s} {v} PX {pttl}"),
    (1, "SET {s} {v} EXAT {at} NX"),
    (1, "SET {s} {v} XX PXAT {pat} GET"),
    (1, "SET {s} {v} EX {ttl} PX {pttl}"),
    (1, "SET {s} {v} EX {ttl} EX {ttl}"),
    (1, "SET {s} {v} KEEPTTL EX {ttl}"),
    (1, "SET {s} {v} {bad-unit} {bad-time}"),
    (1, "SET {k} {v} EXAT {past}"),
    (1, "SET {k} {v} PXAT {past} {setopt}"),
    (3, "GET {s}"),
    (1, "GET {k}"),
    (2, "GETEX {s}"),
    (1, "GETEX {k} EX {ttl}"),
    (1, "GETEX {s} PX {pttl}"),
    (1, "GETEX {s} EXAT {at}"),
    (1, "GETEX {s} PXAT {pat}"),
    (2, "GETEX {k} PERSIST"),
    (1, "GETEX {s} PERSIST EX {ttl}"),
    (1, "GETEX {s} {bad-unit} {bad-time}"),
    (1, "GETEX {s} EXAT {past}"),
    (1, "GETDEL {s}"),
    (1, "GETSET {s} {v}"),
    (1, "MGET {s}"),
    (1, "MGET {k} {s} {s} {h}"),
    (1, "MSET {s} {v} {k} {v}"),
    (1, "SETEX {s} {ttl} {v}"),
    (1, "SETEX {s} {bad-time} {v}"),
    (1, "PSETEX {k} {pttl} {v}"),
    (1, "PSETEX {s} {bad-time} {v}"),
    (2, "SETNX {k} {v}"),
    (2, "DEL {k}"),
    (1, "DEL {k} {k} {k}"),
    (1, "UNLINK {k}"),
    (1, "UNLINK {k} {k}"),
    (1, "EXISTS {k}"),
    (1, "EXISTS {k} {k}"),
    (2, "TYPE {k}"),
    (3, "INCR {s}"),
    (2, "DECR {s}"),
    (2, "INCRBY {s} {i}"),
    (2, "DECRBY {s} {i}"),
    (2, "APPEND {s} {v}"),
    (2, "STRLEN {s}"),
    (2, "EXPIRE {k} {ttl}"),
    (1, "PEXPIRE {k} {pttl}"),
    (1, "EXPIREAT {k} {at}"),
    (1, "PEXPIREAT {k} {pat}"),
    (2, "EXPIRE {k} {ttl} {expopt}"),
    (1, "PEXPIRE {k} {pttl} {expopt}"),
    (1, "EXPIREAT {k} {at} {expopt} {expopt}"),
    (1, "PEXPIREAT {k} {pat} {expopt}"),
    (1, "EXPIRE {k} {bad-time}"),
    (1, "PEXPIRE {k} {bad-time}"),
    (1, "EXPIREAT {k} {past}"),
    (1, "PEXPIREAT {k} {past} {expopt}"),
    (2, "TTL {k}"),
    (2, "PTTL {k}"),
    (1, "EXPIRETIME {k}"),
    (1, "PEXPIRETIME {k}"),
    (1, "PERSIST {k}"),
    (3, "HSET {h} {f} {v}"),
    (2, "HSET {h} {f} {v} {f} {v}"),
    (1, "HMSET {h} {f} {v}"),
    (2, "HGET {h} {f}"),
    (1, "HMGET {h} {f} {f} {f}"),
    (2, "HGETALL {h}"),
    (2, "HDEL {h} {f} {f}"),
    (1, "HEXISTS {h} {f}"),
    (1, "HLEN {h}"),
    (1, "HKEYS {h}"),
    (1, "HVALS {h}"),
    (2, "HINCRBY {h} {f} {i}"),
    (1, "HSETNX {h} {f} {v}"),
    (3, "ZADD {z} {d} {m}"),
    (2, "ZADD {z} {d} {m} {d} {m}"),
    (3, "ZADD {z} {zopt} {d} {m}"),
    (2, "ZADD {z} {zopt} {zopt} {d} {m}"),
    (1, "ZADD {z} {zopt} INCR {d} {m}"),
    (1, "ZADD {z} INCR {d} {m} {d} {m}"),
    (1, "ZINCRBY {z} {d} {m}"),
    (2, "ZREM {z} {m} {m}"),
    (2, "ZSCORE {z} {m}"),
    (1, "ZCARD {z}"),
    (2, "ZCOUNT {z} {r} {r}"),
    (2, "ZRANGE {z} {n} {n}"),
    (1, "ZRANGE {z} {n} {n} WITHSCORES"),
    (1, "ZRANGE {z} {n} {n} REV WITHSCORES"),
    (2, "ZRANGE {z} {r} {r} BYSCORE"),
    (1, "ZRANGE {z} {r} {r} BYSCORE LIMIT {n} {n} WITHSCORES"),
    (1, "ZRANGE {z} {r} {r} REV BYSCORE LIMIT {n} {n}"),
    (1, "ZRANGE {z} {n} {n} LIMIT 0 1"),
    (1, "ZRANGE {z} - + BYLEX WITHSCORES"),
    (1, "ZRANGE lex {x} {x} BYLEX"),
    (1, "ZRANGE lex {x} {x} REV BYLEX LIMIT {n} {n}"),
    (1, "ZADD lex 0 {m} 0 {m}"),
    (2, "ZRANGEBYSCORE {z} {r} {r}"),
    (1, "ZRANGEBYSCORE {z} {r} {r} WITHSCORES LIMIT {n} {n}"),
    (2, "ZREMRANGEBYSCORE {z} {r} {r}"),
    (4, "WATCH {k}"),
    (1, "WATCH {k} {k}"),
    (1, "UNWATCH"),
    (12, "MULTI"),
    (18, "EXEC"),
    (1, "DISCARD"),
    (1, "SCAN 0 COUNT 1000"),
    (1, "SCAN 0 MATCH {g} COUNT 1000"),
    (1, "SCAN 0 COUNT 1000 TYPE {type}"),
    (1, "SCAN {cursor} COUNT {count}"),
    (1, "KEYS {g}"),
    (2, "DBSIZE"),
    (1, "FLUSHDB {flush}"),
    (1, "FLUSHALL"),
    (2, "SELECT {db}"),
    (1, "PING"),
    (1, "PING {v}"),
    (1, "ECHO {v}"),
    (2, "HELLO {proto}"),
    (1, "HELLO {proto} AUTH {user} secret SETNAME {name}"),
    (1, "AUTH {user} secret"),
    (1, "AUTH secret"),
    (1, "CLIENT SETNAME {name}"),
    (1, "CLIENT GETNAME"),
    (1, "CLIENT ID"),
    (1, "CLIENT {v}"),
    (1, "INFO {section}"),
    (1, "TIME"),
    (1, "RESET"),
    (1, "NOSUCH {v} {k} {v}"),
];

const STRINGS: &[&str] = &["s1", "s2", "s1", "s2", "s3", "s1", "h1", "z1"];
const HASHES: &[&str] = &["h1", "h2", "h1", "h2", "h1", "h1", "s1", "z1"];
const SORTED: &[&str] = &["z1", "z2", "z1", "z2", "z1", "z1", "s1", "h1"];
const KEYS: &[&str] = &["s1", "s2", "s3", "h1", "h2", "z1", "z2", "lex"];
const VALUES: &[&str] =
    &["1", "10", "abc", "", "-5", "9223372036854775807", "-9223372036854775808", "a b\r\nc", "3.5", "01", "x\0y"];
const INTEGERS: &[&str] =
    &["1", "2", "-1", "0", "7", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "x", "1.5", ""];
const SCORES: &[&str] = &[
    "1",
    "2",
    "3",
    "2.5",
    "-1",
    "0.1",
    "inf",
    "-inf",
    "1e20",
    "1e-7",
    "123456789012",
    "0x10",
    ".5",
    "+7",
    "nan",
    "x",
    "",
    "1e400",
    " 1",
];
const BOUNDS: &[&str] = &[
    "-inf", "+inf", "1", "(1", "2.5", "(2.5", "3", "(3", "0.1", "-1", "1e20", "x", "", "(", "(x", "nan", " 1", "1e400",
];
const RANKS: &[&str] = &["0", "1", "-1", "-2", "2", "100", "-100", "x", "-9223372036854775808", "9223372036854775807"];
const BAD_TIMES: &[&str] = &["0", "-1", "x", "9223372036854775807", "9223372036854775", "-9223372036854775808", ""];
const GLOBS: &[&str] = &["*", "s*", "?1", "[sh]*", "[^s]*", "h[1-9]", "\\s1", "nothing", "**1", "[s", "*[2-1]", ""];
const JUNK: &[&str] =
    &["x", "", "-1", "0", "NX", "GET", "WITHSCORES", "99999999999999999999", "a\r\nb", "k\0k", "LIMIT"];

/// What a blank may become.
fn blank(name: &str) -> &'static [&'static str] {
    match name {
        "s" => STRINGS,
        "h" => HASHES,
        "z" => SORTED,
        "k" => KEYS,
        "v" => VALUES,
        "i" => INTEGERS,
        "d" => SCORES,
        "r" => BOUNDS,
        "n" => RANKS,
        "g" => GLOBS,
        "f" => &["a", "b", "c", ""],
        "m" => &["a", "b", "c", "d", "e", ""],
        "x" => &["-", "+", "[a", "(a", "[c", "(d", "[", "a", ""],
        "setopt" => &["NX", "XX", "GET", "KEEPTTL", "get", "PERSIST", "EX", "WHAT"],
        "expopt" => &["NX", "XX", "GT", "LT", "gt", "WHAT"],
        "zopt" => &["NX", "XX", "GT", "LT", "CH", "gt", "INCR"],
        "bad-unit" => &["EX", "PX", "EXAT", "PXAT"],
        "bad-time" => BAD_TIMES,
        // Times that have passed, whether they are read as seconds or as milliseconds.
        "past" => &["1", "1000", "1000000"],
        "type" => &["string", "hash", "ZSET", "list", "x"],
        "count" => &["1000", "0", "-1", "x", ""],
        "cursor" => &["0", "x", "-", "", "1x"],
        "db" => &["0", "1", "0", "15", "16", "-1", "x", "4294967296"],
        "proto" => &["2", "3", "3", "4", "1", "x", ""],
        "user" => &["default", "stranger"],
        "name" => &["me", "two words", ""],
        "flush" => &["SYNC", "ASYNC", "NOW"],
        "section" => &["server", "keyspace", "all", "none-such"],
        other => panic!("no blank is called {other}"),
    }
}

/// How a command is spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    No,
    Lowercase,
    DropLast,
    Append(u8),
    Replace(u8, u8),
}

/// One command on one of two connections. Its times are settled when it is sent.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) second: bool,
    template: &'static str,
    fill: [u8; 6],
    spoil: Spoil,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.words(0, 0).into_iter().map(|word| word.escape_ascii().to_string());
        let words: Vec<String> = words.map(|word| if word.is_empty() { "''".to_owned() } else { word }).collect();
        write!(f, "{}> {}", if self.second { "b" } else { "a" }, words.join(" "))
    }
}

impl Step {
    /// Whether it leaves a key that has expired already but is still counted.
    pub(crate) fn leaves_expired(&self) -> bool {
        self.template.starts_with("SET ") && self.template.contains("{past}")
    }

    /// The words to send as the `number`-th step of a sequence that began at `start` (in seconds since the epoch).
    ///
    /// No two steps ask for times that are less than five seconds apart, so that no comparison of two deadlines hangs
    /// on how fast a server is.
    pub(crate) fn words(&self, number: u64, start: u64) -> Vec<Vec<u8>> {
        let span = 1000 + number * 10;
        let mut fill = self.fill.iter();
        let mut words = Vec::new();
        for word in self.template.split(' ') {
            let Some(name) = word.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
                words.push(word.as_bytes().to_vec());
                continue;
            };
            words.push(match name {
                "ttl" => span.to_string().into_bytes(),
                "pttl" => (span * 1000).to_string().into_bytes(),
                "at" => (start + span + 5).to_string().into_bytes(),
                "pat" => ((start + span + 5) * 1000).to_string().into_bytes(),
                _ => {
                    let choices = blank(name);
                    let choice = fill.next().expect("a template has at most six blanks");
                    choices[usize::from(*choice) % choices.len()].as_bytes().to_vec()
                }
            });
        }
        self.spoil(&mut words);
        words
    }

    fn spoil(&self, words: &mut Vec<Vec<u8>>) {
        let junk = |which: u8| JUNK[usize::from(which) % JUNK.len()].as_bytes().to_vec();
        match self.spoil {
            Spoil::Lowercase => words[0].make_ascii_lowercase(),
            Spoil::DropLast if words.len() > 1 => {
                words.pop();
            }
            Spoil::No | Spoil::DropLast => {}
            Spoil::Append(which) => words.push(junk(which)),
            Spoil::Replace(at, which) => {
                let at = usize::from(at) % words.len();
                // The name of a command is spoilt by none but the template that says so.
                if at > 0 {
                    words[at] = junk(which);
                }
            }
        }
    }
}

/// A command, most often on the connection of the one before; see [`sequence`]. The first flag is always set, until
/// shrinking leaves the command out.
fn step() -> impl Strategy<Value = (bool, bool, Step)> {
    let templates = TEMPLATES.iter().map(|&(weight, template)| (weight, Just(template)));
    let template =
        prop::strategy::Union::new_weighted(templates.map(|(weight, just)| (weight, just.boxed())).collect());
    let spoil = prop_oneof![
        30 => Just(Spoil::No),
        1 => Just(Spoil::Lowercase),
        1 => Just(Spoil::DropLast),
        1 => any::<u8>().prop_map(Spoil::Append),
        1 => any::<(u8, u8)>().prop_map(|(at, which)| Spoil::Replace(at, which)),
    ];
    let switches = prop::bool::weighted(0.15);
    let wanted = prop::bool::weighted(1.0);
    (wanted, switches, template, any::<[u8; 6]>(), spoil).prop_map(|(wanted, switches, template, fill, spoil)| {
        (wanted, switches, Step { second: false, template, fill, spoil })
    })
}

/// A sequence of commands on two connections, and whether each of these speaks RESP3 to begin with.
pub(crate) fn sequence(length: usize) -> impl Strategy<Value = (Vec<Step>, [bool; 2])> {
    let steps = prop::collection::vec(step(), length).prop_map(|steps| {
        let mut second = false;
        let place = |(wanted, switches, mut step): (bool, bool, Step)| {
            second ^= switches;
            step.second = second;
            wanted.then_some(step)
        };
        steps.into_iter().filter_map(place).collect()
    });
    (steps, any::<[bool; 2]>())
}
