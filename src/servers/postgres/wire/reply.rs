//! What the server answers: messages in one buffer, so that a batch of them is one write, and how much of it is due.

use bytes::{BufMut, BytesMut};
use pgwire::messages::Message;
use pgwire::messages::data::{FieldDescription, NoData, ParameterDescription, RowDescription};
use pgwire::messages::extendedquery::{BindComplete, CloseComplete, ParseComplete, PortalSuspended};
use pgwire::messages::response::{
    CommandComplete, EmptyQueryResponse, ErrorResponse, ReadyForQuery, SslResponse, TransactionStatus,
};
use pgwire::messages::startup::{Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey};

use super::super::engine::{Column, Status};
use super::super::refusal::Refusal;
use super::super::value::{Type, Value};
use super::format::{Format, encode};
use super::types::{oid, size};

/// Replies that wait to be written.
#[derive(Debug, Default)]
pub(in crate::servers::postgres) struct Replies {
    bytes: BytesMut,
    /// As many of them are to be written now: the others wait for the client to take a breath, or to ask for them.
    due: usize,
}

impl Replies {
    /// What is to be written now; it is in the caller's hands from here on.
    pub(in crate::servers::postgres) fn take_due(&mut self) -> BytesMut {
        let due = std::mem::take(&mut self.due);
        self.bytes.split_to(due)
    }

    /// All that has been answered is due.
    pub(in crate::servers::postgres) fn flush(&mut self) {
        self.due = self.bytes.len();
    }

    fn send(&mut self, message: &impl Message) {
        message.encode(&mut self.bytes).expect("what the server itself composes is within the bounds of the protocol");
    }

    pub(in crate::servers::postgres) fn not_encrypted(&mut self) {
        self.send(&SslResponse::Refuse);
        self.flush();
    }

    /// This is the newest version there is, and these options are not known.
    pub(in crate::servers::postgres) fn negotiate(&mut self, unknown: Vec<String>) {
        self.send(&NegotiateProtocolVersion::new(0, unknown));
    }

    /// Welcome, with the settings that clients want to know.
    pub(in crate::servers::postgres) fn welcome(
        &mut self,
        pid: i32,
        secret: i32,
        settings: Vec<(&'static str, String)>,
    ) {
        self.send(&Authentication::Ok);
        for (name, value) in settings {
            self.setting(name, value);
        }
        self.send(&BackendKeyData::new(pid, SecretKey::I32(secret)));
    }

    pub(in crate::servers::postgres) fn setting(&mut self, name: &str, value: String) {
        self.send(&ParameterStatus::new(name.to_owned(), value));
    }

    pub(in crate::servers::postgres) fn ready(&mut self, status: Status) {
        let status = match status {
            Status::Idle => TransactionStatus::Idle,
            Status::Open => TransactionStatus::Transaction,
            Status::Failed => TransactionStatus::Error,
        };
        self.send(&ReadyForQuery::new(status));
        self.flush();
    }

    pub(in crate::servers::postgres) fn parsed(&mut self) {
        self.send(&ParseComplete::new());
    }

    pub(in crate::servers::postgres) fn bound(&mut self) {
        self.send(&BindComplete::new());
    }

    pub(in crate::servers::postgres) fn closed(&mut self) {
        self.send(&CloseComplete::new());
    }

    pub(in crate::servers::postgres) fn suspended(&mut self) {
        self.send(&PortalSuspended::new());
    }

    pub(in crate::servers::postgres) fn parameters(&mut self, types: &[Type]) {
        self.send(&ParameterDescription::new(types.iter().copied().map(oid).collect()));
    }

    /// The columns of a result, in the formats in which they will be sent; `None`: there is no result.
    pub(in crate::servers::postgres) fn columns(
        &mut self,
        columns: Option<&[Column]>,
        format: impl Fn(usize) -> Format,
    ) {
        let Some(columns) = columns else { return self.send(&NoData::new()) };
        let fields = columns.iter().enumerate().map(|(place, column)| {
            let (number, size) = (oid(column.kind), size(column.kind));
            FieldDescription::new(column.name.clone(), 0, 0, number, size, -1, format(place) as i16)
        });
        let fields = fields.collect();
        self.send(&RowDescription::new(fields));
    }

    /// One row, written where it is to stand.
    pub(in crate::servers::postgres) fn row(
        &mut self,
        columns: &[Column],
        row: &[Value],
        format: impl Fn(usize) -> Format,
    ) -> Result<(), Refusal> {
        let start = self.bytes.len();
        self.bytes.put_u8(b'D');
        self.bytes.put_u32(0);
        self.bytes.put_u16(row.len() as u16);
        for (place, (column, value)) in columns.iter().zip(row).enumerate() {
            let at = self.bytes.len();
            self.bytes.put_i32(-1);
            if *value == Value::Null {
                continue;
            }
            if let Err(refusal) = encode(column.kind, value, format(place), &mut self.bytes) {
                self.bytes.truncate(start);
                return Err(refusal);
            }
            self.fill_in(at);
        }
        self.fill_in_with(start + 1, self.bytes.len() - start - 1);
        Ok(())
    }

    /// Writes, where it stands, how many bytes follow it.
    fn fill_in(&mut self, at: usize) {
        self.fill_in_with(at, self.bytes.len() - at - 4);
    }

    fn fill_in_with(&mut self, at: usize, length: usize) {
        self.bytes[at..at + 4].copy_from_slice(&(length as u32).to_be_bytes());
    }

    /// A statement is done; an empty tag: there was none.
    pub(in crate::servers::postgres) fn done(&mut self, tag: String) {
        if tag.is_empty() {
            self.send(&EmptyQueryResponse::new());
        } else {
            self.send(&CommandComplete::new(tag));
        }
    }

    pub(in crate::servers::postgres) fn refuse(&mut self, refusal: &Refusal) {
        self.send(&ErrorResponse::new(fields("ERROR", refusal)));
        self.flush();
    }

    /// The last that is heard of this connection.
    pub(in crate::servers::postgres) fn fatal(&mut self, refusal: &Refusal) {
        self.send(&ErrorResponse::new(fields("FATAL", refusal)));
        self.flush();
    }
}

fn fields(severity: &str, refusal: &Refusal) -> Vec<(u8, String)> {
    let mut fields = vec![
        (b'S', severity.to_owned()),
        (b'V', severity.to_owned()),
        (b'C', refusal.state.to_owned()),
        (b'M', refusal.message.replace('\0', " ")),
    ];
    fields.extend(refusal.detail.iter().map(|detail| (b'D', detail.replace('\0', " "))));
    if let Some((constraint, table)) = &refusal.constraint {
        fields.extend([(b's', "public".to_owned()), (b't', table.clone()), (b'n', constraint.clone())]);
    }
    fields
}
