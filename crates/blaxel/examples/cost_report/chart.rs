//! A stacked column chart of the costs: one column per day, one segment per resource type.

use blaxel::billing::{Breakdown, Entry, Usd, Window};
use blaxel::blaxel_core::Timestamp;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::{Failure, table};

const SIZE: (u32, u32) = (1200, 600);
/// The width of the legend at the right.
const LEGEND: u32 = 250;
const MARGIN: i32 = 15;
/// The palette of Okabe and Ito, which is safe for color-blind readers.
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(213, 94, 0),
    RGBColor(120, 120, 120),
];
const INK: RGBColor = RGBColor(40, 40, 40);
const FAINT: RGBColor = RGBColor(225, 225, 225);
const FONT: &str = "sans-serif";

/// Returns an SVG chart of the most expensive entries; the rest are summed into one. The most expensive
/// one is at the bottom of the stack.
pub(crate) fn draw(account: &str, window: &Window, costs: &Breakdown) -> Result<String, Failure> {
    let costs = costs.top(COLORS.len() - 1);
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let title = format!("Cost of account {account} by day, {}", table::days(window));
        let style = (FONT, 22).into_font().color(&INK);
        root.draw(&Text::new(title, (MARGIN, MARGIN), style))?;
        let (_, below) = root.split_vertically(MARGIN + 35);
        let (plot, legend_area) = below.split_horizontally(SIZE.0 - LEGEND);
        columns(&root, &plot, &costs)?;
        legend(&legend_area, &costs)?;
        root.present()?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Draws the axes and the columns.
fn columns(root: &Area<'_>, plot: &Area<'_>, costs: &Breakdown) -> Result<(), Failure> {
    let days = costs.steps().len();
    let sums: Vec<f64> = (0..days)
        .map(|day| {
            costs
                .entries()
                .iter()
                .map(|entry| dollars_on(entry, day))
                .sum()
        })
        .collect();
    let highest = sums.iter().copied().fold(0.01, f64::max);
    let mut chart = ChartBuilder::on(plot)
        .margin(MARGIN)
        .x_label_area_size(45)
        .y_label_area_size(80)
        .build_cartesian_2d(0.0..days as f64, 0.0..highest * 1.05)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .y_labels(8)
        .y_desc("US dollars a day")
        .y_label_formatter(&|dollars| amount(*dollars, highest))
        .label_style((FONT, 15).into_font().color(&INK))
        .draw()?;

    // A gap between columns, unless they are too narrow.
    let gap = if days > 150 { 0.0 } else { 0.1 };
    let mut bottoms = vec![0.0; days];
    for (entry, color) in costs.entries().iter().zip(COLORS) {
        let segments = bottoms.iter_mut().enumerate().filter_map(|(day, bottom)| {
            let from = *bottom;
            *bottom += dollars_on(entry, day);
            let corners = [(day as f64 + gap, from), (day as f64 + 1.0 - gap, *bottom)];
            (*bottom > from).then(|| Rectangle::new(corners, color.filled()))
        });
        chart.draw_series(segments)?;
    }
    // Dates are placed below their days, few enough to be readable. The plot maps a day to pixel coordinates
    // of the whole image.
    let style = (FONT, 15).into_font().color(&INK);
    let style = style.pos(Pos::new(HPos::Center, VPos::Top));
    let every = [1, 2, 7, 14, 28]
        .into_iter()
        .find(|every| days <= every * 12);
    let every = every.unwrap_or_else(|| days.div_ceil(12));
    let area = chart.plotting_area();
    for (day, step) in costs.steps().iter().enumerate().step_by(every) {
        let (x, y) = area.map_coordinate(&(day as f64 + 0.5, 0.0));
        root.draw(&PathElement::new([(x, y), (x, y + 6)], INK))?;
        root.draw(&Text::new(date(step), (x, y + 10), style.clone()))?;
    }
    let (left, right) = (
        area.map_coordinate(&(0.0, 0.0)),
        area.map_coordinate(&(days as f64, 0.0)),
    );
    root.draw(&PathElement::new([left, right], INK))?;
    Ok(())
}

/// Draws the legend, in the order of the stack.
fn legend(area: &Area<'_>, costs: &Breakdown) -> Result<(), Failure> {
    let style = (FONT, 16).into_font().color(&INK);
    let right = style.pos(Pos::new(HPos::Right, VPos::Center));
    let left = style.pos(Pos::new(HPos::Left, VPos::Center));
    let lines = costs.entries().iter().zip(costs.cents()).zip(COLORS).rev();
    let mut y = 30;
    for ((entry, cents), color) in lines {
        area.draw(&Rectangle::new([(0, y - 8), (16, y + 8)], color.filled()))?;
        area.draw(&Text::new(entry.label().to_string(), (26, y), left.clone()))?;
        area.draw(&Text::new(
            format!("${cents}"),
            (LEGEND as i32 - 25, y),
            right.clone(),
        ))?;
        y += 28;
    }
    area.draw(&PathElement::new(
        [(0, y - 10), (LEGEND as i32 - 25, y - 10)],
        INK,
    ))?;
    y += 8;
    let total: Usd = costs.total().to_cents();
    area.draw(&Text::new("total", (26, y), left))?;
    area.draw(&Text::new(
        format!("${total}"),
        (LEGEND as i32 - 25, y),
        right,
    ))?;
    Ok(())
}

/// Returns the cost of an entry on a day, with the precision of a chart.
fn dollars_on(entry: &Entry, day: usize) -> f64 {
    let cost = entry.costs().get(day).copied().unwrap_or_default();
    cost.to_f64().max(0.0)
}

/// Formats a label of the cost axis.
fn amount(dollars: f64, highest: f64) -> String {
    if highest < 10.0 {
        format!("${dollars:.2}")
    } else {
        format!("${dollars:.0}")
    }
}

/// Formats a day as `18 Jun`.
fn date(step: &Timestamp) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let Some((_, month, day)) = step.date() else {
        return step.to_string();
    };
    let name = MONTHS
        .get(usize::from(month) - 1)
        .copied()
        .unwrap_or_default();
    format!("{day} {name}")
}
