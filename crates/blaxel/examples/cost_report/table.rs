//! Costs as a table that a person can read.

use std::fmt::Write as _;

use blaxel::billing::{Breakdown, Entry, Label, Usd, Window};
use blaxel::blaxel_core::Timestamp;

/// The widest bar, in characters.
const BAR: usize = 24;
/// A bar's last character, from an eighth to a whole one.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// The entries from the dearest to the cheapest, with a bar each, how they changed since the window
/// before, and the total. The cents of the rows add up to those of the total.
pub(crate) fn render(title: &str, costs: &Breakdown, before: &Breakdown) -> String {
    let dearest = costs
        .entries()
        .iter()
        .map(Entry::cost)
        .max()
        .unwrap_or_default();
    let names = costs
        .entries()
        .iter()
        .map(|entry| entry.label().to_string());
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
    let width = width.max(title.len()).max("total".len());

    let mut table = format!(
        "\n{title:width$}  {:>11}  {:>6}  {:>8}\n",
        "USD", "share", "change"
    );
    for (entry, cents) in costs.entries().iter().zip(costs.cents()) {
        let change = earlier(entry.label(), before).map(|before| (entry.cost(), before));
        let line = format!(
            "{:width$}  {cents:>11}  {:>6}  {:>8}  {}",
            entry.label(),
            share(entry.cost(), costs.total()),
            percent(change),
            bar(entry.cost(), dearest),
        );
        let _ = writeln!(table, "{}", line.trim_end());
    }
    let total = costs.total();
    let change = percent(Some((total, before.total())));
    let _ = writeln!(
        table,
        "{:width$}  {:>11}  {:>6}  {change:>8}",
        "total",
        total.to_cents(),
        ""
    );
    table
}

/// What an entry cost in the window before; `None` for one that stands for several.
fn earlier(label: &Label, before: &Breakdown) -> Option<Usd> {
    let name = label.name()?;
    Some(before.get(name).map(Entry::cost).unwrap_or_default())
}

fn share(cost: Usd, total: Usd) -> String {
    let share = cost.percent_of(total);
    share.map_or(String::new(), |share| format!("{share:.1} %"))
}

/// By how much a cost rose above an earlier one.
fn percent(change: Option<(Usd, Usd)>) -> String {
    let Some((now, before)) = change else {
        return String::new();
    };
    match (now - before).percent_of(before) {
        Some(percent) if percent >= 1000.0 => ">1000 %".to_owned(),
        Some(percent) => format!("{percent:+.1} %"),
        None => "new".to_owned(),
    }
}

fn bar(cost: Usd, dearest: Usd) -> String {
    let widest = BAR * EIGHTHS.len();
    let share = cost.percent_of(dearest).unwrap_or(0.0).clamp(0.0, 100.0) / 100.0;
    let eighths = (share * widest as f64).round() as usize;
    let mut bar: String = "█".repeat(eighths / EIGHTHS.len());
    let rest = eighths % EIGHTHS.len();
    bar.extend(rest.checked_sub(1).and_then(|last| EIGHTHS.get(last)));
    bar
}

/// The first and the last day of a window of whole days.
pub(crate) fn days(window: &Window) -> String {
    let end = window.end().unix().map_or(0, |(second, _)| second);
    let last = Timestamp::from_unix(end - 1, 0);
    let day = |time: &Timestamp| time.as_str().chars().take(10).collect::<String>();
    format!("{} to {}", day(window.start()), day(&last))
}
