//! What is not the protocol, or nearly so: the same error, and the same end of the connection.

use proptest::prelude::*;

use super::peers::Peers;
use super::wire::Raw;
use crate::cases::runner;

/// Requests that are not the protocol, or nearly so.
const MALFORMED: &[&[u8]] = &[
    b"*2\r\n$3\r\nget\r\nx\r\n",
    b"*2\r\n$3\r\nget\r\nx",
    b"*a\r\n",
    b"*\r\n",
    b"*-1\r\nPING\r\n",
    b"*0\r\nPING\r\n",
    b"*1048577\r\n",
    b"*2147483648\r\n",
    b"*+1\r\n$4\r\nPING\r\n",
    b"*1 \r\n",
    b"*1\rX$4\r\nPING\r\n",
    b"*1\n$4\nPING\n",
    b"*1\r\n$-1\r\n",
    b"*1\r\n$a\r\n",
    b"*1\r\n$04\r\nPING\r\n",
    b"*1\r\n$600000000\r\n",
    b"*1\r\n\r\n",
    b"*1\r\n\0\r\n",
    b"*1\r\n:4\r\n",
    b"*1\r\n\xff\r\n",
    b"*1\r\n$0\r\n\r\n",
    b"*2\r\n$4\r\nPING\r\n$x\r\n",
    b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n",
    b"*1\r\n$4\r\nPING\r\n*1\r\n*1\r\n",
    b"PING 'a\r\n",
    b"PING 'a'b\r\n",
    b"PING \"a\\x41\\n\\\"\"\r\n",
    b"PING '\\'\\n'\r\n",
    b"PING a\"b\"\r\n",
    b"PING \"\\xZZ\"\r\n",
    b"''\r\n",
    b"\r\n\r\nPING\r\n",
    b"\n \t \nPING\n",
    b"PING\nPING\r\n",
    b"PING \0a\r\n",
    b"PING \xff\xfe\r\n",
    b"POST / HTTP/1.1\r\n",
    b"PING\r\nHost: x\r\nPING\r\n",
    b"NOSUCH a\r\n",
    b"QUIT\r\nPING\r\n",
    b"QUIT now and here\r\n",
    b"MULTI\r\nPING\r\nQUIT\r\n",
];

#[test]
fn malformed_requests_get_the_same_error_and_the_same_end() {
    let Some(peers) = Peers::start() else { return };
    let long = |prefix: &[u8], byte: u8| [prefix, &vec![byte; 70_000]].concat();
    let long = [long(b"", b'x'), long(b"*", b'1'), long(b"*1\r\n$", b'1')];
    let mut closed = 0;
    for input in MALFORMED.iter().copied().chain(long.iter().map(Vec::as_slice)) {
        let mut answers = [peers.real, peers.simulated].map(|address| Raw::send(address, input));
        // Whether a server says no more shows only by waiting: longer when it seems that the two differ.
        for _ in 0..30 {
            answers.iter_mut().for_each(Raw::drain);
            if answers[0].outcome() == answers[1].outcome() {
                break;
            }
        }
        let shown = input[..input.len().min(60)].escape_ascii();
        assert_eq!(answers[0].outcome(), answers[1].outcome(), "`{shown}`: real on the left, simulated on the right");
        closed += usize::from(answers[0].closed);
    }
    assert!(closed > 20, "only {closed} of the requests ended a connection");
}

#[test]
fn any_stream_of_bytes_is_answered_alike() {
    const PIECES: &[&[u8]] = &[
        b"*1\r\n",
        b"*2\r\n",
        b"$4\r\n",
        b"PING",
        b"ECHO",
        b"\r\n",
        b"\r\n",
        b"$1\r\n",
        b"x",
        b"*0\r\n",
        b"*-1\r\n",
        b"$-1\r\n",
        b"'",
        b"\"",
        b" ",
        b"\\x41",
        b"\\",
        b"\0",
        b"*1\r\n$4\r\nPING\r\n",
        b"PING\r\n",
        b"\n",
        b"*",
        b"$",
        b"*2\r\n$4\r\nECHO\r\n$2\r\n",
        b"\xc3\xa9",
    ];
    let Some(peers) = Peers::start() else { return };
    let soup = prop::collection::vec(prop::sample::select(PIECES), 0..12);
    let result = runner(1_000).run(&soup, |pieces| {
        let input = pieces.concat();
        let mut answers = [peers.real, peers.simulated].map(|address| Raw::send(address, &input));
        answers.iter().for_each(Raw::finish);
        for answer in &mut answers {
            for _ in 0..50 {
                answer.drain();
            }
        }
        let [real, simulated] = answers.map(|answer| answer.outcome());
        prop_assert_eq!(real, simulated, "`{}`", input.escape_ascii());
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
