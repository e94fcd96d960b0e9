//! A run as a picture over time: lanes, bars, messages, faults, windows and what broke, as one value that the page and
//! other viewers draw.

mod attribution;
mod folds;
mod head;
mod items;
mod lanes;
mod model;
mod page;
mod perfetto;
mod story;
#[cfg(test)]
mod tests;
mod whole;

pub use head::TimelineHead;
pub use model::{Beat, Broken, Item, ItemKind, Lane, LaneKind, Part, PhaseStart, Served, Timeline, WindowSpan};
