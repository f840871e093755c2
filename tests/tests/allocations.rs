//! The promise: a layer of the user's own costs no allocation, and hiding the stack behind one type
//! costs one. Counts are exact, so they can be held.

use blaxel_core::{Body, Error, HttpService, OperationInfo, RequestWriter};
use blaxel_transport::Client;
use tower::util::MapRequestLayer;

static GET: OperationInfo = OperationInfo::new("GetThing", http::Method::GET, "/things");

/// Counts the allocations of sending one ready request, apart from making it.
fn cost(service: &impl HttpService) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let send = || {
        let request = RequestWriter::new(&GET).finish().unwrap();
        let mut response = None;
        let used = allocation_counter::measure(|| {
            response = Some(runtime.block_on(service.send(request)));
        });
        assert!(response.unwrap().unwrap().status().is_success());
        used.count_total
    };
    // The first call pays for what later ones reuse.
    send();
    send()
}

fn leaf() -> impl HttpService {
    tower::service_fn(async |_: http::Request<Body>| {
        Ok::<_, Error>(http::Response::new(Body::empty()))
    })
}

fn unchanged(request: http::Request<Body>) -> http::Request<Body> {
    request
}

#[test]
fn layers_are_free_and_a_box_costs_one() {
    let builder = || {
        Client::builder()
            .api_key("bl_key")
            .workspace("w")
            .transport(leaf())
    };
    let bare = cost(&builder().build().unwrap());
    let layered = builder()
        .call_layer(MapRequestLayer::new(unchanged))
        .call_layer(MapRequestLayer::new(unchanged))
        .attempt_layer(MapRequestLayer::new(unchanged))
        .attempt_layer(MapRequestLayer::new(unchanged))
        .build()
        .unwrap();
    assert_eq!(cost(&layered), bare);
    assert_eq!(cost(&builder().build().unwrap().boxed()), bare + 1);
    // Two for the table of headers, which any client needs; one for the address as it is sent.
    assert_eq!(bare, 3);
}
