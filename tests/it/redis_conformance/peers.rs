//! The two servers: the real one as a process, the simulated one on a thread, each on a port of its own.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sexton::servers::redis::{Options, Redis};

use super::wire::Connection;

/// A real server's process, which ends with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A real server and a simulated one.
pub(crate) struct Peers {
    _process: Process,
    /// Where it would write, if it were asked to.
    _directory: tempfile::TempDir,
    pub(crate) real: SocketAddr,
    pub(crate) simulated: SocketAddr,
}

impl Peers {
    /// Starts both. `None`: there is no real server on this machine, and the reader has been told.
    pub(crate) fn start() -> Option<Self> {
        if !installed() {
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        for _ in 0..5 {
            let real = free_port();
            let process = Command::new("redis-server")
                .args(["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", "--port", &real.port().to_string()])
                .arg("--dir")
                .arg(directory.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            let mut process = Process(process.expect("redis-server starts"));
            // Another process may have taken the port meanwhile: then try the next.
            if answers(real, &mut process.0) {
                return Some(Self { _process: process, _directory: directory, real, simulated: simulate() });
            }
        }
        panic!("redis-server was started five times and never answered");
    }
}

/// Whether there is a real server to compare with. If not, says so where no test harness keeps it back: a check that was
/// left out must not look like one that passed.
fn installed() -> bool {
    let missing = match Command::new("redis-server").arg("--version").output() {
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains(" v=7.0.") => return true,
        Ok(output) => format!("this is another version: {}", String::from_utf8_lossy(&output.stdout).trim()),
        Err(error) => error.to_string(),
    };
    writeln!(io::stderr(), "SKIPPED: redis-server is not installed: {missing}").expect("standard error is open");
    false
}

fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    listener.local_addr().expect("a bound listener has an address")
}

fn answers(address: SocketAddr, process: &mut Child) -> bool {
    for _ in 0..500 {
        if !matches!(process.try_wait(), Ok(None)) {
            return false;
        }
        if Connection::open(address).is_ok() {
            return true;
        }
        pause(Duration::from_millis(10));
    }
    false
}

/// Lets real time pass.
pub(crate) fn pause(duration: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime can be built");
    runtime.block_on(async { tokio::time::sleep(duration).await });
}

/// Serves a simulated Redis on a thread for as long as the test process lives.
#[expect(clippy::disallowed_methods, reason = "a server beside a real one needs a real thread")]
fn simulate() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    listener.set_nonblocking(true).expect("a listener can be non-blocking");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime can be built").block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("tokio takes the listener");
            Redis::new(Options::default()).serve(listener).await
        })
    });
    address
}
