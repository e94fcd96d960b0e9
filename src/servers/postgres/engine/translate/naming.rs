//! What names are, and what columns of a result are called.

use sqlparser::ast::{DataType, Expr, Ident, ObjectName, ObjectNamePart, SelectItem, SetExpr, TrimWhereField};

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
    name_of(expr).map_or_else(|| "?column?".to_owned(), |(name, _)| name)
}

/// The name that an expression has by itself, and whether a cast around it lets it be.
fn name_of(expr: &Expr) -> Option<(String, bool)> {
    let firm = |name: String| Some((name, true));
    let word = |name: &str| Some((name.to_owned(), true));
    match expr {
        Expr::Identifier(ident) => firm(folded(ident)),
        Expr::CompoundIdentifier(parts) => parts.last().map(|ident| (folded(ident), true)),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => name_of(inner),
        Expr::Function(function) => match function.name.0.last() {
            Some(ObjectNamePart::Identifier(ident)) => firm(folded(ident)),
            _ => None,
        },
        Expr::Cast { expr, data_type, .. } => {
            name_of(expr).filter(|(_, firm)| *firm).or_else(|| type_name(data_type).map(|name| (name, false)))
        }
        Expr::TypedString(typed) => type_name(&typed.data_type).map(|name| (name, false)),
        Expr::Case { else_result, .. } => {
            let inner = else_result.as_ref().and_then(|expr| name_of(expr)).filter(|(_, firm)| *firm);
            inner.or_else(|| Some(("case".to_owned(), false)))
        }
        Expr::Exists { .. } => word("exists"),
        Expr::Array(_) => word("array"),
        Expr::Tuple(_) => word("row"),
        Expr::Extract { .. } => word("extract"),
        Expr::Substring { shorthand: true, .. } => word("substr"),
        Expr::Substring { .. } => word("substring"),
        Expr::Position { .. } => word("position"),
        Expr::Trim { trim_where: None | Some(TrimWhereField::Both), .. } => word("btrim"),
        Expr::Trim { trim_where: Some(TrimWhereField::Leading), .. } => word("ltrim"),
        Expr::Trim { .. } => word("rtrim"),
        Expr::Ceil { .. } => word("ceil"),
        Expr::Floor { .. } => word("floor"),
        Expr::Interval(_) => Some(("interval".to_owned(), false)),
        Expr::Subquery(query) => match query.body.as_ref() {
            SetExpr::Select(select) => match select.projection.first()? {
                SelectItem::UnnamedExpr(expr) => name_of(expr).map(|(name, _)| (name, true)),
                SelectItem::ExprWithAlias { alias, .. } => firm(folded(alias)),
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
