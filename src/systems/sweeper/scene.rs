//! What is there when all begins: stacks that have run for long, namespaces that nobody has any more, and those that are
//! none of ours.

use std::fmt::Write as _;
use std::time::Duration;

use super::row::{OWNER, PREFIX, namespace_of};
use super::sql;
use super::workload::{Identity, Topology, Workload, namespace_elsewhere, slug};
use crate::servers::cluster::{Cluster, Rollout};

const DAY: Duration = Duration::from_hours(24);
/// How old the orphan is that lies where a stack may come to be: not old enough, at first.
const RECENT: Duration = Duration::from_mins(50);

/// Puts namespaces into the cluster, and returns the statements that put rows into the database.
pub(super) fn set(cluster: &Cluster, topology: &Topology, workload: &Workload) -> String {
    let mut rows = sql::SCHEMA.to_owned();
    for stack in 1..=topology.running {
        let slug = slug(stack, workload.identity);
        let id = match workload.identity {
            Identity::Apart => format!("{:08x}-1111-4111-8111-{stack:012x}", stack.wrapping_mul(0x85eb_ca6b)),
            Identity::Alike => slug.clone(),
        };
        let (namespace, tier, expires) = match stack % 4 {
            1 => (namespace_elsewhere(stack, workload.identity), "paid", "NULL".to_owned()),
            3 => (namespace_of(&slug), "paid", "NULL".to_owned()),
            _ => (namespace_of(&slug), "anonymous", format!("now() + interval '{} minutes'", 14 + stack)),
        };
        cluster.preload(&namespace, &[(OWNER, &id)], Rollout::Running, DAY * 2);
        let _ = write!(
            rows,
            ";\nINSERT INTO stacks (id, slug, namespace, status, tier, expires_at, created_at, updated_at) \
             VALUES ('{id}', '{slug}', '{namespace}', 'healthy', '{tier}', {expires}, now(), now())"
        );
    }
    for orphan in 0..topology.orphans {
        let owner = format!("{orphan:08x}-2222-4222-8222-{orphan:012x}");
        match orphan {
            // Of a stack that clients may make anew.
            1 => {
                let name = namespace_of(&slug(workload.stacks, workload.identity));
                cluster.preload(&name, &[(OWNER, &owner)], Rollout::Running, RECENT);
            }
            _ => {
                let name = format!("{PREFIX}lost-{orphan}");
                let deployment = if orphan == 2 { Rollout::Failed } else { Rollout::Running };
                cluster.preload(&name, &[(OWNER, &owner)], deployment, DAY * 3);
            }
        }
    }
    for foreign in ["default", "kube-system", "instant-stacks", PREFIX] {
        cluster.preload(foreign, &[], Rollout::Absent, DAY * 100);
    }
    rows
}
