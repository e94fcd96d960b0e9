//! What names are, and what columns of a result are called.

use sqlparser::ast::{DataType, Expr, Ident, ObjectName, ObjectNamePart, Value};

use super::super::super::refusal::Refusal;
use super::super::kinds::{declared, short_name};

/// A name as the server folds it: lower case unless in quotes.
pub(in super::super) fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// The name of a relation, of which the schema may be `public` only.
pub(in super::super) fn relation_name(name: &ObjectName) -> Result<String, Refusal> {
    let mut parts = Vec::with_capacity(name.0.len());
    for part in &name.0 {
        match part {
            ObjectNamePart::Identifier(ident) => parts.push(folded(ident)),
            ObjectNamePart::Function(_) => return Err(Refusal::unsupported(format_args!("the name {name}"))),
        }
    }
    match parts.as_slice() {
        [relation] => Ok(relation.clone()),
        [schema, relation] if schema == "public" => Ok(relation.clone()),
        [schema, relation] if schema == "pg_catalog" && !relation.starts_with("pg_") => Ok(relation.clone()),
        [schema, _] if schema == "pg_catalog" || schema == "information_schema" => {
            Err(Refusal::unsupported(format_args!("the schema {schema}")))
        }
        _ => Err(Refusal::new("42P01", format!("relation \"{}\" does not exist", parts.join(".")))),
    }
}

/// What a column of the result is called that has not been given a name.
pub(super) fn output_name(expr: &Expr) -> String {
    name_of(expr).unwrap_or_else(|| "?column?".to_owned())
}

fn name_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(folded(ident)),
        Expr::CompoundIdentifier(parts) => parts.last().map(folded),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => name_of(inner),
        Expr::Function(function) => match function.name.0.last() {
            Some(ObjectNamePart::Identifier(ident)) => Some(folded(ident)),
            _ => None,
        },
        Expr::Cast { expr, data_type, .. } => name_of(expr).or_else(|| type_name(data_type)),
        Expr::TypedString(typed) => type_name(&typed.data_type),
        Expr::Case { else_result, .. } => {
            let inner = else_result.as_ref().and_then(|expr| name_of(expr));
            Some(inner.unwrap_or_else(|| "case".to_owned()))
        }
        Expr::Exists { .. } => Some("exists".to_owned()),
        Expr::Array(_) => Some("array".to_owned()),
        Expr::Extract { .. } => Some("extract".to_owned()),
        Expr::Substring { .. } => Some("substring".to_owned()),
        Expr::Position { .. } => Some("position".to_owned()),
        Expr::Trim { .. } => Some("btrim".to_owned()),
        Expr::Ceil { .. } => Some("ceil".to_owned()),
        Expr::Floor { .. } => Some("floor".to_owned()),
        Expr::Interval(_) => Some("interval".to_owned()),
        Expr::Value(value) => match value.value {
            Value::Boolean(_) => Some("bool".to_owned()),
            _ => None,
        },
        Expr::Subquery(query) => match query.body.as_ref() {
            sqlparser::ast::SetExpr::Select(select) => match select.projection.first()? {
                sqlparser::ast::SelectItem::UnnamedExpr(expr) => name_of(expr),
                sqlparser::ast::SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn type_name(data: &DataType) -> Option<String> {
    declared(data).ok().map(|declared| short_name(declared.kind).to_owned())
}
