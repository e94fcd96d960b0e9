//! From the text of a scenario to an [`Experiment`]: everything in it is checked against its system, nothing is guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use toml::{Spanned, Table, Value};

use super::checks::{self, Wrong};
use super::error::{FileError, Source};
use super::expect;
use super::experiment::{Bound, Digest, Sizes, Title, USUAL_SEEDS};
use super::sheet::{DecisionSheet, Frame, HoldSheet, LimitsSheet, Sheet, Span, StepSheet, StrikeSheet, Tables};
use super::{Expect, Experiment};
use crate::harness::{Configured, Decision, Engine, Hold, Limits, Part, Plan, Step, Strike};

type TablesOf<S> = Tables<<S as Configured>::Policy, <S as Configured>::Topology, <S as Configured>::Workload>;

/// Binds the scenario `name` to its system, once as it is written and once hardened.
pub(super) fn bind<S: Configured>(source: &Source, name: &str) -> Result<Arc<dyn Experiment>, FileError> {
    bind_sized::<S>(source, name, &[])
}

/// Binds it with sizes that differ from those in the file; whatever names it stays as it is in the file.
fn bind_sized<S: Configured>(
    found: &Source,
    name: &str,
    sizes: &[(String, u64)],
) -> Result<Arc<dyn Experiment>, FileError> {
    let as_found: Table = toml::from_str(&found.text).map_err(|error| found.complain(&error))?;
    let (source, written) =
        if sizes.is_empty() { (found.clone(), as_found.clone()) } else { resized(found, &as_found, sizes) };
    let (tables, frame) = read::<S>(&source)?;
    let (spare, _) = read::<S>(&source)?;
    let all = integers(&tables.topology);
    let system = configure::<S>(&source, &frame, tables)?;
    let plan = plan(&source, &frame, &system)?;
    let expect = expectation(&source, &frame, &system)?;
    let title = Title {
        name: name.into(),
        about: frame.about.clone(),
        defect: frame.defect.clone(),
        expect,
        seeds: frame.seeds.map_or(USUAL_SEEDS, NonZeroU64::get),
        settings: settings(&written),
        digest: digest(as_found.clone()),
    };

    let sized = |hardened: bool| {
        let (found, name) = (found.clone(), name.to_owned());
        let resize = move |sizes: &[(String, u64)]| {
            let experiment = bind_sized::<S>(&found, &name, sizes)?;
            Ok(if hardened { experiment.hardened().unwrap_or(experiment) } else { experiment })
        };
        Some(Sizes { all: all.clone(), resize: Arc::new(resize) })
    };
    let hardened = Bound {
        system: configure::<S>(&source, &frame, Tables { policy: S::Policy::default(), ..spare })?,
        plan: Plan { allow: Vec::new(), ..plan.clone() },
        title: harden(&title, written, as_found),
        hardened: None,
        sizes: sized(true),
    };
    Ok(Arc::new(Bound { system, plan, title, hardened: Some(Arc::new(hardened)), sizes: sized(false) }))
}

/// The file with other sizes in its `[topology]`.
fn resized(found: &Source, as_found: &Table, sizes: &[(String, u64)]) -> (Source, Table) {
    let mut written = as_found.clone();
    let topology = written.entry("topology").or_insert_with(|| Table::new().into());
    if let Value::Table(topology) = topology {
        for (name, size) in sizes {
            // What is too large for TOML is too large for every size that a file can name.
            topology.insert(name.clone(), i64::try_from(*size).unwrap_or(i64::MAX).into());
        }
    }
    (Source { path: found.path.clone(), text: written.to_string() }, written)
}

/// The whole numbers of a table, those that it has by default included.
fn integers(table: &impl Serialize) -> Vec<(String, u64)> {
    let Ok(table) = Table::try_from(table) else { return Vec::new() };
    let size = |(name, value): (String, Value)| Some((name, u64::try_from(value.as_integer()?).ok()?));
    table.into_iter().filter_map(size).collect()
}

/// The title of the hardened form beside a scenario.
fn harden(title: &Title, mut written: Table, mut as_found: Table) -> Title {
    for table in [&mut written, &mut as_found] {
        table.remove("policy");
        table.remove("allow");
    }
    Title {
        name: format!("{} (hardened)", title.name),
        defect: None,
        expect: Expect::Holds,
        settings: settings(&written),
        digest: digest(as_found),
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
    checks::expect(system, &expect)
        .map_err(|wrong| source.refuse(frame.expect.span(), wrong.message, "not known", wrong.help))?;
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
    let checked = |span: Range<usize>, label: &str, checked: Result<(), Wrong>| {
        checked.map_err(|wrong| source.refuse(span, wrong.message, label, wrong.help))
    };
    for granted in &frame.allow {
        checked(granted.span(), "not known", checks::allowance(system, granted.get_ref()))?;
    }
    for (kind, rate) in &frame.faults {
        checked(kind.span(), "not known", checks::fault(system, kind.get_ref()))?;
        checked(rate.span(), "impossible rate", checks::rate(kind.get_ref(), *rate.get_ref()))?;
    }
    let limits = limits(source, &frame.limits)?;
    for step in &frame.steps {
        checked(step.client.span(), "not known", checks::client(system, step.client.get_ref()))?;
        checked(step.operation.span(), "cannot be performed", checks::operation(system, step.operation.get_ref()))?;
        in_time(source, &step.at, "step", "clients have stopped", &limits)?;
    }
    for hold in &frame.holds {
        checked(hold.point.span(), "not known", checks::point(system, hold.point.get_ref()))?;
        checked(hold.until.span(), "when?", checks::until(system, hold.until.get_ref()))?;
    }
    let strikes: Vec<Strike> =
        frame.strikes.iter().map(|strike| check_strike(source, system, strike, &limits)).collect::<Result<_, _>>()?;
    let mut decided = BTreeSet::new();
    for DecisionSheet { site, index, .. } in &frame.decisions {
        if !decided.insert((site.get_ref(), index)) {
            let message = format!("decision {index} of `{}` is taken twice", site.get_ref());
            return Err(source.refuse(site.span(), message, "a second time", Some("leave one of the two".into())));
        }
    }
    let step = |step: &StepSheet| Step {
        at: step.at.get_ref().0,
        client: step.client.get_ref().clone(),
        operation: step.operation.get_ref().clone(),
    };
    let hold = |hold: &HoldSheet| Hold { point: hold.point.get_ref().clone(), until: hold.until.get_ref().clone() };
    Ok(Plan {
        faults: frame.faults.iter().map(|(kind, rate)| (kind.get_ref().clone(), *rate.get_ref())).collect(),
        limits,
        steps: frame.steps.iter().map(step).collect(),
        holds: frame.holds.iter().map(hold).collect(),
        strikes,
        decisions: frame.decisions.iter().map(decision).collect(),
        allow: frame.allow.iter().map(|allowance| allowance.get_ref().clone()).collect(),
        engine: Engine::default(),
    })
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

fn in_time(source: &Source, at: &Spanned<Span>, what: &str, why: &str, limits: &Limits) -> Result<(), FileError> {
    if at.get_ref().0 < limits.chaos {
        return Ok(());
    }
    let end = humantime::format_duration(limits.chaos);
    let help = format!("chaos ends at {end}: raise it in [limits], or {what} earlier");
    Err(source.refuse(at.span(), format!("this {what} would come after {why}"), "too late", Some(help)))
}

fn check_strike<S: Configured>(
    source: &Source,
    system: &S,
    written: &StrikeSheet,
    limits: &Limits,
) -> Result<Strike, FileError> {
    let strike = Strike {
        at: written.at.get_ref().0,
        fault: written.strike.get_ref().clone(),
        lasts: written.lasts.as_ref().map(|lasts| lasts.get_ref().0),
        by: written.by.as_ref().map(|by| by.get_ref().clone()),
        magnitude: written.magnitude.as_ref().map(|magnitude| *magnitude.get_ref()),
    };
    in_time(source, &written.at, "strike", "faults have healed", limits)?;
    checks::strike(system, &strike).map_err(|misfit| {
        let span = match misfit.part {
            Part::Fault => None,
            Part::Lasts => written.lasts.as_ref().map(Spanned::span),
            Part::By => written.by.as_ref().map(Spanned::span),
            Part::Magnitude => written.magnitude.as_ref().map(Spanned::span),
        };
        let span = span.unwrap_or_else(|| written.strike.span());
        source.refuse(span, misfit.message, "cannot strike", Some(misfit.help))
    })?;
    Ok(strike)
}

fn decision(written: &DecisionSheet) -> Decision {
    Decision { site: written.site.get_ref().as_str().into(), index: written.index, value: written.value }
}

/// One line for each table or value that was written, for printing beside the seed.
fn settings(written: &Table) -> Vec<String> {
    let told = ["about", "system", "defect", "expect", "seeds"];
    written
        .iter()
        .filter(|(key, _)| !told.contains(&key.as_str()))
        .map(|(key, value)| match value {
            Value::Table(table) => format!("[{key}] {}", entries(table)),
            Value::Array(items) if ["step", "hold", "fault", "decision"].contains(&key.as_str()) => {
                format!("[[{key}]] × {}", items.len())
            }
            other => format!("{key} = {}", canonical(other)),
        })
        .collect()
}

fn entries(table: &Table) -> String {
    table.iter().map(|(key, value)| format!("{key} = {}", canonical(value))).collect::<Vec<_>>().join(", ")
}

/// The digest of what decides a run: comments, order, and words for people do not.
fn digest(mut written: Table) -> Digest {
    for told in ["about", "defect", "expect", "seeds"] {
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
