//! Histories made by hand: for each invariant one that breaks it and some that barely do not.

mod case;
mod ending;
mod identity;
mod latency;
mod record;
mod refusals;
mod resources;
