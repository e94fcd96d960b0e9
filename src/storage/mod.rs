//! Typed clients that the systems use; they report their accesses.
