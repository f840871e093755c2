//! Formats costs as a text table.

use std::fmt::Write as _;

use blaxel::billing::{Group, Usd};

/// The width of the longest bar, in characters.
const MAX_BAR: i128 = 30;

/// Returns a table of the groups, most expensive first, each with a bar, and of the total.
pub(crate) fn render(groups: &[Group], total: Usd) -> String {
    let mut groups: Vec<&Group> = groups.iter().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.summary.cost));
    let highest = groups.first().map_or(Usd::ZERO, |group| group.summary.cost);
    let name = |group: &Group| {
        group
            .labels
            .resource_type
            .clone()
            .unwrap_or_else(|| "(other)".to_owned())
    };
    let width = groups
        .iter()
        .map(|group| name(group).len())
        .max()
        .unwrap_or(0)
        .max(5);

    let mut table = format!("{:width$}  {:>12}\n", "type", "USD");
    for group in groups {
        let cost = group.summary.cost;
        let line = format!(
            "{:width$}  {cost:>12.2}  {}",
            name(group),
            bar(cost, highest)
        );
        let _ = writeln!(table, "{}", line.trim_end());
    }
    let _ = writeln!(table, "{:width$}  {total:>12.2}", "total");
    table
}

/// Returns a bar whose length is proportional to the cost.
fn bar(cost: Usd, highest: Usd) -> String {
    let share = cost.billionths() * MAX_BAR / highest.billionths().max(1);
    "#".repeat(usize::try_from(share).unwrap_or(0))
}
