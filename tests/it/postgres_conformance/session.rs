//! A client's session: statements sent in one way or another, some of them prepared.

use std::collections::BTreeMap;
use std::io;

use bytes::{Bytes, BytesMut};
use postgres_protocol::message::frontend;

use super::render::Statement;
use super::steps::Way;
use super::wire::{Connection, Field, Oid, Part, bind};

const BOOL: Oid = 16;
const INT8: Oid = 20;
const INT2: Oid = 21;
const INT4: Oid = 23;
const UUID: Oid = 2950;

/// A session of one client.
pub(crate) struct Session {
    pub(crate) connection: Connection,
    /// Whether an answer is awaited.
    pub(crate) busy: bool,
    /// Whether the rows of that answer come in an order that is promised.
    pub(crate) ordered: bool,
    /// The state of its transaction, as last told.
    pub(crate) status: char,
    /// The names of prepared statements and the types of their parameters, by their text.
    prepared: BTreeMap<String, (String, Vec<Oid>)>,
}

impl Session {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, busy: false, ordered: false, status: 'I', prepared: BTreeMap::new() }
    }

    /// Whether the statement must be prepared before it is sent in this way.
    pub(crate) fn lacks(&self, statement: &Statement, way: Way) -> bool {
        matches!(way, Way::Prepared { .. }) && !self.prepared.contains_key(&statement.text)
    }

    /// Asks for a statement to be prepared.
    pub(crate) async fn prepare(&mut self, statement: &Statement) -> io::Result<()> {
        let mut request = BytesMut::new();
        let name = self.next_name();
        frontend::parse(&name, &statement.text, [], &mut request)?;
        frontend::describe(b'S', &name, &mut request)?;
        frontend::sync(&mut request);
        self.busy = true;
        self.connection.send(&request).await
    }

    /// Takes note of a statement that has been prepared, if it has.
    pub(crate) fn prepared(&mut self, statement: &Statement, answer: &[Part]) -> bool {
        let types = answer.iter().find_map(|part| match part {
            Part::Parameters(types) => Some(types.clone()),
            _ => None,
        });
        let Some(types) = types else { return false };
        self.prepared.insert(statement.text.clone(), (self.next_name(), types));
        true
    }

    fn next_name(&self) -> String {
        format!("statement {}", self.prepared.len())
    }

    /// Sends a statement.
    pub(crate) async fn send(&mut self, statement: &Statement, way: Way) -> io::Result<()> {
        let mut request = BytesMut::new();
        match way {
            Way::Simple => frontend::query(&statement.literal, &mut request)?,
            Way::Unnamed { binary } => {
                frontend::parse("", &statement.text, [], &mut request)?;
                let parameters: Vec<(i16, Field)> =
                    statement.parameters.iter().map(|value| (0, text(value.as_ref()))).collect();
                bind("", &parameters, binary, &mut request);
                frontend::describe(b'P', "", &mut request)?;
                frontend::execute("", 0, &mut request)?;
                frontend::sync(&mut request);
            }
            Way::Prepared { binary } => {
                let (name, types) = &self.prepared[&statement.text];
                let parameters = statement.parameters.iter().zip(types);
                let parameters: Vec<(i16, Field)> = parameters
                    .map(|(value, kind)| {
                        match value.as_ref().filter(|_| binary).and_then(|value| encode(value, *kind)) {
                            Some(bytes) => (1, Some(bytes)),
                            None => (0, text(value.as_ref())),
                        }
                    })
                    .collect();
                bind(name, &parameters, binary, &mut request);
                frontend::describe(b'P', "", &mut request)?;
                frontend::execute("", 0, &mut request)?;
                frontend::sync(&mut request);
            }
        }
        self.busy = true;
        self.ordered = statement.is_ordered();
        self.connection.send(&request).await
    }
}

fn text(value: Option<&String>) -> Field {
    value.map(|value| Bytes::copy_from_slice(value.as_bytes()))
}

/// A value in its type's binary form; `None` where it has none, as what is not of that type at all.
fn encode(value: &str, kind: Oid) -> Option<Bytes> {
    Some(match kind {
        BOOL if ["true", "false"].contains(&value) => vec![u8::from(value == "true")].into(),
        INT2 => value.parse::<i16>().ok()?.to_be_bytes().to_vec().into(),
        INT4 => value.parse::<i32>().ok()?.to_be_bytes().to_vec().into(),
        INT8 => value.parse::<i64>().ok()?.to_be_bytes().to_vec().into(),
        UUID => value.parse::<uuid::Uuid>().ok()?.as_bytes().to_vec().into(),
        _ => return None,
    })
}
