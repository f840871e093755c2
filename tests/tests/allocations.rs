//! Promise: the user's own layers cost as many allocations as a response's context and no more,
//! boxing the stack costs one allocation, the commonest calls keep their budgets, a walk holds one page, and
//! the emulator does not copy what it shows. The counts are exact, so they can be asserted.

#[path = "../benches/budget/calls.rs"]
#[allow(
    dead_code,
    reason = "the instructions are counted by the benchmark only"
)]
mod calls;
#[path = "../benches/support/document.rs"]
mod document;

use blaxel_core::{
    Body, Cursor, Error, HttpService, OperationInfo, PageMeta, Paged, Pages, Plane, RequestWriter,
    raw_request,
};
use blaxel_emulator::Emulator;
use blaxel_transport::Client;
use tower::util::MapRequestLayer;

static GET: OperationInfo = OperationInfo::new("GetThing", http::Method::GET, "/things");

/// Counts the allocations of sending one finished request, without those of building it.
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
    // The first call makes allocations that later ones reuse.
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
fn layers_cost_the_response_context_and_boxing_costs_one_allocation() {
    let builder = || {
        Client::builder()
            .api_key("bl_key")
            .workspace("w")
            .transport(leaf())
    };
    let bare = cost(&builder().build_unboxed().unwrap());
    let layered = builder()
        .attempt_layer(MapRequestLayer::new(unchanged))
        .attempt_layer(MapRequestLayer::new(unchanged));
    assert_eq!(cost(&layered.clone().build_unboxed().unwrap()), bare);
    let layered = layered
        .call_layer(MapRequestLayer::new(unchanged))
        .call_layer(MapRequestLayer::new(unchanged));
    // Three for the response's extensions, which only layers read.
    assert_eq!(cost(&layered.build_unboxed().unwrap()), bare + 3);
    assert_eq!(cost(&builder().build().unwrap()), bare + 1);
    // Two for the header map, which any client needs, one for the URI as it is sent, and one for what is kept
    // between two attempts.
    assert_eq!(bare, 4);
}

/// Promise: the commonest calls take the allocations of their budgets, in `benches/budget.txt`. If
/// one takes fewer, lower its budget.
#[test]
fn the_commonest_calls_keep_their_budgets() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let client = calls::client();
    for call in calls::Call::ALL {
        let count = |times| {
            let make = || runtime.block_on(call.make(&client, times));
            allocation_counter::measure(make).count_total
        };
        // The first call makes allocations that later ones reuse.
        count(1);
        let each = count(2) - count(1);
        assert_eq!(each, call.budget().allocations, "{call:?}");
    }
}

/// Items of 4 KiB, so that a page of them outweighs everything else.
struct Heavy {
    items: Vec<[u8; 4096]>,
    meta: PageMeta,
}

impl Paged for Heavy {
    type Item = [u8; 4096];

    fn meta(&self) -> &PageMeta {
        &self.meta
    }

    fn into_items(self) -> Vec<Self::Item> {
        self.items
    }

    fn count(&self) -> usize {
        self.items.len()
    }
}

/// Promise: a walk holds one page in memory, and drops it before the next one is created.
#[test]
fn a_walk_holds_one_page_at_a_time() {
    let page = 100 * size_of::<[u8; 4096]>() as u64;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut left = 5;
    let pages = Pages::new(None, move |_| {
        left -= 1;
        let next = (left > 0).then(|| Cursor::from(left.to_string()));
        let meta = PageMeta::default().with_next_cursor(next);
        Box::pin(async {
            let items = vec![[0; 4096]; 100];
            Ok(Heavy { items, meta })
        })
    });
    let mut items = pages.items();
    let mut count = 0;
    let used = allocation_counter::measure(|| {
        runtime.block_on(async {
            while let Some(item) = items.try_next().await.unwrap() {
                count += std::hint::black_box(item).len() / 4096;
            }
        });
    });
    assert_eq!(count, 500);
    assert!((page..page * 3 / 2).contains(&used.bytes_max), "{used:?}");
}

/// Counts the allocations of a request to an emulator that has this many agents.
fn cost_in_emulator(path: &str, agents: usize) -> u64 {
    let emulator = Emulator::offline();
    for number in 0..agents {
        emulator.add("agents", &format!("agent-{number}")).unwrap();
    }
    let service = emulator.service();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let send = || {
        let request = http::Request::get(path).body(Body::empty()).unwrap();
        let request = raw_request(Plane::Control, request).unwrap();
        let mut response = None;
        let used = allocation_counter::measure(|| {
            response = Some(runtime.block_on(service.send(request)));
        });
        assert!(response.unwrap().unwrap().status().is_success());
        used.count_total
    };
    // The texts of the documents are kept from the first request on.
    send();
    send()
}

/// Promise: the emulator does not copy the document that it shows.
#[test]
fn a_request_to_the_emulator_copies_no_document() {
    let cost = cost_in_emulator("/agents/agent-0", 1);
    assert!(cost <= 60, "{cost} allocations");
}

/// Promise: a list of the emulator makes only what its page shows, and copies none of it.
#[test]
fn a_list_of_the_emulator_makes_no_more_than_its_page() {
    let cost = |agents| cost_in_emulator("/agents?limit=50", agents);
    let (few, many) = (cost(60), cost(1000));
    assert!(many <= few + 8, "{few} allocations, and {many}");
    assert!(few <= 60 + 50 * 6, "{few} allocations");
}
