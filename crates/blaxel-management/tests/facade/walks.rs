//! The promise: a walk over a list returns every item that exists during the whole walk exactly once. This holds
//! for items that are created or deleted meanwhile, and for any size and shape of the pages.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use blaxel_core::{Body, BoxFuture, Error, ErrorKind, ListParams, Sort};
use blaxel_emulator::Emulator;
use blaxel_management::Management;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A change of the list between two items of a walk.
#[derive(Clone, Debug)]
enum Change {
    Nothing,
    Add(u16),
    Remove(prop::sample::Index),
    /// The walk is stopped, its checkpoint saved, and a new walk resumed from it.
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
    fn items_that_exist_throughout_are_returned_exactly_once(
        permanent in 0usize..40,
        temporary in 0usize..12,
        limit in 1u32..15,
        sort in sort(),
        changes in prop::collection::vec(change(), 0..80),
    ) {
        run(async {
            let emulator = Emulator::offline();
            let permanent: BTreeSet<String> = (0..permanent).map(|n| format!("permanent-{n}")).collect();
            let mut temporary: Vec<String> = (0..temporary).map(|n| format!("temporary-{n}")).collect();
            for name in permanent.iter().chain(&temporary) {
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
                    Change::Add(number) => emulator.add_agent(&format!("added-{number}")),
                    Change::Remove(index) if !temporary.is_empty() => {
                        let name = temporary.swap_remove(index.index(temporary.len()));
                        agents.delete(&name).await.unwrap();
                    }
                    Change::Remove(_) => {}
                    Change::Resume => {
                        let checkpoint = serde_json::to_string(&items.checkpoint()).unwrap();
                        let checkpoint = serde_json::from_str(&checkpoint).unwrap();
                        items = agents.items_with(&params).resume(checkpoint);
                    }
                }
            }
            let returned: Vec<&String> = seen.iter().filter(|name| permanent.contains(*name)).collect();
            let distinct: BTreeSet<&String> = returned.iter().copied().collect();
            prop_assert_eq!(distinct.len(), permanent.len(), "an item is missing: {:?}", seen);
            prop_assert_eq!(returned.len(), permanent.len(), "an item was returned twice: {:?}", seen);
            Ok(())
        })?;
    }

    /// Odd pages: empty ones, one page too many, a repeated cursor.
    #[test]
    fn odd_pages_lose_no_item_and_cause_no_endless_loop(
        pages in prop::collection::vec((0usize..4, any::<bool>()), 1..20),
        repeat in prop::option::of(any::<prop::sample::Index>()),
        bare in any::<bool>(),
    ) {
        run(async {
            let mut replies = Vec::new();
            let mut all = Vec::new();
            let repeat = repeat.map(|index| index.index(pages.len()));
            for (number, (count, has_more)) in pages.iter().enumerate() {
                let names: Vec<String> = (0..*count).map(|n| format!("a-{number}-{n}")).collect();
                let last = number + 1 == pages.len();
                let next = match repeat {
                    // The cursor of an earlier page is repeated instead of this page's.
                    Some(at) if at < number && !last => format!("page {}", at + 1),
                    _ if last => String::new(),
                    _ => format!("page {}", number + 1),
                };
                let items: Vec<Value> = names.iter().map(|name| document(name)).collect();
                all.extend(names);
                let mut meta = json!({"nextCursor": next});
                if *has_more || last {
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
            let is_loop = !bare && repeat.is_some_and(|at| at + 2 < pages.len());
            let replies = Arc::new(Mutex::new(replies.into_iter()));
            let service = tower::service_fn(move |_: http::Request<Body>| -> BoxFuture<_> {
                let reply = replies.lock().unwrap().next().expect("a request beyond the last page");
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
            if is_loop {
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
