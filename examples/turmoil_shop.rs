//! A simulation of turmoil's, with nothing of sexton but its Redis, its Postgres and its oracles.
//!
//! Two sellers on hosts of their own sell tickets: how many are left is in Redis, who has bought one in Postgres. They
//! speak to both over `turmoil::net` with the usual clients, and know of no world. `cargo run --release --example
//! turmoil_shop` sells too many in one of two ways; `cargo test --example turmoil_shop` pins it.

#![expect(
    clippy::disallowed_methods,
    reason = "on a host of turmoil's that is no world, tokio's tasks are the usual ones"
)]
#![expect(clippy::print_stdout, reason = "what an example finds is for people")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use redis::AsyncCommands;
use sexton::harness::{History, What};
use sexton::oracle::linearizability::{Entry, Limits, Partitions, Register, Ruling, register};
use sexton::oracle::{Moment, Timelines};
use sexton::runtime::net::TcpListener;
use sexton::servers::{postgres, redis as redis_server};
use sexton::world::observe;

const TICKETS: i64 = 5;
const LEFT: &str = "left";

/// How a seller takes a ticket.
#[derive(Clone, Copy)]
enum Way {
    /// It looks how many are left, and writes one less.
    LookThenWrite,
    /// It has Redis count down.
    CountDown,
}

/// What sellers asked of Redis, and were told.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Asked>>);

#[derive(Default)]
struct Asked {
    moments: usize,
    registers: Partitions<&'static str, register::Operation, register::Answer>,
}

impl Journal {
    fn now(&self) -> Moment {
        let mut asked = self.0.lock().expect("nobody panics with it");
        asked.moments += 1;
        Moment { index: asked.moments, at: turmoil::sim_elapsed().unwrap_or_default() }
    }

    fn keep(&self, by: &str, operation: register::Operation, invoked: Moment, answer: register::Answer) {
        let returned = self.now();
        let entry = Entry::new(by, operation, invoked, returned, Some(answer));
        self.0.lock().expect("nobody panics with it").registers.push(LEFT, entry);
    }
}

/// Takes a ticket, if there is one.
async fn take(
    store: &mut redis::aio::MultiplexedConnection,
    way: Way,
    seller: &str,
    journal: &Journal,
) -> turmoil::Result<bool> {
    let invoked = journal.now();
    match way {
        Way::CountDown => Ok(store.decr::<_, _, i64>(LEFT, 1).await? >= 0),
        Way::LookThenWrite => {
            let left: String = store.get(LEFT).await?;
            let told = register::Answer::Held(Some(left.as_str().into()));
            journal.keep(seller, register::Operation::Read, invoked, told);
            let left: i64 = left.parse()?;
            if left > 0 {
                let (less, invoked) = ((left - 1).to_string(), journal.now());
                store.set::<_, _, ()>(LEFT, &less).await?;
                let write = register::Operation::Write(less.as_str().into());
                journal.keep(seller, write, invoked, register::Answer::Done);
            }
            Ok(left > 0)
        }
    }
}

/// The usual client of Redis, over a stream of turmoil's.
async fn store() -> turmoil::Result<redis::aio::MultiplexedConnection> {
    let stream = turmoil::net::TcpStream::connect("redis:6379").await?;
    let info = redis::RedisConnectionInfo::default();
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let (store, driver) = redis::aio::MultiplexedConnection::new_with_config(&info, stream, config).await?;
    tokio::spawn(driver);
    Ok(store)
}

async fn seller(name: &'static str, way: Way, journal: Journal) -> turmoil::Result {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut store = store().await?;
    let stream = turmoil::net::TcpStream::connect("postgres:5432").await?;
    let (rows, connection) =
        tokio_postgres::Config::new().user("shop").connect_raw(stream, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    while take(&mut store, way, name, &journal).await? {
        rows.execute("INSERT INTO sold (seller) VALUES ($1)", &[&name]).await?;
    }
    Ok(())
}

/// Sells all tickets: what the servers committed, and what sellers asked.
fn sell(way: Way, seed: u64) -> (History, Journal) {
    let journal = Journal::default();
    let kept = journal.clone();
    let ((), history) = observe(seed, move |observer| {
        let mut sim = turmoil::Builder::new().rng_seed(seed).simulation_duration(Duration::from_mins(1)).build();
        let shop = redis_server::Redis::new(redis_server::Options::default());
        sim.host(
            "redis",
            observer.host("redis", move || {
                let shop = shop.clone();
                async move {
                    let listener = TcpListener::bind("0.0.0.0:6379").await.expect("the port is free");
                    shop.serve(listener).await.expect("a listener accepts");
                }
            }),
        );
        let books = postgres::Postgres::new(postgres::Options::default());
        books.prepare("CREATE TABLE sold (id bigserial PRIMARY KEY, seller text NOT NULL)").expect("it is right");
        sim.host(
            "postgres",
            observer.host("postgres", move || {
                let books = books.clone();
                async move {
                    let listener = TcpListener::bind("0.0.0.0:5432").await.expect("the port is free");
                    books.serve(listener).await.expect("a listener accepts");
                }
            }),
        );
        let opening = kept.clone();
        sim.client("opening", async move {
            let mut store = store().await?;
            let invoked = opening.now();
            store.set::<_, _, ()>(LEFT, TICKETS).await?;
            let write = register::Operation::Write(TICKETS.to_string().into());
            opening.keep("opening", write, invoked, register::Answer::Done);
            Ok(())
        });
        for name in ["anna", "bert"] {
            sim.client(name, seller(name, way, kept.clone()));
        }
        sim.run().expect("all sellers come to an end");
    });
    (history, journal)
}

/// What is wrong: more was sold than there was, or Redis gave an answer that no order of the questions explains.
fn wrong(history: &History, journal: &Journal) -> Vec<String> {
    let mut wrong = Vec::new();
    let is_sale = |what: &What| matches!(what, What::Commit { store, cause: "insert", .. } if **store == *"postgres");
    let sold = history.events().iter().filter(|event| is_sale(&event.what)).count() as i64;
    if sold > TICKETS {
        let left = Timelines::read(history, "redis", |_, text| text.parse::<i64>().ok());
        let versions = left.get(LEFT).map_or(0, |timeline| timeline.versions().len());
        wrong.push(format!("{sold} of {TICKETS} tickets were sold, while what is left changed {versions} times"));
    }
    let journal = journal.0.lock().expect("nobody panics with it");
    for (_, entries, ruling) in journal.registers.rulings(&Register::default(), &Limits::default()) {
        if let Ruling::Contradiction(found) = ruling {
            wrong.push(format!("Redis was not one register: {}", found.tell(entries)));
        }
    }
    wrong
}

fn main() {
    for (name, way) in [("look, then write", Way::LookThenWrite), ("count down", Way::CountDown)] {
        let seeds = 1..=100;
        let found = seeds.clone().find_map(|seed| {
            let (history, journal) = sell(way, seed);
            wrong(&history, &journal).first().map(|wrong| format!("seed {seed}: {wrong}"))
        });
        println!("{name}: {}", found.unwrap_or_else(|| format!("right from {} seeds", seeds.count())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_first_sells_too_many() {
        let caught = (1..=50).any(|seed| {
            let (history, journal) = sell(Way::LookThenWrite, seed);
            wrong(&history, &journal).iter().any(|wrong| wrong.contains("tickets were sold"))
        });
        assert!(caught);
    }

    #[test]
    fn counting_down_sells_what_there_is() {
        for seed in 1..=20 {
            let (history, journal) = sell(Way::CountDown, seed);
            assert_eq!(wrong(&history, &journal), Vec::<String>::new(), "seed {seed}");
            let sold = |what: &What| matches!(what, What::Commit { cause: "insert", .. });
            assert_eq!(history.events().iter().filter(|event| sold(&event.what)).count() as i64, TICKETS);
        }
    }
}
