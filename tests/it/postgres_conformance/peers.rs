//! The two servers: the real one as a process, the simulated one on a thread.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use sexton::servers::postgres::{Options, Postgres};

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

    async fn end(&mut self, processes: &[i32]) -> io::Result<()> {
        let end = |process| format!("SELECT pg_terminate_backend({process}, 10000)");
        let ends: Vec<String> = processes.iter().map(end).collect();
        self.onlooker.simple(&ends.join(";")).await.map(drop)
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

/// A simulated server.
pub(crate) struct Simulated {
    postgres: Postgres,
    address: SocketAddr,
}

impl Simulated {
    /// Serves one on a thread for as long as the test process lives.
    #[expect(clippy::disallowed_methods, reason = "a server beside a real one needs a real thread")]
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        listener.set_nonblocking(true).expect("a listener can be non-blocking");
        let postgres = Postgres::new(Options::default());
        let served = postgres.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be built").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("tokio takes the listener");
                served.serve(listener).await
            })
        });
        Self { postgres, address }
    }
}

impl Peer for Simulated {
    async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut connection = Connection::open(tokio::net::TcpStream::from_std(stream)?).await?;
        // As the real server is set up.
        connection.simple("SET deadlock_timeout = '1ms'").await?;
        Ok(connection)
    }

    async fn end(&mut self, _processes: &[i32]) -> io::Result<()> {
        // There are no others.
        self.postgres.terminate_backends();
        Ok(())
    }

    async fn waits(&mut self) -> io::Result<Waits> {
        let waiting = self.postgres.waiting().into_iter();
        Ok(waiting
            .map(|(process, for_itself)| (process, for_itself.then_some(process).into_iter().collect()))
            .collect())
    }
}
