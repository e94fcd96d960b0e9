//! The world by itself: time, tasks, network, crashes, pauses, panics.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use sexton::runtime::net::{TcpListener, TcpStream};
use sexton::runtime::{task, time};
use sexton::world::{Config, HostId, Outcome, Program, World, simulate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn program<F: Future<Output = ()> + 'static>(body: impl Fn() -> F + 'static) -> Program {
    Rc::new(move || Box::pin(body()))
}

async fn echo() {
    let listener = TcpListener::bind("0.0.0.0:7").await.expect("the port is free");
    loop {
        let (mut stream, _) = listener.accept().await.expect("a listener accepts");
        drop(task::spawn(async move {
            let mut buffer = [0; 64];
            while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                if stream.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
            }
        }));
    }
}

fn server_and_client<T: Send + 'static, F: Future<Output = T> + 'static>(
    config: Config,
    client: impl FnOnce(Rc<World>, HostId) -> F + Send,
) -> Outcome<T> {
    simulate(config, move || {
        let world = World::current().expect("inside");
        let server = world.add_host("server", program(echo));
        world.start(server);
        client(world, server)
    })
}

/// Runs one host, `pod-a`, with this body for a while.
fn alone<F: Future<Output = ()> + 'static>(body: impl Fn() -> F + Send + 'static) -> Outcome<()> {
    simulate(Config::default(), move || async move {
        let world = World::current().expect("inside");
        let host = world.add_host("pod-a", program(body));
        world.start(host);
        time::sleep(Duration::from_secs(2)).await;
    })
}

async fn call(stream: &mut TcpStream, text: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(text).await?;
    let mut answer = vec![0; text.len()];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

#[test]
fn bytes_travel_and_time_is_skipped() {
    let outcome = server_and_client(Config::default(), |world, _| async move {
        let mut stream = TcpStream::connect("server:7").await.expect("the server listens");
        let answer = call(&mut stream, b"hello").await.expect("the echo answers");
        time::sleep(Duration::from_hours(24 * 7)).await;
        (answer, world.elapsed())
    });
    let (answer, elapsed) = outcome.value.expect("the run ended by itself");
    assert_eq!(answer, b"hello");
    assert!(elapsed >= Duration::from_hours(24 * 7));
    assert!(outcome.events < 60, "idle time costs nothing, but there were {} events", outcome.events);
}

#[test]
fn the_same_seed_gives_the_same_history_and_another_seed_another() {
    let run = |seed| {
        let config = Config { seed, ..Config::default() };
        let outcome = server_and_client(config, |_, _| async move {
            let mut stream = TcpStream::connect("server:7").await.expect("the server listens");
            for _ in 0..20 {
                call(&mut stream, b"again").await.expect("the echo answers");
            }
        });
        (outcome.history.fingerprint(), outcome.decisions)
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).0, run(4).0);
}

#[test]
fn a_crash_resets_its_peers_and_a_restart_listens_again() {
    let outcome = server_and_client(Config::default(), |world, server| async move {
        let mut stream = TcpStream::connect("server:7").await.expect("the server listens");
        world.crash(server);
        let broken = call(&mut stream, b"x").await.expect_err("the peer is gone").kind();
        let refused = TcpStream::connect("server:7").await.expect_err("nobody listens").kind();
        world.start(server);
        time::sleep(Duration::from_millis(5)).await;
        let mut stream = TcpStream::connect("server:7").await.expect("it listens again");
        (broken, refused, call(&mut stream, b"back").await.expect("it answers"))
    });
    let (broken, refused, answer) = outcome.value.expect("the run ended by itself");
    assert_eq!(broken, std::io::ErrorKind::ConnectionReset);
    assert_eq!(refused, std::io::ErrorKind::ConnectionRefused);
    assert_eq!(answer, b"back");
}

#[test]
fn no_destructor_of_a_crashed_host_is_heard() {
    struct Farewell(TcpStream);
    impl Drop for Farewell {
        fn drop(&mut self) {
            let started = task::spawn(async {});
            assert!(started.is_finished(), "a dead host starts nothing");
            assert!(self.0.peer_addr().is_ok());
        }
    }
    let outcome = server_and_client(Config::default(), |world, _| async move {
        let sent = Rc::new(RefCell::new(0));
        let count = sent.clone();
        let other = world.add_host(
            "other",
            program(move || {
                let count = count.clone();
                async move {
                    let stream = TcpStream::connect("server:7").await.expect("the server listens");
                    let _farewell = Farewell(stream);
                    *count.borrow_mut() += 1;
                    std::future::pending::<()>().await;
                }
            }),
        );
        world.start(other);
        time::sleep(Duration::from_millis(50)).await;
        world.crash(other);
        time::sleep(Duration::from_millis(50)).await;
        *sent.borrow()
    });
    assert_eq!(outcome.value, Some(1));
    assert!(!outcome.history.events().iter().any(|event| matches!(event.what, sexton::harness::What::Panicked { .. })));
}

#[test]
fn a_paused_host_stands_still_and_goes_on() {
    let outcome = server_and_client(Config::default(), |world, server| async move {
        let mut stream = TcpStream::connect("server:7").await.expect("the server listens");
        world.pause(server);
        let waited = time::timeout(Duration::from_secs(5), call(&mut stream, b"a")).await;
        world.resume(server);
        let mut answer = [0; 1];
        stream.read_exact(&mut answer).await.expect("the answer comes after the pause");
        (waited.is_err(), answer)
    });
    assert_eq!(outcome.value, Some((true, *b"a")));
}

#[test]
fn a_cut_link_stalls_a_stream_until_it_is_mended() {
    let outcome = server_and_client(Config::default(), |world, server| async move {
        let mut stream = TcpStream::connect("server:7").await.expect("the server listens");
        world.cut(HostId::WORLD, server);
        let begun = time::Instant::now();
        let mender = world.clone();
        let mend = task::spawn(async move { time::sleep(Duration::from_mins(1)).await });
        let calls = async {
            let answer = call(&mut stream, b"through").await;
            (answer.expect("it arrives after the mend"), begun.elapsed())
        };
        let mending = async {
            mend.await.expect("a timer ends");
            mender.mend(HostId::WORLD, server);
        };
        tokio::join!(biased; calls, mending).0
    });
    let (answer, took) = outcome.value.expect("the run ended by itself");
    assert_eq!(answer, b"through");
    assert!(took >= Duration::from_mins(1) && took < Duration::from_secs(61), "took {took:?}");
}

#[test]
fn a_connection_over_a_cut_link_times_out_as_tcp_does() {
    let outcome = server_and_client(Config::default(), |world, server| async move {
        world.cut(HostId::WORLD, server);
        let begun = time::Instant::now();
        let error = TcpStream::connect("server:7").await.expect_err("nothing arrives").kind();
        (error, begun.elapsed().as_secs())
    });
    assert_eq!(outcome.value, Some((std::io::ErrorKind::TimedOut, 127)));
}

#[test]
fn a_stream_keeps_its_order_whatever_is_done_to_its_link() {
    for seed in 0..40 {
        let outcome = simulate(Config { seed, ..Config::default() }, || async {
            let world = World::current().expect("inside");
            world.set_jitter(Duration::from_millis(50));
            let server = world.add_host(
                "server",
                program(|| async {
                    let listener = TcpListener::bind("0.0.0.0:7").await.expect("the port is free");
                    let (mut stream, _) = listener.accept().await.expect("accepts");
                    for expected in 0..400 {
                        assert_eq!(stream.read_u64().await.expect("all arrives"), expected);
                    }
                    stream.write_u8(1).await.expect("answers");
                }),
            );
            world.start(server);
            let mut stream = TcpStream::connect("server:7").await.expect("the server listens");
            for number in 0..400_u64 {
                match number % 40 {
                    7 | 9 => world.delay_request(HostId::WORLD, server, Duration::from_millis(300 + number)),
                    15 => world.slow(HostId::WORLD, server, Duration::from_millis(200)),
                    20 => world.cut(HostId::WORLD, server),
                    30 => world.mend(HostId::WORLD, server),
                    35 => world.slow(HostId::WORLD, server, Duration::ZERO),
                    _ => {}
                }
                stream.write_u64(number).await.expect("written");
                time::sleep(Duration::from_millis(number * 7 % 40)).await;
            }
            world.mend(HostId::WORLD, server);
            stream.read_u8().await.expect("the server has seen all, in order")
        });
        assert_eq!(outcome.value, Some(1), "seed {seed}: {:?}", outcome.history.events().last());
    }
}

#[test]
fn a_full_window_makes_the_writer_wait() {
    let outcome = simulate(Config::default(), || async {
        let world = World::current().expect("inside");
        let server = world.add_host(
            "server",
            program(|| async {
                let listener = TcpListener::bind("0.0.0.0:7").await.expect("the port is free");
                let (mut stream, _) = listener.accept().await.expect("accepts");
                time::sleep(Duration::from_secs(10)).await;
                let mut all = Vec::new();
                let read = stream.read_to_end(&mut all).await.expect("reads to the end");
                stream.write_all(&(read as u64).to_be_bytes()).await.expect("half-closed, not closed");
            }),
        );
        world.start(server);
        let mut stream = TcpStream::connect("server:7").await.expect("the server listens");
        let begun = time::Instant::now();
        stream.write_all(&vec![7; 1_000_000]).await.expect("written in the end");
        let took = begun.elapsed();
        stream.shutdown().await.expect("half-closes");
        (stream.read_u64().await.expect("the count comes back"), took)
    });
    let (count, took) = outcome.value.expect("the run ended by itself");
    assert_eq!(count, 1_000_000);
    assert!(took >= Duration::from_secs(9), "a million bytes do not fit a window, yet it took only {took:?}");
}

#[test]
fn a_panic_is_told_with_host_and_task() {
    let outcome = alone(|| async { panic!("out of coffins") });
    let told = outcome.history.events().iter().find_map(|event| match &event.what {
        sexton::harness::What::Panicked { task, message } => Some((event.host.clone(), task.clone(), message.clone())),
        _ => None,
    });
    let (host, task, message) = told.expect("the panic is in the history");
    assert_eq!((&*host, &*task), ("pod-a", "pod-a#1/1"));
    assert!(message.contains("out of coffins") && message.contains("engine.rs"), "{message}");
}

#[test]
fn a_run_that_cannot_end_names_what_waits() {
    let config = Config { most_time: Duration::from_secs(30), ..Config::default() };
    let outcome = server_and_client(config, |_, _| async {
        sexton::runtime::activity("wait for ever", std::future::pending::<()>()).await;
    });
    let stuck = outcome.stuck.expect("the run is stuck");
    assert!(stuck.contains("30s") && stuck.contains("server"), "{stuck}");

    let config = Config { most_events: 1_000, ..Config::default() };
    let outcome = simulate(config, || async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    assert!(outcome.stuck.is_some_and(|stuck| stuck.contains("1000 events")));
}

#[test]
fn entropy_clock_and_hash_order_follow_from_the_seed() {
    let run = |seed| {
        let config = Config { seed, ..Config::default() };
        let outcome = simulate(config, || async {
            let order: Vec<u32> = {
                #[expect(clippy::disallowed_types, reason = "what is tested is that even this is deterministic")]
                let map: std::collections::HashMap<u32, u32> = (0..20).map(|number| (number, number)).collect();
                #[expect(clippy::iter_over_hash_type, reason = "as above")]
                {
                    let mut keys = Vec::new();
                    for key in map.keys() {
                        keys.push(*key);
                    }
                    keys
                }
            };
            time::sleep(Duration::from_millis(1500)).await;
            #[expect(clippy::disallowed_methods, reason = "what is tested is that even this is deterministic")]
            let date = std::time::SystemTime::now();
            (order, uuid::Uuid::new_v4(), date)
        });
        outcome.value.expect("the run ended by itself")
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).1, run(2).1);
    let date = run(1).2.duration_since(std::time::SystemTime::UNIX_EPOCH).expect("after the epoch");
    assert_eq!(date, Duration::from_nanos(sexton::world::clock::EPOCH) + Duration::from_millis(1500));
}

#[test]
fn a_stray_tokio_task_is_named() {
    let outcome = alone(|| async {
        #[expect(clippy::disallowed_methods, reason = "what is tested is that it is found out")]
        drop(tokio::spawn(async {}));
    });
    let escaped = outcome.history.events().iter().find_map(|event| match &event.what {
        sexton::harness::What::Escaped(how) => Some(how.clone()),
        _ => None,
    });
    let escaped = escaped.expect("found out");
    assert!(escaped.contains("pod-a#1/1") && escaped.contains("tokio::spawn"), "{escaped}");
}

/// The first event of a history that says something left the world, or panicked.
fn findings<T>(outcome: &Outcome<T>) -> Vec<String> {
    let told = outcome.history.events().iter().filter_map(|event| match &event.what {
        sexton::harness::What::Escaped(how) => Some(format!("{}: {how}", event.host)),
        sexton::harness::What::Panicked { task, message } => Some(format!("{task}: {message}")),
        _ => None,
    });
    told.collect()
}

#[test]
fn only_the_task_that_strays_is_accused() {
    let outcome = simulate(Config::default(), || async {
        let world = World::current().expect("inside");
        let innocent = world.add_host(
            "innocent",
            program(|| async {
                for _ in 0..50 {
                    time::sleep(Duration::from_millis(1)).await;
                }
            }),
        );
        let guilty = world.add_host(
            "guilty",
            program(|| async {
                time::sleep(Duration::from_millis(10)).await;
                #[expect(clippy::disallowed_methods, reason = "what is tested is that it is found out")]
                drop(tokio::spawn(std::future::pending::<()>()));
                time::sleep(Duration::from_secs(1)).await;
            }),
        );
        world.start(innocent);
        world.start(guilty);
        time::sleep(Duration::from_secs(2)).await;
    });
    let told = findings(&outcome);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("guilty: task guilty#1/1"), "{told:?}");
}

#[test]
fn a_thread_that_wakes_a_task_is_named_and_ends_nothing() {
    let outcome = alone(|| async {
        #[expect(clippy::disallowed_methods, reason = "what is tested is that it is found out")]
        let read = tokio::task::spawn_blocking(|| 7);
        // Nobody in a world hears of it: the thread lives in another time.
        let _ = time::timeout(Duration::from_secs(1), read).await;
    });
    assert_eq!(outcome.value, Some(()));
    let told = findings(&outcome);
    assert!(told.iter().any(|told| told.contains("pod-a#1/1 called tokio::task::spawn_blocking")), "{told:?}");
}

struct Panics;
impl Drop for Panics {
    fn drop(&mut self) {
        panic!("cannot let go");
    }
}

#[test]
fn a_panic_in_a_destructor_of_a_crashed_host_is_a_finding() {
    let outcome = simulate(Config::default(), || async {
        let world = World::current().expect("inside");
        let host = world.add_host(
            "pod-a",
            program(|| async {
                let _held = Panics;
                std::future::pending::<()>().await;
            }),
        );
        world.start(host);
        time::sleep(Duration::from_secs(1)).await;
        world.crash(host);
        "the run goes on"
    });
    assert_eq!(outcome.value, Some("the run goes on"));
    assert!(findings(&outcome).iter().any(|told| told.contains("cannot let go")), "{:?}", findings(&outcome));
}

#[test]
fn an_aborted_task_has_let_go_of_everything_when_its_handle_says_so() {
    let outcome = simulate(Config::default(), || async {
        let lock = std::sync::Arc::new(tokio::sync::Mutex::new(()));
        let theirs = lock.clone();
        let holder = task::spawn(async move {
            let _guard = theirs.lock().await;
            std::future::pending::<()>().await;
        });
        time::sleep(Duration::from_millis(1)).await;
        holder.abort();
        let ended = holder.await;
        (ended.is_err(), lock.try_lock().is_ok())
    });
    assert_eq!(outcome.value, Some((true, true)));
}

#[test]
fn whoever_accepts_a_cancelled_connection_hears_that_it_has_gone() {
    let outcome = simulate(Config::default(), || async {
        let world = World::current().expect("inside");
        let seen = Rc::new(RefCell::new(None));
        let write = seen.clone();
        let server = world.add_host(
            "server",
            program(move || {
                let seen = write.clone();
                async move {
                    let listener = TcpListener::bind("0.0.0.0:7").await.expect("the port is free");
                    let (mut stream, _) = listener.accept().await.expect("accepts");
                    *seen.borrow_mut() = Some(stream.read_u8().await.map_err(|error| error.kind()));
                    std::future::pending::<()>().await;
                }
            }),
        );
        world.start(server);
        world.cut(server, HostId::WORLD);
        let attempt = time::timeout(Duration::from_secs(5), TcpStream::connect("server:7")).await;
        assert!(attempt.is_err(), "the answer is cut off");
        world.mend(server, HostId::WORLD);
        time::sleep(Duration::from_secs(5)).await;
        seen.borrow_mut().take()
    });
    assert_eq!(outcome.value, Some(Some(Err(std::io::ErrorKind::ConnectionReset))));
}

#[test]
fn an_attempt_on_its_way_is_answered_by_whoever_is_up_when_it_arrives() {
    let outcome = server_and_client(Config::default(), |world, server| async move {
        world.cut(HostId::WORLD, server);
        let attempt = task::spawn(TcpStream::connect("server:7"));
        time::sleep(Duration::from_secs(1)).await;
        world.crash(server);
        world.start(server);
        time::sleep(Duration::from_secs(1)).await;
        world.mend(HostId::WORLD, server);
        let mut stream = attempt.await.expect("not aborted").expect("the new incarnation accepts");
        call(&mut stream, b"hello").await.expect("and answers")
    });
    assert_eq!(outcome.value, Some(b"hello".to_vec()));
}

#[test]
fn a_host_can_crash_itself() {
    let outcome = server_and_client(Config::default(), |world, server| async move {
        let host = world.add_host(
            "pod-a",
            program(|| async {
                time::sleep(Duration::from_secs(1)).await;
                sexton::world::crash_self().await;
                unreachable!("the dead do not go on");
            }),
        );
        world.start(host);
        time::sleep(Duration::from_secs(2)).await;
        (world.is_up(host), world.is_up(server))
    });
    assert_eq!(outcome.value, Some((false, true)));
    assert!(findings(&outcome).is_empty());
}
