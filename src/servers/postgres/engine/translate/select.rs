//! SELECT: what is selected, grouped by, and locked.

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, LockClause, LockType, NonBlock, Select, SelectItem, SelectItemQualifiedWildcardKind,
    Value,
};

use super::super::super::refusal::Refusal;
use super::super::catalog::TableId;
use super::super::kinds::Kind;
use super::super::parse::STRENGTH;
use super::super::stored::{quoted_name, quoted_text};
use super::naming::{folded, output_name, relation_name};
use super::order::order_clause;
use super::query::{Around, Wanted};
use super::scope::{Field, Scope};
use super::{Form, Translator, Typed};

impl Translator<'_> {
    pub(super) fn select(
        &mut self,
        select: &Select,
        outer: Option<&Scope<'_>>,
        wanted: Wanted<'_>,
        around: &Around<'_>,
    ) -> Result<(String, Vec<Field>, bool), Refusal> {
        refuse_rest(select)?;
        let (from, relations) = self.relations(&select.from, outer)?;
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
            // The storage knows no rows without columns.
            columns.push("1".to_owned());
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
        for (place, (column, (typed, _))) in columns.iter_mut().zip(&items).enumerate() {
            *column = format!("{} AS _o{place}", typed.sql);
        }
        let tests = self.locked_rows(around.locks, &scope, &mut columns)?;
        let mut outputs: Vec<String> =
            items.iter().enumerate().map(|(place, (_, name))| format!("_o{place} AS {}", quoted_name(name))).collect();
        if outputs.is_empty() {
            outputs.push("1".to_owned());
        }
        // The limit in the middle keeps the storage from asking for locks before the order and conditions are settled.
        let known: Vec<String> = self.locked.iter().map(|(table, keys)| seen(*table, keys)).collect();
        let joiner = if condition.is_empty() { " WHERE " } else { " AND " };
        let restricted = format!("{condition}{joiner}{}", known.join(" AND "));
        // A query within another cannot be carried out by itself.
        if outer.is_none() && self.common.is_empty() {
            for (table, keys) in &self.locked {
                let found = format!("SELECT {}{from}{condition}", keys.join(", "));
                self.candidates.push((*table, found));
            }
        }
        let inner = format!("SELECT {}{from}{restricted}{order} LIMIT -1", columns.join(", "));
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
        self.locked.clear();
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
                let sources = relation.key.iter().map(|&place| relation.fields[place].sql.clone()).collect();
                self.locked.push((table, sources));
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
            return Err(Refusal::unsupported("FOR UPDATE of no table"));
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
            let expr = group_source(expr, select, scope)?;
            let typed = self.expression(expr, scope)?;
            groups.push(self.settled(typed)?.sql);
        }
        Ok(groups)
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
}

fn field_typed(field: &Field) -> Typed {
    Typed { nullable: field.nullable, ..Typed::plain(field.sql.clone(), field.kind) }
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

/// The call that asks whether a row may be found.
pub(super) fn seen(table: TableId, keys: &[String]) -> String {
    format!("pg_seen({table}, {})", keys.join(", "))
}

/// What a GROUP BY entry stands for: a column, else an output by name, or an output by number.
fn group_source<'e>(expr: &'e Expr, select: &'e Select, scope: &Scope<'_>) -> Result<&'e Expr, Refusal> {
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
