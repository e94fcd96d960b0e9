//! Scenario and seed files: what is accepted, and what a person sees when one is refused.

use std::path::Path;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use sexton::harness::Fingerprint;
use sexton::scenario::{Digest, Expect, Kept, SavedDecision, SavedSeed, SeedShelf, Shelf, Signature};
use sexton::world::tape::Decision;

use crate::lamps::systems;

const GOOD: &str = r#"about    = "Two people share the lamps while the wind blows."
system   = "lamps"
defect   = "L-D1"
expect   = { violates = "no-fire" }
allow    = ["smoke"]
[policy]
wick = "frayed"
[topology]
clients = 3
[workload]
operations = 12
mix = { light = 2, douse = 1 }
[faults]
restart = 0.5
gust = 2
[limits]
chaos = "90s"
[[step]]
at = "1s"
client = "c1"
do = "light l1"
[[hold]]
point = "lamps.light.checked l1"
until = "douse l1 returns"
"#;

fn shown(error: &dyn Diagnostic) -> String {
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(110);
    handler.render_report(&mut text, error).expect("a report fits into a string");
    text
}

/// What a person sees of the scenario above with one part of it replaced.
fn refused(part: &str, by: &str) -> String {
    assert!(GOOD.contains(part), "the good scenario has no `{part}`");
    refused_text(&GOOD.replacen(part, by, 1))
}

fn refused_text(text: &str) -> String {
    match systems().parse(text, Path::new("scenarios/lamps/shared.toml"), "lamps/shared") {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(error) => shown(&error),
    }
}

#[test]
fn a_scenario_means_what_it_says() {
    let scenario = systems().parse(GOOD, Path::new("shared.toml"), "lamps/shared").expect("it is good");
    assert_eq!(scenario.name(), "lamps/shared");
    assert_eq!(scenario.system(), "lamps");
    assert_eq!(scenario.defect(), Some("L-D1"));
    assert_eq!(scenario.expect(), &Expect::violation("no-fire"));
    insta::assert_debug_snapshot!(scenario.plan());
    insta::assert_snapshot!(scenario.settings().join("\n"));
}

#[test]
fn a_scenario_says_how_many_seeds_are_worth_its_time() {
    let seeds = |text: &str| systems().parse(text, Path::new("x.toml"), "x").expect("it is good").seeds();
    assert_eq!(seeds(GOOD), 200);
    assert_eq!(seeds(&GOOD.replacen("system ", "seeds = 7\nsystem ", 1)), 7);
}

#[test]
fn the_hardened_form_keeps_all_but_policy_and_allowances() {
    let scenario = systems().parse(GOOD, Path::new("shared.toml"), "lamps/shared").expect("it is good");
    let hardened = scenario.hardened().expect("lamps have a policy");
    assert_eq!(hardened.defect(), None);
    assert_eq!(hardened.expect(), &Expect::Holds);
    assert!(hardened.plan().allow.is_empty());
    assert_eq!(hardened.plan().faults, scenario.plan().faults);
    assert_eq!(hardened.plan().steps, scenario.plan().steps);
    assert_ne!(hardened.digest(), scenario.digest());
}

#[test]
fn the_digest_sees_what_decides_a_run_and_nothing_else() {
    let digest = |text: &str| systems().parse(text, Path::new("x.toml"), "x").expect("it is good").digest();
    let same = GOOD
        .replace("Two people share", "Three people fight over")
        .replace("restart = 0.5\ngust = 2", "# a storm\ngust = 2\nrestart = 0.5");
    assert_eq!(digest(GOOD), digest(&same));
    assert_ne!(digest(GOOD), digest(&GOOD.replace("gust = 2", "gust = 3")));
    assert_ne!(digest(GOOD), digest(&GOOD.replace("frayed", "trimmed")));
    assert_ne!(digest(GOOD), digest(&GOOD.replace("\"1s\"", "\"2s\"")));
}

#[test]
fn expectations_take_several_forms() {
    let expect = |by: &str| {
        let text = GOOD.replace(r#"{ violates = "no-fire" }"#, by);
        systems().parse(&text, Path::new("x.toml"), "x").expect("it is good").expect().clone()
    };
    assert_eq!(expect("\"holds\""), Expect::Holds);
    assert_eq!(expect("{ stuck = true }"), Expect::Stuck);
    let both = Expect::Violates { invariants: vec!["no-fire".into(), "no-panic".into()], about: None };
    assert_eq!(expect(r#"{ violates = ["no-fire", "no-panic"] }"#), both);
    let about = Expect::Violates { invariants: vec!["no-fire".into()], about: Some("lamp".into()) };
    assert_eq!(expect(r#"{ violates = "no-fire", about = "lamp" }"#), about);
    assert_eq!(expect(r#"{ unobservable = "it is dark" }"#), Expect::Unobservable("it is dark".into()));
}

#[test]
fn refused_words() {
    insta::assert_snapshot!("misspelt_key", refused("about ", "abuot "));
    insta::assert_snapshot!("misspelt_table", refused("[faults]", "[fautls]"));
    insta::assert_snapshot!("misspelt_policy", refused("wick =", "wik ="));
    insta::assert_snapshot!("misspelt_choice", refused("\"frayed\"", "\"fraied\""));
    insta::assert_snapshot!("misspelt_weight", refused("douse = 1", "dowse = 1"));
    insta::assert_snapshot!("unknown_system", refused("\"lamps\"", "\"lamp\""));
    insta::assert_snapshot!("unknown_fault", refused("restart =", "restarts ="));
    insta::assert_snapshot!("strange_fault", refused("gust =", "earthquake ="));
    insta::assert_snapshot!("unknown_invariant", refused("no-fire", "no-fires"));
    insta::assert_snapshot!("unknown_expectation", refused("violates =", "violate ="));
    insta::assert_snapshot!("nothing_to_expect", refused(r#"{ violates = "no-fire" }"#, "\"hold\""));
    insta::assert_snapshot!("misspelt_about", refused("no-fire\" }", "no-fire\", abuot = \"lamp\" }"));
    insta::assert_snapshot!("empty_about", refused("no-fire\" }", "no-fire\", about = \" \" }"));
    insta::assert_snapshot!("about_nothing", refused("violates = \"no-fire\"", "about = \"lamp\""));
    insta::assert_snapshot!("unknown_allowance", refused("\"smoke\"", "\"smok\""));
    insta::assert_snapshot!("unknown_client", refused("\"c1\"", "\"c4\""));
    insta::assert_snapshot!("unknown_point", refused("lamps.light.checked l1", "lamps.light.cheked l1"));
    insta::assert_snapshot!("unknown_verb", refused("\"light l1\"", "\"burn l1\""));
    insta::assert_snapshot!("misspelt_limit", refused("chaos =", "kaos ="));
    insta::assert_snapshot!("misspelt_step", refused("client =", "cleint ="));
    insta::assert_snapshot!("misspelt_hold", refused("until =", "untill ="));
}

#[test]
fn refused_values() {
    insta::assert_snapshot!("negative_rate", refused("restart = 0.5", "restart = -0.5"));
    insta::assert_snapshot!("rate_is_no_number", refused("restart = 0.5", "restart = nan"));
    insta::assert_snapshot!("rate_is_text", refused("restart = 0.5", "restart = \"often\""));
    insta::assert_snapshot!("no_duration", refused("\"90s\"", "\"90 sheep\""));
    insta::assert_snapshot!("zero_chaos", refused("\"90s\"", "\"0s\""));
    insta::assert_snapshot!("no_seeds", refused("system ", "seeds = 0\nsystem "));
    insta::assert_snapshot!("zero_weights", refused("light = 2, douse = 1", "light = 0, douse = 0"));
    insta::assert_snapshot!("negative_count", refused("clients = 3", "clients = -3"));
    insta::assert_snapshot!("no_clients", refused("clients = 3", "clients = 0"));
    insta::assert_snapshot!("step_after_the_end", refused("at = \"1s\"", "at = \"2m\""));
    insta::assert_snapshot!("hold_for_ever", refused("douse l1 returns", "douse l1 return"));
    insta::assert_snapshot!("hold_for_nonsense", refused("douse l1 returns", "dawn"));
    insta::assert_snapshot!("hold_for_unknown_operation", refused("douse l1 returns", "burn l1 returns"));
    insta::assert_snapshot!("missing_key", refused("system   = \"lamps\"\n", ""));
    insta::assert_snapshot!("missing_in_step", refused("client = \"c1\"\n", ""));
}

#[test]
fn refused_strikes() {
    let refused = |fault: &str| refused_text(&format!("{GOOD}[[fault]]\n{fault}\n"));
    insta::assert_snapshot!("strike_misspelt", refused("at = \"1s\"\nstrike = \"restrat lamp-1\"\nlasts = \"4s\""));
    insta::assert_snapshot!("strike_at_nobody", refused("at = \"1s\"\nstrike = \"restart lamp-3\"\nlasts = \"4s\""));
    insta::assert_snapshot!("strike_at_no_link", refused("at = \"1s\"\nstrike = \"reset lamp-1\""));
    insta::assert_snapshot!("strike_at_half_a_link", refused("at = \"1s\"\nstrike = \"reset c1>lmp-1\""));
    insta::assert_snapshot!("strike_for_how_long", refused("at = \"1s\"\nstrike = \"pause lamp-1\""));
    insta::assert_snapshot!("strike_by_nonsense", refused("at = \"1s\"\nstrike = \"clock_jump lamp-1\"\nby = \"2h\""));
    insta::assert_snapshot!(
        "strike_with_too_much",
        refused("at = \"1s\"\nstrike = \"reset c1>lamp-1\"\nlasts = \"4s\"")
    );
    insta::assert_snapshot!("strike_without_magnitude", refused("at = \"1s\"\nstrike = \"gust lamp-1\""));
    insta::assert_snapshot!("strike_after_the_end", refused("at = \"2m\"\nstrike = \"gust lamp-1\"\nmagnitude = 1"));
    insta::assert_snapshot!("strike_is_no_stall", refused("at = \"1s\"\nstrike = \"stall lamp-1\""));
    let decision = "[[decision]]\nsite = \"think c1\"\nindex = 2\nvalue = 7\n";
    insta::assert_snapshot!("decision_taken_twice", refused_text(&format!("{GOOD}{decision}{decision}")));
}

#[test]
fn refused_files() {
    insta::assert_snapshot!("truncated", refused_text(&GOOD[..GOOD.find("douse = 1").expect("it is there")]));
    insta::assert_snapshot!("truncated_in_a_word", refused_text(&GOOD[..GOOD.find("people").expect("it is there")]));
    insta::assert_snapshot!("empty", refused_text("# nothing here\n\n"));

    let shelf = tempfile::tempdir().expect("a temporary directory");
    std::fs::create_dir(shelf.path().join("lamps")).expect("a directory");
    std::fs::write(shelf.path().join("lamps/shared.toml"), b"about = \"lamps\"\nsystem = \"\xff\"\n").expect("a file");
    let scenarios = Shelf::new(shelf.path(), systems());
    let plain = |text: String| text.replace(&shelf.path().display().to_string(), "scenarios");
    let error = |word: &str| match scenarios.find(word) {
        Ok(_) => panic!("`{word}` was found"),
        Err(error) => plain(shown(&error)),
    };
    insta::assert_snapshot!("not_text", error("lamps/shared"));
    insta::assert_snapshot!("unknown_scenario", error("lamps/sharde"));
    let missing = shelf.path().join("lamps/share.toml");
    insta::assert_snapshot!("missing_file", error(&missing.display().to_string()));
}

#[test]
fn a_shelf_finds_by_name_file_and_prefix() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    std::fs::create_dir_all(directory.path().join("lamps/defects")).expect("directories");
    for name in ["lamps/shared", "lamps/defects/d1", "lamps/alone"] {
        std::fs::write(directory.path().join(format!("{name}.toml")), GOOD).expect("a file");
    }
    let shelf = Shelf::new(directory.path(), systems());
    let found = |word: &str| -> Vec<String> {
        shelf.find(word).expect(word).iter().map(|experiment| experiment.name().to_owned()).collect()
    };
    assert_eq!(found("lamps/shared"), ["lamps/shared"]);
    assert_eq!(found("lamps"), ["lamps/alone", "lamps/defects/d1", "lamps/shared"]);
    assert_eq!(found("lamps/defects"), ["lamps/defects/d1"]);
    assert_eq!(found(&directory.path().join("lamps/alone.toml").display().to_string()), ["lamps/alone"]);
    assert!(shelf.find_one("lamps").is_err());
}

fn seed(about: &str) -> SavedSeed {
    SavedSeed {
        scenario: "lamps/shared".into(),
        digest: Digest(0x0123_4567_89ab_cdef),
        seed: u64::MAX,
        signature: Signature { invariant: "no-fire".into(), about: about.into() },
        fingerprint: Fingerprint(42),
        version: "0.1.0".into(),
        only_decisions: true,
        decisions: vec![SavedDecision {
            decision: Decision { site: "net.lost_reply lamp-1>c1".into(), index: 3, value: u64::MAX },
            meaning: "the third reply is lost".into(),
        }],
        topology: vec![("lamps".into(), 1)],
    }
}

#[test]
fn a_saved_seed_reads_back_and_is_never_overwritten() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let seeds = SeedShelf::new(directory.path().join("seeds"));
    assert_eq!(seeds.files().expect("an absent directory is empty"), Vec::<std::path::PathBuf>::new());
    insta::assert_snapshot!("seed_file", seed("lamp").to_text());

    let first = seeds.save("lamps", &seed("lamp"), "sexton run").expect("there is room");
    let Kept::New(path) = &first else { panic!("nothing was there, yet: {first:?}") };
    assert_eq!(SavedSeed::read(path, None).expect("it was just written"), seed("lamp"));
    assert_eq!(seeds.save("lamps", &seed("lamp"), "sexton run").expect("there is room"), Kept::Already(path.clone()));

    let other = seeds.save("lamps", &seed("window"), "sexton run").expect("there is room");
    assert_ne!(other.path(), first.path());
    assert_eq!(SavedSeed::read(path, None).expect("it is untouched"), seed("lamp"));
    assert_eq!(seeds.files().expect("it can be listed").len(), 2, "and no draft is left");
}

#[test]
fn a_seed_that_cannot_be_saved_is_not_lost() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let in_the_way = directory.path().join("seeds");
    std::fs::write(&in_the_way, "").expect("a file");
    let error = SeedShelf::new(&in_the_way)
        .save("lamps", &seed("lamp"), "sexton run lamps/shared --seed 7")
        .expect_err("a file is in the way");
    let text = shown(&error).replace(&directory.path().display().to_string(), "");
    assert!(text.contains("sexton run lamps/shared --seed 7"), "{text}");
}

#[test]
fn refused_seed_files() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("one.toml");
    let good = seed("lamp").to_text();
    let refused = |text: &str| {
        std::fs::write(&path, text).expect("a file");
        let error = SavedSeed::read(&path, Some(&["lamps/shared".into()])).expect_err("it is damaged");
        shown(&error).replace(&directory.path().display().to_string(), "seeds")
    };
    let replaced = |part: &str, by: &str| {
        assert!(good.contains(part), "no `{part}` in\n{good}");
        refused(&good.replacen(part, by, 1))
    };
    insta::assert_snapshot!("seed_truncated", refused(&good[..good.find("[signature]").expect("it is there") + 15]));
    insta::assert_snapshot!(
        "seed_cut_before_signature",
        refused(&good[..good.find("[signature]").expect("it is there")])
    );
    insta::assert_snapshot!("seed_empty", refused(""));
    insta::assert_snapshot!("seed_unknown_scenario", replaced("lamps/shared", "lamps/shred"));
    insta::assert_snapshot!("seed_negative", replaced(&format!("\"{}\"", u64::MAX), "-1"));
    insta::assert_snapshot!("seed_of_wrong_type", replaced(&format!("\"{}\"", u64::MAX), "[1]"));
    insta::assert_snapshot!("seed_misspelt_key", replaced("fingerprint", "fingerprnt"));
    insta::assert_snapshot!("seed_damaged_hash", replaced("000000000000002a", "2a"));
    let decision = &good[good.find("[[decision]]").expect("it is there")..];
    insta::assert_snapshot!("seed_decides_twice", refused(&format!("{good}\n{decision}")));
}
