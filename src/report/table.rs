//! The tables that end a campaign and a catalogue.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use super::json::{CatalogueJson, FuzzJson};
use super::{Ink, Paint};

fn table(header: &[&str], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_header(header);
    for &column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// One row for each scenario of a campaign; the names of those that did not end as expected are in `unexpected`.
pub(crate) fn fuzz_table(fuzz: &FuzzJson, unexpected: &[&str], paint: Paint) -> String {
    let header = ["scenario", "seeds", "failing", "verdict", "seeds/s", "simulated s/s"];
    let mut table = table(&header, &[1, 2, 4, 5]);
    for scenario in &fuzz.scenarios {
        let ink = if unexpected.contains(&scenario.name.as_str()) { Ink::Red } else { Ink::Green };
        table.add_row([
            scenario.name.clone(),
            scenario.seeds.to_string(),
            scenario.violations.to_string(),
            paint.ink(ink, scenario.verdict),
            rate(scenario.seeds_per_second),
            rate(scenario.simulated_seconds_per_second),
        ]);
    }
    table.trim_fmt()
}

/// To two digits at least, where there is anything.
fn rate(per_second: f64) -> String {
    if per_second < 10.0 { format!("{per_second:.1}") } else { format!("{per_second:.0}") }
}

/// One row for each defect of a catalogue.
pub(crate) fn catalogue_table(catalogue: &CatalogueJson, paint: Paint) -> String {
    let header = ["defect", "scenario", "caught by", "seeds", "cpu ms", "hardened"];
    let mut table = table(&header, &[3, 4]);
    for defect in &catalogue.defects {
        let caught = match (&defect.invariant, &defect.unobservable) {
            (Some(invariant), _) => invariant.clone(),
            (None, Some(_)) => "unobservable".into(),
            (None, None) => paint.ink(Ink::Red, "not caught"),
        };
        table.add_row([
            defect.id.clone(),
            defect.scenario.clone(),
            caught,
            defect.seeds.map_or_else(|| "–".into(), |seeds| seeds.to_string()),
            defect.cpu_ms.to_string(),
            if defect.hardened_holds { paint.ink(Ink::Green, "holds") } else { paint.ink(Ink::Red, "does not hold") },
        ]);
    }
    table.trim_fmt()
}
