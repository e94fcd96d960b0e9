//! Server and client against each other, and the client against peers that misbehave, over real sockets.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Bytes, Client, HttpError, Method, Response, serve};
use crate::runtime::net::{TcpListener, TcpStream};
use crate::runtime::task;

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(50);

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    (listener, authority)
}

async fn serving(router: Router) -> String {
    let (listener, authority) = listener().await;
    drop(task::spawn(serve(listener, router)));
    authority
}

fn echo() -> Router {
    Router::new()
        .route("/echo", post(|Json(body): Json<Value>| async move { Json(json!({ "echo": body })) }))
        .route("/plain", get(|| async { "plain" }))
}

/// A peer that plays `script` on each connection, given its number; returns how many there have been.
async fn peer<F, Fut>(script: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn(usize, TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (listener, authority) = listener().await;
    let count = Arc::new(AtomicUsize::new(0));
    let accepted = count.clone();
    drop(task::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(task::spawn(script(accepted.fetch_add(1, Ordering::Relaxed), stream)));
        }
    }));
    (authority, count)
}

/// Reads one request without a body; false: the client closed instead.
async fn hear(stream: &mut TcpStream) -> bool {
    let mut heard = Vec::new();
    let mut buffer = [0; 1024];
    while !heard.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(read) => heard.extend_from_slice(&buffer[..read]),
        }
    }
    true
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine";

async fn fetch(client: &Client, authority: &str, deadline: Duration) -> Result<Response, HttpError> {
    client.call(authority, Method::GET, "/", &[], Bytes::new(), deadline).await
}

fn alive() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn json_goes_there_and_back_over_one_connection() {
    let authority = serving(echo()).await;
    let client = Client::new();
    for number in 0..10 {
        let answer: Value = client.post_json(&authority, "/echo", &json!({ "n": number }), LONG).await.unwrap();
        assert_eq!(answer, json!({ "echo": { "n": number } }));
    }
    // The accept loop and the one connection: the client has no tasks, and hyper starts none behind our back.
    assert_eq!(alive(), 2);
}

#[tokio::test]
async fn a_response_has_status_headers_and_body_but_no_date() {
    let authority = serving(echo()).await;
    let client = Client::new();
    let response = client.call(&authority, Method::GET, "/plain?x=1", &[("x-a", "b")], Bytes::new(), LONG).await;
    let response = response.unwrap();
    assert_eq!((response.status, response.text().as_str()), (200, "plain"));
    assert_eq!(response.headers.get("content-length").unwrap(), "5");
    assert!(!response.headers.contains_key("date"), "the host's clock was asked");
}

#[tokio::test]
async fn a_status_is_an_error_only_where_success_is_needed() {
    let authority = serving(echo()).await;
    let client = Client::new();
    let response = client.call(&authority, Method::GET, "/nowhere", &[], Bytes::new(), LONG).await.unwrap();
    assert_eq!(response.status, 404);
    let error = client.get_json::<Value>(&authority, "/nowhere", LONG).await.unwrap_err();
    assert!(matches!(error, HttpError::Status { status: 404, .. }), "{error}");
    let error = client.get_json::<Value>(&authority, "/plain", LONG).await.unwrap_err();
    assert!(matches!(error, HttpError::Body(_)), "{error}");
}

#[tokio::test]
async fn concurrent_calls_do_not_wait_for_each_other() {
    let gate = Arc::new(tokio::sync::Barrier::new(3));
    let router = Router::new().route(
        "/meet",
        get(move || {
            let gate = gate.clone();
            async move {
                gate.wait().await;
                "met"
            }
        }),
    );
    let authority = serving(router).await;
    let client = Client::new();
    let call = || client.call(&authority, Method::GET, "/meet", &[], Bytes::new(), LONG);
    for response in <[_; 3]>::from(tokio::join!(call(), call(), call())) {
        assert_eq!(response.unwrap().text(), "met");
    }
}

#[tokio::test]
async fn a_refused_connection_is_unsent() {
    let (listener, authority) = listener().await;
    drop(listener);
    let error = fetch(&Client::new(), &authority, LONG).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect { .. }), "{error}");
    assert!(error.is_unsent() && !error.is_ambiguous());
}

#[tokio::test]
async fn what_is_no_request_is_invalid() {
    let client = Client::new();
    let error = client.call("a:1", Method::GET, "/a b", &[], Bytes::new(), LONG).await.unwrap_err();
    assert!(matches!(error, HttpError::Invalid(_)), "{error}");
    let error = client.call("a:1", Method::GET, "/", &[("x", "\n")], Bytes::new(), LONG).await.unwrap_err();
    assert!(matches!(error, HttpError::Invalid(_)), "{error}");
}

#[tokio::test]
async fn an_idle_connection_that_the_peer_closed_is_replaced_unseen() {
    let closed = Arc::new(tokio::sync::Notify::new());
    let signal = closed.clone();
    let (authority, connections) = peer(move |_, mut stream| {
        let signal = signal.clone();
        async move {
            assert!(hear(&mut stream).await);
            say(&mut stream, FINE).await;
            drop(stream);
            signal.notify_one();
        }
    })
    .await;
    let client = Client::new();
    for number in 1..=3 {
        assert_eq!(fetch(&client, &authority, LONG).await.unwrap().text(), "fine");
        assert_eq!(connections.load(Ordering::Relaxed), number);
        closed.notified().await;
    }
}

#[tokio::test]
async fn a_request_that_was_taken_and_not_answered_is_ambiguous_and_never_repeated() {
    let requests = Arc::new(AtomicUsize::new(0));
    let taken = requests.clone();
    let (authority, _) = peer(move |_, mut stream| {
        let taken = taken.clone();
        async move {
            // The first request on a connection is answered, the next is dropped with it.
            while hear(&mut stream).await {
                if taken.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
                    return;
                }
                say(&mut stream, FINE).await;
            }
        }
    })
    .await;
    let client = Client::new();
    assert_eq!(fetch(&client, &authority, LONG).await.unwrap().status, 200);
    let error = fetch(&client, &authority, LONG).await.unwrap_err();
    assert!(matches!(error, HttpError::Broken(_)), "{error}");
    assert!(error.is_ambiguous() && !error.is_unsent());
    assert_eq!(requests.load(Ordering::Relaxed), 2);
    assert_eq!(fetch(&client, &authority, LONG).await.unwrap().status, 200);
}

#[tokio::test]
async fn half_a_response_is_a_broken_one() {
    let (authority, _) = peer(|_, mut stream| async move {
        assert!(hear(&mut stream).await);
        say(&mut stream, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfine").await;
    })
    .await;
    let error = fetch(&Client::new(), &authority, LONG).await.unwrap_err();
    assert!(matches!(error, HttpError::Broken(_)), "{error}");
}

#[tokio::test]
async fn a_call_past_its_deadline_closes_its_connection() {
    let closed = Arc::new(Mutex::new(Vec::new()));
    let log = closed.clone();
    let (authority, connections) = peer(move |number, mut stream| {
        let log = log.clone();
        async move {
            assert!(hear(&mut stream).await);
            if number == 1 {
                say(&mut stream, FINE).await;
            }
            // Silent, and hearing nothing more than the end.
            assert!(!hear(&mut stream).await);
            log.lock().unwrap().push(number);
        }
    })
    .await;
    let client = Client::new();
    let error = fetch(&client, &authority, SHORT).await.unwrap_err();
    assert!(matches!(error, HttpError::TimedOut(_)), "{error}");
    assert!(error.is_ambiguous());
    assert_eq!(fetch(&client, &authority, LONG).await.unwrap().status, 200);
    assert_eq!(connections.load(Ordering::Relaxed), 2);
    while closed.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(*closed.lock().unwrap(), [0]);
}

#[tokio::test]
async fn a_connection_that_the_peer_will_not_keep_is_not_kept() {
    let (authority, connections) = peer(|_, mut stream| async move {
        assert!(hear(&mut stream).await);
        say(&mut stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
        // Open until the client has closed.
        assert!(!hear(&mut stream).await);
    })
    .await;
    let client = Client::new();
    for number in 1..=2 {
        assert_eq!(fetch(&client, &authority, LONG).await.unwrap().status, 200);
        assert_eq!(connections.load(Ordering::Relaxed), number);
    }
}

#[tokio::test]
async fn the_server_survives_clients_that_talk_nonsense() {
    let authority = serving(echo()).await;
    let mut nonsense = TcpStream::connect(&authority).await.unwrap();
    say(&mut nonsense, "what?\r\n\r\n").await;
    let mut answer = String::new();
    nonsense.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    let client = Client::new();
    assert_eq!(client.call(&authority, Method::GET, "/plain", &[], Bytes::new(), LONG).await.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_finishes_its_request_is_cut_off() {
    let authority = serving(echo()).await;
    let mut slow = TcpStream::connect(&authority).await.unwrap();
    say(&mut slow, "GET /plain HTTP/1.1\r\n").await;
    let started = tokio::time::Instant::now();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "");
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn a_client_that_goes_away_drops_its_handler() {
    struct Gone(Arc<AtomicUsize>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = dropped.clone();
    let router = Router::new().route(
        "/",
        get(move || {
            let gone = Gone(count.clone());
            async move {
                std::future::pending::<()>().await;
                drop(gone);
            }
        }),
    );
    let authority = serving(router).await;
    let error = fetch(&Client::new(), &authority, SHORT).await.unwrap_err();
    assert!(matches!(error, HttpError::TimedOut(_)), "{error}");
    while dropped.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn bodies_larger_than_any_buffer_arrive_whole() {
    let router = Router::new().route("/", post(|body: Bytes| async move { [body.clone(), body].concat() }));
    let authority = serving(router.layer(DefaultBodyLimit::disable())).await;
    let body: Bytes = (0..3_000_000u32).map(|number| (number % 251) as u8).collect();
    let response = Client::new().call(&authority, Method::POST, "/", &[], body.clone(), LONG).await.unwrap();
    assert!(response.body == [body.clone(), body].concat(), "{} bytes came back", response.body.len());
}

#[test]
fn calls_and_serving_can_be_spawned() {
    fn sendable<T: Send>(_: impl FnOnce() -> T) {}
    sendable(|| async {
        let (listener, _) = listener().await;
        serve(listener, Router::new()).await;
    });
    sendable(|| async {
        let client = Client::new();
        let _ = client.post_json::<_, Value>("a:1", "/", &(), LONG).await;
    });
}
