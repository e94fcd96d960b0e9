//! Each invariant is seen to fail.

mod case;
mod contents;
mod removals;
mod stacks;
