//! What the leaf costs beyond the client that it is made of, in allocations. They are counted, so they
//! can be held.

use blaxel_core::{Body, HttpService};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::runtime::{Builder, Runtime};

use crate::server::{Server, answer};
use crate::{READ, RUN, described, leaf};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The address of a server on a thread of its own, whose allocations are not counted.
fn server() -> String {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime().block_on(async {
            let server = Server::answering(answer("[]")).await;
            send.send(server.url()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    receive.recv().unwrap()
}

/// The fewest allocations that a call makes, once all is warm: how often tasks are woken differs.
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
fn the_leaf_makes_one_allocation_of_its_own_the_body_s_box() {
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
    let cost_of = |leaf: blaxel_transport::HyperTransport, info| {
        cost(
            async |request| {
                let response = leaf.send(request).await.unwrap();
                response.into_body().collect().await.unwrap();
            },
            || described(info, &url),
        )
    };
    println!("bare: {bare}");
    let run = cost_of(leaf().build(), &RUN);
    println!("a workload: {run}");
    let control = cost_of(leaf().build(), &READ);
    println!("the control plane: {control}");
    let limited = cost_of(leaf().max_in_flight(4).build(), &RUN);
    println!("a workload, limited: {limited}");
    assert!(run <= bare + 1, "{run} over {bare}");
    assert!(control <= bare + 1, "{control} over {bare}");
    // The origin's turns, which are forgotten between calls.
    assert!(limited <= bare + 2, "{limited} over {bare}");
}
