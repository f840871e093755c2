//! Export of reports as CSV and JSON.

use blaxel_billing::{Detail, Dimension, Usd};
use serde_json::{Value, json};

use crate::support::{april, named, on_the_emulator, page, scripted, usd};

#[tokio::test]
async fn a_report_is_written_as_csv() {
    let odd = json!({"resourceName": "a,\"b\"\nc", "cloudRegion": "us"});
    let pages = vec![page(
        "3.5",
        &[(odd, &["1.25", "0", "2"]), (named("d"), &["0.25"])],
        "",
    )];
    let report = scripted(pages).await.unwrap();
    let csv = |detail| {
        let mut bytes = Vec::new();
        report.write_csv(&mut bytes, detail).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(
        csv(Detail::Totals),
        "resourceName,cloudRegion,cost\r\n\"a,\"\"b\"\"\nc\",us,3.25\r\nd,,0.25\r\n"
    );
    let steps = csv(Detail::Steps);
    assert_eq!(steps.matches("\r\n").count(), 1 + 2 * 3);
    assert!(steps.starts_with("resourceName,cloudRegion,timestamp,cost\r\n"));
    assert!(steps.ends_with(
        "d,,2026-04-01T00:00:00Z,0.25\r\nd,,2026-04-02T00:00:00Z,0\r\nd,,2026-04-03T00:00:00Z,0\r\n"
    ));

    let mut bytes = Vec::new();
    let breakdown = report.by_label(|labels| labels.others.get("cloudRegion").cloned());
    breakdown.write_csv(&mut bytes, Detail::Totals).unwrap();
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        "label,cost\r\nus,3.25\r\n,0.25\r\n"
    );

    let (_, metered) = on_the_emulator(april().group_by(Dimension::BillingDimension)).await;
    let mut bytes = Vec::new();
    metered.write_csv(&mut bytes, Detail::Totals).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.starts_with("resourceType,billingDimension,cost,usage,unit\r\n"),
        "{text}"
    );
    let costs = text
        .lines()
        .skip(1)
        .map(|line| usd(line.split(',').nth(2).unwrap()));
    assert_eq!(costs.sum::<Usd>(), metered.total());
}

#[tokio::test]
async fn a_report_is_written_as_json() {
    let report = scripted(vec![page("1.5", &[(named("a"), &["1", "0", "0.5"])], "")])
        .await
        .unwrap();
    let mut bytes = Vec::new();
    report.write_json(&mut bytes).unwrap();
    let days = [
        "2026-04-01T00:00:00Z",
        "2026-04-02T00:00:00Z",
        "2026-04-03T00:00:00Z",
    ];
    assert_eq!(
        serde_json::from_slice::<Value>(&bytes).unwrap(),
        json!({
            "window": {"start": days[0], "end": "2026-04-04T00:00:00Z"},
            "resolution": "daily",
            "groupBy": ["resource_name"],
            "total": "1.5",
            "steps": days,
            "rows": [{"resourceName": "a", "cost": "1.5", "costs": ["1", "0", "0.5"]}],
        })
    );
    let breakdown = report.by_label(|_| None::<String>);
    assert_eq!(
        serde_json::to_value(&breakdown).unwrap(),
        json!({
            "total": "1.5",
            "steps": days,
            "entries": [{"label": null, "cost": "1.5", "usages": [], "costs": ["1", "0", "0.5"]}],
        })
    );
    assert_eq!(
        serde_json::to_value(report.series()).unwrap()[2],
        json!({"timestamp": days[2], "cost": "0.5"})
    );
    let (_, metered) = on_the_emulator(april().group_by(Dimension::BillingDimension)).await;
    let row = &serde_json::to_value(&metered).unwrap()["rows"][0];
    assert_eq!(row["usages"].as_array().unwrap().len(), 30);
    assert!(row["unit"].is_string() && row["usage"].is_string());
}
