//! Pages, on the emulator's in-memory service.

use blaxel_billing::{
    Billing, BillingDimension, Dimension, MetricsQuery, Quantity, Resolution, Usd, Window,
};
use blaxel_core::Timestamp;
use blaxel_emulator::{Emulator, LocalService};

/// Returns an account whose history has a whole month before the emulator's present.
fn account() -> (Emulator, Billing<LocalService>, String, Window) {
    let emulator = Emulator::builder()
        .start_time("2026-05-15T00:00:00Z".parse::<Timestamp>().unwrap())
        .build();
    let billing = Billing::new(emulator.service());
    let id = emulator.account_id().to_owned();
    (emulator, billing, id, Window::month(2026, 4).unwrap())
}

#[tokio::test]
async fn the_account_is_listed() {
    let (_emulator, billing, id, _) = account();
    let accounts = billing.accounts().await.unwrap();
    assert_eq!(accounts[0].id(), Some(id.as_str()));
}

#[tokio::test]
async fn groups_over_all_pages_add_up_to_the_total_that_each_page_repeats() {
    let (_emulator, billing, id, april) = account();
    let whole = billing
        .metrics(&id, &MetricsQuery::new(april.clone()))
        .await
        .unwrap();
    assert!(whole.summary.cost > Usd::ZERO);
    assert_eq!(whole.groups.len(), 1);

    let query = MetricsQuery::new(april)
        .group_by(Dimension::ResourceName)
        .limit(2);
    let mut pages = billing.metrics_pages(&id, &query);
    let (mut sum, mut count) = (Usd::ZERO, 0);
    while let Some(page) = pages.try_next().await.unwrap() {
        count += 1;
        assert_eq!(page.summary.cost, whole.summary.cost);
        sum += page.groups.iter().map(|group| group.summary.cost).sum();
        for group in &page.groups {
            let steps: Usd = group.timeseries.iter().map(|step| step.cost).sum();
            assert_eq!(steps, group.summary.cost);
        }
    }
    assert!(count > 2);
    assert_eq!(sum, whole.summary.cost);
}

#[tokio::test]
async fn the_server_chooses_the_predicted_resolution() {
    let (_emulator, billing, id, april) = account();
    let page = billing
        .metrics(&id, &MetricsQuery::new(april.clone()))
        .await
        .unwrap();
    assert_eq!(page.resolution, Some(april.automatic_resolution()));
    assert_eq!(page.groups[0].timeseries.len(), 30);
    let weekly = MetricsQuery::new(april).resolution(Resolution::Weekly);
    let page = billing.metrics(&id, &weekly).await.unwrap();
    assert_eq!(page.resolution, Some(Resolution::Weekly));
}

#[tokio::test]
async fn usage_is_reported_only_by_billing_dimension() {
    let (_emulator, billing, id, april) = account();
    let by_type = MetricsQuery::new(april.clone()).group_by(Dimension::ResourceType);
    let page = billing.metrics(&id, &by_type).await.unwrap();
    assert!(
        page.groups
            .iter()
            .all(|group| group.summary.usage.is_none())
    );

    let metered = MetricsQuery::new(april)
        .group_by(Dimension::BillingDimension)
        .billing_dimension(BillingDimension::SandboxCompute);
    let page = billing.metrics(&id, &metered).await.unwrap();
    assert_eq!(
        page.groups[0].labels.billing_dimension,
        Some(BillingDimension::SandboxCompute)
    );
    assert!(page.groups[0].summary.usage.unwrap() > Quantity::ZERO);
}

#[tokio::test]
async fn grouping_by_workspace_needs_an_administrator_of_the_account() {
    let emulator = Emulator::builder().account_admin(false).build();
    let billing = Billing::new(emulator.service());
    let query = MetricsQuery::new(Window::month(2026, 4).unwrap()).group_by(Dimension::Workspace);
    let error = billing
        .metrics(emulator.account_id(), &query)
        .await
        .unwrap_err();
    assert!(
        error.is_forbidden() && error.to_string().contains("Access denied"),
        "{error}"
    );
}

#[tokio::test]
async fn queries_that_break_a_rule_are_not_sent() {
    let (emulator, billing, id, april) = account();
    for query in [
        MetricsQuery::new(april.clone()).limit(0),
        MetricsQuery::new(april.clone()).resolution(Resolution::Hourly),
        MetricsQuery::new(april)
            .group_by(Dimension::ResourceType)
            .group_by(Dimension::ResourceType),
    ] {
        assert!(billing.metrics(&id, &query).await.unwrap_err().is_input());
    }
    assert!(emulator.journal().is_empty());
}
