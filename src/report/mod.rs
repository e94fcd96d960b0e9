//! What people and machines see: the story of a run, its diagram, tables, JSON, `JUnit`. Both come from one value.
//!
//! Nothing here prints.

mod actors;
mod again;
mod alteration;
mod brief;
mod diagram;
mod explanation;
mod json;
mod junit;
mod line;
mod paint;
mod prose;
mod story;
mod table;
mod timeline;

pub use again::Again;
pub use diagram::{Diagram, Scope};
pub(crate) use explanation::explanation;
pub(crate) use json::verdict_word;
pub use json::{CatalogueJson, DefectJson, DeterminismJson, DifferenceJson, FuzzJson, ScenarioJson, SignatureJson};
pub use junit::junit;
pub use line::{Line, Sort, lines};
pub(crate) use paint::{Ink, Paint};
pub(crate) use prose::wrapped;
pub use story::Story;
pub(crate) use table::{catalogue_table, fuzz_table};
pub use timeline::{
    Beat, Broken, Item, ItemKind, Lane, LaneKind, Part, PhaseStart, Served, Timeline, TimelineHead, WindowSpan,
};
