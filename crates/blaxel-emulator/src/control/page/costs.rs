//! The costs of the account as a picture.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::Query;
use axum::response::Response;
use serde::Deserialize;

use super::chart::{Chart, bar};
use super::html::{Html, html};
use super::layout::page;
use super::money::dollars;
use crate::billing::hour_time;
use crate::control::Of;
use crate::engine::Engine;

const SECONDS_PER_HOUR: u64 = 3600;
const HOURS_PER_DAY: i64 = 24;

/// The numbers of days that can be shown.
const WINDOWS: [i64; 3] = [7, 30, 90];
/// The number of resources that are listed: the most expensive ones.
const LISTED: usize = 10;

/// The types of resources that cost something, with their names, in the order of their colors.
const TYPES: [(&str, &str); 6] = [
    ("sandbox", "Sandboxes"),
    ("agent", "Agents"),
    ("job", "Jobs"),
    ("mcp_server", "Functions"),
    ("volume", "Volumes"),
    ("custom_domain", "Custom domains"),
];

/// The costs of some days, in micro-dollars.
pub(super) struct Costs {
    pub(super) total: u64,
    /// The dates, oldest first, each with the costs of each type.
    days: Vec<(String, [u64; TYPES.len()])>,
    /// The costs of each type.
    types: [u64; TYPES.len()],
    /// The workspace, type and name of each resource, and its costs.
    resources: Vec<((String, usize, &'static str), u64)>,
}

impl Costs {
    /// Sums up the costs of the last days, until the current hour.
    pub(super) fn of(engine: &Engine, days: i64) -> Self {
        let end = i64::try_from(engine.seconds() / SECONDS_PER_HOUR).unwrap_or(0);
        let today = end.div_euclid(HOURS_PER_DAY);
        let first = today - days + 1;
        let mut by_day = vec![[0; TYPES.len()]; usize::try_from(days).unwrap_or(0)];
        let mut types = [0; TYPES.len()];
        let mut resources = BTreeMap::new();
        for series in engine.history.series() {
            let resource = series.resource;
            let known = TYPES
                .iter()
                .position(|(name, _)| *name == resource.resource_type);
            let Some(kind) = known else { continue };
            let key = (resource.workspace.clone(), kind, resource.name);
            let sum = resources.entry(key).or_insert(0);
            for (day, costs) in (first..).zip(&mut by_day) {
                let hours = day * HOURS_PER_DAY..((day + 1) * HOURS_PER_DAY).min(end + 1);
                let cost: u64 = hours.map(|hour| series.at(hour).cost).sum();
                costs[kind] += cost;
                types[kind] += cost;
                *sum += cost;
            }
        }
        let date = |day| {
            let midnight = hour_time(day * HOURS_PER_DAY);
            midnight.as_str().chars().take(10).collect()
        };
        let mut resources: Vec<_> = resources.into_iter().collect();
        resources.sort_by_key(|(_, cost)| std::cmp::Reverse(*cost));
        Self {
            total: types.iter().sum(),
            days: (first..).map(date).zip(by_day).collect(),
            types,
            resources,
        }
    }
}

/// The days to show.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    days: Option<i64>,
}

pub(super) async fn show(Extension(engine): Of, Query(wanted): Query<Wanted>) -> Response {
    let days = wanted.days.filter(|days| WINDOWS.contains(days));
    let days = days.unwrap_or(WINDOWS[1]);
    let costs = Costs::of(&engine, days);
    let windows: Html = WINDOWS
        .iter()
        .map(|window| {
            let mark = match *window == days {
                true => html(" aria-current=\"true\"", &[]),
                false => Html::default(),
            };
            let window = window.to_string();
            html(
                "<a class=\"button\" href=\"/_emulator/page/costs?days={}\"{}>{} days</a>",
                &[&window, &mark, &window],
            )
        })
        .collect();
    let main = html(
        "<div class=\"actions\" role=\"group\" aria-label=\"Time\">{}</div>\
         <div id=\"costs\" data-live><section class=\"card\"><div class=\"head\"><h2>{} in {} days</h2></div>{}{}{}</section>\
         <section class=\"card\"><h2>Most expensive resources</h2>{}</section></div>\
         <p class=\"quiet\">The costs of account {} are generated from the seed of the emulator. \
         They do not follow from requests: see the <a href=\"/_emulator/page/deviations\">deviations</a>.</p>",
        &[
            &windows,
            &dollars(costs.total),
            &days.to_string(),
            &chart(&costs),
            &legend(&costs),
            &table(&costs),
            &most_expensive(&costs),
            &engine.history.account_id(),
        ],
    );
    page(&engine, "/costs", "Costs", &main)
}

fn chart(costs: &Costs) -> Html {
    Chart {
        label: format!(
            "Costs of each day by type of resource, {} in all",
            dollars(costs.total)
        ),
        bars: costs
            .days
            .iter()
            .map(|(date, amounts)| {
                let named = amounts.iter().zip(TYPES);
                let named = named.map(|(amount, (_, name))| {
                    (*amount, format!("{date}: {name} {}", dollars(*amount)))
                });
                (date.clone(), named.collect())
            })
            .collect(),
    }
    .draw()
}

fn legend(costs: &Costs) -> Html {
    let entries: Html = TYPES
        .iter()
        .zip(costs.types)
        .enumerate()
        .map(|(number, ((_, name), amount))| {
            html(
                "<li><svg class=\"key\" viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"c{}\" width=\"1\" height=\"1\"/></svg> {} <b class=\"number\">{}</b></li>",
                &[&number, name, &dollars(amount)],
            )
        })
        .collect();
    html("<ul class=\"legend\">{}</ul>", &[&entries])
}

/// Returns the figures of the picture, for those who cannot see it.
fn table(costs: &Costs) -> Html {
    let heads: Html = TYPES
        .iter()
        .map(|(_, name)| html("<th scope=\"col\">{}</th>", &[name]))
        .collect();
    let rows: Html = costs
        .days
        .iter()
        .rev()
        .map(|(date, amounts)| {
            let cells: Html = amounts
                .iter()
                .map(|amount| html("<td class=\"number\">{}</td>", &[&dollars(*amount)]))
                .collect();
            html("<tr><th scope=\"row\">{}</th>{}</tr>", &[date, &cells])
        })
        .collect();
    html(
        "<details id=\"figures\"><summary>As a table</summary><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Day</th>{}</tr></thead>\
         <tbody>{}</tbody></table></div></details>",
        &[&heads, &rows],
    )
}

fn most_expensive(costs: &Costs) -> Html {
    let most = costs
        .resources
        .first()
        .map_or(1, |(_, cost)| (*cost).max(1));
    let listed = costs.resources.iter().take(LISTED);
    let rows: Html = listed
        .map(|((workspace, kind, name), cost)| {
            let noun = TYPES.get(*kind).map(|(_, noun)| *noun);
            html(
                "<tr><td>{}<br><span class=\"quiet\">{} · {}</span></td><td class=\"meter\">{}</td><td class=\"number\">{}</td></tr>",
                &[name, &noun, workspace, &bar(*kind, *cost, most), &dollars(*cost)],
            )
        })
        .collect();
    html(
        "<table class=\"ranking\"><thead class=\"hidden\"><tr><th scope=\"col\">Resource</th><th scope=\"col\">Share</th>\
         <th scope=\"col\">Costs</th></tr></thead><tbody>{}</tbody></table>",
        &[&rows],
    )
}
