"use strict";
// Time and where it lies on the page. Nanoseconds are times; a place is a length along an axis on which folded stretches
// are short.

/** An axis over `ended` nanoseconds, with these stretches folded. */
function makeAxis(ended, folds) {
  const folded = folds.reduce((sum, [from, until]) => sum + until - from, 0);
  const left = Math.max(ended - folded, 1);
  const short = folds.length ? (left * Math.min(0.35, 0.035 * folds.length)) / folds.length : 0;
  const times = [0], places = [0], kinds = [];
  let time = 0, place = 0;
  const step = (until, length, isFold) => {
    if (until <= time) return;
    time = until; place += length;
    times.push(time); places.push(place); kinds.push(isFold);
  };
  for (const [from, until] of folds) {
    step(from, from - time, false);
    step(until, Math.min(short, until - from), true);
  }
  step(ended, ended - time, false);
  if (places.length === 1) step(1, 1, false);
  const find = (list, value) => {
    let low = 0, high = list.length - 2;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (list[middle] <= value) low = middle; else high = middle - 1;
    }
    return low;
  };
  const across = (from, to, value) => {
    const index = find(from, value);
    const part = (value - from[index]) / (from[index + 1] - from[index] || 1);
    return to[index] + part * (to[index + 1] - to[index]);
  };
  return {
    length: place,
    place: (value) => across(times, places, value),
    time: (value) => across(places, times, value),
    /** All stretches, folded or not. */
    pieces: kinds.map((isFold, index) => ({ isFold, from: times[index], until: times[index + 1] })),
  };
}

/** A moment, as exactly as `step` needs it. */
function moment(time, step = 1e5) {
  const digitsOf = (unit) => Math.min(Math.max(Math.ceil(Math.log10(unit / step) - 1e-9), 0), 6);
  if (time < 1e9 && step < 1e9) return (time / 1e6).toFixed(Math.min(digitsOf(1e6), 3)) + " ms";
  const digits = digitsOf(1e9), seconds = time / 1e9;
  if (seconds < 60) return seconds.toFixed(digits) + " s";
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - 60 * minutes).toFixed(digits).padStart(digits ? digits + 3 : 2, "0");
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}

/** A length of time as people say it. */
function lasting(time) {
  if (time < 1e3) return time + " ns";
  if (time < 1e6) return Math.round(time / 1e3) + " µs";
  if (time < 1e9) return (time / 1e6).toFixed(time < 1e7 ? 1 : 0) + " ms";
  if (time < 6e10) return (time / 1e9).toFixed(time < 1e10 ? 2 : 1) + " s";
  const minutes = Math.floor(time / 6e10), seconds = Math.round((time - minutes * 6e10) / 1e9);
  if (minutes < 60) return seconds ? `${minutes} min ${seconds} s` : `${minutes} min`;
  return `${(minutes / 60).toFixed(1)} h`;
}

/** The step between two marks on the axis that are at least `least` nanoseconds apart. */
function tickStep(least) {
  const power = Math.pow(10, Math.floor(Math.log10(Math.max(least, 1))));
  for (const factor of [1, 2, 5, 10]) if (power * factor >= least) {
    const step = power * factor;
    if (step < 1e10) return step;
    break;
  }
  for (const seconds of [10, 15, 30, 60, 120, 300, 600, 1800, 3600, 10800, 21600, 86400]) {
    if (seconds * 1e9 >= least) return seconds * 1e9;
  }
  return Math.ceil(least / 8.64e13) * 8.64e13;
}
