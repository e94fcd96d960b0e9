//! The states that the database has had, and what queries select of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::oracle::Moment;
use crate::systems::shapes::query::{Query, Row, Table, Tables};

/// Rows by primary key.
pub(super) type Rows = BTreeMap<Arc<str>, Row>;

/// What each state has of a query, by number.
pub(super) type Selected = Rc<[Rc<Rows>]>;

/// The states that the database has had, by position.
#[derive(Debug, Default)]
pub(super) struct States {
    states: Vec<State>,
    /// By query as written: what each state has of it.
    selected: RefCell<BTreeMap<Arc<str>, Option<Selected>>>,
}

/// A state of the database.
#[derive(Debug)]
pub(super) struct State {
    /// Since when.
    pub(super) since: Moment,
    /// The position of the transaction that made it; 0 for what was there from the start.
    pub(super) lsn: u64,
    tables: Tables,
}

/// A row as a transaction has left it.
pub(super) struct Committed {
    pub(super) table: Table,
    pub(super) key: Arc<str>,
    pub(super) row: Option<Row>,
}

impl States {
    /// A transaction is committed. Positions rise.
    pub(super) fn commit(&mut self, since: Moment, lsn: u64, rows: Vec<Committed>) {
        let mut tables = self.states.last().map(|last| last.tables.clone()).unwrap_or_default();
        for Committed { table, key, row } in rows {
            tables.put(table, key, row);
        }
        self.states.push(State { since, lsn, tables });
    }

    /// All of them, in order.
    pub(super) fn all(&self) -> &[State] {
        &self.states
    }

    /// The number of the state as of a position.
    pub(super) fn as_of(&self, lsn: u64) -> Option<usize> {
        self.states.partition_point(|state| state.lsn <= lsn).checked_sub(1)
    }

    /// The number of the state at a moment.
    pub(super) fn at(&self, moment: Moment) -> Option<usize> {
        self.states.partition_point(|state| state.since <= moment).checked_sub(1)
    }

    /// What each state has of a query, by number; `None`: it is no query.
    pub(super) fn selected(&self, query: &Arc<str>) -> Option<Selected> {
        let mut known = self.selected.borrow_mut();
        known.entry(query.clone()).or_insert_with(|| Some(self.select(&query.parse().ok()?))).clone()
    }

    fn select(&self, query: &Query) -> Selected {
        let mut all: Vec<Rc<Rows>> = Vec::with_capacity(self.states.len());
        for state in &self.states {
            let rows = state.tables.select(query);
            let same = all.last().filter(|last| ***last == rows).cloned();
            all.push(same.unwrap_or_else(|| Rc::new(rows)));
        }
        all.into()
    }
}
