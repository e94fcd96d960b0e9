//! Random sequences of steps: which connection sends which statement, and how.

use proptest::prelude::*;
use proptest::strategy::Union;

use super::render::{Statement, render};
use super::templates::{BEGINNINGS, ENDS, Group, LOCKS, MISTAKES, READS, SEVERAL, TRANSACTIONS, TURN, WRITES};

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
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) connection: usize,
    template: &'static str,
    picks: [u16; 10],
    way: Way,
    /// Whether a transaction is begun for it where there is none, and a spoilt one ended first.
    within: bool,
}

impl Step {
    /// What it sends from a session that is in the state `status`.
    pub(crate) fn said(&self, status: char) -> Said {
        let statement = match self.template {
            TURN => self.turn(status),
            template => render(template, &self.picks),
        };
        Said { statement, way: self.way, template: self.template }
    }

    /// What is to be sent before.
    pub(crate) fn before(&self, status: char) -> Option<Step> {
        let turn = Step { template: TURN, way: Way::Simple, within: false, ..self.clone() };
        (self.within && self.template != TURN && status != 'T').then_some(turn)
    }

    fn turn(&self, status: char) -> Statement {
        let choices = if status == 'I' { BEGINNINGS } else { ENDS };
        render(choices[usize::from(self.picks[0]) % choices.len()], &[])
    }
}

/// What a connection sends.
pub(crate) struct Said {
    pub(crate) statement: Statement,
    pub(crate) way: Way,
    /// What it was made from.
    pub(crate) template: &'static str,
}

impl Said {
    /// Something that was made from no template.
    pub(crate) fn new(text: &'static str, parameters: Vec<Option<String>>, way: Way) -> Self {
        Self { statement: Statement::new(text, parameters), way, template: text }
    }

    /// As a person would type it.
    pub(crate) fn show(&self, connection: usize) -> String {
        let name = char::from(b'A' + connection as u8);
        let statement = &self.statement;
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
        write!(f, "{} steps on {} connections", self.steps.len(), self.connections)
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
        prop::collection::vec(step(connections), 1..=longest).prop_map(move |steps| Sequence {
            connections,
            commits,
            steps,
        })
    })
}

fn step(connections: usize) -> impl Strategy<Value = Step> {
    let ways = prop_oneof![
        2 => Just(Way::Simple),
        1 => any::<bool>().prop_map(|binary| Way::Unnamed { binary }),
        2 => any::<bool>().prop_map(|binary| Way::Prepared { binary }),
    ];
    let template = prop_oneof![
        10 => from(TRANSACTIONS),
        28 => from(WRITES),
        8 => from(READS),
        8 => from(LOCKS),
        1 => from(MISTAKES),
    ];
    let one = (0..connections, template, any::<[u16; 10]>(), ways, prop::bool::weighted(0.85))
        .prop_map(|(connection, template, picks, way, within)| Step { connection, template, picks, way, within });
    let several = (0..connections, from(SEVERAL)).prop_map(|(connection, template)| Step {
        connection,
        template,
        picks: [0; 10],
        way: Way::Simple,
        within: false,
    });
    prop_oneof![60 => one, 1 => several]
}

fn from(group: Group) -> impl Strategy<Value = &'static str> {
    Union::new_weighted(group.iter().map(|&(weight, template)| (weight, Just(template))).collect())
}
