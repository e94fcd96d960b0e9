//! The integration tests, one module per subject.

mod redis_conformance;
