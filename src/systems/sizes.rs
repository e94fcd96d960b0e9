//! Which numbers a scenario may give.

use std::ops::RangeInclusive;

/// What is said of a mix of operations of which none ever occurs.
pub(super) const NO_WEIGHT: &str = "every weight in `mix` is 0: give at least one operation a weight";

/// Refuses a number out of bounds, under its name in the scenario.
pub(super) fn within(name: &str, value: u32, bounds: RangeInclusive<u32>) -> Result<(), String> {
    let (least, most) = bounds.into_inner();
    if (least..=most).contains(&value) { Ok(()) } else { Err(format!("`{name}` is {value}: give {least} to {most}")) }
}
