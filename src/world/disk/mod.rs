//! Disks: the files of a host, which outlive its process.
//!
//! `contents` is one disk by itself: what there is, and what is left when power is lost. `calls` is what tasks of a host
//! do to theirs: how long that takes, and what faults do to it.

mod calls;
mod contents;
#[cfg(test)]
mod tests;

pub(crate) use calls::{Call, on_disk};
pub(super) use calls::{Disks, Trouble};
