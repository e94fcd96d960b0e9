//! The two servers: the real one as a process, the simulated one on a thread.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use super::real::Server;
use super::side::{Peer, Waits};
use super::wire::{Connection, Part};

/// A real server, and a session with it that looks at the locks of others.
pub(crate) struct Real {
    _server: Server,
    socket: PathBuf,
    onlooker: Connection,
}

impl Real {
    /// Starts one. `None`: there is none on this machine, and the reader has been told.
    pub(crate) async fn start() -> Option<Self> {
        let mut server = Server::start()?;
        let socket = server.socket();
        for _ in 0..3_000 {
            server.assert_alive();
            if let Ok(onlooker) = connect(&socket).await {
                return Some(Self { _server: server, socket, onlooker });
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the real server never answered:\n{}", server.logs());
    }
}

async fn connect(socket: &PathBuf) -> io::Result<Connection> {
    Connection::open(tokio::net::UnixStream::connect(socket).await?).await
}

impl Peer for Real {
    async fn connect(&self) -> io::Result<Connection> {
        connect(&self.socket).await
    }

    async fn waits(&mut self) -> io::Result<Waits> {
        let waiting = "SELECT pid, pg_blocking_pids(pid) FROM pg_locks WHERE NOT granted";
        let mut waits = Waits::new();
        for part in self.onlooker.simple(waiting).await? {
            if let Part::Row(fields) = part {
                let [Some(process), Some(others)] = &fields[..] else { return Err(strange(&fields)) };
                let number = |text: &str| text.parse().map_err(|_| strange(&fields));
                let text = |field: &Bytes| String::from_utf8_lossy(field).into_owned();
                let others = text(others);
                let others = others.trim_matches(['{', '}']).split(',').filter(|other| !other.is_empty());
                waits.insert(number(&text(process))?, others.map(number).collect::<io::Result<_>>()?);
            }
        }
        Ok(waits)
    }
}

fn strange(fields: &[Option<Bytes>]) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("these say nothing of locks: {fields:?}"))
}
