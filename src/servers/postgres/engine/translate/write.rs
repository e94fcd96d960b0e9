//! UPDATE and DELETE, and what they share with INSERT.

use std::sync::Arc;

use sqlparser::ast::{
    Assignment, AssignmentTarget, Delete, Expr, FromTable, ObjectName, SelectItem, TableFactor, TableWithJoins, Update,
    UpdateTableFromKind,
};

use super::super::super::refusal::Refusal;
use super::super::catalog::Table;
use super::super::statement::Command;
use super::super::stored::{quoted_name, quoted_text};
use super::Translator;
use super::naming::{folded, relation_name};
use super::query::{Outcome, Wanted};
use super::scope::{Field, Relation, Scope};
use super::select::seen;

impl Translator<'_> {
    /// `UPDATE`, after the given WITH.
    pub(super) fn update(&mut self, update: &Update, with: &str) -> Result<Outcome, Refusal> {
        if update.or.is_some() || update.limit.is_some() || !update.order_by.is_empty() {
            return Err(Refusal::new("42601", "syntax error in UPDATE"));
        }
        let (table, alias) = self.written(&update.table)?;
        let mut relations = vec![Relation::of_table(&table, &alias, &format!("{}.", quoted_name(&alias)))];
        let from = match &update.from {
            None => String::new(),
            Some(UpdateTableFromKind::AfterSet(from)) => {
                let (sql, more) = self.relations(from, None)?;
                relations.extend(more);
                sql
            }
            Some(UpdateTableFromKind::BeforeSet(_)) => return Err(Refusal::new("42601", "syntax error in UPDATE")),
        };
        let joined = relations.len() > 1;
        let scope = Scope::of(relations);
        let sets = self.assignments(&table, &update.assignments, &scope)?;
        let condition = match &update.selection {
            Some(condition) => format!(" WHERE {}", self.truth(condition, &scope, "WHERE")?),
            None => String::new(),
        };
        let (found, known) = candidates(&table, &alias, &from, &condition);
        self.candidates.push((table.id, format!("{with}{found}")));
        let mut sql = format!(
            "{with}UPDATE {} AS {} SET {}{from}{condition}{known}",
            quoted_name(&table.name),
            quoted_name(&alias),
            sets.join(", ")
        );
        let fields = self.returning(&table, &alias, update.returning.as_deref(), &mut sql).map_err(|refusal| {
            if joined && matches!(refusal.state, "42P01" | "42703") {
                Refusal::unsupported("RETURNING columns of other tables than the one that is updated")
            } else {
                refusal
            }
        })?;
        Ok((sql, fields, Command::Update))
    }

    /// `DELETE`, after the given WITH.
    pub(super) fn delete(&mut self, delete: &Delete, with: &str) -> Result<Outcome, Refusal> {
        let FromTable::WithFromKeyword(from) = &delete.from else {
            return Err(Refusal::new("42601", "syntax error in DELETE"));
        };
        let [from] = from.as_slice() else {
            return Err(Refusal::new("42601", "syntax error in DELETE"));
        };
        if delete.limit.is_some() || !delete.order_by.is_empty() || !delete.tables.is_empty() {
            return Err(Refusal::new("42601", "syntax error in DELETE"));
        }
        let (table, alias) = self.written(from)?;
        let target = Relation::of_table(&table, &alias, &format!("{}.", quoted_name(&alias)));
        let condition = match (&delete.using, &delete.selection) {
            (None, None) => String::new(),
            (None, Some(condition)) => {
                format!(" WHERE {}", self.truth(condition, &Scope::of(vec![target]), "WHERE")?)
            }
            (Some(using), condition) => {
                let (list, more) = self.relations(using, None)?;
                let scope = Scope::of([vec![target], more].concat());
                let condition = match condition {
                    Some(condition) => format!(" WHERE {}", self.truth(condition, &scope, "WHERE")?),
                    None => String::new(),
                };
                format!(" WHERE EXISTS (SELECT 1{list}{condition})")
            }
        };
        let (found, known) = candidates(&table, &alias, "", &condition);
        self.candidates.push((table.id, format!("{with}{found}")));
        let mut sql =
            format!("{with}DELETE FROM {} AS {}{condition}{known}", quoted_name(&table.name), quoted_name(&alias));
        let fields = self.returning(&table, &alias, delete.returning.as_deref(), &mut sql)?;
        Ok((sql, fields, Command::Delete))
    }

    pub(super) fn assignments(
        &mut self,
        table: &Arc<Table>,
        assignments: &[Assignment],
        scope: &Scope<'_>,
    ) -> Result<Vec<String>, Refusal> {
        let mut sets = Vec::with_capacity(assignments.len());
        let mut seen = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            let pairs: Vec<(&ObjectName, &Expr)> = match (&assignment.target, &assignment.value) {
                (AssignmentTarget::ColumnName(name), value) => vec![(name, value)],
                (AssignmentTarget::Tuple(names), Expr::Tuple(values)) if names.len() == values.len() => {
                    names.iter().zip(values).collect()
                }
                (AssignmentTarget::Tuple(_), value) => {
                    return Err(Refusal::unsupported(format_args!("SET (…) = {value}")));
                }
            };
            for (name, value) in pairs {
                let column = table.require(&column_name(name)?)?;
                let info = &table.columns[column];
                if seen.contains(&column) {
                    return Err(Refusal::new(
                        "42601",
                        format!("multiple assignments to same column \"{}\"", info.name),
                    ));
                }
                seen.push(column);
                let word = if is_default(value) {
                    self.default_of(table, column)?.unwrap_or_else(|| "NULL".to_owned())
                } else {
                    refuse_always(table, column, true)?;
                    self.correlated = false;
                    self.read.clear();
                    let typed = self.expression(value, scope)?;
                    if self.correlated && self.read.contains(&table.id) {
                        return Err(Refusal::unsupported(
                            "SET to a subquery that reads, row by row, the table that is updated",
                        ));
                    }
                    self.assigned(&typed, info.kind, info.length, &info.name)?
                };
                sets.push(format!("{} = {word}", quoted_name(&info.name)));
            }
        }
        Ok(sets)
    }

    pub(super) fn returning(
        &mut self,
        table: &Arc<Table>,
        alias: &str,
        items: Option<&[SelectItem]>,
        sql: &mut String,
    ) -> Result<Option<Vec<Field>>, Refusal> {
        let Some(items) = items else { return Ok(None) };
        let scope = Scope::of(vec![Relation::of_table(table, alias, "")]);
        let items = self.items(items, &scope, Wanted::Any)?;
        let mut words = Vec::with_capacity(items.len());
        let mut fields = Vec::with_capacity(items.len());
        for (typed, name) in items {
            words.push(format!("{} AS {}", typed.sql, quoted_name(&name)));
            fields.push(Field { sql: String::new(), kind: typed.kind, nullable: typed.nullable, name });
        }
        sql.push_str(" RETURNING ");
        sql.push_str(&words.join(", "));
        Ok(Some(fields))
    }

    /// A column's default, if it has one.
    pub(super) fn default_of(&mut self, table: &Arc<Table>, column: usize) -> Result<Option<String>, Refusal> {
        let info = &table.columns[column];
        if let Some(sequence) = &info.sequence {
            return Ok(Some(format!("pg_nextval({})", quoted_text(sequence))));
        }
        match &info.default {
            None => Ok(None),
            Some(default) => {
                let typed = self.expression(default, &Scope::default())?;
                self.assigned(&typed, info.kind, info.length, &info.name).map(Some)
            }
        }
    }

    pub(super) fn target(&mut self, name: &ObjectName) -> Result<Arc<Table>, Refusal> {
        let table = Arc::clone(self.catalog.table(&relation_name(name)?)?);
        self.touched.insert(table.id);
        Ok(table)
    }

    /// The table that an UPDATE or DELETE writes, and what it is called there.
    fn written(&mut self, item: &TableWithJoins) -> Result<(Arc<Table>, String), Refusal> {
        match (&item.relation, item.joins.as_slice()) {
            (TableFactor::Table { name, alias, args: None, .. }, []) => {
                let table = self.target(name)?;
                let alias = alias.as_ref().map_or_else(|| table.name.clone(), |alias| folded(&alias.name));
                Ok((table, alias))
            }
            _ => Err(Refusal::new("42601", format!("syntax error at or near \"{item}\""))),
        }
    }
}

/// A column whose values are always generated is given none by a statement.
pub(super) fn refuse_always(table: &Table, column: usize, update: bool) -> Result<(), Refusal> {
    let info = &table.columns[column];
    if !info.always {
        return Ok(());
    }
    let name = &info.name;
    Err(Refusal::new(
        "428C9",
        if update {
            format!("column \"{name}\" can only be updated to DEFAULT")
        } else {
            format!("cannot insert a non-DEFAULT value into column \"{name}\"")
        },
    ))
}

/// How the rows are found that would be written, and the condition that none but rows found so are.
fn candidates(table: &Table, alias: &str, from: &str, condition: &str) -> (String, String) {
    let alias = quoted_name(alias);
    let keys: Vec<String> =
        table.key().iter().map(|&column| format!("{alias}.{}", quoted_name(&table.columns[column].name))).collect();
    let others = from.replacen(" FROM ", ", ", 1);
    let found = format!("SELECT {} FROM {} AS {alias}{others}{condition}", keys.join(", "), quoted_name(&table.name));
    let joiner = if condition.is_empty() { " WHERE " } else { " AND " };
    (found, format!("{joiner}{}", seen(table.id, &keys)))
}

pub(super) fn column_name(name: &ObjectName) -> Result<String, Refusal> {
    match name.0.as_slice() {
        [sqlparser::ast::ObjectNamePart::Identifier(ident)] => Ok(folded(ident)),
        _ => Err(Refusal::unsupported(format_args!("assignments to {name}"))),
    }
}

pub(super) fn is_default(expr: &Expr) -> bool {
    matches!(expr, Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"))
}
