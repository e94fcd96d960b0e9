//! What `promote --test=plan` prints, as its users have it: compiled and run.

mod plan;

use sexton::harness::Configured;
use sexton::systems::session::Session;

/// The session manager that decorates blindly.
fn your_system() -> Session {
    let policy = toml::from_str("decorate_write = 'upsert'\nterminate_write = 'by_record'").expect("a policy");
    let (topology, workload) = (toml::from_str("").expect("all defaults"), toml::from_str("").expect("all defaults"));
    Session::configure(policy, topology, workload).expect("they fit together")
}
