//! Streams of files whose connection breaks.

use std::collections::VecDeque;
use std::sync::Mutex;

use blaxel_core::{Body, Error};
use bytes::Bytes;
use http::{Response, StatusCode};
use proptest::prelude::*;

use super::fake::{Chunks, Seen, refuse, scripted};

const CONTENT: &[u8] = b"The quick brown fox jumps over the dog.";
const TIME: &str = "Mon, 30 Nov 2026 10:07:20 GMT";

/// A server that breaks the connection after some bytes of each response, as often as there are numbers.
struct Breaking {
    cuts: Mutex<VecDeque<usize>>,
    /// The body ends early instead of failing.
    silent: bool,
    time: Option<&'static str>,
    /// The content from the second response on.
    later: &'static [u8],
    ignores_ranges: bool,
}

impl Breaking {
    fn new(cuts: impl IntoIterator<Item = usize>) -> Self {
        Self {
            cuts: Mutex::new(cuts.into_iter().collect()),
            silent: false,
            time: Some(TIME),
            later: CONTENT,
            ignores_ranges: false,
        }
    }

    fn respond(&self, seen: &Seen, is_first: bool) -> Response<Body> {
        let content = if is_first { CONTENT } else { self.later };
        let mut response = Response::builder().header("content-disposition", "attachment");
        if let Some(time) = self.time {
            response = response.header("last-modified", time);
        }
        let range = seen
            .header("range")
            .and_then(|range| range.strip_prefix("bytes="));
        let unchanged = content == CONTENT || seen.header("if-range").is_none();
        let content = match range.filter(|_| !self.ignores_ranges && unchanged) {
            Some(range) => {
                let (first, last) = range.split_once('-').unwrap();
                let first: usize = first.parse().unwrap();
                if first >= content.len() {
                    let response = response
                        .status(416)
                        .header("content-range", format!("bytes */{}", content.len()));
                    return response.body(Body::empty()).unwrap();
                }
                let end = last
                    .parse()
                    .map_or(content.len(), |last: usize| (last + 1).min(content.len()));
                response = response.status(StatusCode::PARTIAL_CONTENT).header(
                    "content-range",
                    format!("bytes {first}-{}/{}", end - 1, content.len()),
                );
                &content[first..end]
            }
            None => content,
        };
        response = response.header("content-length", content.len());
        let cut = self.cuts.lock().unwrap().pop_front();
        let body = match cut {
            Some(cut) => {
                let content = &content[..cut.min(content.len())];
                let half = content.len() / 2;
                let chunks = vec![
                    Bytes::copy_from_slice(&content[..half]),
                    Bytes::copy_from_slice(&content[half..]),
                ];
                Chunks::body(chunks, !self.silent)
            }
            None => Body::from(content.to_vec()),
        };
        response.body(body).unwrap()
    }
}

async fn read(server: Breaking, range: Option<(u64, u64)>) -> (Result<Bytes, Error>, Vec<Seen>) {
    let is_first = Mutex::new(true);
    let (files, journal) = scripted(move |seen| {
        let first = std::mem::take(&mut *is_first.lock().unwrap());
        server.respond(seen, first)
    });
    let stream = files.read_stream("/a");
    let stream = match range {
        Some((start, end)) => stream.range(start..end),
        None => stream,
    };
    let outcome = match stream.await {
        Ok(stream) => stream.collect(1000).await,
        Err(error) => Err(error),
    };
    let seen = journal.lock().unwrap().clone();
    (outcome, seen)
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_resumed_wherever_it_breaks() {
    for cut in 0..CONTENT.len() {
        for silent in [false, true] {
            let server = Breaking {
                silent,
                ..Breaking::new([cut])
            };
            let (outcome, seen) = read(server, None).await;
            assert_eq!(outcome.unwrap(), CONTENT, "{cut}");
            assert_eq!(seen.len(), 2);
            assert_eq!(
                seen[1].header("range"),
                Some(format!("bytes={cut}-38").as_str())
            );
            assert_eq!(seen[1].header("if-range"), Some(TIME));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_range_is_resumed_within_its_bounds() {
    for cut in 0..10 {
        let (outcome, seen) = read(Breaking::new([cut]), Some((5, 15))).await;
        assert_eq!(outcome.unwrap(), CONTENT[5..15]);
        assert_eq!(seen[0].header("range"), Some("bytes=5-14"));
        assert_eq!(
            seen[1].header("range"),
            Some(format!("bytes={}-14", 5 + cut).as_str())
        );
    }
    // A server that ignores ranges sends the whole file.
    let server = Breaking {
        ignores_ranges: true,
        ..Breaking::new([])
    };
    assert_eq!(read(server, Some((5, 15))).await.0.unwrap(), CONTENT[5..15]);
    // Beyond the end there is nothing.
    assert_eq!(
        read(Breaking::new([]), Some((30, 100))).await.0.unwrap(),
        CONTENT[30..]
    );
    assert!(
        read(Breaking::new([]), Some((39, 100)))
            .await
            .0
            .unwrap()
            .is_empty()
    );
    let (outcome, seen) = read(Breaking::new([]), Some((5, 5))).await;
    assert!(outcome.unwrap_err().is_input() && seen.is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_versions_of_a_file_are_never_mixed() {
    let changed = Breaking {
        later: b"Another text, which is as long as this.",
        ..Breaking::new([10])
    };
    let (outcome, _) = read(changed, None).await;
    let error = outcome.unwrap_err();
    assert!(
        error.is_truncated() && error.to_string().contains("changed"),
        "{error}"
    );
    let grown = Breaking {
        later: b"The quick brown fox jumps over the dog. And back.",
        ..Breaking::new([10])
    };
    assert!(read(grown, None).await.0.unwrap_err().is_truncated());
    let unversioned = Breaking {
        time: None,
        ..Breaking::new([10])
    };
    let (outcome, seen) = read(unversioned, None).await;
    let error = outcome.unwrap_err();
    assert!(
        error.is_truncated() && error.to_string().contains("cannot be resumed"),
        "{error}"
    );
    assert_eq!(seen.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_does_not_advance_ends() {
    let (outcome, seen) = read(Breaking::new([7, 0, 0, 0, 0, 0, 0]), None).await;
    assert!(outcome.unwrap_err().is_transient());
    assert_eq!(seen.len(), 6);
    // Each byte that arrives allows further attempts.
    let (outcome, _) = read(Breaking::new([1; 38]), None).await;
    assert_eq!(outcome.unwrap(), CONTENT);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_removed_meanwhile_is_not_found() {
    let is_first = Mutex::new(true);
    let server = Breaking::new([10]);
    let (files, _) = scripted(
        move |seen| match std::mem::take(&mut *is_first.lock().unwrap()) {
            true => server.respond(seen, true),
            false => refuse(404, "no such file or directory"),
        },
    );
    let mut stream = files.read_stream("/a").await.unwrap();
    assert_eq!(
        (stream.len(), stream.remaining(), stream.is_empty()),
        (Some(39), Some(39), false)
    );
    while stream.position() < 10 {
        stream.try_next().await.unwrap().unwrap();
    }
    assert!(stream.try_next().await.unwrap_err().is_not_found());
    assert!(stream.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_file_larger_than_the_limit_is_refused_before_it_is_read() {
    let server = Breaking::new([]);
    let (files, _) = scripted(move |seen| server.respond(seen, true));
    let stream = files.read_stream("/a").await.unwrap();
    assert!(stream.collect(38).await.unwrap_err().is_decode());
    assert_eq!(
        files
            .read_stream("/a")
            .await
            .unwrap()
            .collect(39)
            .await
            .unwrap(),
        CONTENT
    );
}

proptest! {
    #[test]
    fn any_cuts_leave_the_bytes_unchanged(
        cuts in proptest::collection::vec(0_usize..40, 0..5),
        silent: bool,
        start in 0_u64..39,
        length in 1_u64..50,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let server = Breaking { silent, ..Breaking::new(cuts) };
        let (outcome, _) = runtime.block_on(read(server, Some((start, start + length))));
        let end = usize::try_from(start + length).unwrap().min(CONTENT.len());
        prop_assert_eq!(outcome.unwrap(), &CONTENT[usize::try_from(start).unwrap()..end]);
    }
}
