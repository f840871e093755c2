//! Reports: from a query to its complete result in one call.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use blaxel_billing::{
    Billing, Breakdown, Dimension, Entry, Label, MetricsQuery, Quantity, Report, Resolution, Unit,
    Usd, Window,
};
use blaxel_emulator::Emulator;
use serde_json::json;

use crate::support::{
    Scripted, april, named, on_the_emulator, page, scripted, three_days, usd, window,
};

#[tokio::test]
async fn a_report_has_all_groups_of_all_pages_and_the_total_once() {
    let query = april().group_by(Dimension::ResourceUuid);
    let (emulator, small_pages) = on_the_emulator(query.clone().limit(3)).await;
    assert!(emulator.journal().len() > 4, "many pages");
    let (_, one_page) = on_the_emulator(query).await;
    assert_eq!(small_pages, one_page);
    let (_, whole) = on_the_emulator(april()).await;
    assert_eq!(one_page.total(), whole.total());
    assert_eq!(one_page.unaccounted(), Usd::ZERO);
    assert_eq!(one_page.series(), whole.series());
    assert_eq!(whole.rows().len(), 1);
    assert_eq!(one_page.series().total(), one_page.total());
}

#[tokio::test]
async fn the_total_is_not_summed_over_pages_and_the_rest_is_reported_as_unaccounted() {
    let first = page("6", &[(named("a"), &["1", "0", "2"])], "next");
    let second = page("6.5", &[(named("b"), &["1", "1", "1"])], "");
    let report = scripted(vec![first, second]).await.unwrap();
    assert_eq!(report.total(), usd("6.5"), "the last page is the newest");
    assert_eq!(report.unaccounted(), usd("0.5"));
}

#[tokio::test]
async fn missing_steps_cost_nothing() {
    let mut only_the_second_day = page("1", &[(named("a"), &["0", "1", "0"])], "");
    let steps = only_the_second_day["data"][0]["timeseries"]
        .as_array_mut()
        .unwrap();
    steps.remove(2);
    steps.remove(0);
    let report = scripted(vec![only_the_second_day]).await.unwrap();
    let series: Vec<_> = report
        .series()
        .iter()
        .map(|(step, cost)| format!("{step} {cost}"))
        .collect();
    assert_eq!(
        series,
        [
            "2026-04-01T00:00:00Z 0.00",
            "2026-04-02T00:00:00Z 1.00",
            "2026-04-03T00:00:00Z 0.00"
        ]
    );
    assert_eq!(report.rows()[0].costs().len(), 3);
    let empty = scripted(vec![page("0", &[], "")]).await.unwrap();
    assert_eq!(
        (empty.series().len(), empty.series().total()),
        (3, Usd::ZERO)
    );
}

#[tokio::test]
async fn steps_may_be_unordered_and_differ_between_groups() {
    let mut mixed = page(
        "10",
        &[(named("a"), &["1", "2", "3"]), (named("b"), &["4"])],
        "",
    );
    mixed["data"][0]["timeseries"]
        .as_array_mut()
        .unwrap()
        .reverse();
    let report = scripted(vec![mixed]).await.unwrap();
    let costs = report.series();
    assert_eq!(costs.costs(), [usd("5"), usd("2"), usd("3")]);
    let b = report.by(&Dimension::ResourceName).unwrap();
    assert_eq!(
        b.get("b").unwrap().costs(),
        [usd("4"), Usd::ZERO, Usd::ZERO]
    );
}

#[tokio::test]
async fn costs_are_available_by_every_dimension_in_the_response() {
    let query = april()
        .group_by(Dimension::ResourceUuid)
        .group_by(Dimension::BillingDimension);
    let (_, report) = on_the_emulator(query).await;
    for dimension in [
        Dimension::Workspace,
        Dimension::ResourceType,
        Dimension::ResourceName,
        Dimension::ResourceUuid,
        Dimension::BillingDimension,
    ] {
        let (_, grouped) = on_the_emulator(april().group_by(dimension.clone())).await;
        let ours = report.by(&dimension).unwrap();
        let theirs = grouped.by(&dimension).unwrap();
        let costs = |breakdown: &Breakdown| {
            let entries = breakdown.entries().iter();
            entries
                .map(|entry| (entry.label().clone(), entry.cost(), entry.costs().to_vec()))
                .collect::<Vec<_>>()
        };
        assert_eq!(costs(&ours), costs(&theirs), "{dimension}");
        assert_eq!(ours.total(), report.total());
        assert!(
            ours.entries()
                .is_sorted_by_key(|entry| std::cmp::Reverse(entry.cost()))
        );
    }
    let (_, whole) = on_the_emulator(april()).await;
    let error = whole.by(&Dimension::ResourceType).unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("resource_type"),
        "{error}"
    );
}

#[tokio::test]
async fn costs_are_available_by_labels_of_the_caller() {
    let pages = vec![page(
        "10",
        &[
            (named("a-1"), &["1", "1", "0"]),
            (named("b-1"), &["2", "0", "1"]),
            (named("a-2"), &["0", "3", "0"]),
            (named("lost"), &["0", "0", "2"]),
        ],
        "",
    )];
    let report = scripted(pages).await.unwrap();
    let tenants = BTreeMap::from([("a-1", "acme"), ("a-2", "acme"), ("b-1", "globex")]);
    let costs = report.by_label(|labels| tenants.get(labels.resource_name.as_deref()?).copied());
    let entries: Vec<_> = costs
        .entries()
        .iter()
        .map(|entry| {
            (
                entry.label().to_string(),
                entry.cost().to_string(),
                costs.series(entry).total(),
            )
        })
        .collect();
    assert_eq!(
        entries,
        [
            ("acme".into(), "5.00".into(), usd("5")),
            ("globex".into(), "3.00".into(), usd("3")),
            ("(none)".into(), "2.00".into(), usd("2")),
        ]
    );
    assert_eq!(
        costs.get("acme").unwrap().costs(),
        [usd("1"), usd("4"), Usd::ZERO]
    );
    assert!(costs.get("initech").is_none());
}

#[tokio::test]
async fn the_most_expensive_entries_and_the_rest_add_up_to_the_total() {
    let (_, report) = on_the_emulator(april().group_by(Dimension::ResourceUuid)).await;
    let all = report.by(&Dimension::ResourceUuid).unwrap();
    let count = all.entries().len();
    for number in [0, 1, 3, count - 1, count, count + 7] {
        let top = all.top(number);
        assert_eq!(top.total(), all.total(), "{number}");
        let named = top
            .entries()
            .iter()
            .filter(|entry| entry.label().name().is_some())
            .count();
        assert_eq!(named, number.min(count));
        let hidden = count.saturating_sub(number);
        let last = top.entries().last().unwrap();
        assert_eq!(
            hidden > 0,
            *last.label() == Label::Others(hidden),
            "{number}"
        );
        let steps: Usd = top.entries().iter().flat_map(Entry::costs).copied().sum();
        assert_eq!(steps, report.total());
    }
    assert_eq!(
        *all.top(5).top(2).entries()[2].label(),
        Label::Others(count - 2)
    );
}

#[tokio::test]
async fn units_are_never_mixed() {
    let query = april()
        .group_by(Dimension::ResourceName)
        .group_by(Dimension::BillingDimension);
    let (_, report) = on_the_emulator(query).await;
    let error = report.usage().unwrap_err();
    assert!(
        error.is_input() && error.to_string().contains("do not add up"),
        "{error}"
    );
    let units: Vec<_> = report
        .usages()
        .into_iter()
        .map(|usage| usage.unit)
        .collect();
    assert_eq!(units.len(), 3, "{units:?}");

    // Agents are billed in GB-seconds and in requests; a dimension always has one unit.
    let types = report.by(&Dimension::ResourceType).unwrap();
    assert_eq!(types.get("agent").unwrap().usages().len(), 2);
    assert!(types.get("agent").unwrap().usage().is_err());
    assert_eq!(
        types.get("volume").unwrap().usage().unwrap().unit,
        Unit::GbSeconds
    );
    assert_eq!(
        types.get("custom_domain").unwrap().usage().unwrap().unit,
        Unit::Hours
    );
    for entry in report.by(&Dimension::BillingDimension).unwrap().entries() {
        let name = entry.label().name().unwrap();
        assert!(
            name.ends_with(entry.usage().unwrap().unit.as_str()),
            "{name}"
        );
    }

    let filtered = april()
        .group_by(Dimension::BillingDimension)
        .resource_type("volume");
    assert_eq!(
        on_the_emulator(filtered).await.1.usage().unwrap().unit,
        Unit::GbSeconds
    );
    let error = on_the_emulator(april()).await.1.usage().unwrap_err();
    assert!(error.to_string().contains("billing dimension"), "{error}");
}

#[tokio::test]
async fn usage_is_reported_per_step() {
    let query = april().group_by(Dimension::BillingDimension);
    let (_, report) = on_the_emulator(query).await;
    for row in report.rows() {
        let steps: Quantity = row.usages().iter().copied().sum();
        assert_eq!(steps, row.usage().unwrap().quantity);
        assert_eq!(row.usages().len(), report.steps().len());
    }
}

#[tokio::test]
async fn a_long_window_is_fetched_in_parts_and_joined_to_one_report() {
    let year = MetricsQuery::new(Window::year(2026).unwrap()).group_by(Dimension::ResourceType);
    let (emulator, days) = on_the_emulator(year.clone().resolution(Resolution::Daily)).await;
    assert_eq!(emulator.journal().len(), 5);
    assert_eq!(days.steps().len(), 365);
    assert_eq!(*days.window(), Window::year(2026).unwrap());
    let (_, months) = on_the_emulator(year.resolution(Resolution::Monthly)).await;
    assert_eq!(days.total(), months.total());
    let mut by_month: BTreeMap<String, Usd> = BTreeMap::new();
    for (step, cost) in days.series().iter() {
        *by_month.entry(step.as_str()[..7].to_owned()).or_default() += cost;
    }
    let months: BTreeMap<String, Usd> = months
        .series()
        .iter()
        .map(|(step, cost)| (step.as_str()[..7].to_owned(), cost))
        .collect();
    assert_eq!(by_month, months);
}

#[tokio::test]
async fn concurrent_windows_keep_to_the_limit() {
    for limit in [1, 2, 4, 9] {
        let service = Scripted::new(vec![page("0", &[], ""); 53]);
        let billing =
            Billing::new(service.clone()).with_concurrency(NonZeroUsize::new(limit).unwrap());
        let query = MetricsQuery::new(Window::year(2026).unwrap()).resolution(Resolution::Hourly);
        // The scripted page is `daily`, which is an error; see the next test.
        assert!(billing.report("acc", &query).await.is_err());
        let service = Scripted::new(vec![json!({"data": []}); 53]);
        let billing =
            Billing::new(service.clone()).with_concurrency(NonZeroUsize::new(limit).unwrap());
        let query = MetricsQuery::new(Window::year(2026).unwrap()).resolution(Resolution::Hourly);
        let report = billing.report("acc", &query).await.unwrap();
        assert_eq!((service.count(), service.max_in_flight()), (53, limit));
        assert_eq!(report.steps().len(), 365 * 24);
    }
}

#[tokio::test]
async fn a_response_of_another_resolution_is_an_error() {
    let query = MetricsQuery::new(three_days()).resolution(Resolution::Hourly);
    let billing = Billing::new(Scripted::new(vec![page("0", &[], "")]));
    let error = billing.report("acc", &query).await.unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("hourly"),
        "{error}"
    );
}

#[tokio::test]
async fn a_query_with_a_cursor_or_too_many_dimensions_gives_no_report_and_sends_nothing() {
    let service = Scripted::new(vec![page("0", &[], "")]);
    let query = MetricsQuery::new(three_days()).cursor(blaxel_core::Cursor::from("second"));
    let error = Billing::new(service.clone())
        .report("acc", &query)
        .await
        .unwrap_err();
    assert!(error.is_input(), "{error}");
    let four = [
        Dimension::Workspace,
        Dimension::ResourceType,
        Dimension::ResourceName,
        Dimension::ResourceUuid,
    ];
    let query = four.into_iter().fold(april(), MetricsQuery::group_by);
    assert!(
        Billing::new(service.clone())
            .report("acc", &query)
            .await
            .unwrap_err()
            .is_input()
    );
    assert_eq!(service.count(), 0);
}

#[tokio::test]
async fn pages_that_lead_in_circles_are_an_error() {
    let circle = page("1", &[(named("a"), &["1"])], "again");
    let error = scripted(vec![circle.clone(), circle.clone(), circle])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), blaxel_core::ErrorKind::Pagination);
}

#[tokio::test]
async fn only_consecutive_windows_are_joined() {
    let emulator = Emulator::offline();
    let billing = Billing::new(emulator.service());
    let of = async |month: u8, dimension: Dimension| {
        let query = MetricsQuery::new(Window::month(2026, month).unwrap()).group_by(dimension);
        billing.report(emulator.account_id(), &query).await.unwrap()
    };
    let (january, february, march) = (
        of(1, Dimension::ResourceType).await,
        of(2, Dimension::ResourceType).await,
        of(3, Dimension::ResourceType).await,
    );
    let joined = Report::join([march.clone(), january.clone(), february.clone()]).unwrap();
    let quarter = window("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z");
    assert_eq!(*joined.window(), quarter);
    let query = MetricsQuery::new(quarter)
        .resolution(Resolution::Daily)
        .group_by(Dimension::ResourceType);
    assert_eq!(
        billing.report(emulator.account_id(), &query).await.unwrap(),
        joined
    );
    for (reports, part) in [
        (vec![], "none"),
        (vec![january.clone(), march.clone()], "does not follow"),
        (vec![january.clone(), january.clone()], "does not follow"),
        (
            vec![january, of(2, Dimension::ResourceName).await],
            "grouped",
        ),
    ] {
        let error = Report::join(reports).unwrap_err();
        assert!(
            error.is_input() && error.to_string().contains(part),
            "{error}"
        );
    }
}
