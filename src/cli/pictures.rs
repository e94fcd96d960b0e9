//! The pictures of a run that a command writes: a page, and a trace for other viewers.

use std::path::{Path, PathBuf};

use clap::Args;
use miette::IntoDiagnostic;

use super::entry::Desk;
use super::screen::{writable, write};
use crate::harness::{Run, RunOptions};
use crate::report::{Timeline, TimelineHead};
use crate::scenario::{Experiment, SavedSeed, Signature};

#[derive(Debug, Default, Args)]
pub(super) struct Pictures {
    /// Write the run as a page to look at in a browser
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Write the run as trace events, for Perfetto and other viewers
    #[arg(long, value_name = "FILE")]
    pub(super) perfetto: Option<PathBuf>,
}

impl Pictures {
    /// Whether any is wanted.
    pub(super) fn any(&self) -> bool {
        self.html.is_some() || self.perfetto.is_some()
    }

    /// Finds out before the run whether the pictures of it can be written at all.
    pub(super) fn writable(&self) -> miette::Result<()> {
        if self.any() && self.html == self.perfetto {
            let help = "name a file of its own for each";
            return Err(miette::miette!(help = help, "--html and --perfetto name the same file"));
        }
        writable(self.html.as_deref())?;
        writable(self.perfetto.as_deref())
    }

    /// What a run must keep for its pictures, beside what these options say. It changes nothing in the run.
    pub(super) fn options(&self, options: RunOptions) -> RunOptions {
        if self.any() { RunOptions { keep_history: true, detail: true, ..options } } else { options }
    }

    /// Writes the pictures of a run that was made with [`Pictures::options`], and says where they are.
    pub(super) fn write(&self, desk: &Desk, run: &Run, head: &TimelineHead) -> miette::Result<()> {
        if !self.any() {
            return Ok(());
        }
        let timeline = Timeline::of(run, head);
        if let Some(path) = &self.html {
            write(path, &timeline.page().into_diagnostic()?)?;
            desk.screen.say(format!("page         {}", path.display()));
        }
        if let Some(path) = &self.perfetto {
            write(path, &timeline.perfetto().to_string())?;
            desk.screen.say(format!("trace        {}", path.display()));
        }
        Ok(())
    }

    /// Refuses pictures of more than one seed file, or of none; then as [`Pictures::writable`].
    pub(super) fn wanted_of(&self, files: &[PathBuf]) -> miette::Result<()> {
        if self.any() && files.len() != 1 {
            let help = "name exactly one seed file with --html or --perfetto";
            let named =
                if files.is_empty() { "none is named".to_owned() } else { format!("{} are named", files.len()) };
            return Err(miette::miette!(help = help, "a picture shows the run of one seed file, and {named}"));
        }
        self.writable()
    }

    /// Runs a seed file once more and writes its pictures.
    pub(super) fn write_seed(&self, desk: &Desk, file: &Path) -> miette::Result<()> {
        if !self.any() {
            return Ok(());
        }
        let saved = SavedSeed::read(file, None)?;
        let experiment = saved.experiment(&desk.scenarios.find_one(&saved.scenario)?)?;
        let run = experiment.run(saved.seed, &self.options(saved.options()));
        self.write_failure(desk, &*experiment, &run, &saved.signature, desk.again.replay(file))
    }

    /// Writes the pictures of a run that is shown for this failure; `again` is the line that runs it again.
    pub(super) fn write_failure(
        &self,
        desk: &Desk,
        experiment: &dyn Experiment,
        run: &Run,
        signature: &Signature,
        again: String,
    ) -> miette::Result<()> {
        self.write(desk, run, &TimelineHead::of(experiment, again).shown_for(signature))
    }
}
