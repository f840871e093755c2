//! What a call costs, beside others.

use super::Suite;
use super::aims::{self, Aim};
use super::figures::Figures;
use super::table::{Table, less, more, number};

pub(super) const SUITE: Suite = Suite {
    benches: &["transport", "memory"],
    packages: &["hyper-util", "reqwest", "tokio"],
    render,
};

const TABLE: Table = Table {
    measures: &[
        more("one-at-a-time", "calls/s, one at a time"),
        more("64-at-once", "calls/s, 64 at once"),
        more(
            "64-at-once-apart",
            "calls/s, 64 at once, server in another process",
        ),
        less("instructions", "instructions per call"),
        less("allocations", "allocations per call"),
        less("bytes", "bytes allocated per call"),
        less("peak-kib", "peak memory at 1,000 calls at once, KiB"),
    ],
    columns: &[
        (BARE, "hyper-util, bare"),
        (OWN, "**blaxel-transport**, unboxed"),
        ("layered", "with 4 idle layers"),
        ("boxed", "**blaxel-transport**, as `build` makes it"),
        ("reqwest-0.12", "reqwest 0.12"),
        ("reqwest-0.13", "reqwest 0.13"),
    ],
};

const OWN: &str = "blaxel-transport";
const BARE: &str = "hyper-util";

fn render(figures: &Figures) -> String {
    format!("{}\n{}", TABLE.render(figures), aims::render(aims(figures)))
}

fn aims(figures: &Figures) -> Vec<Aim> {
    let instructions = "instructions";
    let mut aims = vec![
        Aim::ratio(
            figures,
            "instructions: at most 1.10 times those of bare hyper-util".to_owned(),
            (OWN, instructions),
            (BARE, instructions),
            |ratio| ratio <= 1.10,
        ),
        allocations(figures, OWN, BARE, "beside bare hyper-util, at most 2", 2.0),
        allocations(
            figures,
            "layered",
            OWN,
            "for four layers that do nothing, at most 3",
            3.0,
        ),
        allocations(
            figures,
            "boxed",
            OWN,
            "for one type whatever the layers, at most 1",
            1.0,
        ),
    ];
    for other in ["reqwest-0.12", "reqwest-0.13"] {
        aims.push(better(figures, other));
    }
    aims
}

fn allocations(figures: &Figures, of: &str, beside: &str, wanted: &str, most: f64) -> Aim {
    let measure = "allocations";
    let both = figures
        .value(of, measure)
        .zip(figures.value(beside, measure));
    let more = both.map(|(of, beside)| of - beside);
    Aim {
        wanted: format!("additional allocations {wanted}"),
        found: match more {
            Some(more) if more < 0.0 => format!("{} fewer", number(-more)),
            Some(more) => number(more),
            None => figures.absence(measure).to_owned(),
        },
        met: more.map(|more| more < most + 0.05),
    }
}

fn better(figures: &Figures, other: &str) -> Aim {
    let mut worse = Vec::new();
    let mut open = false;
    for measure in TABLE.measures {
        let own = figures.value(OWN, measure.name);
        match own.zip(figures.value(other, measure.name)) {
            Some((own, other)) if (own > other) == measure.more && own != other => {}
            Some(_) => worse.push(measure.title),
            None => open = true,
        }
    }
    Aim {
        wanted: format!("better than {} in every row", other.replace('-', " ")),
        found: match (worse.is_empty(), open) {
            (false, _) => format!("not in: {}", worse.join("; ")),
            (true, true) => "in every row that was measured".to_owned(),
            (true, false) => "in every row".to_owned(),
        },
        met: if worse.is_empty() && open {
            None
        } else {
            Some(worse.is_empty())
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(caller: &str, measure: &str, value: f64) -> String {
        format!("{caller}\t{measure}\t{value}\n")
    }

    fn rendered(lines: &[(&str, &str, f64)]) -> String {
        let lines: String = lines.iter().map(|(c, m, v)| line(c, m, *v)).collect();
        render(&Figures::parse(&lines).unwrap())
    }

    #[test]
    fn the_limits_themselves_are_within() {
        let text = rendered(&[
            (BARE, "instructions", 1000.0),
            (OWN, "instructions", 1100.0),
            (BARE, "allocations", 30.0),
            (OWN, "allocations", 32.0),
            ("layered", "allocations", 32.0),
            ("boxed", "allocations", 34.0),
        ]);
        assert!(text.contains("| 1.10 times | met |"), "{text}");
        assert!(text.contains("at most 2 | 2 | met |"), "{text}");
        assert!(text.contains("do nothing, at most 3 | 0 | met |"), "{text}");
        assert!(text.contains("at most 1 | 2 | **missed** |"), "{text}");
    }

    #[test]
    fn a_row_that_is_lost_is_named() {
        let text = rendered(&[
            (OWN, "one-at-a-time", 9.0),
            ("reqwest-0.12", "one-at-a-time", 8.0),
            (OWN, "bytes", 9.0),
            ("reqwest-0.12", "bytes", 8.0),
        ]);
        let expected =
            "reqwest 0.12 in every row | not in: bytes allocated per call | **missed** |";
        assert!(text.contains(expected), "{text}");
    }
}
