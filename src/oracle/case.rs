//! Cases: runs made by hand, for tests of oracles, and what the invariants make of them. How what happens in one is told
//! is up to the tests of each system.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use super::story::{Story, seconds};
use crate::harness::{
    ActivityId, Deployment, Draw, Findings, Invariant, Load, Observed, Record, System, Violation, What,
};

/// What a system has for operations and outcomes.
pub(crate) trait Told: Clone + Debug + Display + Send + 'static {}

impl<T: Clone + Debug + Display + Send + 'static> Told for T {}

/// A system that has operations and outcomes, and nothing else: all that an oracle may know of one.
#[derive(Clone)]
pub(crate) struct Nothing<O, R>(PhantomData<fn() -> (O, R)>);

impl<O: Told, R: Told> System for Nothing<O, R> {
    type Operation = O;
    type Outcome = R;
    type Client = ();

    fn name(&self) -> &'static str {
        "nothing"
    }
    fn load(&self) -> Load {
        Load { clients: 0, operations: 0 }
    }
    fn deploy(&self, _: &mut Deployment) {}
    fn client(&self, _: &str) {}
    fn next(&self, _: &mut Draw<'_>) -> Option<O> {
        None
    }
    async fn perform(&self, (): (), _: O) -> R {
        std::future::pending().await
    }
    fn invariants(&self) -> Vec<Box<dyn Invariant<Self>>> {
        Vec::new()
    }
}

/// What a client does in a case.
pub(crate) struct Performed<'a, O, R> {
    pub(crate) client: &'a str,
    /// The activity that it is, by name; empty: none.
    pub(crate) activity: &'a str,
    pub(crate) operation: O,
    /// When in milliseconds it was invoked.
    pub(crate) at: u64,
    /// When in milliseconds it returned, and with what; `None`: never.
    pub(crate) outcome: Option<(u64, R)>,
    pub(crate) at_rest: bool,
}

/// A run to be, whose faults heal at once and which lasts 100 seconds, unless it is told otherwise.
pub(crate) struct Case<O: Told, R: Told, K = ()> {
    story: Story,
    operations: Vec<Record<Nothing<O, R>>>,
    invariants: Vec<Box<dyn Invariant<Nothing<O, R>>>>,
    healed: Duration,
    ended: Duration,
    allowed: Vec<String>,
    /// What has to be known of what was told, to tell more of it.
    pub(crate) known: K,
}

impl<O: Told, R: Told, K> Case<O, R, K> {
    /// Of these hosts, for these invariants.
    pub(crate) fn of(hosts: &[&str], invariants: Vec<Box<dyn Invariant<Nothing<O, R>>>>, known: K) -> Self {
        Self {
            story: Story::new(hosts),
            operations: Vec::new(),
            invariants,
            healed: Duration::ZERO,
            ended: seconds(100),
            allowed: Vec::new(),
            known,
        }
    }

    /// With more of the story.
    pub(crate) fn told(mut self, tell: impl FnOnce(Story) -> Story) -> Self {
        self.story = tell(self.story);
        self
    }

    /// How many operations there are by now: the number of the next.
    pub(crate) fn operations(&self) -> usize {
        self.operations.len()
    }

    /// A client does something. To be told in the order of invocation, and before what comes of it.
    pub(crate) fn client(mut self, performed: Performed<'_, O, R>) -> Self {
        let Performed { client, activity, operation, at, outcome, at_rest } = performed;
        let id = self.operations.len() as u32;
        let text: Arc<str> = operation.to_string().into();
        let invoked = What::Invoked { operation: id, text: text.clone() };
        self.story = self.story.within(at, client, activity, invoked);
        if let Some((back, _)) = outcome {
            self.story = self.story.within(back, client, activity, What::Returned { operation: id, text });
        }
        let (returned, outcome) = outcome.map(|(back, outcome)| (Duration::from_millis(back), outcome)).unzip();
        let invoked = Duration::from_millis(at);
        // Which activity it is turns out when the story is played.
        let activity = ActivityId::default();
        self.operations.push(Record {
            id,
            client: client.into(),
            activity,
            operation,
            invoked,
            returned,
            outcome,
            at_rest,
        });
        self
    }

    /// When in seconds faults have healed.
    pub(crate) fn healed(mut self, at: u64) -> Self {
        self.healed = seconds(at);
        self
    }

    /// When in seconds the run ends.
    pub(crate) fn ended(mut self, at: u64) -> Self {
        self.ended = seconds(at);
        self
    }

    /// The scenario grants this allowance.
    pub(crate) fn allowing(mut self, allowance: &str) -> Self {
        self.allowed.push(allowance.to_owned());
        self
    }

    /// How often an invariant applied, and about what it was broken.
    fn judge(mut self, name: &str) -> (u64, Vec<String>) {
        let history = self.story.lasting(self.ended.as_millis() as u64).history();
        for operation in &mut self.operations {
            let begun = history.events().iter().find(
                |event| matches!(&event.what, What::Invoked { operation: number, .. } if *number == operation.id),
            );
            operation.activity = begun.expect("it was told").activity;
        }
        let run = Observed {
            history: &history,
            operations: &self.operations,
            healed: self.healed,
            ended: self.ended,
            allowed: &self.allowed,
        };
        let mut found = BTreeMap::new();
        for invariant in &self.invariants {
            let mut findings = Findings { invariant: invariant.name(), ..Findings::default() };
            invariant.check(&run, &mut findings);
            let about = findings.violations.into_iter().map(|Violation { about, .. }| about).collect();
            assert!(found.insert(invariant.name(), (findings.exercised, about)).is_none(), "names are given once");
        }
        found.remove(name).unwrap_or_else(|| panic!("there is no invariant `{name}`"))
    }

    /// The invariant is broken once, about this.
    #[track_caller]
    pub(crate) fn breaks(self, name: &str, about: &str) {
        assert_eq!(self.judge(name).1, [about]);
    }

    /// The invariant applies, and holds.
    #[track_caller]
    pub(crate) fn holds(self, name: &str) {
        let (exercised, broken) = self.judge(name);
        assert_eq!(broken, Vec::<String>::new());
        assert!(exercised > 0, "`{name}` does not apply to this case at all");
    }

    /// The invariant has nothing to say here.
    #[track_caller]
    pub(crate) fn passes_over(self, name: &str) {
        assert_eq!(self.judge(name), (0, Vec::new()));
    }
}
