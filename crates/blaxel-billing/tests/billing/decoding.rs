//! Responses are decoded whatever the order of their members, with unknown members, and to the last digit.

use blaxel_billing::{Dimension, MetricsPage, Quantity, Usd};
use proptest::prelude::*;
use proptest::sample::SizeRange;
use serde_json::{Map, Value, json};

fn decode(json: &str) -> MetricsPage {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

/// Returns a page with every member.
fn full() -> Value {
    json!({
        "startTime": "2026-04-01T00:00:00Z",
        "endTime": "2026-04-03T00:00:00Z",
        "resolution": "daily",
        "summary": {"totalCost": 3.75, "totalUsage": 12.5},
        "data": [{
            "workspace": "demo",
            "resourceType": "sandbox",
            "resourceName": "code-runner",
            "resourceUuid": "3f0e",
            "billingDimension": "sandbox_compute_runtime_gbs",
            "summary": {"cost": 3.75, "usage": 12.5},
            "timeseries": [
                {"timestamp": "2026-04-01T00:00:00Z", "cost": 1.25, "usage": 4},
                {"timestamp": "2026-04-02T00:00:00Z", "cost": 2.5, "usage": 8.5},
            ],
        }],
        "meta": {"hasMore": true, "nextCursor": "a+/="},
    })
}

/// Writes JSON with the members of each object in an order drawn from `order`, and with unknown
/// members.
fn write(
    value: &Value,
    order: &mut impl Iterator<Item = u32>,
    with_unknown: bool,
    text: &mut String,
) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(u32, String, Value)> = members
                .iter()
                .map(|(name, value)| (order.next().unwrap(), name.clone(), value.clone()))
                .collect();
            if with_unknown {
                let nested = json!({"cost": {"deep": [1, null]}, "timeseries": 3});
                members.push((order.next().unwrap(), "unknownNumber".into(), json!(17)));
                members.push((order.next().unwrap(), "unknownObject".into(), nested));
                members.push((order.next().unwrap(), "unknownNull".into(), Value::Null));
                members.push((order.next().unwrap(), "unknownList".into(), json!(["a"])));
            }
            members.sort_by_key(|(position, _, _)| *position);
            text.push('{');
            for (index, (_, name, value)) in members.iter().enumerate() {
                text.push_str(if index > 0 { " ,\n" } else { "" });
                text.push_str(&format!("{}: ", json!(name)));
                // Unknown members stay as they are.
                write(
                    value,
                    order,
                    with_unknown && !name.starts_with("unknown"),
                    text,
                );
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { "," } else { "" });
                write(item, order, with_unknown, text);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[test]
fn a_serialized_page_is_read_back_equal() {
    let page = decode(&full().to_string());
    let written = serde_json::to_value(&page).unwrap();
    let mut expected = full();
    // Amounts are strings, which no reader rounds.
    expected["summary"] = json!({"totalCost": "3.75", "totalUsage": "12.5"});
    expected["data"][0]["summary"] = json!({"cost": "3.75", "usage": "12.5"});
    for (step, (cost, usage)) in [("1.25", "4"), ("2.5", "8.5")].into_iter().enumerate() {
        let step = &mut expected["data"][0]["timeseries"][step];
        (step["cost"], step["usage"]) = (cost.into(), usage.into());
    }
    assert_eq!(written, expected);
    assert_eq!(decode(&written.to_string()), page);
    let bare = decode("{}");
    assert_eq!(decode(&serde_json::to_string(&bare).unwrap()), bare);
}

proptest! {
    #[test]
    fn the_order_of_members_and_unknown_members_do_not_matter(
        order in prop::collection::vec(any::<u32>(), SizeRange::from(200)),
        with_unknown in any::<bool>(),
    ) {
        let mut text = String::new();
        write(&full(), &mut order.into_iter().cycle(), with_unknown, &mut text);
        prop_assert_eq!(decode(&text), decode(&full().to_string()));
    }

    #[test]
    fn numbers_are_read_to_the_last_digit(whole in 0u64..u64::MAX, fraction in 0u32..1_000_000_000) {
        let number = format!("{whole}.{fraction:09}");
        let page = decode(&format!(
            r#"{{"summary":{{"totalCost":{number},"totalUsage":{number}}},
                "data":[{{"summary":{{"cost":{number}}},
                          "timeseries":[{{"cost":-{number},"timestamp":"2026-04-01T00:00:00Z"}}]}}]}}"#
        ));
        let exact = i128::from(whole) * 1_000_000_000 + i128::from(fraction);
        prop_assert_eq!(page.summary.cost.billionths(), exact);
        prop_assert_eq!(page.summary.usage.map(Quantity::billionths), Some(exact));
        prop_assert_eq!(page.groups[0].summary.cost.billionths(), exact);
        prop_assert_eq!(page.groups[0].timeseries[0].cost.billionths(), -exact);
    }
}

#[test]
fn any_member_may_be_missing_or_null() {
    let Value::Object(full) = full() else {
        panic!("an object")
    };
    for name in full.keys() {
        let mut without = full.clone();
        without.remove(name);
        decode(&Value::from(without.clone()).to_string());
        without.insert(name.clone(), Value::Null);
        decode(&Value::from(without).to_string());
    }
    let group = full["data"][0].as_object().unwrap();
    for name in group.keys() {
        let mut without: Map<String, Value> = group.clone();
        without.remove(name);
        decode(&json!({ "data": [without] }).to_string());
        without.insert(name.clone(), Value::Null);
        decode(&json!({ "data": [without] }).to_string());
    }
    let page = decode("{}");
    assert_eq!(page.summary.cost, Usd::ZERO);
    assert!(page.groups.is_empty() && page.meta.next_cursor().is_none());
}

#[test]
fn zero_usage_and_missing_usage_differ() {
    for (usage, expected) in [
        (r#","usage":0"#, Some(Quantity::ZERO)),
        (r#","usage":null"#, None),
        ("", None),
        (r#","usage":"1.5""#, Some("1.5".parse().unwrap())),
    ] {
        let page = decode(&format!(
            r#"{{"data":[{{"summary":{{"cost":1{usage}}}}}]}}"#
        ));
        assert_eq!(page.groups[0].summary.usage, expected, "{usage}");
    }
}

#[test]
fn unknown_string_members_are_kept_as_labels() {
    let page = decode(
        r#"{"data":[{"cloudRegion":"us-\u0077est-2","cost":1,"shard":7,"tags":["a"],"workspace":"demo"}]}"#,
    );
    let labels = &page.groups[0].labels;
    assert_eq!(
        labels.get(&Dimension::from("cloud_region")),
        Some("us-west-2")
    );
    assert_eq!(labels.get(&Dimension::from("shard")), None);
    assert_eq!(labels.get(&Dimension::Workspace), Some("demo"));
    assert_eq!(labels.others.len(), 1);
}

#[test]
fn a_malformed_amount_is_an_error() {
    for cost in ["true", "[]", "{}", "\"\"", "\"12,5\"", "\"NaN\"", "1e99"] {
        let json = format!(r#"{{"summary":{{"totalCost":{cost}}}}}"#);
        assert!(
            serde_json::from_str::<MetricsPage>(&json).is_err(),
            "{cost}"
        );
    }
    assert_eq!(
        decode(r#"{"summary":{"totalCost":"12.5"}}"#).summary.cost,
        usd("12.5")
    );
    assert_eq!(
        decode(r#"{"summary":{"totalCost":1.25E-2}}"#).summary.cost,
        usd("0.0125")
    );
}
