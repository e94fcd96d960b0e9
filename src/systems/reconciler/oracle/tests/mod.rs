//! Each invariant, seen to hold and seen to fail.
