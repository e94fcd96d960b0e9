//! INSERT.

use std::sync::Arc;

use sqlparser::ast::{
    ConflictTarget, Ident, Insert, OnConflict, OnConflictAction, OnInsert, Query, SetExpr, TableObject,
};

use super::super::super::refusal::Refusal;
use super::super::catalog::{Table, Unique};
use super::super::kinds::Kind;
use super::super::parse::{self, WHERE};
use super::super::statement::Command;
use super::super::stored::quoted_name;
use super::Translator;
use super::naming::{folded, relation_name};
use super::query::Outcome;
use super::scope::{Relation, Scope};
use super::write::{column_name, is_default, refuse_always};

impl Translator<'_> {
    /// `INSERT`, after the given WITH.
    pub(super) fn insert(&mut self, insert: &Insert, with: &str) -> Result<Outcome, Refusal> {
        let TableObject::TableName(name) = &insert.table else {
            return Err(Refusal::unsupported("INSERT into anything but a table"));
        };
        if insert.or.is_some()
            || insert.ignore
            || insert.replace_into
            || insert.overwrite
            || !insert.assignments.is_empty()
        {
            return Err(Refusal::new("42601", "syntax error in INSERT"));
        }
        let table = self.target(name)?;
        let alias = match &insert.table_alias {
            Some(alias) => folded(&alias.alias),
            None => table.name.clone(),
        };
        let named = insert
            .columns
            .iter()
            .map(|column| table.require(&column_name(column)?))
            .collect::<Result<Vec<usize>, Refusal>>()?;
        for (place, column) in named.iter().enumerate() {
            if named[..place].contains(column) {
                let name = &table.columns[*column].name;
                return Err(Refusal::new("42701", format!("column \"{name}\" specified more than once")));
            }
        }
        let columns = if named.is_empty() { (0..table.columns.len()).collect() } else { named.clone() };
        let (columns, source) = self.inserted(&table, columns, !named.is_empty(), insert.source.as_deref())?;
        let mut sql = format!(
            "{with}INSERT INTO {} AS {} ({}) {source}",
            quoted_name(&table.name),
            quoted_name(&alias),
            table.list(&columns)
        );
        let mut command = Command::Insert;
        match &insert.on {
            None => {}
            Some(OnInsert::OnConflict(conflict)) => {
                if matches!(conflict.action, OnConflictAction::DoUpdate(_)) {
                    command = Command::Upsert;
                }
                sql.push_str(&self.on_conflict(&table, &alias, conflict)?);
            }
            Some(_) => return Err(Refusal::new("42601", "syntax error in INSERT")),
        }
        let fields = self.returning(&table, &alias, insert.returning.as_deref(), &mut sql)?;
        Ok((sql, fields, command))
    }

    /// The columns that are written, and the rows: those given, and the defaults of the rest.
    fn inserted(
        &mut self,
        table: &Arc<Table>,
        mut columns: Vec<usize>,
        named: bool,
        source: Option<&Query>,
    ) -> Result<(Vec<usize>, String), Refusal> {
        let empty = Scope::default();
        let plain_values = source.and_then(|query| match query.body.as_ref() {
            SetExpr::Values(values)
                if query.with.is_none() && query.order_by.is_none() && query.limit_clause.is_none() =>
            {
                Some(values)
            }
            _ => None,
        });
        let width = match (plain_values, source) {
            (Some(values), _) => {
                let width = values.rows.first().map_or(0, |row| row.content.len());
                if values.rows.iter().any(|row| row.content.len() != width) {
                    return Err(Refusal::new("42601", "VALUES lists must all be the same length"));
                }
                Some(width)
            }
            (None, Some(_)) => None,
            (None, None) => Some(0),
        };
        let kinds: Vec<Kind> = columns.iter().map(|&column| Kind::Of(table.columns[column].kind)).collect();
        let query = match (width, source) {
            (None, Some(source)) => Some(self.query(source, None, Some(&kinds))?),
            _ => None,
        };
        let width = query.as_ref().map_or(width.unwrap_or(0), |(_, fields)| fields.len());
        if width > columns.len() {
            return Err(Refusal::new("42601", "INSERT has more expressions than target columns"));
        }
        if width < columns.len() && named && source.is_some() {
            return Err(Refusal::new("42601", "INSERT has more target columns than expressions"));
        }
        columns.truncate(width);
        let given = columns.clone();
        let mut defaults = Vec::new();
        for column in 0..table.columns.len() {
            if !given.contains(&column)
                && let Some(default) = self.default_of(table, column)?
            {
                columns.push(column);
                defaults.push(default);
            }
        }
        if columns.is_empty() {
            // A row needs a column to be written: the first, as NULL.
            columns.push(0);
            defaults.push("NULL".to_owned());
        }
        if let Some((sql, fields)) = query {
            let mut words = Vec::with_capacity(columns.len());
            for (place, (field, &column)) in fields.iter().zip(&given).enumerate() {
                refuse_always(table, column, false)?;
                let typed = super::Typed::plain(format!("_q._c{place}"), field.kind);
                let info = &table.columns[column];
                words.push(self.assigned(&typed, info.kind, info.length, &info.name)?);
            }
            words.extend(defaults);
            let names: Vec<String> = (0..fields.len()).map(|place| format!("_c{place}")).collect();
            let alias = self.alias();
            let source = format!(
                "SELECT {} FROM (WITH {alias}({}) AS ({sql}) SELECT * FROM {alias}) AS _q WHERE true",
                words.join(", "),
                names.join(", ")
            );
            return Ok((columns, source));
        }
        let mut rows = Vec::new();
        for row in plain_values.map(|values| values.rows.as_slice()).unwrap_or_default() {
            let mut words = Vec::with_capacity(columns.len());
            for (cell, &column) in row.content.iter().zip(&given) {
                let info = &table.columns[column];
                if is_default(cell) {
                    words.push(self.default_of(table, column)?.unwrap_or_else(|| "NULL".to_owned()));
                    continue;
                }
                refuse_always(table, column, false)?;
                let typed = self.expression(cell, &empty)?;
                words.push(self.assigned(&typed, info.kind, info.length, &info.name)?);
            }
            words.extend(defaults.iter().cloned());
            rows.push(format!("({})", words.join(", ")));
        }
        if rows.is_empty() {
            rows.push(format!("({})", defaults.join(", ")));
        }
        Ok((columns, format!("VALUES {}", rows.join(", "))))
    }

    fn on_conflict(&mut self, table: &Arc<Table>, alias: &str, conflict: &OnConflict) -> Result<String, Refusal> {
        let no_such = || {
            Refusal::new("42P10", "there is no unique or exclusion constraint matching the ON CONFLICT specification")
        };
        let mut of_part = String::new();
        let columns = match &conflict.conflict_target {
            None => None,
            Some(ConflictTarget::Columns(names)) => {
                let (marked, names): (Vec<&Ident>, Vec<&Ident>) =
                    names.iter().partition(|name| name.value.starts_with(WHERE));
                let columns = names.iter().map(|name| table.require(&folded(name))).collect::<Result<Vec<_>, _>>()?;
                let part = match marked.first().and_then(|name| name.value.strip_prefix(WHERE)) {
                    Some(text) => Some(Self::condition(self.catalog, table, &parse::expression(text)?, "")?),
                    None => None,
                };
                if let Some(part) = &part {
                    of_part = format!(" WHERE {part}");
                }
                let fits = |unique: &&Unique| {
                    let about = unique.predicate.as_ref().map(|expr| Self::condition(self.catalog, table, expr, ""));
                    about.is_none_or(|about| about.is_ok_and(|about| part.as_ref() == Some(&about)))
                        && unique.columns.len() == columns.len()
                        && unique.columns.iter().all(|column| columns.contains(column))
                };
                Some(table.uniques.iter().find(fits).ok_or_else(no_such)?.columns.clone())
            }
            Some(ConflictTarget::OnConstraint(name)) => {
                let name = relation_name(name)?;
                let unique = table.uniques.iter().find(|unique| unique.constraint && unique.name == name);
                let unique = unique.ok_or_else(|| {
                    let table = &table.name;
                    Refusal::new("42704", format!("constraint \"{name}\" for table \"{table}\" does not exist"))
                })?;
                Some(unique.columns.clone())
            }
        };
        let target = match &columns {
            Some(columns) => format!(" ({}){of_part}", table.list(columns)),
            None => String::new(),
        };
        let update = match &conflict.action {
            OnConflictAction::DoNothing => return Ok(format!(" ON CONFLICT{target} DO NOTHING")),
            OnConflictAction::DoUpdate(update) => update,
        };
        if columns.is_none() {
            return Err(Refusal::new(
                "42601",
                "ON CONFLICT DO UPDATE requires inference specification or constraint name",
            ));
        }
        let scope = Scope::of(vec![
            Relation::of_table(table, alias, &format!("{}.", quoted_name(alias))),
            Relation::of_table(table, "excluded", "excluded."),
        ]);
        let sets = self.assignments(table, &update.assignments, &scope)?;
        let condition = match &update.selection {
            // The row is locked whether or not it is then updated.
            Some(condition) => {
                let keys: Vec<&str> =
                    table.key().iter().map(|&column| scope.relations[0].fields[column].sql.as_str()).collect();
                let lock = format!("pg_lock_row('nokeyupdate', 'wait', {}, {})", table.id, keys.join(", "));
                format!(" WHERE {lock} AND {}", self.truth(condition, &scope, "WHERE")?)
            }
            None => String::new(),
        };
        Ok(format!(" ON CONFLICT{target} DO UPDATE SET {}{condition}", sets.join(", ")))
    }
}
