//! Queries: what is before and around SELECT, and what holds several of them together.

use sqlparser::ast::{
    Cte, LockClause, OrderBy, OrderByExpr, OrderByKind, Query, SetExpr, SetOperator, SetQuantifier,
    Statement as Parsed, Values, With,
};

use super::super::super::refusal::Refusal;
use super::super::super::value::Type;
use super::super::kinds::Kind;
use super::super::statement::Command;
use super::super::stored::quoted_name;
use super::naming::folded;
use super::order::{Limit, directed, order_clause, ordinal};
use super::scope::{Field, Relation, Scope};
use super::{Translator, Typed};

/// The most queries in a statement that are gone over.
const MOST_QUERIES: usize = 10_000;

/// SQL, its result if there is one, and what it does.
pub(super) type Outcome = (String, Option<Vec<Field>>, Command);

/// What surrounds the body of a query.
pub(super) struct Around<'q> {
    pub(super) order: &'q [OrderByExpr],
    pub(super) limit: Limit,
    pub(super) locks: &'q [LockClause],
}

/// A common table expression in reach.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) name: String,
    /// What it is called in the storage's SQL, so that it can be told from a table of its name.
    pub(super) alias: String,
    pub(super) fields: Vec<Field>,
}

/// What is to become of expressions that have no type of their own.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'k> {
    /// They become text.
    Any,
    /// They stay what they are: whoever asked will ask again with types.
    Open,
    /// They become this, column by column.
    Kinds(&'k [Kind]),
}

impl Translator<'_> {
    /// The query that is the statement: it may have a write for its body.
    pub(super) fn outermost(&mut self, query: &Query) -> Result<Outcome, Refusal> {
        let (SetExpr::Insert(write) | SetExpr::Update(write) | SetExpr::Delete(write)) = query.body.as_ref() else {
            let (sql, fields) = self.query(query, None, None)?;
            return Ok((sql, Some(fields), Command::Select));
        };
        let with = self.with(query.with.as_ref(), None)?;
        match write {
            Parsed::Insert(insert) => self.insert(insert, &with),
            Parsed::Update(update) => self.update(update, &with),
            Parsed::Delete(delete) => self.delete(delete, &with),
            other => Err(super::unsupported_statement(other)),
        }
    }

    /// A query, within another where `outer` is given. Columns without a type become `wanted`, or text.
    pub(super) fn query(
        &mut self,
        query: &Query,
        outer: Option<&Scope<'_>>,
        wanted: Option<&[Kind]>,
    ) -> Result<(String, Vec<Field>), Refusal> {
        self.query_as(query, outer, wanted.map_or(Wanted::Any, Wanted::Kinds))
    }

    fn query_as(
        &mut self,
        query: &Query,
        outer: Option<&Scope<'_>>,
        wanted: Wanted<'_>,
    ) -> Result<(String, Vec<Field>), Refusal> {
        if query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty()
        {
            return Err(Refusal::unsupported(format_args!("the query {query}")));
        }
        let mark = self.common.len();
        let with = self.with(query.with.as_ref(), outer)?;
        let order = match &query.order_by {
            None => &[],
            Some(OrderBy { kind: OrderByKind::Expressions(order), interpolate: None }) => order.as_slice(),
            Some(other) => return Err(Refusal::unsupported(format_args!("{other}"))),
        };
        let limit = self.limit(query, outer)?;
        let one = limit.one;
        let around = Around { order, limit, locks: &query.locks };
        let (sql, fields, single) = match query.body.as_ref() {
            SetExpr::Select(select) => self.select(select, outer, wanted, &around)?,
            other => {
                if !query.locks.is_empty() {
                    return Err(Refusal::new("0A000", "FOR UPDATE is not allowed with UNION/INTERSECT/EXCEPT"));
                }
                let (mut sql, fields) = self.body(other, outer, wanted)?;
                if matches!(other, SetExpr::Values(_) | SetExpr::Query(_)) && !order.is_empty() {
                    sql = format!("SELECT * FROM ({sql})");
                }
                let mut keys = Vec::with_capacity(order.len());
                for key in order {
                    let place = ordinal(key, &fields)?.ok_or_else(|| {
                        Refusal::unsupported("expressions in ORDER BY of a UNION, INTERSECT, EXCEPT or VALUES")
                    })?;
                    keys.push(directed(&place.to_string(), key, true)?);
                }
                (format!("{sql}{}{}", order_clause(&keys), around.limit.sql), fields, false)
            }
        };
        self.common.truncate(mark);
        self.single = single || one;
        Ok((format!("{with}{sql}"), fields))
    }

    /// `WITH …`, each of which can be seen from then on.
    fn with(&mut self, with: Option<&With>, outer: Option<&Scope<'_>>) -> Result<String, Refusal> {
        let Some(with) = with else { return Ok(String::new()) };
        let mut parts = Vec::with_capacity(with.cte_tables.len());
        for cte in &with.cte_tables {
            parts.push(self.common_table(cte, with.recursive, outer)?);
        }
        Ok(format!("WITH {}{} ", if with.recursive { "RECURSIVE " } else { "" }, parts.join(", ")))
    }

    fn common_table(&mut self, cte: &Cte, recursive: bool, outer: Option<&Scope<'_>>) -> Result<String, Refusal> {
        if let SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) = cte.query.body.as_ref() {
            return Err(Refusal::unsupported("INSERT, UPDATE and DELETE in WITH"));
        }
        let name = folded(&cte.alias.name);
        let names: Vec<String> = cte.alias.columns.iter().map(|column| folded(&column.name)).collect();
        let alias = self.alias();
        let named = |mut fields: Vec<Field>| {
            for (field, name) in fields.iter_mut().zip(&names) {
                field.name.clone_from(name);
            }
            fields
        };
        let base = match cte.query.body.as_ref() {
            SetExpr::SetOperation { left, op: SetOperator::Union, .. } if recursive && cte.query.with.is_none() => {
                Some(left)
            }
            _ => None,
        };
        let locked_before = std::mem::replace(&mut self.locks, false);
        let fields = match base {
            Some(base) => {
                let (_, fields) = self.body(base, outer, Wanted::Any)?;
                let fields = named(fields);
                self.common.push(Common { name: name.clone(), alias: alias.clone(), fields: fields.clone() });
                fields
            }
            None => Vec::new(),
        };
        let (sql, found) = self.query(&cte.query, outer, None)?;
        let found = named(found);
        if base.is_some() {
            self.common.pop();
            for (number, (before, after)) in fields.iter().zip(&found).enumerate() {
                if before.kind != after.kind {
                    return Err(Refusal::new(
                        "42804",
                        format!(
                            "recursive query \"{name}\" column {} has type {} in non-recursive term but type {} overall",
                            number + 1,
                            before.kind.name(),
                            after.kind.name()
                        ),
                    ));
                }
            }
        }
        if names.len() > found.len() {
            return Err(Refusal::new(
                "42P10",
                format!(
                    "WITH query \"{name}\" has {} columns available but {} columns specified",
                    found.len(),
                    names.len()
                ),
            ));
        }
        let materialized = if self.locks { "MATERIALIZED " } else { "" };
        self.locks |= locked_before;
        let columns: Vec<String> = found.iter().map(|field| quoted_name(&field.name)).collect();
        let text = format!("{alias}({}) AS {materialized}({sql})", columns.join(", "));
        self.common.push(Common { name, alias, fields: found });
        Ok(text)
    }

    /// What a query is without its order and limit.
    fn body(
        &mut self,
        body: &SetExpr,
        outer: Option<&Scope<'_>>,
        wanted: Wanted<'_>,
    ) -> Result<(String, Vec<Field>), Refusal> {
        // Some are gone over twice, and those within them four times.
        self.queries += 1;
        if self.queries > MOST_QUERIES {
            return Err(Refusal::new("54001", "stack depth limit exceeded"));
        }
        match body {
            SetExpr::Select(select) => {
                let around = Around { order: &[], limit: Limit::default(), locks: &[] };
                let (sql, fields, _) = self.select(select, outer, wanted, &around)?;
                Ok((sql, fields))
            }
            SetExpr::Query(query) => self.query_as(query, outer, wanted),
            SetExpr::Values(values) => self.values(values, outer, wanted),
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let word = match (op, set_quantifier) {
                    (SetOperator::Union, SetQuantifier::All) => "UNION ALL",
                    (SetOperator::Union, SetQuantifier::None | SetQuantifier::Distinct) => "UNION",
                    (SetOperator::Intersect, SetQuantifier::None | SetQuantifier::Distinct) => "INTERSECT",
                    (SetOperator::Except, SetQuantifier::None | SetQuantifier::Distinct) => "EXCEPT",
                    _ => return Err(Refusal::unsupported(format_args!("{op} {set_quantifier}"))),
                };
                let kinds = self.put_together(left, *op, right, outer, wanted)?;
                let (left_sql, mut fields) = self.body(left, outer, Wanted::Kinds(&kinds))?;
                let (right_sql, rights) = self.body(right, outer, Wanted::Kinds(&kinds))?;
                for ((field, other), kind) in fields.iter_mut().zip(&rights).zip(&kinds) {
                    field.kind = *kind;
                    field.nullable |= other.nullable;
                }
                Ok((format!("{} {word} {}", member(left, left_sql), member(right, right_sql)), fields))
            }
            other => Err(Refusal::unsupported(format_args!("the query {other}"))),
        }
    }

    /// The types of the columns of two queries put together.
    fn put_together(
        &mut self,
        left: &SetExpr,
        op: SetOperator,
        right: &SetExpr,
        outer: Option<&Scope<'_>>,
        wanted: Wanted<'_>,
    ) -> Result<Vec<Kind>, Refusal> {
        let (lefts, rights) = (self.open_kinds(left, outer)?, self.open_kinds(right, outer)?);
        if lefts.len() != rights.len() {
            return Err(Refusal::new("42601", format!("each {op} query must have the same number of columns")));
        }
        let mut kinds = Vec::with_capacity(lefts.len());
        for (place, (left, right)) in lefts.into_iter().zip(rights).enumerate() {
            let pair = [Typed::plain("", left), Typed::plain("", right)];
            let both_open = left == Kind::Unknown && right == Kind::Unknown;
            kinds.push(match wanted {
                Wanted::Kinds(kinds) if both_open => kinds.get(place).copied().unwrap_or(Kind::Of(Type::Text)),
                Wanted::Open if both_open => Kind::Unknown,
                _ => self.common(&pair, &op.to_string())?,
            });
        }
        Ok(kinds)
    }

    /// The types of the columns of a query, as far as they are its own. Without making SQL of what is put together: each
    /// further query would double the work.
    fn open_kinds(&mut self, body: &SetExpr, outer: Option<&Scope<'_>>) -> Result<Vec<Kind>, Refusal> {
        match body {
            SetExpr::SetOperation { left, op, right, .. } => self.put_together(left, *op, right, outer, Wanted::Open),
            SetExpr::Query(query) if query.with.is_none() => self.open_kinds(&query.body, outer),
            other => Ok(self.body(other, outer, Wanted::Open)?.1.into_iter().map(|field| field.kind).collect()),
        }
    }

    fn values(
        &mut self,
        values: &Values,
        outer: Option<&Scope<'_>>,
        wanted: Wanted<'_>,
    ) -> Result<(String, Vec<Field>), Refusal> {
        let scope = Scope::inside(Vec::new(), outer);
        let mut rows = Vec::with_capacity(values.rows.len());
        for row in &values.rows {
            let row = row.content.iter().map(|cell| self.expression(cell, &scope)).collect::<Result<Vec<_>, _>>()?;
            rows.push(row);
        }
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            return Err(Refusal::new("42601", "VALUES lists must all be the same length"));
        }
        let mut kinds = Vec::with_capacity(width);
        for place in 0..width {
            let column: Vec<Typed> = rows.iter().map(|row| row[place].clone()).collect();
            let open = column.iter().all(|typed| self.kind_of(typed) == Kind::Unknown);
            kinds.push(match wanted {
                Wanted::Kinds(kinds) if open => kinds.get(place).copied().unwrap_or(Kind::Of(Type::Text)),
                Wanted::Open if open => Kind::Unknown,
                _ => self.common(&column, "VALUES")?,
            });
        }
        let mut lines = Vec::with_capacity(rows.len());
        for row in &rows {
            let mut words = Vec::with_capacity(width);
            for (typed, kind) in row.iter().zip(&kinds) {
                words.push(if *kind == Kind::Unknown { typed.sql.clone() } else { self.as_common(typed, *kind)? });
            }
            lines.push(format!("({})", words.join(", ")));
        }
        let fields = kinds
            .iter()
            .enumerate()
            .map(|(place, kind)| {
                let name = format!("column{}", place + 1);
                Field { sql: quoted_name(&name), name, kind: *kind, nullable: true }
            })
            .collect();
        Ok((format!("VALUES {}", lines.join(", ")), fields))
    }
}

/// A member of a UNION: the storage knows no parentheses there.
fn member(body: &SetExpr, sql: String) -> String {
    match body {
        SetExpr::Select(_) => sql,
        _ => format!("SELECT * FROM ({sql})"),
    }
}

impl Relation {
    /// A relation that a query makes.
    pub(super) fn of_query(alias: &str, fields: Vec<Field>) -> Self {
        let fields = fields
            .into_iter()
            .map(|field| Field {
                sql: format!("{}.{}", quoted_name(alias), quoted_name(&field.name)),
                kind: if field.kind == Kind::Unknown { Kind::Of(Type::Text) } else { field.kind },
                ..field
            })
            .collect();
        Self { alias: alias.to_owned(), table: None, fields, key: Vec::new(), optional: false, merged: Vec::new() }
    }
}
