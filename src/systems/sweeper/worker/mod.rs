//! One worker: what goes on by itself. Every quarter of an hour a sweep of several passes, every hour the expirer; of all
//! workers one gets to do it.
//!
//! | activity | upstream's pass | what it does |
//! |---|---|---|
//! | `unfinished` | 1 | finishes tear-downs that were begun, 25 at a time |
//! | `failures` | 3 | deletes failed namespaces without a row after an hour; takes down deployments that have failed for six |
//! | `orphans` | 5 | deletes namespaces without a row |
//! | `stuck` | 6 | settles builds that nobody is at any more, 25 at a time |
//! | `expire` | | deletes stacks whose time is over |
//!
//! Whatever is not known is a reason to do nothing: better a namespace too many than a live one too few.

mod expire;
mod failures;
mod judgement;
mod orphans;
mod state;
mod stuck;

pub(crate) use state::Worker;
