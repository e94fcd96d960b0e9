//! One process of the API: stacks are made, brought in from elsewhere, extended, claimed, shown and deleted.

mod build;
mod requests;
mod show;
mod state;

pub(crate) use requests::Creation;
pub(crate) use state::{Api, Refusal};
