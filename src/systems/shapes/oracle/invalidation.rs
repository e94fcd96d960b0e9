//! A shape is taken from its clients only when it has to be.

use super::causes::{Cause, cause};
use super::checks::Check;
use super::lens::Lens;
use crate::harness::Findings;

pub(super) const NO_SPURIOUS_INVALIDATION: Check = Check {
    name: "no-spurious-invalidation",
    about: "whoever has a handle is told to fetch all again only after the shape was deleted, expired, lost with the slot, \
            or depended on one that was",
    judge: no_spurious_invalidation,
};

fn no_spurious_invalidation(seen: &Lens, findings: &mut Findings) {
    for told in &seen.told {
        let (Some(handle), Some(answer)) = (told.handle(), told.answer()) else { continue };
        findings.exercised();
        if answer.status != 409 {
            continue;
        }
        let op = seen.op(told);
        let why = match cause(seen, handle, &told.exchange.query, op.returned) {
            Cause::Good => continue,
            Cause::None => "though it was never removed".to_owned(),
            Cause::Bad(why) => format!("after its removal as `{why}`"),
        };
        findings.violate(
            op.returned.at,
            format!("shape: refused {why}"),
            format!(
                "{} asked about {handle}, `{}`, between {:?} and {:?}, and was told to fetch all again {why}",
                told.exchange.client, told.exchange.query, op.invoked.at, op.returned.at
            ),
        );
    }
}
