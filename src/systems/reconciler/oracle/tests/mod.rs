//! Each invariant, seen to hold and seen to fail.

mod case;
mod decisions;
mod times;
