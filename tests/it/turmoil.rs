//! The other engine: the same systems on turmoil's network, clock and hosts.

use std::cell::Cell;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sexton::harness::{Engine, Event, Plan, RunOptions, Verdict, What};
use sexton::runtime::net::{TcpListener, TcpStream};
use sexton::runtime::{commit, fact, task};
use sexton::scenario::{Experiment, Systems};
use sexton::world::{Config, HostId, World, observe, simulate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const TICK: Duration = Duration::from_millis(20);

fn on_turmoil(name: &str) -> Arc<dyn Experiment> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.toml"));
    let experiment = Systems::builtin().load(&path, name).unwrap_or_else(|error| panic!("{error:?}"));
    let tick = experiment.plan().limits.tick();
    experiment.on(Engine::Turmoil { tick }).expect("a scenario's file can be had on either engine")
}

#[test]
fn every_system_holds_on_turmoil() {
    for name in
        ["session/scripted-decorate-terminate", "sandbox/scripted-get-of-the-destroyed", "reconciler/scripted-changed"]
    {
        let run = on_turmoil(name).run(1, &RunOptions::default());
        assert_eq!(run.verdict, Verdict::Holds, "{name}: {:?} {:?}", run.violations, run.stuck);
        assert!(run.completed > 0, "{name}");
    }
    let run = on_turmoil("shapes/default").run(3, &RunOptions::default());
    assert_eq!(run.verdict, Verdict::Holds, "{:?} {:?}", run.violations, run.stuck);
    assert!(run.completed > 10 && run.exercised.values().any(|count| *count > 0));
}

#[test]
fn a_scripted_defect_is_caught_on_turmoil_too() {
    for name in ["session/scripted-decorate-terminate-upsert", "sandbox/scripted-get-of-a-ghost"] {
        let experiment = on_turmoil(name);
        let caught = (1..=10).any(|seed| {
            let run = experiment.run(seed, &RunOptions::default());
            run.violations.iter().any(|broken| experiment.expect().to_string().contains(broken.invariant))
        });
        assert!(caught, "{name}: {}", experiment.expect());
    }
}

#[test]
fn a_seed_comes_to_the_same_again_on_turmoil_and_another_does_not() {
    let experiment = on_turmoil("shapes/default");
    let print = |seed| experiment.run(seed, &RunOptions::default()).fingerprint;
    assert_eq!(print(5), print(5));
    assert_ne!(print(5), print(6));
}

type Act = fn(&Rc<World>, HostId, HostId);

/// What a client reads of an echo server, asked thirty times; `strike` does something to client and server before that, and
/// `undo` does after a third.
fn answers(strike: Act, undo: Act) -> Vec<Result<String, ErrorKind>> {
    let config = Config { seed: 3, engine: Engine::Turmoil { tick: TICK }, ..Config::default() };
    let outcome = simulate(config, move || async move {
        let world = World::current().expect("it runs inside a world");
        let server = world.add_host(
            "server",
            Rc::new(|| {
                Box::pin(async {
                    let listener = TcpListener::bind("0.0.0.0:7").await.expect("the port is free");
                    loop {
                        let (mut stream, _) = listener.accept().await.expect("a listener accepts");
                        drop(task::spawn(async move {
                            let mut heard = [0; 4];
                            while stream.read_exact(&mut heard).await.is_ok() && stream.write_all(&heard).await.is_ok()
                            {
                            }
                        }));
                    }
                })
            }),
        );
        world.start(server);
        tokio::time::sleep(Duration::from_secs(1)).await;
        strike(&world, HostId::WORLD, server);
        let mut answers = Vec::new();
        for number in 0..30 {
            if number == 10 {
                undo(&world, HostId::WORLD, server);
            }
            let asked = tokio::time::timeout(Duration::from_secs(1), async {
                let mut stream = TcpStream::connect("server:7").await?;
                stream.write_all(b"ping").await?;
                let mut heard = [0; 4];
                stream.read_exact(&mut heard).await?;
                Ok::<_, io::Error>(String::from_utf8_lossy(&heard).into_owned())
            });
            answers.push(match asked.await {
                Ok(answer) => answer.map_err(|error| error.kind()),
                Err(_) => Err(ErrorKind::TimedOut),
            });
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        answers
    });
    assert_eq!(outcome.stuck, None);
    outcome.value.expect("the run came to its end")
}

fn good(answers: &[Result<String, ErrorKind>]) -> usize {
    answers.iter().filter(|answer| answer.as_deref() == Ok("ping")).count()
}

/// That nobody was answered at first, and everybody is once it is undone.
fn is_only_for_a_time(strike: Act, undo: Act) {
    let answers = answers(strike, undo);
    assert!(answers[0].is_err(), "{answers:?}");
    assert!(answers[12..].iter().all(|answer| answer.as_deref() == Ok("ping")), "{answers:?}");
}

fn nothing(_: &Rc<World>, _: HostId, _: HostId) {}

#[test]
fn hosts_speak_over_turmoil() {
    assert_eq!(good(&answers(nothing, nothing)), 30);
}

#[test]
fn a_crashed_host_answers_nobody_until_it_is_started() {
    is_only_for_a_time(|world, _, server| world.crash(server), |world, _, server| world.start(server));
}

#[test]
fn a_cut_way_is_cut_until_it_is_mended() {
    is_only_for_a_time(
        |world, client, server| world.cut(client, server),
        |world, client, server| world.mend(client, server),
    );
    is_only_for_a_time(
        |world, client, server| world.cut(server, client),
        |world, client, server| world.mend(server, client),
    );
}

#[test]
fn a_partition_lasts_until_it_is_mended() {
    is_only_for_a_time(
        |world, client, server| {
            world.cut(client, server);
            world.cut(server, client);
        },
        |world, client, server| {
            world.mend(client, server);
            world.mend(server, client);
        },
    );
}

#[test]
fn a_paused_host_goes_on_where_it_was() {
    is_only_for_a_time(|world, _, server| world.pause(server), |world, _, server| world.resume(server));
}

#[test]
fn what_is_lost_or_late_is_seen_by_who_asked() {
    let lost = answers(|world, client, server| world.lose_reply(client, server), nothing);
    assert_eq!((lost[0].clone(), good(&lost)), (Err(ErrorKind::ConnectionReset), 29));
    let lost = answers(|world, client, server| world.lose_request(client, server), nothing);
    assert_eq!((lost[0].clone(), good(&lost)), (Err(ErrorKind::ConnectionReset), 29));
    let delay = |world: &Rc<World>, client, server| world.delay_request(client, server, Duration::from_secs(5));
    let late = answers(delay, nothing);
    assert_eq!((late[0].clone(), good(&late)), (Err(ErrorKind::TimedOut), 29));
}

#[test]
fn somebody_elses_simulation_is_looked_on_at() {
    let ((), history) = observe(1, |observer| {
        let mut sim = turmoil::Builder::new().rng_seed(1).build();
        sim.host(
            "server",
            observer.host("server", || async {
                let listener = TcpListener::bind("0.0.0.0:7").await.expect("the port is free");
                loop {
                    let (mut stream, _) = listener.accept().await.expect("a listener accepts");
                    let mut heard = [0; 4];
                    if stream.read_exact(&mut heard).await.is_ok() {
                        commit("server", "heard", Some(&String::from_utf8_lossy(&heard)), "set");
                    }
                }
            }),
        );
        // A host of their own, which knows nothing of any world.
        sim.client("client", async {
            let mut stream = turmoil::net::TcpStream::connect("server:7").await?;
            stream.write_all(b"ping").await?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(())
        });
        for _ in 0..200 {
            sim.step().expect("nothing fails");
        }
        sim.crash("server");
        sim.bounce("server");
        sim.run().expect("the client is done");
    });
    let events = history.events();
    let is_ping = |event: &&Event| matches!(&event.what, What::Commit { value: Some(value), .. } if **value == *"ping");
    assert_eq!(events.iter().filter(is_ping).count(), 1, "{events:#?}");
    assert!(events.iter().all(|event| *event.host == *"server"), "{events:#?}");
    let crashes = events.iter().filter(|event| matches!(event.what, What::Crashed)).count();
    assert_eq!((crashes, events.last().map(|event| event.incarnation)), (1, Some(2)), "{events:#?}");
}

#[test]
fn a_run_that_never_ends_on_turmoil_is_given_up() {
    let config =
        Config { engine: Engine::Turmoil { tick: TICK }, most_time: Duration::from_secs(5), ..Config::default() };
    let outcome = simulate(config.clone(), std::future::pending::<()>);
    assert!(outcome.value.is_none() && outcome.stuck.expect("it was stuck").contains("5s of simulated time"));
    let busy = Config { most_events: 1_000, ..config };
    let outcome = simulate(busy, || async {
        fact("busy", []);
        loop {
            tokio::task::yield_now().await;
        }
    });
    assert!(outcome.value.is_none() && outcome.stuck.expect("it was stuck").contains("1000 events"));
}

#[test]
fn limits_say_how_long_a_tick_is() {
    let plan = Plan::default();
    assert_eq!(plan.limits.tick(), Duration::from_millis(8), "three minutes in 24,000 ticks");
}

/// Hosts have their ticks by turns, each with a clock of its own.
#[test]
fn nothing_is_read_before_it_was_sent_whichever_host_has_its_turn_first() {
    let config = Config { seed: 5, engine: Engine::Turmoil { tick: TICK * 5 }, ..Config::default() };
    let outcome = simulate(config, || async {
        let world = World::current().expect("it runs inside a world");
        let early = Rc::new(Cell::new(0));
        let seen = early.clone();
        let server = world.add_host(
            "server",
            Rc::new(move || {
                let seen = seen.clone();
                Box::pin(async move {
                    let listener = TcpListener::bind("0.0.0.0:7").await.expect("the port is free");
                    let (stream, _) = listener.accept().await.expect("a listener accepts");
                    exchange(stream, 7, &seen).await;
                })
            }),
        );
        world.start(server);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let stream = TcpStream::connect("server:7").await.expect("it answers");
        exchange(stream, 11, &early).await;
        early.get()
    });
    assert_eq!(outcome.stuck, None);
    assert_eq!(outcome.value, Some(0), "so many words came before they were sent");
}

/// Says what time it is every so many milliseconds, and counts what is heard that was said later than now.
async fn exchange(stream: TcpStream, every: u64, early: &Cell<u32>) {
    let now = || World::current().expect("it runs inside a world").elapsed();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let says = async {
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(every)).await;
            writer.write_all(&now().as_nanos().to_be_bytes()).await.expect("it is heard");
        }
        writer.shutdown().await.expect("it may leave");
    };
    let hears = async {
        let (mut heard, mut word) = (0, [0; 16]);
        while reader.read_exact(&mut word).await.is_ok() {
            heard += 1;
            early.set(early.get() + u32::from(u128::from_be_bytes(word) > now().as_nanos()));
        }
        assert_eq!(heard, 100, "all is heard");
    };
    tokio::join!(says, hears);
}
