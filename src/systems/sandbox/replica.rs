//! The HTTP service of one replica: routes, tenants and status codes.

/// The port that replicas listen on.
pub(crate) const PORT: u16 = 8080;
