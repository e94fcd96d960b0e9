//! The nearest right word to a wrong one.

/// The candidate that was probably meant, if any is near enough to say so.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let reach = 1 + word.chars().count() / 4;
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| distance <= reach && distance < candidate.chars().count())
        .min()
        .map(|(_, candidate)| candidate)
}

/// Help for an unknown word: the nearest right one, or all of them.
pub(crate) fn instead<'a>(what: &str, word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(near) = nearest(word, candidates.clone()) {
        return format!("did you mean `{near}`?");
    }
    let mut known: Vec<&str> = candidates.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    match known.as_slice() {
        [] => format!("there is no {what} to name here"),
        [only] => format!("the only {what} is `{only}`"),
        many => format!("known here: {}", many.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let kinds = ["partition", "lost_reply", "restart"];
        assert_eq!(nearest("partion", kinds), Some("partition"));
        assert_eq!(nearest("lost-reply", kinds), Some("lost_reply"));
        assert_eq!(nearest("Restart", kinds), Some("restart"));
        assert_eq!(nearest("earthquake", kinds), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(instead("fault", "earthquake", kinds), "known here: `lost_reply`, `partition`, `restart`");
        assert_eq!(instead("fault", "x", []), "there is no fault to name here");
    }
}
