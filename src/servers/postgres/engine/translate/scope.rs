//! Which names an expression can see.

use std::cell::{Cell, RefCell};

use super::super::super::refusal::Refusal;
use super::super::catalog::{Table, TableId};
use super::super::kinds::Kind;
use super::super::stored::quoted_name;

/// A column of a relation in reach.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
    /// What it is called in the storage's SQL.
    pub(super) sql: String,
}

/// A relation in reach.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    pub(super) alias: String,
    pub(super) table: Option<TableId>,
    pub(super) fields: Vec<Field>,
    /// Which fields are its primary key.
    pub(super) key: Vec<usize>,
    /// Whether an outer join may leave it without a row.
    pub(super) optional: bool,
    /// Fields that are seen through another relation, as USING has it: named only with the relation's own name.
    pub(super) merged: Vec<usize>,
}

impl Relation {
    /// A table, its columns called with this before them.
    pub(super) fn of_table(table: &Table, alias: &str, prefix: &str) -> Self {
        let fields = table
            .columns
            .iter()
            .map(|column| Field {
                name: column.name.clone(),
                kind: Kind::Of(column.kind),
                nullable: !column.not_null,
                sql: format!("{prefix}{}", quoted_name(&column.name)),
            })
            .collect();
        let key = table.key().to_vec();
        let (alias, table) = (alias.to_owned(), Some(table.id));
        Self { alias, table, fields, key, optional: false, merged: Vec::new() }
    }
}

/// The relations that an expression can see, and what it has made of them.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    pub(super) relations: Vec<Relation>,
    pub(super) outer: Option<&'a Scope<'a>>,
    /// Columns named outside of aggregates: the relation, and the SQL.
    pub(super) bare: RefCell<Vec<(usize, String)>>,
    /// What is grouped by.
    pub(super) groups: RefCell<Vec<String>>,
    /// Whether an aggregate has been met.
    pub(super) aggregated: Cell<bool>,
    /// Whether aggregates make sense here.
    pub(super) aggregates: Cell<bool>,
}

/// A column that a name stands for.
pub(super) struct Found {
    pub(super) field: Field,
    /// Whether it belongs to an outer query.
    pub(super) outer: bool,
}

impl<'a> Scope<'a> {
    /// Of these relations alone.
    pub(super) fn of(relations: Vec<Relation>) -> Self {
        Self { relations, ..Self::default() }
    }

    /// Of these relations, inside of another query.
    pub(super) fn inside(relations: Vec<Relation>, outer: Option<&'a Scope<'a>>) -> Self {
        Self { relations, outer, ..Self::default() }
    }

    /// The column of this name.
    pub(super) fn column(&self, name: &str) -> Result<Found, Refusal> {
        let mut found = None;
        for (number, relation) in self.relations.iter().enumerate() {
            for (place, field) in relation.fields.iter().enumerate() {
                if field.name == name && !relation.merged.contains(&place) && found.replace((number, field)).is_some() {
                    return Err(Refusal::new("42702", format!("column reference \"{name}\" is ambiguous")));
                }
            }
        }
        match (found, self.outer) {
            (Some((number, field)), _) => Ok(self.met(number, field)),
            (None, Some(outer)) => outer.column(name).map(|found| Found { outer: true, ..found }),
            (None, None) => Err(Refusal::new("42703", format!("column \"{name}\" does not exist"))),
        }
    }

    /// The column of this name in this relation.
    pub(super) fn column_of(&self, alias: &str, name: &str) -> Result<Found, Refusal> {
        match (self.relation(alias), self.outer) {
            (Some((number, relation)), _) => {
                let mut fields = relation.fields.iter().filter(|field| field.name == name);
                let field = fields
                    .next()
                    .ok_or_else(|| Refusal::new("42703", format!("column {alias}.{name} does not exist")))?;
                if fields.next().is_some() {
                    return Err(Refusal::new("42702", format!("column reference \"{name}\" is ambiguous")));
                }
                Ok(self.met(number, field))
            }
            (None, Some(outer)) => outer.column_of(alias, name).map(|found| Found { outer: true, ..found }),
            (None, None) => Err(Refusal::new("42P01", format!("missing FROM-clause entry for table \"{alias}\""))),
        }
    }

    /// The relation of this name, and its number.
    pub(super) fn relation(&self, alias: &str) -> Option<(usize, &Relation)> {
        self.relations.iter().enumerate().find(|(_, relation)| relation.alias == alias)
    }

    fn met(&self, number: usize, field: &Field) -> Found {
        self.bare.borrow_mut().push((number, field.sql.clone()));
        Found { field: field.clone(), outer: false }
    }

    /// Checks that whatever was named outside of aggregates is grouped by.
    pub(super) fn check_grouping(&self) -> Result<(), Refusal> {
        let groups = self.groups.borrow();
        for (number, sql) in self.bare.borrow().iter() {
            let relation = &self.relations[*number];
            let by_key = !relation.key.is_empty()
                && relation.key.iter().all(|&place| groups.contains(&relation.fields[place].sql));
            if by_key || groups.contains(sql) {
                continue;
            }
            let name = relation.fields.iter().find(|field| field.sql == *sql).map_or("?", |field| &field.name);
            return Err(Refusal::new(
                "42803",
                format!(
                    "column \"{}.{name}\" must appear in the GROUP BY clause or be used in an aggregate function",
                    relation.alias
                ),
            ));
        }
        Ok(())
    }
}
