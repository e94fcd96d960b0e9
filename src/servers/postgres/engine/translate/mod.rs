//! From a statement as Postgres reads it to SQL of the storage: names and types are settled on the way.
//!
//! Nothing is printed back from the syntax tree: each piece of SQL is made by the code that has checked it, so that what
//! no code knows is refused and never handed on.

mod aggregates;
mod builtins;
mod calls;
mod casts;
mod expression;
mod from;
mod insert;
mod naming;
mod operators;
mod order;
mod query;
mod scope;
mod select;
mod write;

use std::collections::BTreeSet;

use sqlparser::ast::{Expr, Statement as Parsed};

pub(super) use self::naming::{folded, relation_name};
use self::query::Common;
use self::scope::{Field, Relation, Scope};
use super::super::refusal::Refusal;
use super::super::value::Type;
use super::catalog::{Catalog, Table, TableId};
use super::kinds::Kind;
use super::statement::{Column, Work};

/// The place of the moment at which the transaction began, among what is bound: after the parameters.
const NOW: usize = 1;
/// The place of the moment at which the statement began.
const CLOCK: usize = 2;

/// An expression in the storage's SQL.
#[derive(Clone, Debug)]
struct Typed {
    sql: String,
    kind: Kind,
    form: Form,
    /// Whether it may be NULL.
    nullable: bool,
}

/// What an expression of no type yet is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// It has a type.
    Plain,
    /// Text in quotes.
    Literal(String),
    /// `NULL`
    Null,
    /// A parameter, counted from 0.
    Parameter(usize),
}

impl Typed {
    fn plain(sql: impl Into<String>, kind: Kind) -> Self {
        Self { sql: sql.into(), kind, form: Form::Plain, nullable: true }
    }

    fn of(sql: impl Into<String>, kind: Type) -> Self {
        Self::plain(sql, Kind::Of(kind))
    }
}

/// One statement on its way.
pub(super) struct Translator<'c> {
    catalog: &'c Catalog,
    /// The types of the parameters, as far as they are settled.
    parameters: Vec<Option<Type>>,
    /// Common table expressions in reach, the innermost last.
    common: Vec<Common>,
    /// Every table that the statement reads or writes.
    touched: BTreeSet<TableId>,
    /// The tables read since this was last cleared.
    read: BTreeSet<TableId>,
    /// Whether a name has been found in an outer query since this was last cleared.
    correlated: bool,
    /// Whether rows or advisory locks are locked by reading.
    locks: bool,
    /// The tables that the query translated last locks rows of, and what their keys are called there.
    locked: Vec<(TableId, Vec<String>)>,
    /// How the rows are found that the statement would write or lock.
    candidates: Vec<(TableId, String)>,
    /// Whether the query translated last returns one row at most.
    single: bool,
    aliases: usize,
    /// How many queries have been gone over, each as often as that was done.
    queries: usize,
}

/// What a translation comes to.
pub(super) struct Translated {
    pub(super) parameters: Vec<Type>,
    pub(super) columns: Option<Vec<Column>>,
    pub(super) work: Work,
}

impl<'c> Translator<'c> {
    /// For a statement with so many parameters, of which the client has named some types.
    pub(super) fn new(catalog: &'c Catalog, parameters: usize, hints: &[Option<Type>]) -> Self {
        let mut kinds = hints.to_vec();
        if kinds.len() < parameters {
            kinds.resize(parameters, None);
        }
        Self {
            catalog,
            parameters: kinds,
            common: Vec::new(),
            touched: BTreeSet::new(),
            read: BTreeSet::new(),
            correlated: false,
            locks: false,
            locked: Vec::new(),
            candidates: Vec::new(),
            single: false,
            aliases: 0,
            queries: 0,
        }
    }

    /// Translates a query or a statement that writes.
    ///
    /// # Errors
    /// As the real server refuses it; `0A000` for what is not simulated.
    pub(super) fn statement(mut self, parsed: &Parsed) -> Result<Translated, Refusal> {
        let (sql, fields, command) = match parsed {
            Parsed::Query(query) => self.outermost(query)?,
            Parsed::Insert(insert) => self.insert(insert, "")?,
            Parsed::Update(update) => self.update(update, "")?,
            Parsed::Delete(delete) => self.delete(delete, "")?,
            other => return Err(unsupported_statement(other)),
        };
        let columns = fields
            .map(|fields| fields.into_iter().map(output_column).collect::<Result<Vec<Column>, Refusal>>())
            .transpose()?;
        let mut parameters = Vec::with_capacity(self.parameters.len());
        for (number, kind) in self.parameters.iter().enumerate() {
            let number = number + 1;
            parameters.push(kind.ok_or_else(|| {
                Refusal::new("42P18", format!("could not determine data type of parameter ${number}"))
            })?);
        }
        let first_free = parameters.len();
        let now = sql.contains(NOW_MARK).then_some(first_free + NOW);
        let clock = sql.contains(CLOCK_MARK).then_some(first_free + CLOCK);
        let numbered = |sql: String| {
            sql.replace(NOW_MARK, &format!("?{}", first_free + NOW))
                .replace(CLOCK_MARK, &format!("?{}", first_free + CLOCK))
        };
        let sql = numbered(sql);
        let candidates = self.candidates.into_iter().map(|(table, sql)| (table, numbered(sql))).collect();
        let touched = self.touched.into_iter().collect();
        let sql_locks = sql.contains("pg_lock_row(");
        let work = Work { sql, command, now, clock, touched, locks_rows: sql_locks, candidates };
        Ok(Translated { parameters, columns, work })
    }

    /// A condition or a default of a table's own, in which its columns are called as `prefix` says (`NEW.`, or nothing).
    ///
    /// # Errors
    /// As [`Translator::statement`].
    pub(super) fn condition(catalog: &'c Catalog, table: &Table, expr: &Expr, prefix: &str) -> Result<String, Refusal> {
        let mut translator = Self::new(catalog, 0, &[]);
        let scope = Scope::of(vec![Relation::of_table(table, &table.name, prefix)]);
        let sql = translator.truth(expr, &scope, "CHECK")?;
        if sql.contains(NOW_MARK) || sql.contains(CLOCK_MARK) || translator.touched.iter().any(|&id| id != table.id) {
            return Err(Refusal::unsupported("conditions of tables that look at more than the row"));
        }
        Ok(sql)
    }

    /// The columns that a condition of a table's own names.
    ///
    /// # Errors
    /// As [`Translator::statement`].
    pub(super) fn columns_of(catalog: &'c Catalog, table: &Table, expr: &Expr) -> Result<Vec<usize>, Refusal> {
        let mut translator = Self::new(catalog, 0, &[]);
        let scope = Scope::of(vec![Relation::of_table(table, &table.name, "")]);
        translator.truth(expr, &scope, "CHECK")?;
        let mut columns: Vec<usize> = Vec::new();
        for (_, sql) in scope.bare.borrow().iter() {
            let place = scope.relations[0].fields.iter().position(|field| field.sql == *sql);
            columns.extend(place.filter(|place| !columns.contains(place)));
        }
        Ok(columns)
    }

    /// An expression of a table's own that an index is made of.
    ///
    /// # Errors
    /// As [`Translator::statement`].
    pub(super) fn indexed(catalog: &'c Catalog, table: &Table, expr: &Expr) -> Result<String, Refusal> {
        let mut translator = Self::new(catalog, 0, &[]);
        let scope = Scope::of(vec![Relation::of_table(table, &table.name, "")]);
        Ok(translator.expression(expr, &scope)?.sql)
    }

    /// A table's default for new rows where a column is added, as SQL with nothing to be bound.
    pub(super) fn constant(
        catalog: &'c Catalog,
        expr: &Expr,
        kind: Type,
        length: Option<u64>,
        now: i64,
    ) -> Result<String, Refusal> {
        let mut translator = Self::new(catalog, 0, &[]);
        let typed = translator.expression(expr, &Scope::of(Vec::new()))?;
        let sql = translator.assigned(&typed, kind, length, "?column?")?;
        Ok(sql.replace(NOW_MARK, &now.to_string()).replace(CLOCK_MARK, &now.to_string()))
    }

    /// A name that nothing else in the statement has.
    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("_{}", self.aliases)
    }
}

/// Where the moments will be bound: no text of a client can hold this, for NUL is refused.
const NOW_MARK: &str = "\0now\0";
const CLOCK_MARK: &str = "\0clock\0";

fn output_column(field: Field) -> Result<Column, Refusal> {
    match field.kind {
        Kind::Of(kind) => Ok(Column { name: field.name, kind }),
        Kind::Unknown => Ok(Column { name: field.name, kind: Type::Text }),
        Kind::Numeric => Err(Refusal::unsupported(format_args!(
            "results of type numeric: cast the column \"{}\" to bigint or double precision",
            field.name
        ))),
    }
}

/// A statement that is known and not simulated.
pub(super) fn unsupported_statement(parsed: &Parsed) -> Refusal {
    let text = parsed.to_string();
    let words: Vec<&str> = text.split_whitespace().take(2).collect();
    Refusal::unsupported(format_args!("the statement {}", words.join(" ")))
}
