//! Keys of any type.

use super::{Call, Outcome};

pub(super) fn del(call: &mut Call<'_>) -> Outcome {
    let mut gone = 0;
    for key in call.rest(1) {
        gone += usize::from(call.remove(key));
    }
    call.reply().count(gone);
    Ok(())
}

pub(super) fn exists(call: &mut Call<'_>) -> Outcome {
    let mut there = 0;
    for key in call.rest(1) {
        there += usize::from(call.exists(key));
    }
    call.reply().count(there);
    Ok(())
}

pub(super) fn type_of(call: &mut Call<'_>) -> Outcome {
    let name = call.entry(call.key()).map_or("none", |entry| entry.value.type_name());
    call.reply().simple(name);
    Ok(())
}
