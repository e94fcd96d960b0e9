//! What clients send: bytes to requests.
//!
//! Not by the decoders of `pgwire`, which panic on a message that is shorter than what it says is in it.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes, BytesMut};

/// The most that one message may take where it carries a statement or values, and otherwise; in bytes.
const LARGE: usize = 16 << 20;
const SMALL: usize = 10_000;
/// The codes that stand where a start-up message has its version.
const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;

/// The first message of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::servers::postgres) enum Opening {
    /// May it be encrypted?
    Encryption,
    /// Stop what that connection does.
    Cancel { pid: i32, secret: i32 },
    /// Begin, with these settings; the minor version is what the client would like to speak.
    Start { minor: u16, parameters: BTreeMap<String, String> },
    /// It speaks another protocol.
    Version { major: u16, minor: u16 },
}

/// What a message is about that names a statement or a portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::servers::postgres) enum Target {
    Statement(String),
    Portal(String),
}

/// A message of a connection that has begun.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::servers::postgres) enum Request {
    Query(String),
    Parse {
        name: String,
        text: String,
        hints: Vec<u32>,
    },
    Bind {
        portal: String,
        statement: String,
        formats: Vec<i16>,
        values: Vec<Option<Bytes>>,
        results: Vec<i16>,
    },
    Describe(Target),
    Execute {
        portal: String,
        most: i32,
    },
    Close(Target),
    Flush,
    Sync,
    /// A function called without SQL.
    Call,
    /// Part of a copy that is not going on: a server takes no notice.
    Copy,
    Terminate,
}

/// Why bytes are no message; the connection cannot go on.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::servers::postgres) struct Malformed(pub(in crate::servers::postgres) String);

impl Malformed {
    fn length() -> Self {
        Self("invalid message length".to_owned())
    }

    fn format() -> Self {
        Self("invalid message format".to_owned())
    }
}

/// What has arrived of a connection.
#[derive(Debug, Default)]
pub(in crate::servers::postgres) struct Requests(BytesMut);

impl Requests {
    /// Where what arrives next is put.
    pub(in crate::servers::postgres) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.0
    }

    /// Whether what was sent last broke off in the middle of a message.
    pub(in crate::servers::postgres) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The message that begins the connection, once all of it is there.
    pub(in crate::servers::postgres) fn opening(&mut self) -> Result<Option<Opening>, Malformed> {
        let Some(mut body) = self.frame(0, |_| Ok(SMALL))? else { return Ok(None) };
        let code = body.try_get_u32().map_err(|_| Malformed("invalid length of startup packet".to_owned()))?;
        let opening = match code {
            SSL | GSS => Opening::Encryption,
            CANCEL => Opening::Cancel { pid: int(&mut body)?, secret: int(&mut body)? },
            version => {
                let (major, minor) = ((version >> 16) as u16, version as u16);
                if major != 3 {
                    return Ok(Some(Opening::Version { major, minor }));
                }
                let mut parameters = BTreeMap::new();
                loop {
                    let name = string(&mut body)?;
                    if name.is_empty() {
                        break;
                    }
                    let value = string(&mut body)?;
                    parameters.insert(name, value);
                }
                Opening::Start { minor, parameters }
            }
        };
        if body.is_empty() {
            Ok(Some(opening))
        } else {
            Err(Malformed("invalid startup packet layout: expected terminator as last byte".to_owned()))
        }
    }

    /// The next message, once all of it is there.
    pub(in crate::servers::postgres) fn next(&mut self) -> Result<Option<Request>, Malformed> {
        let Some(&kind) = self.0.first() else { return Ok(None) };
        let Some(body) = self.frame(1, limit)? else { return Ok(None) };
        read(kind, body).map(Some)
    }

    /// Whether the next message is there and ends a series of requests.
    pub(in crate::servers::postgres) fn at_sync(&self) -> bool {
        self.0.starts_with(&[b'S', 0, 0, 0, 4])
    }

    /// The body of the next message, which has so many bytes before its length.
    fn frame(
        &mut self,
        ahead: usize,
        most: impl Fn(u8) -> Result<usize, Malformed>,
    ) -> Result<Option<Bytes>, Malformed> {
        let Some(first) = self.0.first() else { return Ok(None) };
        // Told before its length is there: garbage need not be long.
        let most = most(*first)?;
        let Some(mut length) = self.0.get(ahead..ahead + 4) else { return Ok(None) };
        let length = length.get_u32() as usize;
        if length < 4 || length > most {
            return Err(Malformed::length());
        }
        if self.0.len() < ahead + length {
            return Ok(None);
        }
        let mut frame = self.0.split_to(ahead + length).freeze();
        frame.advance(ahead + 4);
        Ok(Some(frame))
    }
}

/// The most that a message of this kind may take.
fn limit(kind: u8) -> Result<usize, Malformed> {
    match kind {
        b'Q' | b'P' | b'B' | b'F' | b'd' => Ok(LARGE),
        b'D' | b'E' | b'C' | b'H' | b'S' | b'X' | b'c' | b'f' => Ok(SMALL),
        other => Err(Malformed(format!("invalid frontend message type {other}"))),
    }
}

fn read(kind: u8, mut body: Bytes) -> Result<Request, Malformed> {
    let request = match kind {
        b'Q' => Request::Query(string(&mut body)?),
        b'P' => Request::Parse {
            name: string(&mut body)?,
            text: string(&mut body)?,
            hints: series(&mut body, |body| body.try_get_u32().map_err(|_| Malformed::format()))?,
        },
        b'B' => Request::Bind {
            portal: string(&mut body)?,
            statement: string(&mut body)?,
            formats: series(&mut body, short)?,
            values: series(&mut body, value)?,
            results: series(&mut body, short)?,
        },
        b'D' => Request::Describe(target(&mut body)?),
        b'E' => Request::Execute { portal: string(&mut body)?, most: int(&mut body)? },
        b'C' => Request::Close(target(&mut body)?),
        b'H' => Request::Flush,
        b'S' => Request::Sync,
        b'X' => Request::Terminate,
        b'F' => return Ok(Request::Call),
        _ => return Ok(Request::Copy),
    };
    if body.is_empty() { Ok(request) } else { Err(Malformed::format()) }
}

fn target(body: &mut Bytes) -> Result<Target, Malformed> {
    let kind = body.try_get_u8().map_err(|_| Malformed::format())?;
    let name = string(body)?;
    match kind {
        b'S' => Ok(Target::Statement(name)),
        b'P' => Ok(Target::Portal(name)),
        other => Err(Malformed(format!("invalid DESCRIBE or CLOSE message subtype {other}"))),
    }
}

fn string(body: &mut Bytes) -> Result<String, Malformed> {
    let end = body.iter().position(|byte| *byte == 0);
    let end = end.ok_or_else(|| Malformed("invalid string in message".to_owned()))?;
    let text = body.split_to(end);
    body.advance(1);
    match String::from_utf8(text.into()) {
        Ok(text) => Ok(text),
        Err(_) => Err(Malformed("invalid byte sequence for encoding \"UTF8\"".to_owned())),
    }
}

fn short(body: &mut Bytes) -> Result<i16, Malformed> {
    body.try_get_i16().map_err(|_| Malformed::format())
}

fn int(body: &mut Bytes) -> Result<i32, Malformed> {
    body.try_get_i32().map_err(|_| Malformed::format())
}

fn value(body: &mut Bytes) -> Result<Option<Bytes>, Malformed> {
    match int(body)? {
        -1 => Ok(None),
        length if length >= 0 && length as usize <= body.len() => Ok(Some(body.split_to(length as usize))),
        _ => Err(Malformed("insufficient data left in message".to_owned())),
    }
}

/// A count, and so many of what `read` reads.
fn series<T>(body: &mut Bytes, read: impl Fn(&mut Bytes) -> Result<T, Malformed>) -> Result<Vec<T>, Malformed> {
    let count = body.try_get_u16().map_err(|_| Malformed::format())?;
    (0..count).map(|_| read(body)).collect()
}
