//! What it costs to walk a long list, beside a loop written by hand.

use std::fmt::Write as _;

use super::Suite;
use super::aims::{self, Aim};
use super::figures::Figures;
use super::table::{Table, less, more, number};

pub(super) const SUITE: Suite = Suite {
    benches: &["walk", "walk_memory"],
    packages: &["hyper-util", "serde_json", "tokio"],
    render,
};

const TABLE: Table = Table {
    measures: &[
        more(RATES[0], "items/s"),
        more(RATES[1], "items/s, server takes 5 ms a page"),
        more(RATES[2], "items/s, consumer takes 5 ms a page"),
        more(RATES[3], "items/s, both take 5 ms a page"),
        less("instructions", "instructions per item"),
        less("allocations", "allocations per item"),
        less(SHORTER, "peak memory over 10,000 items, KiB"),
        less(LONGER, "peak memory over 100,000 items, KiB"),
    ],
    columns: &[
        (BY_HAND, "loop written by hand"),
        (ITEMS, "**`items()`**"),
        (READ_AHEAD, "**`items()`, reading ahead**"),
    ],
};

const BY_HAND: &str = "hand-written";
const ITEMS: &str = "items";
const READ_AHEAD: &str = "read-ahead";

const RATES: [&str; 4] = ["at-once", "server-waits", "consumer-waits", "both-wait"];
const SHORTER: &str = "peak-of-shorter-kib";
const LONGER: &str = "peak-of-longer-kib";

fn render(figures: &Figures) -> String {
    let mut text = TABLE.render(figures);
    let limit = |who| figures.value(who, RATES[0]);
    if let Some((server, decoding)) = limit("server").zip(limit("decoding")) {
        let _ = writeln!(
            text,
            "\nThe server gives {} items/s to a reader that decodes nothing; decoding yields {} \
             items/s where there is no server to wait for.",
            number(server),
            number(decoding)
        );
    }
    let _ = write!(text, "\n{}", aims::render(aims(figures)));
    text
}

fn aims(figures: &Figures) -> Vec<Aim> {
    let beside = RATES.map(|rate| ((ITEMS, rate), (BY_HAND, rate)));
    let both_wait = RATES[3];
    let grown = [ITEMS, READ_AHEAD].map(|who| ((who, LONGER), (who, SHORTER)));
    vec![
        Aim::ratios(
            figures,
            "items/s: in each row at least 0.95 times those of the loop".to_owned(),
            &beside,
            |ratio| ratio >= 0.95,
        ),
        Aim::ratio(
            figures,
            "items/s where both take 5 ms: reading ahead, at least 1.7 times those without"
                .to_owned(),
            (READ_AHEAD, both_wait),
            (ITEMS, both_wait),
            |ratio| ratio >= 1.7,
        ),
        Aim::ratios(
            figures,
            "peak memory over 100,000 items, without and with reading ahead: at most 1.05 times \
             that over 10,000"
                .to_owned(),
            &grown,
            |ratio| ratio <= 1.05,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What someone gets in the four rows of rates.
    fn rates(who: &str, rates: [u32; 4]) -> String {
        let lines = RATES.iter().zip(rates);
        lines
            .map(|(measure, rate)| format!("{who}\t{measure}\t{rate}\t1\n"))
            .collect()
    }

    fn rendered(lines: &str) -> String {
        render(&Figures::parse(lines).unwrap())
    }

    #[test]
    fn each_row_counts() {
        let by_hand = rates(BY_HAND, [100; 4]);
        let text = rendered(&(by_hand.clone() + &rates(ITEMS, [95, 100, 101, 95])));
        assert!(
            text.contains("| 0.95, 1.00, 1.01, 0.95 times | met |"),
            "{text}"
        );
        let text = rendered(&(by_hand + &rates(ITEMS, [100, 100, 94, 100])));
        assert!(text.contains("0.94, 1.00 times | **missed** |"), "{text}");
    }

    #[test]
    fn reading_ahead_is_judged_where_there_is_something_to_wait_for() {
        let items = rates(ITEMS, [100; 4]);
        let text = rendered(&(items.clone() + &rates(READ_AHEAD, [100, 100, 100, 170])));
        assert!(text.contains("| 1.70 times | met |"), "{text}");
        let text = rendered(&(items + &rates(READ_AHEAD, [200, 200, 200, 160])));
        assert!(text.contains("| 1.60 times | **missed** |"), "{text}");
    }

    #[test]
    fn a_peak_may_not_grow_with_the_list() {
        let peaks = |who, shorter, longer| {
            format!("{who}\t{SHORTER}\t{shorter}\n{who}\t{LONGER}\t{longer}\n")
        };
        let items = peaks(ITEMS, 1000, 1050);
        let text = rendered(&(items.clone() + &peaks(READ_AHEAD, 2000, 2000)));
        assert!(text.contains("| 1.05, 1.00 times | met |"), "{text}");
        let text = rendered(&(items + &peaks(READ_AHEAD, 2000, 2400)));
        assert!(text.contains("| 1.05, 1.20 times | **missed** |"), "{text}");
    }

    #[test]
    fn the_limits_stand_below_the_table() {
        let text = rendered("server\tat-once\t2000000\t1\ndecoding\tat-once\t100000\t1\n");
        assert!(text.contains("gives 2,000,000 items/s"), "{text}");
        assert!(text.contains("yields 100,000 items/s"), "{text}");
    }
}
