//! What it costs to read a streamed chat, beside others who read the same bytes.

use super::Suite;
use super::aims::{self, Aim};
use super::figures::Figures;
use super::table::{Table, less, more};

pub(super) const SUITE: Suite = Suite {
    benches: &["chat"],
    packages: &["async-openai", "eventsource-stream", "hyper-util"],
    render,
};

const OWN: &str = "blaxel-inference";
const OTHERS: [(&str, &str); 2] = [
    ("async-openai", "async-openai"),
    ("hyper-util+eventsource-stream", "the bare loop"),
];
const RATE: &str = "deltas-per-second";
const MEMORY: &str = "kib-per-held-stream";

const TABLE: Table = Table {
    measures: &[
        more(RATE, "deltas/s"),
        less(
            "first-delta-us",
            "first delta, µs after the server's own delay",
        ),
        less("allocations-per-delta", "allocations per delta"),
        less(MEMORY, "memory per stream of 1,000 at once, KiB"),
    ],
    columns: &[
        (OWN, "**blaxel-inference**"),
        (OTHERS[0].0, "async-openai"),
        (OTHERS[1].0, "hyper-util and eventsource-stream"),
    ],
};

fn render(figures: &Figures) -> String {
    let aims: Vec<Aim> = OTHERS
        .iter()
        .map(|(other, title)| {
            Aim::ratio(
                figures,
                format!("deltas/s: at least those of {title}"),
                (OWN, RATE),
                (*other, RATE),
                |ratio| ratio >= 1.0,
            )
        })
        .collect();
    format!("{}\n{}", TABLE.render(figures), aims::render(aims))
}
