//! Measures how a year of daily costs of 1,000 resources is read and aggregated: `cargo bench -p
//! blaxel-tests --bench billing`.
//!
//! The responses are prepared as text and served without a network, so only the client's own work
//! is measured, decoding included. Times are medians over the rounds; memory is counted in a
//! separate run, because counting takes time. Without `--bench`, as under `cargo test`, one round
//! on a few resources only checks that all candidates find the same total.
//!
//! `report` is `Billing::report` with a number of concurrent windows, and three breakdowns of it.
//! `groups` is the program without it: it keeps all groups of all windows and adds them up.
//! `values` does the same with pages read as `serde_json::Value`, and costs as floats.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use blaxel_billing::{Billing, Dimension, MetricsPage, MetricsQuery, Resolution, Usd, Window};
use blaxel_core::{Body, Error, HttpService, Timestamp, response};
use bytes::Bytes;
use serde_json::{Value, json};

const GROUPS_PER_PAGE: usize = 100;
const TYPES: [&str; 5] = ["sandbox", "agent", "job", "mcp_server", "volume"];
const ACCOUNT: &str = "acc-benchmark";

fn main() {
    let bench = std::env::args().any(|argument| argument == "--bench");
    let (resources, rounds) = if bench { (1000, 11) } else { (120, 1) };
    let responses = Responses::make(resources);
    println!("answers\tpages\t{}", responses.pages.len());
    let bytes: usize = responses.pages.values().map(Bytes::len).sum();
    println!("answers\tMiB\t{:.1}", mib(bytes as u64));

    let service = responses.service();
    let candidates: [(&str, &dyn Fn() -> Usd); 4] = [
        ("report, 1 window at a time", &|| report(&service, 1)),
        ("report, 4 windows at a time", &|| report(&service, 4)),
        ("groups", &|| groups(&service)),
        ("values", &|| values(&service)),
    ];
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); candidates.len()];
    for _ in 0..rounds {
        for ((name, run), times) in candidates.iter().zip(&mut times) {
            let start = Instant::now();
            let total = black_box(run());
            times.push(start.elapsed());
            assert_eq!(total.to_cents(), responses.total.to_cents(), "{name}");
        }
    }
    for ((name, run), mut times) in candidates.into_iter().zip(times) {
        times.sort_unstable();
        let (median, least) = (times[times.len() / 2], times[0]);
        println!("{name}\tms\t{:.1}\t{:.1}", ms(median), ms(least));
        let used = measure(|| {
            black_box(run());
        });
        println!("{name}\tpeak-MiB\t{:.1}", mib(used.bytes_max));
        println!("{name}\tallocations\t{}", used.count_total);
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

fn query() -> MetricsQuery {
    let year = Window::year(2026).expect("a year");
    MetricsQuery::new(year)
        .resolution(Resolution::Daily)
        .group_by(Dimension::ResourceUuid)
}

/// Returns the windows that a query for a year of days is split into.
fn windows() -> Vec<Window> {
    query().window().split(&Resolution::Daily)
}

fn report(service: &impl HttpService, at_once: usize) -> Usd {
    let at_once = NonZeroUsize::new(at_once).expect("at least one");
    let billing = Billing::new(service.clone()).with_concurrency(at_once);
    let report = block_on(billing.report(ACCOUNT, &query())).expect("a report");
    assert_eq!(report.steps().len(), 365);
    let types = report.by(&Dimension::ResourceType).expect("types");
    black_box(types.top(3));
    black_box(report.by(&Dimension::ResourceName).expect("names").top(10));
    black_box(report.by_label(|labels| labels.workspace.clone()));
    assert_eq!(types.total(), report.total());
    report.series().total()
}

fn groups(service: &impl HttpService) -> Usd {
    let billing = Billing::new(service.clone());
    let mut groups = Vec::new();
    block_on(async {
        for window in windows() {
            let mut walk = billing.groups(ACCOUNT, &query().with_window(window));
            while let Some(group) = walk.try_next().await.expect("a group") {
                groups.push(group);
            }
        }
    });
    let mut by_type: BTreeMap<&str, Usd> = BTreeMap::new();
    for group in &groups {
        let kind = group.labels.resource_type.as_deref().unwrap_or_default();
        *by_type.entry(kind).or_default() += group.summary.cost;
    }
    by_type.into_values().sum()
}

fn values(service: &impl HttpService) -> Usd {
    let mut pages: Vec<Value> = Vec::new();
    block_on(async {
        for window in windows() {
            let mut cursor = String::new();
            loop {
                let uri = format!("/?startTime={}&cursor={cursor}", window.start());
                let request = http::Request::get(uri)
                    .body(Body::empty())
                    .expect("a request");
                let response = service.send(request).await.expect("a response").into_body();
                let bytes = response::collect(response, usize::MAX)
                    .await
                    .expect("a body");
                let page: Value = serde_json::from_slice(&bytes).expect("JSON");
                cursor = page["meta"]["nextCursor"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned();
                pages.push(page);
                if cursor.is_empty() {
                    break;
                }
            }
        }
    });
    let groups = pages
        .iter()
        .flat_map(|page| page["data"].as_array().into_iter().flatten());
    let total: f64 = groups
        .filter_map(|group| group["summary"]["cost"].as_f64())
        .sum();
    format!("{total:.9}").parse().expect("an amount")
}

/// Every page of every window, by the start of the window and the cursor.
struct Responses {
    pages: HashMap<(String, String), Bytes>,
    total: Usd,
}

impl Responses {
    fn make(resources: usize) -> Self {
        let mut pages = HashMap::new();
        let mut total = 0u64;
        for window in windows() {
            let groups: Vec<_> = (0..resources)
                .map(|index| Group::make(index, &window))
                .collect();
            let of_window: u64 = groups.iter().map(|group| group.micros).sum();
            total += of_window;
            let chunks: Vec<_> = groups.chunks(GROUPS_PER_PAGE).collect();
            for (number, groups) in chunks.iter().enumerate() {
                let last = number + 1 == chunks.len();
                let next = if last {
                    String::new()
                } else {
                    format!("c{}", number + 1)
                };
                let data: Vec<_> = groups.iter().map(|group| &group.json).collect();
                let page = json!({
                    "startTime": window.start(),
                    "endTime": window.end(),
                    "resolution": "daily",
                    "summary": {"totalCost": dollars(of_window)},
                    "data": data,
                    "meta": {"hasMore": !last, "nextCursor": next},
                });
                let text = page.to_string();
                assert!(serde_json::from_str::<MetricsPage>(&text).is_ok());
                let cursor = if number == 0 {
                    String::new()
                } else {
                    format!("c{number}")
                };
                pages.insert((window.start().to_string(), cursor), Bytes::from(text));
            }
        }
        let total = Usd::from_billionths(i128::from(total) * 1000);
        Self { pages, total }
    }

    fn service(&self) -> impl HttpService + use<> {
        let pages = Arc::new(self.pages.clone());
        tower::service_fn(move |request: http::Request<Body>| {
            let query = request
                .uri()
                .query()
                .unwrap_or_default()
                .replace("%3A", ":");
            let parameter = |name: &str| {
                let found = query.split('&').filter_map(|pair| pair.split_once('='));
                let mut found = found.filter(|(given, _)| *given == name);
                found
                    .next()
                    .map_or(String::new(), |(_, value)| value.to_owned())
            };
            let page = pages
                .get(&(parameter("startTime"), parameter("cursor")))
                .cloned();
            async move {
                // Yield once, as on a network, so that concurrent requests are interleaved.
                tokio::task::yield_now().await;
                match page {
                    Some(page) => Ok(http::Response::new(Body::from(page))),
                    None => Err(Error::decode(format!("no page for {query}"))),
                }
            }
        })
    }
}

struct Group {
    json: Value,
    micros: u64,
}

impl Group {
    fn make(index: usize, window: &Window) -> Self {
        let (start, _) = window.start().unix().expect("a time");
        let days = window.length().as_secs() / 86_400;
        let mut micros = 0;
        let steps: Vec<_> = (0..days)
            .map(|day| {
                let second = start + 86_400 * day as i64;
                // Zero now and then; otherwise an amount with all its digits.
                let mixed = (second as u64 / 86_400).wrapping_mul(index as u64 + 7) * 2_654_435_761;
                let cost = if mixed.is_multiple_of(11) {
                    0
                } else {
                    mixed % 40_000_000
                };
                micros += cost;
                json!({"timestamp": Timestamp::from_unix(second, 0), "cost": dollars(cost)})
            })
            .collect();
        let json = json!({
            "workspace": format!("workspace-{}", index % 12),
            "resourceType": TYPES[index % TYPES.len()],
            "resourceName": format!("resource-{index}"),
            "resourceUuid": format!("3f0e7a52-91c4-4d6b-8a53-{index:012}"),
            "summary": {"cost": dollars(micros)},
            "timeseries": steps,
        });
        Self { json, micros }
    }
}

fn dollars(micros: u64) -> f64 {
    micros as f64 / 1e6
}
