//! The engine beside turmoil, in one run: echo calls over a stream, and hosts that mostly sleep.
//!
//! `cargo bench --bench engine`. Figures hold as ratios: both sides run here, on the same machine, one after the other.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the host's clock and prints what it measured"
)]

use std::rc::Rc;
use std::time::{Duration, Instant};

use sexton::runtime::net::{TcpListener, TcpStream};
use sexton::runtime::task;
use sexton::world::{Config, World, simulate};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CLIENTS: usize = 8;

fn main() {
    let calls = 20_000;
    let ours = per_second(CLIENTS * calls, || echo(calls));
    let theirs = per_second(CLIENTS * calls / 20, || turmoil_echo(calls / 20));
    compare("echo calls, 8 clients, latency up to 10 ms", "calls/s", ours, theirs);

    let week = 7 * 24 * 3600;
    let ours = per_second(week, || idle(week as u64));
    let theirs = per_second(60, || turmoil_idle(60));
    compare("6 hosts asleep 15 s at a time", "simulated s/s", ours, theirs);
}

fn per_second(amount: usize, work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    amount as f64 / begun.elapsed().as_secs_f64()
}

fn compare(what: &str, unit: &str, ours: f64, theirs: f64) {
    println!("{what}: sexton {ours:.0} {unit}, turmoil {theirs:.0} {unit}, ratio {:.1}", ours / theirs);
}

fn echo(calls: usize) {
    let outcome = simulate(Config::default(), move || async move {
        let world = World::current().expect("inside");
        world.set_jitter(Duration::from_millis(10));
        let server = world.add_host("server", Rc::new(|| Box::pin(serve())));
        world.start(server);
        let mut clients = Vec::new();
        for _ in 0..CLIENTS {
            clients.push(task::spawn(async move {
                let mut stream = TcpStream::connect("server:9000").await.expect("the server listens");
                let mut buffer = [7; 64];
                for _ in 0..calls {
                    stream.write_all(&buffer).await.expect("writes");
                    stream.read_exact(&mut buffer).await.expect("reads");
                }
            }));
        }
        for client in clients {
            client.await.expect("ends");
        }
    });
    assert!(outcome.value.is_some());
}

async fn serve() {
    let listener = TcpListener::bind("0.0.0.0:9000").await.expect("binds");
    loop {
        let (mut stream, _) = listener.accept().await.expect("accepts");
        drop(task::spawn(async move {
            let mut buffer = [0; 64];
            while stream.read_exact(&mut buffer).await.is_ok() {
                if stream.write_all(&buffer).await.is_err() {
                    return;
                }
            }
        }));
    }
}

fn idle(seconds: u64) {
    let outcome = simulate(Config::default(), move || async move {
        let world = World::current().expect("inside");
        for number in 0..6 {
            let program = Rc::new(|| -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
                Box::pin(async {
                    loop {
                        tokio::time::sleep(Duration::from_secs(15)).await;
                    }
                })
            });
            let host = world.add_host(&format!("h{number}"), program);
            world.start(host);
        }
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    });
    assert!(outcome.value.is_some());
}

fn turmoil_echo(calls: usize) {
    let mut sim = turmoil::Builder::new()
        .simulation_duration(Duration::from_hours(10))
        .min_message_latency(Duration::from_micros(200))
        .max_message_latency(Duration::from_millis(10))
        .build();
    sim.host("server", || async {
        let listener = turmoil::net::TcpListener::bind("0.0.0.0:9000").await?;
        loop {
            let (mut stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                let mut buffer = [0; 64];
                while stream.read_exact(&mut buffer).await.is_ok() {
                    if stream.write_all(&buffer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    for number in 0..CLIENTS {
        sim.client(format!("c{number}"), async move {
            let mut stream = turmoil::net::TcpStream::connect("server:9000").await?;
            let mut buffer = [7; 64];
            for _ in 0..calls {
                stream.write_all(&buffer).await?;
                stream.read_exact(&mut buffer).await?;
            }
            Ok(())
        });
    }
    sim.run().expect("the simulation ends");
}

fn turmoil_idle(seconds: u64) {
    let mut sim = turmoil::Builder::new().simulation_duration(Duration::from_hours(10)).build();
    for number in 0..6 {
        sim.host(format!("h{number}"), || async {
            loop {
                tokio::time::sleep(Duration::from_secs(15)).await;
            }
        });
    }
    sim.client("waits", async move {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        Ok(())
    });
    sim.run().expect("the simulation ends");
}
