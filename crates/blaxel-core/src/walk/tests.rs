use std::sync::{Arc, Mutex};
use std::task::Context;

use proptest::prelude::*;

use super::*;
use crate::error::{Error, ErrorParts};
use crate::page::{Cursor, Page, PageMeta};

/// A scripted response: items, `hasMore` and cursor, or a failure.
type Reply = Result<(Vec<u32>, Option<bool>, &'static str), ()>;

/// The cursors that a scripted list was asked for.
type Asked = Arc<Mutex<Vec<Option<String>>>>;

/// Returns a list whose responses come from the script, and the log of the requested cursors.
fn scripted(script: Vec<Reply>) -> (Pages<Page<u32>>, Asked) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let mut script = script.into_iter();
    let pages = Pages::new(None, move |cursor| {
        log.lock()
            .unwrap()
            .push(cursor.map(|cursor| cursor.as_str().to_owned()));
        let reply = script.next().expect("a request beyond the script");
        Box::pin(async move {
            // One suspension point, so that a dropped `try_next` has something to lose.
            tokio::task::yield_now().await;
            let (items, has_more, next) = reply.map_err(|()| Error::transport("lost", "reset"))?;
            let next_cursor = (!next.is_empty()).then(|| Cursor::from(next));
            let mut meta = PageMeta::default().with_next_cursor(next_cursor);
            if let Some(more) = has_more {
                meta = meta.with_has_more(more);
            }
            Ok(Page { items, meta })
        })
    });
    (pages, asked)
}

async fn drain(mut items: Items<Page<u32>>) -> (Vec<u32>, Option<Error>) {
    let mut all = Vec::new();
    loop {
        match items.try_next().await {
            Ok(Some(item)) => all.push(item),
            Ok(None) => return (all, None),
            Err(error) => return (all, Some(error)),
        }
    }
}

#[tokio::test]
async fn an_empty_page_does_not_end_the_list() {
    let (pages, asked) = scripted(vec![
        Ok((vec![1, 2], Some(true), "a")),
        Ok((vec![], Some(true), "b")),
        Ok((vec![3], Some(false), "ignored")),
    ]);
    let (all, error) = drain(pages.items()).await;
    assert_eq!((all, error.is_none()), (vec![1, 2, 3], true));
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked, [None, Some("a".to_owned()), Some("b".to_owned())]);
}

#[tokio::test]
async fn a_repeated_cursor_is_an_error_after_the_items() {
    let (pages, _) = scripted(vec![
        Ok((vec![1], None, "a")),
        Ok((vec![2], None, "b")),
        Ok((vec![3], None, "a")),
    ]);
    let (all, error) = drain(pages.items()).await;
    assert_eq!(all, [1, 2, 3]);
    assert_eq!(error.unwrap().kind(), crate::ErrorKind::Pagination);
}

#[tokio::test]
async fn a_missing_cursor_is_an_error_rather_than_the_end() {
    let (pages, _) = scripted(vec![Ok((vec![1], Some(true), ""))]);
    let (all, error) = drain(pages.items()).await;
    assert_eq!(all, [1]);
    assert!(error.unwrap().to_string().contains("incomplete"));
}

#[tokio::test]
async fn too_many_empty_pages_are_an_error() {
    let names: Vec<&'static str> = (0..40)
        .map(|n| &*Box::leak(format!("c{n}").into_boxed_str()))
        .collect();
    let (pages, asked) = scripted(
        names
            .into_iter()
            .map(|name| Ok((vec![], None, name)))
            .collect(),
    );
    let (_, error) = drain(pages.items()).await;
    assert!(error.unwrap().to_string().contains("empty"));
    assert_eq!(asked.lock().unwrap().len(), 17);
}

#[tokio::test]
async fn a_failed_page_is_fetched_again() {
    let (pages, asked) = scripted(vec![
        Ok((vec![1], None, "a")),
        Err(()),
        Ok((vec![2], None, "")),
    ]);
    let mut items = pages.items();
    assert_eq!(items.try_next().await.unwrap(), Some(1));
    assert!(items.try_next().await.is_err());
    assert_eq!(items.try_next().await.unwrap(), Some(2));
    assert_eq!(items.try_next().await.unwrap(), None);
    assert_eq!(
        asked.lock().unwrap()[1..],
        [Some("a".to_owned()), Some("a".to_owned())]
    );
}

#[tokio::test]
async fn dropping_a_pending_call_loses_no_page() {
    let (mut pages, asked) = scripted(vec![Ok((vec![1], None, ""))]);
    {
        let wait = std::pin::pin!(pages.try_next());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(wait.poll(&mut cx).is_pending());
    }
    assert_eq!(pages.try_next().await.unwrap().unwrap().items, [1]);
    assert!(pages.try_next().await.unwrap().is_none());
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn into_vec_returns_all_items_or_an_error() {
    let good = || vec![Ok((vec![1], None, "a")), Ok((vec![2, 3], None, ""))];
    let (pages, _) = scripted(good());
    assert_eq!(pages.items().into_vec().await.unwrap(), [1, 2, 3]);
    let (pages, _) = scripted(good());
    let mut items = pages.items();
    items.try_next().await.unwrap();
    assert_eq!(items.into_vec().await.unwrap(), [2, 3]);
    let (pages, _) = scripted(vec![Ok((vec![1], None, "a")), Err(())]);
    assert!(pages.items().into_vec().await.is_err());
}

#[tokio::test]
async fn a_stream_and_try_next_share_one_walk() {
    let (mut pages, _) = scripted(vec![Ok((vec![1], None, "a")), Ok((vec![2], None, ""))]);
    let first = futures_util::StreamExt::next(&mut pages).await;
    assert_eq!(first.unwrap().unwrap().items, [1]);
    assert_eq!(pages.try_next().await.unwrap().unwrap().items, [2]);
    assert!(futures_util::StreamExt::next(&mut pages).await.is_none());
}

/// Returns a list of 0..total in pages of the given sizes, where 0 is an empty page.
fn numbered(sizes: Vec<usize>) -> Pages<Page<usize>> {
    Pages::new(None, move |cursor| {
        let index: usize = cursor.map_or(0, |cursor| cursor.as_str().parse().unwrap());
        let first: usize = sizes[..index].iter().sum();
        let items = (first..first + sizes[index]).collect();
        let last = index + 1 == sizes.len();
        let next_cursor = (!last).then(|| Cursor::from((index + 1).to_string()));
        let meta = PageMeta::default()
            .with_has_more(!last)
            .with_next_cursor(next_cursor);
        Box::pin(std::future::ready(Ok(Page { items, meta })))
    })
}

proptest! {
    #[test]
    fn every_item_is_returned_once_whatever_the_page_sizes(sizes in prop::collection::vec(0usize..5, 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let total: usize = sizes.iter().sum();
        let mut items = numbered(sizes).items();
        let all = runtime.block_on(async {
            let mut all = Vec::new();
            while let Some(item) = items.try_next().await.unwrap() {
                all.push(item);
            }
            all
        });
        prop_assert_eq!(all, (0..total).collect::<Vec<_>>());
    }

    #[test]
    fn a_filter_applies_before_and_after_resuming(
        sizes in prop::collection::vec(0usize..5, 1..12),
        stop in 0usize..20,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let wanted = || {
                let items = numbered(sizes.clone()).items();
                items.filter(|item| item % 2 == 0).filter(|item| item % 3 != 0)
            };
            let mut before = wanted();
            let mut all = Vec::new();
            while all.len() < stop {
                match before.try_next().await.unwrap() {
                    Some(item) => all.push(item),
                    None => break,
                }
            }
            let mut after = wanted().resume(before.checkpoint());
            while let Some(item) = after.try_next().await.unwrap() {
                all.push(item);
            }
            let total: usize = sizes.iter().sum();
            let expected = (0..total).filter(|item| item % 2 == 0 && item % 3 != 0);
            assert_eq!(all, expected.collect::<Vec<_>>());
        });
    }

    #[test]
    fn a_checkpoint_anywhere_resumes_at_the_next_item(
        sizes in prop::collection::vec(0usize..5, 1..12),
        stop in 0usize..40,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut before = numbered(sizes.clone()).items();
            let mut all = Vec::new();
            while all.len() < stop {
                match before.try_next().await.unwrap() {
                    Some(item) => all.push(item),
                    None => break,
                }
            }
            let saved = serde_json::to_string(&before.checkpoint()).unwrap();
            let checkpoint = serde_json::from_str(&saved).unwrap();
            let mut after = numbered(sizes.clone()).items().resume(checkpoint);
            // Saving again before the first item keeps the position.
            let checkpoint = after.checkpoint();
            after = after.resume(checkpoint);
            while let Some(item) = after.try_next().await.unwrap() {
                all.push(item);
            }
            let total: usize = sizes.iter().sum();
            assert_eq!(all, (0..total).collect::<Vec<_>>());
        });
    }
}

#[tokio::test(start_paused = true)]
async fn read_ahead_fetches_a_page_while_the_previous_one_is_processed() {
    const STEP: std::time::Duration = std::time::Duration::from_secs(1);
    let walk = |ahead: bool| async move {
        let mut left = 4u32;
        let pages = Pages::new(None, move |_| {
            left -= 1;
            let next = (left > 0).then(|| Cursor::from(left.to_string()));
            Box::pin(async move {
                tokio::time::sleep(STEP).await;
                Ok(Page {
                    items: vec![left],
                    meta: PageMeta::default().with_next_cursor(next),
                })
            })
        });
        let mut items = pages.items();
        if ahead {
            items = items.read_ahead(|work| {
                let task = tokio::spawn(work);
                Box::pin(async move { task.await.unwrap() })
            });
        }
        let start = tokio::time::Instant::now();
        let mut count = 0;
        while items.try_next().await.unwrap().is_some() {
            count += 1;
            tokio::time::sleep(STEP).await;
        }
        (count, start.elapsed())
    };
    // Four pages, each a second to fetch and a second to process.
    assert_eq!(walk(false).await, (4, STEP * 8));
    assert_eq!(walk(true).await, (4, STEP * 5));
}

#[tokio::test]
async fn distinct_returns_an_item_on_two_pages_once() {
    let script = || {
        vec![
            Ok((vec![3, 2], Some(true), "a")),
            Ok((vec![2, 1], Some(false), "")),
        ]
    };
    fn id(item: &u32) -> std::borrow::Cow<'_, str> {
        item.to_string().into()
    }
    let (all, _) = drain(scripted(script()).0.items()).await;
    assert_eq!(all, [3, 2, 2, 1]);
    let items = scripted(script()).0.items().identified_by(id).distinct(10);
    let (all, _) = drain(items).await;
    assert_eq!(all, [3, 2, 1]);
}
