//! Words, tables and statements.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::harness::{Configured, System};
use crate::runtime::net::TcpListener;
use crate::runtime::task;
use crate::servers::postgres::{self, Postgres};
use crate::storage::{Rows, RowsOptions};
use crate::systems::sweeper::Sweeper;
use crate::systems::sweeper::policy::{Key, Policy, Told};
use crate::systems::sweeper::row::{namespace_of, token};
use crate::systems::sweeper::sql;
use crate::systems::sweeper::workload::{
    Identity, Mix, Operation, Topology, Verb, Workload, namespace_elsewhere, slug,
};

#[test]
fn every_operation_reads_back_as_it_is_written() {
    let topology = Topology { servers: 2, ..Topology::default() };
    let system = Sweeper::configure(Policy::default(), topology, Workload::default()).unwrap();
    let time = Duration::from_millis(1_500);
    let mut operations = vec![
        Operation::List(0),
        Operation::List(1),
        Operation::Wait(time),
        Operation::Quarter(time),
        Operation::Quarter(Duration::ZERO),
    ];
    for verb in Verb::ALL {
        let via = u32::from(!verb.is_accident());
        operations.push(Operation::of(verb, 3));
        operations.push(Operation::Stack { verb, stack: 2, via, anonymous: verb == Verb::Create });
    }
    for operation in operations {
        assert_eq!(system.parse(&operation.to_string()), Ok(operation));
    }
}

#[test]
fn what_is_no_operation_is_refused_with_what_would_be_one() {
    let refused = |text: &str| Sweeper::default().parse(text).unwrap_err();
    assert!(refused("stop s1").starts_with("`stop` is not an operation: write create, import,"));
    assert_eq!(refused("delete"), "`delete` ends where a stack, for example s1 is due");
    assert_eq!(refused("delete ws1"), "`ws1` is not a stack: write s1");
    assert_eq!(refused("delete s0"), "`s0` is not a stack: write s1");
    assert_eq!(refused("delete s1 via api-z"), "there is no process `api-z`: they are api-a to api-a");
    assert_eq!(refused("delete s1 for a day"), "`for` in `delete s1 for a day` is one word too many");
    assert_eq!(
        refused("create s1 for a week"),
        "`create s1 for a week` is for something else than a day: write `for a day`"
    );
    assert_eq!(refused("lose s1 via api-a"), "`via` in `lose s1 via api-a` is one word too many");
    assert!(refused("quarter less much").starts_with("`much` in `quarter less much` is no duration"));
}

#[test]
fn tables_that_do_not_fit_are_refused() {
    let refused =
        |topology: Topology, workload: Workload| Sweeper::configure(Policy::default(), topology, workload).unwrap_err();
    let topology = Topology { workers: 0, ..Topology::default() };
    assert_eq!(refused(topology, Workload::default()), "`workers` is 0: give 1 to 26");
    let workload = Workload { stacks: 4, ..Workload::default() };
    assert!(refused(Topology::default(), workload).starts_with("`stacks` is 4, so each of them runs already"));
    let mix: Mix = toml::from_str(
        "create = 0\nimport = 0\ndelete = 0\nextend = 0\nclaim = 0\nstatus = 0\nlose = 0\nwait = 0\nquarter = 0",
    )
    .unwrap();
    let workload = Workload { mix, ..Workload::default() };
    assert!(refused(Topology::default(), workload).starts_with("every weight in `mix` is 0"));
}

#[test]
fn a_policy_is_hardened_but_for_what_it_names() {
    let policy: Policy = toml::from_str("key = 'id'").unwrap();
    assert_eq!(policy, Policy { key: Key::Id, ..Policy::default() });
    let policy: Policy = toml::from_str("preset = 'merged'\ntold = 'cluster'").unwrap();
    assert_eq!((policy.key, policy.told), (Key::Slug, Told::Cluster));
    assert!(toml::from_str::<Policy>("key = 'guessed'").is_err());
    assert!(toml::from_str::<Policy>("guess = 'well'").is_err());
}

#[test]
fn what_stacks_are_called_can_be_told_apart_or_not() {
    let slugs: Vec<String> = (1..=20).map(|stack| slug(stack, Identity::Apart)).collect();
    let mut sorted = slugs.clone();
    sorted.sort();
    assert_ne!(sorted, slugs, "some come before whatever was read last");
    sorted.dedup();
    assert_eq!(sorted.len(), slugs.len());
    let elsewhere: Vec<String> = (1..=6).map(|stack| namespace_elsewhere(stack, Identity::Apart)).collect();
    assert!(elsewhere.iter().any(|name| token(name).is_none()), "some have no prefix");
    assert!(elsewhere.iter().filter_map(|name| token(name)).all(|token| !slugs.contains(&token.to_owned())));
    let alike = slug(7, Identity::Alike);
    assert!(uuid::Uuid::parse_str(&alike).is_ok(), "it may be an id too");
    assert_eq!(namespace_elsewhere(7, Identity::Alike), namespace_of(&alike));
    assert_eq!(token("instant-stack-"), None);
}

#[tokio::test]
async fn every_statement_is_one_that_the_database_takes() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(task::spawn(async move { Postgres::new(postgres::Options::default()).serve(listener).await }));
    let rows = Rows::new(RowsOptions { address, ..RowsOptions::default() });
    let mut texts = BTreeSet::new();
    for (name, text, parameters) in sql::statements() {
        texts.insert(text);
        if name == "schema" {
            rows.batch(text).await.unwrap();
            continue;
        }
        let parameters: Vec<&(dyn crate::storage::ToSql + Sync)> =
            parameters.iter().map(|parameter| &**parameter as _).collect();
        if let Err(error) = rows.query(&[], text, &parameters).await {
            panic!("{name}: {error}");
        }
    }
    let source = include_str!("../sql.rs");
    let written = source.lines().filter(|line| line.starts_with("pub(crate) const ")).count();
    assert_eq!(texts.len(), written, "a statement is missing from the list");
}
