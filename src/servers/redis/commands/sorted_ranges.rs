//! Sorted sets, range by range: by rank, by score, by member.

use std::sync::Arc;

use bytes::Bytes;

use super::super::numbers;
use super::super::reply::{Protocol, Refusal};
use super::super::sorted_set::{ScoreRange, SortedSet};
use super::{Call, Outcome};

/// By what a range is taken.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Rank,
    Score,
    Member,
}

/// What follows the bounds of a range.
struct Options {
    by: By,
    reverse: bool,
    with_scores: bool,
    offset: i64,
    limit: i64,
}

/// Reads the options; `fixed` says that the command itself settles what the range is by.
fn options(call: &Call<'_>, fixed: Option<By>) -> Result<Options, Refusal> {
    let (mut by, mut reverse, mut with_scores, mut offset, mut limit) = (fixed, false, false, 0, -1);
    let mut at = 4;
    while at < call.args.len() {
        if call.is(at, "withscores") {
            with_scores = true;
        } else if call.is(at, "limit") && at + 2 < call.args.len() {
            offset = call.integer(at + 1)?;
            limit = call.integer(at + 2)?;
            at += 2;
        } else if fixed.is_none() && call.is(at, "rev") {
            reverse = true;
        } else if by.is_none() && call.is(at, "bylex") {
            by = Some(By::Member);
        } else if by.is_none() && call.is(at, "byscore") {
            by = Some(By::Score);
        } else {
            return Err(Refusal::SYNTAX);
        }
        at += 1;
    }
    let by = by.unwrap_or(By::Rank);
    if limit != -1 && by == By::Rank {
        return Err(Refusal::Plain(
            "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
        ));
    }
    if with_scores && by == By::Member {
        return Err(Refusal::Plain("ERR syntax error, WITHSCORES not supported in combination with BYLEX"));
    }
    Ok(Options { by, reverse, with_scores, offset, limit })
}

fn score_range(min: &[u8], max: &[u8]) -> Result<ScoreRange, Refusal> {
    let bounds = numbers::bound(min).zip(numbers::bound(max));
    let (min, max) = bounds.ok_or(Refusal::Plain("ERR min or max is not a float"))?;
    Ok(ScoreRange { min, max })
}

/// One bound of a range of members.
#[derive(Clone, Copy)]
enum MemberBound<'a> {
    Lowest,
    Highest,
    Including(&'a [u8]),
    Excluding(&'a [u8]),
}

impl<'a> MemberBound<'a> {
    fn read(text: &'a [u8]) -> Result<Self, Refusal> {
        match text {
            b"-" => Ok(Self::Lowest),
            b"+" => Ok(Self::Highest),
            [b'[', member @ ..] => Ok(Self::Including(member)),
            [b'(', member @ ..] => Ok(Self::Excluding(member)),
            _ => Err(Refusal::Plain("ERR min or max not valid string range item")),
        }
    }

    fn below(self, member: &[u8]) -> bool {
        match self {
            Self::Lowest => true,
            Self::Highest => false,
            Self::Including(bound) => bound <= member,
            Self::Excluding(bound) => bound < member,
        }
    }

    fn above(self, member: &[u8]) -> bool {
        match self {
            Self::Lowest => false,
            Self::Highest => true,
            Self::Including(bound) => bound >= member,
            Self::Excluding(bound) => bound > member,
        }
    }
}

/// Ranks from `start` to `stop`, both included and negative ones counted from the end, as a plain range.
fn ranks(start: i64, stop: i64, length: usize) -> std::ops::Range<usize> {
    let length = length as i64;
    let from_end = |rank: i64| if rank < 0 { rank.saturating_add(length) } else { rank };
    let start = from_end(start).max(0);
    let stop = from_end(stop).min(length - 1);
    if start > stop { 0..0 } else { start as usize..stop as usize + 1 }
}

type Elements<'a> = Vec<(&'a Bytes, f64)>;

fn by_rank(set: &SortedSet, ranks: std::ops::Range<usize>, reverse: bool) -> Elements<'_> {
    if reverse {
        set.iter().rev().take(ranks.end).skip(ranks.start).collect()
    } else {
        set.iter().take(ranks.end).skip(ranks.start).collect()
    }
}

fn limited<'a>(elements: Elements<'a>, options: &Options) -> Elements<'a> {
    let offset = usize::try_from(options.offset).unwrap_or(usize::MAX);
    let limit = usize::try_from(options.limit).unwrap_or(usize::MAX);
    if options.reverse {
        elements.into_iter().rev().skip(offset).take(limit).collect()
    } else {
        elements.into_iter().skip(offset).take(limit).collect()
    }
}

fn range(call: &mut Call<'_>, fixed: Option<By>) -> Outcome {
    let options = options(call, fixed)?;
    let (mut min, mut max) = (&call.args[2], &call.args[3]);
    if options.reverse && options.by != By::Rank {
        std::mem::swap(&mut min, &mut max);
    }
    match options.by {
        By::Rank => {
            let (start, stop) = (call.integer(2)?, call.integer(3)?);
            let set = call.sorted(call.key())?;
            list(call, &by_rank(&set, ranks(start, stop, set.len()), options.reverse), options.with_scores);
        }
        By::Score => {
            let range = score_range(min, max)?;
            let set = call.sorted(call.key())?;
            list(call, &limited(set.by_score(range).collect(), &options), options.with_scores);
        }
        By::Member => {
            let (low, high) = (MemberBound::read(min)?, MemberBound::read(max)?);
            let set = call.sorted(call.key())?;
            let within = set.iter().filter(|(member, _)| low.below(member) && high.above(member));
            list(call, &limited(within.collect(), &options), false);
        }
    }
    Ok(())
}

/// Replies with members, and their scores: flat in RESP2, as pairs in RESP3.
fn list(call: &mut Call<'_>, elements: &[(&Bytes, f64)], with_scores: bool) {
    let reply = call.reply();
    let nested = with_scores && reply.protocol == Protocol::Resp3;
    reply.array(if with_scores && !nested { elements.len() * 2 } else { elements.len() });
    for (member, score) in elements {
        if nested {
            reply.array(2);
        }
        reply.bulk(member);
        if with_scores {
            reply.double(*score);
        }
    }
}

pub(super) fn zrange(call: &mut Call<'_>) -> Outcome {
    range(call, None)
}

pub(super) fn zrangebyscore(call: &mut Call<'_>) -> Outcome {
    range(call, Some(By::Score))
}

pub(super) fn zcount(call: &mut Call<'_>) -> Outcome {
    let range = score_range(&call.args[2], &call.args[3])?;
    let set = call.sorted(call.key())?;
    call.reply().count(set.by_score(range).count());
    Ok(())
}

pub(super) fn zremrangebyscore(call: &mut Call<'_>) -> Outcome {
    let range = score_range(&call.args[2], &call.args[3])?;
    let mut set = call.sorted(call.key())?;
    let doomed: Vec<Bytes> = set.by_score(range).map(|(member, _)| member.clone()).collect();
    if !doomed.is_empty() {
        let members = Arc::make_mut(&mut set);
        for member in &doomed {
            members.remove(member);
        }
        call.update_sorted(call.key(), set);
    }
    call.reply().count(doomed.len());
    Ok(())
}
