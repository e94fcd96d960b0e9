//! Random sequences of steps: which connection sends which statement, and how.

use proptest::prelude::*;
use proptest::strategy::Union;

use super::render::{Statement, render};
use super::templates::{Group, LOCKS, MISTAKES, READS, SEVERAL, TRANSACTIONS, WRITES};

/// How a statement is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// As a query string, with literals.
    Simple,
    /// Parsed, bound and executed at once, with parameters.
    Unnamed { binary: bool },
    /// Prepared once under a name, with parameters.
    Prepared { binary: bool },
}

/// One statement on one connection.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) connection: usize,
    pub(crate) template: &'static str,
    picks: [u16; 10],
    pub(crate) way: Way,
}

impl Step {
    pub(crate) fn statement(&self) -> Statement {
        render(self.template, &self.picks)
    }

    /// As a person would type it.
    pub(crate) fn show(&self) -> String {
        let name = char::from(b'A' + self.connection as u8);
        let statement = self.statement();
        match self.way {
            Way::Simple => format!("{name}> {};", statement.literal),
            way => {
                let parameters: Vec<&str> =
                    statement.parameters.iter().map(|parameter| parameter.as_deref().unwrap_or("NULL")).collect();
                format!("{name}> {}; -- {way:?} {parameters:?}", statement.text)
            }
        }
    }
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.show())
    }
}

/// A sequence of steps on some connections.
#[derive(Clone)]
pub(crate) struct Sequence {
    pub(crate) connections: usize,
    /// Whether transactions still open at the end are committed.
    pub(crate) commits: bool,
    pub(crate) steps: Vec<Step>,
}

impl std::fmt::Debug for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "on {} connections, with a {} at the end:", self.connections, self.end())?;
        self.steps.iter().try_for_each(|step| writeln!(f, "    {step:?}"))
    }
}

impl Sequence {
    /// What ends transactions that are still open at the end.
    pub(crate) fn end(&self) -> &'static str {
        if self.commits { "COMMIT" } else { "ROLLBACK" }
    }
}

/// Two connections mostly, sometimes three, and up to `longest` steps.
pub(crate) fn sequences(longest: usize) -> impl Strategy<Value = Sequence> {
    let connections = prop_oneof![4 => Just(2_usize), 1 => Just(3)];
    (connections, any::<bool>()).prop_flat_map(move |(connections, commits)| {
        prop::collection::vec(step(connections), 1..=longest)
            .prop_map(move |steps| Sequence { connections, commits, steps })
    })
}

fn step(connections: usize) -> impl Strategy<Value = Step> {
    let ways = prop_oneof![
        2 => Just(Way::Simple),
        1 => any::<bool>().prop_map(|binary| Way::Unnamed { binary }),
        2 => any::<bool>().prop_map(|binary| Way::Prepared { binary }),
    ];
    let template = prop_oneof![
        7 => from(TRANSACTIONS),
        12 => from(WRITES),
        5 => from(READS),
        3 => from(LOCKS),
        1 => from(MISTAKES),
    ];
    let one = (0..connections, template, any::<[u16; 10]>(), ways)
        .prop_map(|(connection, template, picks, way)| Step { connection, template, picks, way });
    let several = (0..connections, from(SEVERAL)).prop_map(|(connection, template)| Step {
        connection,
        template,
        picks: [0; 10],
        way: Way::Simple,
    });
    prop_oneof![60 => one, 1 => several]
}

fn from(group: Group) -> impl Strategy<Value = &'static str> {
    Union::new_weighted(group.iter().map(|&(weight, template)| (weight, Just(template))).collect())
}
