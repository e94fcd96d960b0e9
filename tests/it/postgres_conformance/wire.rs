//! Answers as a client reads them, message by message, and a client that reads them. Knows nothing of our encoder.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use bytes::{Bytes, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{ErrorFields, Message};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_postgres::fallible_iterator::FallibleIterator;

/// The number by which a type is known on the wire.
pub(crate) type Oid = u32;

/// A value as it came; `None` is NULL.
pub(crate) type Field = Option<Bytes>;

/// What of an error or a notice a program can act on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Failure {
    pub(crate) severity: String,
    pub(crate) state: String,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
    pub(crate) table: Option<String>,
    pub(crate) column: Option<String>,
    pub(crate) constraint: Option<String>,
}

/// One message of an answer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Part {
    Parsed,
    Bound,
    Closed,
    Parameters(Vec<Oid>),
    /// The columns' names, types and formats.
    Columns(Vec<(String, Oid, i16)>),
    NoData,
    Row(Vec<Field>),
    Done(String),
    Empty,
    Suspended,
    Notice(Failure),
    Failed(Failure),
    /// The end of an answer, with the state of the transaction.
    Ready(char),
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parsed => f.write_str("parsed"),
            Self::Bound => f.write_str("bound"),
            Self::Closed => f.write_str("closed"),
            Self::Parameters(types) => write!(f, "parameters {types:?}"),
            Self::Columns(columns) => {
                let columns: Vec<String> = columns
                    .iter()
                    .map(|(name, kind, format)| format!("{name}:{kind}{}", if *format == 1 { " binary" } else { "" }))
                    .collect();
                write!(f, "columns {}", columns.join(", "))
            }
            Self::NoData => f.write_str("no columns"),
            Self::Row(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|field| field.as_ref().map_or("NULL".to_owned(), |field| field.escape_ascii().to_string()))
                    .collect();
                write!(f, "row {}", fields.join(" | "))
            }
            Self::Done(tag) => f.write_str(tag),
            Self::Empty => f.write_str("empty"),
            Self::Suspended => f.write_str("suspended"),
            Self::Notice(failure) => write!(f, "{} {}: {}", failure.severity, failure.state, failure.message),
            Self::Failed(failure) => {
                write!(f, "{} {}: {}", failure.severity, failure.state, failure.message)?;
                for (name, value) in [
                    ("detail", &failure.detail),
                    ("table", &failure.table),
                    ("column", &failure.column),
                    ("constraint", &failure.constraint),
                ] {
                    if let Some(value) = value {
                        write!(f, " [{name}: {value}]")?;
                    }
                }
                Ok(())
            }
            Self::Ready(status) => write!(f, "ready {status}"),
        }
    }
}

/// An answer for people, one line for each message.
pub(crate) fn show(parts: &[Part]) -> String {
    let lines: Vec<String> = parts.iter().map(|part| format!("    {part:?}\n")).collect();
    lines.concat()
}

/// An answer for people who know another one: what is the same in both before the first difference and after the last is
/// left out.
pub(crate) fn show_beside(parts: &[Part], other: &[Part]) -> String {
    let most = parts.len().min(other.len());
    let same = |pairs: &mut dyn Iterator<Item = (&Part, &Part)>| pairs.take_while(|(one, two)| one == two).count();
    let before = same(&mut parts.iter().zip(other)).min(most);
    let after = same(&mut parts.iter().rev().zip(other.iter().rev())).min(most - before);
    show(&parts[before..parts.len() - after])
}

/// What a connection runs on.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// A connection.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    input: BytesMut,
    /// What has arrived of the answer that is awaited.
    arrived: Vec<Part>,
    /// The number of the server's process.
    pub(crate) process: i32,
    pub(crate) secret: i32,
    /// What the server said of itself at the start.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Connection {
    /// Starts a session as `sexton` with the database `postgres`.
    pub(crate) async fn open(stream: impl Stream + 'static) -> io::Result<Self> {
        let mut new = Self {
            stream: Box::new(stream),
            input: BytesMut::new(),
            arrived: Vec::new(),
            process: 0,
            secret: 0,
            parameters: BTreeMap::new(),
        };
        let mut request = BytesMut::new();
        frontend::startup_message([("user", "sexton"), ("database", "postgres")], &mut request)?;
        new.send(&request).await?;
        let answer = new.answer().await?;
        match answer.iter().find(|part| matches!(part, Part::Failed(_))) {
            Some(failed) => Err(io::Error::other(format!("{failed:?}"))),
            None => Ok(new),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends a query string and waits for all of its answer.
    pub(crate) async fn simple(&mut self, text: &str) -> io::Result<Vec<Part>> {
        let mut request = BytesMut::new();
        frontend::query(text, &mut request)?;
        self.send(&request).await?;
        self.answer().await
    }

    /// Waits for an answer to be whole. Nothing is lost where the future is dropped.
    pub(crate) async fn answer(&mut self) -> io::Result<Vec<Part>> {
        loop {
            while let Some(message) = Message::parse(&mut self.input)? {
                self.take(message)?;
                if matches!(self.arrived.last(), Some(Part::Ready(_))) {
                    return Ok(std::mem::take(&mut self.arrived));
                }
            }
            if self.stream.read_buf(&mut self.input).await? == 0 {
                // A connection that ends tells why, at most.
                return match std::mem::take(&mut self.arrived) {
                    parts if parts.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
                    parts => Ok(parts),
                };
            }
        }
    }

    fn take(&mut self, message: Message) -> io::Result<()> {
        let part = match message {
            Message::ParseComplete => Part::Parsed,
            Message::BindComplete => Part::Bound,
            Message::CloseComplete => Part::Closed,
            Message::ParameterDescription(body) => Part::Parameters(body.parameters().collect()?),
            Message::RowDescription(body) => {
                let column = |field: postgres_protocol::message::backend::Field<'_>| {
                    Ok((field.name().to_owned(), field.type_oid(), field.format()))
                };
                Part::Columns(body.fields().map(column).collect()?)
            }
            Message::NoData => Part::NoData,
            Message::DataRow(body) => {
                let bytes = body.buffer_bytes();
                Part::Row(body.ranges().map(|range| Ok(range.map(|range| bytes.slice(range)))).collect()?)
            }
            Message::CommandComplete(body) => Part::Done(body.tag()?.to_owned()),
            Message::EmptyQueryResponse => Part::Empty,
            Message::PortalSuspended => Part::Suspended,
            Message::NoticeResponse(body) => Part::Notice(failure(body.fields())?),
            Message::ErrorResponse(body) => Part::Failed(failure(body.fields())?),
            Message::ReadyForQuery(body) => Part::Ready(char::from(body.status())),
            Message::BackendKeyData(body) => {
                (self.process, self.secret) = (body.process_id(), body.secret_key());
                return Ok(());
            }
            Message::ParameterStatus(body) => {
                self.parameters.insert(body.name()?.to_owned(), body.value()?.to_owned());
                return Ok(());
            }
            Message::AuthenticationOk => return Ok(()),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "a message that nobody asked for")),
        };
        self.arrived.push(part);
        Ok(())
    }
}

fn failure(mut fields: ErrorFields<'_>) -> io::Result<Failure> {
    let mut failure = Failure::default();
    while let Some(field) = fields.next()? {
        let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'V' => failure.severity = value,
            b'C' => failure.state = value,
            b'M' => failure.message = value,
            b'D' => failure.detail = Some(value),
            b't' => failure.table = Some(value),
            b'c' => failure.column = Some(value),
            b'n' => failure.constraint = Some(value),
            _ => {}
        }
    }
    Ok(failure)
}

/// A `Bind` of the statement named `statement` to the unnamed portal.
pub(crate) fn bind(statement: &str, parameters: &[(i16, Field)], binary: bool, request: &mut BytesMut) {
    let bound = frontend::bind(
        "",
        statement,
        parameters.iter().map(|parameter| parameter.0),
        parameters,
        |parameter, buffer| match &parameter.1 {
            Some(value) => {
                buffer.extend_from_slice(value);
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        },
        [i16::from(binary)],
        request,
    );
    assert!(bound.is_ok(), "a parameter is too long");
}
