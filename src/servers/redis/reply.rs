//! Replies: RESP2 and RESP3 as they are written, and the texts of refusals.

use std::io::Write;

use bytes::{BufMut, Bytes, BytesMut};

use super::numbers;

/// Which form of the protocol a session speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Protocol {
    #[default]
    Resp2,
    Resp3,
}

/// The replies of a session that are not sent yet, already encoded.
///
/// Written as it goes, since the protocol may change between two replies of one transaction.
#[derive(Debug, Default)]
pub(super) struct Replies {
    pub(super) protocol: Protocol,
    bytes: BytesMut,
}

impl Replies {
    pub(super) fn bytes(&mut self) -> &mut BytesMut {
        &mut self.bytes
    }

    fn header(&mut self, kind: u8, number: i64) {
        self.bytes.put_u8(kind);
        // Writing to memory cannot fail.
        let _ = write!((&mut self.bytes).writer(), "{number}\r\n");
    }

    fn line(&mut self, kind: u8, text: &[u8]) {
        self.bytes.put_u8(kind);
        self.bytes.put_slice(text);
        self.bytes.put_slice(b"\r\n");
    }

    pub(super) fn ok(&mut self) {
        self.simple("OK");
    }

    pub(super) fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    pub(super) fn integer(&mut self, number: i64) {
        self.header(b':', number);
    }

    pub(super) fn count(&mut self, number: usize) {
        self.integer(number as i64);
    }

    pub(super) fn flag(&mut self, truth: bool) {
        self.integer(i64::from(truth));
    }

    pub(super) fn bulk(&mut self, data: &[u8]) {
        self.header(b'$', data.len() as i64);
        self.bytes.put_slice(data);
        self.bytes.put_slice(b"\r\n");
    }

    /// A bulk string, or that there is none.
    pub(super) fn bulk_or_null(&mut self, data: Option<&Bytes>) {
        match data {
            Some(data) => self.bulk(data),
            None => self.null(),
        }
    }

    pub(super) fn null(&mut self) {
        self.bytes.put_slice(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    pub(super) fn null_array(&mut self) {
        self.bytes.put_slice(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    pub(super) fn double(&mut self, number: f64) {
        let text = numbers::write_float(number);
        match self.protocol {
            Protocol::Resp2 => self.bulk(text.as_bytes()),
            Protocol::Resp3 => self.line(b',', text.as_bytes()),
        }
    }

    /// Announces an array; its elements follow.
    pub(super) fn array(&mut self, length: usize) {
        self.header(b'*', length as i64);
    }

    /// Announces a map; its pairs follow.
    pub(super) fn map(&mut self, pairs: usize) {
        match self.protocol {
            Protocol::Resp2 => self.header(b'*', pairs as i64 * 2),
            Protocol::Resp3 => self.header(b'%', pairs as i64),
        }
    }

    /// Text for people.
    pub(super) fn verbatim(&mut self, text: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text.as_bytes()),
            Protocol::Resp3 => {
                self.header(b'=', text.len() as i64 + 4);
                self.bytes.put_slice(b"txt:");
                self.bytes.put_slice(text.as_bytes());
                self.bytes.put_slice(b"\r\n");
            }
        }
    }

    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        let text = match refusal {
            Refusal::Plain(text) => text.as_bytes(),
            Refusal::Composed(text) => text,
        };
        self.bytes.put_u8(b'-');
        // What a client sent may be quoted, and must not break the line.
        self.bytes.extend(text.iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
        self.bytes.put_slice(b"\r\n");
    }
}

/// Why a command is refused: the error as the client sees it, code first.
#[derive(Debug)]
pub(super) enum Refusal {
    Plain(&'static str),
    Composed(Vec<u8>),
}

impl Refusal {
    pub(super) const SYNTAX: Self = Self::Plain("ERR syntax error");
    pub(super) const WRONG_TYPE: Self =
        Self::Plain("WRONGTYPE Operation against a key holding the wrong kind of value");
    pub(super) const NOT_AN_INTEGER: Self = Self::Plain("ERR value is not an integer or out of range");
    pub(super) const NOT_A_FLOAT: Self = Self::Plain("ERR value is not a valid float");
    pub(super) const OVERFLOW: Self = Self::Plain("ERR increment or decrement would overflow");

    pub(super) fn arity(command: &str) -> Self {
        Self::Composed(format!("ERR wrong number of arguments for '{command}' command").into_bytes())
    }

    pub(super) fn expire_time(command: &str) -> Self {
        Self::Composed(format!("ERR invalid expire time in '{command}' command").into_bytes())
    }

    /// `before`, at most so many bytes of what the client sent, `after`. As in Redis, a zero byte ends what was sent.
    pub(super) fn quoting(before: &str, sent: &[u8], most: usize, after: &str) -> Self {
        Self::Composed([before.as_bytes(), quotable(sent, most), after.as_bytes()].concat())
    }

    /// The answer to a command that does not exist.
    pub(super) fn unknown_command(args: &[Bytes]) -> Self {
        let mut shown = Vec::new();
        for argument in args.iter().skip(1) {
            if shown.len() >= 128 {
                break;
            }
            let room = 128 - shown.len();
            shown.push(b'\'');
            shown.extend_from_slice(quotable(argument, room));
            shown.extend_from_slice(b"' ");
        }
        let name = args.first().map_or(&b""[..], |name| quotable(name, 128));
        Self::Composed([b"ERR unknown command '", name, b"', with args beginning with: ", &shown].concat())
    }
}

fn quotable(sent: &[u8], most: usize) -> &[u8] {
    let end = sent.iter().take(most).position(|&byte| byte == 0).unwrap_or(sent.len().min(most));
    &sent[..end]
}
