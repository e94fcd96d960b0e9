//! Caches that the systems use.
