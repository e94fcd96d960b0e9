//! From the definition of a table, a column or an index to what the catalogue keeps of it.

use std::fmt::Write as _;

use sqlparser::ast::{
    CheckConstraint, ColumnDef, ColumnOption, CreateIndex, CreateTable, Expr, ForeignKeyConstraint, GeneratedAs, Ident,
    IndexColumn, ReferentialAction, TableConstraint,
};

use super::super::refusal::Refusal;
use super::super::value::Type;
use super::catalog::{Action, Catalog, Check, ColumnInfo, ForeignKey, Index, Statements, Table, Unique};
use super::kinds::declared;
use super::stored::quoted_name;
use super::translate::{Translator, folded, relation_name};

/// A table as it is being put together.
pub(super) struct Definition<'c> {
    catalog: &'c Catalog,
    pub(super) table: Table,
    primary: Option<Unique>,
    /// Names of sequences that are to be made.
    pub(super) sequences: Vec<String>,
    checks: Vec<CheckConstraint>,
    references: Vec<ForeignKeyConstraint>,
}

impl<'c> Definition<'c> {
    /// A new table.
    ///
    /// # Errors
    /// As the real server refuses it; `0A000` for what is not simulated.
    pub(super) fn create(catalog: &'c Catalog, create: &CreateTable) -> Result<Table, Refusal> {
        Self::begun(catalog, create)?.finish()
    }

    /// The names of the sequences that a new table needs.
    ///
    /// # Errors
    /// As [`Definition::create`].
    pub(super) fn sequences(catalog: &'c Catalog, create: &CreateTable) -> Result<Vec<String>, Refusal> {
        Ok(Self::begun(catalog, create)?.sequences)
    }

    fn begun(catalog: &'c Catalog, create: &CreateTable) -> Result<Self, Refusal> {
        let odd = [
            (create.or_replace, "CREATE OR REPLACE TABLE"),
            (create.temporary, "CREATE TEMPORARY TABLE"),
            (create.query.is_some(), "CREATE TABLE AS"),
            (create.like.is_some(), "CREATE TABLE … LIKE"),
            (create.inherits.is_some() || create.partition_by.is_some() || create.partition_of.is_some(), "partitions"),
        ];
        if let Some((_, what)) = odd.iter().find(|(there, _)| *there) {
            return Err(Refusal::unsupported(what));
        }
        let name = relation_name(&create.name)?;
        let mut definition = Self::of(
            catalog,
            Table {
                id: catalog.next_id(),
                name,
                columns: Vec::new(),
                uniques: Vec::new(),
                foreign_keys: Vec::new(),
                checks: Vec::new(),
                indexes: Vec::new(),
                statements: Statements::default(),
            },
        );
        for column in &create.columns {
            definition.column(column)?;
        }
        for constraint in &create.constraints {
            definition.constraint(constraint)?;
        }
        Ok(definition)
    }

    /// A table that is to be changed.
    pub(super) fn of(catalog: &'c Catalog, mut table: Table) -> Self {
        let primary = if table.uniques.is_empty() { None } else { Some(table.uniques.remove(0)) };
        Self { catalog, table, primary, sequences: Vec::new(), checks: Vec::new(), references: Vec::new() }
    }

    /// One more column.
    pub(super) fn column(&mut self, column: &ColumnDef) -> Result<(), Refusal> {
        let name = folded(&column.name);
        if self.table.column(&name).is_some() {
            return Err(Refusal::new(
                "42701",
                format!("column \"{name}\" of relation \"{}\" already exists", self.table.name),
            ));
        }
        let declared = declared(&column.data_type)?;
        let place = self.table.columns.len();
        let mut info = ColumnInfo {
            name: name.clone(),
            kind: declared.kind,
            length: declared.length,
            not_null: declared.serial,
            default: None,
            sequence: None,
            always: false,
        };
        if declared.serial {
            info.sequence = Some(self.sequence(&name));
        }
        self.table.columns.push(info);
        for option in &column.options {
            let named = option.name.as_ref();
            match &option.option {
                ColumnOption::Null => {}
                ColumnOption::NotNull => self.table.columns[place].not_null = true,
                ColumnOption::Default(default) => {
                    let column = &self.table.columns[place];
                    Translator::constant(self.catalog, default, column.kind, column.length, 0)?;
                    self.table.columns[place].default = Some(default.clone());
                }
                ColumnOption::PrimaryKey(_) => self.primary_key(named, vec![place])?,
                ColumnOption::Unique(_) => self.unique(named, vec![place]),
                ColumnOption::Check(check) => self
                    .checks
                    .push(CheckConstraint { name: named.cloned().or_else(|| check.name.clone()), ..check.clone() }),
                ColumnOption::ForeignKey(key) => self.references.push(ForeignKeyConstraint {
                    name: named.cloned().or_else(|| key.name.clone()),
                    columns: vec![column.name.clone()],
                    ..key.clone()
                }),
                ColumnOption::Generated {
                    generated_as: by @ (GeneratedAs::Always | GeneratedAs::ByDefault),
                    generation_expr: None,
                    sequence_options: None,
                    ..
                } => {
                    if !matches!(declared.kind, Type::Int2 | Type::Int4 | Type::Int8) {
                        return Err(Refusal::new("22023", "identity column type must be smallint, integer, or bigint"));
                    }
                    let sequence = self.sequence(&name);
                    let info = &mut self.table.columns[place];
                    info.sequence = Some(sequence);
                    info.always = matches!(by, GeneratedAs::Always);
                    info.not_null = true;
                }
                other => return Err(Refusal::unsupported(format_args!("the column option {other}"))),
            }
        }
        Ok(())
    }

    /// One more constraint.
    pub(super) fn constraint(&mut self, constraint: &TableConstraint) -> Result<(), Refusal> {
        match constraint {
            TableConstraint::PrimaryKey(key) if key.characteristics.is_none() && key.include.is_empty() => {
                let columns = self.columns_of(&key.columns)?;
                self.primary_key(key.name.as_ref(), columns)
            }
            TableConstraint::Unique(key) if key.characteristics.is_none() && key.include.is_empty() => {
                let columns = self.columns_of(&key.columns)?;
                self.unique(key.name.as_ref(), columns);
                Ok(())
            }
            TableConstraint::ForeignKey(key) => {
                self.references.push(key.clone());
                Ok(())
            }
            TableConstraint::Check(check) => {
                self.checks.push(check.clone());
                Ok(())
            }
            other => Err(Refusal::unsupported(format_args!("the constraint {other}"))),
        }
    }

    fn primary_key(&mut self, name: Option<&Ident>, columns: Vec<usize>) -> Result<(), Refusal> {
        if self.primary.is_some() {
            let table = &self.table.name;
            return Err(Refusal::new("42P16", format!("multiple primary keys for table \"{table}\" are not allowed")));
        }
        for &column in &columns {
            self.table.columns[column].not_null = true;
        }
        let name = name.map_or_else(|| format!("{}_pkey", self.table.name), folded);
        self.primary = Some(Unique { name, columns, predicate: None, constraint: true });
        Ok(())
    }

    fn unique(&mut self, name: Option<&Ident>, columns: Vec<usize>) {
        let name = name.map_or_else(|| self.free_name(&columns, "key"), folded);
        self.table.uniques.push(Unique { name, columns, predicate: None, constraint: true });
    }

    fn sequence(&mut self, column: &str) -> String {
        let name = format!("{}_{column}_seq", self.table.name);
        self.sequences.push(name.clone());
        name
    }

    /// `table_columns_key`, with a number where that is taken.
    fn free_name(&self, columns: &[usize], ending: &str) -> String {
        let names: Vec<&str> = columns.iter().map(|&column| self.table.columns[column].name.as_str()).collect();
        let mut parts = vec![self.table.name.as_str()];
        parts.extend(names);
        let stem = format!("{}_{ending}", parts.join("_"));
        let taken = |name: &str| {
            self.table.uniques.iter().any(|unique| unique.name == name)
                || self.table.foreign_keys.iter().any(|key| key.name == name)
                || self.table.checks.iter().any(|check| check.name == name)
                || self.table.indexes.iter().any(|index| index.name == name)
                || self.catalog.has_relation(name)
        };
        let mut name = stem.clone();
        let mut number = 0;
        while taken(&name) {
            number += 1;
            name = format!("{stem}{number}");
        }
        name
    }

    fn columns_of(&self, columns: &[IndexColumn]) -> Result<Vec<usize>, Refusal> {
        columns
            .iter()
            .map(|column| match &column.column.expr {
                Expr::Identifier(name) => {
                    let name = folded(name);
                    self.table
                        .column(&name)
                        .ok_or_else(|| Refusal::new("42703", format!("column \"{name}\" named in key does not exist")))
                }
                other => Err(Refusal::unsupported(format_args!("keys of the expression {other}"))),
            })
            .collect()
    }

    /// The table with all that belongs to it.
    pub(super) fn finish(mut self) -> Result<Table, Refusal> {
        let Some(primary) = self.primary.take() else {
            return Err(Refusal::unsupported(format_args!("tables without a primary key: \"{}\"", self.table.name)));
        };
        self.table.uniques.insert(0, primary);
        for check in std::mem::take(&mut self.checks) {
            let columns = Translator::columns_of(self.catalog, &self.table, &check.expr)?;
            let columns = if columns.len() == 1 { columns } else { Vec::new() };
            let name = check.name.as_ref().map_or_else(|| self.free_name(&columns, "check"), folded);
            self.table.checks.push(Check { name, expr: *check.expr });
        }
        for reference in std::mem::take(&mut self.references) {
            let key = self.foreign_key(&reference)?;
            self.table.foreign_keys.push(key);
        }
        self.table.prepare_statements();
        Ok(self.table)
    }

    fn foreign_key(&self, key: &ForeignKeyConstraint) -> Result<ForeignKey, Refusal> {
        if key.characteristics.is_some() || key.match_kind.is_some() {
            return Err(Refusal::unsupported("DEFERRABLE and MATCH of foreign keys"));
        }
        let columns = key
            .columns
            .iter()
            .map(|column| {
                let name = folded(column);
                self.table.column(&name).ok_or_else(|| {
                    Refusal::new(
                        "42703",
                        format!("column \"{name}\" referenced in foreign key constraint does not exist"),
                    )
                })
            })
            .collect::<Result<Vec<usize>, Refusal>>()?;
        let parent_name = relation_name(&key.foreign_table)?;
        let parent =
            if parent_name == self.table.name { &self.table } else { self.catalog.table(&parent_name)?.as_ref() };
        let parent_columns: Vec<String> = if key.referred_columns.is_empty() {
            parent.key().iter().map(|&column| parent.columns[column].name.clone()).collect()
        } else {
            key.referred_columns.iter().map(folded).collect()
        };
        let places = parent_columns
            .iter()
            .map(|name| {
                parent.column(name).ok_or_else(|| {
                    Refusal::new(
                        "42703",
                        format!("column \"{name}\" referenced in foreign key constraint does not exist"),
                    )
                })
            })
            .collect::<Result<Vec<usize>, Refusal>>()?;
        let covers = |unique: &&Unique| {
            unique.predicate.is_none()
                && unique.columns.len() == places.len()
                && unique.columns.iter().all(|column| places.contains(column))
        };
        if !parent.uniques.iter().any(|unique| covers(&unique)) || columns.len() != places.len() {
            return Err(Refusal::new(
                "42830",
                format!("there is no unique constraint matching given keys for referenced table \"{parent_name}\""),
            ));
        }
        let name = key.name.as_ref().map_or_else(|| self.free_name(&columns, "fkey"), folded);
        for (&column, &place) in columns.iter().zip(&places) {
            let (own, other) = (&self.table.columns[column], &parent.columns[place]);
            let text = |kind| matches!(kind, Type::Text | Type::Varchar);
            let whole = |kind| matches!(kind, Type::Int2 | Type::Int4 | Type::Int8);
            let fits =
                own.kind == other.kind || text(own.kind) && text(other.kind) || whole(own.kind) && whole(other.kind);
            if !fits {
                return Err(Refusal::new("42804", format!("foreign key constraint \"{name}\" cannot be implemented")));
            }
        }
        Ok(ForeignKey {
            name,
            columns,
            parent: parent_name,
            parent_columns,
            on_delete: action(key.on_delete)?,
            on_update: action(key.on_update)?,
        })
    }
}

fn action(action: Option<ReferentialAction>) -> Result<Action, Refusal> {
    match action {
        None | Some(ReferentialAction::NoAction) => Ok(Action::AtEnd),
        Some(ReferentialAction::Restrict) => Ok(Action::Restrict),
        Some(ReferentialAction::Cascade) => Ok(Action::Cascade),
        Some(ReferentialAction::SetNull) => Ok(Action::SetNull),
        Some(ReferentialAction::SetDefault) => Err(Refusal::unsupported("SET DEFAULT of foreign keys")),
    }
}

/// Adds an index to a table; `None` where there is one of its name and that is no mistake.
pub(super) fn index(catalog: &Catalog, create: &CreateIndex) -> Result<Option<Table>, Refusal> {
    let table = catalog.table(&relation_name(&create.table_name)?)?;
    if !create.include.is_empty() || create.nulls_distinct.is_some() || !create.with.is_empty() {
        return Err(Refusal::unsupported("INCLUDE, NULLS DISTINCT and WITH of indexes"));
    }
    if let Some(using) = &create.using
        && !using.to_string().eq_ignore_ascii_case("btree")
    {
        return Err(Refusal::unsupported(format_args!("indexes USING {using}")));
    }
    let mut table = Table::clone(table);
    let definition = Definition::of(catalog, table.clone());
    let plain = create.columns.iter().all(|column| matches!(column.column.expr, Expr::Identifier(_)));
    let columns = if plain { definition.columns_of(&create.columns)? } else { Vec::new() };
    let name = match &create.name {
        Some(name) => relation_name(name)?,
        None => definition.free_name(&columns, "idx"),
    };
    if catalog.has_relation(&name) {
        if create.if_not_exists {
            return Ok(None);
        }
        return Err(Refusal::new("42P07", format!("relation \"{name}\" already exists")));
    }
    if create.unique {
        if !plain {
            return Err(Refusal::unsupported("unique indexes of expressions"));
        }
        if let Some(predicate) = &create.predicate {
            Translator::condition(catalog, &table, predicate, "")?;
        }
        table.uniques.push(Unique { name, columns, predicate: create.predicate.clone(), constraint: false });
        return Ok(Some(table));
    }
    let mut keys = Vec::with_capacity(create.columns.len());
    for column in &create.columns {
        let expr = Translator::indexed(catalog, &table, &column.column.expr)?;
        let down = matches!(column.column.options.sort, Some(sqlparser::ast::OrderBySort::Desc));
        keys.push(format!("{expr}{}", if down { " DESC" } else { "" }));
    }
    let condition = match &create.predicate {
        Some(predicate) => format!(" WHERE {}", Translator::condition(catalog, &table, predicate, "")?),
        None => String::new(),
    };
    let sql =
        format!("CREATE INDEX {} ON {} ({}){condition}", quoted_name(&name), quoted_name(&table.name), keys.join(", "));
    table.indexes.push(Index { name, sql });
    Ok(Some(table))
}

/// All of a table as the storage's SQL: the table, its keys, its indexes.
pub(super) fn sql(catalog: &Catalog, table: &Table) -> Result<String, Refusal> {
    let mut parts = Vec::with_capacity(table.columns.len() + 2);
    for column in &table.columns {
        let storage = match column.kind {
            Type::Bool | Type::Int2 | Type::Int4 | Type::Int8 | Type::Timestamptz => "INTEGER",
            Type::Float8 => "REAL",
            Type::Bytea | Type::Uuid | Type::Interval => "BLOB",
            _ => "TEXT",
        };
        let null = if column.not_null { " NOT NULL" } else { "" };
        parts.push(format!("{} {storage}{null}", quoted_name(&column.name)));
    }
    parts.push(format!("PRIMARY KEY ({})", table.list(table.key())));
    for check in &table.checks {
        let condition = Translator::condition(catalog, table, &check.expr, "")?;
        parts.push(format!("CONSTRAINT {} CHECK ({condition})", quoted_name(&check.name)));
    }
    let name = quoted_name(&table.name);
    let mut all = format!("CREATE TABLE {name} ({}) STRICT, WITHOUT ROWID;", parts.join(", "));
    for unique in &table.uniques[1..] {
        let condition = match &unique.predicate {
            Some(predicate) => format!(" WHERE {}", Translator::condition(catalog, table, predicate, "")?),
            None => String::new(),
        };
        let (own, columns) = (quoted_name(&unique.name), table.list(&unique.columns));
        let _ = write!(all, " CREATE UNIQUE INDEX {own} ON {name} ({columns}){condition};");
    }
    for index in &table.indexes {
        let _ = write!(all, " {};", index.sql);
    }
    for key in &table.foreign_keys {
        // Rows that refer to a row are looked for whenever it goes.
        if !table.key().starts_with(&key.columns) {
            let own = quoted_name(&format!("_ref {}", key.name));
            let _ = write!(all, " CREATE INDEX {own} ON {name} ({});", table.list(&key.columns));
        }
    }
    Ok(all)
}
