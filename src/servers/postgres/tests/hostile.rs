//! Bytes that no client sends: the connection is closed with `08P01`, the server goes on, and nothing panics.

use proptest::prelude::*;
use tokio::io::AsyncWriteExt;

use super::super::host::Options;
use super::super::wire::{Request, Requests};
use super::pipes::{Served, bind, execute, message, parse, query, start, sync};

#[tokio::test(start_paused = true)]
async fn malformed_messages_close_the_connection_and_no_other() {
    let served = Served::start(Options::default());
    let mut bystander = served.begun().await;
    let length = |kind: u8, length: u32| [&[kind], &length.to_be_bytes()[..]].concat();
    let cases = [
        (b"z".to_vec(), "invalid frontend message type 122"),
        (vec![0; 64], "invalid frontend message type 0"),
        (b"p\0\0\0\x08abc\0".to_vec(), "invalid frontend message type 112"),
        (length(b'Q', 3), "invalid message length"),
        (length(b'Q', u32::MAX), "invalid message length"),
        (length(b'Q', 1 << 30), "invalid message length"),
        (length(b'S', 10_001), "invalid message length"),
        (message(b'Q', b"SHOW lock_timeout"), "invalid string in message"),
        (message(b'Q', b"SHOW lock_timeout\0more"), "invalid message format"),
        (message(b'Q', b"SHOW \xff\0"), "invalid byte sequence for encoding \"UTF8\""),
        (message(b'S', b"\0"), "invalid message format"),
        (message(b'P', b"\0\0"), "invalid message format"),
        (message(b'P', b"\0\0\0\x09\0\0\0\0"), "invalid message format"),
        (message(b'B', b"\0\0\0\0\0\x01\0\0\x01\0abc"), "insufficient data left in message"),
        (message(b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0"), "insufficient data left in message"),
        (message(b'D', b"Xname\0"), "invalid DESCRIBE or CLOSE message subtype 88"),
        (message(b'D', b""), "invalid message format"),
        (message(b'E', b"\0\0\0"), "invalid message format"),
    ];
    for (bytes, why) in cases {
        let mut raw = served.begun().await;
        assert_eq!(raw.say(&bytes).await, format!("E FATAL 08P01 {why}"));
        assert_eq!(raw.hear().await, "", "the connection goes on after {bytes:?}");
    }
    assert_eq!(bystander.say(&query("SHOW lock_timeout")).await, "T lock_timeout | D 0 | C SHOW | Z I");
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_is_answered_before_the_end() {
    let served = Served::start(Options::default());
    let mut raw = served.begun().await;
    let told = raw.say(&[query("SHOW lock_timeout"), b"\x01".to_vec()].concat()).await;
    assert_eq!(told, "T lock_timeout | D 0 | C SHOW | Z I | E FATAL 08P01 invalid frontend message type 1");
}

#[tokio::test(start_paused = true)]
async fn what_no_breath_was_taken_after_waits_though_it_came_together_with_a_query() {
    let served = Served::start(Options::default());
    let mut raw = served.begun().await;
    let told = raw.say(&[query("SHOW lock_timeout"), parse("", "COMMIT")].concat()).await;
    assert_eq!(told, "T lock_timeout | D 0 | C SHOW | Z I");
    assert_eq!(raw.say(&sync()).await, "1 | Z I");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_before_the_welcome_is_answered_after_it() {
    let served = Served::start(Options::default());
    let mut raw = served.raw();
    raw.whisper(&[start(&[("user", "u")]), query("SHOW lock_timeout")].concat()).await;
    let mut told = raw.hear().await;
    if !told.contains("SHOW") {
        told = raw.hear().await;
    }
    assert!(told.ends_with("T lock_timeout | D 0 | C SHOW | Z I"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_breaks_off_ends_the_connection() {
    let served = Served::start(Options::default());
    for whole in [query("SHOW lock_timeout"), parse("x", "SHOW lock_timeout"), bind("", "x"), execute("", 0), sync()] {
        for end in 1..whole.len() {
            let mut raw = served.begun().await;
            raw.whisper(&whole[..end]).await;
            raw.0.shutdown().await.expect("an in-memory stream closes");
            assert_eq!(raw.hear().await, "E FATAL 08P01 unexpected EOF on client connection");
        }
    }
    let whole = start(&[("user", "u")]);
    for end in 0..whole.len() {
        let mut raw = served.raw();
        raw.whisper(&whole[..end]).await;
        raw.0.shutdown().await.expect("an in-memory stream closes");
        assert_eq!(raw.hear().await, "", "nobody has begun to speak the protocol");
    }
}

/// Reads all messages there are; how often it said that there is one.
fn drain(requests: &mut Requests) -> usize {
    let mut count = 0;
    while let Ok(Some(_)) = requests.next() {
        count += 1;
    }
    count
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut requests = Requests::default();
        requests.buffer().extend_from_slice(&bytes);
        drain(&mut requests);
        let mut requests = Requests::default();
        requests.buffer().extend_from_slice(&bytes);
        let _ = requests.opening();
    }

    #[test]
    fn no_body_makes_the_reader_panic(
        kind in prop::sample::select(b"QPBDECHSFXdcf".to_vec()),
        body in prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255), any::<u8>()], 0..60),
    ) {
        let mut requests = Requests::default();
        requests.buffer().extend_from_slice(&message(kind, &body));
        prop_assert!(drain(&mut requests) <= 1);
    }

    #[test]
    fn it_does_not_matter_how_bytes_arrive(cut in 0usize..100) {
        let whole = [parse("a", "SELECT 1"), bind("p", "a"), execute("p", 3), sync(), query("x")].concat();
        let cut = cut.min(whole.len());
        let mut requests = Requests::default();
        let mut kinds = Vec::new();
        for part in [&whole[..cut], &whole[cut..]] {
            requests.buffer().extend_from_slice(part);
            while let Some(request) = requests.next().expect("these are messages") {
                kinds.push(match request {
                    Request::Bind { portal, .. } => portal,
                    Request::Execute { most, .. } => most.to_string(),
                    Request::Sync => "sync".to_owned(),
                    Request::Parse { text, .. } | Request::Query(text) => text,
                    other => format!("{other:?}"),
                });
            }
        }
        prop_assert_eq!(kinds, ["SELECT 1", "p", "3", "sync", "x"]);
    }
}
