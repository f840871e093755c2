//! The rules of the Billing Explorer API, on both sides: the queries that the client refuses, and the
//! response of the emulator to the same query if it is sent without the client's checks.

use blaxel_billing::{
    AdminOnly, Billing, BillingDimension, Dimension, MetricsQuery, Resolution, Window,
};
use blaxel_core::{Body, Error, HttpService, Plane, raw_request, response};
use blaxel_emulator::Emulator;
use serde_json::Value;

const DAY: &str = "startTime=2026-03-02T00:00:00Z&endTime=2026-03-03T00:00:00Z";

fn window(start: &str, end: &str) -> Result<Window, Error> {
    Window::new(start.to_owned().into(), end.to_owned().into())
}

fn day() -> Result<MetricsQuery, Error> {
    window("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z").map(MetricsQuery::new)
}

fn lasting(days: i64, seconds: i64) -> MetricsQuery {
    let start = 1_767_225_600;
    let end = start + days * 86_400 + seconds;
    let time = |seconds| blaxel_core::Timestamp::from_unix(seconds, 0);
    MetricsQuery::new(Window::new(time(start), time(end)).unwrap())
}

/// Sends a query without the client's checks.
async fn raw(emulator: &Emulator, query: &str) -> (u16, Value) {
    let path = format!("/accounts/{}/metrics?{query}", emulator.account_id());
    let request = raw_request(Plane::Control, http::Request::get(path).body("").unwrap()).unwrap();
    let response = emulator.service().send(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response::collect(response.into_body(), 1 << 24)
        .await
        .unwrap();
    (status, serde_json::from_slice(&bytes).unwrap())
}

/// Sends a query with the client's checks, and returns the resolution of the response.
async fn resolution_of(
    emulator: &Emulator,
    query: Result<MetricsQuery, Error>,
) -> Result<Value, Error> {
    let query = query?;
    let billing = Billing::new(emulator.service());
    let page = billing.metrics(emulator.account_id(), &query).await?;
    Ok(serde_json::to_value(page.resolution).unwrap())
}

/// Each case: the rule, the query of the client, the same query as text, and the status of the server.
#[tokio::test]
async fn client_and_server_check_queries_by_the_same_rules() {
    use Dimension::{
        BillingDimension as Metered, ResourceName, ResourceType, ResourceUuid, Workspace,
    };
    let emulator = Emulator::offline();
    let by = |dimensions: &[Dimension]| {
        day().map(|query| {
            dimensions
                .iter()
                .cloned()
                .fold(query, MetricsQuery::group_by)
        })
    };
    let rules = [
        ("a day", day(), DAY.to_owned(), 200),
        (
            "the start is a time",
            window("yesterday", "2026-03-03T00:00:00Z").map(MetricsQuery::new),
            "startTime=yesterday&endTime=2026-03-03T00:00:00Z".to_owned(),
            400,
        ),
        (
            "the end is a time",
            window("2026-03-02T00:00:00Z", "2026-03-32T00:00:00Z").map(MetricsQuery::new),
            "startTime=2026-03-02T00:00:00Z&endTime=2026-03-32T00:00:00Z".to_owned(),
            400,
        ),
        (
            "the end is exclusive, so a window that ends at its start is empty",
            window("2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z").map(MetricsQuery::new),
            "startTime=2026-03-02T00:00:00Z&endTime=2026-03-02T00:00:00Z".to_owned(),
            400,
        ),
        (
            "a window does not run backwards",
            window("2026-03-03T00:00:00Z", "2026-03-02T00:00:00Z").map(MetricsQuery::new),
            "startTime=2026-03-03T00:00:00Z&endTime=2026-03-02T00:00:00Z".to_owned(),
            400,
        ),
        (
            "three dimensions go together",
            by(&[ResourceType, ResourceName, Metered]),
            format!("{DAY}&groupBy=resource_type,resource_name,billing_dimension"),
            200,
        ),
        (
            "four do not",
            by(&[Workspace, ResourceType, ResourceName, ResourceUuid]),
            format!("{DAY}&groupBy=workspace,resource_type,resource_name,resource_uuid"),
            400,
        ),
        (
            "none is named twice",
            by(&[Metered, Metered]),
            format!("{DAY}&groupBy=billing_dimension,billing_dimension"),
            400,
        ),
        (
            "a dimension has a name",
            by(&[Dimension::from("")]),
            format!("{DAY}&groupBy="),
            400,
        ),
        (
            "an hourly window is at most 7 days long",
            Ok(lasting(7, 1).resolution(Resolution::Hourly)),
            "startTime=2026-01-01T00:00:00Z&endTime=2026-01-08T00:00:01Z&resolution=hourly"
                .to_owned(),
            400,
        ),
        (
            "a daily window is at most 90 days long",
            Ok(lasting(90, 1).resolution(Resolution::Daily)),
            "startTime=2026-01-01T00:00:00Z&endTime=2026-04-01T00:00:01Z&resolution=daily"
                .to_owned(),
            400,
        ),
        (
            "a weekly window is at most a year long",
            Ok(lasting(367, 0).resolution(Resolution::Weekly)),
            "startTime=2026-01-01T00:00:00Z&endTime=2027-01-03T00:00:00Z&resolution=weekly"
                .to_owned(),
            400,
        ),
        (
            "a page has at least one group",
            day().map(|query| query.limit(0)),
            format!("{DAY}&limit=0"),
            400,
        ),
    ];
    for (rule, query, text, status) in rules {
        let (found, _) = raw(&emulator, &text).await;
        assert_eq!(found, status, "{rule}: the emulator");
        let before = emulator.journal().len();
        let outcome = resolution_of(&emulator, query).await;
        let sent = emulator.journal().len() > before;
        assert_eq!(sent, status == 200, "{rule}: {outcome:?}");
        match outcome {
            Ok(_) => assert_eq!(status, 200, "{rule}"),
            Err(error) => assert!(error.is_input(), "{rule}: {error}"),
        }
    }
}

/// The server refuses what only it can know; the client refuses what the server would silently change.
#[tokio::test]
async fn the_client_sends_what_only_the_server_can_judge() {
    let emulator = Emulator::offline();
    for query in [
        day().unwrap().group_by(Dimension::from("colour")),
        day().unwrap().resolution(Resolution::from("yearly")),
        day()
            .unwrap()
            .billing_dimension(BillingDimension::from("colours_count")),
    ] {
        let error = resolution_of(&emulator, Ok(query)).await.unwrap_err();
        assert_eq!(
            error.status().map(|status| status.as_u16()),
            Some(400),
            "{error}"
        );
    }
    // The server silently lowers a limit above 100; the client refuses it.
    let (status, _) = raw(&emulator, &format!("{DAY}&limit=1000")).await;
    assert_eq!(status, 200);
    let outcome = resolution_of(&emulator, day().map(|query| query.limit(101))).await;
    assert!(outcome.unwrap_err().is_input());
    // The client has no way to set parameters that the API refuses.
    for parameter in ["label", "unit"] {
        let (status, _) = raw(&emulator, &format!("{DAY}&{parameter}=x")).await;
        assert_eq!(status, 400, "{parameter}");
    }
    for missing in [
        "startTime=2026-03-02T00:00:00Z",
        "endTime=2026-03-02T00:00:00Z",
    ] {
        assert_eq!(raw(&emulator, missing).await.0, 400, "{missing}");
    }
}

/// Each case: the length of the window, the requested resolution, and that of the response.
#[tokio::test]
async fn client_and_server_choose_and_limit_resolutions_alike() {
    let emulator = Emulator::offline();
    for (days, seconds, requested, expected) in [
        (7, -1, None, "hourly"),
        (7, 0, None, "daily"),
        (90, -1, None, "daily"),
        (90, 0, None, "weekly"),
        (365, -1, None, "weekly"),
        (365, 0, None, "monthly"),
        (7, 0, Some(Resolution::Hourly), "hourly"),
        (90, 0, Some(Resolution::Daily), "daily"),
        (365, 0, Some(Resolution::Weekly), "weekly"),
        (366, 0, Some(Resolution::Weekly), "weekly"),
        (3000, 0, Some(Resolution::Monthly), "monthly"),
        (0, 3600, Some(Resolution::Monthly), "monthly"),
    ] {
        let mut query = lasting(days, seconds);
        match requested {
            Some(resolution) => query = query.resolution(resolution),
            None => assert_eq!(query.window().automatic_resolution().as_str(), expected),
        }
        let response = resolution_of(&emulator, Ok(query)).await.unwrap();
        assert_eq!(response, expected, "{days} days and {seconds} seconds");
    }
}

/// Each case: the query, and the reasons for which it needs an administrator of the account.
#[tokio::test]
async fn client_and_server_agree_on_queries_for_administrators() {
    let administrator = Emulator::offline();
    let other = Emulator::builder().account_admin(false).build();
    for (query, filters, groups) in [
        (day().unwrap(), false, false),
        (
            day().unwrap().group_by(Dimension::ResourceName),
            false,
            false,
        ),
        (day().unwrap().workspace("demo"), true, false),
        (day().unwrap().group_by(Dimension::Workspace), false, true),
        (
            day()
                .unwrap()
                .group_by(Dimension::ResourceType)
                .group_by(Dimension::Workspace),
            false,
            true,
        ),
        (
            day()
                .unwrap()
                .workspace("demo")
                .group_by(Dimension::Workspace),
            true,
            true,
        ),
    ] {
        let only = query.admin_only();
        assert_eq!(only.is_some(), filters || groups);
        resolution_of(&administrator, Ok(query.clone()))
            .await
            .unwrap();

        let billing = Billing::new(other.service());
        let page = billing.metrics(other.account_id(), &query).await.map(drop);
        let first = billing
            .metrics_pages(other.account_id(), &query)
            .try_next()
            .await;
        let report = billing.report(other.account_id(), &query).await.map(drop);
        for outcome in [page, first.map(drop), report] {
            let Some(only) = &only else {
                outcome.unwrap();
                continue;
            };
            let error = outcome.unwrap_err();
            assert!(error.is_forbidden(), "{error}");
            assert_eq!(AdminOnly::find_in(&error), Some(only));
            assert_eq!((only.filters(), only.groups()), (filters, groups));
            let text = error.to_string();
            assert!(
                text.contains("Access denied") && text.contains("administrators of the account"),
                "{text}"
            );
        }
    }
    // The names of workspaces are among the added labels, for everybody.
    let query = day().unwrap().group_by(Dimension::ResourceName);
    let page = Billing::new(other.service())
        .metrics(other.account_id(), &query)
        .await
        .unwrap();
    assert!(
        page.groups
            .iter()
            .all(|group| group.labels.workspace.is_some())
    );
}

#[tokio::test]
async fn a_403_for_a_query_without_workspaces_has_no_admin_only_cause() {
    let refusing = tower::service_fn(|_: http::Request<Body>| async {
        let response = http::Response::builder().status(403);
        Ok::<_, Error>(
            response
                .body(Body::from(r#"{"error":"Access denied"}"#))
                .unwrap(),
        )
    });
    let error = Billing::new(refusing)
        .metrics("acc", &day().unwrap())
        .await
        .unwrap_err();
    assert!(
        error.is_forbidden() && AdminOnly::find_in(&error).is_none(),
        "{error}"
    );
}

/// Each case: a dimension, and the labels that the server returns for it.
#[tokio::test]
async fn the_server_adds_the_documented_labels() {
    let emulator = Emulator::offline();
    let billing = Billing::new(emulator.service());
    use Dimension::{
        BillingDimension as Metered, ResourceName, ResourceType, ResourceUuid, Workspace,
    };
    let all = [
        &Workspace,
        &ResourceType,
        &ResourceName,
        &ResourceUuid,
        &Metered,
    ];
    for (dimension, expected) in [
        (Workspace, vec![&Workspace]),
        (ResourceType, vec![&ResourceType]),
        (ResourceName, vec![&Workspace, &ResourceType, &ResourceName]),
        (
            ResourceUuid,
            vec![&Workspace, &ResourceType, &ResourceName, &ResourceUuid],
        ),
        (Metered, vec![&ResourceType, &Metered]),
    ] {
        let query = day().unwrap().group_by(dimension.clone());
        let report = billing.report(emulator.account_id(), &query).await.unwrap();
        assert!(!report.rows().is_empty());
        for row in report.rows() {
            let found = all
                .into_iter()
                .filter(|one| row.labels().get(one).is_some());
            assert_eq!(found.collect::<Vec<_>>(), expected, "{dimension}");
            assert_eq!(row.usage().is_some(), dimension == Metered);
        }
    }
}

#[tokio::test]
async fn the_enum_endpoints_list_what_can_be_queried() {
    let emulator = Emulator::offline();
    let billing = Billing::new(emulator.service());
    let id = emulator.account_id();
    for dimension in billing.dimensions(id).await.unwrap() {
        assert!(!matches!(dimension, Dimension::Other(_)), "{dimension}");
        billing
            .metrics(id, &day().unwrap().group_by(dimension))
            .await
            .unwrap();
    }
    let march = Window::month(2026, 3).unwrap();
    let types = billing.resource_types(id, &march).await.unwrap();
    assert!(types.len() >= 6, "{types:?}");
    for kind in types {
        let query = MetricsQuery::new(march.clone()).resource_type(kind.clone());
        let report = billing.report(id, &query).await.unwrap();
        assert!(report.total() > blaxel_billing::Usd::ZERO, "{kind}");
    }
    let never = Window::month(2020, 3).unwrap();
    assert!(billing.resource_types(id, &never).await.unwrap().is_empty());
    for outcome in [
        billing.dimensions("other").await.map(drop),
        billing.resource_types("other", &march).await.map(drop),
        billing.metrics("other", &day().unwrap()).await.map(drop),
    ] {
        assert!(outcome.unwrap_err().is_not_found());
    }
}
