//! The stream against a server that stores entries late and limits its responses, in paused time.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use blaxel_core::{Body, Timestamp};
use http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::service_fn;

use super::*;

/// The time at which a test starts, in seconds since 1970.
const BEGIN: i64 = 1_777_377_600;

/// An entry of the server: its workload, the second in which it was written, its text, and the delay until it is
/// stored. All in seconds after the begin of the test.
#[derive(Clone, Debug)]
struct Stored {
    workload: &'static str,
    written: i64,
    text: String,
    delay: i64,
}

/// A server with these entries. `down` are the seconds in which it does not respond.
#[derive(Clone)]
struct Server {
    entries: Arc<Vec<Stored>>,
    down: std::ops::Range<i64>,
    counts: bool,
    begin: Instant,
    /// The start and end of each request.
    requests: Arc<Mutex<Vec<Span>>>,
}

impl Server {
    fn new(entries: Vec<Stored>) -> Self {
        Self {
            entries: Arc::new(entries),
            down: 0..0,
            counts: true,
            begin: Instant::now(),
            requests: Arc::default(),
        }
    }

    fn seconds(&self) -> i64 {
        i64::try_from(self.begin.elapsed().as_secs()).unwrap()
    }

    /// Follows the logs of a query, with a local clock that is wrong by `skew` seconds.
    fn follow(&self, query: &LogQuery, skew: i64) -> LogStream {
        let server = self.clone();
        let service = service_fn(move |request: http::Request<Body>| {
            let response = server.respond(&request);
            async move { Ok::<_, Infallible>(response) }
        });
        let clock = self.clone();
        let mut logs = Management::new(service).follow_logs(query);
        logs.clock = Box::new(move || BEGIN + clock.seconds() + skew);
        logs
    }

    fn respond(&self, request: &http::Request<Body>) -> http::Response<Body> {
        let query = request.uri().query().unwrap().replace("%3A", ":");
        let parameter = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).unwrap().1.to_owned()
        };
        let time = |name| {
            let time: Timestamp = format!("{}Z", parameter(name)).parse().unwrap();
            time.unix().unwrap().0
        };
        let (start, end) = (time("start"), time("end"));
        assert!(start < end && end - start <= 3 * DAY, "{start} to {end}");
        self.requests.lock().unwrap().push(Span { start, end });
        let now = self.seconds();
        if self.down.contains(&now) {
            let response = http::Response::builder().status(StatusCode::SERVICE_UNAVAILABLE);
            return response.body(Body::empty()).unwrap();
        }
        let workload = parameter("workloadIds");
        let mut found: Vec<&Stored> = self.entries.iter().collect();
        found.retain(|entry| {
            let written = BEGIN + entry.written;
            let is_stored = entry.written + entry.delay <= now;
            entry.workload == workload && (start..=end).contains(&written) && is_stored
        });
        found.sort_by_key(|entry| -entry.written);
        let total = found.len();
        let (limit, offset) = (parameter("limit"), parameter("offset"));
        let page = found
            .into_iter()
            .skip(offset.parse().unwrap())
            .take(limit.parse().unwrap());
        let logs: Vec<Value> = page
            .map(|entry| {
                let time = Timestamp::from_unix(BEGIN + entry.written, 0);
                json!({"timestamp": time.as_str(), "message": entry.text})
            })
            .collect();
        let mut answer = json!({"logs": logs});
        if self.counts {
            answer["totalCount"] = total.into();
        }
        http::Response::new(Body::from(json!({ workload: answer }).to_string()))
    }
}

fn stored(written: i64, delay: i64) -> Stored {
    Stored {
        workload: "a",
        written,
        text: format!("at {written}"),
        delay,
    }
}

fn query() -> LogQuery {
    LogQuery::agents(["a", "b"]).last(Duration::from_secs(600))
}

/// Returns the texts that the stream returns within a time.
async fn texts_within(logs: &mut LogStream, seconds: u64) -> Vec<String> {
    let mut texts = Vec::new();
    let _ = timeout(Duration::from_secs(seconds), async {
        while let Some(log) = logs.try_next().await.unwrap() {
            texts.push(log.entry.message.unwrap());
        }
    })
    .await;
    texts
}

proptest! {
    // A case has hundreds of readings.
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Holds for any entries, equal ones included, any limit of the server, with or without a total, and for any
    /// error of the local clock that is smaller than the time before the query.
    #[test]
    fn every_entry_is_returned_exactly_once(
        entries in prop::collection::vec((0_i64..240, 0_i64..55, 0_u8..2, any::<bool>()), 0..40),
        limit in 1_u32..6,
        counts: bool,
        skew in -500_i64..500,
    ) {
        let entries: Vec<Stored> = entries
            .into_iter()
            .map(|(written, delay, text, is_a)| Stored {
                workload: if is_a { "a" } else { "b" },
                written,
                text: format!("{text}"),
                delay,
            })
            .collect();
        let mut expected: Vec<_> = entries
            .iter()
            .map(|entry| (entry.workload.to_owned(), BEGIN + entry.written, entry.text.clone()))
            .collect();
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        let mut found = runtime.block_on(async {
            let server = Server { counts, ..Server::new(entries) };
            let logs = server.follow(&query().limit(limit), skew);
            let mut logs = logs.interval(Duration::from_secs(5));
            let mut found = Vec::new();
            let _ = timeout(Duration::from_secs(900), async {
                while let Some(log) = logs.try_next().await.unwrap() {
                    let time = log.entry.timestamp.unwrap().unix().unwrap().0;
                    found.push((log.workload, time, log.entry.message.unwrap()));
                }
            })
            .await;
            found
        });
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn entries_are_in_order_and_appear_soon() {
    let server = Server::new(vec![
        stored(-5, 0),
        stored(-300, 0),
        stored(10, 0),
        stored(11, 20),
        stored(12, 0),
    ]);
    let mut logs = server.follow(&query(), 0);
    assert_eq!(texts_within(&mut logs, 0).await, ["at -300", "at -5"]);
    // A late entry appears after a newer one.
    assert_eq!(texts_within(&mut logs, 20).await, ["at 10", "at 12"]);
    assert_eq!(texts_within(&mut logs, 20).await, ["at 11"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_settled_is_not_read_again_and_forgotten() {
    let server = Server::new((0..100).map(|second| stored(second, 0)).collect());
    let mut logs = server.follow(&query(), 0);
    assert_eq!(texts_within(&mut logs, 400).await.len(), 100);
    assert!(logs.known.0.is_empty(), "{:?}", logs.known.0.keys());
    let last = *server.requests.lock().unwrap().last().unwrap();
    assert!(last.length() <= 130, "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn the_stream_of_a_query_with_an_end_ends_when_no_entry_can_be_late() {
    let server = Server::new(vec![stored(5, 0), stored(20, 40), stored(31, 0)]);
    let query = query().until(Timestamp::from_unix(BEGIN + 30, 0));
    let mut logs = server.follow(&query, 0);
    assert_eq!(texts_within(&mut logs, 300).await, ["at 5", "at 20"]);
    assert_eq!(logs.try_next().await.unwrap(), None);
    assert!(
        (90..=94).contains(&server.seconds()),
        "{}",
        server.seconds()
    );
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_is_waited_for_and_a_long_one_is_an_error() {
    let mut server = Server::new(vec![stored(1, 0), stored(100, 0), stored(1000, 0)]);
    server.down = 10..200;
    let mut logs = server.follow(&query(), 0);
    assert_eq!(texts_within(&mut logs, 300).await, ["at 1", "at 100"]);
    server.down = 400..2000;
    let mut logs = server.follow(&query(), 0);
    assert_eq!(texts_within(&mut logs, 50).await, ["at 1", "at 100"]);
    let start = Instant::now();
    assert!(logs.try_next().await.unwrap_err().is_transient());
    assert!(start.elapsed() >= OUTAGE);
    // The stream goes on where it was.
    tokio::time::sleep(Duration::from_secs(1400)).await;
    assert_eq!(texts_within(&mut logs, 50).await, ["at 1000"]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_future_loses_nothing() {
    let server = Server::new((0..60).map(|second| stored(second, 0)).collect());
    let mut logs = server.follow(&query(), 0);
    let mut count = 0;
    while server.seconds() < 100 {
        if let Ok(log) = timeout(Duration::from_millis(700), logs.try_next()).await {
            log.unwrap().unwrap();
            count += 1;
        }
    }
    assert_eq!(count, 60);
}

#[tokio::test(start_paused = true)]
async fn an_invalid_query_is_an_error_and_the_end() {
    let server = Server::new(Vec::new());
    for query in [LogQuery::agents([""; 0]), query().limit(0)] {
        let mut logs = server.follow(&query, 0);
        assert!(logs.try_next().await.unwrap_err().is_input());
        assert_eq!(logs.try_next().await.unwrap(), None);
    }
    assert!(server.requests.lock().unwrap().is_empty());
}

/// A time that no clock can have reached.
#[tokio::test(start_paused = true)]
async fn an_entry_of_the_far_future_hides_no_later_ones() {
    let begin = Instant::now();
    let seconds = move || i64::try_from(begin.elapsed().as_secs()).unwrap();
    let service = service_fn(move |request: http::Request<Body>| {
        let is_a = request.uri().query().unwrap().contains("workloadIds=a");
        let start = request.uri().query().unwrap().contains("start=9");
        let now = Timestamp::from_unix(BEGIN + seconds(), 0);
        let stray = json!({"timestamp": "9999-01-01T00:00:00Z", "message": "stray"});
        let own = json!({"timestamp": now.as_str(), "message": "own"});
        let logs = match is_a && !start {
            true => vec![stray, own],
            false => vec![],
        };
        let answer = json!({"a": {"logs": logs}}).to_string();
        async move { Ok::<_, Infallible>(http::Response::new(Body::from(answer))) }
    });
    let mut logs = Management::new(service).follow_logs(&query());
    logs.clock = Box::new(move || BEGIN + seconds());
    let texts = texts_within(&mut logs, 200).await;
    let own = texts.iter().filter(|text| *text == "own").count();
    assert!(own > 90, "{own} of 100 readings");
}

#[tokio::test(start_paused = true)]
async fn any_lateness_is_read_in_few_requests() {
    for lateness in [Duration::ZERO, Duration::MAX] {
        let server = Server::new(vec![stored(-5, 0), stored(10, 0)]);
        let mut logs = server.follow(&query(), 0).lateness(lateness);
        assert_eq!(texts_within(&mut logs, 20).await, ["at -5", "at 10"]);
        let requests = server.requests.lock().unwrap().len();
        assert!(requests < 100, "{requests}");
    }
}
