//! Conditions: how they are written, and which rows meet them.

use std::fmt;
use std::sync::Arc;

use super::schema::{Column, Row, Table};

/// The rows of a table that meet a condition. Written as `level_4 WHERE value = 'v01'`, or as the table alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Query {
    /// The table.
    pub table: Table,
    /// The condition.
    pub clause: Clause,
}

/// The values in a column of the rows that a query selects. A shape with such a condition depends on that query as a
/// shape of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subquery {
    /// The column.
    pub select: Column,
    /// The rows.
    pub query: Query,
}

/// How a value compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// It is less.
    Less,
    /// It is no more.
    AtMost,
    /// It is more.
    More,
    /// It is no less.
    AtLeast,
}

impl Comparison {
    pub(super) const ALL: [Self; 4] = [Self::Less, Self::AtMost, Self::More, Self::AtLeast];

    const fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }

    fn holds(self, left: &str, right: &str) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
        }
    }
}

/// A condition on a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Clause {
    /// Every row, or none.
    Always(bool),
    /// A column holds this.
    Equals(Column, Arc<str>),
    /// What a column holds compares so.
    Compares(Column, Comparison, Arc<str>),
    /// What a column holds is like a pattern, in which `%` stands for any text and `_` for any character.
    Like(Column, Arc<str>),
    /// What a column holds is one of these two or in between.
    Between(Column, Arc<str>, Arc<str>),
    /// A column holds one of these.
    OneOf(Column, Vec<Arc<str>>),
    /// What a column holds is among the values of a subquery.
    Within(Column, Box<Subquery>),
    /// The condition is not met.
    Not(Box<Self>),
    /// Both are met.
    And(Box<Self>, Box<Self>),
    /// One is met, or both.
    Or(Box<Self>, Box<Self>),
}

impl Clause {
    /// Whether a row meets it. `holds` says whether a text is among the values of a subquery.
    pub fn matches(&self, row: &Row, holds: &impl Fn(&Subquery, &str) -> bool) -> bool {
        match self {
            Self::Always(truth) => *truth,
            Self::Equals(column, text) => row.text(*column) == &**text,
            Self::Compares(column, comparison, text) => comparison.holds(row.text(*column), text),
            Self::Like(column, pattern) => is_like(row.text(*column).as_bytes(), pattern.as_bytes()),
            Self::Between(column, low, high) => (&**low..=&**high).contains(&row.text(*column)),
            Self::OneOf(column, texts) => texts.iter().any(|text| row.text(*column) == &**text),
            Self::Within(column, subquery) => holds(subquery, row.text(*column)),
            Self::Not(clause) => !clause.matches(row, holds),
            Self::And(one, other) => one.matches(row, holds) && other.matches(row, holds),
            Self::Or(one, other) => one.matches(row, holds) || other.matches(row, holds),
        }
    }

    /// The subqueries that it asks itself, in the order in which they are written; what these ask is theirs.
    pub fn subqueries(&self) -> Vec<&Subquery> {
        let mut found = Vec::new();
        self.collect(true, &mut found);
        found.into_iter().map(|(subquery, _)| subquery).collect()
    }

    /// Whether a shape with this condition can follow its subqueries row by row: it asks them in no other way than that
    /// all of them must hold.
    pub fn is_optimized(&self) -> bool {
        let mut found = Vec::new();
        self.collect(true, &mut found);
        found.into_iter().all(|(_, plain)| plain)
    }

    /// Each subquery, and whether it is asked under nothing but AND.
    fn collect<'a>(&'a self, plain: bool, found: &mut Vec<(&'a Subquery, bool)>) {
        match self {
            Self::Within(_, subquery) => found.push((subquery, plain)),
            Self::Not(clause) => clause.collect(false, found),
            Self::And(one, other) => {
                one.collect(plain, found);
                other.collect(plain, found);
            }
            Self::Or(one, other) => {
                one.collect(false, found);
                other.collect(false, found);
            }
            Self::Always(_)
            | Self::Equals(..)
            | Self::Compares(..)
            | Self::Like(..)
            | Self::Between(..)
            | Self::OneOf(..) => {}
        }
    }

    /// The same condition without subqueries, where the values of each are these.
    #[must_use]
    pub fn bound(&self, values: &impl Fn(&Subquery) -> Vec<Arc<str>>) -> Self {
        match self {
            Self::Within(column, subquery) => {
                let values = values(subquery);
                if values.is_empty() { Self::Always(false) } else { Self::OneOf(*column, values) }
            }
            Self::Not(clause) => Self::Not(Box::new(clause.bound(values))),
            Self::And(one, other) => Self::And(Box::new(one.bound(values)), Box::new(other.bound(values))),
            Self::Or(one, other) => Self::Or(Box::new(one.bound(values)), Box::new(other.bound(values))),
            plain => plain.clone(),
        }
    }

    /// How tightly it holds together where it is written beside others.
    const fn strength(&self) -> u8 {
        match self {
            Self::Or(..) => 0,
            Self::And(..) => 1,
            Self::Not(_) => 2,
            _ => 3,
        }
    }

    /// Writes it in brackets where it would fall apart beside something of this strength.
    fn write_beside(&self, strength: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.strength() < strength { write!(f, "({self})") } else { write!(f, "{self}") }
    }
}

impl Query {
    /// The rows that it selects, as a statement, in the order of their primary key.
    pub fn sql(&self) -> String {
        let columns: Vec<&str> = self.table.columns().iter().map(|column| column.name()).collect();
        let key: Vec<&str> = self.table.key().iter().map(|column| column.name()).collect();
        format!("SELECT {} FROM {self} ORDER BY {}", columns.join(", "), key.join(", "))
    }

    /// Itself, and every query that it depends on, near or far; those that others depend on come first. Each is there once.
    pub fn with_dependencies(&self) -> Vec<Self> {
        let mut all = Vec::new();
        self.collect(&mut all);
        all
    }

    fn collect(&self, all: &mut Vec<Self>) {
        for subquery in self.clause.subqueries() {
            subquery.query.collect(all);
        }
        if !all.contains(self) {
            all.push(self.clone());
        }
    }
}

/// Whether a text is like a pattern.
fn is_like(text: &[u8], pattern: &[u8]) -> bool {
    match (pattern, text) {
        ([], rest) => rest.is_empty(),
        ([b'%', pattern @ ..], _) => (0..=text.len()).any(|skipped| is_like(&text[skipped..], pattern)),
        ([b'_', pattern @ ..], [_, text @ ..]) => is_like(text, pattern),
        ([wanted, pattern @ ..], [byte, text @ ..]) => wanted == byte && is_like(text, pattern),
        (_, []) => false,
    }
}

/// What a column holds, as it is written in a statement.
pub(super) fn quoted(column: Column, text: &str) -> String {
    if column.is_truth() { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always(true) => f.write_str("TRUE"),
            Self::Always(false) => f.write_str("FALSE"),
            Self::Equals(column, text) => write!(f, "{column} = {}", quoted(*column, text)),
            Self::Compares(column, comparison, text) => {
                write!(f, "{column} {} {}", comparison.sign(), quoted(*column, text))
            }
            Self::Like(column, pattern) => write!(f, "{column} LIKE {}", quoted(*column, pattern)),
            Self::Between(column, low, high) => {
                write!(f, "{column} BETWEEN {} AND {}", quoted(*column, low), quoted(*column, high))
            }
            Self::OneOf(column, texts) => {
                let texts: Vec<String> = texts.iter().map(|text| quoted(*column, text)).collect();
                write!(f, "{column} IN ({})", texts.join(", "))
            }
            Self::Within(column, subquery) => write!(f, "{column} IN ({subquery})"),
            Self::Not(clause) => {
                f.write_str("NOT ")?;
                clause.write_beside(3, f)
            }
            Self::And(one, other) => {
                one.write_beside(1, f)?;
                f.write_str(" AND ")?;
                other.write_beside(2, f)
            }
            Self::Or(one, other) => {
                one.write_beside(0, f)?;
                f.write_str(" OR ")?;
                other.write_beside(1, f)
            }
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.clause == Clause::Always(true) {
            return write!(f, "{}", self.table);
        }
        write!(f, "{} WHERE {}", self.table, self.clause)
    }
}

impl fmt::Display for Subquery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SELECT {} FROM {}", self.select, self.query)
    }
}
