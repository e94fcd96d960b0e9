//! What the real client finds.
