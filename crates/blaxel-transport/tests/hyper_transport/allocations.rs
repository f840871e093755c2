//! The number of allocations that the transport adds to those of hyper's client.

use blaxel_core::{Body, HttpService};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::runtime::{Builder, Runtime};

use crate::server::{Server, response};
use crate::{READ, RUN, builder, described};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Starts a server on a thread of its own, whose allocations are not counted, and returns its URL.
fn server() -> String {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime().block_on(async {
            let server = Server::responding(response("[]")).await;
            send.send(server.url()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receive.recv().unwrap()
}

/// Returns the minimum number of allocations of a call over many rounds: the number of task wakeups
/// varies.
fn cost(
    mut call: impl AsyncFnMut(http::Request<Body>),
    request: impl Fn() -> http::Request<Body>,
) -> u64 {
    let runtime = runtime();
    let mut least = u64::MAX;
    for _ in 0..50 {
        let request = request();
        let used = allocation_counter::measure(|| runtime.block_on(call(request)));
        least = least.min(used.count_total);
    }
    least
}

#[test]
fn the_transport_adds_no_allocation_to_a_small_response() {
    let url = server();
    let bare = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .build_http();
    let bare = cost(
        async |request| {
            let response = bare.request(request).await.unwrap();
            response.into_body().collect().await.unwrap();
        },
        || described(&READ, &url),
    );
    let cost_of = |transport: blaxel_transport::HyperTransport, info| {
        cost(
            async |request| {
                let response = transport.send(request).await.unwrap();
                response.into_body().collect().await.unwrap();
            },
            || described(info, &url),
        )
    };
    println!("bare: {bare}");
    let run = cost_of(builder().build(), &RUN);
    println!("a workload: {run}");
    let control = cost_of(builder().build(), &READ);
    println!("the control plane: {control}");
    let limited = cost_of(builder().max_in_flight(4).build(), &RUN);
    println!("a workload, limited: {limited}");
    assert!(run <= bare, "{run} over {bare}");
    assert!(control <= bare, "{control} over {bare}");
    // One is the box of the body, which holds the permit. The other is the origin's entry in the limiter, which is
    // removed between calls.
    assert!(limited <= bare + 2, "{limited} over {bare}");
}
