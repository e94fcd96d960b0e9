//! Each invariant is seen to hold, and to be broken.

mod case;
mod deletions;
mod passes;
mod times;
