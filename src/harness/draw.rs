//! What decides a client's next operation.

use std::marker::PhantomData;
use std::time::Duration;

/// The decisions of one operation. Each field is a site of its own, so that leaving one operation out changes no other.
pub struct Draw<'a>(PhantomData<&'a ()>);

impl Draw<'_> {
    /// A number below `bound`.
    ///
    /// # Panics
    /// When `bound` is zero.
    pub fn below(&mut self, field: &'static str, bound: u64) -> u64 {
        let _ = (field, bound);
        0
    }

    /// An index into `weights`, as likely as its weight; `None` is never drawn, but a shrunk run may pin it.
    ///
    /// # Panics
    /// When all weights are zero.
    pub fn weighted(&mut self, field: &'static str, weights: &[u32]) -> Option<usize> {
        let _ = (field, weights);
        None
    }

    /// True in `per_mille` of 1,000 cases.
    pub fn chance(&mut self, field: &'static str, per_mille: u64) -> bool {
        let _ = (field, per_mille);
        false
    }

    /// A duration up to `most`, short ones as likely as long ones.
    pub fn duration(&mut self, field: &'static str, most: Duration) -> Duration {
        let _ = (field, most);
        Duration::ZERO
    }

    /// The number of this operation within the run.
    pub fn operation(&self) -> u32 {
        0
    }
}
