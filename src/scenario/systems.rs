//! The systems that a scenario file may name.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::error::{FileError, Source};
use super::sheet::Head;
use super::{Experiment, bind};
use crate::harness::Configured;
use crate::systems::reconciler::Reconciler;
use crate::systems::sandbox::Sandbox;
use crate::systems::session::Session;
use crate::systems::shapes::Shapes;
use crate::systems::sweeper::Sweeper;

pub(crate) type Loader = fn(&Source, &str) -> Result<Arc<dyn Experiment>, FileError>;

/// The systems that a scenario file may name, by name.
///
/// ```
/// use std::path::Path;
/// use sexton::scenario::Systems;
///
/// let refused = Systems::none().parse("system = 'ghost'", Path::new("a.toml"), "a").err();
/// assert_eq!(refused.map(|error| error.to_string()).as_deref(), Some("a.toml:1:10: unknown system `ghost`"));
/// ```
#[derive(Clone, Default)]
pub struct Systems(BTreeMap<String, Loader>);

impl Systems {
    /// None at all: a stranger's command line starts here.
    pub fn none() -> Self {
        Self::default()
    }

    /// The systems of this crate.
    pub fn builtin() -> Self {
        Self::none()
            .with::<Reconciler>("reconciler")
            .with::<Sandbox>("sandbox")
            .with::<Session>("session")
            .with::<Shapes>("shapes")
            .with::<Sweeper>("sweeper")
    }

    /// Adds a system under the name that its scenario files use.
    #[must_use]
    pub fn with<S: Configured>(mut self, name: &str) -> Self {
        self.0.insert(name.into(), bind::bind::<S>);
        self
    }

    /// Adds a system whose experiments are made up.
    #[cfg(test)]
    pub(crate) fn with_loader(mut self, name: &str, loader: Loader) -> Self {
        self.0.insert(name.into(), loader);
        self
    }

    /// All names, in order.
    pub fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// Reads the scenario file at `path` under the name `name`.
    ///
    /// # Errors
    /// When the file is not there, or anything in it is not accepted.
    pub fn load(&self, path: &Path, name: &str) -> Result<Arc<dyn Experiment>, FileError> {
        self.bind(&Source::read(path, "a scenario names its `about`, `system` and `expect`")?, name)
    }

    /// Reads a scenario from text; `path` is what errors call it.
    ///
    /// # Errors
    /// When anything in it is not accepted.
    pub fn parse(&self, text: &str, path: &Path, name: &str) -> Result<Arc<dyn Experiment>, FileError> {
        let source = Source { path: path.into(), text: text.into() };
        self.bind(&source.filled("a scenario names its `about`, `system` and `expect`")?, name)
    }

    fn bind(&self, source: &Source, name: &str) -> Result<Arc<dyn Experiment>, FileError> {
        let head: Head = toml::from_str(&source.text).map_err(|error| source.complain(&error))?;
        let system = head.system.get_ref();
        match self.0.get(system) {
            Some(loader) => loader(source, name),
            None => Err(source.unknown(head.system.span(), "system", system, self.0.keys().map(String::as_str))),
        }
    }
}

impl fmt::Debug for Systems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
