//! The faults of a server's own, by name.

use super::host::Postgres;
use crate::servers::seconds;

/// The faults of a database's own: all connections end, one breaks, writes are refused, no connection is granted.
pub const FAULTS: [&str; 4] = ["terminate_backends", "lose_connection", "read_only", "too_many"];

impl Postgres {
    /// A fault of its own strikes; one that lasts does so for so many seconds at most. Returns what it did, in words;
    /// `None`: it has no such fault.
    pub fn strike(&self, fault: &str, magnitude: u64, longest: u64) -> Option<String> {
        Some(match fault {
            "terminate_backends" => self.terminate_backends(),
            "lose_connection" => self.lose_connection(magnitude),
            "read_only" => self.read_only(seconds(magnitude, longest)),
            "too_many" => self.too_many(seconds(magnitude, longest)),
            _ => return None,
        })
    }
}
