//! What the faults of a plan may strike in what a system has put into the world.

use crate::harness::deployment::CLIENT;
use crate::harness::{Deployment, Strike};
use crate::world::nemesis::{Fault, Plague, Scripted, Target};
use crate::world::{HostId, World};

/// A kind of fault with everything it may strike.
pub(super) fn plague(kind: &str, per_minute: f64, deployment: &Deployment, roles: &[(HostId, &'static str)]) -> Plague {
    let fault = Fault::named(kind);
    let mut targets = Vec::new();
    match fault {
        Some(fault) if fault.strikes_links() => {
            for (from, from_role) in roles {
                for (to, to_role) in roles {
                    // Unless told, anyone may send requests to any host but a client.
                    let linked = if deployment.links.is_empty() {
                        from != to && *to_role != CLIENT
                    } else {
                        from != to && deployment.links.contains(&(from_role, to_role))
                    };
                    if linked {
                        targets.push(Target::Link(*from, *to));
                    }
                }
            }
        }
        Some(fault) => {
            for (host, (id, _)) in deployment.hosts.iter().zip(roles) {
                if !host.immune.contains(&fault) {
                    targets.push(Target::Host(*id));
                }
            }
        }
        None => {
            for (host, (id, _)) in deployment.hosts.iter().zip(roles) {
                for (own, strike) in &host.faults {
                    if *own == kind {
                        targets.push(Target::Own(*id, strike.clone()));
                    }
                }
            }
        }
    }
    Plague { kind: kind.into(), per_minute, targets }
}

/// A scripted fault with what it strikes. One that does not make sense is refused where a plan is read.
pub(super) fn scripted(strike: &Strike, deployment: &Deployment, world: &World) -> Option<Scripted> {
    let (kind, name) = (strike.kind(), strike.target());
    let target = match (Fault::named(kind), name.split_once('>')) {
        (Some(_), Some((from, to))) => Target::Link(world.host(from)?, world.host(to)?),
        (Some(_), None) => Target::Host(world.host(name)?),
        (None, _) => {
            let host = deployment.hosts.iter().find(|host| host.name == name)?;
            let (_, own) = host.faults.iter().find(|(own, _)| *own == kind)?;
            Target::Own(world.host(name)?, own.clone())
        }
    };
    Some(Scripted { at: strike.at, kind: kind.into(), target, blow: strike.blow().ok()? })
}
