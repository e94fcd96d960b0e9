//! Rows in a world: commits whose reply is lost, crashes, faults of the server, and windows over two transactions.

use std::fmt;
use std::time::Duration;

use sexton::harness::{
    CLIENT, Deployment, Draw, Findings, Hold, Host, Invariant, Limits, Load, Observed, Plan, Record, Run, RunOptions,
    Step, Strike, System, Verdict, What, run,
};
use sexton::runtime::net::TcpListener;
use sexton::runtime::point;
use sexton::search::windows;
use sexton::servers::postgres::{self, Postgres};
use sexton::storage::{Rows, RowsError, RowsOptions, Touch};

const TABLES: &str = "CREATE TABLE tallies (id text PRIMARY KEY, n bigint NOT NULL DEFAULT 0); \
    INSERT INTO tallies (id) VALUES ('t1'), ('t2')";
const FAULTS: &[&str] = &["terminate", "lose", "read_only", "too_many"];

/// Clients that count in the database themselves.
#[derive(Clone)]
struct Tally;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    /// Adds one in one statement.
    Add,
    /// Adds one in a transaction that locks the row first.
    Lock,
    /// Adds one to what it has seen in a transaction before.
    Guess,
    Get,
}

#[derive(Clone, Copy, Debug)]
struct Operation(Verb, &'static str);

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", format!("{:?}", self.0).to_lowercase(), self.1)
    }
}

type Outcome = Result<i64, RowsError>;

async fn perform(rows: &Rows, Operation(verb, id): Operation) -> Outcome {
    let key = format!("tallies:{id}");
    let (read, write, both) = ([Touch::read(&key)], [Touch::write(&key)], [Touch::read_write(&key)]);
    let look = "SELECT n FROM tallies WHERE id = $1";
    match verb {
        Verb::Add => {
            let sql = "UPDATE tallies SET n = n + 1 WHERE id = $1 RETURNING n";
            Ok(rows.query(&both, sql, &[&id]).await?[0].get(0))
        }
        Verb::Lock => {
            let mut transaction = rows.transaction().await?;
            let n: i64 = transaction.query(&read, &format!("{look} FOR UPDATE"), &[&id]).await?[0].get(0);
            transaction.execute(&write, "UPDATE tallies SET n = $1 WHERE id = $2", &[&(n + 1), &id]).await?;
            transaction.commit().await?;
            Ok(n + 1)
        }
        Verb::Guess => {
            let mut transaction = rows.transaction().await?;
            let n: i64 = transaction.query(&read, look, &[&id]).await?[0].get(0);
            transaction.commit().await?;
            point("tally.seen", id).await;
            let mut transaction = rows.transaction().await?;
            transaction.execute(&write, "UPDATE tallies SET n = $1 WHERE id = $2", &[&(n + 1), &id]).await?;
            transaction.commit().await?;
            Ok(n + 1)
        }
        Verb::Get => Ok(rows.query(&read, look, &[&id]).await?[0].get(0)),
    }
}

impl System for Tally {
    type Operation = Operation;
    type Outcome = String;
    type Client = Rows;

    fn name(&self) -> &'static str {
        "tally"
    }

    fn load(&self) -> Load {
        Load { clients: 3, operations: 60 }
    }

    fn deploy(&self, plan: &mut Deployment) {
        let server = Postgres::new(postgres::Options::default());
        server.prepare(TABLES).expect("tables that the server knows how to make");
        let (terminate, lose, read, full, heal) =
            (server.clone(), server.clone(), server.clone(), server.clone(), server.clone());
        let seconds = |magnitude: u64| Duration::from_secs(1 + magnitude % 10);
        let host = Host::new("postgres", "postgres", move || {
            let server = server.clone();
            async move {
                let listener = TcpListener::bind("0.0.0.0:5432").await.expect("the port is free");
                server.serve(listener).await.expect("a simulated listener accepts");
            }
        });
        plan.host(
            host.fault("terminate", move |_| terminate.terminate_backends())
                .fault("lose", move |magnitude| lose.lose_connection(magnitude))
                .fault("read_only", move |magnitude| read.read_only(seconds(magnitude)))
                .fault("too_many", move |magnitude| full.too_many(seconds(magnitude)))
                .heal(move || heal.heal()),
        );
        plan.link(CLIENT, "postgres");
    }

    fn client(&self, _: &str) -> Rows {
        let statement_timeout = Some(Duration::from_secs(5));
        Rows::new(RowsOptions { statement_timeout, connections: 2, ..RowsOptions::default() })
    }

    fn next(&self, draw: &mut Draw<'_>) -> Option<Operation> {
        let verb = [Verb::Add, Verb::Lock, Verb::Get][draw.weighted("verb", &[2, 2, 1])?];
        let id = ["t1", "t2"][draw.weighted("tally", &[1, 1])?];
        Some(Operation(verb, id))
    }

    async fn perform(&self, rows: Rows, operation: Operation) -> String {
        match perform(&rows, operation).await {
            Ok(n) => n.to_string(),
            Err(RowsError::Refused { sqlstate, .. }) => format!("refused {sqlstate}"),
            Err(error) if error.is_ambiguous() => "ambiguous".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    fn invariants(&self) -> Vec<Box<dyn Invariant<Self>>> {
        vec![Box::new(NothingLost)]
    }

    fn at_rest(&self, _: &[Record<Self>]) -> Vec<Operation> {
        vec![Operation(Verb::Get, "t1"), Operation(Verb::Get, "t2")]
    }

    fn parse(&self, text: &str) -> Result<Operation, String> {
        let (verb, id) = text.split_once(' ').ok_or("write `add t1`")?;
        let id = ["t1", "t2"].into_iter().find(|known| *known == id).ok_or("there are t1 and t2")?;
        let verbs = [("add", Verb::Add), ("lock", Verb::Lock), ("guess", Verb::Guess), ("get", Verb::Get)];
        let verb = verbs.into_iter().find(|known| known.0 == verb).ok_or("no such verb")?.1;
        Ok(Operation(verb, id))
    }

    fn points(&self) -> &'static [&'static str] {
        &["tally.seen", "storage.before", "storage.after"]
    }

    fn faults(&self) -> &'static [&'static str] {
        FAULTS
    }
}

/// What was acknowledged counts, what was refused does not, what is in doubt may.
struct NothingLost;

impl Invariant<Tally> for NothingLost {
    fn name(&self) -> &'static str {
        "nothing-lost"
    }

    fn about(&self) -> &'static str {
        "a tally is at least what was acknowledged, and at most that and what is in doubt"
    }

    fn check(&self, run: &Observed<'_, Tally>, findings: &mut Findings) {
        for id in ["t1", "t2"] {
            let of = |record: &&Record<Tally>| record.operation.1 == id && record.operation.0 != Verb::Get;
            let outcome = |record: &Record<Tally>| record.outcome.clone();
            let told: Vec<String> = run.operations.iter().filter(of).filter_map(outcome).collect();
            let sure = told.iter().filter(|told| told.parse::<i64>().is_ok()).count();
            let doubtful = told.iter().filter(|told| *told == "ambiguous").count();
            let at_rest = run.operations.iter().rfind(|record| record.at_rest && record.operation.1 == id);
            let Some(found) = at_rest.and_then(outcome).and_then(|told| told.parse::<usize>().ok()) else {
                findings.violate(run.ended, format!("{id} unread"), format!("{id} cannot be read at rest"));
                continue;
            };
            findings.exercised();
            if !(sure..=sure + doubtful).contains(&found) {
                let message = format!("{id} is {found}: {sure} were acknowledged, {doubtful} are in doubt");
                findings.violate(run.ended, format!("{id} miscounted"), message);
            }
        }
    }
}

fn keep() -> RunOptions {
    RunOptions { keep_history: true, ..RunOptions::default() }
}

fn scripted(steps: &[(u64, &str, &str)], strikes: Vec<Strike>, holds: Vec<Hold>) -> Run {
    let step = |(at, client, operation): &(u64, &str, &str)| Step {
        at: Duration::from_millis(*at),
        client: (*client).to_owned(),
        operation: (*operation).to_owned(),
    };
    let steps = steps.iter().map(step).collect();
    let limits = Limits { chaos: Duration::from_secs(30), ..Limits::default() };
    run(&Tally, &Plan { steps, strikes, holds, limits, ..Plan::default() }, 1, &keep())
}

/// What the clients were told, in the order of the history.
fn told(run: &Run) -> Vec<String> {
    let history = run.history.as_ref().expect("it was kept");
    let returned = |what: &What| match what {
        What::Returned { text, .. } => Some(text.to_string()),
        _ => None,
    };
    history.events().iter().filter_map(|event| returned(&event.what)).collect()
}

fn strike(at: u64, fault: &str) -> Strike {
    Strike { at: Duration::from_millis(at), fault: fault.into(), lasts: None, by: None, magnitude: None }
}

#[test]
fn a_commit_whose_reply_is_lost_is_in_doubt_and_done() {
    for verb in ["add", "lock"] {
        let second = format!("{verb} t1");
        let run = scripted(&[(100, "c1", "add t1"), (2_000, "c1", &second)], vec![], vec![]);
        assert_eq!(told(&run)[..2], ["1", "2"], "without the fault");
        // The reply of the one statement, or of the last of four.
        let point = "storage.before tallies:t1";
        let holds = |count: usize| vec![Hold { point: point.into(), until: "1ms".into() }; count];
        let mut struck = strike(1_500, "lost_reply c1>postgres");
        if verb == "lock" {
            struck.at = Duration::from_millis(2_500);
            let mut holds = holds(3);
            holds.push(Hold { point: point.into(), until: "1s".into() });
            let run = scripted(&[(100, "c1", "add t1"), (2_000, "c1", &second)], vec![struck], holds);
            assert_eq!(told(&run), ["1", "ambiguous", "2", "0"]);
            assert_eq!(run.verdict, Verdict::Holds, "{:?}", run.violations);
        } else {
            let run = scripted(&[(100, "c1", "add t1"), (2_000, "c1", &second)], vec![struck], vec![]);
            assert_eq!(told(&run), ["1", "ambiguous", "2", "0"]);
            assert_eq!(run.verdict, Verdict::Holds, "{:?}", run.violations);
        }
    }
}

#[test]
fn a_window_over_two_transactions_is_found_with_its_intruder() {
    let hold = Hold { point: "tally.seen t1".into(), until: "add t1 returns".into() };
    let run = scripted(&[(100, "c1", "guess t1"), (1_000, "c2", "add t1")], vec![], vec![hold]);
    assert_eq!(told(&run), ["1", "1", "1", "0"]);
    let history = run.history.as_ref().expect("it was kept");
    let found = windows(history);
    let [window] = &found[..] else { panic!("one window: {found:?}") };
    let host = |touch: &sexton::search::Touch| touch.host.to_string();
    assert_eq!(
        (host(&window.seen), host(&window.intruded), host(&window.acted)),
        ("c1".into(), "c2".into(), "c1".into())
    );
    assert_eq!((&*window.acted.key, &*window.acted.store), ("tallies:t1", "postgres"));
    // All three are placed where the server did them.
    let commits: Vec<Duration> = history
        .events()
        .iter()
        .filter_map(|event| matches!(event.what, What::Commit { .. }).then_some(event.at))
        .collect();
    assert_eq!(commits[commits.len() - 2..], [window.intruded.at, window.acted.at]);
    assert_eq!(run.verdict, Verdict::Violated, "an update was lost");
}

#[test]
fn a_hold_may_leave_open_how_its_subject_ends() {
    let steps = [(100, "c1", "guess t1"), (1_000, "c2", "add t1")];
    for (point, lost) in
        [("tally.seen t*", true), ("tally.seen", true), ("tally.seen t2*", false), ("tally.seen t", false)]
    {
        let hold = Hold { point: point.into(), until: "add t1 returns".into() };
        let run = scripted(&steps, vec![], vec![hold]);
        assert_eq!(run.verdict == Verdict::Violated, lost, "{point}");
    }
}

#[test]
fn a_writer_that_waited_is_told_for_itself() {
    // c1 holds the row between its look and its write, c2 waits for it.
    let holds = vec![Hold { point: "storage.after tallies:t1".into(), until: "2s".into() }];
    let run = scripted(&[(100, "c1", "lock t1"), (1_000, "c2", "add t1")], vec![], holds);
    assert_eq!(told(&run), ["1", "2", "2", "0"]);
    let history = run.history.as_ref().expect("it was kept");
    let hosts: Vec<String> = history
        .events()
        .iter()
        .filter(|event| matches!(&event.what, What::Commit { cause: "update", .. }))
        .map(|event| history.activities()[history.root(event.activity).0 as usize].host.to_string())
        .collect();
    assert_eq!(hosts, ["c1", "c2"]);
    assert_eq!(windows(history), [], "the lock kept others out");
}

#[test]
fn nothing_is_lost_whatever_happens_and_the_same_seed_is_the_same_run() {
    let kinds = ["restart", "lost_reply", "lost_request", "partition", "pause", "late", "stall"];
    let faults = kinds.iter().chain(FAULTS).map(|kind| ((*kind).to_owned(), 2.0)).collect();
    let plan = Plan { faults, ..Plan::default() };
    let mut ambiguous = 0;
    for seed in 1..=20 {
        let first = run(&Tally, &plan, seed, &keep());
        assert_eq!(first.verdict, Verdict::Holds, "seed {seed}: {:?} {:?}", first.violations, first.stuck);
        ambiguous += told(&first).iter().filter(|told| *told == "ambiguous").count();
        let second = run(&Tally, &plan, seed, &RunOptions::default());
        assert_eq!(first.fingerprint, second.fingerprint, "seed {seed}");
    }
    assert!(ambiguous > 0, "no commit was ever in doubt");
}
