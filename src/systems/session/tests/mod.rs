//! Tests of the parts that need no world, and of the whole service outside one. In a world it is tested by its scenarios.

mod parts;
mod whole;
