//! The costs of an account.

use std::collections::BTreeMap;
use std::time::Duration;

use blaxel_emulator::Emulator;
use serde_json::{Value, json};

use crate::support::{Reply, get};

const MONTH: &str = "startTime=2026-03-01T00:00:00Z&endTime=2026-04-01T00:00:00Z";
const DAY: &str = "startTime=2026-03-02T00:00:00Z&endTime=2026-03-03T00:00:00Z";

async fn ask(emulator: &Emulator, query: &str) -> Reply {
    get(format!(
        "/accounts/{}/metrics?{query}",
        emulator.account_id()
    ))
    .on(emulator)
    .await
}

async fn metrics(emulator: &Emulator, query: &str) -> Value {
    ask(emulator, query).await.expect(200)
}

/// Converts dollars into micro-dollars, exactly.
fn micros(value: &Value) -> u64 {
    let text = value.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    assert!(fraction.len() <= 6, "{text} has more than six decimals");
    let fraction = format!("{fraction:0<6}");
    whole.parse::<u64>().unwrap() * 1_000_000 + fraction.parse::<u64>().unwrap()
}

fn total(answer: &Value) -> u64 {
    micros(&answer["summary"]["totalCost"])
}

fn sum(buckets: &Value) -> u64 {
    buckets
        .as_array()
        .unwrap()
        .iter()
        .map(|bucket| micros(&bucket["cost"]))
        .sum()
}

#[tokio::test]
async fn only_the_own_account_exists() {
    let emulator = Emulator::offline();
    let accounts = get("/accounts").on(&emulator).await.expect(200);
    assert_eq!(accounts[0]["id"], emulator.account_id());
    assert_eq!(accounts.as_array().unwrap().len(), 1);
    for path in [
        "metrics",
        "metrics/enums/group-by",
        "metrics/enums/resource-types",
    ] {
        let reply = get(format!("/accounts/other/{path}?{DAY}"))
            .on(&emulator)
            .await;
        assert_eq!(reply.control_error(404), "Account not found");
    }
}

#[tokio::test]
async fn billing_ignores_the_workspace_header() {
    let emulator = Emulator::offline();
    let request = get("/accounts").header("x-blaxel-workspace", "another");
    request.on(&emulator).await.expect(200);
}

#[tokio::test]
async fn invalid_queries_are_rejected() {
    let emulator = Emulator::offline();
    for (query, status) in [
        ("", 400),
        ("startTime=2026-03-01T00:00:00Z", 400),
        ("endTime=2026-03-01T00:00:00Z", 400),
        ("startTime=yesterday&endTime=2026-03-01T00:00:00Z", 400),
        ("startTime=2026-03-01&endTime=2026-03-02", 400),
        (
            "startTime=2026-03-01T00:00:00%2B02:00&endTime=2026-03-02T00:00:00Z",
            400,
        ),
        (
            "startTime=2026-03-01T00:00:00%2B00:00&endTime=2026-03-02T00:00:00.5Z",
            200,
        ),
        (
            "startTime=2026-03-02T00:00:00Z&endTime=2026-03-01T00:00:00Z",
            400,
        ),
        (
            "startTime=2026-03-02T00:00:00Z&endTime=2026-03-02T00:00:00Z",
            400,
        ),
    ] {
        assert_eq!(ask(&emulator, query).await.status, status, "{query}");
    }
    for (query, status) in [
        ("resolution=yearly", 400),
        ("resolution=", 400),
        ("resolution=hourly", 200),
        ("groupBy=", 400),
        ("groupBy=colour", 400),
        ("groupBy=workspace,workspace", 400),
        (
            "groupBy=workspace,resource_type,resource_name,resource_uuid",
            400,
        ),
        ("groupBy=workspace,resource_type,resource_name", 200),
        ("groupBy=resourceType", 400),
        ("billingDimension=colours_count", 400),
        ("billingDimension=custom_domain_active_time_hours", 200),
        ("label=x", 400),
        ("unit=", 400),
        ("limit=0", 400),
        ("limit=-5", 400),
        ("limit=many", 400),
        ("limit=1000", 200),
        ("cursor=nonsense&groupBy=workspace", 400),
        ("whatever=1", 200),
    ] {
        assert_eq!(
            ask(&emulator, &format!("{DAY}&{query}")).await.status,
            status,
            "{query}"
        );
    }
}

#[tokio::test]
async fn resolutions_are_chosen_and_capped() {
    let emulator = Emulator::offline();
    // End of a window that starts on 2026-01-01, requested resolution, and resulting resolution.
    for (end, asked, comes) in [
        ("2026-01-07T23:59:59Z", None, Some("hourly")),
        ("2026-01-08T00:00:00Z", None, Some("daily")),
        ("2026-03-31T23:59:59Z", None, Some("daily")),
        ("2026-04-01T00:00:00Z", None, Some("weekly")),
        ("2026-12-31T23:59:59Z", None, Some("weekly")),
        ("2027-01-01T00:00:00Z", None, Some("monthly")),
        ("2026-01-08T00:00:00Z", Some("hourly"), Some("hourly")),
        ("2026-01-08T00:00:01Z", Some("hourly"), None),
        ("2026-04-01T00:00:00Z", Some("daily"), Some("daily")),
        ("2026-04-01T00:00:00.000000001Z", Some("daily"), None),
        ("2027-01-01T00:00:00Z", Some("weekly"), Some("weekly")),
        ("2027-01-03T00:00:00Z", Some("weekly"), None),
        ("2036-01-01T00:00:00Z", Some("monthly"), Some("monthly")),
        ("2026-01-01T01:00:00Z", Some("monthly"), Some("monthly")),
    ] {
        let asked = asked
            .map(|name| format!("&resolution={name}"))
            .unwrap_or_default();
        let query = format!("startTime=2026-01-01T00:00:00Z&endTime={end}{asked}");
        let reply = ask(&emulator, &query).await;
        match comes {
            Some(name) => assert_eq!(reply.expect(200)["resolution"], name, "{query}"),
            None => assert_eq!(reply.status, 400, "{query}"),
        }
    }
}

#[tokio::test]
async fn without_grouping_there_is_one_entry_and_no_usage() {
    let emulator = Emulator::offline();
    let answer = metrics(&emulator, DAY).await;
    assert_eq!(answer["startTime"], "2026-03-02T00:00:00Z");
    assert_eq!(answer["endTime"], "2026-03-03T00:00:00Z");
    assert_eq!(answer["meta"], json!({"hasMore": false, "nextCursor": ""}));
    assert!(answer["summary"].get("totalUsage").is_none());
    let data = answer["data"].as_array().unwrap();
    assert_eq!(data.len(), 1);
    let members: Vec<_> = data[0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["summary", "timeseries"]);
    let buckets = data[0]["timeseries"].as_array().unwrap();
    assert_eq!(buckets.len(), 24);
    assert_eq!(buckets[5]["timestamp"], "2026-03-02T05:00:00Z");
    assert!(buckets[5].get("usage").is_none());
    assert!(total(&answer) > 0);
}

#[tokio::test]
async fn steps_follow_the_calendar() {
    let emulator = Emulator::offline();
    for (window, resolution, steps) in [
        (
            "startTime=2026-01-15T12:00:00Z&endTime=2026-03-01T00:00:01Z",
            "monthly",
            vec!["2026-01-01", "2026-02-01", "2026-03-01"],
        ),
        (
            "startTime=2024-02-01T00:00:00Z&endTime=2024-03-01T00:00:00Z",
            "monthly",
            vec!["2024-02-01"],
        ),
        (
            "startTime=2026-03-04T00:00:00Z&endTime=2026-03-16T00:00:00Z",
            "weekly",
            vec!["2026-03-02", "2026-03-09"],
        ),
        (
            "startTime=2026-02-27T23:00:00Z&endTime=2026-03-01T01:00:00Z",
            "daily",
            vec!["2026-02-27", "2026-02-28", "2026-03-01"],
        ),
    ] {
        let answer = metrics(&emulator, &format!("{window}&resolution={resolution}")).await;
        let buckets = answer["data"][0]["timeseries"].as_array().unwrap();
        let found: Vec<_> = buckets
            .iter()
            .map(|bucket| bucket["timestamp"].clone())
            .collect();
        let steps: Vec<_> = steps
            .iter()
            .map(|day| json!(format!("{day}T00:00:00Z")))
            .collect();
        assert_eq!(found, steps, "{window} {resolution}");
    }
}

#[tokio::test]
async fn empty_steps_are_there_and_cost_nothing() {
    let emulator = Emulator::offline();
    let nights = metrics(
        &emulator,
        &format!("{DAY}&billingDimension=job_compute_runtime_gbs"),
    )
    .await;
    let buckets = nights["data"][0]["timeseries"].as_array().unwrap();
    assert_eq!(buckets.len(), 24);
    let busy = buckets.iter().filter(|bucket| bucket["cost"] != 0).count();
    assert_eq!(busy, 2, "jobs run at night: {buckets:?}");
    // Before the account was opened.
    let never = "startTime=2020-01-01T00:00:00Z&endTime=2020-01-02T00:00:00Z";
    let answer = metrics(&emulator, never).await;
    assert_eq!(
        (
            total(&answer),
            answer["data"][0]["timeseries"].as_array().unwrap().len()
        ),
        (0, 24)
    );
    let answer = metrics(&emulator, &format!("{never}&groupBy=workspace")).await;
    assert_eq!(answer["data"], json!([]));
}

#[tokio::test]
async fn totals_agree_whatever_the_resolution_and_the_grouping() {
    let emulator = Emulator::offline();
    let window = "startTime=2026-03-30T05:00:00Z&endTime=2026-04-06T04:00:00Z";
    let expected = total(&metrics(&emulator, window).await);
    for resolution in ["hourly", "daily", "weekly", "monthly"] {
        for grouping in [
            "",
            "&groupBy=workspace",
            "&groupBy=billing_dimension,resource_uuid",
        ] {
            let query = format!("{window}&resolution={resolution}{grouping}");
            let answer = metrics(&emulator, &query).await;
            assert_eq!(total(&answer), expected, "{query}");
            let data = answer["data"].as_array().unwrap();
            let mut groups = 0;
            for group in data {
                assert_eq!(
                    micros(&group["summary"]["cost"]),
                    sum(&group["timeseries"]),
                    "{query}"
                );
                groups += micros(&group["summary"]["cost"]);
            }
            assert_eq!(groups, expected, "{query}");
        }
    }
}

#[tokio::test]
async fn adjacent_windows_add_up_to_their_union() {
    let emulator = Emulator::offline();
    let mut whole = 0;
    for (start, end) in [("01", "09"), ("09", "31")] {
        let query = format!("startTime=2026-03-{start}T00:00:00Z&endTime=2026-03-{end}T00:00:00Z");
        whole += total(&metrics(&emulator, &query).await);
    }
    let query = "startTime=2026-03-01T00:00:00Z&endTime=2026-03-31T00:00:00Z";
    assert_eq!(total(&metrics(&emulator, query).await), whole);
}

#[tokio::test]
async fn groups_include_the_members_that_belong_to_them() {
    let emulator = Emulator::offline();
    for (grouping, members) in [
        ("workspace", vec!["workspace"]),
        ("resource_type", vec!["resourceType"]),
        (
            "resource_name",
            vec!["resourceName", "resourceType", "workspace"],
        ),
        (
            "resource_uuid",
            vec!["resourceName", "resourceType", "resourceUuid", "workspace"],
        ),
        (
            "billing_dimension",
            vec!["billingDimension", "resourceType"],
        ),
        ("workspace,resource_type", vec!["resourceType", "workspace"]),
    ] {
        let answer = metrics(&emulator, &format!("{MONTH}&groupBy={grouping}")).await;
        let usage = grouping == "billing_dimension";
        assert_eq!(
            answer["summary"].get("totalUsage").is_some(),
            usage,
            "{grouping}"
        );
        let data = answer["data"].as_array().unwrap();
        assert!(data.len() > 1, "{grouping}");
        for group in data {
            let mut found: Vec<_> = group
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            found.retain(|member| !["summary", "timeseries"].contains(member));
            assert_eq!(found, members, "{grouping}");
            assert_eq!(group["summary"].get("usage").is_some(), usage);
            assert!(
                group["timeseries"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|b| b.get("usage").is_some() == usage)
            );
        }
    }
    let usage = metrics(&emulator, &format!("{MONTH}&groupBy=billing_dimension")).await;
    let used = |group: &Value| group["summary"]["usage"].as_u64().unwrap();
    let sum: u64 = usage["data"].as_array().unwrap().iter().map(used).sum();
    assert_eq!(usage["summary"]["totalUsage"], sum);
}

#[tokio::test]
async fn filters_reduce_the_total() {
    let emulator = Emulator::offline();
    let whole = total(&metrics(&emulator, MONTH).await);
    for (grouping, member) in [
        ("workspace", "workspace"),
        ("resource_type", "resourceType"),
        ("resource_name", "resourceName"),
        ("resource_uuid", "resourceUuid"),
        ("billing_dimension", "billingDimension"),
    ] {
        let groups = metrics(&emulator, &format!("{MONTH}&groupBy={grouping}")).await;
        let mut sum = 0;
        for group in groups["data"].as_array().unwrap() {
            let value = group[member].as_str().unwrap();
            let alone = metrics(&emulator, &format!("{MONTH}&{member}={value}")).await;
            assert_eq!(
                total(&alone),
                micros(&group["summary"]["cost"]),
                "{member}={value}"
            );
            sum += total(&alone);
        }
        assert_eq!(sum, whole, "{grouping}");
    }
    let none = metrics(&emulator, &format!("{MONTH}&resourceName=nobody")).await;
    assert_eq!(
        (total(&none), none["data"].as_array().unwrap().len()),
        (0, 1)
    );
}

#[tokio::test]
async fn pages_cover_every_group_once_and_repeat_the_total() {
    let emulator = Emulator::offline();
    let query = format!("{MONTH}&groupBy=resource_uuid,billing_dimension");
    let whole = metrics(&emulator, &query).await;
    let mut groups = Vec::new();
    let mut next = String::new();
    let mut pages = 0;
    loop {
        // The order of the dimensions makes no difference, not even for a cursor.
        let order = [
            "resource_uuid,billing_dimension",
            "billing_dimension,resource_uuid",
        ][pages % 2];
        let page = metrics(&emulator, &format!("{MONTH}&groupBy={order}&limit=4{next}")).await;
        pages += 1;
        assert_eq!(page["summary"], whole["summary"]);
        assert!(page["meta"].get("total").is_none());
        groups.extend(page["data"].as_array().unwrap().clone());
        let cursor = page["meta"]["nextCursor"].as_str().unwrap();
        assert_eq!(page["meta"]["hasMore"], !cursor.is_empty());
        if cursor.is_empty() {
            break;
        }
        let cursor = cursor
            .replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D");
        next = format!("&cursor={cursor}");
    }
    assert!(pages > 3);
    assert_eq!(Value::from(groups), whole["data"]);

    let foreign = ask(
        &emulator,
        &format!("{DAY}&groupBy=resource_uuid,billing_dimension"),
    )
    .await;
    foreign.expect(200);
    let first = metrics(&emulator, &format!("{query}&limit=4")).await;
    let cursor = first["meta"]["nextCursor"].as_str().unwrap();
    let cursor = cursor
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    for other in [
        format!("{DAY}&groupBy=resource_uuid,billing_dimension"),
        format!("{MONTH}&groupBy=resource_uuid"),
        format!("{query}&resourceType=agent"),
        format!("{query}&resolution=weekly"),
    ] {
        let reply = ask(&emulator, &format!("{other}&cursor={cursor}")).await;
        assert_eq!(reply.control_error(400), "invalid_cursor", "{other}");
    }
    emulator.clock().advance(Duration::from_secs(24 * 3600 + 1));
    assert_eq!(
        ask(&emulator, &format!("{query}&cursor={cursor}"))
            .await
            .control_error(400),
        "invalid_cursor"
    );
}

#[tokio::test]
async fn workspaces_are_for_account_admins() {
    let emulator = Emulator::builder().account_admin(false).build();
    for query in [
        "workspace=demo",
        "groupBy=workspace",
        "groupBy=resource_type,workspace",
    ] {
        let reply = ask(&emulator, &format!("{DAY}&{query}")).await;
        assert_eq!(reply.control_error(403), "Access denied", "{query}");
    }
    // The names of workspaces are still included in other groups.
    let answer = metrics(&emulator, &format!("{DAY}&groupBy=resource_name")).await;
    assert!(answer["data"][0]["workspace"].is_string());
}

#[tokio::test]
async fn the_enums_list_all_values() {
    let emulator = Emulator::offline();
    let account = format!("/accounts/{}/metrics/enums", emulator.account_id());
    let dimensions = get(format!("{account}/group-by"))
        .on(&emulator)
        .await
        .expect(200);
    for dimension in dimensions["values"].as_array().unwrap() {
        let query = format!("{DAY}&groupBy={}", dimension.as_str().unwrap());
        metrics(&emulator, &query).await;
    }
    assert_eq!(dimensions["values"].as_array().unwrap().len(), 5);

    let types = format!("{account}/resource-types");
    get(&types).on(&emulator).await.control_error(400);
    let used = get(format!("{types}?{MONTH}"))
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(
        used,
        json!({"values": ["agent", "custom_domain", "job", "mcp_server", "sandbox", "volume"]})
    );
    let never = "startTime=2020-01-01T00:00:00Z&endTime=2020-01-02T00:00:00Z";
    let used = get(format!("{types}?{never}"))
        .on(&emulator)
        .await
        .expect(200);
    assert_eq!(used, json!({"values": []}));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes() {
    let query = format!("{MONTH}&groupBy=resource_uuid,billing_dimension");
    let mut answers = BTreeMap::new();
    for (seed, time) in [(1, 1_700_000_000), (1, 1_800_000_000), (2, 1_700_000_000)] {
        let start = blaxel_core::Timestamp::from_unix(time, 0);
        let emulator = Emulator::builder().seed(seed).start_time(start).build();
        let bytes = ask(&emulator, &query).await.bytes;
        answers.insert((seed, time), (emulator.account_id().to_owned(), bytes));
    }
    assert_eq!(answers[&(1, 1_700_000_000)], answers[&(1, 1_800_000_000)]);
    assert_ne!(
        answers[&(1, 1_700_000_000)].0,
        answers[&(2, 1_700_000_000)].0
    );
    assert_ne!(
        answers[&(1, 1_700_000_000)].1,
        answers[&(2, 1_700_000_000)].1
    );
}

/// Returns the resources of a year by id: name, and the months in which they cost something.
async fn months_of_resources(emulator: &Emulator) -> BTreeMap<String, (String, Vec<bool>)> {
    let year = "startTime=2026-01-01T00:00:00Z&endTime=2027-01-01T00:00:00Z&resolution=monthly";
    let answer = metrics(emulator, &format!("{year}&groupBy=resource_uuid")).await;
    let groups = answer["data"].as_array().unwrap().iter();
    let groups = groups.map(|group| {
        let text = |member: &str| group[member].as_str().unwrap().to_owned();
        let months = group["timeseries"].as_array().unwrap().iter();
        let months = months.map(|month| month["cost"] != 0).collect();
        (text("resourceUuid"), (text("resourceName"), months))
    });
    groups.collect()
}

#[tokio::test]
async fn resources_are_created_and_deleted_and_one_is_recreated_under_its_name() {
    for seed in 1..6 {
        let emulator = Emulator::builder().seed(seed).build();
        let resources = months_of_resources(&emulator).await;
        let mut by_name: BTreeMap<&str, Vec<&Vec<bool>>> = BTreeMap::new();
        for (name, months) in resources.values() {
            by_name.entry(name).or_default().push(months);
        }
        let twice: Vec<_> = by_name.values().filter(|all| all.len() == 2).collect();
        assert_eq!(twice.len(), 1, "seed {seed}: {by_name:?}");
        let (one, other) = (twice[0][0], twice[0][1]);
        let both = one
            .iter()
            .zip(other)
            .filter(|(one, other)| **one && **other);
        assert!(both.count() <= 1, "seed {seed}: {one:?} {other:?}");
        assert!(
            resources
                .values()
                .any(|(_, months)| months.iter().all(|used| *used))
        );
    }
}
