//! A server on in-memory connections and a paused clock, with the ground truth that it reports.

use std::io;
use std::sync::{Arc, Mutex};

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

use super::super::host::{Options, Postgres};
use crate::runtime::task;
use crate::servers::Listener;

/// In-memory connections.
pub(super) struct Pipes(tokio::sync::Mutex<mpsc::UnboundedReceiver<DuplexStream>>);

impl Listener for Pipes {
    type Stream = DuplexStream;

    async fn accept(&self) -> io::Result<DuplexStream> {
        self.0.lock().await.recv().await.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

/// A server, its ground truth, and where to connect.
pub(super) struct Served {
    pub(super) postgres: Postgres,
    log: Arc<Mutex<Vec<String>>>,
    connect: mpsc::UnboundedSender<DuplexStream>,
    serving: task::JoinHandle<io::Result<()>>,
}

impl Served {
    pub(super) fn start(options: Options) -> Self {
        Self::prepared(options, "")
    }

    /// With these tables and rows.
    pub(super) fn prepared(options: Options, sql: &str) -> Self {
        let log = Arc::<Mutex<Vec<String>>>::default();
        let written = Arc::clone(&log);
        let observer = move |store: &str, key: &str, row: Option<&str>, cause: &'static str| {
            let line = format!("{store} {key} {} {cause}", row.unwrap_or("-"));
            written.lock().expect("no panic while logging").push(line);
        };
        let postgres = Postgres::observed(options, Box::new(observer));
        if !sql.is_empty() {
            postgres.prepare(sql).expect("statements that the server knows");
        }
        let (connect, serving) = Self::incarnation(&postgres);
        Self { postgres, log, connect, serving }
    }

    fn incarnation(postgres: &Postgres) -> (mpsc::UnboundedSender<DuplexStream>, task::JoinHandle<io::Result<()>>) {
        let (connect, accept) = mpsc::unbounded_channel();
        let postgres = postgres.clone();
        (connect, task::spawn(async move { postgres.serve(Pipes(accept.into())).await }))
    }

    /// Crashes the host and starts it again.
    pub(super) async fn restart(&mut self) {
        self.serving.abort();
        tokio::task::yield_now().await;
        (self.connect, self.serving) = Self::incarnation(&self.postgres);
        tokio::task::yield_now().await;
    }

    pub(super) fn stream(&self) -> DuplexStream {
        let (near, far) = tokio::io::duplex(1 << 20);
        self.connect.send(far).expect("the server accepts");
        near
    }

    /// A connection on which nothing has been said.
    pub(super) fn raw(&self) -> Raw {
        Raw(self.stream())
    }

    /// A connection that has begun.
    pub(super) async fn begun(&self) -> Raw {
        let mut raw = self.raw();
        let told = raw.say(&start(&[("user", "tester")])).await;
        assert!(told.ends_with("Z I"), "{told}");
        raw
    }

    /// The real client.
    pub(super) async fn client(&self) -> tokio_postgres::Client {
        let mut config = tokio_postgres::Config::new();
        config.user("tester").dbname("tests");
        let (client, driver) =
            config.connect_raw(self.stream(), tokio_postgres::NoTls).await.expect("a server that is up");
        task::spawn(async move { drop(driver.await) });
        client
    }

    pub(super) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().expect("no panic while logging"))
    }
}

/// A start-up message with these parameters.
pub(super) fn start(parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = 196_608u32.to_be_bytes().to_vec();
    for (name, value) in parameters {
        body.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    body.push(0);
    framed(&body)
}

fn framed(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 4).to_be_bytes(), body].concat()
}

/// A message of this kind.
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &framed(body)[..]].concat()
}

pub(super) fn query(text: &str) -> Vec<u8> {
    message(b'Q', &[text.as_bytes(), b"\0"].concat())
}

pub(super) fn parse(name: &str, text: &str) -> Vec<u8> {
    message(b'P', &[name.as_bytes(), b"\0", text.as_bytes(), b"\0\0\0"].concat())
}

/// Binds without parameters; all of the result as text.
pub(super) fn bind(portal: &str, statement: &str) -> Vec<u8> {
    message(b'B', &[portal.as_bytes(), b"\0", statement.as_bytes(), b"\0\0\0\0\0\0\0"].concat())
}

pub(super) fn execute(portal: &str, most: u32) -> Vec<u8> {
    message(b'E', &[portal.as_bytes(), b"\0", &most.to_be_bytes()].concat())
}

pub(super) fn sync() -> Vec<u8> {
    message(b'S', b"")
}

/// A connection whose bytes the test itself makes.
pub(super) struct Raw(pub(super) DuplexStream);

impl Raw {
    /// Sends bytes and tells what is answered with one write, in words.
    pub(super) async fn say(&mut self, bytes: &[u8]) -> String {
        if self.0.write_all(bytes).await.is_err() {
            return String::new();
        }
        self.hear().await
    }

    /// The next write of the server, in words; nothing when it has hung up.
    pub(super) async fn hear(&mut self) -> String {
        let mut heard = BytesMut::with_capacity(1 << 16);
        // A hang-up reads as nothing.
        let _ = self.0.read_buf(&mut heard).await;
        told(heard)
    }

    /// Sends bytes to which there is no answer.
    pub(super) async fn whisper(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("the server reads");
    }
}

/// Messages of a server in words: `C INSERT 0 1`, `Z I`. Errors are told by severity, state and message.
fn told(mut bytes: BytesMut) -> String {
    let mut told = Vec::new();
    while bytes.len() >= 5 {
        let kind = char::from(bytes.get_u8());
        let length = bytes.get_u32() as usize - 4;
        let mut body = bytes.split_to(length);
        let strings = |body: &[u8]| -> Vec<String> {
            body.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
        };
        let text = match kind {
            'E' | 'N' => {
                let fields = strings(&body);
                let field = |code| fields.iter().find_map(|field| field.strip_prefix(code)).unwrap_or_default();
                format!("{} {} {}", field('S'), field('C'), field('M'))
            }
            'D' => {
                let count = body.get_u16();
                let values = (0..count).map(|_| match body.get_i32() {
                    -1 => "-".to_owned(),
                    length => String::from_utf8_lossy(&body.split_to(length as usize)).into_owned(),
                });
                values.collect::<Vec<_>>().join(",")
            }
            'T' => {
                let count = body.get_u16();
                let names = (0..count).map(|_| {
                    let end = body.iter().position(|byte| *byte == 0).expect("a name ends");
                    let name = String::from_utf8_lossy(&body.split_to(end)).into_owned();
                    body.advance(19);
                    name
                });
                names.collect::<Vec<_>>().join(",")
            }
            'Z' | 'C' => String::from_utf8_lossy(&body).trim_end_matches('\0').to_owned(),
            'S' => strings(&body)[..2].join("="),
            't' => (0..body.get_u16()).map(|_| body.get_u32().to_string()).collect::<Vec<_>>().join(","),
            _ => String::new(),
        };
        told.push(format!("{kind} {text}").trim_end().to_owned());
    }
    if !bytes.is_empty() {
        let mut rest = BytesMut::new();
        rest.put(bytes);
        told.push(format!("{rest:?}"));
    }
    told.join(" | ")
}
