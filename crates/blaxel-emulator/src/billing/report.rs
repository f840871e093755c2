//! The response to a query of costs.

use std::collections::BTreeMap;

use serde_json::{Number, Value, json};

use super::calendar::hour_time;
use super::history::{Amount, History, Series};
use super::query::MetricsQuery;
use crate::cursor::Cursors;
use crate::errors::ErrorResponse;

/// The sums over the series of one group.
struct Group {
    /// The members that identify the group.
    members: BTreeMap<&'static str, String>,
    /// One amount for each step.
    steps: Vec<Amount>,
    total: Amount,
}

/// Runs a query. Groups are ordered by key, and those without usage are left out; without grouping
/// there is always one entry.
pub(crate) fn report(
    history: &History,
    query: &MetricsQuery,
    cursors: &Cursors,
    cursor: Option<&str>,
    now: u64,
) -> Result<Value, ErrorResponse> {
    let fingerprint = query.fingerprint(history.account_id());
    let after: Option<Vec<String>> = cursor
        .map(|cursor| cursors.read(cursor, &fingerprint, now))
        .transpose()?;

    let steps = query.resolution.steps(&query.window);
    let groups = groups(history, query, &steps);
    // The total is that of the whole window on every page.
    let mut total = Amount::default();
    for group in groups.values() {
        total.add(group.total);
    }
    let is_after = |key: &Vec<String>| after.as_ref().is_none_or(|after| key > after);
    let mut remaining = groups.iter().filter(|(key, _)| is_after(key));
    let page: Vec<_> = remaining.by_ref().take(query.limit).collect();
    let last = remaining.next().and_then(|_| page.last());
    let next = last.map(|(key, _)| cursors.issue(fingerprint, now, key));
    let data: Vec<_> = page
        .iter()
        .map(|(_, group)| group.entry(query, &steps))
        .collect();
    let mut summary = json!({"totalCost": dollars(total.cost)});
    if query.reports_usage() {
        summary["totalUsage"] = total.usage.into();
    }
    Ok(json!({
        "startTime": query.window.start,
        "endTime": query.window.end,
        "resolution": query.resolution.name(),
        "summary": summary,
        "data": data,
        "meta": {"hasMore": next.is_some(), "nextCursor": next.unwrap_or_default()},
    }))
}

fn groups(history: &History, query: &MetricsQuery, steps: &[i64]) -> BTreeMap<Vec<String>, Group> {
    let mut groups = BTreeMap::new();
    if query.group_by.is_empty() {
        groups.insert(Vec::new(), Group::new(steps.len()));
    }
    for series in history.series().filter(|series| query.matches(series)) {
        let mut own = Group::new(steps.len());
        own.fill(&series, history.hours(&query.window), steps);
        if own.total == Amount::default() {
            continue;
        }
        let key = query
            .group_by
            .iter()
            .map(|dimension| dimension.of(&series).to_owned())
            .collect();
        let group = groups.entry(key).or_insert_with(|| Group::new(steps.len()));
        group.describe(query, &series);
        group.total.add(own.total);
        for (sum, amount) in group.steps.iter_mut().zip(own.steps) {
            sum.add(amount);
        }
    }
    groups
}

impl Group {
    fn new(steps: usize) -> Self {
        let steps = vec![Amount::default(); steps];
        Self {
            members: BTreeMap::new(),
            steps,
            total: Amount::default(),
        }
    }

    /// Adds a series, hour by hour. An hour counts for the step in which it begins.
    fn fill(&mut self, series: &Series<'_>, hours: std::ops::Range<i64>, steps: &[i64]) {
        let mut step = steps
            .partition_point(|step| *step <= hours.start)
            .saturating_sub(1);
        for hour in hours {
            while steps.get(step + 1).is_some_and(|next| *next <= hour) {
                step += 1;
            }
            let amount = series.at(hour);
            self.total.add(amount);
            if let Some(sum) = self.steps.get_mut(step) {
                sum.add(amount);
            }
        }
    }

    /// Sets the group's key and the dimensions that are added to it.
    fn describe(&mut self, query: &MetricsQuery, series: &Series<'_>) {
        let grouped = query.group_by.iter();
        let besides = grouped.clone().flat_map(|dimension| dimension.enrichment());
        for dimension in grouped.chain(besides) {
            let value = dimension.of(series);
            self.members
                .entry(dimension.member())
                .or_insert_with(|| value.to_owned());
        }
    }

    fn entry(&self, query: &MetricsQuery, steps: &[i64]) -> Value {
        let amount = |amount: &Amount| {
            let mut json = json!({"cost": dollars(amount.cost)});
            if query.reports_usage() {
                json["usage"] = amount.usage.into();
            }
            json
        };
        let timeseries = steps.iter().zip(&self.steps).map(|(step, sum)| {
            let mut bucket = amount(sum);
            bucket["timestamp"] = json!(hour_time(*step));
            bucket
        });
        let mut entry = json!(self.members);
        entry["summary"] = amount(&self.total);
        entry["timeseries"] = timeseries.collect();
        entry
    }
}

/// Converts micro-dollars into dollars. The nearest float prints with at most six decimals.
fn dollars(micros: u64) -> Value {
    if micros.is_multiple_of(1_000_000) {
        return (micros / 1_000_000).into();
    }
    Number::from_f64(micros as f64 / 1e6).map_or(Value::Null, Value::Number)
}
