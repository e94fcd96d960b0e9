//! What may stand in a plan: the checks that a scenario file and a plan written in Rust have in common.

use super::Expect;
use super::expect::HARNESS_INVARIANTS;
use super::nearest::{instead, nearest};
use crate::harness::{Deployment, Fault, Misfit, Part, Plan, Strike, System};

/// What is wrong with a part of a plan, and what to write instead.
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Wrong {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: Some(help.into()) }
    }
}

/// Checks a plan that was written in Rust.
pub(crate) fn check_plan<S: System>(system: &S, plan: &Plan) -> Result<(), String> {
    let faults =
        plan.faults.iter().map(|(kind, per_minute)| fault(system, kind).and_then(|()| rate(kind, *per_minute)));
    let steps =
        plan.steps.iter().map(|step| client(system, &step.client).and_then(|()| operation(system, &step.operation)));
    let holds = plan.holds.iter().map(|hold| point(system, &hold.point).and_then(|()| until(system, &hold.until)));
    let strikes = plan.strikes.iter().map(|strike| {
        self::strike(system, strike).map_err(|Misfit { message, help, .. }| Wrong { message, help: Some(help) })
    });
    let allowances = plan.allow.iter().map(|granted| allowance(system, granted));
    for checked in faults.chain(steps).chain(holds).chain(strikes).chain(allowances) {
        if let Err(Wrong { message, help }) = checked {
            let help = help.map(|help| format!(": {help}")).unwrap_or_default();
            return Err(format!("the plan of `{}` is not usable: {message}{help}", system.name()));
        }
    }
    Ok(())
}

/// Checks an expectation that was written in Rust.
pub(crate) fn check_expect<S: System>(system: &S, expect: &Expect) -> Result<(), String> {
    self::expect(system, expect).map_err(|Wrong { message, help }| {
        format!("nothing of the kind can be expected of `{}`: {message}: {}", system.name(), help.unwrap_or_default())
    })
}

/// What is expected names invariants that there are.
pub(super) fn expect<S: System>(system: &S, expect: &Expect) -> Result<(), Wrong> {
    let (Expect::Violates { invariants: names, .. } | Expect::Vacuous(names)) = expect else { return Ok(()) };
    let invariants = system.invariants();
    let there = invariants.iter().map(|invariant| invariant.name()).chain(HARNESS_INVARIANTS.iter().copied());
    names.iter().try_for_each(|name| known("invariant", name, there.clone()))
}

fn known<'a>(what: &str, word: &str, known: impl Iterator<Item = &'a str> + Clone) -> Result<(), Wrong> {
    if known.clone().any(|right| right == word) {
        return Ok(());
    }
    Err(Wrong::new(format!("unknown {what} `{word}`"), instead(what, word, known)))
}

/// A kind of fault: one of every world, or one that the system's own servers know.
pub(super) fn fault<S: System>(system: &S, kind: &str) -> Result<(), Wrong> {
    known("kind of fault", kind, Fault::ALL.into_iter().map(Fault::name).chain(system.faults().iter().copied()))
}

/// How often a fault strikes.
pub(super) fn rate(kind: &str, per_minute: f64) -> Result<(), Wrong> {
    if per_minute.is_finite() && per_minute >= 0.0 {
        return Ok(());
    }
    let help = "write how many are expected per simulated minute: 0 or more, for example 0.5";
    Err(Wrong::new(format!("`{kind}` cannot strike {per_minute} times a minute"), help))
}

/// A client: they are numbered from `c1`.
pub(super) fn client<S: System>(system: &S, name: &str) -> Result<(), Wrong> {
    let clients: Vec<String> = (1..=system.load().clients).map(|number| format!("c{number}")).collect();
    if clients.iter().any(|client| client == name) {
        return Ok(());
    }
    Err(Wrong::new(format!("there is no client `{name}`"), format!("the clients here are {}", clients.join(", "))))
}

/// A scripted operation.
pub(super) fn operation<S: System>(system: &S, text: &str) -> Result<(), Wrong> {
    system.parse(text).map(drop).map_err(|message| Wrong { message, help: None })
}

/// A point, with or without what it is about.
pub(super) fn point<S: System>(system: &S, text: &str) -> Result<(), Wrong> {
    let name = text.split_whitespace().next().unwrap_or_default();
    known("point", name, system.points().iter().copied())
}

/// What ends a hold.
pub(super) fn until<S: System>(system: &S, text: &str) -> Result<(), Wrong> {
    if let Some(text) = text.strip_suffix(" starts").or_else(|| text.strip_suffix(" returns")) {
        return operation(system, text);
    }
    if humantime::parse_duration(text).is_ok() {
        return Ok(());
    }
    let endings = ["starts", "returns"];
    let last = text.rsplit(' ').next().unwrap_or_default();
    let help = match nearest(last, endings) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write `<operation> starts`, `<operation> returns`, or a duration such as `2s`".into(),
    };
    Err(Wrong::new(format!("nothing is known to end at `{text}`"), help))
}

/// A scripted fault: its kind, what it strikes, how hard.
pub(super) fn strike<S: System>(system: &S, strike: &Strike) -> Result<(), Misfit> {
    let (kind, target) = (strike.kind(), strike.target());
    if let Err(Wrong { message, help }) = fault(system, kind) {
        return Err(Misfit::new(Part::Fault, message, help.unwrap_or_default()));
    }
    strike.blow()?;
    let mut deployment = Deployment::default();
    system.deploy(&mut deployment);
    let misfit = |message: String, help: String| Err(Misfit::new(Part::Fault, message, help));
    if Fault::named(kind).is_some_and(Fault::strikes_links) {
        let Some((from, to)) = target.split_once('>') else {
            return misfit(
                format!("`{kind}` strikes a link"),
                format!("write both ends: `{kind} c1>{}`", example(&deployment)),
            );
        };
        let clients: Vec<String> = (1..=system.load().clients).map(|number| format!("c{number}")).collect();
        let names: Vec<&str> = clients.iter().map(String::as_str).chain(deployment.names()).collect();
        for end in [from, to] {
            if !names.contains(&end) {
                return misfit(format!("there is no host `{end}`"), instead("host", end, names.iter().copied()));
            }
        }
        if from == to {
            return misfit(format!("`{target}` is no link"), "name two hosts".into());
        }
        return Ok(());
    }
    let hosts = deployment.struck_by(kind);
    if hosts.contains(&target) {
        return Ok(());
    }
    let message = match target {
        "" => format!("`{kind}` strikes a host"),
        _ => format!("`{kind}` cannot strike `{target}`"),
    };
    misfit(message, instead("host", target, hosts.iter().copied()))
}

fn example(deployment: &Deployment) -> &str {
    deployment.names().last().unwrap_or("c2")
}

/// An allowance to the oracles.
pub(super) fn allowance<S: System>(system: &S, granted: &str) -> Result<(), Wrong> {
    known("allowance", granted, system.allowances().iter().copied())
}
