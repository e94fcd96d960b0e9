//! The protocol, message by message, in so far as it does not depend on what the statements do.

use std::time::Duration;

use tokio::time::sleep;

use super::super::host::Options;
use super::pipes::{Served, bind, execute, message, parse, query, start, sync};

const SSL: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

fn served() -> Served {
    Served::start(Options::default())
}

#[tokio::test(start_paused = true)]
async fn a_client_is_told_what_it_relies_on() {
    let served = served();
    let mut raw = served.raw();
    assert_eq!(raw.say(&SSL).await, "b\"N\"");
    let told = raw.say(&start(&[("user", "tester"), ("application_name", "tests")])).await;
    let expected = "R | S application_name=tests | S client_encoding=UTF8 | S DateStyle=ISO, MDY | S integer_datetimes=on | \
        S server_encoding=UTF8 | S server_version=15.6 | S standard_conforming_strings=on | S TimeZone=UTC | K | Z I";
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_begin_is_told_why() {
    let served = served();
    let cases = [
        (start(&[]), "E FATAL 28000 no PostgreSQL user name specified in startup packet"),
        (start(&[("user", "u"), ("colour", "red")]), "E FATAL 42704 unrecognized configuration parameter \"colour\""),
        (
            start(&[("user", "u"), ("client_encoding", "LATIN1")]),
            "E FATAL 0A000 the simulated Postgres does not support `client_encoding` as `LATIN1`",
        ),
        (
            [&8u32.to_be_bytes()[..], &131_072u32.to_be_bytes()].concat(),
            "E FATAL 0A000 unsupported frontend protocol 2.0: server supports 3.0 to 3.0",
        ),
        (vec![0, 0, 0, 3], "E FATAL 08P01 invalid message length"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "E FATAL 08P01 invalid message length"),
    ];
    for (bytes, expected) in cases {
        let mut raw = served.raw();
        assert_eq!(raw.say(&bytes).await, expected);
        assert_eq!(raw.hear().await, "", "the connection goes on");
    }
    let small = Served::start(Options { connections: 1, ..Options::default() });
    let first = small.begun().await;
    assert_eq!(small.raw().say(&start(&[("user", "u")])).await, "E FATAL 53300 sorry, too many clients already");
    drop(first);
    sleep(Duration::from_millis(1)).await;
    small.begun().await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_protocol_is_negotiated_down() {
    let mut bytes = start(&[("user", "u"), ("_pq_.colour", "red")]);
    bytes[7] = 2;
    let told = served().raw().say(&bytes).await;
    assert!(told.starts_with("v | R | ") && told.ends_with("Z I"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_shown_out() {
    let served = served();
    let mut raw = served.raw();
    assert_eq!(tokio::time::timeout(Duration::from_secs(59), raw.hear()).await.ok(), None);
    assert_eq!(raw.hear().await, "");
}

#[tokio::test(start_paused = true)]
async fn settings_are_set_shown_and_told() {
    let served = served();
    let mut raw = served.begun().await;
    let mut ask = async |text: &str| raw.say(&query(text)).await;
    assert_eq!(ask("SHOW lock_timeout").await, "T setting | D 0 | C SHOW | Z I");
    assert_eq!(ask("SET lock_timeout = '1500ms'").await, "C SET | Z I");
    assert_eq!(ask("SHOW lock_timeout").await, "T setting | D 1500ms | C SHOW | Z I");
    assert_eq!(ask("SET lock_timeout TO 2000").await, "C SET | Z I");
    assert_eq!(ask("SHOW lock_timeout").await, "T setting | D 2s | C SHOW | Z I");
    assert_eq!(ask("RESET lock_timeout").await, "C RESET | Z I");
    assert_eq!(ask("SHOW lock_timeout").await, "T setting | D 0 | C SHOW | Z I");
    assert_eq!(ask("SET application_name = 'b'").await, "C SET | S application_name=b | Z I");
    assert_eq!(ask("SET TIME ZONE 'UTC'").await, "C SET | Z I");
    assert_eq!(
        ask("SET LOCAL lock_timeout = 5").await,
        "N WARNING 25P01 SET LOCAL can only be used in transaction blocks | C SET | Z I"
    );
    assert_eq!(
        ask("SET TimeZone = 'Europe/Paris'").await,
        "E ERROR 0A000 the simulated Postgres does not support `TimeZone` as `Europe/Paris` | Z I"
    );
    assert_eq!(
        ask("SET lock_timeout = 'soon'").await,
        "E ERROR 22023 invalid value for parameter \"lock_timeout\": \"soon\" | Z I"
    );
    assert_eq!(ask("SET colour = red").await, "E ERROR 42704 unrecognized configuration parameter \"colour\" | Z I");
    assert_eq!(
        ask("SET server_version = 9").await,
        "E ERROR 55P02 parameter \"server_version\" cannot be changed | Z I"
    );
    assert_eq!(ask("DISCARD ALL").await, "C DISCARD ALL | S application_name= | Z I");
}

#[tokio::test(start_paused = true)]
async fn options_of_the_start_are_settings() {
    let served = served();
    let mut raw = served.raw();
    let options = "-c lock_timeout=7s --statement-timeout=9s";
    raw.say(&start(&[("user", "u"), ("options", options)])).await;
    assert_eq!(raw.say(&query("SHOW lock_timeout")).await, "T setting | D 7s | C SHOW | Z I");
    assert_eq!(raw.say(&query("SHOW statement_timeout")).await, "T setting | D 9s | C SHOW | Z I");
    raw.say(&query("SET lock_timeout = 1")).await;
    raw.say(&query("RESET ALL")).await;
    assert_eq!(raw.say(&query("SHOW lock_timeout")).await, "T setting | D 7s | C SHOW | Z I");
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_answered_with_one_write_and_not_before_it_is_due() {
    let served = served();
    let mut raw = served.begun().await;
    let describe = message(b'D', b"Sname\0");
    let batch = [
        parse("name", "SHOW TimeZone"),
        bind("", "name"),
        describe,
        message(b'D', b"P\0"),
        execute("", 0),
        message(b'C', b"Sname\0"),
    ]
    .concat();
    raw.whisper(&batch).await;
    assert_eq!(tokio::time::timeout(Duration::from_secs(1), raw.hear()).await.ok(), None, "nobody asked for it yet");
    let expected = "1 | 2 | t | T setting | T setting | D UTC | C SHOW | 3";
    assert_eq!(raw.say(&message(b'H', b"")).await, expected);
    assert_eq!(raw.say(&sync()).await, "Z I");
}

#[tokio::test(start_paused = true)]
async fn after_an_error_everything_is_skipped_until_sync() {
    let served = served();
    let mut raw = served.begun().await;
    let batch =
        [bind("", "nobody"), execute("", 0), parse("x", "SHOW TimeZone"), query("SHOW TimeZone"), sync()].concat();
    assert_eq!(raw.say(&batch).await, "E ERROR 26000 prepared statement \"nobody\" does not exist | Z I");
    let cases = [
        (bind("", "x"), "E ERROR 26000 prepared statement \"x\" does not exist | Z I"),
        (bind("", ""), "E ERROR 26000 unnamed prepared statement does not exist | Z I"),
        (execute("p", 0), "E ERROR 34000 portal \"p\" does not exist | Z I"),
        (message(b'D', b"Pp\0"), "E ERROR 34000 portal \"p\" does not exist | Z I"),
        (parse("x", "SHOW TimeZone"), "1 | Z I"),
        (parse("x", "SHOW TimeZone"), "E ERROR 42P05 prepared statement \"x\" already exists | Z I"),
        (message(b'C', b"Sx\0"), "3 | Z I"),
        (parse("x", "SHOW"), "E ERROR 42601 syntax error at or near \"SHOW\" | Z I"),
        (
            message(b'F', b"whatever"),
            "E ERROR 0A000 the simulated Postgres does not support function calls without SQL | Z I | Z I",
        ),
        (message(b'c', b""), "Z I"),
    ];
    for (request, expected) in cases {
        assert_eq!(raw.say(&[request, sync()].concat()).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unnamed_statement_gives_way_and_a_portal_goes_with_the_series() {
    let served = served();
    let mut raw = served.begun().await;
    let twice = [parse("", "SHOW TimeZone"), parse("", "SHOW DateStyle"), bind("p", ""), execute("p", 0)].concat();
    let told = raw.say(&[twice, bind("p", ""), sync()].concat()).await;
    assert_eq!(told, "1 | 1 | 2 | D ISO, MDY | C SHOW | E ERROR 42P03 cursor \"p\" already exists | Z I");
    let told = raw.say(&[execute("p", 0), sync()].concat()).await;
    assert_eq!(told, "E ERROR 34000 portal \"p\" does not exist | Z I");
    raw.say(&query("SHOW TimeZone")).await;
    let told = raw.say(&[bind("", ""), sync()].concat()).await;
    assert_eq!(told, "E ERROR 26000 unnamed prepared statement does not exist | Z I");
}

#[tokio::test(start_paused = true)]
async fn whoever_says_goodbye_gets_none() {
    let served = served();
    let mut raw = served.begun().await;
    assert_eq!(raw.say(&message(b'X', b"")).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_host_is_told_to_whom_it_concerns() {
    let served = served();
    let (mut first, mut second) = (served.begun().await, served.begun().await);
    assert_eq!(served.postgres.lose_connection(3), "connection 2 of 2 is lost");
    assert_eq!(second.hear().await, "");
    assert_eq!(served.postgres.terminate_backends(), "1 connection ended");
    assert_eq!(first.hear().await, "E FATAL 57P01 terminating connection due to administrator command");
    assert_eq!(first.hear().await, "");
    assert_eq!(served.postgres.lose_connection(1), "no connection to lose");
    assert_eq!(served.postgres.too_many(Duration::from_secs(2)), "connections are refused for 2s");
    let refused = served.raw().say(&start(&[("user", "u")])).await;
    assert_eq!(refused, "E FATAL 53300 sorry, too many clients already");
    sleep(Duration::from_secs(2)).await;
    served.begun().await;
    served.postgres.too_many(Duration::from_secs(2));
    served.postgres.heal();
    served.begun().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_does_not_outlive_the_host() {
    let mut served = served();
    let mut raw = served.begun().await;
    served.restart().await;
    assert_eq!(raw.hear().await, "");
    served.begun().await;
}
