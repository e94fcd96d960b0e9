//! Changes: as words, and as statements.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::clause::quoted;
use super::schema::{Column, Table, id_of};

/// A row of a level, both from 1: `l3-2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The level.
    pub level: u32,
    /// The number of the row.
    pub number: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&id_of(self.level, self.number))
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.strip_prefix('l').and_then(|rest| rest.split_once('-'));
        let numbers = parts.and_then(|(level, number)| Some((level.parse().ok()?, number.parse().ok()?)));
        match numbers {
            Some((level, number)) if (1..=4).contains(&level) && number > 0 => Ok(Self { level, number }),
            _ => Err(format!("`{text}` is no row: write l3-2 for the second row of level 3")),
        }
    }
}

/// A change of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// A row of the levels 1 to 3 becomes active, or ceases to be: `toggle l2-1`.
    Toggle(Place),
    /// A row of the levels 2 to 4 belongs to another one: `move l3-2 l2-1`.
    Move(Place, Place),
    /// A row of the levels 1 to 3 has a tag: `tag l2-1 alpha`.
    Tag(Place, Arc<str>),
    /// It has the tag no more: `untag l2-1 alpha`.
    Untag(Place, Arc<str>),
    /// A leaf's value is another: `set l4-3 v07`.
    Set(Place, Arc<str>),
}

impl Mutation {
    /// The statement that does it.
    pub fn sql(&self) -> String {
        match self {
            Self::Toggle(row) => {
                format!("UPDATE {} SET active = NOT active WHERE id = '{row}'", Table::level(row.level))
            }
            Self::Move(row, to) => {
                let column = Column::parent(to.level);
                format!("UPDATE {} SET {column} = '{to}' WHERE id = '{row}'", Table::level(row.level))
            }
            Self::Tag(row, tag) => {
                let (table, column) = (Table::tags(row.level), Column::parent(row.level));
                let tag = quoted(Column::Tag, tag);
                format!("INSERT INTO {table} ({column}, tag) VALUES ('{row}', {tag}) ON CONFLICT DO NOTHING")
            }
            Self::Untag(row, tag) => {
                let (table, column) = (Table::tags(row.level), Column::parent(row.level));
                format!("DELETE FROM {table} WHERE {column} = '{row}' AND tag = {}", quoted(Column::Tag, tag))
            }
            Self::Set(row, value) => {
                format!("UPDATE {} SET value = {} WHERE id = '{row}'", Table::level(4), quoted(Column::Value, value))
            }
        }
    }
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Toggle(row) => write!(f, "toggle {row}"),
            Self::Move(row, to) => write!(f, "move {row} {to}"),
            Self::Tag(row, tag) => write!(f, "tag {row} {tag}"),
            Self::Untag(row, tag) => write!(f, "untag {row} {tag}"),
            Self::Set(row, value) => write!(f, "set {row} {value}"),
        }
    }
}

impl FromStr for Mutation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is no change: {why}");
        let place = |word: &str, levels: std::ops::RangeInclusive<u32>| {
            let place: Place = word.parse().map_err(|error: String| wrong(&error))?;
            if levels.contains(&place.level) {
                Ok(place)
            } else {
                Err(wrong(&format!("a row of the levels {} to {} is due", levels.start(), levels.end())))
            }
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["toggle", row] => Ok(Self::Toggle(place(row, 1..=3)?)),
            ["move", row, to] => {
                let row = place(row, 2..=4)?;
                Ok(Self::Move(row, place(to, row.level - 1..=row.level - 1)?))
            }
            ["tag", row, tag] => Ok(Self::Tag(place(row, 1..=3)?, (*tag).into())),
            ["untag", row, tag] => Ok(Self::Untag(place(row, 1..=3)?, (*tag).into())),
            ["set", row, value] => Ok(Self::Set(place(row, 4..=4)?, (*value).into())),
            _ => Err(wrong("write toggle l2-1, move l3-2 l2-1, tag l2-1 alpha, untag l2-1 alpha or set l4-3 v07")),
        }
    }
}
