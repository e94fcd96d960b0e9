//! From the text of a scenario to an [`Experiment`]: everything in it is checked against its system, nothing is guessed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use toml::{Spanned, Table, Value};

use super::error::{FileError, Source};
use super::expect::{self, HARNESS_INVARIANTS};
use super::experiment::{Bound, Digest, Title};
use super::nearest::instead;
use super::sheet::{Frame, HoldSheet, LimitsSheet, Sheet, Span, StepSheet, Tables};
use super::{Expect, Experiment, faults};
use crate::harness::{Configured, Hold, Limits, Plan, Step};

type TablesOf<S> = Tables<<S as Configured>::Policy, <S as Configured>::Topology, <S as Configured>::Workload>;

/// Binds the scenario `name` to its system, once as it is written and once hardened.
pub(super) fn bind<S: Configured>(source: &Source, name: &str) -> Result<Arc<dyn Experiment>, FileError> {
    let written: Table = toml::from_str(&source.text).map_err(|error| source.complain(&error))?;
    let (tables, frame) = read::<S>(source)?;
    let (spare, _) = read::<S>(source)?;
    let system = configure::<S>(source, &frame, tables)?;
    let plan = plan(source, &frame, &system)?;
    let expect = expectation(source, &frame, &system)?;
    let title = Title {
        name: name.into(),
        about: frame.about.clone(),
        defect: frame.defect.clone(),
        expect,
        settings: settings(&written),
        digest: digest(written.clone()),
    };

    let hardened = Bound {
        system: configure::<S>(source, &frame, Tables { policy: S::Policy::default(), ..spare })?,
        plan: Plan { allow: Vec::new(), ..plan.clone() },
        title: harden(&title, written),
        hardened: None,
    };
    Ok(Arc::new(Bound { system, plan, title, hardened: Some(Arc::new(hardened)) }))
}

/// The title of the hardened form beside a scenario.
fn harden(title: &Title, mut written: Table) -> Title {
    written.remove("policy");
    written.remove("allow");
    Title {
        name: format!("{} (hardened)", title.name),
        defect: None,
        expect: Expect::Holds,
        settings: settings(&written),
        digest: digest(written),
        ..title.clone()
    }
}

fn read<S: Configured>(source: &Source) -> Result<(TablesOf<S>, Frame), FileError> {
    let sheet: Sheet<S::Policy, S::Topology, S::Workload> =
        toml::from_str(&source.text).map_err(|error| source.complain(&error))?;
    Ok(sheet.split())
}

fn configure<S: Configured>(source: &Source, frame: &Frame, tables: TablesOf<S>) -> Result<S, FileError> {
    S::configure(tables.policy, tables.topology, tables.workload)
        .map_err(|message| source.refuse(frame.system.span(), message, "refused by this system", None))
}

fn expectation<S: Configured>(source: &Source, frame: &Frame, system: &S) -> Result<Expect, FileError> {
    let expect = expect::read(frame.expect.get_ref())
        .map_err(|wrong| source.refuse(frame.expect.span(), wrong.message, "expected here", Some(wrong.help)))?;
    if let Expect::Violates(names) = &expect {
        let invariants = system.invariants();
        let known: Vec<&str> =
            invariants.iter().map(|invariant| invariant.name()).chain(HARNESS_INVARIANTS.iter().copied()).collect();
        if let Some(stranger) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(source.unknown(frame.expect.span(), "invariant", stranger, known.iter().copied()));
        }
    }
    Ok(expect)
}

fn plan<S: Configured>(source: &Source, frame: &Frame, system: &S) -> Result<Plan, FileError> {
    let load = system.load();
    if load.clients == 0 {
        let message = "no client would do anything";
        return Err(source.refuse(
            frame.system.span(),
            message,
            "has no clients",
            Some("give it one client or more".into()),
        ));
    }
    if load.operations == 0 && frame.steps.is_empty() {
        let help = Some("give it operations in [workload], or script some with [[step]]".into());
        return Err(source.refuse(frame.system.span(), "no operation would be performed", "has nothing to do", help));
    }
    for allowance in &frame.allow {
        if !system.allowances().contains(&allowance.get_ref().as_str()) {
            let known = system.allowances().iter().copied();
            return Err(source.unknown(allowance.span(), "allowance", allowance.get_ref(), known));
        }
    }
    let limits = limits(source, &frame.limits)?;
    Ok(Plan {
        faults: rates(source, &frame.faults, &faults::kinds(system))?,
        limits,
        steps: frame.steps.iter().map(|step| self::step(source, step, system, &limits)).collect::<Result<_, _>>()?,
        holds: frame.holds.iter().map(|hold| self::hold(source, hold, system)).collect::<Result<_, _>>()?,
        allow: frame.allow.iter().map(|allowance| allowance.get_ref().clone()).collect(),
    })
}

fn rates(
    source: &Source,
    written: &BTreeMap<Spanned<String>, Spanned<f64>>,
    known: &[&'static str],
) -> Result<Vec<(String, f64)>, FileError> {
    for (kind, rate) in written {
        if !known.contains(&kind.get_ref().as_str()) {
            return Err(source.unknown(kind.span(), "kind of fault", kind.get_ref(), known.iter().copied()));
        }
        if !rate.get_ref().is_finite() || *rate.get_ref() < 0.0 {
            let message = format!("`{kind}` cannot strike {} times a minute", rate.get_ref());
            let help = "write how many are expected per simulated minute: 0 or more, for example 0.5".into();
            return Err(source.refuse(rate.span(), message, "impossible rate", Some(help)));
        }
    }
    Ok(written.iter().map(|(kind, rate)| (kind.get_ref().clone(), *rate.get_ref())).collect())
}

fn limits(source: &Source, written: &LimitsSheet) -> Result<Limits, FileError> {
    let default = Limits::default();
    let duration = |name: &str, written: &Option<Spanned<Span>>, default: Duration| match written {
        Some(span) if span.get_ref().0.is_zero() => {
            let message = format!("`{name}` is zero, so there would be nothing to see");
            Err(source.refuse(span.span(), message, "too short", Some("write a duration such as \"2m\"".into())))
        }
        Some(span) => Ok(span.get_ref().0),
        None => Ok(default),
    };
    let events = match &written.events {
        Some(events) if *events.get_ref() == 0 => {
            let help = Some(format!("write how many events a run may have; the default is {}", default.events));
            return Err(source.refuse(events.span(), "no run gets by without an event", "too few", help));
        }
        Some(events) => *events.get_ref(),
        None => default.events,
    };
    Ok(Limits {
        chaos: duration("chaos", &written.chaos, default.chaos)?,
        settle: duration("settle", &written.settle, default.settle)?,
        events,
    })
}

fn step<S: Configured>(source: &Source, step: &StepSheet, system: &S, limits: &Limits) -> Result<Step, FileError> {
    let clients: Vec<String> = (1..=system.load().clients).map(|number| format!("c{number}")).collect();
    if !clients.contains(step.client.get_ref()) {
        let message = format!("there is no client `{}`", step.client);
        let help = format!("the clients here are {}", clients.join(", "));
        return Err(source.refuse(step.client.span(), message, "not known", Some(help)));
    }
    let at = step.at.get_ref().0;
    if at >= limits.chaos {
        let message = "this step would come after clients have stopped".to_owned();
        let help = format!(
            "chaos ends at {}: raise it in [limits], or step earlier",
            humantime::format_duration(limits.chaos)
        );
        return Err(source.refuse(step.at.span(), message, "too late", Some(help)));
    }
    operation(source, &step.operation, step.operation.get_ref(), system)?;
    Ok(Step { at, client: step.client.get_ref().clone(), operation: step.operation.get_ref().clone() })
}

fn hold<S: Configured>(source: &Source, hold: &HoldSheet, system: &S) -> Result<Hold, FileError> {
    let name = hold.point.get_ref().split_whitespace().next().unwrap_or_default();
    if !system.points().contains(&name) {
        return Err(source.unknown(hold.point.span(), "point", name, system.points().iter().copied()));
    }
    let until = hold.until.get_ref();
    if let Some(text) = until.strip_suffix(" starts").or_else(|| until.strip_suffix(" returns")) {
        operation(source, &hold.until, text, system)?;
    } else if humantime::parse_duration(until).is_err() {
        let help = "write `<operation> starts`, `<operation> returns`, or a duration such as `2s`".to_owned();
        let help = match until.rsplit_once(' ') {
            Some((_, last)) => match super::nearest::nearest(last, ["starts", "returns"]) {
                Some(_) => instead("ending", last, ["starts", "returns"]),
                None => help,
            },
            None => help,
        };
        return Err(source.refuse(
            hold.until.span(),
            format!("nothing is known to end at `{until}`"),
            "when?",
            Some(help),
        ));
    }
    Ok(Hold { point: hold.point.get_ref().clone(), until: until.clone() })
}

fn operation<S: Configured>(source: &Source, place: &Spanned<String>, text: &str, system: &S) -> Result<(), FileError> {
    system.parse(text).map(drop).map_err(|message| source.refuse(place.span(), message, "cannot be performed", None))
}

/// One line for each table or value that was written, for printing beside the seed.
fn settings(written: &Table) -> Vec<String> {
    let told = ["about", "system", "defect", "expect"];
    written
        .iter()
        .filter(|(key, _)| !told.contains(&key.as_str()))
        .map(|(key, value)| match value {
            Value::Table(table) => format!("[{key}] {}", entries(table)),
            Value::Array(items) if key == "step" || key == "hold" => format!("[[{key}]] × {}", items.len()),
            other => format!("{key} = {}", canonical(other)),
        })
        .collect()
}

fn entries(table: &Table) -> String {
    table.iter().map(|(key, value)| format!("{key} = {}", canonical(value))).collect::<Vec<_>>().join(", ")
}

/// The digest of what decides a run: comments, order, and words for people do not.
fn digest(mut written: Table) -> Digest {
    for told in ["about", "defect", "expect"] {
        written.remove(told);
    }
    Digest::of(&canonical(&Value::Table(written)))
}

/// A value in one line, tables in the order of their keys.
fn canonical(value: &Value) -> String {
    match value {
        Value::Table(table) => {
            let sorted: BTreeMap<&String, &Value> = table.iter().collect();
            let fields: Vec<String> =
                sorted.iter().map(|(key, value)| format!("{key} = {}", canonical(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
