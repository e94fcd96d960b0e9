//! Answers are as they should be, whatever becomes of the stack: no error of the service's own, and no offset refused that
//! it has given.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::checks::Check;
use super::lens::Lens;
use crate::harness::Findings;
use crate::systems::shapes::outcome::Offset;

pub(super) const NO_SERVER_ERROR: Check = Check {
    name: "no-server-error",
    about: "a request is answered, told to fetch all again, or told when to come back",
    judge: no_server_error,
};

pub(super) const NO_FALSE_OUT_OF_BOUNDS: Check = Check {
    name: "no-false-out-of-bounds",
    about: "an offset that was given is not refused as out of bounds",
    judge: no_false_out_of_bounds,
};

fn no_server_error(seen: &Lens, findings: &mut Findings) {
    for told in &seen.told {
        let Some(answer) = told.answer() else { continue };
        findings.exercised();
        let fine = match answer.status {
            200 | 202 | 204 | 400 | 404 | 409 => true,
            503 => answer.retry_after,
            _ => false,
        };
        if !fine {
            let op = seen.op(told);
            let when = if answer.status == 503 { "503, and no word when to come back," } else { "an error" };
            let error = answer.body.error.as_deref().unwrap_or("no reason given");
            findings.violate(
                op.returned.at,
                format!("answer: {when} to a {}", told.word()),
                format!(
                    "a {} of {} between {:?} and {:?} was answered with {}: {error}",
                    told.word(),
                    told.exchange.client,
                    op.invoked.at,
                    op.returned.at,
                    answer.status
                ),
            );
        }
    }
}

fn no_false_out_of_bounds(seen: &Lens, findings: &mut Findings) {
    let mut given: BTreeSet<(Arc<str>, Offset)> = BTreeSet::new();
    for told in &seen.told {
        let Some(answer) = told.answer() else { continue };
        if let (Some(handle), Some(offset)) = (told.handle(), told.offset()) {
            let known = given.contains(&(handle.clone(), offset));
            if known {
                findings.exercised();
            }
            if answer.status == 400 && known {
                let op = seen.op(told);
                findings.violate(
                    op.returned.at,
                    format!("offset: refused to a {} though it was given", told.word()),
                    format!(
                        "{} went on with {handle} from {offset}, as it had been told, between {:?} and {:?}, and was \
                         refused: {}",
                        told.exchange.client,
                        op.invoked.at,
                        op.returned.at,
                        answer.body.error.as_deref().unwrap_or("no reason given")
                    ),
                );
            }
        }
        if answer.status == 200
            && let (Some(handle), Some(offset)) = (&answer.body.handle, answer.body.offset)
        {
            given.insert((handle.clone(), offset));
        }
    }
}
