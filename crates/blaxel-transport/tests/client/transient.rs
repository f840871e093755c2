//! Calls are retried exactly if [`Error::is_transient`] is true, for every response.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use blaxel_core::{Body, Error, OperationInfo, Plane, RequestWriter, Source, open};
use blaxel_transport::{Client, RetryPolicy, TimeLimits};
use http::Method;

static CONTROL: OperationInfo = OperationInfo::new("GetThing", Method::GET, "/things");
static RUN: OperationInfo =
    OperationInfo::new("AskThing", Method::GET, "/things").with_plane(Plane::Run);
static STORAGE: OperationInfo =
    OperationInfo::new("FetchThing", Method::GET, "/things").with_plane(Plane::Presigned);

/// A response of the grid.
#[derive(Clone, Debug)]
struct Reply {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: String,
}

/// Returns every combination of the properties that the rule could consider.
fn grid() -> Vec<Reply> {
    let statuses = (400..=431).chain([451]).chain(500..=511).chain([520, 599]);
    let bodies = ["", "not json", "<html><title>502</title></html>", "{}"];
    let mut grid = Vec::new();
    for status in statuses {
        for source in [None, Some("platform"), Some("workload")] {
            for stated in [None, Some("true"), Some("false"), Some("maybe")] {
                for code in [None, Some("WORKLOAD_UNAVAILABLE"), Some("OTHER")] {
                    let headers = [
                        ("x-blaxel-source", source),
                        ("x-should-retry", stated),
                        ("x-blaxel-error-code", code),
                    ];
                    let headers: Vec<_> = headers
                        .into_iter()
                        .filter_map(|(name, value)| Some((name, value?)))
                        .collect();
                    let mut add = |body: String| {
                        let headers = headers.clone();
                        grid.push(Reply {
                            status,
                            headers,
                            body,
                        });
                    };
                    for body in bodies {
                        add(body.to_owned());
                    }
                    for origin in ["", r#","origin":"platform""#] {
                        for retryable in ["", r#","retryable":true"#, r#","retryable":false"#] {
                            add(format!(
                                r#"{{"error":{{"code":"WORKLOAD_UNAVAILABLE"{origin}{retryable}}}}}"#
                            ));
                        }
                    }
                    add(r#"{"retryable":true,"message":"m"}"#.to_owned());
                }
            }
        }
    }
    grid
}

/// Returns the number of requests of a call whose attempts all get this response, and its error.
async fn observe(info: &'static OperationInfo, reply: &Reply) -> (usize, Error) {
    let sent = Arc::new(AtomicUsize::new(0));
    let (count, reply) = (Arc::clone(&sent), reply.clone());
    let transport = tower::service_fn(move |_: http::Request<Body>| {
        count.fetch_add(1, Ordering::Relaxed);
        let mut response = http::Response::builder().status(reply.status);
        for (name, value) in &reply.headers {
            response = response.header(*name, *value);
        }
        let body = Body::from(reply.body.clone());
        std::future::ready(Ok::<_, Error>(response.body(body).unwrap()))
    });
    let client = Client::builder()
        .api_key("k")
        .workspace("w")
        .retry(RetryPolicy::new().attempts(2).seed(1))
        .time_limits(TimeLimits::default())
        .transport(transport)
        .build()
        .unwrap();
    let mut writer = RequestWriter::new(info);
    if info.plane() == Plane::Presigned {
        let address = "https://storage.example/things";
        writer.presigned(address, &Source::Code).unwrap();
    }
    let error = open(&client, writer.finish().unwrap()).await.unwrap_err();
    (sent.load(Ordering::Relaxed), error)
}

#[tokio::test(start_paused = true)]
async fn a_call_is_retried_if_and_only_if_its_error_is_transient() {
    let grid = grid();
    let mut retried = 0;
    for info in [&CONTROL, &RUN, &STORAGE] {
        for reply in &grid {
            let (sent, error) = observe(info, reply).await;
            assert_eq!(
                sent == 2,
                error.is_transient(),
                "{} {reply:?}: {error:?}",
                info.name()
            );
            retried += sent - 1;
        }
    }
    // Each of the two cases occurs thousands of times.
    assert!(
        retried > 1000 && retried + 1000 < 3 * grid.len(),
        "{retried} of {}",
        grid.len()
    );
}
