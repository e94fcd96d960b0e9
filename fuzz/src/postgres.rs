//! A Postgres and any bytes that a client may send it.
//!
//! The first byte says into pieces of which size the others are cut. Of its two highest bits, whether the others come after
//! a start-up message, whether they are bodies to which lengths are added, or whether they go to the port of the slots.

use sexton::servers::postgres::{Options, Postgres};

use super::script::{self, pieces};

const SCHEMA: &str = "
    CREATE TABLE t (id BIGINT PRIMARY KEY, name TEXT UNIQUE, n INT DEFAULT 7, at TIMESTAMPTZ, tags TEXT[], doc JSONB,
        u UUID, f DOUBLE PRECISION, raw BYTEA, ok BOOLEAN);
    INSERT INTO t (id, name, n) VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', NULL);
";
/// Between messages that are given without lengths.
const END: u8 = 0xfe;

/// The server answers whole messages or hangs up, says the same however the bytes arrive, and serves the next client.
///
/// # Panics
/// Where it does not.
pub fn check(bytes: &[u8]) {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    let bytes = match how >> 6 {
        0 => bytes.to_vec(),
        1 => [&start()[..], bytes].concat(),
        2 => [&start()[..], &framed(bytes)].concat(),
        _ => return slots(bytes, how),
    };
    let whole = talk(pieces(&bytes, None));
    if let Err(why) = messages(&whole) {
        panic!("{why} in {}", whole.escape_ascii());
    }
    let parts = talk(pieces(&bytes, Some(usize::from(how & 0x3f))));
    assert!(parts == whole, "in one piece\n{}\nin several\n{}", whole.escape_ascii(), parts.escape_ascii());
}

fn server() -> Postgres {
    let postgres = Postgres::new(Options { logical: true, ..Options::default() });
    postgres.prepare(SCHEMA).expect("a schema that the server knows");
    postgres.create_slot("kept").expect("it may have slots");
    postgres.prepare("INSERT INTO t (id) VALUES (4)").expect("there is such a table");
    postgres
}

fn talk(hostile: Vec<Vec<u8>>) -> Vec<u8> {
    let mut next = start();
    next.extend(message(b'Q', b"SELECT 1 + 1\0"));
    let mut told = script::talk(vec![hostile, pieces(&next, None)], |queue| async move {
        // Its end is the listener's, which has none.
        let _ = server().serve(&*queue).await;
    });
    let next = told.pop().unwrap_or_default();
    assert!(next.ends_with(b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I"), "the next client: {}", next.escape_ascii());
    told.remove(0)
}

/// The port on which slots are consumed: an answer is a line of JSON.
fn slots(bytes: &[u8], how: u8) {
    let talk = |hostile| {
        let next = b"{\"start\":\"kept\",\"after\":null}\n".to_vec();
        let mut told = script::talk(vec![hostile, vec![next]], |queue| async move {
            let _ = server().serve_slots(&*queue).await;
        });
        told.truncate(1);
        told.remove(0)
    };
    let whole = talk(pieces(bytes, None));
    assert!(whole.last().is_none_or(|last| *last == b'\n'), "no line: {}", whole.escape_ascii());
    for line in whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Result<serde_json::Value, _> = serde_json::from_slice(line);
        assert!(line.is_ok(), "no JSON in {}", whole.escape_ascii());
    }
    let parts = talk(pieces(bytes, Some(usize::from(how & 0x3f))));
    let same = answers(&parts) == answers(&whole);
    assert!(same, "in one piece\n{}\nin several\n{}", whole.escape_ascii(), parts.escape_ascii());
}

/// All but what is told unasked, whenever there is time.
fn answers(told: &[u8]) -> Vec<&[u8]> {
    let unasked = |line: &&[u8]| line.starts_with(b"{\"lsn\":") || line.starts_with(b"{\"keepalive\":");
    told.split(|byte| *byte == b'\n').filter(|line| !unasked(line)).collect()
}

fn start() -> Vec<u8> {
    let body = b"\0\x03\0\0user\0fuzz\0\0";
    [&(body.len() as u32 + 4).to_be_bytes()[..], body].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &(body.len() as u32 + 4).to_be_bytes()[..], body].concat()
}

/// Kinds and bodies, with their lengths.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let parts = bytes.split(|byte| *byte == END).filter_map(<[u8]>::split_first);
    parts.flat_map(|(kind, body)| message(*kind, body)).collect()
}

/// Whether these are messages of a server: answers to questions about encryption, and then whole ones of known kinds.
fn messages(bytes: &[u8]) -> Result<(), String> {
    let mut rest = bytes;
    while let [b'N', after @ ..] = rest {
        rest = after;
    }
    while let [kind, a, b, c, d, after @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let body = length.checked_sub(4).and_then(|length| after.get(..length));
        let body = body.ok_or_else(|| format!("a message {:?} of {length} bytes breaks off", char::from(*kind)))?;
        let good = match kind {
            b'E' | b'N' => body.ends_with(b"\0\0"),
            b'Z' => matches!(body, [b'I' | b'T' | b'E']),
            b'C' | b'S' => body.ends_with(b"\0"),
            b'D' => is_row(body),
            b'1' | b'2' | b'3' | b'I' | b'n' | b's' => body.is_empty(),
            b'R' | b'K' | b'T' | b't' | b'v' => body.len() >= 2,
            _ => false,
        };
        if !good {
            return Err(format!("no message {:?}: {}", char::from(*kind), body.escape_ascii()));
        }
        rest = &after[length - 4..];
    }
    if rest.is_empty() { Ok(()) } else { Err("the last message breaks off".to_owned()) }
}

/// A count, and so many values with their lengths.
fn is_row(body: &[u8]) -> bool {
    let [a, b, rest @ ..] = body else { return false };
    let mut rest = rest;
    for _ in 0..u16::from_be_bytes([*a, *b]) {
        let [a, b, c, d, after @ ..] = rest else { return false };
        let length = i32::from_be_bytes([*a, *b, *c, *d]);
        let Some(after) = after.get(length.max(0) as usize..) else { return false };
        rest = after;
    }
    rest.is_empty()
}
