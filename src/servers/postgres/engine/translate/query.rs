//! Queries: what they select, from what, in which order, and which rows they lock.

use sqlparser::ast::{
    Cte, Distinct, Expr, GroupByExpr, LimitClause, LockClause, LockType, NonBlock, OrderBy, OrderByExpr, OrderByKind,
    OrderBySort, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, SetOperator, SetQuantifier,
    Statement as Parsed, Value, Values, With,
};

use super::super::super::refusal::Refusal;
use super::super::super::value::Type;
use super::super::catalog::TableId;
use super::super::kinds::Kind;
use super::super::parse::STRENGTH;
use super::super::statement::Command;
use super::super::stored::{quoted_name, quoted_text};
use super::naming::{folded, output_name, relation_name};
use super::scope::{Field, Relation, Scope};
use super::{Form, Translator, Typed};

/// SQL, its result if there is one, what it does, and the table that it writes.
pub(super) type Outcome = (String, Option<Vec<Field>>, Command, Option<TableId>);

/// How many rows, and from which on.
#[derive(Default)]
struct Limit {
    sql: String,
    /// Whether it lets one row through at most.
    one: bool,
}

/// What surrounds the body of a query.
struct Around<'q> {
    order: &'q [OrderByExpr],
    limit: Limit,
    locks: &'q [LockClause],
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
        let write = match query.body.as_ref() {
            SetExpr::Insert(write) | SetExpr::Update(write) | SetExpr::Delete(write) => write,
            _ => {
                let (sql, fields) = self.query(query, None, None)?;
                return Ok((sql, Some(fields), Command::Select, None));
            }
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
                let (_, lefts) = self.body(left, outer, Wanted::Open)?;
                let (_, rights) = self.body(right, outer, Wanted::Open)?;
                if lefts.len() != rights.len() {
                    return Err(Refusal::new("42601", format!("each {op} query must have the same number of columns")));
                }
                let mut kinds = Vec::with_capacity(lefts.len());
                for (place, (left, right)) in lefts.iter().zip(&rights).enumerate() {
                    let pair = [Typed::plain("", left.kind), Typed::plain("", right.kind)];
                    let both_open = left.kind == Kind::Unknown && right.kind == Kind::Unknown;
                    kinds.push(match wanted {
                        Wanted::Kinds(kinds) if both_open => kinds.get(place).copied().unwrap_or(Kind::Of(Type::Text)),
                        Wanted::Open if both_open => Kind::Unknown,
                        _ => self.common(&pair, &op.to_string())?,
                    });
                }
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

    fn select(
        &mut self,
        select: &Select,
        outer: Option<&Scope<'_>>,
        wanted: Wanted<'_>,
        around: &Around<'_>,
    ) -> Result<(String, Vec<Field>, bool), Refusal> {
        refuse_rest(select)?;
        let (from, relations) = self.from(&select.from, outer)?;
        let scope = Scope::inside(relations, outer);
        let condition = match &select.selection {
            Some(condition) => format!(" WHERE {}", self.truth(condition, &scope, "WHERE")?),
            None => String::new(),
        };
        let groups = self.groups(select, &scope)?;
        scope.bare.borrow_mut().clear();
        scope.groups.borrow_mut().clone_from(&groups);
        scope.aggregates.set(true);
        let items = self.items(&select.projection, &scope, wanted)?;
        let having = match &select.having {
            Some(having) => format!(" HAVING {}", self.truth(having, &scope, "HAVING")?),
            None => String::new(),
        };
        let distinct = match &select.distinct {
            None | Some(Distinct::All) => false,
            Some(Distinct::Distinct) => true,
            Some(Distinct::On(_)) => return Err(Refusal::unsupported("SELECT DISTINCT ON")),
        };
        let mut keys = Vec::with_capacity(around.order.len());
        for key in around.order {
            keys.push(self.sort_key(key, &items, distinct, &scope)?);
        }
        let aggregated = scope.aggregated.get();
        if aggregated || !groups.is_empty() || !having.is_empty() {
            scope.check_grouping()?;
        }
        let fields: Vec<Field> = items
            .iter()
            .map(|(typed, name)| Field {
                name: name.clone(),
                kind: typed.kind,
                nullable: typed.nullable,
                sql: quoted_name(name),
            })
            .collect();
        let mut columns: Vec<String> =
            items.iter().map(|(typed, name)| format!("{} AS {}", typed.sql, quoted_name(name))).collect();
        if columns.is_empty() {
            return Err(Refusal::unsupported("queries without columns"));
        }
        let grouping = if groups.is_empty() { String::new() } else { format!(" GROUP BY {}", groups.join(", ")) };
        let word = if distinct { "DISTINCT " } else { "" };
        let order = order_clause(&keys);
        if around.locks.is_empty() {
            let rest = format!("{from}{condition}{grouping}{having}{order}{}", around.limit.sql);
            let single = aggregated && groups.is_empty();
            return Ok((format!("SELECT {word}{}{rest}", columns.join(", ")), fields, single));
        }
        if aggregated || distinct || !groups.is_empty() || !having.is_empty() {
            return Err(Refusal::new(
                "0A000",
                "FOR UPDATE is not allowed with DISTINCT, GROUP BY or aggregate functions",
            ));
        }
        for (place, column) in columns.iter_mut().enumerate() {
            *column = format!("{} AS _o{place}", items[place].0.sql);
        }
        let tests = self.locked_rows(around.locks, &scope, &mut columns)?;
        let outputs: Vec<String> =
            items.iter().enumerate().map(|(place, (_, name))| format!("_o{place} AS {}", quoted_name(name))).collect();
        // The limit in the middle keeps the storage from asking for locks before the order and conditions are settled.
        let inner = format!("SELECT {}{from}{condition}{order} LIMIT -1", columns.join(", "));
        let sql =
            format!("SELECT {} FROM ({inner}) WHERE {}{}", outputs.join(", "), tests.join(" AND "), around.limit.sql);
        Ok((sql, fields, false))
    }

    /// Adds the keys of the rows to be locked to the columns, and returns the calls that lock them.
    fn locked_rows(
        &mut self,
        locks: &[LockClause],
        scope: &Scope<'_>,
        columns: &mut Vec<String>,
    ) -> Result<Vec<String>, Refusal> {
        self.locks = true;
        let mut tests = Vec::new();
        for lock in locks {
            let mut strength = match lock.lock_type {
                LockType::Share => "share",
                LockType::Update => "update",
            };
            let mut of = lock.of.as_ref().map(relation_name).transpose()?;
            let marked =
                of.as_deref().and_then(|name| name.strip_prefix(STRENGTH)).and_then(|rest| rest.split_once(':'));
            if let Some((word, table)) = marked {
                strength = if word == "keyshare" { "keyshare" } else { "nokeyupdate" };
                of = Some(table.to_owned()).filter(|table| !table.is_empty());
            }
            let wait = match lock.nonblock {
                None => "wait",
                Some(NonBlock::Nowait) => "nowait",
                Some(NonBlock::SkipLocked) => "skip",
            };
            let named = match of {
                Some(name) => {
                    let found = scope.relation(&name).ok_or_else(|| {
                        Refusal::new(
                            "42P01",
                            format!("relation \"{name}\" in FOR UPDATE clause not found in FROM clause"),
                        )
                    })?;
                    vec![found.1]
                }
                None => scope.relations.iter().collect(),
            };
            for relation in named {
                let Some(table) = relation.table else {
                    return Err(Refusal::unsupported("FOR UPDATE of anything but tables"));
                };
                if relation.optional {
                    return Err(Refusal::new(
                        "0A000",
                        "FOR UPDATE cannot be applied to the nullable side of an outer join",
                    ));
                }
                let mut keys = Vec::with_capacity(relation.key.len());
                for &place in &relation.key {
                    let key = format!("_k{}", columns.len());
                    columns.push(format!("{} AS {key}", relation.fields[place].sql));
                    keys.push(key);
                }
                let words = format!("{}, {}, {table}", quoted_text(strength), quoted_text(wait));
                tests.push(format!("pg_lock_row({words}, {})", keys.join(", ")));
            }
        }
        if tests.is_empty() {
            tests.push("1".to_owned());
        }
        Ok(tests)
    }

    fn groups(&mut self, select: &Select, scope: &Scope<'_>) -> Result<Vec<String>, Refusal> {
        let GroupByExpr::Expressions(exprs, modifiers) = &select.group_by else {
            return Err(Refusal::unsupported("GROUP BY ALL"));
        };
        if !modifiers.is_empty() {
            return Err(Refusal::unsupported("GROUP BY with modifiers"));
        }
        let mut groups = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let expr = self.group_source(expr, select, scope)?;
            let typed = self.expression(expr, scope)?;
            groups.push(self.settled(typed)?.sql);
        }
        Ok(groups)
    }

    /// What a GROUP BY entry stands for: a column, else an output by name, or an output by number.
    fn group_source<'e>(&self, expr: &'e Expr, select: &'e Select, scope: &Scope<'_>) -> Result<&'e Expr, Refusal> {
        match expr {
            Expr::Identifier(name) => {
                let name = folded(name);
                if scope.relations.iter().any(|relation| relation.fields.iter().any(|field| field.name == name)) {
                    return Ok(expr);
                }
                let output = select.projection.iter().find_map(|item| match item {
                    SelectItem::ExprWithAlias { expr, alias } if folded(alias) == name => Some(expr),
                    _ => None,
                });
                Ok(output.unwrap_or(expr))
            }
            Expr::Value(value) => {
                let Value::Number(digits, _) = &value.value else { return Ok(expr) };
                let place = digits.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                match place.and_then(|place| select.projection.get(place)) {
                    Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) => Ok(expr),
                    Some(_) => Err(Refusal::unsupported("GROUP BY of a number beside *")),
                    None => Err(Refusal::new("42P10", format!("GROUP BY position {digits} is not in select list"))),
                }
            }
            other => Ok(other),
        }
    }

    /// The columns of a result, with their names.
    pub(super) fn items(
        &mut self,
        projection: &[SelectItem],
        scope: &Scope<'_>,
        wanted: Wanted<'_>,
    ) -> Result<Vec<(Typed, String)>, Refusal> {
        let mut items = Vec::with_capacity(projection.len());
        for item in projection {
            match item {
                SelectItem::UnnamedExpr(expr) => items.push((self.expression(expr, scope)?, output_name(expr))),
                SelectItem::ExprWithAlias { expr, alias } => items.push((self.expression(expr, scope)?, folded(alias))),
                SelectItem::Wildcard(_) => {
                    if scope.relations.is_empty() {
                        return Err(Refusal::new("42601", "SELECT * with no tables specified is not valid"));
                    }
                    let merged: Vec<&str> = scope
                        .relations
                        .iter()
                        .flat_map(|relation| relation.merged.iter().map(|&place| relation.fields[place].name.as_str()))
                        .collect();
                    for name in &merged {
                        items.push((field_typed(&scope.column(name)?.field), (*name).to_owned()));
                    }
                    for relation in &scope.relations {
                        for field in relation.fields.iter().filter(|field| !merged.contains(&field.name.as_str())) {
                            let found = scope.column_of(&relation.alias, &field.name)?;
                            items.push((field_typed(&found.field), field.name.clone()));
                        }
                    }
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                    let name = relation_name(name)?;
                    let (_, relation) = scope.relation(&name).ok_or_else(|| {
                        Refusal::new("42P01", format!("missing FROM-clause entry for table \"{name}\""))
                    })?;
                    for field in &relation.fields {
                        let found = scope.column_of(&name, &field.name)?;
                        items.push((field_typed(&found.field), field.name.clone()));
                    }
                }
                other => return Err(Refusal::unsupported(format_args!("the column {other}"))),
            }
        }
        for (place, (typed, _)) in items.iter_mut().enumerate() {
            match wanted {
                Wanted::Open if typed.form != Form::Plain => {}
                Wanted::Kinds(kinds) if kinds.get(place).is_some_and(|kind| *kind != Kind::Unknown) => {
                    let kind = kinds[place];
                    if typed.form != Form::Plain || (typed.kind != kind && kind.is_number()) {
                        typed.sql = self.as_common(typed, kind).or_else(|refusal| {
                            if typed.form == Form::Plain { Ok(typed.sql.clone()) } else { Err(refusal) }
                        })?;
                        if typed.form != Form::Plain {
                            typed.kind = kind;
                            typed.form = Form::Plain;
                        }
                    }
                }
                _ => *typed = self.settled(typed.clone())?,
            }
        }
        Ok(items)
    }

    /// One key of an order.
    fn sort_key(
        &mut self,
        key: &OrderByExpr,
        items: &[(Typed, String)],
        distinct: bool,
        scope: &Scope<'_>,
    ) -> Result<String, Refusal> {
        let fields: Vec<Field> = items
            .iter()
            .map(|(typed, name)| Field {
                name: name.clone(),
                kind: typed.kind,
                nullable: typed.nullable,
                sql: String::new(),
            })
            .collect();
        if let Some(place) = ordinal(key, &fields)? {
            return directed(&place.to_string(), key, fields[place - 1].nullable);
        }
        let typed = self.expression(&key.expr, scope)?;
        let typed = self.settled(typed)?;
        let listed = items.iter().position(|(item, _)| item.sql == typed.sql);
        match listed {
            Some(place) => directed(&(place + 1).to_string(), key, typed.nullable),
            None if distinct => {
                Err(Refusal::new("42P10", "for SELECT DISTINCT, ORDER BY expressions must appear in select list"))
            }
            None => directed(&typed.sql, key, typed.nullable),
        }
    }

    /// The keys of an order inside of an expression.
    pub(super) fn ordering(&mut self, order: &[OrderByExpr], scope: &Scope<'_>) -> Result<Vec<String>, Refusal> {
        order
            .iter()
            .map(|key| {
                let typed = self.expression(&key.expr, scope)?;
                let typed = self.settled(typed)?;
                directed(&typed.sql, key, typed.nullable)
            })
            .collect()
    }

    fn limit(&mut self, query: &Query, outer: Option<&Scope<'_>>) -> Result<Limit, Refusal> {
        let (limit, offset) = match (&query.limit_clause, &query.fetch) {
            (None, None) => return Ok(Limit::default()),
            (Some(LimitClause::LimitOffset { limit, offset, limit_by }), None) if limit_by.is_empty() => {
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            (None, Some(fetch)) if !fetch.with_ties && !fetch.percent => (fetch.quantity.as_ref(), None),
            _ => return Err(Refusal::unsupported("this form of LIMIT or FETCH")),
        };
        let scope = Scope::inside(Vec::new(), outer);
        let mut number = |expr: Option<&Expr>, word: &str| match expr {
            None => Ok(None),
            Some(expr) => {
                let typed = self.expression(expr, &scope)?;
                if let (Kind::Of(Type::Int4 | Type::Int8), Ok(number)) = (typed.kind, typed.sql.parse::<u64>()) {
                    return Ok(Some(number.to_string()));
                }
                let number = self.implicit(&typed, Type::Int8, &format!("argument of {word}"))?;
                Ok::<_, Refusal>(Some(format!("pg_limit({number}, {})", quoted_text(word))))
            }
        };
        let limit = number(limit, "LIMIT")?;
        let offset = number(offset, "OFFSET")?;
        let one = matches!(limit.as_deref(), Some("1" | "0"));
        let sql = match (limit, offset) {
            (None, None) => String::new(),
            (Some(limit), None) => format!(" LIMIT {limit}"),
            (limit, Some(offset)) => format!(" LIMIT {} OFFSET {offset}", limit.as_deref().unwrap_or("-1")),
        };
        Ok(Limit { sql, one })
    }
}

fn field_typed(field: &Field) -> Typed {
    Typed { nullable: field.nullable, ..Typed::plain(field.sql.clone(), field.kind) }
}

/// A member of a UNION: the storage knows no parentheses there.
fn member(body: &SetExpr, sql: String) -> String {
    match body {
        SetExpr::Select(_) => sql,
        _ => format!("SELECT * FROM ({sql})"),
    }
}

fn order_clause(keys: &[String]) -> String {
    if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) }
}

/// The output, from 1, that a key of an order names: by its number or its name.
fn ordinal(key: &OrderByExpr, fields: &[Field]) -> Result<Option<usize>, Refusal> {
    match &key.expr {
        Expr::Identifier(name) => {
            let name = folded(name);
            Ok(fields.iter().position(|field| field.name == name).map(|place| place + 1))
        }
        Expr::Value(value) => {
            let Value::Number(digits, _) = &value.value else { return Ok(None) };
            match digits.parse::<usize>() {
                Ok(place) if (1..=fields.len()).contains(&place) => Ok(Some(place)),
                _ => Err(Refusal::new("42P10", format!("ORDER BY position {digits} is not in select list"))),
            }
        }
        _ => Ok(None),
    }
}

/// A key of an order with its direction; NULL counts as more than any value.
fn directed(sql: &str, key: &OrderByExpr, nullable: bool) -> Result<String, Refusal> {
    let down = match &key.options.sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(other) => return Err(Refusal::unsupported(format_args!("ORDER BY … {other:?}"))),
    };
    if key.with_fill.is_some() {
        return Err(Refusal::unsupported("WITH FILL"));
    }
    let nulls_first = key.options.nulls_first.unwrap_or(down);
    let direction = if down { " DESC" } else { "" };
    let nulls = match (nullable, nulls_first) {
        (false, _) => "",
        (true, true) => " NULLS FIRST",
        (true, false) => " NULLS LAST",
    };
    Ok(format!("{sql}{direction}{nulls}"))
}

fn refuse_rest(select: &Select) -> Result<(), Refusal> {
    let odd = [
        (select.top.is_some(), "TOP"),
        (select.into.is_some(), "SELECT INTO"),
        (!select.lateral_views.is_empty(), "LATERAL VIEW"),
        (select.prewhere.is_some(), "PREWHERE"),
        (!select.connect_by.is_empty(), "CONNECT BY"),
        (!select.cluster_by.is_empty() || !select.distribute_by.is_empty() || !select.sort_by.is_empty(), "CLUSTER BY"),
        (!select.named_window.is_empty(), "named windows"),
        (select.qualify.is_some(), "QUALIFY"),
        (select.exclude.is_some(), "EXCLUDE"),
        (select.value_table_mode.is_some(), "SELECT AS"),
    ];
    match odd.iter().find(|(there, _)| *there) {
        Some((_, what)) => Err(Refusal::unsupported(what)),
        None => Ok(()),
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
