//! How small the first failing seed of each catalogued defect becomes, and how long that takes.
//!
//! `cargo bench --bench shrink -- [--jobs N] [--show] [WORD…]`. Takes the seed files below `seeds/` whose scenarios
//! re-introduce a defect, or those with a word in their path; 2 jobs unless told. Fails unless every one keeps its
//! signature, the median is at most 12 decisions and under 10 s, and none is above 40 decisions or 60 s.
//! `--show` prints the decisions that are left.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the host's clock and its arguments, and prints what it measured"
)]

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use sexton::scenario::{SavedSeed, SeedShelf, Shelf, Systems};
use sexton::search::{Failure, Shrink, Shrunk};

/// The command's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MEDIAN_DECISIONS: usize = 12;
const MOST_DECISIONS: usize = 40;
const MEDIAN_TIME: Duration = Duration::from_secs(10);
const MOST_TIME: Duration = Duration::from_mins(1);

struct Wanted {
    jobs: NonZeroUsize,
    show: bool,
    words: Vec<String>,
}

fn wanted() -> Wanted {
    let mut wanted = Wanted { jobs: NonZeroUsize::new(2).expect("two are some"), show: false, words: Vec::new() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            // Cargo's own.
            "--bench" => {}
            "--show" => wanted.show = true,
            "--jobs" => {
                let number = words.next().and_then(|number| number.parse().ok());
                wanted.jobs = number.expect("`--jobs` takes a number, 1 or more");
            }
            _ => wanted.words.push(word),
        }
    }
    wanted
}

/// What became of one seed file.
struct Row {
    defect: String,
    scenario: String,
    outcome: Result<Shrunk, String>,
}

fn main() -> ExitCode {
    let wanted = wanted();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shelf = Shelf::new(root.join("scenarios"), Systems::builtin());
    let files = SeedShelf::new(root.join("seeds")).files().expect("the saved seeds are listed");
    println!(
        "{:<8} {:<36} {:>7} {:>6} {:>7} {:>8}  invariant",
        "defect", "scenario", "before", "after", "trials", "seconds"
    );
    let rows: Vec<Row> = files.iter().filter_map(|file| row(&wanted, &shelf, file)).collect();
    conclude(&rows)
}

fn row(wanted: &Wanted, shelf: &Shelf, file: &Path) -> Option<Row> {
    let path = file.display().to_string();
    if path.ends_with(".min.toml") || !(wanted.words.is_empty() || wanted.words.iter().any(|word| path.contains(word)))
    {
        return None;
    }
    let saved = SavedSeed::read(file, None).expect("a saved seed is read");
    let experiment = shelf.find_one(&saved.scenario).expect("its scenario is there");
    let defect = experiment.defect()?.to_owned();
    let begun = Instant::now();
    let clock = || begun.elapsed();
    let stop = AtomicBool::new(false);
    let shrink =
        Shrink { experiment: &experiment, saved: &saved, time: None, jobs: wanted.jobs, stop: &stop, clock: &clock };
    let outcome = shrink.run(&mut ()).map_err(|error| error.to_string());
    match &outcome {
        Ok(done) => {
            let small = done.seed.experiment(&experiment).expect("its sizes fit");
            let again = Failure::all_in(&small.run(done.seed.seed, &done.seed.options()));
            let same = again.iter().any(|failure| failure.signature == saved.signature);
            assert!(same && done.complete, "{path}: the shrunk seed does not fail like this any more");
            let (after, seconds) = (done.seed.decisions.len(), done.elapsed.as_secs_f64());
            let Shrunk { before, trials, .. } = done;
            let invariant = &saved.signature.invariant;
            println!(
                "{defect:<8} {:<36} {before:>7} {after:>6} {trials:>7} {seconds:>8.2}  {invariant}",
                saved.scenario
            );
            if wanted.show {
                for left in &done.seed.decisions {
                    let decision = &left.decision;
                    println!("    {} #{} = {}  {}", decision.site, decision.index, decision.value, left.meaning);
                }
                println!("    {:?}; {}", done.seed.topology, done.failure.message);
            }
        }
        Err(error) => println!("{defect:<8} {:<36} {error}", saved.scenario),
    }
    Some(Row { defect, scenario: saved.scenario, outcome })
}

/// Median and largest, against what they may be at most.
fn conclude(rows: &[Row]) -> ExitCode {
    let done: Vec<&Shrunk> = rows.iter().filter_map(|row| row.outcome.as_ref().ok()).collect();
    let mut decisions: Vec<usize> = done.iter().map(|shrunk| shrunk.seed.decisions.len()).collect();
    let mut times: Vec<Duration> = done.iter().map(|shrunk| shrunk.elapsed).collect();
    decisions.sort_unstable();
    times.sort_unstable();
    let (Some(most), Some(longest)) = (decisions.last(), times.last()) else {
        println!("nothing was shrunk");
        return ExitCode::FAILURE;
    };
    let (median, time) = (decisions[decisions.len() / 2], times[times.len() / 2]);
    println!("\n{} of {} shrunk to the same signature", done.len(), rows.len());
    println!("decisions: median {median} (at most {MEDIAN_DECISIONS}), most {most} (at most {MOST_DECISIONS})");
    println!("time: median {time:.2?} (under {MEDIAN_TIME:?}), longest {longest:.2?} (at most {MOST_TIME:?})");
    for row in rows.iter().filter(|row| row.outcome.is_err()) {
        println!("not shrunk: {} ({})", row.defect, row.scenario);
    }
    let good = done.len() == rows.len()
        && median <= MEDIAN_DECISIONS
        && *most <= MOST_DECISIONS
        && time < MEDIAN_TIME
        && *longest <= MOST_TIME;
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
