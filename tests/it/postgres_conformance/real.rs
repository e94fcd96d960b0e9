//! A real server: found, made in a directory of its own, started on a private socket, and gone with its owner.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Makes a cluster, runs it, and removes it when there is no more to read: when the owner lets go of the pipe, or ends,
/// in whatever way. `$1` is where the binaries are, `$2` the directory.
const KEEPER: &str = r#"
trap '' INT HUP
"$1/initdb" -D "$2/data" -U sexton -A trust -E UTF8 --locale=C --no-sync >"$2/initdb.log" 2>&1 || exit 1
"$1/postgres" -D "$2/data" -F -k "$2" -c listen_addresses= -c autovacuum=off -c jit=off -c timezone=UTC \
    -c deadlock_timeout=1ms -c max_connections=40 -c shared_buffers=16MB -c log_min_messages=fatal \
    >"$2/server.log" 2>&1 &
server=$!
read -r _
kill -QUIT "$server"
wait "$server"
rm -rf "$2"
"#;

/// A real server, which ends with its owner.
pub(crate) struct Server {
    keeper: Child,
    directory: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // It may have ended by itself.
        let _ = self.keeper.wait();
    }
}

impl Server {
    /// Makes a cluster and begins to start it. `None`: there is no real server on this machine, and the reader has been
    /// told.
    pub(crate) fn start() -> Option<Self> {
        let binaries = installed()?;
        let directory = tempfile::Builder::new().prefix("sexton-pg").tempdir().expect("a temporary directory");
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "sh"]).arg(binaries).arg(directory.path());
        keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
        if fs::metadata(directory.path()).expect("the directory is there").uid() == 0 {
            let (user, group) = ordinary_user();
            chown(directory.path(), Some(user), Some(group)).expect("root gives a directory away");
            keeper.uid(user).gid(group);
        }
        Some(Self { keeper: keeper.spawn().expect("a shell starts"), directory })
    }

    /// Where it listens, once it does.
    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join(".s.PGSQL.5432")
    }

    /// Fails, with what the server left behind, where it has ended.
    pub(crate) fn assert_alive(&mut self) {
        let alive = matches!(self.keeper.try_wait(), Ok(None));
        assert!(alive, "the real server did not start:\n{}", self.logs());
    }

    /// What it said while it was made and run.
    pub(crate) fn logs(&self) -> String {
        let read = |name| fs::read_to_string(self.directory.path().join(name)).unwrap_or_default();
        format!("{}{}", read("initdb.log"), read("server.log"))
    }
}

/// The directory of the binaries of a real server to compare with. If there is none, says so where no test harness keeps
/// it back: a check that was left out must not look like one that passed.
fn installed() -> Option<PathBuf> {
    let mut missing = "no PostgreSQL is installed".to_owned();
    for directory in candidates() {
        match Command::new(directory.join("postgres")).arg("--version").output() {
            Ok(output) if String::from_utf8_lossy(&output.stdout).contains("(PostgreSQL) 15.") => {
                return Some(directory);
            }
            Ok(output) => missing = format!("another version: {}", String::from_utf8_lossy(&output.stdout).trim()),
            Err(_) => {}
        }
    }
    writeln!(
        io::stderr(),
        "SKIPPED: nothing is compared with a real Postgres, for there is none of version 15 ({missing}). On Debian: \
         apt-get install postgresql-15; no service needs to run."
    )
    .expect("standard error is open");
    None
}

/// Where binaries may be: what is on the path first, then where Debian keeps them.
fn candidates() -> Vec<PathBuf> {
    let on_path = Command::new("pg_config").arg("--bindir").output().ok();
    let on_path = on_path.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let kept =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let mut kept: Vec<PathBuf> = kept.collect();
    kept.sort();
    on_path.into_iter().chain(kept).filter(|directory| directory.join("initdb").exists()).collect()
}

/// Someone to be instead of root, as whom the server refuses to run.
fn ordinary_user() -> (u32, u32) {
    let users = fs::read_to_string(Path::new("/etc/passwd")).expect("there are users");
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody")).expect("PostgreSQL refuses to run as root, and there is no other user")
}
