//! A responder that knows the few commands the client sends. It can fall silent, hang up, and be meddled with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::runtime::net::{TcpListener, TcpStream};
use crate::runtime::task::{self, JoinHandle};
use crate::storage::{KeyValue, Options};

type Entry = (Vec<u8>, u64);
type Meddler = Box<dyn FnOnce(&mut State) + Send>;

#[derive(Default)]
pub(super) struct State {
    /// Values with the number of their last write.
    values: BTreeMap<String, Entry>,
    writes: u64,
    /// Every command heard, in words.
    pub(super) heard: Vec<String>,
    pub(super) connections: usize,
    /// Commands about these keys are heard and never answered, nor is anything after them.
    pub(super) silent: Vec<String>,
    /// Run once after the next `GET` has been answered.
    pub(super) meddle: Option<Meddler>,
    open: Vec<JoinHandle<()>>,
}

impl State {
    pub(super) fn write(&mut self, key: &str, value: &[u8]) {
        self.writes += 1;
        self.values.insert(key.to_owned(), (value.to_vec(), self.writes));
    }

    fn version(&self, key: &str) -> u64 {
        self.values.get(key).map_or(0, |entry| entry.1)
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.values.get(key).map(|entry| String::from_utf8_lossy(&entry.0).into_owned())
    }

    fn bulk(&self, key: &str) -> Vec<u8> {
        match self.values.get(key) {
            None => b"$-1\r\n".to_vec(),
            Some((value, _)) => [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat(),
        }
    }

    fn answer(&mut self, command: &[String]) -> Vec<u8> {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        match words.as_slice() {
            [_, key, ..] if *key == "hash" => b"-WRONGTYPE not a string\r\n".to_vec(),
            ["GET" | "GETEX", key, ..] => self.bulk(key),
            ["SET", key, value, "PX", _, condition @ ..] => {
                let exists = self.values.contains_key(*key);
                if matches!((condition, exists), (["NX"], true) | (["XX"], false)) {
                    return b"$-1\r\n".to_vec();
                }
                self.write(key, value.as_bytes());
                b"+OK\r\n".to_vec()
            }
            ["DEL", key] => format!(":{}\r\n", u8::from(self.values.remove(*key).is_some())).into_bytes(),
            ["WATCH" | "UNWATCH" | "MULTI", ..] => b"+OK\r\n".to_vec(),
            _ => format!("-ERR unknown command {words:?}\r\n").into_bytes(),
        }
    }
}

#[derive(Clone)]
pub(super) struct Responder {
    pub(super) address: String,
    state: Arc<Mutex<State>>,
}

impl Responder {
    pub(super) async fn start() -> Self {
        Self::listen("127.0.0.1:0").await
    }

    pub(super) async fn listen(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        drop(task::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let task = task::spawn(converse(shared.clone(), stream));
                let mut state = shared.lock().unwrap();
                state.connections += 1;
                state.open.push(task);
            }
        }));
        Self { address, state }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn options(&self) -> Options {
        Options { address: self.address.clone(), retry: Duration::from_millis(1), ..Options::default() }
    }

    pub(super) fn client(&self) -> KeyValue {
        KeyValue::new(self.options())
    }

    /// Closes all connections, and waits until they are.
    pub(super) async fn hang_up(&self) {
        let open = std::mem::take(&mut self.state().open);
        for task in open {
            task.abort();
            let _ = task.await;
        }
    }

    /// Waits until a command that begins so has been heard.
    pub(super) async fn hear(&self, command: &str) {
        while !self.state().heard.iter().any(|heard| heard.starts_with(command)) {
            tokio::task::yield_now().await;
        }
    }
}

/// What belongs to one connection.
#[derive(Default)]
struct Session {
    watched: Vec<(String, u64)>,
    queue: Option<Vec<Vec<String>>>,
}

impl Session {
    fn answer(&mut self, state: &mut State, command: &[String]) -> Vec<u8> {
        match (command[0].as_str(), &mut self.queue) {
            ("EXEC", _) => {
                let commands = self.queue.take().unwrap_or_default();
                if self.watched.drain(..).any(|(key, version)| state.version(&key) != version) {
                    return b"*-1\r\n".to_vec();
                }
                let mut answer = format!("*{}\r\n", commands.len()).into_bytes();
                for command in &commands {
                    answer.extend(state.answer(command));
                }
                return answer;
            }
            (_, Some(queue)) => {
                queue.push(command.to_vec());
                return b"+QUEUED\r\n".to_vec();
            }
            ("MULTI", None) => self.queue = Some(Vec::new()),
            ("UNWATCH", None) => self.watched.clear(),
            ("WATCH", None) => self.watched.push((command[1].clone(), state.version(&command[1]))),
            _ => {}
        }
        state.answer(command)
    }
}

async fn converse(state: Arc<Mutex<State>>, stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let mut stream = BufReader::new(stream);
    let mut session = Session::default();
    while let Some(command) = command(&mut stream).await {
        let answer = hear(&mut state.lock().unwrap(), &mut session, &command);
        let Some(answer) = answer else { return std::future::pending().await };
        if stream.get_mut().write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// The answer to a command; none for one that is to be met with silence.
fn hear(state: &mut State, session: &mut Session, command: &[String]) -> Option<Vec<u8>> {
    state.heard.push(command.join(" "));
    if command.get(1).is_some_and(|key| state.silent.contains(key)) {
        return None;
    }
    let answer = session.answer(state, command);
    if command[0] == "GET"
        && let Some(meddle) = state.meddle.take()
    {
        meddle(state);
    }
    Some(answer)
}

/// The next command; none when the client has closed.
async fn command(stream: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for _ in 0..number(stream).await? {
        let mut word = vec![0; number(stream).await? + 2];
        stream.read_exact(&mut word).await.ok()?;
        word.truncate(word.len() - 2);
        words.push(String::from_utf8(word).unwrap());
    }
    Some(words)
}

async fn number(stream: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    line.get(1..)?.trim_end().parse().ok()
}
