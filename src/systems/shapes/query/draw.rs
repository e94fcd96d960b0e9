//! Queries and changes that the tape decides.

use std::sync::Arc;

use super::clause::{Clause, Comparison, Query, Subquery};
use super::mutation::{Mutation, Place};
use super::schema::{Column, Sizes, TAGS, Table, VALUES, id_of, value};
use crate::harness::Draw;

/// How often a condition is atomic, a subquery, both of two, one of two, or more complex.
const KINDS: [u32; 5] = [4, 3, 2, 2, 1];
/// How often an atomic condition is an equality, a comparison, a pattern, a range, or a list.
const ATOMS: [u32; 5] = [1, 1, 1, 1, 1];
/// How often a subquery asks for what is active, for a tag, or for certain rows.
const INNERMOST: [u32; 3] = [3, 2, 1];
/// Of 1,000 conditions that are put together, how many are negated.
const NEGATED: u64 = 170;

impl Query {
    /// Leaves that meet a condition.
    pub(crate) fn draw(draw: &mut Draw<'_>, sizes: Sizes) -> Self {
        let mut drawing = Drawing { draw, sizes };
        Self { table: Table::Level4, clause: drawing.clause() }
    }
}

impl Mutation {
    /// A change of one row, each of the eight kinds as likely as the others: an active row at level 1, 2 or 3, what a row
    /// of level 2, 3 or 4 belongs to, a tag, a leaf's value.
    pub(crate) fn draw(draw: &mut Draw<'_>, sizes: Sizes) -> Self {
        let kind = draw.below("change", 8);
        let mut drawing = Drawing { draw, sizes };
        match kind {
            0 => Self::Set(drawing.place(4), drawing.value()),
            1..=3 => {
                let level = kind as u32 + 1;
                Self::Move(drawing.place(level), drawing.place(level - 1))
            }
            4 => {
                let level = drawing.draw.below("level", 3) as u32 + 1;
                let (row, tag) = (drawing.place(level), drawing.tag());
                if drawing.draw.chance("untag", 500) { Self::Untag(row, tag) } else { Self::Tag(row, tag) }
            }
            kind => Self::Toggle(drawing.place(kind as u32 - 4)),
        }
    }
}

struct Drawing<'a, 'd> {
    draw: &'a mut Draw<'d>,
    sizes: Sizes,
}

impl Drawing<'_, '_> {
    fn clause(&mut self) -> Clause {
        // Where it is pinned to nothing, everything meets it.
        let Some(kind) = self.draw.weighted("condition", &KINDS) else { return Clause::Always(true) };
        match kind {
            0 => self.atom(),
            1 => self.subquery(),
            2 => and(self.part(), self.part()),
            3 => or(self.part(), self.part()),
            _ => {
                let either = or(self.part(), self.part());
                and(either, Clause::Not(Box::new(self.part())))
            }
        }
    }

    /// What is put together with others.
    fn part(&mut self) -> Clause {
        let part = if self.draw.chance("asks", 450) { self.subquery() } else { self.atom() };
        if self.draw.chance("negated", NEGATED) { Clause::Not(Box::new(part)) } else { part }
    }

    fn atom(&mut self) -> Clause {
        let Some(kind) = self.draw.weighted("atom", &ATOMS) else { return Clause::Always(true) };
        match kind {
            0 => match self.draw.below("column", 3) {
                0 => Clause::Equals(Column::Value, self.value()),
                1 => Clause::Equals(Column::Level3Id, self.id(3)),
                _ => Clause::Equals(Column::Id, self.id(4)),
            },
            1 => {
                let comparison = Comparison::ALL[self.draw.below("comparison", 4) as usize];
                Clause::Compares(Column::Value, comparison, self.value())
            }
            2 => match self.draw.below("pattern", 3) {
                0 => Clause::Like(Column::Value, format!("v{}%", self.draw.below("digit", 3)).into()),
                1 => Clause::Like(Column::Value, format!("%{}", self.draw.below("digit", 10)).into()),
                _ => Clause::Like(Column::Value, format!("v_{}", self.draw.below("digit", 10)).into()),
            },
            3 => {
                let (one, other) = (self.value(), self.value());
                Clause::Between(Column::Value, one.clone().min(other.clone()), one.max(other))
            }
            _ => {
                let count = self.draw.below("listed", 3) + 2;
                let mut listed: Vec<Arc<str>> = (0..count).map(|_| self.value()).collect();
                listed.sort_unstable();
                listed.dedup();
                Clause::OneOf(Column::Value, listed)
            }
        }
    }

    /// Whether a leaf belongs to certain rows, one to three levels up.
    fn subquery(&mut self) -> Clause {
        let depth = self.draw.below("depth", 3) as u32 + 1;
        self.asks(4, depth)
    }

    /// Whether a row of a level belongs to certain rows, so many levels up.
    fn asks(&mut self, level: u32, depth: u32) -> Clause {
        let above = level - 1;
        let kind = if depth > 1 { None } else { self.draw.weighted("innermost", &INNERMOST).or(Some(0)) };
        let (select, query) = match kind {
            Some(1) => {
                let clause = Clause::Equals(Column::Tag, self.tag());
                (Column::parent(above), Query { table: Table::tags(above), clause })
            }
            kind => {
                let clause = match kind {
                    None => {
                        let deeper = self.asks(above, depth - 1);
                        if self.draw.chance("and active", 300) { and(deeper, self.activity()) } else { deeper }
                    }
                    Some(0) => self.activity(),
                    Some(_) => {
                        let mut listed = vec![self.id(above), self.id(above)];
                        listed.sort_unstable();
                        listed.dedup();
                        Clause::OneOf(Column::Id, listed)
                    }
                };
                (Column::Id, Query { table: Table::level(above), clause })
            }
        };
        Clause::Within(Column::parent(above), Box::new(Subquery { select, query }))
    }

    fn activity(&mut self) -> Clause {
        let active = if self.draw.chance("inactive", 200) { "false" } else { "true" };
        Clause::Equals(Column::Active, active.into())
    }

    fn place(&mut self, level: u32) -> Place {
        Place { level, number: self.draw.below("row", self.sizes.of(level).into()) as u32 + 1 }
    }

    fn id(&mut self, level: u32) -> Arc<str> {
        let Place { level, number } = self.place(level);
        id_of(level, number).into()
    }

    /// A value, as likely one that leaves have from the start as any other.
    fn value(&mut self) -> Arc<str> {
        let most = if self.draw.chance("any value", 500) { VALUES } else { self.sizes.leaves.min(VALUES) };
        value(self.draw.below("value", most.into()) as u32 + 1).into()
    }

    fn tag(&mut self) -> Arc<str> {
        TAGS[self.draw.below("tag", TAGS.len() as u64) as usize].into()
    }
}

fn and(one: Clause, other: Clause) -> Clause {
    Clause::And(Box::new(one), Box::new(other))
}

fn or(one: Clause, other: Clause) -> Clause {
    Clause::Or(Box::new(one), Box::new(other))
}
