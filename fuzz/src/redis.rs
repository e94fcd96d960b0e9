//! A Redis and any bytes that a client may send it.
//!
//! The first byte says into pieces of which size the others are cut; of its highest bit, whether they go over a simulated
//! socket.

use std::rc::Rc;
use std::time::Duration;

use sexton::runtime::net::{TcpListener, TcpStream};
use sexton::servers::redis::{Options, Redis};
use sexton::world::World;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::script::{self, pieces};

const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";
const PONG: &[u8] = b"+PONG\r\n";

/// The server answers whole replies or hangs up, says the same however the bytes arrive, and serves the next client.
///
/// # Panics
/// Where it does not.
pub fn check(bytes: &[u8]) {
    let Some((&how, bytes)) = bytes.split_first() else { return };
    let whole = talk(pieces(bytes, None));
    let end = replies(&whole);
    assert_eq!(end, whole.len(), "no reply: {:?}", whole[end..].escape_ascii().to_string());
    let parts = pieces(bytes, Some(usize::from(how & 0x7f)));
    let again = if how & 0x80 == 0 { talk(parts) } else { over_a_socket(parts) };
    // To who turns out to be a browser, what was not sent yet is not sent at all.
    let same = if speaks_http(bytes) { again.starts_with(&whole) } else { again == whole };
    assert!(same, "in one piece\n{}\nin several\n{}", whole.escape_ascii(), again.escape_ascii());
}

fn speaks_http(bytes: &[u8]) -> bool {
    let bytes = bytes.to_ascii_lowercase();
    bytes.windows(4).any(|word| word == b"post") || bytes.windows(5).any(|word| word == b"host:")
}

fn talk(hostile: Vec<Vec<u8>>) -> Vec<u8> {
    let mut told = script::talk(vec![hostile, pieces(PING, None)], |queue| async move {
        // Its end is the listener's, which has none.
        let _ = Redis::new(Options::default()).serve(&*queue).await;
    });
    assert_eq!(told.pop().as_deref(), Some(PONG), "the next client");
    told.remove(0)
}

/// The same over the network of a world.
fn over_a_socket(hostile: Vec<Vec<u8>>) -> Vec<u8> {
    script::run(move || async move {
        let world = World::current().expect("a world is here");
        let redis = Redis::new(Options::default());
        let host = world.add_host(
            "redis",
            Rc::new(move || {
                let redis = redis.clone();
                Box::pin(async move {
                    let listener = TcpListener::bind("redis:6379").await.expect("the port is free");
                    let _ = redis.serve(listener).await;
                })
            }),
        );
        world.start(host);
        let told = send(hostile).await;
        assert_eq!(send(pieces(PING, None)).await, PONG, "the next client");
        told
    })
}

/// All that is answered, up to the end of the connection.
async fn send(bytes: Vec<Vec<u8>>) -> Vec<u8> {
    let (mut hear, mut say) = tokio::io::split(TcpStream::connect("redis:6379").await.expect("it is up"));
    let saying = async move {
        for piece in bytes {
            // Who is hung up on has no more to say.
            if say.write_all(&piece).await.is_err() || say.flush().await.is_err() {
                return say;
            }
        }
        let _ = say.shutdown().await;
        say
    };
    let mut told = Vec::new();
    let hearing = timeout(Duration::from_mins(1), async {
        // A reset ends it as well.
        let _ = hear.read_to_end(&mut told).await;
    });
    let (_say, ended) = tokio::join!(saying, hearing);
    assert!(ended.is_ok(), "the connection is still open");
    sleep(Duration::from_millis(10)).await;
    told
}

/// Where the last whole reply ends.
fn replies(bytes: &[u8]) -> usize {
    let mut end = 0;
    while let Some(next) = reply(bytes, end) {
        end = next;
    }
    end
}

/// Where the reply that begins at `at` ends.
fn reply(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let line = rest.windows(2).position(|two| two == b"\r\n")?;
    let (kind, text) = rest[..line].split_first()?;
    if text.contains(&b'\n') {
        return None;
    }
    let end = at + line + 2;
    let number = || std::str::from_utf8(text).ok()?.parse::<i64>().ok();
    let elements = |count: i64| (0..count).try_fold(end, |end, _| reply(bytes, end));
    match kind {
        b'+' | b'-' => Some(end),
        b':' => number().map(|_| end),
        b',' => std::str::from_utf8(text).ok()?.parse::<f64>().ok().map(|_| end),
        b'_' => text.is_empty().then_some(end),
        b'$' | b'=' => match number()? {
            -1 => Some(end),
            length => {
                let end = end + usize::try_from(length).ok()?;
                (bytes.get(end..end + 2)? == b"\r\n").then_some(end + 2)
            }
        },
        b'*' if number()? == -1 => Some(end),
        b'*' | b'~' => elements(number()?),
        b'%' => elements(2 * number()?),
        _ => None,
    }
}
