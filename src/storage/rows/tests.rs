//! What the client of rows promises.
