//! The comparison with the window before, and the forecast to the end of the month.

use blaxel_billing::{
    Billing, Change, Comparison, Dimension, MetricsQuery, Resolution, Usd, Window,
};
use blaxel_core::Timestamp;
use blaxel_emulator::Emulator;
use serde_json::json;

use crate::support::{Scripted, april, named, on_the_emulator, page, scripted, window};

#[tokio::test]
async fn a_window_is_compared_with_the_one_before() {
    let emulator = Emulator::offline();
    let billing = Billing::new(emulator.service());
    let query = april().group_by(Dimension::ResourceType);
    let comparison = billing
        .comparison(emulator.account_id(), &query)
        .await
        .unwrap();
    assert_eq!(
        *comparison.before().window(),
        Window::month(2026, 3).unwrap()
    );
    let total = comparison.total();
    assert_eq!(
        total.difference(),
        comparison.now().total() - comparison.before().total()
    );
    let changes = comparison.by(&Dimension::ResourceType).unwrap();
    let sum: Usd = changes.iter().map(Change::difference).sum();
    assert_eq!(sum, total.difference());
    assert!(
        changes.is_sorted_by_key(|change| {
            std::cmp::Reverse(change.difference().billionths().abs())
        })
    );
}

#[tokio::test]
async fn a_label_in_one_window_only_is_compared_with_zero() {
    let before = page(
        "3",
        &[(named("gone"), &["1"]), (named("stays"), &["2"])],
        "",
    );
    let now = page("4", &[(named("new"), &["1"]), (named("stays"), &["3"])], "");
    let (before, now) = (
        scripted(vec![before]).await.unwrap(),
        scripted(vec![now]).await.unwrap(),
    );
    let comparison = Comparison::new(before, now);
    let changes = comparison.by_label(|labels| labels.resource_name.clone());
    let found: Vec<_> = changes
        .iter()
        .map(|change| {
            (
                change.label.to_string(),
                change.difference().to_string(),
                change.percent(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("gone".into(), "-1.00".into(), Some(-100.0)),
            ("new".into(), "1.00".into(), None),
            ("stays".into(), "1.00".into(), Some(50.0)),
        ]
    );
}

/// Each case: the start and end of the window, now, and the expected cost so far and of the month.
#[tokio::test]
async fn a_forecast_is_a_straight_line_to_the_end_of_the_month() {
    let costs = &["10", "10", "10"][..];
    for (start, end, now, expected) in [
        // Three of thirty days.
        (
            "2026-04-01T00:00:00Z",
            "2026-04-04T00:00:00Z",
            "2026-04-09T00:00:00Z",
            Some(("30.00", "300.00")),
        ),
        // Half of the second day is over: 1.5 days cost 20, and the month has 20 times as many.
        (
            "2026-04-01T00:00:00Z",
            "2026-04-04T00:00:00Z",
            "2026-04-02T12:00:00Z",
            Some(("20.00", "400.00")),
        ),
        // Steps before the month do not count.
        (
            "2026-03-31T00:00:00Z",
            "2026-04-04T00:00:00Z",
            "2026-04-04T00:00:00Z",
            Some(("30.00", "300.00")),
        ),
        // The window begins after the month does, or nothing has passed yet.
        (
            "2026-04-02T00:00:00Z",
            "2026-04-04T00:00:00Z",
            "2026-04-04T00:00:00Z",
            None,
        ),
        (
            "2026-04-01T00:00:00Z",
            "2026-04-04T00:00:00Z",
            "2026-04-01T00:00:00Z",
            None,
        ),
        (
            "2026-04-01T00:00:00Z",
            "2026-04-04T00:00:00Z",
            "yesterday",
            None,
        ),
    ] {
        let query = MetricsQuery::new(window(start, end));
        let mut response = page("30", &[(json!({}), costs)], "");
        if start.starts_with("2026-03") {
            response = page("35", &[(json!({}), costs)], "");
            let steps = response["data"][0]["timeseries"].as_array_mut().unwrap();
            steps.insert(0, json!({"timestamp": "2026-03-31T00:00:00Z", "cost": 5}));
        }
        let report = Billing::new(Scripted::new(vec![response]))
            .report("acc", &query)
            .await
            .unwrap();
        let forecast = report.forecast(&Timestamp::from(now.to_owned()));
        let Some((spent, total)) = expected else {
            assert!(forecast.unwrap_err().is_input(), "{start} {now}");
            continue;
        };
        let forecast = forecast.unwrap();
        assert_eq!(forecast.month, Window::month(2026, 4).unwrap());
        assert_eq!(
            (forecast.spent.to_string(), forecast.expected.to_string()),
            (spent.into(), total.into()),
            "{start} {now}"
        );
    }
    // The forecast of a month that is over is its cost.
    let (_, report) = on_the_emulator(april()).await;
    let forecast = report
        .forecast(&"2026-06-01T00:00:00Z".parse().unwrap())
        .unwrap();
    assert_eq!(forecast.expected, report.total());
    assert_eq!(forecast.known_until.as_str(), "2026-05-01T00:00:00Z");
}

#[tokio::test]
async fn a_forecast_refuses_steps_that_lie_in_two_months() {
    let weeks = MetricsQuery::new(window("2026-03-02T00:00:00Z", "2026-04-20T00:00:00Z"))
        .resolution(Resolution::Weekly);
    let (_, report) = on_the_emulator(weeks).await;
    let error = report
        .forecast(&"2026-04-20T00:00:00Z".parse().unwrap())
        .unwrap_err();
    assert!(error.to_string().contains("shorter steps"), "{error}");
}
