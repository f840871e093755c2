//! Measures the time to walk a list of 100,000 agents, with our stream of items and with a
//! hand-written loop: `cargo bench -p blaxel-tests --bench walk`.
//!
//! The server is a separate process and sends 200 agents a page. All candidates decode into the
//! same types and take part in each round, in a different order each time; the figure is the median
//! of the rounds. Delays use tokio's clock, which rounds up to the next millisecond.
//!
//! Two more figures give upper bounds: the rate of the server for a client that decodes nothing,
//! and the rate of decoding without waiting for a server.
//!
//! Without `--bench`, as under `cargo test`, each candidate only walks a few pages.

#[path = "support/callgrind.rs"]
mod callgrind;
mod walk_support;

use std::time::{Duration, Instant};

use blaxel_core::{Page, response};
use blaxel_management::agents::Agent;
use blaxel_transport::HttpVersion;
use bytes::Buf;
use http::Response;
use http_body_util::BodyExt;
use walk_support::consumer::Consumer;
use walk_support::hyper_client::HyperClient;
use walk_support::list::{self, List, PAGE, serve};
use walk_support::process::{Server, runtime, serve_until_input_ends};
use walk_support::report::figure;
use walk_support::walkers::Kind;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve"] => serve_until_input_ends(serve),
        ["call", kind, address, pages] => {
            callgrind::become_multi_threaded();
            let kind = Kind::ALL.into_iter().find(|known| known.name() == *kind);
            let pages = pages.parse().expect("a number of pages");
            let list = List::of_pages(address.parse().expect("an address"), pages);
            let walker = kind.expect("a walker").over(list);
            runtime().block_on(walker.walk(Duration::ZERO));
        }
        _ if words.contains(&"--bench") => bench(500, [15, 3], 25),
        _ => bench(3, [1, 1], 1),
    }
}

/// Runs all measurements over `pages` pages: `at_once` rounds without delays, `delayed` rounds with
/// delays, and the instructions of `counted` pages.
fn bench(pages: u32, [at_once, delayed]: [usize; 2], counted: usize) {
    let server = Server::start().expect("a server");
    let wait = Duration::from_millis(5);
    let none = Duration::ZERO;
    for (measure, rounds, delay, each_page) in [
        ("at-once", at_once, none, none),
        ("server-waits", delayed, wait, none),
        ("consumer-waits", delayed, none, wait),
        ("both-wait", delayed, wait, wait),
    ] {
        let list = List {
            delay,
            ..List::of_pages(server.address, pages)
        };
        let rates = rates(rounds, list, each_page);
        for (kind, rates) in Kind::ALL.into_iter().zip(rates) {
            rate(kind.name(), measure, rates);
        }
    }
    let list = List::of_pages(server.address, pages);
    let limits = |limit: fn(List) -> f64| (0..at_once).map(|_| limit(list)).collect();
    rate("server", "at-once", limits(without_decoding));
    rate("decoding", "at-once", limits(without_server));
    let address = server.address.to_string();
    for kind in Kind::ALL {
        match callgrind::per_call(&["call", kind.name(), &address], counted) {
            Ok(each_page) => {
                let each = each_page / f64::from(PAGE);
                figure(kind.name(), "instructions", each, None);
            }
            Err(reason) => return callgrind::absent("instructions", &reason),
        }
    }
}

fn rate(who: &str, measure: &str, mut rates: Vec<f64>) {
    rates.sort_unstable_by(f64::total_cmp);
    figure(who, measure, rates[rates.len() / 2], Some(rates[0]));
}

/// Returns the items per second of each kind of walker in each round.
fn rates(rounds: usize, list: List, each_page: Duration) -> [Vec<f64>; Kind::ALL.len()] {
    let mut rates = [const { Vec::new() }; Kind::ALL.len()];
    for round in 0..rounds {
        for offset in 0..Kind::ALL.len() {
            let index = (round + offset) % Kind::ALL.len();
            let walker = Kind::ALL[index].over(list);
            rates[index].push(timed(list, walker.walk(each_page)));
        }
    }
    rates
}

/// Returns the items per second of some work on the whole list.
fn timed(list: List, work: impl Future<Output = ()>) -> f64 {
    let start = Instant::now();
    runtime().block_on(work);
    f64::from(list.items()) / start.elapsed().as_secs_f64()
}

/// Returns the items per second if decoding took no time.
fn without_decoding(list: List) -> f64 {
    let client = HyperClient::new(list.server, HttpVersion::Http1);
    timed(list, async {
        for page in 0..list.pages {
            let target = format!("{}/agents?limit={PAGE}&cursor={page}", list.path());
            let mut body = client.open(target).await.into_body();
            while let Some(frame) = body.frame().await {
                drop(frame.expect("a part of a page"));
            }
        }
    })
}

/// Returns the items per second if fetching took no time.
fn without_server(list: List) -> f64 {
    let mut text = list::Page::of(PAGE).before(Some(1));
    let response = Response::new(text.copy_to_bytes(text.remaining()));
    timed(list, async {
        let mut consumer = Consumer::new(Duration::ZERO);
        for _ in 0..list.pages {
            let page: Page<Agent> = response::json(&response).expect("a page");
            for agent in page.items {
                consumer.take(agent).await;
            }
        }
    })
}
