//! Costs as a table that a person can read.

use std::fmt::Write as _;

use blaxel::billing::{Group, Usd};

const WIDEST_BAR: i128 = 30;

/// The groups from the dearest to the cheapest, with a bar each, and the total.
pub(crate) fn render(groups: &[Group], total: Usd) -> String {
    let mut groups: Vec<&Group> = groups.iter().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.summary.cost));
    let dearest = groups.first().map_or(Usd::ZERO, |group| group.summary.cost);
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
        let _ = writeln!(
            table,
            "{:width$}  {cost:>12.2}  {}",
            name(group),
            bar(cost, dearest)
        );
    }
    let _ = writeln!(table, "{:width$}  {total:>12.2}", "total");
    table
}

fn bar(cost: Usd, dearest: Usd) -> String {
    let share = cost.billionths() * WIDEST_BAR / dearest.billionths().max(1);
    "#".repeat(usize::try_from(share).unwrap_or(0))
}
