//! What is drawn is written, read back, and means what the database says it means.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use proptest::prelude::*;

use super::{Clause, Column, Comparison, Mutation, Query, Row, SCHEMA, Sizes, Subquery, Table, Tables};
use crate::harness::{Deployment, Draw, Invariant, Load, Plan, RunOptions, System, What, run};
use crate::servers::postgres::Value;
use crate::servers::postgres::engine::{Database, Progress, SessionId};

const SIZES: Sizes = Sizes { parents: 3, leaves: 9 };

/// A simulated Postgres with the rows that are there from the start, and what is expected to be in it.
struct Bench {
    database: Database,
    session: SessionId,
    tables: Tables,
}

impl Bench {
    fn new() -> Self {
        let mut database = Database::new();
        let session = database.connect();
        let mut bench = Self { database, session, tables: Tables::default() };
        let initial = Tables::initial(SIZES);
        let statements = bench.database.split(&format!("{SCHEMA};{}", initial.statements())).unwrap();
        for statement in statements {
            bench.execute(&statement);
        }
        bench.follow();
        assert_eq!(bench.tables, initial);
        bench
    }

    fn execute(&mut self, sql: &str) -> Vec<Vec<Value>> {
        let statement = self.database.prepare(sql, &[]).unwrap_or_else(|refusal| panic!("{sql}: {refusal:?}"));
        match self.database.execute(self.session, &statement, Vec::new(), 0) {
            Progress::Done(Ok(answer)) => answer.rows,
            other => panic!("{sql}: {other:?}"),
        }
    }

    /// Does to the rows expected what has been committed.
    fn follow(&mut self) {
        for commit in self.database.take_commits() {
            let (table, key) = commit.key.split_once(':').unwrap();
            let row = commit.row.map(|row| Row::parse(&row).unwrap_or_else(|| panic!("{row} is no row")));
            self.tables.put(Table::named(table).unwrap(), key.into(), row);
        }
    }

    #[track_caller]
    fn agrees(&mut self, query: &Query) {
        let text = |value: &Value| match value {
            Value::Text(text) => text.to_string(),
            Value::Bool(truth) => truth.to_string(),
            other => panic!("{other:?} is in no column"),
        };
        let answered: Vec<Vec<String>> =
            self.execute(&query.sql()).iter().map(|row| row.iter().map(text).collect()).collect();
        let selected = self.tables.select(query);
        let expected: Vec<Vec<String>> = selected
            .values()
            .map(|row| query.table.columns().iter().map(|column| row.text(*column).to_owned()).collect())
            .collect();
        let (answered, expected) = (answered.iter().collect::<BTreeSet<_>>(), expected.iter().collect::<BTreeSet<_>>());
        assert_eq!(answered, expected, "{query}");
    }
}

/// What a client may draw here.
#[derive(Clone, Debug)]
enum Drawn {
    Query(Query),
    Mutation(Mutation),
}

impl std::fmt::Display for Drawn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Query(query) => query.fmt(f),
            Self::Mutation(mutation) => mutation.fmt(f),
        }
    }
}

/// A system whose clients draw, and do nothing.
#[derive(Clone)]
struct Drawer;

impl System for Drawer {
    type Operation = Drawn;
    type Outcome = Drawn;
    type Client = Rc<RefCell<()>>;

    fn name(&self) -> &'static str {
        "drawer"
    }
    fn load(&self) -> Load {
        Load { clients: 2, operations: 600 }
    }
    fn deploy(&self, _: &mut Deployment) {}
    fn client(&self, _: &str) -> Self::Client {
        Rc::default()
    }
    fn next(&self, draw: &mut Draw<'_>) -> Option<Drawn> {
        Some(if draw.chance("kind", 500) {
            Drawn::Query(Query::draw(draw, SIZES))
        } else {
            Drawn::Mutation(Mutation::draw(draw, SIZES))
        })
    }
    async fn perform(&self, _: Self::Client, operation: Drawn) -> Drawn {
        operation
    }
    fn invariants(&self) -> Vec<Box<dyn Invariant<Self>>> {
        Vec::new()
    }
}

fn drawn(seed: u64) -> Vec<String> {
    let plan = Plan {
        limits: crate::harness::Limits { chaos: std::time::Duration::from_hours(1), ..Default::default() },
        ..Plan::default()
    };
    let options = RunOptions { keep_history: true, ..RunOptions::default() };
    let history = run(&Drawer, &plan, seed, &options).history.expect("it is kept");
    let texts = history.events().iter().filter_map(|event| match &event.what {
        What::Invoked { text, .. } => Some(text.to_string()),
        _ => None,
    });
    texts.collect()
}

#[test]
fn what_is_drawn_means_the_same_here_and_in_the_database() {
    let mut bench = Bench::new();
    let mut kinds = BTreeMap::<String, u32>::new();
    let (mut some, mut optimized, mut depths) = (0, 0, BTreeSet::new());
    for seed in 1..=2 {
        for text in drawn(seed) {
            if let Ok(mutation) = text.parse::<Mutation>() {
                assert_eq!(mutation.to_string(), text);
                let level = text.split_whitespace().nth(1).unwrap()[..2].to_owned();
                let verb = text.split_whitespace().next().unwrap();
                *kinds.entry(format!("{verb} {level}")).or_default() += 1;
                bench.execute(&mutation.sql());
                bench.follow();
            } else {
                let query: Query = text.parse().unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(query.to_string(), text);
                bench.agrees(&query);
                let selected = bench.tables.select(&query).len();
                some += u32::from(selected > 0 && selected < SIZES.leaves as usize);
                optimized += u32::from(query.clause.is_optimized());
                depths.insert(text.matches("SELECT").count());
            }
        }
    }
    assert!(some > 100, "only {some} queries select some of the leaves");
    assert!(optimized > 100);
    assert!([0, 1, 2, 3, 4].iter().all(|depth| depths.contains(depth)), "{depths:?}");
    let levels = ["toggle l1", "toggle l2", "toggle l3", "move l2", "move l3", "move l4", "set l4"];
    assert!(levels.iter().all(|kind| kinds.contains_key(*kind)), "{kinds:?}");
    assert!(kinds.contains_key("tag l1") && kinds.contains_key("untag l3"), "{kinds:?}");
}

fn atoms(table: Table) -> BoxedStrategy<Clause> {
    let columns: Vec<Column> = table.columns().iter().copied().filter(|column| *column != Column::Active).collect();
    let column = proptest::sample::select(columns);
    // Quotes, and what patterns mean something by, are texts as any other.
    let text = || "[lv0-9_%'-]{0,4}".prop_map(|text: String| Arc::<str>::from(text));
    let comparison = proptest::sample::select(Comparison::ALL.to_vec());
    prop_oneof![
        any::<bool>().prop_map(Clause::Always),
        (column.clone(), text()).prop_map(|(column, text)| Clause::Equals(column, text)),
        (column.clone(), comparison, text()).prop_map(|(column, how, text)| Clause::Compares(column, how, text)),
        (column.clone(), text()).prop_map(|(column, text)| Clause::Like(column, text)),
        (column.clone(), text(), text()).prop_map(|(column, low, high)| Clause::Between(column, low, high)),
        (column, proptest::collection::vec(text(), 1..4)).prop_map(|(column, texts)| Clause::OneOf(column, texts)),
    ]
    .boxed()
}

/// Conditions on a level's rows that the generator does not make: deeper, and with anything for a text.
fn clauses(level: u32) -> BoxedStrategy<Clause> {
    let table = Table::level(level);
    let leaf = if level == 1 {
        let active = any::<bool>().prop_map(|active| Clause::Equals(Column::Active, active.to_string().into()));
        prop_oneof![atoms(table), active].boxed()
    } else {
        let above = level - 1;
        let tagged = (any::<bool>(), atoms(Table::tags(above))).prop_map(move |(_, clause)| Subquery {
            select: Column::parent(above),
            query: Query { table: Table::tags(above), clause },
        });
        let rows = clauses(above).prop_map(move |clause| Subquery {
            select: Column::Id,
            query: Query { table: Table::level(above), clause },
        });
        let within = prop_oneof![rows, tagged]
            .prop_map(move |subquery| Clause::Within(Column::parent(above), Box::new(subquery)));
        prop_oneof![atoms(table), within].boxed()
    };
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|clause| Clause::Not(Box::new(clause))),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| Clause::And(Box::new(one), Box::new(other))),
            (inner.clone(), inner).prop_map(|(one, other)| Clause::Or(Box::new(one), Box::new(other))),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_condition_is_read_back_and_means_the_same_in_the_database(clause in clauses(4)) {
        let query = Query { table: Table::Level4, clause };
        let read: Query = query.to_string().parse().unwrap();
        // What is put together without brackets is put together from the left.
        prop_assert_eq!(read.to_string(), query.to_string());
        let mut bench = Bench::new();
        bench.agrees(&query);
        prop_assert_eq!(bench.tables.select(&read), bench.tables.select(&query));
        let bound = query.clause.bound(&|subquery| bench.tables.values(subquery).into_iter().collect());
        prop_assert!(bound.subqueries().is_empty());
        prop_assert_eq!(bench.tables.select(&Query { clause: bound, ..query.clone() }), bench.tables.select(&query));
    }
}

#[test]
fn a_query_depends_on_its_subqueries_and_theirs() {
    let text = "level_4 WHERE level_3_id IN (SELECT id FROM level_3 WHERE level_2_id IN (SELECT id FROM level_2 WHERE \
                active = true)) AND NOT level_3_id IN (SELECT level_3_id FROM level_3_tags WHERE tag = 'alpha')";
    let query: Query = text.parse().unwrap();
    let all: Vec<String> = query.with_dependencies().iter().map(|query| query.table.to_string()).collect();
    assert_eq!(all, ["level_2", "level_3", "level_3_tags", "level_4"]);
    assert!(!query.clause.is_optimized());
    assert!(query.with_dependencies()[1].clause.is_optimized());
    assert_eq!("level_4".parse::<Query>().unwrap().to_string(), "level_4");
}

#[test]
fn what_is_not_a_query_or_a_change_is_refused_in_words() {
    let refused = |text: &str| text.parse::<Query>().unwrap_err();
    assert!(
        refused("level_5 WHERE id = 'x'").contains("`level_5` is not a table"),
        "{}",
        refused("level_5 WHERE id = 'x'")
    );
    assert!(refused("level_4 WHERE active = true").contains("level_4 has no column `active`"));
    for text in [
        "level_4 WHERE value = 3",
        "level_4 WHERE value || 'a' = 'b'",
        "level_4 ORDER BY id",
        "level_4 LIMIT 1",
        "level_4 AS l WHERE id = 'x'",
        "level_4, level_3",
        "level_4 JOIN level_3 ON TRUE",
        "level_4; DROP TABLE level_4",
        "level_4 WHERE level_3_id IN (SELECT id, active FROM level_3)",
        "level_4 WHERE level_3_id IN (SELECT DISTINCT id FROM level_3)",
        "level_4 WHERE level_3_id IN (SELECT id FROM level_3 UNION SELECT id FROM level_2)",
        "level_4 WHERE value LIKE 'a' ESCAPE 'b'",
        "level_4 WHERE",
        "",
    ] {
        assert!(refused(text).contains("is no query"), "{text}: {}", refused(text));
    }
    for text in
        ["toggle l4-1", "toggle l2", "move l1-1 l0-1", "move l3-1 l1-1", "set l3-1 v01", "tag l1-1", "set l4-0 a", ""]
    {
        assert!(text.parse::<Mutation>().is_err(), "{text}");
    }
}
