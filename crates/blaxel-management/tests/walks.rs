//! The promise: a walk over a list gives every item that stood throughout exactly once, whatever comes
//! and goes meanwhile, however large the pages are, and whatever shape they have.

#![cfg(feature = "workloads")]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use blaxel_core::{Body, BoxFuture, Error, ErrorKind, ListParams, Sort};
use blaxel_emulator::Emulator;
use blaxel_management::Management;
use proptest::prelude::*;
use serde_json::{Value, json};

/// What happens to the list between two items of a walk.
#[derive(Clone, Debug)]
enum Change {
    Nothing,
    Add(u16),
    Remove(prop::sample::Index),
    /// The walk is broken off, its place saved, and resumed by somebody else.
    Resume,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => Just(Change::Nothing),
        2 => any::<u16>().prop_map(Change::Add),
        2 => any::<prop::sample::Index>().prop_map(Change::Remove),
        1 => Just(Change::Resume),
    ]
}

fn sort() -> impl Strategy<Value = Sort> {
    prop_oneof![
        Just(Sort::CreatedDescending),
        Just(Sort::CreatedAscending),
        Just(Sort::NameAscending),
        Just(Sort::NameDescending),
    ]
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_stood_throughout_comes_exactly_once(
        standing in 0usize..40,
        passing in 0usize..12,
        limit in 1u32..15,
        sort in sort(),
        changes in prop::collection::vec(change(), 0..80),
    ) {
        run(async {
            let emulator = Emulator::offline();
            let standing: BTreeSet<String> = (0..standing).map(|n| format!("stands-{n}")).collect();
            let mut passing: Vec<String> = (0..passing).map(|n| format!("goes-{n}")).collect();
            for name in standing.iter().chain(&passing) {
                emulator.add_agent(name);
            }
            let agents = Management::new(emulator.service()).agents();
            let params = ListParams::new().limit(limit).sort(sort);
            let mut items = agents.items_with(&params);
            let mut changes = changes.into_iter();
            let mut seen = Vec::new();
            while let Some(agent) = items.try_next().await.unwrap() {
                seen.push(agent.metadata.name);
                match changes.next().unwrap_or(Change::Nothing) {
                    Change::Nothing => {}
                    Change::Add(number) => emulator.add_agent(&format!("comes-{number}")),
                    Change::Remove(index) if !passing.is_empty() => {
                        let name = passing.swap_remove(index.index(passing.len()));
                        agents.delete(&name).await.unwrap();
                    }
                    Change::Remove(_) => {}
                    Change::Resume => {
                        let place = serde_json::to_string(&items.checkpoint()).unwrap();
                        let place = serde_json::from_str(&place).unwrap();
                        items = agents.items_with(&params).resume(place);
                    }
                }
            }
            let stood: Vec<&String> = seen.iter().filter(|name| standing.contains(*name)).collect();
            let distinct: BTreeSet<&String> = stood.iter().copied().collect();
            prop_assert_eq!(distinct.len(), standing.len(), "lost one: {:?}", seen);
            prop_assert_eq!(stood.len(), standing.len(), "gave one twice: {:?}", seen);
            Ok(())
        })?;
    }

    /// Whatever a server makes of its pages: empty ones, a page too many, a cursor twice.
    #[test]
    fn odd_pages_lose_nothing_and_never_go_in_circles(
        pages in prop::collection::vec((0usize..4, any::<bool>()), 1..20),
        repeat in prop::option::of(any::<prop::sample::Index>()),
        bare in any::<bool>(),
    ) {
        run(async {
            let mut replies = Vec::new();
            let mut all = Vec::new();
            let repeat = repeat.map(|index| index.index(pages.len()));
            for (place, (count, says_more)) in pages.iter().enumerate() {
                let names: Vec<String> = (0..*count).map(|n| format!("a-{place}-{n}")).collect();
                let last = place + 1 == pages.len();
                let next = match repeat {
                    // The cursor of an earlier page comes once more in place of this one's.
                    Some(at) if at < place && !last => format!("page {}", at + 1),
                    _ if last => String::new(),
                    _ => format!("page {}", place + 1),
                };
                let items: Vec<Value> = names.iter().map(|name| document(name)).collect();
                all.extend(names);
                let mut meta = json!({"nextCursor": next});
                if *says_more || last {
                    meta["hasMore"] = (!last).into();
                }
                replies.push(json!({"data": items, "meta": meta}));
                if bare {
                    break;
                }
            }
            if bare {
                replies[0] = replies[0]["data"].take();
            }
            let circles = !bare && repeat.is_some_and(|at| at + 2 < pages.len());
            let replies = Arc::new(Mutex::new(replies.into_iter()));
            let service = tower::service_fn(move |_: http::Request<Body>| -> BoxFuture<_> {
                let reply = replies.lock().unwrap().next().expect("a page beyond the list");
                let response = http::Response::new(Body::from(reply.to_string()));
                Box::pin(std::future::ready(Ok::<_, Error>(response)))
            });
            let mut items = Management::new(service).agents().items();
            let mut seen = Vec::new();
            let outcome = loop {
                match items.try_next().await {
                    Ok(Some(agent)) => seen.push(agent.metadata.name),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            if circles {
                let error = outcome.unwrap_err();
                prop_assert_eq!(error.kind(), ErrorKind::Pagination);
                prop_assert!(all.starts_with(&seen), "{:?} of {:?}", seen, all);
            } else {
                prop_assert!(outcome.is_ok(), "{:?}", outcome);
                prop_assert_eq!(seen, all);
            }
            Ok(())
        })?;
    }
}

fn document(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {}})
}
