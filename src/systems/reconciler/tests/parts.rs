//! Words, tables and statements.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::harness::{Configured, System};
use crate::runtime::net::TcpListener;
use crate::runtime::task;
use crate::servers::postgres::{self, Postgres};
use crate::storage::{Rows, RowsOptions};
use crate::systems::reconciler::Reconciler;
use crate::systems::reconciler::policy::{Flip, Policy, Preset, Probe};
use crate::systems::reconciler::sql;
use crate::systems::reconciler::workload::{Mix, Operation, Topology, Verb, Workload};

#[test]
fn every_operation_reads_back_as_it_is_written() {
    let system = Reconciler::default();
    let mut operations = vec![Operation::List(0), Operation::List(1), Operation::Wait(Duration::from_millis(1_500))];
    for verb in Verb::ALL {
        let via = u32::from(!verb.is_accident());
        operations.push(Operation::of(verb, 3));
        operations.push(Operation::Workspace { verb, workspace: 2, via, external: verb == Verb::Create });
    }
    for operation in operations {
        assert_eq!(system.parse(&operation.to_string()), Ok(operation));
    }
}

#[test]
fn what_is_no_operation_is_refused_with_what_would_be_one() {
    let refused = |text: &str| Reconciler::default().parse(text).unwrap_err();
    assert!(refused("stop ws1").starts_with("`stop` is not an operation: write create, pause,"));
    assert_eq!(refused("pause"), "`pause` ends where a workspace, for example ws1 is due");
    assert_eq!(refused("pause s1"), "`s1` is not a workspace: write ws1");
    assert_eq!(refused("pause ws0"), "`ws0` is not a workspace: write ws1");
    assert_eq!(refused("pause ws1 via server-z"), "there is no server `server-z`: they are server-a to server-b");
    assert_eq!(refused("pause ws1 elsewhere"), "`elsewhere` in `pause ws1 elsewhere` is one word too many");
    assert_eq!(refused("kill ws1 via server-a"), "`via` in `kill ws1 via server-a` is one word too many");
    assert!(refused("wait long").starts_with("`long` in `wait long` is no duration"));
}

#[test]
fn tables_that_do_not_fit_are_refused() {
    let refused = |topology: Topology, workload: Workload| {
        Reconciler::configure(Policy::default(), topology, workload).unwrap_err()
    };
    let topology = Topology { servers: 0, ..Topology::default() };
    assert_eq!(refused(topology, Workload::default()), "`servers` is 0: give 1 to 26");
    let workload = Workload { external: 9, ..Workload::default() };
    assert_eq!(refused(Topology::default(), workload), "`external` is 9: give 0 to 4");
    let nothing: Mix = toml::from_str(
        "create = 0\npause = 0\nhibernate = 0\nresume = 0\nremove = 0\nunremove = 0\npurge = 0\nrestart = 0\nstatus = 0\n\
         kill = 0\nimpair = 0\nbeat = 0\nwait = 0",
    )
    .unwrap();
    let workload = Workload { mix: nothing, ..Workload::default() };
    assert!(refused(Topology::default(), workload).starts_with("every weight in `mix` is 0"));
}

#[test]
fn a_policy_is_hardened_but_for_what_it_names() {
    let policy: Policy = toml::from_str("probe = 're_resolved'\nflip = 'blind'").unwrap();
    assert_eq!(policy, Policy { probe: Probe::ReResolved, flip: Flip::Blind, ..Policy::default() });
    assert!(toml::from_str::<Policy>("probe = 'guessed'").is_err());
    assert!(toml::from_str::<Policy>("guess = 'well'").is_err());
    let merged: Policy = toml::from_str("preset = 'merged'\nflip = 'guarded'").unwrap();
    assert_eq!(merged, Policy { flip: Flip::Guarded, ..Policy::preset(Preset::Merged) });
    assert_eq!(Policy::preset(Preset::Hardened), Policy::default());
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
