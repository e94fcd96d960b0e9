//! A small system for tests of what stands around systems: lamps, which people light and douse.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sexton::harness::{Configured, Deployment, Draw, Findings, Host, Invariant, Load, Observed, System};
use sexton::scenario::Systems;

#[derive(Clone, Debug)]
pub(crate) struct Lamps {
    policy: Policy,
    topology: Topology,
    workload: Workload,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Policy {
    wick: Wick,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Wick {
    #[default]
    Trimmed,
    Frayed,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Topology {
    clients: u32,
    lamps: u32,
}

impl Default for Topology {
    fn default() -> Self {
        Self { clients: 4, lamps: 2 }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Workload {
    operations: u32,
    mix: Mix,
}

impl Default for Workload {
    fn default() -> Self {
        Self { operations: 20, mix: Mix::default() }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mix {
    light: u32,
    douse: u32,
}

impl Default for Mix {
    fn default() -> Self {
        Self { light: 1, douse: 1 }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Turn {
    light: bool,
    lamp: u64,
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} l{}", if self.light { "light" } else { "douse" }, self.lamp)
    }
}

struct NoFire;

impl Invariant<Lamps> for NoFire {
    fn name(&self) -> &'static str {
        "no-fire"
    }
    fn about(&self) -> &'static str {
        "no lamp is lit twice in a row"
    }
    fn check(&self, run: &Observed<'_, Lamps>, findings: &mut Findings) {
        for record in run.operations {
            findings.exercised();
            if record.operation.light && record.outcome == Some(false) {
                findings.violate(record.invoked, "lamp", format!("{} set the house on fire", record.operation));
            }
        }
    }
}

impl Lamps {
    /// Lamps that are safe.
    pub(crate) fn trimmed() -> Self {
        let (policy, topology, workload) = (Policy::default(), Topology::default(), Workload::default());
        Self { policy, topology, workload }
    }

    /// Lamps that set the house on fire.
    pub(crate) fn frayed() -> Self {
        Self { policy: Policy { wick: Wick::Frayed }, ..Self::trimmed() }
    }
}

impl System for Lamps {
    type Operation = Turn;
    type Outcome = bool;
    type Client = ();

    fn name(&self) -> &'static str {
        "lamps"
    }
    fn load(&self) -> Load {
        Load { clients: self.topology.clients, operations: self.workload.operations }
    }
    fn deploy(&self, plan: &mut Deployment) {
        for lamp in 1..=self.topology.lamps {
            plan.host(
                Host::new(format!("lamp-{lamp}"), "lamp", std::future::pending)
                    .fault("gust", |strength| format!("a gust of {strength}")),
            );
        }
    }
    fn client(&self, _: &str) {}
    fn next(&self, draw: &mut Draw<'_>) -> Option<Turn> {
        let kind = draw.weighted("kind", &[self.workload.mix.light, self.workload.mix.douse])?;
        Some(Turn { light: kind == 0, lamp: 1 + draw.below("lamp", u64::from(self.topology.lamps)) })
    }
    async fn perform(&self, (): (), turn: Turn) -> bool {
        sexton::runtime::time::sleep(Duration::from_millis(700)).await;
        !turn.light || self.policy.wick == Wick::Trimmed
    }
    fn invariants(&self) -> Vec<Box<dyn Invariant<Self>>> {
        vec![Box::new(NoFire)]
    }
    fn parse(&self, text: &str) -> Result<Turn, String> {
        let (verb, lamp) = text.split_once(' ').ok_or_else(|| format!("`{text}` is not a turn such as `light l1`"))?;
        let light = match verb {
            "light" => true,
            "douse" => false,
            other => return Err(format!("nobody can `{other}` a lamp: `light` or `douse` it")),
        };
        let lamp = lamp.strip_prefix('l').and_then(|number| number.parse().ok());
        lamp.map(|lamp| Turn { light, lamp }).ok_or_else(|| format!("`{text}` names no lamp such as `l1`"))
    }
    fn faults(&self) -> &'static [&'static str] {
        &["gust"]
    }
    fn points(&self) -> &'static [&'static str] {
        &["lamps.light.checked", "lamps.douse.checked"]
    }
    fn allowances(&self) -> &'static [&'static str] {
        &["smoke"]
    }
}

impl Configured for Lamps {
    type Policy = Policy;
    type Topology = Topology;
    type Workload = Workload;

    fn configure(policy: Policy, topology: Topology, workload: Workload) -> Result<Self, String> {
        if workload.mix.light + workload.mix.douse == 0 {
            return Err("all weights of `workload.mix` are zero: give one of them a weight".into());
        }
        Ok(Self { policy, topology, workload })
    }
}

/// The registry with only this system.
pub(crate) fn systems() -> Systems {
    Systems::none().with::<Lamps>("lamps")
}
