//! FROM: tables, joins, queries, and functions that return rows.

use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Join, JoinConstraint, JoinOperator, ObjectNamePart, TableAlias, TableFactor,
    TableWithJoins,
};

use super::super::super::refusal::Refusal;
use super::super::super::value::Type;
use super::super::kinds::{Kind, element};
use super::super::stored::quoted_name;
use super::Translator;
use super::expression::out_of_array;
use super::naming::{folded, relation_name};
use super::scope::{Field, Relation, Scope};

impl Translator<'_> {
    /// ` FROM …` and the relations in it; nothing where there are none.
    pub(super) fn relations(
        &mut self,
        from: &[TableWithJoins],
        outer: Option<&Scope<'_>>,
    ) -> Result<(String, Vec<Relation>), Refusal> {
        if from.is_empty() {
            return Ok((String::new(), Vec::new()));
        }
        let (sql, relations) = self.listed(from, outer)?;
        Ok((format!(" FROM {sql}"), relations))
    }

    /// What stands after FROM or USING.
    pub(super) fn listed(
        &mut self,
        from: &[TableWithJoins],
        outer: Option<&Scope<'_>>,
    ) -> Result<(String, Vec<Relation>), Refusal> {
        let mut relations: Vec<Relation> = Vec::new();
        let mut items = Vec::with_capacity(from.len());
        for item in from {
            let (sql, more) = self.joined(item, outer)?;
            for relation in &more {
                if relations.iter().any(|known| known.alias == relation.alias) {
                    return Err(named_twice(&relation.alias));
                }
            }
            relations.extend(more);
            items.push(if item.joins.is_empty() || from.len() == 1 { sql } else { format!("({sql})") });
        }
        Ok((items.join(", "), relations))
    }

    fn joined(&mut self, item: &TableWithJoins, outer: Option<&Scope<'_>>) -> Result<(String, Vec<Relation>), Refusal> {
        let (mut sql, mut relations) = self.factor(&item.relation, outer)?;
        for join in &item.joins {
            let Join { relation, global: false, join_operator } = join else {
                return Err(Refusal::unsupported("GLOBAL joins"));
            };
            let (word, constraint, left_optional, right_optional) = match join_operator {
                JoinOperator::Join(constraint)
                | JoinOperator::Inner(constraint)
                | JoinOperator::CrossJoin(constraint) => ("JOIN", constraint, false, false),
                JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
                    ("LEFT JOIN", constraint, false, true)
                }
                JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
                    ("RIGHT JOIN", constraint, true, false)
                }
                JoinOperator::FullOuter(constraint) => ("FULL JOIN", constraint, true, true),
                _ => return Err(Refusal::unsupported(format_args!("the join {join}"))),
            };
            let (right_sql, mut more) = self.factor(relation, outer)?;
            if let Some(twice) = more.iter().find(|one| relations.iter().any(|known| known.alias == one.alias)) {
                return Err(named_twice(&twice.alias));
            }
            if left_optional {
                relations.iter_mut().for_each(make_optional);
            }
            if right_optional {
                more.iter_mut().for_each(make_optional);
            }
            let lefts = relations.len();
            relations.extend(more);
            let on = match constraint {
                JoinConstraint::None => String::new(),
                JoinConstraint::On(condition) => {
                    let scope = Scope::inside(std::mem::take(&mut relations), outer);
                    let condition = self.truth(condition, &scope, "JOIN/ON")?;
                    relations = scope.relations;
                    format!(" ON {condition}")
                }
                JoinConstraint::Using(columns) => {
                    if left_optional {
                        return Err(Refusal::unsupported("USING in a right or full join"));
                    }
                    let mut terms = Vec::with_capacity(columns.len());
                    for column in columns {
                        let Some(ObjectNamePart::Identifier(name)) = column.0.last() else {
                            return Err(Refusal::unsupported(format_args!("USING ({column})")));
                        };
                        terms.push(self.using(&folded(name), &mut relations, lefts)?);
                    }
                    format!(" ON {}", terms.join(" AND "))
                }
                JoinConstraint::Natural => return Err(Refusal::unsupported("NATURAL JOIN")),
            };
            sql = format!("{sql} {word} {right_sql}{on}");
        }
        Ok((sql, relations))
    }

    /// One column of USING: equal on both sides, and seen once.
    fn using(&mut self, name: &str, relations: &mut [Relation], lefts: usize) -> Result<String, Refusal> {
        let find = |relations: &[Relation]| {
            relations.iter().enumerate().find_map(|(number, relation)| {
                let place = relation.fields.iter().position(|field| field.name == name)?;
                (!relation.merged.contains(&place)).then_some((number, place))
            })
        };
        let missing = |side: &str| {
            Refusal::new("42703", format!("column \"{name}\" specified in USING clause does not exist in {side} table"))
        };
        let (left, left_place) = find(&relations[..lefts]).ok_or_else(|| missing("left"))?;
        let (right, right_place) = find(&relations[lefts..]).ok_or_else(|| missing("right"))?;
        let typed = |field: &Field| super::Typed::plain(field.sql.clone(), field.kind);
        let one = typed(&relations[left].fields[left_place]);
        let other = typed(&relations[lefts + right].fields[right_place]);
        let equal = self.compared(&one, &sqlparser::ast::BinaryOperator::Eq, &other)?;
        relations[lefts + right].merged.push(right_place);
        Ok(equal.sql)
    }

    fn factor(&mut self, factor: &TableFactor, outer: Option<&Scope<'_>>) -> Result<(String, Vec<Relation>), Refusal> {
        match factor {
            TableFactor::Table { name, alias, args: None, with_ordinality: false, sample: None, .. } => {
                self.named_table(&relation_name(name)?, alias.as_ref()).map(|(sql, relation)| (sql, vec![relation]))
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality: false, .. } => {
                self.row_function(&relation_name(name)?, &args.args, alias.as_ref(), outer)
            }
            TableFactor::Function { lateral: false, name, args, with_ordinality: false, alias } => {
                self.row_function(&relation_name(name)?, args, alias.as_ref(), outer)
            }
            TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_ordinality: false, .. } => {
                self.unnest(array_exprs, alias.as_ref(), outer)
            }
            TableFactor::Derived { lateral: false, subquery, alias: Some(alias), sample: None } => {
                // A query in FROM sees nothing of what stands beside it.
                let (sql, fields) = self.query(subquery, outer, None)?;
                let name = folded(&alias.name);
                let (sql, fields) = renamed(sql, fields, alias)?;
                let relation = Relation::of_query(&name, fields);
                Ok((format!("({sql}) AS {}", quoted_name(&name)), vec![relation]))
            }
            TableFactor::Derived { lateral: false, alias: None, .. } => {
                Err(Refusal::new("42601", "subquery in FROM must have an alias"))
            }
            TableFactor::Derived { lateral: true, .. } | TableFactor::Function { lateral: true, .. } => {
                Err(Refusal::unsupported("LATERAL"))
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                let (sql, relations) = self.joined(table_with_joins, outer)?;
                Ok((format!("({sql})"), relations))
            }
            other => Err(Refusal::unsupported(format_args!("FROM {other}"))),
        }
    }

    /// A table or a common table expression by its name.
    pub(super) fn named_table(
        &mut self,
        name: &str,
        alias: Option<&TableAlias>,
    ) -> Result<(String, Relation), Refusal> {
        let shown = alias.map_or_else(|| name.to_owned(), |alias| folded(&alias.name));
        if let Some(common) = self.common.iter().rev().find(|common| common.name == name) {
            let (source, fields) = (common.alias.clone(), common.fields.clone());
            let (source, fields) = match alias {
                Some(alias) if !alias.columns.is_empty() => {
                    let (sql, fields) = renamed(format!("SELECT * FROM {source}"), fields, alias)?;
                    (format!("({sql})"), fields)
                }
                _ => (source, fields),
            };
            return Ok((format!("{source} AS {}", quoted_name(&shown)), Relation::of_query(&shown, fields)));
        }
        let table = self.catalog.table(name)?;
        self.touched.insert(table.id);
        self.read.insert(table.id);
        let mut relation = Relation::of_table(table, &shown, &format!("{}.", quoted_name(&shown)));
        if let Some(alias) = alias {
            for (field, column) in relation.fields.iter_mut().zip(&alias.columns) {
                field.name = folded(&column.name);
            }
        }
        Ok((format!("{} AS {}", quoted_name(&table.name), quoted_name(&shown)), relation))
    }

    fn row_function(
        &mut self,
        name: &str,
        args: &[FunctionArg],
        alias: Option<&TableAlias>,
        outer: Option<&Scope<'_>>,
    ) -> Result<(String, Vec<Relation>), Refusal> {
        let exprs = args
            .iter()
            .map(|arg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Ok(expr.clone()),
                other => Err(Refusal::unsupported(format_args!("the argument {other}"))),
            })
            .collect::<Result<Vec<Expr>, Refusal>>()?;
        match (name, exprs.as_slice()) {
            ("unnest", exprs) => self.unnest(exprs, alias, outer),
            ("generate_series", [from, to]) => self.series(from, to, None, alias, outer),
            ("generate_series", [from, to, step]) => self.series(from, to, Some(step), alias, outer),
            _ => Err(Refusal::unsupported(format_args!("the function {name} in FROM"))),
        }
    }

    fn series(
        &mut self,
        from: &Expr,
        to: &Expr,
        step: Option<&Expr>,
        alias: Option<&TableAlias>,
        outer: Option<&Scope<'_>>,
    ) -> Result<(String, Vec<Relation>), Refusal> {
        let scope = Scope::inside(Vec::new(), outer);
        let mut all = vec![self.expression(from, &scope)?, self.expression(to, &scope)?];
        if let Some(step) = step {
            all.push(self.expression(step, &scope)?);
        }
        let kind = self.common(&all, "generate_series")?;
        let kind = match kind {
            Kind::Of(kind @ (Type::Int4 | Type::Int8)) => kind,
            Kind::Of(Type::Text) => Type::Int4,
            other => return Err(Refusal::unsupported(format_args!("generate_series of {}", other.name()))),
        };
        let mut words = Vec::with_capacity(3);
        for typed in &all {
            words.push(self.implicit(typed, kind, "argument of generate_series")?);
        }
        let step = words.get(2).map_or("1", String::as_str);
        let (first, last) = (&words[0], &words[1]);
        let rows = format!(
            "WITH RECURSIVE _s(v, s, e) AS (SELECT {first}, pg_step({step}), {last} WHERE ({step} > 0 AND {first} <= {last}) \
             OR ({step} < 0 AND {first} >= {last}) UNION ALL SELECT v + s, s, e FROM _s WHERE (s > 0 AND v + s <= e) \
             OR (s < 0 AND v + s >= e))"
        );
        let (shown, column) = function_names("generate_series", alias);
        let sql = format!("({rows} SELECT v AS {} FROM _s) AS {}", quoted_name(&column), quoted_name(&shown));
        let field = Field { name: column, kind: Kind::Of(kind), nullable: false, sql: String::new() };
        Ok((sql, vec![Relation::of_query(&shown, vec![field])]))
    }

    /// The items of arrays as rows, side by side.
    fn unnest(
        &mut self,
        arrays: &[Expr],
        alias: Option<&TableAlias>,
        outer: Option<&Scope<'_>>,
    ) -> Result<(String, Vec<Relation>), Refusal> {
        let scope = Scope::inside(Vec::new(), outer);
        let (shown, first) = function_names("unnest", alias);
        let mut words = Vec::with_capacity(arrays.len());
        let mut fields = Vec::with_capacity(arrays.len());
        for (place, array) in arrays.iter().enumerate() {
            let typed = self.expression(array, &scope)?;
            let kind = match self.kind_of(&typed) {
                Kind::Of(kind) => element(kind),
                _ => None,
            };
            let Some(kind) = kind else {
                return Err(Refusal::new("42883", format!("function unnest({}) does not exist", typed.kind.name())));
            };
            let name = match alias.and_then(|alias| alias.columns.get(place)) {
                Some(column) => folded(&column.name),
                None if place == 0 && arrays.len() == 1 => first.clone(),
                None => "unnest".to_owned(),
            };
            words.push((typed.sql, kind));
            fields.push(Field { name, kind: Kind::Of(kind), nullable: true, sql: String::new() });
        }
        // The places that any of the arrays has; where one is shorter than another, it gives NULL.
        let places: Vec<String> = words.iter().map(|(sql, _)| format!("SELECT key FROM json_each({sql})")).collect();
        let columns: Vec<String> = words
            .iter()
            .zip(&fields)
            .map(|((sql, kind), field)| {
                let item = format!("json_extract({sql}, '$[' || _p.key || ']')");
                format!("{} AS {}", out_of_array(&item, *kind), quoted_name(&field.name))
            })
            .collect();
        let sql = format!(
            "(SELECT {} FROM ({}) AS _p ORDER BY _p.key LIMIT -1) AS {}",
            columns.join(", "),
            places.join(" UNION "),
            quoted_name(&shown)
        );
        Ok((sql, vec![Relation::of_query(&shown, fields)]))
    }
}

/// What a function's rows and their one column are called.
fn function_names(function: &str, alias: Option<&TableAlias>) -> (String, String) {
    match alias {
        None => (function.to_owned(), function.to_owned()),
        Some(alias) => {
            let name = folded(&alias.name);
            let column = alias.columns.first().map_or_else(|| name.clone(), |column| folded(&column.name));
            (name, column)
        }
    }
}

/// A query whose columns an alias gives other names.
fn renamed(sql: String, fields: Vec<Field>, alias: &TableAlias) -> Result<(String, Vec<Field>), Refusal> {
    let values = sql.starts_with("VALUES");
    if alias.columns.is_empty() && !values {
        return Ok((sql, fields));
    }
    if alias.columns.len() > fields.len() {
        return Err(Refusal::new(
            "42P10",
            format!(
                "table \"{}\" has {} columns available but {} columns specified",
                folded(&alias.name),
                fields.len(),
                alias.columns.len()
            ),
        ));
    }
    let mut fields = fields;
    let mut columns = Vec::with_capacity(fields.len());
    for (place, field) in fields.iter_mut().enumerate() {
        let before = field.name.clone();
        if let Some(column) = alias.columns.get(place) {
            field.name = folded(&column.name);
        }
        columns.push(format!("_q.{} AS {}", quoted_name(&before), quoted_name(&field.name)));
    }
    Ok((format!("SELECT {} FROM ({sql}) AS _q", columns.join(", ")), fields))
}

fn make_optional(relation: &mut Relation) {
    relation.optional = true;
    relation.fields.iter_mut().for_each(|field| field.nullable = true);
}

fn named_twice(alias: &str) -> Refusal {
    Refusal::new("42712", format!("table name \"{alias}\" specified more than once"))
}
