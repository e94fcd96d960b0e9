//! Tables, columns, rows, and what is there from the start.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The tables, as the database is told of them.
pub const SCHEMA: &str = "
    CREATE TABLE level_1 (id text PRIMARY KEY, active boolean NOT NULL);
    CREATE TABLE level_2 (id text PRIMARY KEY, level_1_id text NOT NULL REFERENCES level_1, active boolean NOT NULL);
    CREATE TABLE level_3 (id text PRIMARY KEY, level_2_id text NOT NULL REFERENCES level_2, active boolean NOT NULL);
    CREATE TABLE level_4 (id text PRIMARY KEY, level_3_id text NOT NULL REFERENCES level_3, value text NOT NULL);
    CREATE TABLE level_1_tags (level_1_id text NOT NULL REFERENCES level_1, tag text NOT NULL, PRIMARY KEY (level_1_id, tag));
    CREATE TABLE level_2_tags (level_2_id text NOT NULL REFERENCES level_2, tag text NOT NULL, PRIMARY KEY (level_2_id, tag));
    CREATE TABLE level_3_tags (level_3_id text NOT NULL REFERENCES level_3, tag text NOT NULL, PRIMARY KEY (level_3_id, tag))";

/// A table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// `level_1`, the root of all.
    Level1,
    /// `level_2`.
    Level2,
    /// `level_3`.
    Level3,
    /// `level_4`, the leaves.
    Level4,
    /// `level_1_tags`.
    Tags1,
    /// `level_2_tags`.
    Tags2,
    /// `level_3_tags`.
    Tags3,
}

impl Table {
    /// All of them; each comes after those that it refers to.
    pub const ALL: [Self; 7] =
        [Self::Level1, Self::Level2, Self::Level3, Self::Level4, Self::Tags1, Self::Tags2, Self::Tags3];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Level1 => "level_1",
            Self::Level2 => "level_2",
            Self::Level3 => "level_3",
            Self::Level4 => "level_4",
            Self::Tags1 => "level_1_tags",
            Self::Tags2 => "level_2_tags",
            Self::Tags3 => "level_3_tags",
        }
    }

    /// The table of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The table of a level from 1 to 4.
    ///
    /// # Panics
    /// When there is no such level.
    pub fn level(level: u32) -> Self {
        [Self::Level1, Self::Level2, Self::Level3, Self::Level4][level as usize - 1]
    }

    /// The table of the tags of a level from 1 to 3.
    ///
    /// # Panics
    /// When a level has no tags.
    pub fn tags(level: u32) -> Self {
        [Self::Tags1, Self::Tags2, Self::Tags3][level as usize - 1]
    }

    /// Its columns, in order.
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Level1 => &[Column::Id, Column::Active],
            Self::Level2 => &[Column::Id, Column::Level1Id, Column::Active],
            Self::Level3 => &[Column::Id, Column::Level2Id, Column::Active],
            Self::Level4 => &[Column::Id, Column::Level3Id, Column::Value],
            Self::Tags1 => &[Column::Level1Id, Column::Tag],
            Self::Tags2 => &[Column::Level2Id, Column::Tag],
            Self::Tags3 => &[Column::Level3Id, Column::Tag],
        }
    }

    /// The columns of its primary key.
    pub const fn key(self) -> &'static [Column] {
        match self {
            Self::Level1 | Self::Level2 | Self::Level3 | Self::Level4 => &[Column::Id],
            Self::Tags1 | Self::Tags2 | Self::Tags3 => self.columns(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A column. What it holds is text, or a truth value in `active`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// The key of a level's row.
    Id,
    /// Which row of level 1 it belongs to.
    #[serde(rename = "level_1_id")]
    Level1Id,
    /// Which row of level 2 it belongs to.
    #[serde(rename = "level_2_id")]
    Level2Id,
    /// Which row of level 3 it belongs to.
    #[serde(rename = "level_3_id")]
    Level3Id,
    /// Whether it counts.
    Active,
    /// The value of a leaf.
    Value,
    /// A tag.
    Tag,
}

impl Column {
    const ALL: [Self; 7] =
        [Self::Id, Self::Level1Id, Self::Level2Id, Self::Level3Id, Self::Active, Self::Value, Self::Tag];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Level1Id => "level_1_id",
            Self::Level2Id => "level_2_id",
            Self::Level3Id => "level_3_id",
            Self::Active => "active",
            Self::Value => "value",
            Self::Tag => "tag",
        }
    }

    /// The column of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }

    /// Whether it holds truth values.
    pub(super) const fn is_truth(self) -> bool {
        matches!(self, Self::Active)
    }

    /// Which row of a level from 1 to 3 something belongs to.
    ///
    /// # Panics
    /// When nothing belongs to a row of that level.
    pub fn parent(level: u32) -> Self {
        [Self::Level1Id, Self::Level2Id, Self::Level3Id][level as usize - 1]
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A row: what each column holds, truth values as `true` and `false`.
///
/// As JSON it is an object of texts; read back, it may hold truth values as such.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Row(BTreeMap<Column, Cell>);

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(from = "Loose")]
struct Cell(Arc<str>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Text(Arc<str>),
    Truth(bool),
}

impl From<Loose> for Cell {
    fn from(loose: Loose) -> Self {
        match loose {
            Loose::Text(text) => Self(text),
            Loose::Truth(true) => Self("true".into()),
            Loose::Truth(false) => Self("false".into()),
        }
    }
}

impl Row {
    /// Of these columns.
    pub fn of<const N: usize>(cells: [(Column, &str); N]) -> Self {
        Self(cells.into_iter().map(|(column, text)| (column, Cell(text.into()))).collect())
    }

    /// Reads a row from a JSON object of its columns; `None`: this is none.
    pub fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// What a column holds; empty where the row has no such column.
    pub fn text(&self, column: Column) -> &str {
        self.0.get(&column).map_or("", |cell| &cell.0)
    }

    /// The same, shared.
    pub fn shared(&self, column: Column) -> Arc<str> {
        self.0.get(&column).map(|cell| cell.0.clone()).unwrap_or_default()
    }

    /// Changes what a column holds.
    pub fn set(&mut self, column: Column, text: Arc<str>) {
        self.0.insert(column, Cell(text));
    }

    /// All columns, with what they hold.
    pub fn cells(&self) -> impl Iterator<Item = (Column, &Arc<str>)> {
        self.0.iter().map(|(column, cell)| (*column, &cell.0))
    }

    /// Its primary key as a row of this table; the parts of a longer key are joined by `/`.
    pub fn key(&self, table: Table) -> String {
        let parts: Vec<&str> = table.key().iter().map(|column| self.text(*column)).collect();
        parts.join("/")
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells: Vec<&str> = self.0.values().map(|cell| &*cell.0).collect();
        f.write_str(&cells.join(" "))
    }
}

/// How many rows there are. Their number stays: they are changed, and only tags come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Rows of each of the levels 1 to 3.
    pub parents: u32,
    /// Rows of level 4.
    pub leaves: u32,
}

impl Sizes {
    /// How many rows a level from 1 to 4 has.
    pub fn of(self, level: u32) -> u32 {
        if level < 4 { self.parents } else { self.leaves }
    }
}

/// The id of a row of a level, both from 1: `l3-2`.
pub fn id_of(level: u32, number: u32) -> String {
    format!("l{level}-{number}")
}

/// Different values that a leaf may have.
pub(super) const VALUES: u32 = 20;
/// Different tags.
pub(super) const TAGS: [&str; 3] = ["alpha", "beta", "gamma"];

/// A leaf's value, from 1 to [`VALUES`]; as many digits for each, so that text compares as numbers do.
pub(super) fn value(number: u32) -> String {
    format!("v{number:02}")
}
