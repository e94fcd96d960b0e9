//! When two replies are equal, as far as Redis promises anything about them.

use super::wire::Reply;

/// By how much the clocks of two servers may differ in a reply, in milliseconds.
const TOLERANCE: i64 = 1_500;

/// A command by its name, or by as much of it as settles how replies compare.
pub(crate) fn name(words: &[Vec<u8>]) -> String {
    let word = |at: usize| words.get(at).map(|word| String::from_utf8_lossy(word).to_ascii_lowercase());
    let name = word(0).unwrap_or_default();
    match name.as_str() {
        "client" => format!("client {}", word(1).unwrap_or_default()),
        // Where any other cursor leads is a server's own affair.
        "scan" if word(1).is_some_and(|cursor| cursor != "0" && !cursor.is_empty()) => "scan on".to_owned(),
        _ => name,
    }
}

/// A command for people.
pub(crate) fn show(words: &[Vec<u8>]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("'{}'", word.escape_ascii())).collect();
    words.join(" ")
}

/// Whether two replies to one command are equal, as far as Redis promises it. `queue` is the open transaction.
pub(crate) fn same(words: &[Vec<u8>], queue: &mut Vec<String>, real: &Reply, simulated: &Reply) -> bool {
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

pub(crate) fn sorted(reply: &Reply) -> Vec<Reply> {
    let mut elements = match reply {
        Reply::Array(elements) => elements.clone(),
        other => vec![other.clone()],
    };
    elements.sort();
    elements
}
