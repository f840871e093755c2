//! Properties of every report: parts add up to the whole, groups add up to the total, and no cent is lost.

use std::num::NonZeroUsize;

use crate::support::Scripted;
use blaxel_billing::{Billing, Dimension, Entry, MetricsQuery, Report, Resolution, Usd, Window};
use blaxel_core::Timestamp;
use blaxel_emulator::Emulator;
use proptest::prelude::*;
use serde_json::json;

/// The first hour of 2026.
const START: i64 = 490_896;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn hours(from: i64, to: i64) -> Window {
    let time = |hour: i64| Timestamp::from_unix(hour * 3600, 0);
    Window::new(time(from), time(to)).unwrap()
}

fn resolutions() -> impl Strategy<Value = Resolution> {
    prop::sample::select(vec![
        Resolution::Hourly,
        Resolution::Daily,
        Resolution::Weekly,
        Resolution::Monthly,
    ])
}

fn groupings() -> impl Strategy<Value = Vec<Dimension>> {
    let all = vec![
        Dimension::Workspace,
        Dimension::ResourceType,
        Dimension::ResourceName,
        Dimension::ResourceUuid,
        Dimension::BillingDimension,
    ];
    prop::sample::subsequence(all, 0..=3)
}

fn report(
    emulator: &Emulator,
    window: Window,
    resolution: &Resolution,
    by: &[Dimension],
) -> Report {
    let query = MetricsQuery::new(window).resolution(resolution.clone());
    let query = by.iter().cloned().fold(query, MetricsQuery::group_by);
    let billing = Billing::new(emulator.service());
    run(billing.report(emulator.account_id(), &query)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Holds wherever a window is cut, also within a step, and for every query.
    #[test]
    fn joined_parts_equal_the_report_of_the_whole_window(
        seed in 0u64..4,
        start in 0i64..6000,
        lengths in prop::collection::vec(1i64..160, 1..6),
        resolution in resolutions(),
        by in groupings(),
    ) {
        let emulator = Emulator::builder().seed(seed).build();
        let mut parts = Vec::new();
        let mut end = START + start;
        for length in &lengths {
            parts.push(report(&emulator, hours(end, end + length), &resolution, &by));
            end += length;
        }
        let whole_window = hours(START + start, end);
        // The whole window must be within what the server accepts.
        prop_assume!(resolution.longest_window().is_none_or(|most| whole_window.length() <= most));
        let whole = report(&emulator, whole_window, &resolution, &by);
        prop_assert_eq!(Report::join(parts).unwrap(), whole);
    }

    /// Compares the split that `report` itself makes with the same time in months, which are never split.
    #[test]
    fn a_split_report_equals_one_that_was_not_split(
        seed in 0u64..4,
        start in 0i64..3000,
        days in 91i64..240,
        by in groupings(),
        concurrency in 1usize..5,
    ) {
        let emulator = Emulator::builder().seed(seed).build();
        let window = hours(START + start, START + start + days * 24 + 5);
        let query = MetricsQuery::new(window.clone()).resolution(Resolution::Daily);
        let query = by.iter().cloned().fold(query, MetricsQuery::group_by);
        let billing = Billing::new(emulator.service()).with_concurrency(NonZeroUsize::new(concurrency).unwrap());
        let split = run(billing.report(emulator.account_id(), &query)).unwrap();
        let months = report(&emulator, window, &Resolution::Monthly, &by);
        prop_assert_eq!(split.total(), months.total());
        prop_assert_eq!(split.window(), months.window());
        prop_assert_eq!(split.rows().len(), months.rows().len());
        for (ours, theirs) in split.rows().iter().zip(months.rows()) {
            prop_assert_eq!(ours.labels(), theirs.labels());
            prop_assert_eq!(ours.cost(), theirs.cost());
            prop_assert_eq!(ours.usage(), theirs.usage());
        }
    }

    /// Holds for every grouping and every label.
    #[test]
    fn groups_add_up_to_the_total(
        seed in any::<u64>(),
        start in 0i64..8000,
        length in 1i64..800,
        by in groupings(),
    ) {
        let emulator = Emulator::builder().seed(seed).build();
        let window = hours(START + start, START + start + length);
        let whole = report(&emulator, window.clone(), &Resolution::Daily, &[]);
        let report = report(&emulator, window, &Resolution::Daily, &by);
        prop_assert_eq!(report.total(), whole.total());
        prop_assert_eq!(report.unaccounted(), Usd::ZERO);
        prop_assert_eq!(report.series(), whole.series());
        for dimension in &by {
            let breakdown = report.by(dimension).unwrap();
            prop_assert_eq!(breakdown.total(), whole.total());
            prop_assert_eq!(breakdown.top(2).total(), whole.total());
        }
        let odd = report.by_label(|labels| Some(labels.get(by.first()?)?.len().to_string()));
        prop_assert_eq!(odd.total(), whole.total());
        let steps: Usd = odd.entries().iter().flat_map(Entry::costs).copied().sum();
        prop_assert_eq!(steps, whole.total());
    }
}

/// Splits a window, for any resolution, with ends anywhere.
fn split(start: i64, length: i64, resolution: &Resolution) -> (Window, Vec<Window>) {
    let time = |second: i64| Timestamp::from_unix(second, 0);
    let window = Window::new(time(start), time(start + length)).unwrap();
    let parts = window.split(resolution);
    (window, parts)
}

proptest! {
    #[test]
    fn a_window_is_split_without_gaps_into_allowed_windows(
        start in 0i64..3_000_000_000,
        length in 1i64..400_000_000,
        resolution in resolutions(),
    ) {
        let (window, parts) = split(start, length, &resolution);
        prop_assert_eq!(parts.first().unwrap().start(), window.start());
        prop_assert_eq!(parts.last().unwrap().end(), window.end());
        for (part, next) in parts.iter().zip(parts.iter().skip(1)) {
            prop_assert_eq!(part.end(), next.start());
        }
        for part in &parts {
            let query = MetricsQuery::new(part.clone()).resolution(resolution.clone());
            prop_assert!(query.check().is_ok(), "{part}");
        }
        // No part but the last could have been a step longer.
        if let Some(longest) = resolution.longest_window() {
            let step = longest.as_secs() / 7;
            for part in parts.iter().rev().skip(1) {
                prop_assert!(longest.as_secs() - part.length().as_secs() <= step, "{part}");
            }
        }
    }

    /// Uses amounts of full precision on several pages.
    #[test]
    fn no_rounding_loses_a_cent(
        costs in prop::collection::vec(prop::collection::vec(0u64..4_000_000_000_000, 3), 1..40),
        per_page in 1usize..20,
    ) {
        let number = |billionths: u64| format!("{}.{:09}", billionths / 1_000_000_000, billionths % 1_000_000_000);
        let exact: u64 = costs.iter().flatten().sum();
        let groups: Vec<_> = costs.iter().enumerate().map(|(index, costs)| {
            let steps = costs.iter().zip(1..).map(|(cost, day)| json!({
                "timestamp": format!("2026-04-0{day}T00:00:00Z"),
                "cost": number(*cost),
            }));
            json!({
                "resourceName": format!("r{index}"),
                "summary": {"cost": number(costs.iter().sum())},
                "timeseries": steps.collect::<Vec<_>>(),
            })
        }).collect();
        let chunks: Vec<_> = groups.chunks(per_page).collect();
        let pages = chunks.iter().enumerate().map(|(index, groups)| {
            let next = if index + 1 < chunks.len() { format!("c{index}") } else { String::new() };
            json!({"summary": {"totalCost": number(exact)}, "data": groups, "meta": {"nextCursor": next}})
        });
        let billing = Billing::new(Scripted::new(pages.collect()));
        let window = Window::new("2026-04-01T00:00:00Z".parse().unwrap(), "2026-04-04T00:00:00Z".parse().unwrap()).unwrap();
        let query = MetricsQuery::new(window).group_by(Dimension::ResourceName);
        let report = run(billing.report("acc", &query.resolution(Resolution::Daily))).unwrap();

        let exact = Usd::from_billionths(exact.into());
        prop_assert_eq!(report.total(), exact);
        prop_assert_eq!(report.unaccounted(), Usd::ZERO);
        prop_assert_eq!(report.series().total(), exact);
        let breakdown = report.by(&Dimension::ResourceName).unwrap();
        prop_assert_eq!(breakdown.total(), exact);
        // Cents that are passed on one by one make up the bill in cents.
        prop_assert_eq!(breakdown.cents().into_iter().sum::<Usd>(), exact.to_cents());
        prop_assert_eq!(breakdown.top(3).cents().into_iter().sum::<Usd>(), exact.to_cents());
        // What is exported is read back equal.
        let mut csv = Vec::new();
        report.write_csv(&mut csv, blaxel_billing::Detail::Steps).unwrap();
        let text = String::from_utf8(csv).unwrap();
        let read = text.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse::<Usd>().unwrap());
        prop_assert_eq!(read.sum::<Usd>(), exact);
    }
}
