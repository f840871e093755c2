//! Pictures in SVG.

use super::html::{Html, html};
use super::money::dollars;

/// The height of the picture in its own units. It is as wide as there are bars.
const HEIGHT: u64 = 1000;
/// The width of a bar and of the place that it has.
const BAR: u64 = 8;
const PLACE: u64 = 10;

/// Stacked bars, one for each day.
pub(super) struct Chart {
    /// The picture in words.
    pub(super) label: String,
    /// For each bar, its name and its parts from the bottom up: an amount in micro-dollars, and a text.
    pub(super) bars: Vec<(String, Vec<(u64, String)>)>,
}

impl Chart {
    /// Draws the picture. It stretches to any width, so its texts are beside it.
    pub(super) fn draw(&self) -> Html {
        let highest = self.bars.iter().map(|(_, parts)| sum(parts)).max();
        let top = round_up(highest.unwrap_or(0));
        let bars: Html = (0_u64..)
            .zip(&self.bars)
            .map(|(number, (_, parts))| stack(number * PLACE, parts, top))
            .collect();
        let width = PLACE * self.bars.len() as u64;
        let lines: Html = [0, HEIGHT / 2, HEIGHT]
            .iter()
            .map(|y| {
                html(
                    "<line class=\"grid\" x1=\"0\" y1=\"{}\" x2=\"{}\" y2=\"{}\" vector-effect=\"non-scaling-stroke\"/>",
                    &[y, &width, y],
                )
            })
            .collect();
        let name = |index: usize| self.bars.get(index).map(|(name, _)| name.as_str());
        let last = self.bars.len().saturating_sub(1);
        html(
            "<div class=\"chart\"><div class=\"scale\" aria-hidden=\"true\"><span>{}</span><span>{}</span><span>$0</span></div>\
             <svg role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\">{}{}</svg>\
             <div class=\"days\" aria-hidden=\"true\"><span>{}</span><span>{}</span><span>{}</span></div></div>",
            &[
                &dollars(top),
                &dollars(top / 2),
                &self.label,
                &width,
                &HEIGHT,
                &lines,
                &bars,
                &name(0),
                &name(last / 2),
                &name(last),
            ],
        )
    }
}

fn sum(parts: &[(u64, String)]) -> u64 {
    parts.iter().map(|(amount, _)| amount).sum()
}

fn stack(x: u64, parts: &[(u64, String)], top: u64) -> Html {
    let mut below = 0;
    let mut rectangles = Html::default();
    for (number, (amount, text)) in parts.iter().enumerate() {
        let (low, high) = (scaled(below, top), scaled(below + amount, top));
        below += amount;
        rectangles.push(&html(
            "<rect class=\"c{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title></rect>",
            &[&number, &(x + 1), &(HEIGHT - high), &BAR, &(high - low), text],
        ));
    }
    rectangles
}

/// Returns the height of an amount.
fn scaled(amount: u64, top: u64) -> u64 {
    amount.saturating_mul(HEIGHT) / top.max(1)
}

/// Returns the next round amount, which is at least a cent.
fn round_up(amount: u64) -> u64 {
    let mut unit: u64 = 1_000;
    loop {
        for factor in [10, 15, 20, 30, 40, 50, 60, 80] {
            let rounded = unit.saturating_mul(factor);
            if rounded >= amount {
                return rounded;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// Draws a bar that is a share of the whole width.
pub(super) fn bar(color: usize, amount: u64, most: u64) -> Html {
    html(
        "<svg class=\"bar\" viewBox=\"0 0 {} 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"c{}\" width=\"{}\" height=\"1\"/></svg>",
        &[&HEIGHT, &color, &scaled(amount, most).max(4)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_bar_are_stacked_below_the_top() {
        let part = |amount| (amount, String::new());
        let drawn = stack(10, &[part(25), part(50)], 100).into_string();
        assert!(drawn.contains("class=\"c0\" x=\"11\" y=\"750\" width=\"8\" height=\"250\""));
        assert!(drawn.contains("class=\"c1\" x=\"11\" y=\"250\" width=\"8\" height=\"500\""));
        assert_eq!(
            [0, 10_001, 20_000, u64::MAX].map(round_up),
            [10_000, 15_000, 20_000, u64::MAX]
        );
    }
}
