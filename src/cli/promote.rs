//! `promote`: a shrunk failure as a scripted scenario, and as a Rust test.

use std::fs;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use miette::{IntoDiagnostic, WrapErr};

use super::args::{Promote as Args, TestForm};
use super::entry::{Desk, Status};
use super::outside;
use super::screen::{progress, write};
use super::shrink;
use crate::report::Ink;
use crate::search::{Promote, PromoteError, PromoteWatch, Promoted};

pub(super) fn promote(desk: &Desk, args: &Args) -> miette::Result<Status> {
    let (saved, experiment) = desk.read_seed(&args.file)?;
    let name = format!("promoted-{}", stem(&args.file));
    let files = Files::of(desk, args, &name, experiment.system());
    files.are_free(args.force)?;
    let saved = if saved.only_decisions { saved } else { shrink::shrunk(desk, args.jobs, &experiment, &saved)? };
    let text = desk.scenarios.text(&saved.scenario)?;
    let mut bar = Bar(progress(1, "promoting"));
    let promoted = Promote {
        experiment: &experiment,
        text: &text,
        saved: &saved,
        systems: &desk.systems,
        seeds: args.seeds,
        jobs: args.jobs.unwrap_or_else(outside::cores),
        stop: &desk.stop,
    }
    .run(&mut bar);
    bar.0.finish_and_clear();
    let promoted = match promoted {
        Err(error @ (PromoteError::Mended | PromoteError::Elusive | PromoteError::Ended)) => {
            desk.screen.complain(&error);
            desk.screen.say(format!("  {}", desk.again.replay(&args.file)));
            return Ok(Status::NotAsExpected);
        }
        other => other?,
    };
    desk.screen.say(told(desk, &promoted));
    files.write(desk, &name, &promoted)?;
    let good = promoted.grade.is_full() && promoted.complete;
    Ok(if good { Status::AsExpected } else { Status::NotAsExpected })
}

/// What goes where.
struct Files {
    /// The scenario, unless only a test of its plan is wanted.
    scenario: Option<PathBuf>,
    /// The test, if it is not to be printed.
    test: Option<PathBuf>,
    form: Option<TestForm>,
}

impl Files {
    fn of(desk: &Desk, args: &Args, name: &str, system: &str) -> Self {
        let usual = || desk.cli.dir.join(system).join(format!("{name}.toml"));
        let (scenario, test) = match args.test {
            None => (Some(args.out.clone().unwrap_or_else(usual)), None),
            Some(TestForm::File) => (Some(usual()), args.out.clone()),
            Some(TestForm::Plan) => (None, args.out.clone()),
        };
        Self { scenario, test, form: args.test }
    }

    /// Finds out before long work whether something is in the way.
    fn are_free(&self, force: bool) -> miette::Result<()> {
        for path in self.scenario.iter().chain(&self.test) {
            if path.exists() && !force {
                return Err(miette::miette!(
                    help = "write over it with --force, or name another file with --out",
                    "{}: there is such a file already",
                    path.display()
                ));
            }
        }
        Ok(())
    }

    /// Writes everything; what cannot be written is printed, so that nothing is lost.
    fn write(&self, desk: &Desk, name: &str, promoted: &Promoted) -> miette::Result<()> {
        let told = |text: &str| desk.screen.say(format!("\n{}", text.trim_end()));
        if let Some(path) = &self.scenario {
            put(path, &promoted.text).inspect_err(|_| told(&promoted.text))?;
            desk.screen.say(format!("\n{}", path.display()));
            desk.screen.say(format!("  {}", desk.again.run(&named(desk, path), 1)));
        }
        let scenario = self.scenario.clone().unwrap_or_default();
        let test = match self.form {
            None => return Ok(()),
            Some(TestForm::File) => promoted.to_test(name, &scenario),
            Some(TestForm::Plan) => promoted.to_plan_test(name),
        };
        let Some(path) = &self.test else {
            told(&test);
            return Ok(());
        };
        put(path, &test).inspect_err(|_| told(&test))?;
        desk.screen.say(format!("\n{}", path.display()));
        Ok(())
    }
}

fn put(path: &Path, text: &str) -> miette::Result<()> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::create_dir_all(directory)
            .into_diagnostic()
            .wrap_err_with(|| format!("{}: cannot be written", path.display()))?;
    }
    write(path, text)
}

/// What `run` calls the scenario at this path.
fn named(desk: &Desk, path: &Path) -> String {
    let below = path.strip_prefix(&desk.cli.dir).map(|below| below.with_extension(""));
    below.unwrap_or_else(|_| path.into()).display().to_string()
}

/// The name of a seed file, without what says that it is shrunk.
fn stem(file: &Path) -> String {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    stem.strip_suffix(".min").unwrap_or(&stem).to_owned()
}

/// How good it is, and what it says.
fn told(desk: &Desk, promoted: &Promoted) -> String {
    let Promoted { text, grade, tried, complete, plan, .. } = promoted;
    let parts = [
        (plan.steps.len(), "steps"),
        (plan.holds.len(), "holds"),
        (plan.strikes.len(), "faults"),
        (plan.decisions.len(), "exact decisions"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let first = format!("{}: {} lines, found in {tried} runs", parts.join(", "), text.lines().count());
    let mut lines = vec![desk.screen.ink(Ink::Bold, &first)];
    if !complete {
        lines.push(desk.screen.ink(Ink::Yellow, "not complete: it was ended early, and may become shorter still"));
    }
    let sure = format!(
        "fails from {} of {} seeds; hardened, it holds from {} of them",
        grade.failing, grade.seeds, grade.holding
    );
    lines.push(if grade.is_full() { sure } else { desk.screen.ink(Ink::Yellow, &sure) });
    lines.push(promoted.about.clone());
    lines.join("\n")
}

/// Shows that it goes on.
struct Bar(ProgressBar);

impl PromoteWatch for Bar {
    fn tried(&mut self, runs: u64) {
        self.0.set_message(format!("{runs} runs"));
        self.0.tick();
    }
}
