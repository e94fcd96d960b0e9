//! Linearizability: whether operations that overlapped can be put in an order, each at some moment between its invocation
//! and its return, in which a plain sequential [`Model`] gives the answers that were given.
//!
//! The notion is Herlihy and Wing's (*Linearizability: a correctness condition for concurrent objects*, TOPLAS 1990). The
//! search goes back to Wing and Gong (*Testing and verifying concurrent objects*, JPDC 1993) and is Lowe's just-in-time form
//! of it (*Testing for linearizability*, Concurrency and Computation 2017): the history is read once from front to back, and
//! all states that the object may be in are kept beside the operations that have already taken effect in each, without
//! duplicates. An operation is given its place no earlier than an answer demands it. Where no state is left, the history
//! up to there is the shortest beginning that has no order. A system of independent objects is linearizable if each of them is,
//! so histories are split by key first ([`Partitions`]; Horn and Kroening, *Faster linearizability checking via
//! P-compositionality*, FORTE 2015).
//!
//! An operation whose outcome nobody saw may have taken effect at any time after its invocation, or never. Each of these
//! doubles the work at worst, so [`Limits`] bounds how many there may be, and how much is tried. What is beyond that is
//! [`Ruling::Undecided`], with the reason; it is never taken for right.
//!
//! ```
//! use sexton::oracle::Moment;
//! use sexton::oracle::linearizability::{Entry, Limits, Partitions, Register, Ruling, register};
//!
//! let at = |second| Moment { index: second as usize, at: std::time::Duration::from_secs(second) };
//! let mut partitions = Partitions::default();
//! let write = |value: &str| register::Operation::Write(value.into());
//! let read = |value: &str| Some(register::Answer::Held(Some(value.into())));
//! partitions.push("x", Entry::new("c1", write("old"), at(1), at(2), Some(register::Answer::Done)));
//! partitions.push("x", Entry::new("c1", write("new"), at(3), at(5), Some(register::Answer::Done)));
//! // While the second write is under way, either value is right; after a read of the new one, the old one is not.
//! partitions.push("x", Entry::new("c2", register::Operation::Read, at(3), at(4), read("new")));
//! partitions.push("x", Entry::new("c3", register::Operation::Read, at(5), at(6), read("old")));
//!
//! let rulings = partitions.rulings(&Register::default(), &Limits::default());
//! let [(_, entries, ruling)] = &rulings[..] else { panic!("there is one register") };
//! let Ruling::Contradiction(found) = ruling else { panic!("an old value was read after a new one") };
//! assert_eq!(found.last.at, at(6).at);
//! assert!(found.tell(entries).contains("c3: read, from 5s to 6s, was answered `old`"));
//! ```

mod contradiction;
mod model;
mod partitions;
pub mod register;
mod search;
#[cfg(test)]
mod tests;
mod ways;

pub use contradiction::Contradiction;
pub use model::{Entry, Model};
pub use partitions::Partitions;
pub use register::Register;
pub use search::{Limits, Ruling, Undecided, decide};
