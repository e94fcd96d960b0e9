//! From one type to another.

use rusqlite::types::Value as Cell;

use super::super::super::refusal::Refusal;
use super::super::super::value::Type;
use super::super::functions::code;
use super::super::kinds::{Kind, bits, element, name};
use super::super::stored::literal;
use super::super::text;
use super::{Form, NOW_MARK, Translator, Typed};

/// How much may be done to make a type fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Context {
    /// In an expression, unasked.
    Implicit,
    /// Into a column.
    Assignment,
    /// By a cast.
    Explicit,
}

impl Translator<'_> {
    /// The expression as this type, or `None` where that cannot be.
    pub(super) fn converted(&mut self, typed: &Typed, kind: Type, context: Context) -> Result<Option<String>, Refusal> {
        match &typed.form {
            Form::Null => return Ok(Some("NULL".to_owned())),
            Form::Literal(text) => return literal_of(text, kind).map(Some),
            Form::Parameter(number) => match self.parameters[*number] {
                None => {
                    self.parameters[*number] = Some(kind);
                    return Ok(Some(typed.sql.clone()));
                }
                Some(settled) => {
                    let settled = Typed::of(typed.sql.clone(), settled);
                    return self.converted(&settled, kind, context);
                }
            },
            Form::Plain => {}
        }
        let sql = &typed.sql;
        let from = match typed.kind {
            Kind::Of(from) if from == kind => return Ok(Some(sql.clone())),
            Kind::Unknown => return Ok(Some(format!("pg_parse({}, {sql})", code(kind)))),
            other => other,
        };
        let explicit = context == Context::Explicit;
        let assignable = context != Context::Implicit;
        let target = Kind::Of(kind);
        if from.is_text() && target.is_text() {
            return Ok(Some(sql.clone()));
        }
        if let (Some(narrow), Some(wide)) = (from.rank(), target.rank()) {
            let rounds = |bits| match from {
                Kind::Numeric => format!("pg_whole_numeric({sql}, {bits})"),
                _ => format!("pg_whole({sql}, {bits})"),
            };
            return Ok(match bits(kind) {
                Some(_) if narrow < wide => Some(sql.clone()),
                Some(bits) if assignable => Some(rounds(bits)),
                None => Some(format!("CAST({sql} AS REAL)")),
                Some(_) => None,
            });
        }
        if target.is_text() && assignable {
            return Ok(Some(self.as_text(typed)));
        }
        let parsed = || format!("pg_parse({}, {sql})", code(kind));
        Ok(match (from, kind) {
            (Kind::Of(Type::Text | Type::Varchar), _) if explicit => Some(parsed()),
            (Kind::Of(Type::Bool), Type::Int4) if explicit => Some(sql.clone()),
            (Kind::Of(Type::Int4), Type::Bool) if explicit => Some(format!("(({sql}) <> 0)")),
            (Kind::Of(one), other) => match (element(one), element(other)) {
                (Some(Type::Int4), Some(Type::Int8)) => Some(sql.clone()),
                _ => None,
            },
            _ => None,
        })
    }

    /// The expression as text.
    pub(super) fn as_text(&mut self, typed: &Typed) -> String {
        match (&typed.form, typed.kind) {
            (Form::Null, _) => "NULL".to_owned(),
            (Form::Literal(text), _) => literal(&Cell::Text(text.clone())),
            (_, kind) if kind.is_text() => typed.sql.clone(),
            (Form::Plain, Kind::Of(kind)) => format!("pg_tell({}, {})", code(kind), typed.sql),
            (Form::Plain, _) => format!("pg_tell({}, {})", code(Type::Float8), typed.sql),
            (Form::Parameter(number), _) => match self.parameters[*number] {
                Some(kind) => self.as_text(&Typed::of(typed.sql.clone(), kind)),
                None => {
                    self.parameters[*number] = Some(Type::Text);
                    typed.sql.clone()
                }
            },
        }
    }

    /// The expression as this type, in an expression that needs it so.
    pub(super) fn implicit(&mut self, typed: &Typed, kind: Type, what: &str) -> Result<String, Refusal> {
        self.converted(typed, kind, Context::Implicit)?.ok_or_else(|| {
            Refusal::new("42804", format!("{what} must be type {}, not type {}", name(kind), typed.kind.name()))
        })
    }

    /// The expression cast to this type.
    pub(super) fn cast(&mut self, typed: &Typed, kind: Type, length: Option<u64>) -> Result<Typed, Refusal> {
        let sql = self.converted(typed, kind, Context::Explicit)?.ok_or_else(|| {
            Refusal::new("42846", format!("cannot cast type {} to {}", typed.kind.name(), name(kind)))
        })?;
        let sql = match length {
            Some(length) => format!("pg_substr({sql}, 1, {length})"),
            None => sql,
        };
        Ok(Typed { sql, kind: Kind::Of(kind), form: Form::Plain, nullable: typed.nullable })
    }

    /// The expression as it goes into a column.
    pub(super) fn assigned(
        &mut self,
        typed: &Typed,
        kind: Type,
        length: Option<u64>,
        column: &str,
    ) -> Result<String, Refusal> {
        let sql = self.converted(typed, kind, Context::Assignment)?.ok_or_else(|| {
            Refusal::new(
                "42804",
                format!(
                    "column \"{column}\" is of type {} but expression is of type {}",
                    name(kind),
                    typed.kind.name()
                ),
            )
        })?;
        Ok(match length {
            Some(length) if typed.form != Form::Null => format!("pg_fits({sql}, {length})"),
            _ => sql,
        })
    }

    /// An expression of a type, whatever it was before: what is of none becomes text.
    pub(super) fn settled(&mut self, typed: Typed) -> Result<Typed, Refusal> {
        match (&typed.form, typed.kind) {
            (Form::Plain, Kind::Of(_) | Kind::Numeric) => Ok(typed),
            _ => {
                let nullable = typed.nullable;
                match typed.form {
                    Form::Parameter(number) => {
                        let kind = *self.parameters[number].get_or_insert(Type::Text);
                        Ok(Typed { sql: typed.sql, kind: Kind::Of(kind), form: Form::Plain, nullable })
                    }
                    _ => {
                        let sql = self.implicit(&typed, Type::Text, "expression")?;
                        Ok(Typed { sql, kind: Kind::Of(Type::Text), form: Form::Plain, nullable })
                    }
                }
            }
        }
    }

    /// The one type that all of these can be, as CASE, COALESCE, UNION and VALUES choose it.
    pub(super) fn common(&mut self, all: &[Typed], what: &str) -> Result<Kind, Refusal> {
        let mut common: Option<Kind> = None;
        for typed in all {
            let kind = self.kind_of(typed);
            common = match (common, kind) {
                (common, Kind::Unknown) => common,
                (None, kind) => Some(kind),
                (Some(one), other) if one == other => Some(one),
                (Some(one), other) => match (one.rank(), other.rank()) {
                    (Some(narrow), Some(wide)) => Some(if narrow >= wide { one } else { other }),
                    _ if one.is_text() && other.is_text() => Some(one),
                    _ => {
                        return Err(Refusal::new(
                            "42804",
                            format!("{what} types {} and {} cannot be matched", one.name(), other.name()),
                        ));
                    }
                },
            };
        }
        Ok(common.unwrap_or(Kind::Of(Type::Text)))
    }

    /// The type of an expression, as far as it is settled.
    pub(super) fn kind_of(&self, typed: &Typed) -> Kind {
        match typed.form {
            Form::Parameter(number) => self.parameters[number].map_or(Kind::Unknown, Kind::Of),
            _ => typed.kind,
        }
    }

    /// The expression as the type that [`Translator::common`] has chosen.
    pub(super) fn as_common(&mut self, typed: &Typed, kind: Kind) -> Result<String, Refusal> {
        match kind {
            Kind::Of(kind) => self.implicit(typed, kind, "expression"),
            Kind::Numeric | Kind::Unknown => match typed.form {
                Form::Plain | Form::Null => Ok(typed.sql.clone()),
                _ => self.implicit(typed, Type::Float8, "expression"),
            },
        }
    }
}

/// A literal in quotes as a value of this type.
fn literal_of(text: &str, kind: Type) -> Result<String, Refusal> {
    if kind == Type::Timestamptz && text.trim().eq_ignore_ascii_case("now") {
        return Ok(NOW_MARK.to_owned());
    }
    text::parse(kind, text, 0).map(|cell| literal(&cell))
}
