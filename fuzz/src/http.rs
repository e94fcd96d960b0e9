//! The control planes and any bytes that a client may send them; our own client and any bytes that it may be answered.
//!
//! The first byte says into pieces of which size the others are cut, a millisecond apart. Of its two highest bits, who reads
//! them: a cloud, a cluster, or the client.

use std::rc::Rc;
use std::time::Duration;

use sexton::http::{Bytes, Client, HttpError, Method, Response};
use sexton::runtime::net::{TcpListener, TcpStream};
use sexton::servers::cloud::{self, Cloud};
use sexton::servers::cluster::{self, Cluster, Rollout};
use sexton::world::{Program, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::script::{self, pieces};

/// Longer than a server waits for a client that says nothing.
const PATIENCE: Duration = Duration::from_secs(40);
const DEADLINE: Duration = Duration::from_secs(5);
/// What a well-behaved peer answers.
const FINE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine";

/// A control plane answers whole responses or hangs up, says the same however the bytes arrive, and serves the next client.
/// The client has an outcome by its deadline, the same however the bytes arrive, and is not confused about the next call.
///
/// # Panics
/// Where it is not so.
pub fn check(bytes: &[u8]) {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    let (whole, parts) = (pieces(bytes, None), pieces(bytes, Some(usize::from(how & 0x3f))));
    match how >> 6 {
        0 | 1 => {
            let plane = if how >> 6 == 0 { Plane::Cloud } else { Plane::Cluster };
            let whole = ask(plane, whole);
            responses(&whole, bytes);
            let parts = ask(plane, parts);
            // A body that nobody reads is thrown away if it is there, and else the connection is closed.
            let same = whole.starts_with(&parts) || parts.starts_with(&whole);
            assert!(same, "in one piece\n{}\nin several\n{}", whole.escape_ascii(), parts.escape_ascii());
        }
        _ => {
            let whole = answer(whole);
            if let Ok((_, body)) = &whole {
                assert!(body.len() <= bytes.len(), "a body of {} bytes out of {}", body.len(), bytes.len());
            }
            assert_eq!(whole, answer(parts), "in one piece, and in several");
        }
    }
}

#[derive(Clone, Copy)]
enum Plane {
    Cloud,
    Cluster,
}

impl Plane {
    fn program(self) -> Program {
        match self {
            Self::Cloud => {
                let cloud = Cloud::new(cloud::Options::default());
                cloud.preload("web", "token-1");
                Rc::new(move || {
                    let cloud = cloud.clone();
                    Box::pin(async move { cloud.serve(listener().await).await })
                })
            }
            Self::Cluster => {
                let cluster = Cluster::new(cluster::Options::default());
                cluster.preload("ns-1", &[("owner", "ann")], Rollout::Running, Duration::from_hours(1));
                Rc::new(move || {
                    let cluster = cluster.clone();
                    Box::pin(async move { cluster.serve(listener().await).await })
                })
            }
        }
    }

    fn list(self) -> &'static str {
        match self {
            Self::Cloud => "/instances",
            Self::Cluster => "/namespaces",
        }
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("peer:80").await.expect("the port is free")
}

fn start(program: Program) {
    let world = World::current().expect("a world is here");
    let host = world.add_host("peer", program);
    world.start(host);
}

async fn send(stream: &mut (impl tokio::io::AsyncWrite + Unpin), pieces: Vec<Vec<u8>>) {
    for piece in pieces {
        // Who is hung up on has no more to say.
        if stream.write_all(&piece).await.is_err() {
            return;
        }
        let _ = stream.flush().await;
        sleep(Duration::from_millis(1)).await;
    }
}

/// All that a control plane answers.
fn ask(plane: Plane, hostile: Vec<Vec<u8>>) -> Vec<u8> {
    script::run(move || async move {
        start(plane.program());
        let (mut hear, mut say) = tokio::io::split(TcpStream::connect("peer:80").await.expect("it is up"));
        let mut told = Vec::new();
        let hearing = async {
            // A reset ends it as well.
            let _ = hear.read_to_end(&mut told).await;
        };
        let saying = async {
            send(&mut say, hostile).await;
            // Who waits for the rest of a body waits until it is hung up on.
            sleep(PATIENCE).await;
            let _ = say.shutdown().await;
        };
        let ended = timeout(2 * PATIENCE, async { tokio::join!(hearing, saying) }).await;
        assert!(ended.is_ok(), "the connection is still open");
        let next = call(&Client::new(), plane.list()).await;
        assert_eq!(next.map(|response| response.status), Ok(200), "the next client");
        undated(&told)
    })
}

async fn call(client: &Client, path: &str) -> Result<Response, String> {
    let response = client.call("peer:80", Method::GET, path, &[], Bytes::new(), DEADLINE).await;
    response.map_err(|error| error.to_string())
}

/// What a server says of its own clock may differ.
fn undated(told: &[u8]) -> Vec<u8> {
    let lines = told.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"date: "));
    lines.flatten().copied().collect()
}

/// Each response is whole, is JSON where it says so, and none is about a failure of the server.
fn responses(told: &[u8], request: &[u8]) {
    // The answer to a HEAD has no body, and an interim one comes before the other; neither says so.
    if [&b"HEAD"[..], b"100-"].iter().any(|word| request.windows(4).any(|four| four == *word)) {
        return;
    }
    let mut rest = told;
    while !rest.is_empty() {
        let shown = || rest.escape_ascii().to_string();
        let end =
            rest.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("no head: {}", shown()));
        let head = std::str::from_utf8(&rest[..end]).unwrap_or_else(|_| panic!("no text: {}", shown()));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.")?.get(2..5)?.parse::<u16>().ok());
        let status = status.unwrap_or_else(|| panic!("no status: {}", shown()));
        assert!(status < 500, "a failure of the server: {}", shown());
        let field = |name: &str| {
            let mut fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
            fields.find(|(field, _)| *field == name).map(|(_, value)| value)
        };
        let length = field("content-length").map_or(0, |length| length.parse().expect("a length"));
        let body = rest[end + 4..].get(..length).unwrap_or_else(|| panic!("the body breaks off: {}", shown()));
        if field("content-type") == Some("application/json") {
            let json: Result<serde_json::Value, _> = serde_json::from_slice(body);
            assert!(json.is_ok(), "no JSON: {}", shown());
        }
        rest = &rest[end + 4 + length..];
    }
}

/// What the client makes of a hostile answer: a status and a body, or which error it is.
fn answer(hostile: Vec<Vec<u8>>) -> Result<(u16, Bytes), String> {
    script::run(move || async move {
        start(Rc::new(move || {
            let hostile = hostile.clone();
            Box::pin(async move {
                let listener = listener().await;
                let (mut first, _) = listener.accept().await.expect("somebody calls");
                hear(&mut first).await;
                send(&mut first, hostile).await;
                drop(first);
                while let Ok((mut next, _)) = listener.accept().await {
                    hear(&mut next).await;
                    let _ = next.write_all(FINE).await;
                    let _ = next.flush().await;
                }
            })
        }));
        let client = Client::new();
        let first = client.call("peer:80", Method::GET, "/", &[], Bytes::new(), DEADLINE);
        let first = timeout(2 * DEADLINE, first).await.expect("a deadline is kept");
        // By then all that is hostile has arrived.
        sleep(Duration::from_secs(10)).await;
        let second = call(&client, "/").await;
        assert_eq!(second.map(|response| response.body), Ok(Bytes::from_static(b"fine")), "the next call");
        match first {
            Ok(response) => Ok((response.status, response.body)),
            // In other words where it broke at another place.
            Err(HttpError::Broken(_)) => Err("broken".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    })
}

/// Reads one request without a body.
async fn hear(stream: &mut TcpStream) {
    let mut heard = Vec::new();
    let mut buffer = [0; 1024];
    while !heard.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => heard.extend_from_slice(&buffer[..read]),
        }
    }
}
