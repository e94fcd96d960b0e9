//! The timeline page in a browser: it opens without complaint, search, filter and zoom do what they say, and there is
//! something to be seen.
//!
//! Where there is no Chromium this is skipped, and says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use sexton::harness::RunOptions;
use sexton::report::{ItemKind, Timeline, TimelineHead};
use sexton::scenario::{SavedSeed, Shelf, Systems};
use tempfile::TempDir;

/// Ample, for a machine that has other things to do.
const SECONDS: &str = "180";

/// A browser, and a page of a run with thousands of events for it.
struct Bench {
    browser: PathBuf,
    directory: TempDir,
    timeline: Timeline,
}

/// What a browser made of the page.
struct Seen {
    said: BTreeMap<String, String>,
}

impl Seen {
    fn number(&self, name: &str) -> i64 {
        self.said[name].parse().unwrap_or_else(|_| panic!("`{name}` is `{}`, no number", self.said[name]))
    }
}

fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let there = |name: &&&str| Command::new(**name).arg("--version").output().is_ok_and(|out| out.status.success());
    names.iter().find(there).map(PathBuf::from)
}

impl Bench {
    /// A page of a run in full length; `None` where there is no browser.
    fn new() -> Option<Self> {
        let options = RunOptions { keep_history: true, detail: true, ..RunOptions::default() };
        Self::of(2, &options)
    }

    /// `None` where there is no browser; that is said aloud.
    #[expect(clippy::print_stderr, reason = "what is skipped is said")]
    fn of(seed: u64, options: &RunOptions) -> Option<Self> {
        let Some(browser) = browser() else {
            eprintln!("skipped: no chromium on the path, so nobody has looked at the timeline page");
            return None;
        };
        let shelf = Shelf::new("scenarios", Systems::builtin());
        let experiment = shelf.find_one("session/r1-create-over-mark").expect("a scenario of the tree");
        let run = experiment.run(seed, options);
        let timeline = Timeline::of(&run, &TimelineHead::of(&*experiment, "sexton run"));
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(directory.path().join("page.html"), timeline.page().expect("a page")).expect("a file");
        Some(Self { browser, directory, timeline })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Opens the page for these steps. The browser is ended if it hangs, and must have nothing to complain of.
    fn open(&self, steps: &str, dark: bool, wants: &[String]) -> String {
        let scheme = format!("--blink-settings=preferredColorScheme={}", u8::from(!dark));
        let url = format!("file://{}#do={}", self.path("page.html").display(), steps.replace(' ', "%20"));
        let output = Command::new("timeout")
            .args(["--kill-after=5", SECONDS])
            .arg(&self.browser)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"])
            .args(["--enable-logging=stderr", "--virtual-time-budget=5000", "--window-size=1280,800"])
            .arg(format!("--user-data-dir={}", self.path("profile").display()))
            .arg(scheme)
            .args(wants)
            .arg(url)
            .output()
            .expect("`timeout` is there");
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{steps}: the browser ended with {}:\n{complaints}", output.status);
        let console: Vec<&str> = complaints.lines().filter(|line| line.contains("CONSOLE")).collect();
        assert!(console.is_empty(), "{steps}: {console:#?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What the page says of itself after these steps.
    fn after(&self, steps: &str, dark: bool) -> Seen {
        let dom = self.open(steps, dark, &["--dump-dom".to_owned()]);
        let root = dom.split_once("<html").and_then(|(_, rest)| rest.split_once('>')).expect("a root element").0;
        let said = root.split("\" ").filter_map(|word| {
            let (name, value) = word.trim().strip_prefix("data-")?.split_once("=\"")?;
            Some((name.to_owned(), value.trim_end_matches('"').to_owned()))
        });
        let seen = Seen { said: said.collect() };
        assert_eq!(seen.said.get("errors").map(String::as_str), Some(""), "{steps}: {:?}", seen.said);
        assert_eq!(seen.said.get("ready").map(String::as_str), Some("yes"), "{steps}: {:?}", seen.said);
        seen
    }

    /// How bright a screenshot is on the whole, once it is known to show something.
    fn brightness(&self, name: &str, dark: bool) -> u64 {
        let path = self.path(name);
        self.open("fit", dark, &[format!("--screenshot={}", path.display())]);
        let pixels = Picture::read(&path);
        assert_eq!((pixels.width, pixels.height), (1280, 800));
        let colours: BTreeSet<&[u8]> = pixels.all().collect();
        assert!(colours.len() > 50, "{name}: {} colours are no picture", colours.len());
        let lanes = pixels.all().skip(1280 * 300).take(1280 * 400).collect::<BTreeSet<_>>();
        assert!(lanes.len() > 20, "{name}: {} colours are no lanes", lanes.len());
        pixels.all().map(|pixel| u64::from(pixel[0]) + u64::from(pixel[1]) + u64::from(pixel[2])).sum()
    }
}

struct Picture {
    width: usize,
    height: usize,
    samples: usize,
    bytes: Vec<u8>,
}

impl Picture {
    fn read(path: &Path) -> Self {
        let file = std::fs::File::open(path).expect("a screenshot");
        let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().expect("a PNG");
        let mut bytes = vec![0; reader.output_buffer_size().expect("it fits")];
        let info = reader.next_frame(&mut bytes).expect("a whole PNG");
        assert_eq!(info.bit_depth, png::BitDepth::Eight);
        let (width, height, samples) = (info.width as usize, info.height as usize, info.color_type.samples());
        Self { width, height, samples, bytes }
    }

    fn all(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks_exact(self.samples)
    }
}

#[test]
fn the_page_opens_searches_filters_and_zooms() {
    let Some(bench) = Bench::new() else { return };
    let items = &bench.timeline.items;
    assert!(items.len() >= 2000, "a page of {} events shows little", items.len());
    let matching = |word: &str| -> Vec<usize> {
        let names = |place: &usize| {
            let item = &items[*place];
            let lane = &bench.timeline.lanes[item.lane].name;
            [item.full.as_ref(), Some(&item.text), Some(lane)].into_iter().flatten().any(|text| text.contains(word))
        };
        (0..items.len()).filter(names).collect()
    };
    let found = |word: &str| matching(word).len() as i64;

    let plain = bench.after("fit", false);
    assert_eq!(plain.number("items"), items.len() as i64);
    assert_eq!((plain.said["theme"].as_str(), plain.number("matches")), ("light", 0));
    assert!(plain.number("drawn") > 1000, "{:?}", plain.said);

    let searched = bench.after("search:terminate;next", false);
    assert!(found("terminate") > 10);
    assert_eq!(searched.number("matches"), found("terminate"));
    let first = items.iter().position(|item| item.text.contains("terminate")).expect("one");
    assert_eq!(searched.number("chosen"), first as i64);
    // The way to the fifth leads over kinds that are only shown once one of them is found.
    let fifth = bench.after("search:terminate;next;next;next;next;next", false);
    assert_eq!(fifth.number("chosen"), matching("terminate")[4] as i64);
    assert!(fifth.number("shown") > plain.number("shown"), "{:?}", fifth.said);
    assert_eq!(bench.after("search:no such thing", false).number("matches"), 0);

    let shown = |kind| items.iter().filter(|item| item.kind == kind).count() as i64;
    let commits = bench.after("only:commits;fit", false);
    assert_eq!(commits.number("shown"), shown(ItemKind::Commit));
    let more = bench.after("only:commits;show:operations;fit", false);
    assert_eq!(more.number("shown"), shown(ItemKind::Commit) + shown(ItemKind::Operation));
    let one = bench.after("entity:s1;fit", false);
    assert!(one.number("shown") > 0 && one.number("shown") < plain.number("shown"), "{:?}", one.said);

    let length = |seen: &Seen| seen.number("to") - seen.number("from");
    assert!(length(&bench.after("unfold;fit;zoom:4", false)) < length(&bench.after("unfold;fit", false)) / 3);
    let broken = bench.timeline.broken.first().expect("the run breaks a promise").at as i64;
    let there = bench.after("fit;broken", false);
    assert!(there.number("from") < broken && broken < there.number("to"), "{:?}", there.said);
    assert!(length(&there) < length(&plain) / 2);
}

#[test]
fn lanes_that_take_no_part_are_left_out_of_a_small_run() {
    let file = "seeds/session/r1-create-over-mark-termination-absorbing-2.min.toml";
    let saved = SavedSeed::read(Path::new(file), None).expect("a saved seed of the tree");
    let options = RunOptions { keep_history: true, detail: true, ..saved.options() };
    let Some(bench) = Bench::of(saved.seed, &options) else { return };
    let all = bench.timeline.lanes.len() as i64;
    let few = bench.after("broken", false);
    assert!(few.number("lanes") > 1 && few.number("lanes") < all, "{:?}", few.said);
    assert_eq!(bench.after("broken;lanes:all", false).number("lanes"), all);
    // Whoever looks for what lies on one of them finds it, and sees it.
    let busy = bench.after("broken;search:wait 10000ms;next", false);
    assert_eq!((busy.number("lanes"), busy.said["chosen"].is_empty()), (all, false), "{:?}", busy.said);
}

#[test]
fn the_page_can_be_seen_by_day_and_by_night() {
    let Some(bench) = Bench::new() else { return };
    assert_eq!(bench.after("fit", true).said["theme"], "dark");
    assert_eq!(bench.after("theme:light", true).said["theme"], "light");
    let (day, night) = (bench.brightness("day.png", false), bench.brightness("night.png", true));
    assert!(night * 2 < day, "by night it is darker: {night} and {day}");
}
