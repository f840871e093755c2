//! Formats costs as a text table with bars.

use std::fmt::Write as _;

use blaxel::billing::{Breakdown, Entry, Label, Usd, Window};
use blaxel::blaxel_core::Timestamp;

/// The width of the longest bar, in characters.
const BAR: usize = 24;
/// The last character of a bar, from one eighth to a whole block.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// Returns a table of the entries, most expensive first, each with a bar and its change from the previous
/// window, and of the total. The cents of the rows add up to those of the total.
pub(crate) fn render(title: &str, costs: &Breakdown, before: &Breakdown) -> String {
    let highest = costs
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
            bar(entry.cost(), highest),
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

/// Returns the cost of an entry in the previous window, or `None` for the entry that sums several.
fn earlier(label: &Label, before: &Breakdown) -> Option<Usd> {
    let name = label.name()?;
    Some(before.get(name).map(Entry::cost).unwrap_or_default())
}

/// Formats the share of a cost in the total.
fn share(cost: Usd, total: Usd) -> String {
    let share = cost.percent_of(total);
    share.map_or(String::new(), |share| format!("{share:.1} %"))
}

/// Formats the relative change of a cost, given as the new and the old one.
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

/// Returns a bar whose length is proportional to the cost.
fn bar(cost: Usd, highest: Usd) -> String {
    let widest = BAR * EIGHTHS.len();
    let share = cost.percent_of(highest).unwrap_or(0.0).clamp(0.0, 100.0) / 100.0;
    let eighths = (share * widest as f64).round() as usize;
    let mut bar: String = "█".repeat(eighths / EIGHTHS.len());
    let rest = eighths % EIGHTHS.len();
    bar.extend(rest.checked_sub(1).and_then(|last| EIGHTHS.get(last)));
    bar
}

/// Formats a window of whole days by its first and last day.
pub(crate) fn days(window: &Window) -> String {
    let end = window.end().unix().map_or(0, |(second, _)| second);
    let last = Timestamp::from_unix(end - 1, 0);
    let day = |time: &Timestamp| time.as_str().chars().take(10).collect::<String>();
    format!("{} to {}", day(window.start()), day(&last))
}
