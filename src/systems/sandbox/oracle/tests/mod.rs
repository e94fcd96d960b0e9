//! Histories made by hand: for each invariant one that breaks it and some that barely do not.

mod case;
mod content;
mod existence;
mod letting_go;
mod promises;
mod structure;
