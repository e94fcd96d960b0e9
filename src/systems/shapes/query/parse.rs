//! Queries read back from SQL.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;

use sqlparser::ast::{
    BinaryOperator, Expr, Query as Parsed, Select, SelectItem, SetExpr, Statement, TableFactor, UnaryOperator, Value,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use super::clause::{Clause, Comparison, Query, Subquery};
use super::schema::{Column, Table};

impl FromStr for Query {
    type Err = String;

    /// Reads a query as it is written: `level_4 WHERE value = 'v01'`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is no query: {why}");
        let sql = format!("SELECT * FROM {text}");
        let mut statements =
            Parser::parse_sql(&PostgreSqlDialect {}, &sql).map_err(|error| wrong(&error.to_string()))?;
        let (Some(Statement::Query(parsed)), true) = (statements.pop(), statements.is_empty()) else {
            return Err(wrong("write a table and a condition, for example level_4 WHERE value = 'v01'"));
        };
        query(plain(&parsed).map_err(|why| wrong(&why))?).map_err(|why| wrong(&why))
    }
}

/// A statement that only selects, and has nothing but what a query has.
fn plain(parsed: &Parsed) -> Result<&Select, String> {
    let SetExpr::Select(select) = &*parsed.body else {
        return Err(format!("`{parsed}` is more than one SELECT"));
    };
    // Whatever else may be in a SELECT would be in its text.
    let list = |parts: Vec<String>| parts.join(", ");
    let mut known = format!(
        "SELECT {} FROM {}",
        list(select.projection.iter().map(ToString::to_string).collect()),
        list(select.from.iter().map(ToString::to_string).collect())
    );
    if let Some(condition) = &select.selection {
        let _ = write!(known, " WHERE {condition}");
    }
    if parsed.to_string() == known {
        Ok(select)
    } else {
        Err(format!("`{parsed}` has more than a table and a condition"))
    }
}

fn query(select: &Select) -> Result<Query, String> {
    let [from] = select.from.as_slice() else {
        return Err("there is more than one table".to_owned());
    };
    let TableFactor::Table { name, .. } = &from.relation else {
        return Err(format!("`{from}` is no table"));
    };
    let text = from.to_string();
    let Some(table) = Table::named(&text) else {
        let known = Table::ALL.map(Table::name).join(", ");
        return Err(format!("`{name}` is not a table: they are {known}"));
    };
    let clause = select.selection.as_ref().map_or(Ok(Clause::Always(true)), |condition| clause(condition, table))?;
    Ok(Query { table, clause })
}

fn clause(expression: &Expr, table: Table) -> Result<Clause, String> {
    let boxed = |inner: &Expr| clause(inner, table).map(Box::new);
    let negated = |negated: bool, clause: Clause| if negated { Clause::Not(Box::new(clause)) } else { clause };
    Ok(match expression {
        Expr::Nested(inner) => clause(inner, table)?,
        Expr::UnaryOp { op: UnaryOperator::Not, expr } => Clause::Not(boxed(expr)?),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => Clause::And(boxed(left)?, boxed(right)?),
        Expr::BinaryOp { left, op: BinaryOperator::Or, right } => Clause::Or(boxed(left)?, boxed(right)?),
        Expr::BinaryOp { left, op, right } => {
            let column = column(left, table)?;
            let text = literal(right)?;
            match op {
                BinaryOperator::Eq => Clause::Equals(column, text),
                BinaryOperator::NotEq => Clause::Not(Box::new(Clause::Equals(column, text))),
                BinaryOperator::Lt => Clause::Compares(column, Comparison::Less, text),
                BinaryOperator::LtEq => Clause::Compares(column, Comparison::AtMost, text),
                BinaryOperator::Gt => Clause::Compares(column, Comparison::More, text),
                BinaryOperator::GtEq => Clause::Compares(column, Comparison::AtLeast, text),
                _ => return Err(format!("`{op}` is not known: write =, <>, <, <=, >, >=, AND or OR")),
            }
        }
        Expr::Like { negated: not, any: false, expr, pattern, escape_char: None } => {
            negated(*not, Clause::Like(column(expr, table)?, literal(pattern)?))
        }
        Expr::Between { expr, negated: not, low, high } => {
            negated(*not, Clause::Between(column(expr, table)?, literal(low)?, literal(high)?))
        }
        Expr::InList { expr, list, negated: not } => {
            let texts = list.iter().map(literal).collect::<Result<Vec<_>, _>>()?;
            negated(*not, Clause::OneOf(column(expr, table)?, texts))
        }
        Expr::InSubquery { expr, subquery, negated: not } => {
            let select = plain(subquery)?;
            let query = query(select)?;
            let [SelectItem::UnnamedExpr(selected)] = select.projection.as_slice() else {
                return Err(format!("`{subquery}` selects more than one column"));
            };
            let select = column(selected, query.table)?;
            negated(*not, Clause::Within(column(expr, table)?, Box::new(Subquery { select, query })))
        }
        Expr::Value(value) => match value.value {
            Value::Boolean(truth) => Clause::Always(truth),
            _ => return Err(format!("`{expression}` is no condition")),
        },
        other => return Err(format!("`{other}` is not among the conditions that a shape may have")),
    })
}

fn column(expression: &Expr, table: Table) -> Result<Column, String> {
    let Expr::Identifier(name) = expression else {
        return Err(format!("`{expression}` is no column"));
    };
    let known = table.columns();
    Column::named(&name.value).filter(|column| known.contains(column)).ok_or_else(|| {
        let known: Vec<&str> = known.iter().map(|column| column.name()).collect();
        format!("{table} has no column `{name}`: they are {}", known.join(", "))
    })
}

fn literal(expression: &Expr) -> Result<Arc<str>, String> {
    let wrong = || Err(format!("`{expression}` is neither a text such as 'v01' nor true or false"));
    let Expr::Value(value) = expression else { return wrong() };
    match &value.value {
        Value::SingleQuotedString(text) => Ok(text.as_str().into()),
        Value::Boolean(truth) => Ok(if *truth { "true" } else { "false" }.into()),
        _ => wrong(),
    }
}
