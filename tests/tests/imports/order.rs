//! The reading orders as a document gives them: rows of a table with a label and the modules' names.

/// The order of the modules that one parent declares.
pub(crate) struct ReadingOrder {
    /// A crate, or a module in one, such as `blaxel-emulator::state`.
    pub(crate) label: String,
    /// The modules by their paths from the crate's root.
    pub(crate) modules: Vec<String>,
}

/// Returns the orders below the heading `Reading order` of a text.
pub(crate) fn reading_orders(text: &str) -> Vec<ReadingOrder> {
    let lines = text.lines().skip_while(|line| *line != "## Reading order");
    let section = lines.skip(1).take_while(|line| !line.starts_with("## "));
    section.filter_map(reading_order).collect()
}

/// Reads a row such as ``| `blaxel-core` | `time`, `version` |``.
fn reading_order(row: &str) -> Option<ReadingOrder> {
    let mut cells = row.strip_prefix('|')?.split('|').map(str::trim);
    let label = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
    let modules = cells.next()?.split(',').map(|name| {
        let name = name.trim().trim_matches('`');
        match label.split_once("::") {
            Some((_, parent)) if !name.contains("::") => format!("{parent}::{name}"),
            _ => name.to_owned(),
        }
    });
    Some(ReadingOrder {
        label: label.to_owned(),
        modules: modules.collect(),
    })
}

#[test]
fn a_row_names_modules_by_their_own_names() {
    let text = "\
# Kites
| `a` | `b` |
## Reading order
Text.
| crate | files |
| --- | --- |
| `kite` | `string`, `tail` |
| `kite::tail` | `bow`, `knot` |
## The end
| `z` | `y` |
";
    let orders = reading_orders(text);
    let labels: Vec<_> = orders.iter().map(|order| order.label.as_str()).collect();
    assert_eq!(labels, ["kite", "kite::tail"]);
    assert_eq!(orders[0].modules, ["string", "tail"]);
    assert_eq!(orders[1].modules, ["tail::bow", "tail::knot"]);
}
